//! Exact deduplication of any number of ids in bounded memory, first order kept.
//!
//! Every id goes into one of 256 partitions by a keyed hash, so that equal ids meet in the same
//! one, and the order of arrival is kept as one partition number per id. Then each partition is
//! gone through with a table small enough for the processor's cache. The hash only finds
//! candidates: ids are duplicates when their bytes are equal, because a collision would silently
//! leave out a person. Reading the partitions in the order of arrival gives the distinct ids.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};

use icu_normalizer::ComposingNormalizerBorrowed;

use super::spill::{Cursor, Log, Spill};
use crate::error::{Error, ErrorKind, Result};

const PARTITIONS: usize = 256;
/// A record: four bytes of the hash, two bytes of length, the id.
const HEAD: usize = 6;
/// The longest id that a record can hold.
pub(super) const MAX_ID_BYTES: usize = u16::MAX as usize;

/// Takes ids in.
pub(super) struct Partitions {
    logs: Vec<Log>,
    order: Log,
    spill: Spill,
    /// Keyed anew in each run: nobody can prepare ids that all fall into one place.
    hasher: RandomState,
}

/// The ids after deduplication, ready to be read once in first order.
pub(super) struct Distinct {
    partitions: Vec<Reader>,
    order: Cursor,
    spill: Spill,
    pub subjects: u64,
    pub duplicates: u64,
    /// Ids that equal another one in canonical composition but not in bytes.
    pub lookalikes: u64,
}

struct Reader {
    cursor: Cursor,
    kept: Bits,
    next: usize,
}

fn compose(id: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(id)
}

impl Partitions {
    pub fn new(memory_budget: usize) -> Self {
        Self {
            logs: std::iter::repeat_with(Log::default)
                .take(PARTITIONS)
                .collect(),
            order: Log::default(),
            spill: Spill::new(memory_budget, PARTITIONS + 1),
            hasher: RandomState::new(),
        }
    }

    pub fn push(&mut self, id: &str) -> Result<()> {
        let mut hasher = self.hasher.build_hasher();
        // By the composed form, so that two spellings of one name meet and can be told.
        if id.is_ascii() {
            hasher.write(id.as_bytes());
        } else {
            hasher.write(compose(id).as_bytes());
        }
        let hash = hasher.finish();
        let [partition, ..] = hash.to_be_bytes();
        let tag = hash & u64::from(u32::MAX);
        let Ok(len) = u16::try_from(id.len()) else {
            return Err(Error::new(
                ErrorKind::Internal,
                "an id passed the guard that no record can hold",
            ));
        };
        let Some(log) = self.logs.get_mut(usize::from(partition)) else {
            return Err(Error::new(ErrorKind::Internal, "no such partition"));
        };
        let record = self.spill.room(log, HEAD + id.len())?;
        let [head @ .., _, _] = (u64::from(len) << 32 | tag).to_le_bytes();
        record.extend_from_slice(&head);
        record.extend_from_slice(id.as_bytes());
        self.spill.room(&mut self.order, 1)?.push(partition);
        Ok(())
    }

    pub fn finish(mut self) -> Result<Distinct> {
        for log in self.logs.iter_mut().chain([&mut self.order]) {
            self.spill.close(log)?;
        }
        let mut buffer = Vec::new();
        let mut table = Table::default();
        let (mut total, mut subjects) = (0, 0);
        let mut partitions = Vec::with_capacity(PARTITIONS);
        for log in self.logs {
            table.clear();
            let mut kept = Bits::default();
            log.scan(&mut self.spill, &mut buffer, |mut chunk| {
                while let Some((tag, id, rest)) = split(chunk) {
                    kept.push(table.insert(tag, id)?);
                    chunk = rest;
                }
                Ok(())
            })?;
            total += kept.len as u64;
            subjects += table.len as u64;
            partitions.push(Reader {
                cursor: log.into_cursor(),
                kept,
                next: 0,
            });
        }
        Ok(Distinct {
            partitions,
            order: self.order.into_cursor(),
            spill: self.spill,
            subjects,
            duplicates: total - subjects,
            lookalikes: table.lookalikes,
        })
    }
}

