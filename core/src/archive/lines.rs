//! Whose line is it? One JSON object of an export, read only as far as that question needs.
//!
//! The nearest documented formats are those of the raw export and of the profile query ("Mixpanel
//! raw data export", "Mixpanel Engage query"); what retrieval archives hold is not documented.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::skim::skim;

/// What kind of record a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Something that happened.
    Event,
    /// What is known about a person.
    Profile,
}

/// The kind of a line and the id it names, or `None` when that is not beyond doubt: no id, an id
/// that is not a text, a field that is there twice, or two ids that differ.
pub(super) fn owner(line: &str) -> Option<(Kind, Cow<'_, str>)> {
    skim(line).or_else(|| read(line))?.owner()
}

/// What a line holds, whatever its form; `None` if it is no JSON object.
pub(super) fn read(line: &str) -> Option<Found<'_>> {
    let mut found = Found::default();
    let mut json = serde_json::Deserializer::from_str(line);
    Record {
        found: &mut found,
        inner: false,
    }
    .deserialize(&mut json)
    .ok()?;
    json.end().ok()?;
    Some(found)
}

/// What a field of the record, or of the `properties` inside it, tells.
pub(super) enum Field {
    /// One of the two ways to name the id.
    Id(usize),
    Properties,
    Event,
    Profile,
    Other,
}

impl Field {
    pub(super) fn of(key: &str, inner: bool) -> Self {
        match (key, inner) {
            ("distinct_id", _) => Self::Id(0),
            ("$distinct_id", _) => Self::Id(1),
            ("properties", false) => Self::Properties,
            ("event", false) => Self::Event,
            ("$properties", false) => Self::Profile,
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
pub(super) struct Found<'a> {
    /// `distinct_id` and `$distinct_id` of the record itself.
    ids: [Option<Id<'a>>; 2],
    /// The same two inside `properties`.
    inner_ids: [Option<Id<'a>>; 2],
    pub(super) has_event: bool,
    pub(super) has_profile: bool,
    has_properties: bool,
    repeated: bool,
}

impl<'a> Found<'a> {
    pub(super) fn properties(&mut self) {
        self.repeated |= std::mem::replace(&mut self.has_properties, true);
    }

    pub(super) fn id(&mut self, inner: bool, place: usize, id: Id<'a>) {
        let ids = if inner {
            &mut self.inner_ids
        } else {
            &mut self.ids
        };
        if let Some(slot) = ids.get_mut(place) {
            self.repeated |= slot.replace(id).is_some();
        }
    }

    pub(super) fn owner(self) -> Option<(Kind, Cow<'a, str>)> {
        let in_properties = self.inner_ids.iter().any(Option::is_some);
        let kind = if self.has_event || (in_properties && !self.has_profile) {
            Kind::Event
        } else {
            Kind::Profile
        };
        let mut ids = self.ids.into_iter().chain(self.inner_ids).flatten();
        let Id::Text(first) = ids.next()? else {
            return None;
        };
        let agreed = ids.all(|other| matches!(other, Id::Text(text) if text == first));
        (agreed && !self.repeated).then_some((kind, first))
    }
}

pub(super) enum Id<'a> {
    Text(Cow<'a, str>),
    Other,
}

/// Values that are accepted and hold nothing of interest.
macro_rules! others {
    ($value:expr; $($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<Self::Value, E> { Ok($value) })*
    };
}

/// Reads the record, or the `properties` inside it.
struct Record<'f, 'a> {
    found: &'f mut Found<'a>,
    inner: bool,
}

impl<'a> DeserializeSeed<'a> for Record<'_, 'a> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        // Properties that are not an object hold no id; the record itself must be one.
        if self.inner {
            json.deserialize_any(self)
        } else {
            json.deserialize_map(self)
        }
    }
}

impl<'a> Visitor<'a> for Record<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    others!((); visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Text<'a>>()? {
            let found = &mut *self.found;
            match Field::of(&key.0, self.inner) {
                Field::Id(place) => {
                    let id = map.next_value::<Id<'a>>()?;
                    found.id(self.inner, place, id);
                    continue;
                }
                Field::Properties => {
                    found.properties();
                    map.next_value_seed(Record { found, inner: true })?;
                    continue;
                }
                Field::Event => found.has_event = true,
                Field::Profile => found.has_profile = true,
                Field::Other => {}
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A text that is borrowed from the line unless it holds an escape.
struct Text<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        match json.deserialize_str(AnyId)? {
            Id::Text(text) => Ok(Self(text)),
            Id::Other => Err(serde::de::Error::custom("a key is a text")),
        }
    }
}

impl<'a> Deserialize<'a> for Id<'a> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(AnyId)
    }
}

