//! Which ids cannot be meant.
//!
//! A deletion cannot be taken back, and an id is used exactly as given: a trimmed or re-cased id
//! is another person. So a value that looks like a mistake is refused rather than repaired. Some
//! can never be an id; the others are only unusual, and pass when the caller says so.

use super::scan::Made;

/// What is wrong with an id. The reason never holds the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub reason: &'static str,
    /// It may still be meant: `allow_unusual` lets it pass.
    pub unusual: bool,
}

pub(super) const EMPTY: &str = "empty";
pub(super) const HEADER: &str = "looks like a header, not an id";
pub(super) const TOO_LONG: &str = "longer than the limit";

const fn never(reason: &'static str) -> Problem {
    Problem {
        reason,
        unusual: false,
    }
}

const fn unusual(reason: &'static str) -> Problem {
    Problem {
        reason,
        unusual: true,
    }
}

/// Words that programs write where an id is missing, in lower case.
const PLACEHOLDERS: &[&str] = &[
    "null",
    "undefined",
    "none",
    "nil",
    "nan",
    "nat",
    "inf",
    "-inf",
    "infinity",
    "-infinity",
    "n/a",
    "na",
    "#n/a",
    "#name?",
    "#ref!",
    "#value!",
    "<na>",
    "(null)",
    "<null>",
    "\\n",
    "true",
    "false",
    "[object object]",
    "anonymous",
    "unknown",
    "test",
    "0",
    "-1",
];

/// Longer than any float is printed; keeps UUIDs that start with a digit out of the scan.
const LONGEST_NUMBER: usize = 32;
const LONGEST_PLACEHOLDER: usize = "[object object]".len();

/// Names that a column of ids usually has, in lower case.
const HEADER_WORDS: &[&str] = &[
    "distinct_id",
    "$distinct_id",
    "distinct_ids",
    "distinctid",
    "distinct id",
    "mixpanel_distinct_id",
    "id",
    "ids",
    "uid",
    "uuid",
    "user_id",
    "$user_id",
    "userid",
    "user id",
    "user",
    "username",
    "customer_id",
    "customerid",
    "device_id",
    "$device_id",
    "email",
    "$email",
    "e-mail",
    "email_address",
];

/// The prefix of the ids that Mixpanel gives to devices before they sign in.
const DEVICE: &str = "$device:";

/// Where an id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// The first row of a plain list: a header or a table would show here.
    First,
    /// The first row below a table's header: a second header would show here.
    FirstOfTable,
    /// Any other.
    Other,
}

/// Whether an id that is not the first needs no further look: it is longer than any word or number
/// that could be meant by mistake, and begins like none that is.
#[inline]
pub(super) fn is_usual(id: &str, made: Made, max_bytes: usize) -> bool {
    let (Some(head), Some(tail)) = (id.as_bytes().first(), id.as_bytes().last()) else {
        return false;
    };
    (LONGEST_NUMBER + 1..=max_bytes).contains(&id.len())
        && made.is_plain
        && made.is_ascii
        && head.is_ascii_graphic()
        && tail.is_ascii_graphic()
        && !matches!(head, b'0' | b'{' | b'$')
}

/// Checks one id.
pub(super) fn check(id: &str, made: Made, row: Row, max_bytes: usize) -> Option<Problem> {
    let bytes = id.as_bytes();
    let (Some(&head), Some(&tail)) = (bytes.first(), bytes.last()) else {
        return Some(never(EMPTY));
    };
    if bytes.len() > max_bytes {
        return Some(never(TOO_LONG));
    }
    if row == Row::Other && is_usual(id, made, max_bytes) {
        return None;
    }
    let clear = head.is_ascii_graphic() && tail.is_ascii_graphic();
    if made.has_nul {
        return Some(never("holds a NUL character"));
    }
    if !made.is_ascii && id.contains('\u{feff}') {
        return Some(never("holds a byte order mark"));
    }
    if !clear {
        if id.chars().all(is_invisible) {
            return Some(never("only blanks or invisible characters"));
        }
        if id.starts_with(char::is_whitespace) || id.ends_with(char::is_whitespace) {
            return Some(unusual("a blank at its start or end"));
        }
    }
    // The blanks around it are gone by now, or the caller has allowed them.
    if is_placeholder(id) {
        return Some(unusual("a placeholder, not an id"));
    }
    if head == b'"' && tail == b'"' && bytes.len() > 1 {
        return Some(unusual("in quotes, like a field of a CSV file"));
    }
    if let Some(reason) = rounded(bytes) {
        return Some(unusual(reason));
    }
    if row == Row::Other {
        return None;
    }
    if is_header_word(id) {
        return Some(unusual(HEADER));
    }
    // In a table the columns are known already.
    if row == Row::First && id.contains([',', ';', '\t']) {
        return Some(unusual(
            "looks like a row of a table, use a .csv file and column=",
        ));
    }
    None
}

