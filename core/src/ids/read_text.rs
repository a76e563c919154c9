//! Text files: one id a line.

use std::io::Read;

use super::blocks::{Blocks, Line};
use super::guard;
use super::scan::Made;
use super::source::{Blanks, Sink};
use crate::error::Result;

pub(super) fn read(blocks: Blocks<impl Read>, sink: &mut Blanks<'_, impl Sink>) -> Result<()> {
    blocks.lines(|number, line| match line {
        Line::Text("") | Line::Plain("", _) => {
            sink.blank(number);
            Ok(())
        }
        // Line ends of the old Macintosh would make one id of a whole list.
        Line::Returns(_) => sink.bad(
            number,
            "holds a carriage return; save the file with LF or CRLF line ends",
        ),
        Line::Plain(id, made) => sink.id(number, id, made),
        Line::Text(id) => sink.id(number, id, Made::of(id.as_bytes())),
        Line::TooLong => sink.bad(number, guard::TOO_LONG),
    })
}

#[cfg(test)]
mod tests {
    use super::super::source::testing::{ids, read};

    #[test]
    fn row_8_byte_order_mark_and_crlf_are_accepted() {
        let rows = read("ids.txt", "\u{feff}a\r\nZoë\r\nc".as_bytes(), None).expect("read");
        assert_eq!(ids(&rows), [(1, "a"), (2, "Zoë"), (3, "c")]);
    }

    #[test]
    fn empty_lines_count_only_in_the_middle() {
        let rows = read("ids.list", b"a\n\n\nb\n\n\n", None).expect("read");
        assert_eq!(
            rows,
            [
                (1, Ok("a".into())),
                (2, Err("empty")),
                (3, Err("empty")),
                (4, Ok("b".into()))
            ]
        );
        assert_eq!(read("ids", b"\n\r\n", None).expect("read"), []);
    }

    #[test]
    fn nothing_is_trimmed() {
        let rows = read("ids.txt", b" a \nb\t\n", None).expect("read");
        assert_eq!(ids(&rows), [(1, " a "), (2, "b\t")]);
    }

    #[test]
    fn old_line_ends_are_refused() {
        let rows = read("ids.txt", b"a\rb\rc", None).expect("read");
        assert!(
            matches!(rows.as_slice(), [(1, Err(reason))] if reason.contains("carriage return"))
        );
    }
}
