//! `data/events.csv`: every event, a column for each name, for a spreadsheet.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::digest::NewFile;
use super::record::{Record, plain};
use super::survey::{Survey, each_line};
use super::visible::cell;
use super::write::DataFile;

/// Names with a column of their own; spreadsheets do not like many more.
const COLUMNS: usize = 200;

/// Writes the table in the order of the data. Nothing is left out: what has no column stands in the
/// last one.
pub(super) fn write_table(
    dir: &Path,
    events: &str,
    path: &str,
    survey: &Survey,
    zone: &TimeZone,
) -> io::Result<DataFile> {
    let known = &survey.columns;
    let names: Vec<&str> = known.iter().take(COLUMNS).map(String::as_str).collect();
    let column: HashMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (*name, n))
        .collect();
    let rest = survey.spare
        || known.len() > names.len()
        || names
            .iter()
            .any(|name| name.chars().count() >= super::survey::NAME);
    let zone_name = zone.iana_name().filter(|name| *name != "UTC");

    let mut file = NewFile::create(dir, path)?;
    file.write_all(b"\xef\xbb\xbf")?;
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::NonNumeric)
        .from_writer(file);
    let mut row: Vec<String> = vec!["time_UTC".into()];
    row.extend(zone_name.map(|name| format!("time_{name}")));
    row.push("event".into());
    row.extend(names.iter().map(|name| cell(name).into_owned()));
    row.extend(rest.then(|| "other".into()));
    out.write_record(&row)?;

    let mut records = 0;
    each_line(&dir.join(events), |_, line| {
        records += 1;
        row.clear();
        let record = Record::read(line);
        let at = record.as_ref().and_then(Record::time);
        row.push(at.map_or_else(String::new, |at| clock(at, &TimeZone::UTC)));
        if zone_name.is_some() {
            row.push(at.map_or_else(String::new, |at| clock(at, zone)));
        }
        let event = record.as_ref().and_then(|record| record.event.as_deref());
        row.push(cell(event.unwrap_or_default()).into_owned());
        let from = row.len();
        row.resize(from + names.len(), String::new());
        let mut others = String::new();
        match &record {
            None => others = String::from_utf8_lossy(line).into_owned(),
            Some(record) => {
                for (name, value) in &record.facts {
                    let free = column
                        .get(&**name)
                        .and_then(|n| row.get_mut(from + n))
                        .filter(|cell| cell.is_empty());
                    match free {
                        Some(free) => *free = cell(&plain(value)).into_owned(),
                        // It has its own columns, unless it is no time at all.
                        None if name == "time" && at.is_some() => {}
                        None => {
                            let comma = if others.is_empty() { "{" } else { "," };
                            let name = serde_json::to_string(name)?;
                            others.extend([comma, &name, ":", value.get()]);
                        }
                    }
                }
                if !others.is_empty() {
                    others.push('}');
                }
            }
        }
        if rest || !others.is_empty() {
            row.push(cell(&others).into_owned());
        }
        if row.len() < from + names.len() + usize::from(rest) {
            row.push(String::new());
        }
        out.write_byte_record(&csv::ByteRecord::from(row.as_slice()))
            .map_err(io::Error::other)
    })?;
    let file = out
        .into_inner()
        .map_err(|e| io::Error::other(e.to_string()))?;
    file.finish(Some(records))
}

fn clock(at: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| String::new(),
        |at| {
            zone.to_datetime(at)
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(events: &str, zone: &str) -> Vec<Vec<String>> {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::write(dir.path().join("e"), events).expect("events");
        let zone = TimeZone::get(zone).expect("zone");
        let survey = Survey::take(dir.path(), "a", [Some("e"), None], &zone).expect("survey");
        let file = write_table(dir.path(), "e", "t.csv", &survey, &zone).expect("table");
        let bytes = std::fs::read(dir.path().join("t.csv")).expect("table");
        assert_eq!(file.bytes, bytes.len() as u64);
        let text = bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .expect("a byte order mark");
        assert_eq!(file.records, Some(events.lines().count() as u64));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text);
        reader
            .records()
            .map(|row| row.expect("row").iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn every_value_has_its_cell_and_none_is_a_formula() {
        let rows = table(
            concat!(
                "{\"event\":\"=x\",\"properties\":{\"time\":1700000000,\"n\":-5,\"f\":\"=1+1\",\"l\":[1,2]}}\n",
                "{\"event\":\"y\",\"properties\":{\"time\":1700000000,\"n\":1,\"n\":2,\"@h\":\"a\\nb\"}}\n",
                "{\"event\":\"z\",\"time\":\"never\"}\n",
                "{\"\\ud800\":1}\n",
            ),
            "Europe/Berlin",
        );
        assert_eq!(
            rows[0],
            [
                "time_UTC",
                "time_Europe/Berlin",
                "event",
                "n",
                "'@h",
                "f",
                "l",
                "other"
            ]
        );
        assert_eq!(
            rows[1],
            [
                "2023-11-14 22:13:20",
                "2023-11-14 23:13:20",
                "'=x",
                "-5",
                "",
                "'=1+1",
                "[1,2]",
                ""
            ]
        );
        assert_eq!(rows[2][3..], ["1", "a\\nb", "", "", "{\"n\":2}"]);
        assert_eq!(rows[3][7], "{\"time\":\"never\"}");
        assert_eq!(rows[4][7], "{\"\\ud800\":1}");
    }

    #[test]
    fn a_plain_table_has_no_spare_column() {
        let rows = table(
            "{\"event\":\"x\",\"properties\":{\"time\":1700000000,\"b\":1}}\n",
            "UTC",
        );
        assert_eq!(rows[0], ["time_UTC", "event", "b"]);
        assert_eq!(rows[1], ["2023-11-14 22:13:20", "x", "1"]);
    }

    /// What only the profile says has no column here, and an odd profile needs none.
    #[test]
    fn the_profile_makes_no_columns() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (event, profile) = (
            "{\"event\":\"x\",\"properties\":{\"time\":1700000000,\"b\":1}}\n",
            "{\"$distinct_id\":\"a\",\"$properties\":{\"$name\":\"A\",\"b\":1,\"$name\":\"B\"}}\n",
        );
        std::fs::write(dir.path().join("e"), event).expect("events");
        std::fs::write(dir.path().join("p"), profile).expect("profiles");
        let zone = TimeZone::UTC;
        let files = [Some("e"), Some("p")];
        let survey = Survey::take(dir.path(), "a", files, &zone).expect("survey");
        assert!(survey.names.len() > 1, "the pages count them all");
        write_table(dir.path(), "e", "t.csv", &survey, &zone).expect("table");
        let text = std::fs::read_to_string(dir.path().join("t.csv")).expect("table");
        assert!(
            text.starts_with("\u{feff}\"time_UTC\",\"event\",\"b\"\r\n"),
            "{text}"
        );
    }

    #[test]
    fn a_flood_of_names_stays_in_one_column() {
        let facts: Vec<String> = (0..900).map(|n| format!("\"p{n:03}\":{n}")).collect();
        let rows = table(&format!("{{\"event\":\"x\",{}}}\n", facts.join(",")), "UTC");
        assert_eq!(rows[0].len(), 2 + COLUMNS + 1);
        assert!(rows[1].last().expect("last").contains("\"p899\":899"));
    }
}
