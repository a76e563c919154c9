//! JSON lines: an object with the id under a key, or a plain string, on each line.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::blocks::{Blocks, Line};
use super::guard;
use super::scan::Made;
use super::source::{Blanks, Sink};
use crate::error::Result;

pub(super) fn read(
    blocks: Blocks<impl Read>,
    column: Option<&str>,
    sink: &mut Blanks<'_, impl Sink>,
) -> Result<()> {
    let keys: &[&str] = match &column {
        Some(key) => &[key],
        None => &["distinct_id", "$distinct_id"],
    };
    blocks.lines(|number, line| {
        let line = match line {
            Line::Text(line) | Line::Plain(line, _) | Line::Returns(line)
                if line.trim_ascii().is_empty() =>
            {
                sink.blank(number);
                return Ok(());
            }
            Line::Text(line) | Line::Plain(line, _) | Line::Returns(line) => line,
            Line::TooLong => return sink.bad(number, guard::TOO_LONG),
        };
        let mut json = serde_json::Deserializer::from_str(line);
        match Id(keys)
            .deserialize(&mut json)
            .and_then(|found| json.end().map(|()| found))
        {
            Ok(Found::Text(id)) => sink.id(number, &id, Made::of(id.as_bytes())),
            Ok(Found::Other(reason)) => sink.bad(number, reason),
            Err(_) => sink.bad(number, "not valid JSON"),
        }
    })
}

enum Found<'de> {
    Text(Cow<'de, str>),
    Other(&'static str),
}

const NUMBER: &str = "a number, not a text: digits may be lost, write it in quotes";
const NO_KEY: &str = "has no such key";

/// A whole line: a string, or an object with one of these keys, the first that is there.
struct Id<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Id<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

/// What may stand where an id is expected, other than an object.
macro_rules! scalars {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id")
        }
        fn visit_borrowed_str<E>(self, id: &'de str) -> Result<Found<'de>, E> {
            Ok(Found::Text(Cow::Borrowed(id)))
        }
        fn visit_str<E>(self, id: &str) -> Result<Found<'de>, E> {
            Ok(Found::Text(Cow::Owned(id.to_owned())))
        }
        fn visit_bool<E>(self, _: bool) -> Result<Found<'de>, E> {
            Ok(Found::Other("true or false, not a text"))
        }
        fn visit_i64<E>(self, _: i64) -> Result<Found<'de>, E> {
            Ok(Found::Other(NUMBER))
        }
        fn visit_u64<E>(self, _: u64) -> Result<Found<'de>, E> {
            Ok(Found::Other(NUMBER))
        }
        fn visit_f64<E>(self, _: f64) -> Result<Found<'de>, E> {
            Ok(Found::Other(NUMBER))
        }
        fn visit_unit<E>(self) -> Result<Found<'de>, E> {
            Ok(Found::Other("null, not a text"))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found<'de>, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Found::Other("a list, not a text"))
        }
    };
}

impl<'de> Visitor<'de> for Id<'_> {
    type Value = Found<'de>;
    scalars!();

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Found<'de>, A::Error> {
        let mut best: Option<(usize, Found<'de>)> = None;
        while let Some(Key(key)) = object.next_key()? {
            let Some(rank) = self.0.iter().position(|wanted| *wanted == key) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = object.next_value_seed(Value)?;
            match &best {
                // Parsers differ in which of the two they take.
                Some((other, _)) if *other == rank => {
                    best = Some((rank, Found::Other("has the key twice")));
                }
                Some((other, _)) if *other < rank => {}
                _ => best = Some((rank, value)),
            }
        }
        Ok(best.map_or(Found::Other(NO_KEY), |(_, found)| found))
    }
}

/// The value of the key.
struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Found<'de>;
    scalars!();

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Found<'de>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Found::Other("an object, not a text"))
    }
}

/// A key, borrowed from the line where it can be.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        json.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::testing::read;
    use super::*;

    /// The one line's id, or the reason.
    fn one(line: &str, column: Option<&str>) -> std::result::Result<String, &'static str> {
        let rows = read("ids.jsonl", line.as_bytes(), column).expect("read");
        assert_eq!(rows.len(), 1, "{line}");
        rows.into_iter().next().expect("a row").1
    }

    #[test]
    fn texts_and_objects() {
        for (line, column, id) in [
            (r#""a""#, None, "a"),
            (r#" "a\u00e9\"\n" "#, None, "aé\"\n"),
            (
                r#"{"x":{"distinct_id":"no"},"distinct_id":"a","y":[1,{"a":2}]}"#,
                None,
                "a",
            ),
            (r#"{"$distinct_id":"a"}"#, None, "a"),
            (r#"{"$distinct_id":"b","distinct_id":"a"}"#, None, "a"),
            (r#"{"distinct_id":"a","$distinct_id":"b"}"#, None, "a"),
            (r#"{"distinct_id":"b","us\u0065r":"a"}"#, Some("user"), "a"),
            (r#"{"distinct_id":" 1e5 "}"#, None, " 1e5 "),
        ] {
            assert_eq!(one(line, column).as_deref(), Ok(id), "{line}");
        }
    }

    #[test]
    fn row_5_numbers_are_refused_and_never_rounded() {
        for line in [
            "17",
            "1.58e18",
            "12345678901234567890123",
            r#"{"distinct_id":1700000000000000001}"#,
            r#"{"distinct_id":-1.0}"#,
        ] {
            assert_eq!(one(line, None), Err(NUMBER), "{line}");
        }
    }

    #[test]
    fn row_9_what_is_no_text_is_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (line, reason) in [
            ("true", "true or false, not a text"),
            ("null", "null, not a text"),
            ("[\"a\"]", "a list, not a text"),
            (r#"{"distinct_id":{"a":1}}"#, "an object, not a text"),
            (r#"{"distinct_id":["a"]}"#, "a list, not a text"),
            (r#"{"id":"a"}"#, NO_KEY),
            (
                r#"{"distinct_id":"a","distinct_id":"b"}"#,
                "has the key twice",
            ),
            (r#""\ud800""#, "not valid JSON"),
            (r#""a" "b""#, "not valid JSON"),
            (r#"{"distinct_id":"a""#, "not valid JSON"),
            ("a", "not valid JSON"),
            (&deep, "a list, not a text"),
        ] {
            assert_eq!(
                one(line, None),
                Err(reason),
                "{}",
                &line[..line.len().min(60)]
            );
        }
    }

    #[test]
    fn empty_lines_and_line_numbers() {
        let rows = read("ids.ndjson", b"\xef\xbb\xbf\"a\"\r\n\r\n\"b\"\n\n", None).expect("read");
        assert_eq!(
            rows,
            [(1, Ok("a".into())), (2, Err("empty")), (3, Ok("b".into()))]
        );
    }
}
