//! Events and profiles, value by value, as pages show them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use crate::error::Result;

use super::html::Person;
use super::record::{Record, plain};
use super::survey::{Place, each_line, local};
use super::view::{Event, Fact, Group};
use super::visible::{shortened, visible};

/// Characters of one value on a page.
pub(super) const VALUE: usize = 1_000;
/// Values of one event on a page.
const FACTS: usize = 200;
/// Profiles on a page: one person has one, or a few once ids were merged.
const PROFILES: usize = 20;

impl Person<'_> {
    pub(super) fn read_profiles(&self) -> Result<Vec<Vec<Fact>>> {
        let mut profiles = Vec::new();
        let Some(path) = self.profiles else {
            return Ok(profiles);
        };
        each_line(&self.dir.join(path), |_, line| {
            if profiles.len() < PROFILES {
                profiles.push(match Record::read(line) {
                    Some(record) => self.facts(&record).0,
                    None => Vec::new(),
                });
            }
            Ok(())
        })
        .map_err(|e| self.failed(e))?;
        Ok(profiles)
    }

    pub(super) fn facts(&self, record: &Record<'_>) -> (Vec<Fact>, Option<String>) {
        let words = self.words();
        let rest = record.facts.len().saturating_sub(FACTS) as u64;
        let facts = record.facts.iter().take(FACTS).map(|(name, value)| {
            let text = plain(value);
            let (text, rest) = shortened(&text, VALUE);
            Fact {
                name: visible(shortened(name, VALUE).0).into_owned(),
                about: words.property(name).map(str::to_owned),
                value: visible(text).into_owned(),
                more: (rest > 0).then(|| words.fill("more", &[("n", &words.number(rest as u64))])),
            }
        });
        let more = (rest > 0).then(|| words.fill("more_facts", &[("n", &words.number(rest))]));
        (facts.collect(), more)
    }

    /// The events at these places, by month.
    pub(super) fn groups(&self, places: &[Place]) -> Result<Vec<Group>> {
        let Some(path) = self.events else {
            return Ok(Vec::new());
        };
        let mut file = File::open(self.dir.join(path)).map_err(|e| self.failed(e))?;
        let words = self.words();
        let mut groups: Vec<(Option<(i16, i8)>, Group)> = Vec::new();
        let mut line = Vec::new();
        for place in places {
            let month = place
                .time()
                .and_then(|at| local(at, self.zone))
                .map(|at| (at.year(), at.month()));
            line.resize(place.len as usize, 0);
            file.seek(SeekFrom::Start(place.offset))
                .and_then(|_| file.read_exact(&mut line))
                .map_err(|e| self.failed(e))?;
            let event = self.event(&line, place);
            match groups.last_mut() {
                Some((key, group)) if *key == month => group.events.push(event),
                _ => {
                    let label = match month {
                        Some((year, month)) => format!("{} {year}", words.month(month)),
                        None => words.text("month_other").to_owned(),
                    };
                    let group = Group {
                        label,
                        count: String::new(),
                        open: groups.is_empty(),
                        events: vec![event],
                    };
                    groups.push((month, group));
                }
            }
        }
        Ok(groups
            .into_iter()
            .map(|(_, mut group)| {
                group.count = words.count("events", group.events.len() as u64);
                group
            })
            .collect())
    }

    pub(super) fn event(&self, line: &[u8], place: &Place) -> Event {
        let words = self.words();
        let Some(mut record) = Record::read(line) else {
            let text = String::from_utf8_lossy(line);
            return Event {
                name: words.text("unreadable_name").to_owned(),
                about: None,
                at: None,
                facts: Vec::new(),
                more: None,
                raw: Some(visible(shortened(&text, VALUE).0).into_owned()),
            };
        };
        if place.time().is_some() {
            record.facts.retain(|(name, _)| name != "time");
        }
        let name = record.event.as_deref().unwrap_or_default();
        let (facts, more) = self.facts(&record);
        Event {
            name: self.event_name(name),
            about: words.event(name).map(str::to_owned),
            at: place.time().and_then(|at| words.moment(at, self.zone)),
            facts,
            more,
            raw: None,
        }
    }
}
