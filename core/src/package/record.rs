//! One line of a person's data, as far as a reader wants to see it: names and values in their order,
//! the values as they were written.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Names and raw values. Nothing is merged: a name that stands twice is shown twice.
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Deserialize<'a> for Pairs<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        struct All;
        impl<'a> Visitor<'a> for All {
            type Value = Pairs<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Pairs<'a>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key::<Name<'a>>()? {
                    pairs.push((name.0, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }
        json.deserialize_map(All)
    }
}

/// Borrowed unless it holds an escape.
struct Name<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Name<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'a> Visitor<'a> for Text {
            type Value = Name<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        json.deserialize_str(Text)
    }
}

/// An event or a profile, with its properties beside its own fields.
pub(super) struct Record<'a> {
    pub(super) event: Option<Cow<'a, str>>,
    pub(super) facts: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Record<'a> {
    /// `None` when the line cannot be taken apart; then it is shown as it is.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        let Pairs(outer) = serde_json::from_slice(line).ok()?;
        let mut record = Self {
            event: None,
            facts: Vec::new(),
        };
        for (name, value) in outer {
            let inner = match &*name {
                "event" if record.event.is_none() => {
                    if let Ok(Name(text)) = serde_json::from_str(value.get()) {
                        record.event = Some(text);
                        continue;
                    }
                    None
                }
                "properties" | "$properties" => serde_json::from_str::<Pairs<'_>>(value.get()).ok(),
                _ => None,
            };
            match inner {
                Some(Pairs(inner)) => record.facts.extend(inner),
                None => record.facts.push((name, value)),
            }
        }
        Some(record)
    }

    pub(super) fn fact(&self, wanted: &str) -> Option<&'a RawValue> {
        let mut found = self.facts.iter().filter(|(name, _)| name == wanted);
        found.next().map(|(_, value)| *value)
    }

    /// When it happened, in milliseconds since 1970.
    pub(super) fn time(&self) -> Option<i64> {
        moment(self.fact("time")?)
    }
}

/// A text without its quotes; anything else as it was written.
pub(super) fn plain(value: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<Name<'_>>(value.get()) {
        Ok(Name(text)) => text,
        Err(_) => Cow::Borrowed(value.get()),
    }
}

/// Seconds since 1970 in the raw export; milliseconds and texts are seen as well.
pub(super) fn moment(value: &RawValue) -> Option<i64> {
    let text = plain(value);
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let ms = match number.abs() {
            size if size < 1e11 => number * 1e3,
            size if size < 1e14 => number,
            _ => number / 1e3,
        };
        // Beyond this no calendar goes; and a NaN is no time.
        #[allow(clippy::cast_possible_truncation)]
        return (ms.abs() < 2.5e14).then_some(ms as i64);
    }
    let utc = |at: DateTime| Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let stamp = text.parse::<Timestamp>().ok();
    let stamp = stamp.or_else(|| text.parse().ok().and_then(utc));
    stamp.map(Timestamp::as_millisecond)
}

/// Names under which Mixpanel's identity events and properties carry further ids of the person.
const IDENTIFIERS: [&str; 9] = [
    "distinct_id",
    "$distinct_id",
    "$user_id",
    "$device_id",
    "$identified_id",
    "$anon_id",
    "$distinct_id_before_identity",
    "alias",
    "$distinct_ids",
];

/// The ids that a record names, each with the property that names it.
pub(super) fn identifiers(record: &Record<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (name, value) in &record.facts {
        let Some(known) = IDENTIFIERS.iter().find(|known| *known == name) else {
            continue;
        };
        if let Ok(text) = serde_json::from_str::<String>(value.get()) {
            found.push((*known, text));
        } else if let Ok(texts) = serde_json::from_str::<Vec<String>>(value.get()) {
            found.extend(texts.into_iter().map(|text| (*known, text)));
        }
    }
    found.retain(|(_, id)| !id.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_record_is_lost_on_the_way_to_its_reader() {
        let line = br#"{"event":"\u0041","properties":{"a":1.0000000000000000001,"a":2,"time":7},"x":[1]}"#;
        let record = Record::read(line).expect("record");
        assert_eq!(record.event.as_deref(), Some("A"));
        let shown: Vec<_> = record
            .facts
            .iter()
            .map(|(n, v)| format!("{n}={}", plain(v)))
            .collect();
        assert_eq!(shown, ["a=1.0000000000000000001", "a=2", "time=7", "x=[1]"]);
        let odd = Record::read(br#"{"event":7,"properties":"none"}"#).expect("record");
        assert_eq!((odd.event.is_none(), odd.facts.len()), (true, 2));
        assert!(Record::read(br#"{"\ud800":1}"#).is_none());
        let half = Record::read(br#"{"a":"\ud800"}"#).expect("record");
        assert_eq!(plain(half.facts[0].1), r#""\ud800""#);
    }

    #[test]
    fn times_are_read_in_every_form_seen() {
        for (text, ms) in [
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.5", Some(1_700_000_000_500)),
            ("1700000000500", Some(1_700_000_000_500)),
            ("\"1700000000\"", Some(1_700_000_000_000)),
            ("\"2023-11-14T22:13:20Z\"", Some(1_700_000_000_000)),
            ("\"2023-11-14T22:13:20\"", Some(1_700_000_000_000)),
            ("\"yesterday\"", None),
            ("null", None),
            ("1e300", None),
            ("\"NaN\"", None),
        ] {
            let value: &RawValue = serde_json::from_str(text).expect(text);
            assert_eq!(moment(value), ms, "{text}");
        }
    }

    #[test]
    fn aliases_and_merged_ids_are_seen() {
        let line = br#"{"event":"$merge","properties":{"distinct_id":"a","$distinct_ids":["b","c"],"alias":7,"$user_id":""}}"#;
        let found = identifiers(&Record::read(line).expect("record"));
        let found: Vec<_> = found.iter().map(|(n, id)| (*n, id.as_str())).collect();
        assert_eq!(
            found,
            [
                ("distinct_id", "a"),
                ("$distinct_ids", "b"),
                ("$distinct_ids", "c")
            ]
        );
    }
}
