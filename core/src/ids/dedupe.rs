//! Exact deduplication of any number of ids in bounded memory, first order kept.
//!
//! Every id goes into one of 256 partitions by a keyed hash, so that equal ids meet in the same
//! one, and the order of arrival is kept as one partition number per id. Then each partition is
//! gone through with a table small enough for the processor's cache. The hash only finds
//! candidates: ids are duplicates when their bytes are equal, because a collision would silently
//! leave out a person. Reading the partitions in the order of arrival gives the distinct ids.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use icu_normalizer::ComposingNormalizerBorrowed;

use super::scan::Made;
use super::spill::{Cursor, Log, Spill};
use crate::error::{Error, ErrorKind, Result};

const PARTITIONS: usize = 256;
/// A record: four bytes of the hash, two bytes of length, the id.
const HEAD: usize = 6;
/// The place of the hash's top bit in a record tells instead that JSON escapes nothing of the id.
const PLAIN: u32 = 1 << 31;
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
            hasher: RandomState::default(),
        }
    }

    pub fn push(&mut self, id: &str, made: Made) -> Result<()> {
        let mut hasher = self.hasher.build_hasher();
        // By the composed form, so that two spellings of one name meet and can be told.
        if made.is_ascii {
            hasher.write(id.as_bytes());
        } else {
            hasher.write(compose(id).as_bytes());
        }
        let hash = hasher.finish();
        let [partition, ..] = hash.to_be_bytes();
        let plain = u64::from(made.is_plain) << 31;
        let tag = hash & u64::from(u32::MAX ^ PLAIN) | plain;
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
        let mut records = Vec::new();
        let mut table = Table::default();
        let (mut total, mut subjects) = (0, 0);
        let mut partitions = Vec::with_capacity(PARTITIONS);
        for log in self.logs {
            table.clear();
            log.whole(&self.spill, &mut records)?;
            let mut kept = Bits::default();
            let mut at = 0;
            while let Some((tag, id)) = record(&records, at) {
                kept.push(table.insert(&records, tag & !PLAIN, at, id)?);
                at += HEAD + id.len();
            }
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

/// The record at a place of a chunk: the tag and the id.
#[inline]
fn record(chunk: &[u8], at: usize) -> Option<(u32, &[u8])> {
    let (tag, rest) = chunk.get(at..)?.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let id = rest.get(..usize::from(u16::from_le_bytes(*len)))?;
    Some((u32::from_le_bytes(*tag), id))
}

impl Distinct {
    /// Hands the next `count` distinct ids to `take`, in first order, each with whether JSON escapes
    /// nothing of it. Fewer are an error.
    pub fn read(&mut self, count: u32, mut take: impl FnMut(&[u8], bool)) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let arrivals = self.order.peek(&mut self.spill)?;
            if arrivals.is_empty() {
                return Err(lost());
            }
            let mut passed = 0;
            for &partition in arrivals {
                let reader = self.partitions.get_mut(usize::from(partition));
                let reader = reader.ok_or_else(lost)?;
                left -= u32::from(reader.next(&mut self.spill, &mut take)?);
                passed += 1;
                if left == 0 {
                    break;
                }
            }
            self.order.advance(passed);
        }
        Ok(())
    }
}

impl Reader {
    /// Passes over the next record; gives whether it was handed out.
    #[inline]
    fn next(&mut self, spill: &mut Spill, take: &mut impl FnMut(&[u8], bool)) -> Result<bool> {
        let (tag, id) = record(self.cursor.peek(spill)?, 0).ok_or_else(lost)?;
        let len = HEAD + id.len();
        let kept = self.kept.get(self.next);
        if kept {
            take(id, tag & PLAIN != 0);
        }
        self.next += 1;
        self.cursor.advance(len);
        Ok(kept)
    }
}

pub(super) fn lost() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the ids that were taken in cannot be read back whole",
    )
}

/// The distinct ids of one partition: open addressing over its records.
#[derive(Default)]
struct Table {
    /// The tag in the upper half; in the lower the record's place, plus one. 0 is free.
    slots: Vec<u64>,
    len: usize,
    lookalikes: u64,
}

impl Table {
    /// Empties it for the next partition, keeping its memory.
    fn clear(&mut self) {
        self.slots.fill(0);
        self.len = 0;
    }

    /// Adds the id of the record at `place`; false when the same bytes are there already.
    fn insert(&mut self, records: &[u8], tag: u32, place: usize, id: &[u8]) -> Result<bool> {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        let mut seen_composed = false;
        while let Some(&slot) = self.slots.get(at).filter(|&&slot| slot != 0) {
            if slot >> 32 == u64::from(tag) {
                let other = id_at(records, slot);
                if other == id {
                    return Ok(false);
                }
                seen_composed = seen_composed || same_composed(other, id);
            }
            at = (at + 1) & mask;
        }
        let Ok(place) = u32::try_from(place + 1) else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "too many ids for one import; split the list",
            ));
        };
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = u64::from(tag) << 32 | u64::from(place);
        }
        self.len += 1;
        self.lookalikes += u64::from(seen_composed);
        Ok(true)
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

fn id_at(records: &[u8], slot: u64) -> &[u8] {
    let place = (slot & u64::from(u32::MAX)).saturating_sub(1);
    let place = usize::try_from(place).ok();
    place
        .and_then(|place| record(records, place))
        .map_or(&[], |(_, id)| id)
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
            partitions
                .push(id, Made::of(id.as_bytes()))
                .expect("pushed");
        }
        let mut distinct = partitions.finish().expect("finished");
        let mut out = Vec::new();
        let count = u32::try_from(distinct.subjects).expect("few");
        let text = |id: &[u8]| String::from_utf8(id.to_vec()).expect("text");
        distinct
            .read(count, |id, _| out.push(text(id)))
            .expect("read");
        assert!(distinct.read(1, |_, _| ()).is_err(), "there were more");
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
        let ids: Vec<[u8; 4]> = (0..500u32).map(u32::to_le_bytes).collect();
        let records: Vec<u8> = ids
            .iter()
            .flat_map(|id| [&[7, 0, 0, 0, 4, 0], id.as_slice()].concat())
            .collect();
        for round in [true, false] {
            for (at, id) in ids.iter().enumerate() {
                let added = table.insert(&records, 7, at * (HEAD + 4), id);
                assert_eq!(added.expect("inserted"), round);
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
        assert!(Partitions::new(0).push(&too_long, Made::of(b"x")).is_err());
    }
}
