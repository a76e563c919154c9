use super::super::source::testing::{Rows, ids, read as read_file};
use super::*;
use std::path::Path;

#[test]
fn quotes_doubled_quotes_and_newlines_inside_quotes() {
    let text = "row,\"distinct_id\",notes\r\n1,a,\"x\ny \"\"z\"\"\"\r\n2,\"b\"\"c\",\r\n3,\" d, e\",f\"g\n4,\"k\nl\",\n";
    let rows = read_file("ids.csv", text.as_bytes(), None).expect("read");
    assert_eq!(
        ids(&rows),
        [(2, "a"), (4, "b\"c"), (5, " d, e"), (6, "k\nl")]
    );
}

#[test]
fn which_column() {
    for (header, column, expected) in [
        ("id", None, Ok(0)),
        ("whatever", None, Ok(0)),
        ("\u{feff}distinct_id", None, Ok(0)),
        ("a,distinct_id", None, Ok(1)),
        ("$distinct_id,a", None, Ok(0)),
        ("$distinct_id,distinct_id", None, Ok(1)),
        ("a,b", Some("b"), Ok(1)),
        (
            "a,b",
            None,
            Err("which column holds the ids? Name it with column=; its columns are: a, b"),
        ),
        (
            "a,b",
            Some("B"),
            Err("no column has the name given as column=; its columns are: a, b"),
        ),
        (
            "a,x@y.z,17",
            Some("b"),
            Err("a, (not shown, may be an id), (not shown, may be an id)"),
        ),
        ("id,id", Some("id"), Err("two columns")),
        ("id;name", None, Err("not separated by commas")),
        ("someone@example.org", None, Err("looks like an id")),
        (
            "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            None,
            Err("looks like an id"),
        ),
    ] {
        let width = header.split(',').count();
        let row = (0..width)
            .map(|at| format!("v{at}"))
            .collect::<Vec<_>>()
            .join(",");
        let got = read_file("ids.CSV", format!("{header}\n{row}\n").as_bytes(), column);
        match (got, expected) {
            (Ok(rows), Ok(at)) => {
                assert_eq!(ids(&rows), [(2, format!("v{at}").as_str())], "{header}");
            }
            (Err(error), Err(part)) => assert!(error.message().contains(part), "{error}"),
            (got, _) => panic!("{header}: {got:?}"),
        }
    }
}

#[test]
fn shifted_and_malformed_records_are_refused() {
    let text = "a,id\n1,x\n2,y,z\n3\n\n4,\"v\"w\n5,u\n\n\n";
    let rows = read_file("ids.csv", text.as_bytes(), Some("id")).expect("read");
    let told: Vec<_> = rows
        .iter()
        .map(|(line, id)| (*line, id.as_deref().map_err(|reason| &reason[..5])))
        .collect();
    assert_eq!(
        told,
        [
            (2, Ok("x")),
            (3, Err("not a")),
            (4, Err("not a")),
            (5, Err("empty")),
            (6, Err("a quo")),
            (7, Ok("u"))
        ]
    );
}

#[test]
fn an_open_quote_is_told_with_its_line() {
    for text in ["id\na\n\"b\nc\nd\n", "id\na\n\"b"] {
        let error = read_file("ids.csv", text.as_bytes(), None).expect_err("refused");
        assert!(
            error.message().contains("line 3 is never closed"),
            "{error}"
        );
    }
    let huge = format!("id\n\"{}", "x\n".repeat(9 << 20));
    let error = read_file("ids.csv", huge.as_bytes(), None).expect_err("refused");
    assert!(error.message().contains("line 2 has no end"), "{error}");
}

#[test]
fn an_empty_file_has_no_rows() {
    for text in ["", "\n\n", "id", "id\n", "\u{feff}"] {
        assert_eq!(
            read_file("ids.csv", text.as_bytes(), None).expect("read"),
            [],
            "{text:?}"
        );
    }
}

#[test]
fn a_quoted_empty_field_is_a_row() {
    let rows = read_file("ids.csv", b"id\n\"\"\n", None).expect("read");
    assert_eq!(ids(&rows), [(2, "")]);
}

/// Gives so many bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn agrees_with_the_csv_crate_whatever_the_fields_hold() {
    const PIECES: &[&str] = &["\"", ",", "\n", "\r\n", "a", "é", " ", "", "\"\"", "xyz"];
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("small") % below
    };
    for terminator in [::csv::Terminator::Any(b'\n'), ::csv::Terminator::CRLF] {
        // More than a block, so that records are cut at its end.
        let mut writer = ::csv::WriterBuilder::new()
            .terminator(terminator)
            .from_writer(Vec::new());
        writer.write_record(["a", "id", "b"]).expect("written");
        let mut wanted = Vec::new();
        for _ in 0..60_000 {
            let mut field = || {
                (0..random(5))
                    .map(|_| PIECES[random(PIECES.len())])
                    .collect::<String>()
            };
            let record = [field(), field(), field()];
            writer.write_record(&record).expect("written");
            wanted.push(record[1].clone());
        }
        let bytes = writer.into_inner().expect("flushed");
        assert!(bytes.len() > 512 << 10);
        let mut rows = Rows::default();
        let mut sink = super::super::source::testing::blanks(&mut rows);
        read(
            Blocks::new(Drip(&bytes, 7_001), Path::new("ids.csv"), 16 << 20),
            Some("id"),
            &mut sink,
        )
        .expect("read");
        let got: Vec<&str> = ids(&rows.0).iter().map(|(_, id)| *id).collect();
        assert_eq!(got, wanted);
        let last = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        assert!(rows.0.last().expect("rows").0 <= last);
    }
}
