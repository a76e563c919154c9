//! A file as validated blocks of text, for readers that cut rows out of it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::scan::Made;
use crate::error::{Error, ErrorKind, Result};

const BLOCK: usize = 256 << 10;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads a file once, in blocks that grow when one row does not fit, up to a limit.
pub(super) struct Blocks<R = File> {
    reader: R,
    pub path: PathBuf,
    buffer: Vec<u8>,
    /// The part of `buffer` that is filled and not yet consumed.
    start: usize,
    end: usize,
    /// Where in the file `buffer` begins.
    offset: u64,
    ended: bool,
    limit: usize,
}

impl<R: Read> Blocks<R> {
    /// No row is longer than `limit` bytes.
    pub fn new(reader: R, path: &Path, limit: usize) -> Self {
        Self {
            reader,
            path: path.to_owned(),
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            limit,
        }
    }

    /// Reads on. False when the buffer holds a whole `limit` already: the row is too long.
    pub fn fill(&mut self) -> Result<bool> {
        let first = self.offset == 0 && self.end == 0;
        self.buffer.copy_within(self.start..self.end, 0);
        self.offset += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= self.limit {
                return Ok(false);
            }
            self.buffer.resize((self.end * 2).min(self.limit), 0);
        }
        while !self.ended && self.end < self.buffer.len() {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(crate::error::io("read", &self.path, error)),
            }
        }
        if first {
            self.check_start()?;
        }
        Ok(true)
    }

    fn check_start(&mut self) -> Result<()> {
        match self.bytes() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, _, ..] => {
                Err(self.foreign(0, "UTF-16"))
            }
            [_, 0, _, 0, ..] => Err(self.foreign(1, "UTF-16")),
            bytes => {
                if bytes.starts_with(BOM) {
                    self.start = BOM.len();
                }
                Ok(())
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// What is there and not yet consumed, without a character cut in two at the end.
    pub fn text(&self) -> Result<&str> {
        let bytes = self.bytes();
        str::from_utf8(bytes).or_else(|error| {
            let valid = error.valid_up_to();
            if error.error_len().is_none() && !self.ended {
                return Ok(bytes
                    .get(..valid)
                    .and_then(|bytes| str::from_utf8(bytes).ok())
                    .unwrap_or_default());
            }
            Err(self.foreign(valid, "Latin-1 or Windows-1252"))
        })
    }

    /// True when nothing follows the text.
    pub fn ended(&self) -> bool {
        self.ended
    }

    pub fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    /// Passes over the rest of a line that is too long; false when the file ends in it.
    pub fn skip_line(&mut self) -> Result<bool> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.bytes()) {
                self.consume(at + 1);
                return Ok(true);
            }
            self.start = self.end;
            if self.ended {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    fn foreign(&self, at: usize, probably: &str) -> Error {
        let offset = self.offset + (self.start + at) as u64;
        Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{} is not UTF-8 at byte {offset} (perhaps {probably}); save it as UTF-8",
                self.path.display()
            ),
        )
    }

    /// An error about this file.
    pub fn refuse(&self, problem: impl std::fmt::Display) -> Error {
        Error::new(
            ErrorKind::InvalidInput,
            format!("{}: {problem}", self.path.display()),
        )
    }
}

