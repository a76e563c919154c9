//! One look at all bytes of an id, for everybody who wants to know something about them.

/// What an id is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    pub has_nul: bool,
    pub is_ascii: bool,
    /// It stands in JSON as it is.
    pub is_plain: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// Every byte of a word.
const fn all(byte: u8) -> u64 {
    ONES * byte as u64
}

/// Top bits where a byte of the word is one of two that are ASCII: none where none is, and the lowest
/// stands in the first.
#[inline]
fn hits(word: u64, one: u64, other: u64) -> u64 {
    let below = (word ^ one).wrapping_sub(ONES) | (word ^ other).wrapping_sub(ONES);
    below & !word & TOPS
}

/// What was seen so far, eight bytes at once.
#[derive(Default)]
struct Seen {
    any: u64,
    escaped: u64,
}

impl Seen {
    #[inline]
    fn add(&mut self, word: u64) {
        let special = word.wrapping_sub(all(0x20))
            | (word ^ all(b'"')).wrapping_sub(ONES)
            | (word ^ all(b'\\')).wrapping_sub(ONES);
        self.any |= word;
        self.escaped |= special & !word;
    }
}

impl Made {
    #[inline]
    pub fn of(bytes: &[u8]) -> Self {
        let mut seen = Seen::default();
        let (whole, rest) = bytes.as_chunks();
        for word in whole {
            seen.add(u64::from_le_bytes(*word));
        }
        if let Some(last) = bytes.last_chunk() {
            // It looks at some bytes again, which costs less than one by one.
            seen.add(u64::from_le_bytes(*last));
        } else {
            let mut few = [b'a'; 8];
            for (place, byte) in few.iter_mut().zip(rest) {
                *place = *byte;
            }
            seen.add(u64::from_le_bytes(few));
        }
        let is_plain = seen.escaped & TOPS == 0;
        Self {
            has_nul: !is_plain && bytes.contains(&0),
            is_ascii: seen.any & TOPS == 0,
            is_plain,
        }
    }
}

/// Where the first of two ASCII bytes stands, from a place on. The fields of a table are short: eight
/// bytes at once, and no call, is less than a search made for long texts costs to begin.
#[inline]
pub(super) fn seek(bytes: &[u8], from: usize, one: u8, other: u8) -> Option<usize> {
    let (words, rest) = bytes.get(from..)?.as_chunks();
    let (one_word, other_word) = (all(one), all(other));
    let mut at = from;
    for word in words {
        let hit = hits(u64::from_le_bytes(*word), one_word, other_word);
        if hit != 0 {
            return Some(at.wrapping_add((hit.trailing_zeros() / 8) as usize));
        }
        at = at.wrapping_add(8);
    }
    let last = rest.iter().position(|&byte| byte == one || byte == other);
    last.map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts_at_every_place() {
        for len in 0..40 {
            for at in 0..len {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; len];
                    bytes[at] = byte;
                    let made = Made::of(&bytes);
                    assert_eq!(made.has_nul, byte == 0);
                    assert_eq!(made.is_ascii, byte.is_ascii());
                    let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                    assert_eq!(made.is_plain, plain, "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn seek_finds_what_memchr_finds() {
        let mut state = 5u64;
        for _ in 0..20_000 {
            let mut random = |below: usize| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                usize::try_from(state >> 33).expect("small") % below
            };
            let pieces = [0, 1, b'"', b'"' - 1, b'"' + 1, b',', b'\n', 0x80, 0xa2, 255];
            let bytes: Vec<u8> = (0..random(40)).map(|_| pieces[random(10)]).collect();
            let from = random(45);
            let wanted = bytes
                .get(from..)
                .and_then(|rest| memchr::memchr2(b'"', b'\n', rest))
                .map(|at| from + at);
            assert_eq!(seek(&bytes, from, b'"', b'\n'), wanted, "{bytes:?} {from}");
        }
    }
}
