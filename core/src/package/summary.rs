//! The person's data in a few words: the sentence at the top, the cards, the tables of kinds and names.

use super::html::Person;
use super::survey::Seen;
use super::timeline::VALUE;
use super::view::{Card, Kind, Name};
use super::visible::{shortened, visible};

/// Rows of each table.
const ROWS: usize = 300;

impl Person<'_> {
    pub(super) fn lead(&self) -> String {
        let (words, survey) = (self.words(), self.survey);
        let identifiers = words.count("identifiers", survey.known_as());
        let events = words.count("events", survey.events.count);
        let gaps = [("events", events.as_str()), ("identifiers", &identifiers)];
        match (survey.events.count, survey.profiles, self.whole_period()) {
            (0, 0, _) => words.fill("lead_nothing", &gaps),
            (0, _, _) => words.fill("lead_only_profile", &gaps),
            (_, _, None) => words.fill("lead_undated", &gaps),
            (_, _, Some(period)) => {
                let [events, identifiers] = gaps;
                words.fill("lead", &[events, identifiers, ("period", &period)])
            }
        }
    }

    /// `from January to June 2026`.
    pub(super) fn whole_period(&self) -> Option<String> {
        let words = self.words();
        let (first, _) = self.survey.months.first_key_value()?;
        let (last, _) = self.survey.months.last_key_value()?;
        let form = match (first.0 == last.0, first.1 == last.1) {
            (true, true) => "period_month",
            (true, false) => "period_year",
            _ => "period_years",
        };
        let (first_year, year) = (first.0.to_string(), last.0.to_string());
        let gaps = [
            ("from_year", first_year.as_str()),
            ("from", words.month(first.1)),
            ("to", words.month(last.1)),
            ("year", &year),
        ];
        Some(words.fill(form, &gaps))
    }

    pub(super) fn profile_line(&self) -> String {
        let words = self.words();
        match (self.survey.profiles, self.survey.events.count) {
            (0, 0) => String::new(),
            (0, _) => words.text("profile_none").to_owned(),
            _ => {
                let facts = words.count("facts", self.survey.profile_facts);
                words.fill("profile_found", &[("facts", &facts)])
            }
        }
    }

    pub(super) fn cards(&self) -> Vec<Card> {
        let (words, survey) = (self.words(), self.survey);
        let card = |label: &str, value: String, note: String| Card {
            label: words.text(label).to_owned(),
            value,
            note,
        };
        let short = |(year, month): (i16, i8)| format!("{}\u{a0}{year}", words.month_short(month));
        let ends = (
            survey.months.first_key_value(),
            survey.months.last_key_value(),
        );
        let period = match ends {
            (Some((first, _)), Some((last, _))) if first == last => short(*first),
            (Some((first, _)), Some((last, _))) => {
                let begin = if first.0 == last.0 {
                    words.month_short(first.1).to_owned()
                } else {
                    short(*first)
                };
                words.fill("first_last", &[("first", &begin), ("last", &short(*last))])
            }
            _ => words.text("no_period").to_owned(),
        };
        let days = words.count("days", survey.days as u64);
        let most = survey
            .kinds
            .ranked()
            .first()
            .map_or_else(String::new, |(name, _)| {
                let name = self.event_name(name);
                words.fill("most", &[("name", shortened(&name, 40).0)])
            });
        let facts = words.count("profiles", survey.profiles);
        let linked = match survey.identifiers.len() {
            0 => String::new(),
            n => format!("+{n} {}", words.text("linked")),
        };
        vec![
            card("events", words.number(survey.events.count), facts),
            card("period", period, words.fill("days", &[("days", &days)])),
            card("kinds", words.number(survey.kinds.len() as u64), most),
            card("identifiers", words.number(survey.known_as()), linked),
        ]
    }

    pub(super) fn month_rows(&self) -> Vec<(String, String)> {
        let (words, survey) = (self.words(), self.survey);
        let mut rows: Vec<(String, String)> = survey
            .months
            .iter()
            .rev()
            .take(ROWS)
            .map(|((year, month), n)| (format!("{} {year}", words.month(*month)), words.number(*n)))
            .collect();
        let dated: u64 = survey.months.values().sum();
        if dated < survey.events.count {
            let undated = survey.events.count - dated;
            rows.push((words.text("month_other").to_owned(), words.number(undated)));
        }
        rows
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        let (words, tally) = (self.words(), &self.survey.kinds);
        let row = |name: String, about: Option<&str>, seen: Seen| {
            let date = |at: Option<i64>| {
                let moment = at.and_then(|at| words.moment(at, self.zone));
                moment.map(|moment| moment.date).unwrap_or_default()
            };
            Kind {
                name,
                about: about.map(str::to_owned),
                count: words.number(seen.count),
                first: date(seen.span.map(|span| span.0)),
                last: date(seen.span.map(|span| span.1)),
            }
        };
        let ranked = tally.ranked();
        let mut others = tally.others;
        others.count += ranked
            .iter()
            .skip(ROWS)
            .map(|(_, seen)| seen.count)
            .sum::<u64>();
        let mut rows: Vec<Kind> = ranked
            .into_iter()
            .take(ROWS)
            .map(|(name, seen)| row(self.event_name(name), words.event(name), seen))
            .collect();
        if others.count > 0 {
            others.span = None;
            rows.push(row(words.text("others").to_owned(), None, others));
        }
        rows
    }

    pub(super) fn names(&self) -> Vec<Name> {
        let (words, tally) = (self.words(), &self.survey.names);
        let ranked = tally.ranked();
        let rest = ranked
            .iter()
            .skip(ROWS)
            .map(|(_, seen)| seen.count)
            .sum::<u64>();
        let others = tally.others.count + rest;
        let mut rows: Vec<Name> = ranked
            .into_iter()
            .take(ROWS)
            .map(|(name, seen)| Name {
                name: visible(name).into_owned(),
                about: words.property(name).map(str::to_owned),
                count: words.number(seen.count),
            })
            .collect();
        if others > 0 {
            rows.push(Name {
                name: words.text("others").to_owned(),
                about: None,
                count: words.number(others),
            });
        }
        rows
    }

    pub(super) fn event_name(&self, name: &str) -> String {
        match name {
            "" => self.words().text("unnamed").to_owned(),
            name => visible(shortened(name, VALUE).0).into_owned(),
        }
    }
}
