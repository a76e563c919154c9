//! Append-only sequences of bytes that live in memory up to a budget and on disk beyond it.
//!
//! The disk part is one temporary file without a name: readable by nobody else, and gone with the
//! process however it ends.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt as _;

use crate::error::{Error, ErrorKind, Result};

/// One sequence. Records never straddle two chunks.
#[derive(Default)]
pub(super) struct Log {
    chunks: Vec<Chunk>,
    open: Vec<u8>,
}

enum Chunk {
    Memory(Vec<u8>),
    Disk { at: u64, len: usize },
}

/// Where full chunks go.
pub(super) struct Spill {
    file: Option<File>,
    end: u64,
    /// How many more bytes of full chunks may stay in memory.
    memory_left: usize,
    chunk_bytes: usize,
    broken: bool,
}

impl Spill {
    /// For `logs` sequences that together keep about `budget` bytes in memory.
    pub fn new(budget: usize, logs: usize) -> Self {
        // Small, so that the ends of all sequences stay in the processor's cache together.
        let chunk_bytes = (budget / 2 / logs.max(1)).clamp(4 << 10, 16 << 10);
        Self {
            file: None,
            end: 0,
            // A quarter is for the tables of those who read the sequences.
            memory_left: (budget / 4 * 3).saturating_sub(chunk_bytes * logs),
            chunk_bytes,
            broken: false,
        }
    }

    /// Makes room for a record of `len` bytes and gives the buffer to append it to.
    #[inline]
    pub fn room<'a>(&mut self, log: &'a mut Log, len: usize) -> Result<&'a mut Vec<u8>> {
        if log.open.capacity() - log.open.len() < len {
            self.make_room(log, len)?;
        }
        Ok(&mut log.open)
    }

    #[cold]
    fn make_room(&mut self, log: &mut Log, len: usize) -> Result<()> {
        if !log.open.is_empty() {
            self.seal(log)?;
        }
        log.open.reserve_exact(len.max(self.chunk_bytes));
        Ok(())
    }

    /// Ends a sequence. Once anything is on disk the open chunk goes there too, because reading
    /// needs its memory.
    pub fn close(&mut self, log: &mut Log) -> Result<()> {
        // A caller that swallowed an earlier failure would otherwise lose ids without a word.
        if self.broken {
            return Err(Error::new(
                ErrorKind::Io,
                "a temporary file could not be written; nothing was taken in",
            ));
        }
        if self.file.is_some() {
            self.memory_left = 0;
        } else {
            self.memory_left = usize::MAX;
        }
        if log.open.is_empty() {
            Ok(())
        } else {
            self.seal(log)
        }
    }

    fn seal(&mut self, log: &mut Log) -> Result<()> {
        let len = log.open.len();
        if let Some(left) = self.memory_left.checked_sub(len) {
            self.memory_left = left;
            log.chunks
                .push(Chunk::Memory(std::mem::take(&mut log.open)));
            return Ok(());
        }
        if let Err(error) = self.write(&log.open) {
            self.broken = true;
            return Err(unusable("write", error));
        }
        log.chunks.push(Chunk::Disk { at: self.end, len });
        self.end += len as u64;
        log.open.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.write_all(bytes)
    }

    /// Adds what is read to `into`.
    fn read(&self, at: u64, len: usize, into: &mut Vec<u8>) -> Result<()> {
        let Some(file) = &self.file else {
            return Err(Error::new(
                ErrorKind::Internal,
                "a spilled chunk without its file",
            ));
        };
        let end = into.len();
        into.resize(end + len, 0);
        let room = into.get_mut(end..).unwrap_or_default();
        file.read_exact_at(room, at)
            .map_err(|error| unusable("read", error))
    }
}

fn unusable(doing: &str, error: std::io::Error) -> Error {
    let folder = std::env::temp_dir();
    Error::new(
        ErrorKind::Io,
        format!(
            "cannot {doing} a temporary file in {}: {error}",
            folder.display()
        ),
    )
    .with_hint("Free some space there, or set TMPDIR to a folder that has room.")
    .with_source(error)
}

impl Log {
    /// Copies the closed sequence as a whole, and leaves it in place.
    pub fn whole(&self, spill: &Spill, whole: &mut Vec<u8>) -> Result<()> {
        whole.clear();
        for chunk in &self.chunks {
            match chunk {
                Chunk::Memory(bytes) => whole.extend_from_slice(bytes),
                Chunk::Disk { at, len } => spill.read(*at, *len, whole)?,
            }
        }
        Ok(())
    }

    /// Goes through the closed sequence and frees it on the way.
    pub fn into_cursor(self) -> Cursor {
        Cursor {
            chunks: self.chunks.into_iter(),
            chunk: Vec::new(),
            at: 0,
        }
    }
}

/// The reading end of a [`Log`].
pub(super) struct Cursor {
    chunks: std::vec::IntoIter<Chunk>,
    chunk: Vec<u8>,
    at: usize,
}

impl Cursor {
    /// What is left of the current chunk, or all of the next; empty at the end.
    #[inline]
    pub fn peek(&mut self, spill: &mut Spill) -> Result<&[u8]> {
        if self.at >= self.chunk.len() {
            self.turn(spill)?;
        }
        Ok(self.chunk.get(self.at..).unwrap_or_default())
    }

    #[cold]
    fn turn(&mut self, spill: &mut Spill) -> Result<()> {
        self.at = 0;
        match self.chunks.next() {
            Some(Chunk::Memory(bytes)) => self.chunk = bytes,
            Some(Chunk::Disk { at, len }) => {
                self.chunk.clear();
                spill.read(at, len, &mut self.chunk)?;
            }
            None => self.chunk = Vec::new(),
        }
        Ok(())
    }

    /// Passes over so many bytes of what [`peek`](Self::peek) gave.
    pub fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(spill: &mut Spill, log: &mut Log) -> Result<()> {
        for record in 0..200_u8 {
            spill.room(log, 100)?.extend([record; 100]);
        }
        Ok(())
    }

    #[test]
    fn what_went_to_disk_and_what_stayed_comes_back_in_order() {
        for budget in [0, 1 << 20] {
            let mut spill = Spill::new(budget, 1);
            let mut log = Log::default();
            filled(&mut spill, &mut log).expect("filled");
            spill.close(&mut log).expect("closed");
            assert_eq!(spill.file.is_some(), budget == 0);
            let mut cursor = log.into_cursor();
            for record in 0..200_u8 {
                let bytes = cursor.peek(&mut spill).expect("read");
                assert_eq!(bytes.get(..100), Some([record; 100].as_slice()));
                cursor.advance(100);
            }
            assert!(cursor.peek(&mut spill).expect("read").is_empty());
        }
    }

    #[test]
    fn a_disk_that_fails_is_told_even_when_the_first_error_was_swallowed() {
        let named = tempfile::NamedTempFile::new().expect("file");
        let mut spill = Spill::new(0, 1);
        spill.file = Some(File::open(named.path()).expect("read-only"));
        let mut log = Log::default();
        let error = filled(&mut spill, &mut log).expect_err("not written");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.hint().contains("TMPDIR"));
        assert_eq!(
            spill.close(&mut log).expect_err("told again").kind(),
            ErrorKind::Io
        );
    }
}
