//! The words of a page: a table for each language. A company can bring its own.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::error::{self, Error, ErrorKind, Result};

const BUILT_IN: [(&str, &str); 4] = [
    ("en", include_str!("texts/en.toml")),
    ("de", include_str!("texts/de.toml")),
    ("fr", include_str!("texts/fr.toml")),
    ("es", include_str!("texts/es.toml")),
];

/// One language. What it does not say is said in English.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Language {
    /// `en`; for the page's `lang`.
    #[serde(skip)]
    pub(super) code: String,
    /// `ltr` or `rtl`.
    pub(super) dir: String,
    /// Between groups of three digits.
    thousands: String,
    /// The numbers that take the form `one`.
    one: Vec<u64>,
    /// `{day} {month} {year}`, in the language's order.
    date: String,
    months: Vec<String>,
    months_short: Vec<String>,
    /// Sentences, labels and headings.
    pub(super) text: BTreeMap<String, String>,
    /// Forms that depend on a number: `one` and `other`, with `{n}`.
    plural: BTreeMap<String, Plural>,
    /// Labels of the texts that Art. 15(1) wants from the controller, by their slot.
    pub(super) slots: BTreeMap<String, String>,
    /// What the vendor's own events mean.
    events: HashMap<String, String>,
    /// What the vendor's own properties mean.
    properties: HashMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Plural {
    one: String,
    other: String,
}

impl Language {
    /// A table of `folder` (`texts.<code>.toml`), or one of ours.
    pub(super) fn find(code: &str, folder: Option<&Path>) -> Result<Self> {
        let plain = !code.is_empty()
            && code.len() <= 35
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let short = code.split('-').next().unwrap_or_default();
        let mut own = None;
        if let Some(folder) = folder.filter(|_| plain) {
            let path = folder.join(format!("texts.{code}.toml"));
            match std::fs::read_to_string(&path) {
                Ok(text) => own = Some(text),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(error::io("read", &path, e)),
            }
        }
        let built_in = BUILT_IN
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(code))
            .or_else(|| {
                BUILT_IN
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(short))
            });
        if own.is_none() && built_in.is_none() {
            let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "there are no texts in that language",
            )
            .with("languages", known.join(" "))
            .with_hint(
                "Choose one of these, or put texts.<language>.toml into the folder of templates.",
            ));
        }
        let mut language = parse(BUILT_IN[0].1)?;
        if let Some((_, text)) = built_in {
            language.lay(parse(text)?);
        }
        if let Some(text) = own {
            language.lay(parse(&text)?);
        }
        code.clone_into(&mut language.code);
        if !matches!(language.dir.as_str(), "ltr" | "rtl")
            || language.months.len() != 12
            || language.months_short.len() != 12
        {
            return Err(unusable("dir is ltr or rtl, and a year has twelve months"));
        }
        Ok(language)
    }

    /// Puts another table over this one.
    fn lay(&mut self, other: Self) {
        let texts = [
            (&mut self.dir, other.dir),
            (&mut self.thousands, other.thousands),
            (&mut self.date, other.date),
        ];
        for (mine, theirs) in texts.into_iter().filter(|(_, theirs)| !theirs.is_empty()) {
            *mine = theirs;
        }
        for (mine, theirs) in [
            (&mut self.months, other.months),
            (&mut self.months_short, other.months_short),
        ] {
            if !theirs.is_empty() {
                *mine = theirs;
            }
        }
        if !other.one.is_empty() {
            self.one = other.one;
        }
        self.text.extend(other.text);
        self.plural.extend(other.plural);
        self.slots.extend(other.slots);
        self.events.extend(other.events);
        self.properties.extend(other.properties);
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.text.get(name).map_or("", String::as_str)
    }

    /// A sentence with its `{gaps}` filled.
    pub(super) fn fill(&self, name: &str, gaps: &[(&str, &str)]) -> String {
        fill(self.text(name), gaps)
    }

    /// `1 event`, `2,000 events`.
    pub(super) fn count(&self, what: &str, n: u64) -> String {
        let Some(plural) = self.plural.get(what) else {
            return self.number(n);
        };
        let form = if self.one.contains(&n) {
            &plural.one
        } else {
            &plural.other
        };
        fill(form, &[("n", &self.number(n))])
    }

    pub(super) fn number(&self, n: u64) -> String {
        let digits = n.to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push_str(&self.thousands);
            }
            grouped.push(digit);
        }
        // Two groups of four digits are not set apart in most tables of style.
        if digits.len() == 4 { digits } else { grouped }
    }

    pub(super) fn month(&self, month: i8) -> &str {
        named(&self.months, month)
    }

    pub(super) fn month_short(&self, month: i8) -> &str {
        named(&self.months_short, month)
    }

    /// `6 June 2026, 14:00:00`, and the same moment in UTC for machines and for the doubtful.
    pub(super) fn moment(&self, ms: i64, zone: &TimeZone) -> Option<Moment> {
        let at = Timestamp::from_millisecond(ms).ok()?;
        let local = at.to_zoned(zone.clone());
        let utc = at.to_zoned(TimeZone::UTC);
        let date = fill(
            &self.date,
            &[
                ("day", &local.day().to_string()),
                ("month", self.month(local.month())),
                ("year", &local.year().to_string()),
            ],
        );
        Some(Moment {
            iso: utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            utc: utc.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            time: local.strftime("%H:%M:%S").to_string(),
            date,
        })
    }

    /// What the vendor says that a property is; `None` for the company's own.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    pub(super) fn event(&self, name: &str) -> Option<&str> {
        self.events.get(name).map(String::as_str)
    }
}

