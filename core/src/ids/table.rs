//! Which ids of one partition are there already: open addressing over the places of records.
//!
//! The hash only finds candidates: ids are duplicates when their bytes are equal, because a
//! collision would silently leave out a person.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// So many bits of a hash stand in a slot.
const TAG_BITS: u32 = 31;
const PLACE_BITS: u32 = u64::BITS - TAG_BITS;

/// The form in which two spellings of one name are the same.
pub(super) fn compose(id: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(id)
}

/// Where a hash belongs: the partition, and the tag within it.
#[inline]
pub(super) fn spot(hash: u64) -> (u8, u32) {
    let [partition, ..] = hash.to_be_bytes();
    (partition, (hash & 0x7fff_ffff) as u32)
}

/// The distinct ids of one partition.
#[derive(Default)]
pub(super) struct Table {
    /// The tag above; below it the record's place, plus one. 0 is free.
    slots: Vec<u64>,
    pub len: usize,
    /// Ids that equal another one in canonical composition but not in bytes.
    pub lookalikes: u64,
}

impl Table {
    /// Empties it for the next partition, keeping its memory.
    pub fn clear(&mut self) {
        self.slots.fill(0);
        self.len = 0;
    }

    /// Adds the record at `place`; false when one with the same bytes is there already. What
    /// `id_at` does not find is equal to nothing.
    #[inline]
    pub fn insert<'a>(
        &mut self,
        tag: u32,
        place: u32,
        id_at: impl Fn(u32) -> Option<&'a [u8]>,
    ) -> bool {
        self.make_room();
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        let mut seen_composed = false;
        while let Some(&slot) = self.slots.get(at).filter(|&&slot| slot != 0) {
            if slot >> PLACE_BITS == u64::from(tag)
                && let (Some(other), Some(id)) = (id_at(place_in(slot)), id_at(place))
            {
                if other == id {
                    return false;
                }
                seen_composed = seen_composed || same_composed(other, id);
            }
            at = (at + 1) & mask;
        }
        self.fill(at, tag, place);
        self.lookalikes += u64::from(seen_composed);
        true
    }

    /// Adds the record at `place` unless one has its tag already, and gives the place of that one:
    /// whether the two are equal is for the caller to see.
    #[inline]
    pub fn claim(&mut self, tag: u32, place: u32) -> Option<u32> {
        self.make_room();
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = tag as usize & mask;
        while let Some(&slot) = self.slots.get(at).filter(|&&slot| slot != 0) {
            if slot >> PLACE_BITS == u64::from(tag) {
                return Some(place_in(slot));
            }
            at = (at + 1) & mask;
        }
        self.fill(at, tag, place);
        None
    }

    #[inline]
    fn fill(&mut self, at: usize, tag: u32, place: u32) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = u64::from(tag) << PLACE_BITS | (u64::from(place) + 1);
        }
        self.len += 1;
    }

    #[inline]
    fn make_room(&mut self) {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(1 << 6);
        let old = std::mem::replace(&mut self.slots, vec![0; size]);
        for slot in old.into_iter().filter(|&slot| slot != 0) {
            let mut at = (slot >> PLACE_BITS) as usize & (size - 1);
            while self.slots.get(at).is_some_and(|&taken| taken != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
            }
        }
    }
}

/// The lower bits of what is one less than the slot's: a slot that is not free holds at least one.
fn place_in(slot: u64) -> u32 {
    (slot.wrapping_sub(1) & 0xffff_ffff) as u32
}

fn same_composed(a: &[u8], b: &[u8]) -> bool {
    match (str::from_utf8(a), str::from_utf8(b)) {
        (Ok(a), Ok(b)) if !a.is_ascii() || !b.is_ascii() => compose(a) == compose(b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_do_not_make_duplicates() {
        let mut table = Table::default();
        let ids: Vec<[u8; 4]> = (0..500u32).map(u32::to_le_bytes).collect();
        let last = u32::MAX;
        // The last place that there can be is a place like any other.
        let id_at = |place: u32| {
            let id = ids.get((if place == last { 499 } else { place }) as usize);
            id.map(<[u8; 4]>::as_slice)
        };
        for round in [true, false] {
            for place in (0..499).chain([last]) {
                assert_eq!(table.insert(7, place, id_at), round, "{place}");
            }
        }
        assert_eq!((table.len, table.lookalikes), (500, 0));
    }

    #[test]
    fn the_highest_tag_and_the_lowest_are_two() {
        let mut table = Table::default();
        let (_, highest) = spot(u64::MAX);
        assert_eq!(highest, u32::MAX >> 1);
        // Asked for no bytes at all: the tags differ.
        let never = |_| -> Option<&'static [u8]> { panic!("compared") };
        for (place, tag) in [0, highest, 1, highest - 1].into_iter().enumerate() {
            let place = u32::try_from(place).expect("few");
            assert!(table.insert(tag, u32::MAX - place, never));
        }
    }

    #[test]
    fn what_is_not_found_is_nobodys_duplicate() {
        let mut table = Table::default();
        assert!(table.insert(7, 0, |_| None));
        assert!(table.insert(7, 1, |_| None));
    }
}
