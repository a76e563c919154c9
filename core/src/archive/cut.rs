//! Cuts a member into blocks of whole records, without looking into them. Blocks are what the
//! threads of a split work on.

use std::io::{self, Read};

use super::form::{Form, SEPARATOR};

/// A longer record is not read, it goes to `unassigned` piece by piece.
pub(super) const RECORD: usize = 4 << 20;
/// Read in one go.
const BLOCK: usize = 1 << 20;

/// Some records, one behind the other.
pub(super) struct Block {
    pub(super) data: Vec<u8>,
    /// Where each record lies; `None`: every line is one.
    pub(super) records: Option<Vec<(usize, usize)>>,
    pub(super) fate: Fate,
}

/// What is to be done with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Each record to whom it names.
    Judge,
    /// Kept as it is: a record too long, or what cannot be cut.
    Keep,
    /// The same, and it belongs to what was kept before it.
    KeepOn,
    /// The first line of a table, for the case that rows of it are kept.
    Header,
}

/// Reads `input` to its end and gives its blocks. `head` was read already.
pub(super) fn cut(
    form: &Form,
    head: Vec<u8>,
    input: impl Read,
    give: impl FnMut(Block) -> io::Result<()>,
) -> io::Result<()> {
    let mut cutter = Cutter {
        buffer: head,
        input,
        ended: false,
        give,
    };
    match form {
        Form::Lines => cutter.lines(),
        Form::Rows(header) => {
            let rest = cutter.buffer.split_off(header.len.min(cutter.buffer.len()));
            let line = std::mem::replace(&mut cutter.buffer, rest);
            cutter.keep(line, Fate::Header)?;
            let mut scan = RowScan::new(header.delimiter);
            cutter.scanned(&mut scan)
        }
        Form::List => cutter.scanned(&mut ValueScan::new(true)),
        Form::Sequence => cutter.scanned(&mut ValueScan::new(false)),
        Form::Unknown => cutter.all(Fate::Keep),
    }
}

struct Cutter<R, G> {
    buffer: Vec<u8>,
    input: R,
    ended: bool,
    give: G,
}

/// What a scanner made of one byte.
enum Step {
    Go,
    /// A record begins at this byte.
    Begin,
    /// The record that is open ends with this byte.
    EndBehind,
    /// This cannot be cut any further.
    Lost,
}

trait Scan {
    fn step(&mut self, byte: u8) -> Step;
    /// Whether the end of the member may end the record that is open.
    fn ends_at_end(&self) -> bool;
}

impl<R: Read, G: FnMut(Block) -> io::Result<()>> Cutter<R, G> {
    fn fill(&mut self) -> io::Result<()> {
        let before = self.buffer.len();
        self.buffer.reserve(BLOCK + 32);
        (&mut self.input)
            .take(BLOCK as u64)
            .read_to_end(&mut self.buffer)?;
        self.ended = self.buffer.len() == before;
        Ok(())
    }