/// One line of a file, without its end.
pub(super) enum Line<'a> {
    Text(&'a str),
    /// That JSON writes as it is.
    Plain(&'a str, Made),
    /// With a carriage return inside.
    Returns(&'a str),
    TooLong,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        Self::last(line.strip_suffix('\r').unwrap_or(line))
    }

    fn last(line: &'a str) -> Self {
        match memchr::memchr(b'\r', line.as_bytes()) {
            None => Self::Text(line),
            Some(_) => Self::Returns(line),
        }
    }
}

impl<R: Read> Blocks<R> {
    /// Goes through the lines, numbered from 1. What follows the last line end is a line only
    /// when it is not empty.
    pub fn lines(mut self, mut each: impl FnMut(u64, Line<'_>) -> Result<()>) -> Result<()> {
        let mut number = 0;
        loop {
            let fits = self.fill()?;
            let text = self.text()?;
            let mut from = 0;
            // Files have them at each line or nowhere: then no line needs to be searched.
            let returns = memchr::memchr(b'\r', text.as_bytes()).is_some();
            let (mut length, mut guess) = (0, true);
            loop {
                // Ids are often of one length. One that is plain holds no line end, and whoever takes
                // it wants to know just that of its bytes.
                if guess && text.as_bytes().get(from + length) == Some(&b'\n') {
                    let line = text.get(from..from + length).unwrap_or_default();
                    let made = Made::of(line.as_bytes());
                    guess = made.is_plain;
                    if guess {
                        number += 1;
                        each(number, Line::Plain(line, made))?;
                        from += length + 1;
                        continue;
                    }
                }
                let rest = text.as_bytes().get(from..).unwrap_or_default();
                let Some(found) = memchr::memchr(b'\n', rest) else {
                    break;
                };
                let at = from + found;
                length = found;
                let line = text.get(from..at).unwrap_or_default();
                number += 1;
                each(
                    number,
                    if returns {
                        Line::of(line)
                    } else {
                        Line::Text(line)
                    },
                )?;
                from = at + 1;
            }
            if self.ended {
                let line = text.get(from..).unwrap_or_default();
                return if line.is_empty() {
                    Ok(())
                } else {
                    each(number + 1, Line::last(line))
                };
            }
            self.consume(from);
            if from == 0 && !fits {
                number += 1;
                each(number, Line::TooLong)?;
                if !self.skip_line()? {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every cut is met.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let (Some((first, rest)), Some(room)) = (self.0.split_first(), buffer.first_mut())
            else {
                return Ok(0);
            };
            *room = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn lines(content: &[u8], block: usize, limit: usize) -> Result<Vec<(u64, Option<String>)>> {
        let mut out = Vec::new();
        let mut blocks = Blocks::new(Drip(content), Path::new("ids.txt"), limit);
        blocks.buffer = vec![0; block];
        blocks.lines(|number, line| {
            out.push((
                number,
                match line {
                    Line::Text(text) | Line::Plain(text, _) | Line::Returns(text) => {
                        Some(text.to_owned())
                    }
                    Line::TooLong => None,
                },
            ));
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn lines_are_whole_at_every_size_of_block() {
        let text = "aé\r\n\n名前 x\nlast";
        for block in 4..40 {
            let got = lines(text.as_bytes(), block, 64).expect("read");
            let got: Vec<_> = got
                .iter()
                .map(|(number, line)| (*number, line.as_deref().expect("fits")))
                .collect();
            assert_eq!(
                got,
                [(1, "aé"), (2, ""), (3, "名前 x"), (4, "last")],
                "block {block}"
            );
        }
    }

    #[test]
    fn lines_of_one_length_are_cut_where_they_end() {
        let pieces = [
            "a",
            "bc",
            "\"",
            "\\",
            "\t",
            "é",
            "\n",
            "\n",
            "\r\n",
            "abc\nabc\n",
        ];
        let mut state = 7u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).expect("small") % pieces.len()
        };
        for _ in 0..5_000 {
            let text: String = (0..12).map(|_| pieces[random()]).collect();
            let mut wanted: Vec<&str> = text.split('\n').collect();
            if wanted.last() == Some(&"") {
                wanted.pop();
            }
            let wanted: Vec<_> = (1..)
                .zip(
                    wanted
                        .iter()
                        .map(|line| line.strip_suffix('\r').unwrap_or(line)),
                )
                .map(|(number, line)| (number, Some(line.to_owned())))
                .collect();
            let got = lines(text.as_bytes(), 64, 64).expect("read");
            assert_eq!(got, wanted, "{text:?}");
        }
    }

    #[test]
    fn row_15_a_line_that_is_too_long_is_passed_over() {
        for limit in [8, 9, 16] {
            let text = format!("a\n{}\nb\n{}", "é".repeat(40), "x".repeat(50));
            let got = lines(text.as_bytes(), 4, limit).expect("read");
            assert_eq!(
                got,
                [
                    (1, Some("a".into())),
                    (2, None),
                    (3, Some("b".into())),
                    (4, None)
                ],
                "limit {limit}"
            );
        }
    }

    #[test]
    fn row_8_foreign_encodings_name_the_byte() {
        for (content, offset) in [
            (&b"\xff\xfea\0\n\0"[..], 0),
            (b"\xfe\xff\0a", 0),
            (b"a\0b\0\n\0", 1),
            (b"\0a\0b\0\n", 0),
            (b"abc\nZo\xeb\nd\n", 6),
            (b"abc\nd\n\xc3", 6),
            (b"\xef\xbb\xbfabc\n\xff\n", 7),
        ] {
            for block in [4, 256] {
                let error = lines(content, block, 256).expect_err("refused");
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(
                    error.message().contains(&format!("at byte {offset} ")),
                    "{error}, wanted {offset}"
                );
            }
        }
    }
}