/// The first record of a chunk, and what follows it.
fn split(chunk: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (tag, rest) = chunk.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let (id, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    Some((u32::from_le_bytes(*tag), id, rest))
}

impl Distinct {
    /// Hands the next distinct id, in first order, to `take`; false at the end.
    pub fn next(&mut self, mut take: impl FnMut(&[u8])) -> Result<bool> {
        let lost = || {
            Error::new(
                ErrorKind::Internal,
                "the ids that were taken in cannot be read back whole",
            )
        };
        loop {
            let Some(&partition) = self.order.peek(&mut self.spill)?.first() else {
                return Ok(false);
            };
            self.order.advance(1);
            let reader = self
                .partitions
                .get_mut(usize::from(partition))
                .ok_or_else(lost)?;
            let (_, id, _) = split(reader.cursor.peek(&mut self.spill)?).ok_or_else(lost)?;
            let len = HEAD + id.len();
            let kept = reader.kept.get(reader.next);
            if kept {
                take(id);
            }
            reader.cursor.advance(len);
            reader.next += 1;
            if kept {
                return Ok(true);
            }
        }
    }
}

/// The distinct ids of one partition: open addressing over the bytes in `ids`.
#[derive(Default)]
struct Table {
    /// The tag in the upper half; in the lower the id's place in `ids`, plus one. 0 is free.
    slots: Vec<u64>,
    ids: Vec<u8>,
    len: usize,
    lookalikes: u64,
}

impl Table {
    /// Empties it for the next partition, keeping its memory.
    fn clear(&mut self) {
        self.slots.fill(0);
        self.ids.clear();
        self.len = 0;
    }

    /// Adds an id; false when the same bytes are there already.
    fn insert(&mut self, tag: u32, id: &[u8]) -> Result<bool> {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        let mut seen_composed = false;
        while let Some(&slot) = self.slots.get(at).filter(|&&slot| slot != 0) {
            if slot >> 32 == u64::from(tag) {
                let other = self.id_at(slot);
                if other == id {
                    return Ok(false);
                }
                seen_composed = seen_composed || same_composed(other, id);
            }
            at = (at + 1) & mask;
        }
        let (Ok(place), Ok(len)) = (u32::try_from(self.ids.len() + 1), u16::try_from(id.len()))
        else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "too many ids for one import; split the list",
            ));
        };
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = u64::from(tag) << 32 | u64::from(place);
        }
        self.ids.extend_from_slice(&len.to_le_bytes());
        self.ids.extend_from_slice(id);
        self.len += 1;
        self.lookalikes += u64::from(seen_composed);
        Ok(true)
    }

    fn id_at(&self, slot: u64) -> &[u8] {
        let place = (slot & u64::from(u32::MAX)).saturating_sub(1);
        usize::try_from(place)
            .ok()
            .and_then(|place| self.ids.get(place..))
            .and_then(|rest| {
                let (len, rest) = rest.split_first_chunk::<2>()?;
                rest.get(..usize::from(u16::from_le_bytes(*len)))
            })
            .unwrap_or_default()
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(1 << 6);
        let old = std::mem::replace(&mut self.slots, vec![0; size]);
        for slot in old.into_iter().filter(|&slot| slot != 0) {
            let mut at = (slot >> 32) as usize & (size - 1);
            while self.slots.get(at).is_some_and(|&taken| taken != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
            }
        }
    }
}

fn same_composed(a: &[u8], b: &[u8]) -> bool {
    match (str::from_utf8(a), str::from_utf8(b)) {
        (Ok(a), Ok(b)) if !a.is_ascii() || !b.is_ascii() => compose(a) == compose(b),
        _ => false,
    }
}

#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << (self.len % 64);
        }
        self.len += 1;
    }

    fn get(&self, at: usize) -> bool {
        self.words
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ids: &[&str]) -> (Vec<String>, Distinct) {
        let mut partitions = Partitions::new(0);
        for id in ids {
            partitions.push(id).expect("pushed");
        }
        let mut distinct = partitions.finish().expect("finished");
        let mut out = Vec::new();
        while distinct
            .next(|id| out.push(String::from_utf8(id.to_vec()).expect("text")))
            .expect("read")
        {}
        (out, distinct)
    }

    #[test]
    fn row_12_duplicates_are_merged_in_first_order() {
        let (ids, distinct) = run(&["b", "a", "b", "c", "a", "b"]);
        assert_eq!(ids, ["b", "a", "c"]);
        assert_eq!((distinct.subjects, distinct.duplicates), (3, 3));
    }

    #[test]
    fn row_11_both_spellings_of_a_name_stay_and_are_counted() {
        let composed = "Zo\u{eb}";
        let decomposed = "Zoe\u{308}";
        let (ids, distinct) = run(&[
            composed, "x", decomposed, composed, decomposed, "\u{212b}", "\u{c5}", "A\u{30a}",
        ]);
        assert_eq!(
            ids,
            [composed, "x", decomposed, "\u{212b}", "\u{c5}", "A\u{30a}"]
        );
        assert_eq!((distinct.lookalikes, distinct.duplicates), (3, 2));
    }

    #[test]
    fn equal_hashes_do_not_make_duplicates() {
        let mut table = Table::default();
        for round in [true, false] {
            for id in 0..500u32 {
                assert_eq!(table.insert(7, &id.to_le_bytes()).expect("inserted"), round);
            }
        }
        assert_eq!((table.len, table.lookalikes), (500, 0));
    }

    #[test]
    fn the_longest_id_that_a_record_holds() {
        let long = "é".repeat(MAX_ID_BYTES / 2);
        let (ids, _) = run(&[&long, "a", &long]);
        assert_eq!(ids, [long.as_str(), "a"]);
        let too_long = "x".repeat(MAX_ID_BYTES + 1);
        assert!(Partitions::new(0).push(&too_long).is_err());
    }
}
