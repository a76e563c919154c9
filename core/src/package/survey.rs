//! One look through a person's events, to know what there is before anything is written about it.
//!
//! Whatever an archive holds, what is kept here is bounded: names and kinds are counted up to a
//! limit and then together, and of each event only its place in the file is remembered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::record::{Record, identifiers};
use super::visible::shortened;

/// Different names or kinds that are counted one by one.
const TALLIED: usize = 1_000;
/// Characters of a name that tell it from others.
pub(super) const NAME: usize = 200;
/// Further ids of a person that are named.
const IDENTIFIERS: usize = 100;
/// Events that pages show; the newest ones. Tables and data files hold all.
pub(super) const SHOWN: usize = 1_000_000;

/// Where an event lies in its file, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// `i64::MIN` without a time, which puts it behind all others.
    pub(super) at: i64,
    pub(super) offset: u64,
    pub(super) len: u32,
}

impl Place {
    pub(super) fn time(&self) -> Option<i64> {
        (self.at != i64::MIN).then_some(self.at)
    }
}

/// How often, and from when to when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    pub(super) span: Option<(i64, i64)>,
}

impl Seen {
    fn add(&mut self, at: Option<i64>) {
        self.count += 1;
        if let Some(at) = at {
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
        }
    }
}

/// Counts by name, up to a limit.
#[derive(Default)]
pub(super) struct Tally {
    by_name: HashMap<String, Seen>,
    pub(super) others: Seen,
}

impl Tally {
    fn add(&mut self, name: &str, at: Option<i64>) {
        let (name, _) = shortened(name, NAME);
        if let Some(seen) = self.by_name.get_mut(name) {
            seen.add(at);
        } else if self.by_name.len() < TALLIED {
            self.by_name.entry(name.to_owned()).or_default().add(at);
        } else {
            self.others.add(at);
        }
    }

    /// The most frequent first.
    pub(super) fn ranked(&self) -> Vec<(&str, Seen)> {
        let mut all: Vec<_> = self.by_name.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        all.sort_unstable_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(b.0)));
        all
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len() + usize::from(self.others.count > 0)
    }
}

/// What a person's events and profiles are.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) events: Seen,
    /// By year and month of the zone.
    pub(super) months: BTreeMap<(i16, i8), u64>,
    pub(super) days: usize,
    pub(super) kinds: Tally,
    /// Names of properties; `time` and the event's own name are not among them.
    pub(super) names: Tally,
    /// The names in events alone, the most frequent first, as far as they were counted one by one.
    pub(super) columns: Vec<String>,
    /// A plain table of the events has no place for something in them.
    pub(super) spare: bool,
    /// A name stood twice in one record, or a time was none: a plain table has no place for it.
    pub(super) odd: bool,
    /// Records that could not be taken apart.
    pub(super) unreadable: u64,
    /// Further ids, with the property that names each.
    pub(super) identifiers: Vec<(String, &'static str)>,
    /// The newest first.
    pub(super) places: Vec<Place>,
    /// Profile records and the values in them.
    pub(super) profiles: u64,
    pub(super) profile_facts: u64,
}

impl Survey {
    /// Reads both files, as far as they are there. `subject` is the id that was asked for.
    pub(super) fn take(
        dir: &Path,
        subject: &str,
        files: [Option<&str>; 2],
        zone: &TimeZone,
    ) -> io::Result<Self> {
        let mut survey = Self::default();
        let mut days = HashSet::new();
        let [events, profiles] = files;
        if let Some(events) = events {
            each_line(&dir.join(events), |offset, line| {
                survey.event(subject, zone, &mut days, offset, line);
                Ok(())
            })?;
        }
        survey.columns = (survey.names.ranked().iter())
            .map(|(name, _)| (*name).to_owned())
            .collect();
        survey.spare = survey.odd || survey.unreadable > 0 || survey.names.others.count > 0;
        if let Some(profiles) = profiles {
            each_line(&dir.join(profiles), |_, line| {
                survey.profiles += 1;
                let Some(record) = Record::read(line) else {
                    survey.unreadable += 1;
                    return Ok(());
                };
                survey.profile_facts += record.facts.len() as u64;
                survey.name(subject, &record, None);
                Ok(())
            })?;
        }
        survey.days = days.len();
        survey.keep_newest(0);
        survey
            .places
            .sort_unstable_by(|a, b| b.at.cmp(&a.at).then(b.offset.cmp(&a.offset)));
        Ok(survey)
    }

