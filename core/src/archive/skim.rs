//! The same question as `lines.rs` asks, answered several times faster for the lines that exports are
//! full of.
//!
//! What is not plain is left to the full reader, which then says whether the line is JSON at all: an
//! escape in a key or an id, an id that is no text, deep nesting, any fault. So a line that is read
//! here is one that the full reader would read alike; a test compares the two.

use std::borrow::Cow;

use super::lines::{Field, Found, Id};

/// Values nested deeper than this are not plain.
const DEPTH: usize = 32;

/// What a plain line holds; `None` for one that is not plain.
pub(super) fn skim(line: &str) -> Option<Found<'_>> {
    let mut found = Found::default();
    let mut skim = Skim { line, at: 0 };
    skim.blanks();
    skim.record(&mut found, false)?;
    skim.blanks();
    (skim.at == line.len()).then_some(found)
}

struct Skim<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Skim<'a> {
    fn rest(&self) -> &'a [u8] {
        self.line.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn record(&mut self, found: &mut Found<'a>, inner: bool) -> Option<()> {
        self.object(|skim, key| {
            match Field::of(key, inner) {
                Field::Id(place) => {
                    let id = Id::Text(Cow::Borrowed(skim.plain_text()?));
                    found.id(inner, place, id);
                    return Some(());
                }
                Field::Properties => {
                    found.properties();
                    return skim.record(found, true);
                }
                Field::Event => found.has_event = true,
                Field::Profile => found.has_profile = true,
                Field::Other => {}
            }
            skim.value(DEPTH)
        })
    }

    /// An object; `field` reads the value behind each key.
    fn object(&mut self, mut field: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        self.blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blanks();
            let key = self.plain_text()?;
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            field(self, key)?;
            self.blanks();
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        self.expect(b'[')?;
        self.blanks();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.blanks();
            self.value(depth)?;
            self.blanks();
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Any value.
    fn value(&mut self, depth: usize) -> Option<()> {
        let below = depth.checked_sub(1)?;
        match self.peek()? {
            b'"' => self.text(),
            b'{' => self.object(|skim, _| skim.value(below)),
            b'[' => self.list(below),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest().starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit());
        let count = count.count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// A text without escapes.
    fn plain_text(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let from = self.at;
        self.at = stop(self.line.as_bytes(), from)?;
        let text = self.line.get(from..self.at);
        self.expect(b'"')?;
        text
    }

    fn text(&mut self) -> Option<()> {
        self.expect(b'"')?;
        loop {
            self.at = stop(self.line.as_bytes(), self.at)?;
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        let code = self.rest().first_chunk::<4>()?;
                        code.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        self.at += 4;
                    }
                    _ => return None,
                },
                _ => return None,
            }
        }
    }
}

/// The next quote, escape or control character, looked for in eight bytes at once.
fn stop(bytes: &[u8], mut at: usize) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    // Of the bytes that it marks, the lowest one is below `limit` for sure.
    let below = |word: u64, limit: u64| word.wrapping_sub(limit * EACH) & !word & HIGH;
    let is = |word: u64, byte: u8| below(word ^ (u64::from(byte) * EACH), 1);
    while let Some(eight) = bytes.get(at..)?.first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let found = is(word, b'"') | is(word, b'\\') | below(word, 0x20);
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    Some(at + bytes.get(at..)?.iter().position(special)?)
}

#[cfg(test)]
mod tests {
    use super::super::lines::read;
    use super::*;

    const LINES: [&str; 9] = [
        r#"{"event":"x","properties":{"time":1700000000,"distinct_id":"person-1@example.com","$city":"Köln","n":[{"distinct_id":"z"},[],{}]}}"#,
        r#"{"event":"a \"b\" \\ \u00e9 \ud800","properties":{"$distinct_id":"ann","price":-1.5e+3,"ok":true,"no":false,"nil":null}}"#,
        r#" { "distinct_id" : "ann" , "$distinct_id" : "ann" , "name" : "b" } "#,
        r#"{"$distinct_id":"a","$properties":{"$distinct_id":"z","list":[1,2.0,0,-0.1E9]}}"#,
        r#"{"properties":{},"distinct_id":"","event":{}}"#,
        r#"{"distinct_id":"ann","properties":7,"event":"x"}"#,
        r#"{"distinct\u005fid":"\u0061","distinct_id":"a"}"#,
        r#"{"distinct_id":"a","x":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
        r#"{"a":1e999,"b":"tab	","distinct_id":"a"}"#,
    ];

    /// The answer of a plain line is the full reader's.
    fn check(line: &str) -> bool {
        let Some(plain) = skim(line) else {
            return false;
        };
        let full = read(line).and_then(Found::owner);
        assert_eq!(plain.owner(), full, "{line}");
        true
    }

    #[test]
    fn lines_of_exports_are_plain() {
        for line in &LINES[..5] {
            assert!(check(line), "{line}");
        }
        for line in &LINES[5..] {
            assert!(!check(line), "{line}");
        }
    }

    /// Lines that something was done to, so that many of them are no JSON any more.
    #[test]
    fn what_is_plain_is_read_as_the_full_reader_reads_it() {
        let mut seed = 7_u64;
        let mut below = |n: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed >> 33).expect("31 bits") % n
        };
        let pieces = br#"{}[]",:\ 0123456789-+.eEtrufalsn/xd$"#;
        let mut plain = 0;
        for n in 0..200_000 {
            let mut line = LINES[n % LINES.len()].as_bytes().to_vec();
            for _ in 0..=below(3) {
                let at = below(line.len());
                let piece = pieces[below(pieces.len())];
                match below(4) {
                    0 => line[at] = piece,
                    1 => line.insert(at, piece),
                    2 => drop(line.remove(at)),
                    _ => {
                        let from = below(at + 1);
                        let copy = line[from..at].to_vec();
                        line.splice(at..at, copy);
                    }
                }
            }
            if let Ok(line) = std::str::from_utf8(&line) {
                plain += usize::from(check(line));
            }
        }
        assert!(plain > 10_000, "{plain}");
    }

    #[test]
    fn every_byte_that_ends_a_text_is_found_wherever_it_stands() {
        for byte in 0..=255 {
            let ends = matches!(byte, b'"' | b'\\' | 0..0x20);
            for len in 0..20 {
                for at in 0..len {
                    let mut bytes = vec![0x80 | byte; len];
                    bytes[at] = byte;
                    assert_eq!(stop(&bytes, 0), ends.then_some(at), "{byte} {at} {len}");
                }
            }
        }
    }
}