struct AnyId;

impl<'a> Visitor<'a> for AnyId {
    type Value = Id<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Id<'a>, E> {
        Ok(Id::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Id<'a>, E> {
        Ok(Id::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_unit<E>(self) -> Result<Id<'a>, E> {
        Ok(Id::Other)
    }
    others!(Id::Other; visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<Id<'a>, S::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Id::Other)
    }
    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Id<'a>, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Id::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(Kind, String)> {
        owner(line).map(|(kind, id)| (kind, id.into_owned()))
    }

    #[test]
    fn events_and_profiles_name_their_owner() {
        for (line, kind) in [
            (
                r#"{"event":"x","properties":{"time":1,"distinct_id":"a","n":[{"distinct_id":"z"}]}}"#,
                Kind::Event,
            ),
            (
                r#"{"properties":{"$distinct_id":"a"},"event":"x"}"#,
                Kind::Event,
            ),
            (r#"{"properties":{"distinct_id":"a"}}"#, Kind::Event),
            (
                r#"{"event":"x","distinct_id":"a","properties":7}"#,
                Kind::Event,
            ),
            (
                r#"{"$distinct_id":"a","$properties":{"$distinct_id":"z"}}"#,
                Kind::Profile,
            ),
            (r#"{"distinct_id":"a","name":"b"}"#, Kind::Profile),
            (r#" {"distinct\u005fid":"\u0061"} "#, Kind::Profile),
            (r#"{"distinct_id":"a","$distinct_id":"a"}"#, Kind::Profile),
        ] {
            assert_eq!(read(line), Some((kind, "a".into())), "{line}");
        }
    }

    #[test]
    fn a_line_in_doubt_belongs_to_nobody() {
        for line in [
            "",
            "7",
            "[]",
            r#""a""#,
            r#"[{"distinct_id":"a"}]"#,
            "{}",
            r#"{"event":"a"}"#,
            r#"{"distinct_id":7}"#,
            r#"{"distinct_id":null}"#,
            r#"{"distinct_id":["a"]}"#,
            r#"{"distinct_id":{"a":1}}"#,
            r#"{"distinct_id":"a","distinct_id":"a"}"#,
            r#"{"distinct_id":"a","distinct\u005fid":"b"}"#,
            r#"{"properties":{"distinct_id":"a"},"properties":{}}"#,
            r#"{"properties":{"distinct_id":"a","distinct_id":"a"}}"#,
            r#"{"properties":{"distinct_id":"a"},"distinct_id":"b"}"#,
            r#"{"properties":{"distinct_id":"a"},"distinct_id":1}"#,
            r#"{"properties":{"distinct_id":"a","$distinct_id":"b"}}"#,
            r#"{"distinct_id":"a"} x"#,
            r#"{"distinct_id":"a"},"#,
            r#"{"distinct_id":"a""#,
            r#"{"distinct_id":"\ud800"}"#,
            r#"{"a":{"properties":{"distinct_id":"a"}}}"#,
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
    #[test]
    fn depth_does_not_exhaust_the_stack() {
        let (open, close) = ("[".repeat(1_000_000), "]".repeat(1_000_000));
        let line = format!(r#"{{"distinct_id":"a","x":{open}{close}}}"#);
        assert_eq!(read(&line), Some((Kind::Profile, "a".into())));
        let line = format!(r#"{{"distinct_id":{open}{close}}}"#);
        assert_eq!(read(&line), None);
        let line = format!(
            r#"{{"properties":{}1{}}}"#,
            r#"{"properties":"#.repeat(1_000_000),
            "}".repeat(1_000_000)
        );
        assert_eq!(read(&line), None);
    }
}