    fn event(
        &mut self,
        subject: &str,
        zone: &TimeZone,
        days: &mut HashSet<(i16, i16)>,
        offset: u64,
        line: &[u8],
    ) {
        let record = Record::read(line);
        let at = record.as_ref().and_then(Record::time);
        let local = at.and_then(|at| local(at, zone));
        let at = local.and(at);
        self.events.add(at);
        if let Some(local) = local {
            *self
                .months
                .entry((local.year(), local.month()))
                .or_default() += 1;
            days.insert((local.year(), local.date().day_of_year()));
        }
        match &record {
            Some(record) => {
                self.odd |= at.is_none() && record.fact("time").is_some();
                self.kinds.add(record.event.as_deref().unwrap_or(""), at);
                self.name(subject, record, at);
            }
            None => self.unreadable += 1,
        }
        self.places.push(Place {
            at: at.unwrap_or(i64::MIN),
            offset,
            len: u32::try_from(line.len()).unwrap_or(u32::MAX),
        });
        self.keep_newest(SHOWN / 2);
    }

    fn name(&mut self, subject: &str, record: &Record<'_>, at: Option<i64>) {
        for (n, (name, _)) in record.facts.iter().enumerate() {
            if name != "time" {
                self.names.add(name, at);
            }
            let earlier = record.facts.get(..n).unwrap_or_default();
            self.odd |= earlier.iter().any(|(other, _)| other == name);
        }
        for (by, id) in identifiers(record) {
            let known = id == subject || self.identifiers.iter().any(|(known, _)| *known == id);
            if !known && self.identifiers.len() < IDENTIFIERS {
                self.identifiers.push((id, by));
            }
        }
    }

    /// Forgets the oldest places, once there are so many more than are shown.
    fn keep_newest(&mut self, slack: usize) {
        if self.places.len() > SHOWN + slack {
            self.places.select_nth_unstable_by(SHOWN - 1, |a, b| {
                b.at.cmp(&a.at).then(b.offset.cmp(&a.offset))
            });
            self.places.truncate(SHOWN);
        }
    }

    /// The ids under which this person is known.
    pub(super) fn known_as(&self) -> u64 {
        1 + self.identifiers.len() as u64
    }
}

/// The wall clock of the zone at that moment; `None` beyond the calendar.
pub(super) fn local(at: i64, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_millisecond(at).ok()?))
}

/// Gives each line, without its end, and where it begins.
pub(super) fn each_line(
    path: &Path,
    mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(256 << 10, File::open(path)?);
    let (mut line, mut offset) = (Vec::new(), 0);
    loop {
        line.clear();
        let n = input.read_until(b'\n', &mut line)?;
        if n == 0 {
            return Ok(());
        }
        take(offset, line.trim_ascii_end())?;
        offset += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(events: &str) -> Survey {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::write(dir.path().join("e"), events).expect("events");
        Survey::take(dir.path(), "a", [Some("e"), None], &TimeZone::UTC).expect("survey")
    }

    #[test]
    fn counts_are_those_of_the_lines() {
        let survey = take(concat!(
            "{\"event\":\"x\",\"properties\":{\"time\":1700000000,\"distinct_id\":\"a\",\"$device_id\":\"d\"}}\n",
            "{\"event\":\"y\",\"properties\":{\"time\":1600000000,\"distinct_id\":\"a\",\"c\":1,\"c\":2}}\r\n",
            "{\"event\":\"x\",\"properties\":{\"distinct_id\":\"a\"}}\n",
            "{\"\\ud800\":1}\n",
        ));
        assert_eq!(survey.events.count, 4);
        assert_eq!(
            survey.events.span,
            Some((1_600_000_000_000, 1_700_000_000_000))
        );
        assert_eq!(survey.months, [((2020, 9), 1), ((2023, 11), 1)].into());
        assert_eq!((survey.days, survey.unreadable, survey.odd), (2, 1, true));
        let kinds: Vec<_> = survey
            .kinds
            .ranked()
            .iter()
            .map(|(n, s)| (*n, s.count))
            .collect();
        assert_eq!(kinds, [("x", 2), ("y", 1)]);
        assert_eq!(survey.identifiers, [("d".to_owned(), "$device_id")]);
        let times: Vec<_> = survey.places.iter().map(Place::time).collect();
        assert_eq!(
            times,
            [Some(1_700_000_000_000), Some(1_600_000_000_000), None, None]
        );
    }

    #[test]
    fn a_flood_of_names_is_counted_together() {
        let flood: String = (0..3_000)
            .map(|n| format!("{{\"event\":\"e{n}\",\"p{n}\":\"\",\"alias\":\"i{n}\"}}\n"))
            .collect();
        let survey = take(&flood);
        assert_eq!(survey.kinds.len(), TALLIED + 1);
        assert_eq!(survey.kinds.others.count, 2_000);
        assert_eq!(survey.identifiers.len(), IDENTIFIERS);
    }
}