/// A moment in the reader's words.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Moment {
    pub(super) iso: String,
    pub(super) utc: String,
    pub(super) date: String,
    pub(super) time: String,
}

fn named(months: &[String], month: i8) -> &str {
    let at = usize::try_from(month - 1).unwrap_or_default();
    months.get(at).map_or("", String::as_str)
}

fn fill(text: &str, gaps: &[(&str, &str)]) -> String {
    let mut filled = text.to_owned();
    for (name, value) in gaps {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    filled
}

fn parse(text: &str) -> Result<Language> {
    toml::from_str(text).map_err(|e| unusable(e.message()))
}

fn unusable(reason: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("a table of texts cannot be used: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        let english = parse(BUILT_IN[0].1).expect("en");
        for (code, text) in BUILT_IN {
            let other = parse(text).unwrap_or_else(|e| panic!("{code}: {e}"));
            let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&other.text), keys(&english.text), "{code}");
            assert_eq!(keys(&other.slots), keys(&english.slots), "{code}");
            let plurals = |l: &Language| l.plural.keys().cloned().collect::<Vec<_>>();
            assert_eq!(plurals(&other), plurals(&english), "{code}");
            let sorted = |map: &HashMap<String, String>| {
                let mut keys: Vec<_> = map.keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(
                sorted(&other.properties),
                sorted(&english.properties),
                "{code}"
            );
            assert_eq!(sorted(&other.events), sorted(&english.events), "{code}");
            // The same gaps in every language.
            for (name, text) in &english.text {
                let gaps = |text: &str| {
                    let mut gaps: Vec<_> = text
                        .split('{')
                        .skip(1)
                        .filter_map(|part| part.split('}').next().map(str::to_owned))
                        .collect();
                    gaps.sort();
                    gaps
                };
                assert_eq!(gaps(&other.text[name]), gaps(text), "{code}: {name}");
            }
            assert!(
                !other.one.is_empty() && !other.thousands.is_empty(),
                "{code}"
            );
        }
    }

    #[test]
    fn numbers_and_times_are_the_languages_own() {
        let find = |code| Language::find(code, None).expect(code);
        assert_eq!(find("en").count("events", 1), "1 event");
        assert_eq!(find("en-GB").count("events", 12_345), "12,345 events");
        assert_eq!(find("en").count("events", 1_234), "1234 events");
        assert_eq!(find("fr").count("events", 0), "0 événement");
        assert_eq!(
            find("de").count("events", 1_234_567),
            "1.234.567 Ereignisse"
        );
        let zone = TimeZone::get("Europe/Berlin").expect("zone");
        let moment = find("de").moment(1_780_315_200_000, &zone).expect("moment");
        assert_eq!(
            (
                moment.date.as_str(),
                moment.time.as_str(),
                moment.utc.as_str()
            ),
            ("1. Juni 2026", "14:00:00", "2026-06-01 12:00:00 UTC")
        );
        assert!(find("de").moment(i64::MAX, &zone).is_none());
        for unknown in ["xx", "", "../en", "e"] {
            assert!(Language::find(unknown, None).is_err(), "{unknown}");
        }
    }

    #[test]
    fn a_company_can_bring_a_language() {
        let dir = tempfile::tempdir().expect("temp dir");
        let table = "dir = \"rtl\"\n[text]\ntitle = \"نسخة من بياناتك\"\n";
        std::fs::write(dir.path().join("texts.ar.toml"), table).expect("table");
        let arabic = Language::find("ar", Some(dir.path())).expect("ar");
        assert_eq!((arabic.dir.as_str(), arabic.code.as_str()), ("rtl", "ar"));
        assert_eq!(arabic.text("title"), "نسخة من بياناتك");
        assert!(!arabic.text("events").is_empty(), "the rest is English");
        std::fs::write(dir.path().join("texts.xx.toml"), "dir = 1").expect("table");
        assert!(Language::find("xx", Some(dir.path())).is_err());
    }
}