    fn keep(&mut self, data: Vec<u8>, fate: Fate) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        (self.give)(Block {
            data,
            records: None,
            fate,
        })
    }

    /// Everything that is left, as it is.
    fn all(&mut self, first: Fate) -> io::Result<()> {
        let mut fate = first;
        loop {
            if self.buffer.is_empty() {
                self.fill()?;
            }
            let data = std::mem::take(&mut self.buffer);
            if data.is_empty() {
                return Ok(());
            }
            self.keep(data, fate)?;
            fate = Fate::KeepOn;
        }
    }

    fn lines(&mut self) -> io::Result<()> {
        let mut searched = 0;
        loop {
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = memchr::memrchr(b'\n', fresh) {
                let rest = self.buffer.split_off(searched + at + 1);
                let data = std::mem::replace(&mut self.buffer, rest);
                self.judge(data)?;
            } else if self.buffer.len() > RECORD {
                self.long_line()?;
                searched = 0;
                continue;
            }
            searched = self.buffer.len();
            self.fill()?;
            if self.ended {
                let data = std::mem::take(&mut self.buffer);
                return self.judge(data);
            }
        }
    }

    fn judge(&mut self, data: Vec<u8>) -> io::Result<()> {
        self.keep(data, Fate::Judge)
    }

    /// The buffer is the begin of a line without an end.
    fn long_line(&mut self) -> io::Result<()> {
        let mut fate = Fate::Keep;
        loop {
            let end = memchr::memchr(b'\n', &self.buffer);
            let rest = match end {
                Some(at) => self.buffer.split_off(at + 1),
                None => Vec::new(),
            };
            let data = std::mem::replace(&mut self.buffer, rest);
            self.keep(data, fate)?;
            fate = Fate::KeepOn;
            if end.is_some() {
                // The lines behind it have their turn.
                return Ok(());
            }
            self.fill()?;
            if self.ended {
                return Ok(());
            }
        }
    }

    fn scanned(&mut self, scan: &mut impl Scan) -> io::Result<()> {
        let mut records = Vec::new();
        let mut open = None;
        let mut at = 0;
        loop {
            while let Some(byte) = self.buffer.get(at) {
                match scan.step(*byte) {
                    Step::Go => {}
                    Step::Begin => open = Some(at),
                    Step::EndBehind => {
                        if let Some(start) = open.take() {
                            records.push((start, at + 1));
                        }
                    }
                    Step::Lost => {
                        self.records(&mut records, open.unwrap_or(at))?;
                        return self.all(Fate::Keep);
                    }
                }
                at += 1;
            }
            let cut = open.unwrap_or(at);
            self.records(&mut records, cut)?;
            at -= cut;
            open = open.map(|_| 0);
            if at > RECORD {
                return self.all(Fate::Keep);
            }
            self.fill()?;
            if self.ended {
                break;
            }
        }
        if open.is_some() && scan.ends_at_end() {
            records.push((0, at));
            return self.records(&mut records, at);
        }
        self.all(Fate::Keep)
    }

    /// Gives the records found so far, and keeps what lies behind `cut`.
    fn records(&mut self, records: &mut Vec<(usize, usize)>, cut: usize) -> io::Result<()> {
        let rest = self.buffer.split_off(cut.min(self.buffer.len()));
        let data = std::mem::replace(&mut self.buffer, rest);
        let records = std::mem::take(records);
        if records.is_empty() {
            return Ok(());
        }
        (self.give)(Block {
            data,
            records: Some(records),
            fate: Fate::Judge,
        })
    }
}

/// Finds JSON objects by their brackets. Whether they are JSON is for their reader to say.
struct ValueScan {
    list: bool,
    depth: u32,
    text: bool,
    escaped: bool,
    /// The list's own bracket was opened, and closed.
    opened: bool,
    closed: bool,
    /// A comma, or the begin, allows an element.
    expects: bool,
}

impl ValueScan {
    fn new(list: bool) -> Self {
        Self {
            list,
            depth: 0,
            text: false,
            escaped: false,
            opened: !list,
            closed: false,
            expects: true,
        }
    }
}

impl Scan for ValueScan {
    fn step(&mut self, byte: u8) -> Step {
        if self.depth > 0 {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.text => self.escaped = true,
                b'"' => self.text = !self.text,
                _ if self.text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.expects = !self.list;
                        return Step::EndBehind;
                    }
                }
                _ => {}
            }
            return Step::Go;
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => Step::Go,
            SEPARATOR if !self.list => Step::Go,
            b'[' if !self.opened => {
                self.opened = true;
                Step::Go
            }
            b'{' if self.opened && !self.closed && self.expects => {
                self.depth = 1;
                Step::Begin
            }
            b',' if self.list && self.opened && !self.closed && !self.expects => {
                self.expects = true;
                Step::Go
            }
            b']' if self.list && self.opened && !self.closed && !self.expects => {
                self.closed = true;
                Step::Go
            }
            _ => Step::Lost,
        }
    }

    fn ends_at_end(&self) -> bool {
        false
    }
}

/// Finds rows: a line end inside quotes is not the row's.
struct RowScan {
    delimiter: u8,
    open: bool,
    quoted: bool,
    /// At the begin of a cell, where a quote means something.
    fresh: bool,
}

impl RowScan {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            open: false,
            quoted: false,
            fresh: true,
        }
    }
}

impl Scan for RowScan {
    fn step(&mut self, byte: u8) -> Step {
        let begins = !std::mem::replace(&mut self.open, true);
        match byte {
            // A quote that ends a text, or is doubled inside one, comes to the same.
            b'"' if self.quoted => {
                self.quoted = false;
                self.fresh = true;
            }
            b'"' if self.fresh => self.quoted = true,
            _ if self.quoted => {}
            b'\n' => {
                self.open = false;
                self.fresh = true;
                return if begins { Step::Go } else { Step::EndBehind };
            }
            byte => self.fresh = byte == self.delimiter,
        }
        if begins { Step::Begin } else { Step::Go }
    }

    fn ends_at_end(&self) -> bool {
        !self.quoted
    }
}
