//! Ids that fit into memory, one after the other as they came.
//!
//! What is scattered over the partitions is eight bytes of each, not the id: ids are written once,
//! read again only to be compared with one of the same hash, and given out in the order in which
//! they lie. Nothing waits for a far corner of memory.

use super::dedupe::{Found, MAX_ID_BYTES, PARTITIONS, lost};
use super::table::{Table, spot};
use crate::error::Result;

/// Ids lie in chunks of this size, a record never in two.
const CHUNK_BITS: u32 = 20;
const CHUNK: usize = 1 << CHUNK_BITS;
/// A place is the chunk's number and the place in it, in 32 bits.
const MOST_CHUNKS: usize = 1 << (u32::BITS - CHUNK_BITS);
/// A record: two bytes of length, one of marks, the id.
const HEAD: usize = 3;
const PLAIN: u8 = 1;
const REPEATED: u8 = 2;
/// What a partition keeps of an id, and as much again for its growth.
const ENTRY: usize = 16;

const _: () = assert!(HEAD + MAX_ID_BYTES <= CHUNK);

/// Takes ids in, up to a limit.
pub(super) struct Resident {
    chunks: Vec<Vec<u8>>,
    /// For each partition the ids' tags and places.
    entries: Vec<Vec<(u32, u32)>>,
    left: usize,
}

/// All that came, to be read once.
pub(super) struct Reading {
    chunks: std::vec::IntoIter<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Resident {
    /// For ids that take up to `budget` bytes with all that belongs to them.
    pub fn new(budget: usize) -> Self {
        Self {
            chunks: Vec::new(),
            entries: vec![Vec::new(); PARTITIONS],
            // A quarter is for the table.
            left: budget / 4 * 3,
        }
    }

    /// Adds an id unless it is one too many: then it gives false.
    #[inline]
    pub fn push(&mut self, id: &str, len: u16, hash: u64, plain: bool) -> bool {
        let size = HEAD + id.len();
        let Some(left) = self.left.checked_sub(size + ENTRY) else {
            return false;
        };
        if self.room() < size && !self.add_chunk() {
            return false;
        }
        let number = self.chunks.len().wrapping_sub(1);
        let (partition, tag) = spot(hash);
        let entries = self.entries.get_mut(usize::from(partition));
        let (Some(chunk), Some(entries)) = (self.chunks.last_mut(), entries) else {
            return false;
        };
        let Ok(place) = u32::try_from(number << CHUNK_BITS | chunk.len()) else {
            return false;
        };
        self.left = left;
        entries.push((tag, place));
        let [low, high] = len.to_le_bytes();
        chunk.extend_from_slice(&[low, high, if plain { PLAIN } else { 0 }]);
        chunk.extend_from_slice(id.as_bytes());
        true
    }

    #[inline]
    fn room(&self) -> usize {
        let last = self.chunks.last();
        last.map_or(0, |chunk| chunk.capacity() - chunk.len())
    }

    #[cold]
    fn add_chunk(&mut self) -> bool {
        let fits = self.chunks.len() < MOST_CHUNKS;
        if fits {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        fits
    }

    /// Marks all but the first of equal ids.
    pub fn finish(mut self) -> (Reading, Found) {
        let mut table = Table::default();
        let (mut total, mut subjects) = (0, 0);
        let (mut likely, mut others) = (Vec::new(), Vec::new());
        for entries in std::mem::take(&mut self.entries) {
            table.clear();
            for &(tag, place) in &entries {
                if let Some(first) = table.claim(tag, place) {
                    likely.push((tag, place, first));
                }
            }
            // The ids lie far apart: looked at in a row of their own, one is fetched while others are
            // compared.
            for (tag, place, first) in likely.drain(..) {
                let id = self.id_at(place);
                if id.is_some() && id == self.id_at(first) {
                    self.mark(place);
                } else {
                    others.push((tag, place));
                }
            }
            for (tag, place) in others.drain(..) {
                if !table.insert(tag, place, |place| self.id_at(place)) {
                    self.mark(place);
                }
            }
            total += entries.len() as u64;
            subjects += table.len as u64;
        }
        let found = Found {
            subjects,
            duplicates: total - subjects,
            lookalikes: table.lookalikes,
        };
        (self.into_reading(), found)
    }

    pub fn into_reading(self) -> Reading {
        Reading {
            chunks: self.chunks.into_iter(),
            chunk: Vec::new(),
            at: 0,
        }
    }

    #[inline]
    fn id_at(&self, place: u32) -> Option<&[u8]> {
        let chunk = self.chunks.get(place as usize >> CHUNK_BITS)?;
        record(chunk, place as usize & (CHUNK - 1)).map(|(_, id)| id)
    }

    fn mark(&mut self, place: u32) {
        let chunk = self.chunks.get_mut(place as usize >> CHUNK_BITS);
        let marks = (place as usize & (CHUNK - 1)) + 2;
        if let Some(marks) = chunk.and_then(|chunk| chunk.get_mut(marks)) {
            *marks |= REPEATED;
        }
    }
}

/// The record at a place of a chunk: its marks and the id.
#[inline]
fn record(chunk: &[u8], at: usize) -> Option<(u8, &[u8])> {
    let ([low, high, marks], rest) = chunk.get(at..)?.split_first_chunk::<HEAD>()?;
    let id = rest.get(..usize::from(u16::from_le_bytes([*low, *high])))?;
    Some((*marks, id))
}

impl Reading {
    /// Hands the next `count` ids to `take` that repeat none, each with whether it is plain. Fewer
    /// are an error.
    pub fn read(&mut self, count: u32, mut take: impl FnMut(&[u8], bool)) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let (marks, id) = self.next()?.ok_or_else(lost)?;
            if marks & REPEATED == 0 {
                take(id, marks & PLAIN != 0);
                left -= 1;
            }
        }
        Ok(())
    }

    /// The next id with its marks; none at the end. Memory that was read is given back.
    #[inline]
    pub fn next(&mut self) -> Result<Option<(u8, &[u8])>> {
        if self.at >= self.chunk.len() {
            match self.chunks.next() {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(None),
            }
            self.at = 0;
        }
        let (marks, id) = record(&self.chunk, self.at).ok_or_else(lost)?;
        self.at += HEAD + id.len();
        Ok(Some((marks, id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_do_not_make_duplicates() {
        let mut resident = Resident::new(1 << 20);
        let ids: Vec<String> = (0..300).map(|n| format!("user-{n}")).collect();
        for id in ids.iter().chain(&ids) {
            let len = u16::try_from(id.len()).expect("short");
            assert!(resident.push(id, len, 7, true));
        }
        let (mut reading, found) = resident.finish();
        assert_eq!((found.subjects, found.duplicates), (300, 300));
        let mut out = Vec::new();
        let text = |id: &[u8]| String::from_utf8(id.to_vec()).expect("text");
        reading.read(300, |id, _| out.push(text(id))).expect("read");
        assert_eq!(out, ids);
        assert!(reading.read(1, |_, _| ()).is_err(), "there were more");
    }

    #[test]
    fn what_does_not_fit_is_said_and_nothing_is_kept_of_it() {
        let mut resident = Resident::new(60);
        assert!(resident.push("abc", 3, 1, true));
        assert!(resident.push("abd", 3, 1, true));
        assert!(!resident.push("abe", 3, 1, true));
        assert_eq!(resident.finish().1.subjects, 2);
    }
}