pub(super) fn is_header_word(name: &str) -> bool {
    is_one_of(HEADER_WORDS, name)
}

fn is_one_of(words: &[&str], text: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn is_placeholder(id: &str) -> bool {
    let id = match id.strip_prefix(DEVICE) {
        Some("") => return true,
        Some(rest) => rest,
        None => id,
    };
    if id.len() <= LONGEST_PLACEHOLDER && is_one_of(PLACEHOLDERS, id) {
        return true;
    }
    // The nil UUID, which is also the advertising id of a phone whose owner opted out: one value
    // for millions of people.
    if !id.starts_with(['0', '{']) {
        return false;
    }
    let bare = id.trim_start_matches('{').trim_end_matches('}');
    matches!(bare.len(), 32 | 36) && bare.bytes().all(|byte| matches!(byte, b'0' | b'-'))
}

/// Numbers that went through a spreadsheet or a data frame as floats: digits may be lost.
fn rounded(bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() > LONGEST_NUMBER
        || !bytes
            .first()
            .is_some_and(|&b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.'))
    {
        return None;
    }
    let unsigned = bytes
        .strip_prefix(b"+")
        .or(bytes.strip_prefix(b"-"))
        .unwrap_or(bytes);
    let (whole, rest) = digits(unsigned);
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => {
            let (count, rest) = digits(rest);
            (Some(count), rest)
        }
        None => (None, rest),
    };
    if whole + fraction.unwrap_or(0) == 0 {
        return None;
    }
    if rest.is_empty() {
        return (fraction > Some(0))
            .then_some("looks like a number with decimals (a column of floats?)");
    }
    let exponent = rest.strip_prefix(b"e").or(rest.strip_prefix(b"E"))?;
    let signed = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-"));
    // A hexadecimal id such as 1234e567 is no float: those come with a sign or a point.
    if signed.is_none() && fraction.is_none() {
        return None;
    }
    let (count, rest) = digits(signed.unwrap_or(exponent));
    (count > 0 && rest.is_empty()).then_some("looks like a number that a spreadsheet rounded")
}

/// How many digits stand at the start, and what follows them.
fn digits(bytes: &[u8]) -> (usize, &[u8]) {
    let count = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    (count, bytes.get(count..).unwrap_or_default())
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        )
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || matches!(c, '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Forms that all ids of a project usually share: a few ids of another form among many of one are
/// more probably of another column, or another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Uuid,
    Email,
    Digits,
    Hash,
}

impl Shape {
    pub const ALL: [Self; 4] = [Self::Uuid, Self::Email, Self::Digits, Self::Hash];

    /// What to call several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Uuid => "UUIDs",
            Self::Email => "e-mail addresses",
            Self::Digits => "numbers",
            Self::Hash => "hexadecimal hashes",
        }
    }

    /// The shape of an id, alone or as one of Mixpanel's device ids.
    pub fn of(id: &str) -> Option<Self> {
        let bytes = id.strip_prefix(DEVICE).unwrap_or(id).as_bytes();
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == bytes.len() {
            return Some(Self::Digits);
        }
        if bytes.len() == 36 && is_uuid(bytes) {
            return Some(Self::Uuid);
        }
        if matches!(bytes.len(), 24 | 32 | 40 | 64) && bytes.iter().all(u8::is_ascii_hexdigit) {
            return Some(Self::Hash);
        }
        let (name, host) = id.rsplit_once('@')?;
        (!name.is_empty() && host.contains('.')).then_some(Self::Email)
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, byte)| {
        if matches!(at, 8 | 13 | 18 | 23) {
            *byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    })
}

/// Whether a column's name is more probably an id, which must not be told in a message.
pub(super) fn may_be_an_id(name: &str) -> bool {
    name.len() > 64
        || name
            .chars()
            .any(|c| c == '@' || c.is_numeric() || c.is_control())
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
