//! Hostile text for human eyes: what would be invisible, or would turn the text around, is shown as
//! an escape.

use std::borrow::Cow;

/// The text with control, bidirectional and invisible characters written out. A line feed or tab
/// between words is shown as well: a value is one line.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
                // Zero width, left-to-right and right-to-left marks; joiners belong to scripts.
                | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' // line and paragraph separators, embeddings, overrides
                | '\u{2060}'..='\u{206f}' // joiners, isolates
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}' // tags
        )
}

/// A cell of a table that a spreadsheet opens: never a formula. A number stays a number.
pub(super) fn cell(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    // Full-width forms count as formulas in East Asian settings.
    let formula = text.trim_start().starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    if formula && !is_number(&text) {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

fn is_number(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && text.parse::<f64>().is_ok()
}

/// The first so many characters, and how many more there are.
pub(super) fn shortened(text: &str, most: usize) -> (&str, usize) {
    match text.char_indices().nth(most) {
        Some((at, _)) => {
            let (head, tail) = text.split_at(at);
            (head, tail.chars().count())
        }
        None => (text, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(visible("Zoë 中文 עברית 👩"), "Zoë 中文 עברית 👩");
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(visible("a\nb\tc\0"), "a\\nb\\tc\\u{0}");
        assert_eq!(visible("\u{1b}[2J\u{200b}"), "\\u{1b}[2J\\u{200b}");
        assert_eq!(shortened("äöü", 2), ("äö", 1));
        assert_eq!(shortened("äö", 2), ("äö", 0));
    }

    #[test]
    fn no_cell_is_a_formula() {
        for hostile in [
            "=1+1",
            "+1+1",
            "-1+1",
            "@SUM(A1)",
            " =1",
            "\u{ff1d}1",
            "-",
            "=cmd|' /C calc'!A0",
        ] {
            assert!(cell(hostile).starts_with('\''), "{hostile}");
        }
        assert_eq!(cell("\t=1"), "\\t=1");
        for fine in ["-5", "+49", "-1.5e3", "a=b", "5", ""] {
            assert_eq!(cell(fine), fine);
        }
    }
}
