//! Exact deduplication of any number of ids in bounded memory, first order kept.
//!
//! As long as they fit, ids stay in memory as they came (`resident.rs`). Beyond that every id goes
//! into one of 256 partitions by a keyed hash, so that equal ids meet in the same one, and the order
//! of arrival is kept as one partition number per id. Then each partition is gone through with a
//! table small enough for the processor's cache. Reading the partitions in the order of arrival
//! gives the distinct ids.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use super::resident::{Reading, Resident};
use super::scan::Made;
use super::spill::{Cursor, Log, Spill};
use super::table::{Table, compose, spot};
use crate::error::{Error, ErrorKind, Result};

pub(super) const PARTITIONS: usize = 256;
/// A record: four bytes of the hash, two bytes of length, the id.
const HEAD: usize = 6;
/// The place of the hash's top bit in a record tells instead that JSON escapes nothing of the id.
const PLAIN: u32 = 1 << 31;
/// The longest id that a record can hold.
pub(super) const MAX_ID_BYTES: usize = u16::MAX as usize;

/// Takes ids in.
pub(super) struct Gathered {
    /// Keyed anew in each run: nobody can prepare ids that all fall into one place.
    hasher: RandomState,
    budget: usize,
    held: Held,
}

enum Held {
    Memory(Resident),
    Partitions(Partitions),
}

/// The ids after deduplication, ready to be read once in first order.
pub(super) struct Distinct {
    ids: Ids,
    pub found: Found,
}

enum Ids {
    Memory(Reading),
    Partitions(Merge),
}

/// What deduplication found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub subjects: u64,
    pub duplicates: u64,
    /// Ids that equal another one in canonical composition but not in bytes.
    pub lookalikes: u64,
}

