//! In which form a member holds its records, as its first bytes tell.

use super::rows::Header;

/// How records are cut out of a member.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// One JSON object a line: the raw export.
    Lines,
    /// A JSON list of objects.
    List,
    /// JSON objects one after another, over several lines each, or behind record separators.
    Sequence,
    /// A table whose first line names its columns, one of them the id.
    Rows(Header),
    /// Nothing we know: it stays whole.
    Unknown,
}

/// The form of a member by its first bytes, and these bytes, without a byte order mark where records
/// are cut out: it is no part of any.
pub(super) fn begin(mut head: Vec<u8>) -> (Form, Vec<u8>) {
    let form = form(head.strip_prefix(MARK).unwrap_or(&head));
    if !matches!(form, Form::Unknown) && head.starts_with(MARK) {
        head.drain(..MARK.len());
    }
    (form, head)
}

const MARK: &[u8] = b"\xef\xbb\xbf";
/// A form needs to see so much.
pub(super) const HEAD: usize = 64 << 10;
pub(super) const SEPARATOR: u8 = 0x1e;

/// `head` is the begin of the member, behind a byte order mark; all of it, if it is shorter.
fn form(head: &[u8]) -> Form {
    let text = head.trim_ascii_start();
    match text.first() {
        Some(b'{') => {
            let first_line = text.split(|b| *b == b'\n').next().unwrap_or_default();
            if first_line.len() < text.len() && first_line.trim_ascii_end() == b"{" {
                Form::Sequence
            } else {
                Form::Lines
            }
        }
        Some(b'[') => match text.get(1..).unwrap_or_default().trim_ascii_start().first() {
            Some(b'{') => Form::List,
            _ => Form::Unknown,
        },
        Some(&SEPARATOR) => Form::Sequence,
        _ => Header::read(head).map_or(Form::Unknown, Form::Rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let name = |head: &str| match form(head.as_bytes()) {
            Form::Lines => "lines",
            Form::List => "list",
            Form::Sequence => "sequence",
            Form::Rows(_) => "rows",
            Form::Unknown => "unknown",
        };
        for (head, expected) in [
            ("{\"a\":1}\n{", "lines"),
            ("\n {broken", "lines"),
            ("{", "lines"),
            ("{\r\n  \"a\": 1\n}", "sequence"),
            ("\u{1e}{\"a\":1}\n", "sequence"),
            ("[\n {\"a\":1}", "list"),
            ("[]", "unknown"),
            ("[1,2]", "unknown"),
            ("[", "unknown"),
            ("event,distinct_id\n", "rows"),
            ("event,id\n", "unknown"),
            ("", "unknown"),
            ("PK\u{3}\u{4}", "unknown"),
        ] {
            assert_eq!(name(head), expected, "{head:?}");
        }
    }
}