impl Gathered {
    pub fn new(budget: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            budget,
            held: Held::Memory(Resident::new(budget)),
        }
    }

    #[inline]
    pub fn push(&mut self, id: &str, made: Made) -> Result<()> {
        let len = u16::try_from(id.len()).map_err(|_| {
            let why = "an id passed the guard that no record can hold";
            Error::new(ErrorKind::Internal, why)
        })?;
        let hash = self.hash(id, made.is_ascii);
        if let Held::Memory(resident) = &mut self.held {
            if resident.push(id, len, hash, made.is_plain) {
                return Ok(());
            }
            self.part()?;
        }
        match &mut self.held {
            Held::Partitions(partitions) => partitions.push(id, len, hash, made.is_plain),
            Held::Memory(_) => Err(lost()),
        }
    }

    fn hash(&self, id: &str, is_ascii: bool) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        // By the composed form, so that two spellings of one name meet and can be told.
        if is_ascii {
            hasher.write(id.as_bytes());
        } else {
            hasher.write(compose(id).as_bytes());
        }
        hasher.finish()
    }

    /// Takes the ids that stayed in memory to the partitions, where all others will go.
    #[cold]
    fn part(&mut self) -> Result<()> {
        let empty = Held::Partitions(Partitions::new(self.budget));
        let Held::Memory(resident) = std::mem::replace(&mut self.held, empty) else {
            return Err(lost());
        };
        let mut ids = resident.into_reading();
        while let Some((_, id)) = ids.next()? {
            let made = Made::of(id);
            self.push(str::from_utf8(id).map_err(|_| lost())?, made)?;
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Distinct> {
        let (ids, found) = match self.held {
            Held::Memory(resident) => {
                let (ids, found) = resident.finish();
                (Ids::Memory(ids), found)
            }
            Held::Partitions(partitions) => {
                let (ids, found) = partitions.finish()?;
                (Ids::Partitions(ids), found)
            }
        };
        Ok(Distinct { ids, found })
    }
}

impl Distinct {
    /// Hands the next `count` distinct ids to `take`, in first order, each with whether JSON escapes
    /// nothing of it. Fewer are an error.
    pub fn read(&mut self, count: u32, take: impl FnMut(&[u8], bool)) -> Result<()> {
        match &mut self.ids {
            Ids::Memory(ids) => ids.read(count, take),
            Ids::Partitions(ids) => ids.read(count, take),
        }
    }
}

/// Ids by partition, in memory and on disk.
struct Partitions {
    logs: Vec<Log>,
    order: Log,
    spill: Spill,
}

/// The partitions, read in the order of arrival.
struct Merge {
    partitions: Vec<Reader>,
    order: Cursor,
    spill: Spill,
}

struct Reader {
    cursor: Cursor,
    kept: Bits,
    next: usize,
}

impl Partitions {
    fn new(memory_budget: usize) -> Self {
        Self {
            logs: std::iter::repeat_with(Log::default)
                .take(PARTITIONS)
                .collect(),
            order: Log::default(),
            spill: Spill::new(memory_budget, PARTITIONS + 1),
        }
    }

    fn push(&mut self, id: &str, len: u16, hash: u64, plain: bool) -> Result<()> {
        let (partition, tag) = spot(hash);
        let tag = tag | u32::from(plain) << 31;
        let Some(log) = self.logs.get_mut(usize::from(partition)) else {
            return Err(Error::new(ErrorKind::Internal, "no such partition"));
        };
        let record = self.spill.room(log, HEAD + id.len())?;
        let [head @ .., _, _] = (u64::from(len) << 32 | u64::from(tag)).to_le_bytes();
        record.extend_from_slice(&head);
        record.extend_from_slice(id.as_bytes());
        self.spill.room(&mut self.order, 1)?.push(partition);
        Ok(())
    }

    fn finish(mut self) -> Result<(Merge, Found)> {
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
            let id_at = |place: u32| record(&records, place as usize).map(|(_, id)| id);
            let mut kept = Bits::default();
            let mut at = 0;
            while let Some((tag, id)) = record(&records, at) {
                let Ok(place) = u32::try_from(at) else {
                    return Err(Error::new(
                        ErrorKind::InvalidInput,
                        "too many ids for one import; split the list",
                    ));
                };
                kept.push(table.insert(tag & !PLAIN, place, id_at));
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
        let merge = Merge {
            partitions,
            order: self.order.into_cursor(),
            spill: self.spill,
        };
        let found = Found {
            subjects,
            duplicates: total - subjects,
            lookalikes: table.lookalikes,
        };
        Ok((merge, found))
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

impl Merge {
    fn read(&mut self, count: u32, mut take: impl FnMut(&[u8], bool)) -> Result<()> {
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

    /// What comes out, in memory and by partitions alike, however much fits.
    fn run(ids: &[&str]) -> (Vec<String>, Found) {
        let mut first = None;
        for budget in [0, 60, 100, 200, 1 << 20] {
            let mut gathered = Gathered::new(budget);
            for id in ids {
                gathered.push(id, Made::of(id.as_bytes())).expect("pushed");
            }
            let mut distinct = gathered.finish().expect("finished");
            let mut out = Vec::new();
            let count = u32::try_from(distinct.found.subjects).expect("few");
            let text = |id: &[u8]| String::from_utf8(id.to_vec()).expect("text");
            distinct
                .read(count, |id, plain| {
                    assert_eq!(plain, Made::of(id).is_plain);
                    out.push(text(id));
                })
                .expect("read");
            assert!(distinct.read(1, |_, _| ()).is_err(), "there were more");
            let now = (out, distinct.found);
            assert_eq!(*first.get_or_insert(now.clone()), now, "budget {budget}");
        }
        first.expect("some")
    }

    #[test]
    fn row_12_duplicates_are_merged_in_first_order() {
        let (ids, found) = run(&["b", "a\"", "b", "c", "a\"", "b"]);
        assert_eq!(ids, ["b", "a\"", "c"]);
        assert_eq!((found.subjects, found.duplicates), (3, 3));
    }

    #[test]
    fn row_11_both_spellings_of_a_name_stay_and_are_counted() {
        let composed = "Zo\u{eb}";
        let decomposed = "Zoe\u{308}";
        let (ids, found) = run(&[
            composed, "x", decomposed, composed, decomposed, "\u{212b}", "\u{c5}", "A\u{30a}",
        ]);
        assert_eq!(
            ids,
            [composed, "x", decomposed, "\u{212b}", "\u{c5}", "A\u{30a}"]
        );
        assert_eq!((found.lookalikes, found.duplicates), (3, 2));
    }

    #[test]
    fn the_longest_id_that_a_record_holds() {
        let long = "é".repeat(MAX_ID_BYTES / 2);
        let (ids, _) = run(&[&long, "a", &long]);
        assert_eq!(ids, [long.as_str(), "a"]);
        let too_long = "x".repeat(MAX_ID_BYTES + 1);
        assert!(Gathered::new(0).push(&too_long, Made::of(b"x")).is_err());
    }

    /// Ids that fill more than one chunk of memory, and partitions that go to the disk.
    #[test]
    fn many_ids_are_the_same_wherever_they_lie() {
        let ids: Vec<String> = (0..60_000_u64)
            .map(|n| if n % 3 == 2 { n / 2 } else { n })
            .map(|n| format!("{n:0width$}", width = 20 + (n % 7) as usize))
            .collect();
        let mut seen = std::collections::HashSet::new();
        let wanted: Vec<&String> = ids.iter().filter(|id| seen.insert(*id)).collect();
        for budget in [0, 1 << 20, 2 << 20, 64 << 20] {
            let mut gathered = Gathered::new(budget);
            for id in &ids {
                gathered.push(id, Made::of(id.as_bytes())).expect("pushed");
            }
            assert_eq!(matches!(gathered.held, Held::Memory(_)), budget == 64 << 20);
            let mut distinct = gathered.finish().expect("finished");
            assert_eq!(distinct.found.subjects, wanted.len() as u64);
            let mut at = 0;
            for _ in 0..wanted.len() {
                distinct
                    .read(1, |id, _| {
                        assert_eq!(id, wanted[at].as_bytes(), "{at}");
                        at += 1;
                    })
                    .expect("read");
            }
        }
    }
}
