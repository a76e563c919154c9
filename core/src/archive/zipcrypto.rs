//! ZipCrypto (APPNOTE 6.1), one stream or several side by side.
//!
//! The key of each byte hangs on the byte before it, so that a processor spends most of its time on
//! one stream waiting. Several streams do not wait for each other.

use std::cmp::Reverse;

/// So many streams are worth decrypting side by side; more do not fit into a processor's registers.
pub(super) const SIDE_BY_SIDE: usize = 6;

#[derive(Clone, Copy)]
pub(super) struct ZipCrypto {
    keys: [u32; 3],
}

/// A stream, and what is left of its bytes.
pub(super) type Lane<'a> = (ZipCrypto, &'a mut [u8]);

const FACTOR: u32 = 0x0808_8405;

/// The checksum's table (the reflected polynomial of ISO 3309).
const CRC: [u32; 256] = table();

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)] // at compile time, below 256
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut value = n as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[n] = value;
        n += 1;
    }
    table
}

/// What a byte is masked with hangs on these bits of the third key.
const MASK_BITS: u32 = 14;
const MASK_MOST: u32 = (1 << MASK_BITS) - 1;

/// By these bits, the mask.
static MASK: [u8; 1 << MASK_BITS] = masks();
/// Of each entry of the checksum's table, these bits, and the lowest byte.
static CRC_MASK: [u16; 256] = parts().0;
static CRC_LOW: [u8; 256] = parts().1;

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)] // at compile time, below 1 << 14
const fn masks() -> [u8; 1 << MASK_BITS] {
    let mut masks = [0; 1 << MASK_BITS];
    let mut n = 0;
    while n < masks.len() {
        masks[n] = mask((n as u32) << 2);
        n += 1;
    }
    masks
}

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)] // at compile time, below 256
const fn parts() -> ([u16; 256], [u8; 256]) {
    let (mut masks, mut lows) = ([0; 256], [0; 256]);
    let mut n = 0;
    while n < 256 {
        masks[n] = ((CRC[n] >> 2) & MASK_MOST) as u16;
        lows[n] = CRC[n] as u8;
        n += 1;
    }
    (masks, lows)
}

#[inline]
const fn mask(key: u32) -> u8 {
    let t = (key | 2) & 0xffff;
    let [_, mask, ..] = t.wrapping_mul(t ^ 1).to_le_bytes();
    mask
}

#[inline]
fn crc(old: u32, byte: u8) -> u32 {
    let [low, ..] = old.to_le_bytes();
    at(&CRC, low ^ byte) ^ (old >> 8)
}

#[inline]
fn at<T: Copy + Default>(table: &[T; 256], byte: u8) -> T {
    // A byte is always inside; the compiler sees that.
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

impl ZipCrypto {
    pub(super) fn new(secret: &[u8]) -> Self {
        let mut cipher = Self {
            keys: [0x1234_5678, 0x2345_6789, 0x3456_7890],
        };
        for byte in secret {
            cipher.step(*byte);
        }
        cipher
    }

    #[inline]
    fn step(&mut self, plain: u8) {
        let [a, b, c] = self.keys;
        let a = crc(a, plain);
        let b = b
            .wrapping_add(a & 0xff)
            .wrapping_mul(FACTOR)
            .wrapping_add(1);
        let [high, ..] = b.to_be_bytes();
        self.keys = [a, b, crc(c, high)];
    }

    #[inline]
    fn decrypt_byte(&mut self, byte: &mut u8) {
        let [_, _, c] = self.keys;
        *byte ^= mask(c);
        self.step(*byte);
    }

    /// One stream alone. The same as `decrypt_byte` for each, with the way from one byte to the next
    /// as short as can be: what does not hang on the byte is computed beside it, and the mask is
    /// looked up by the parts of the key to come.
    pub(super) fn decrypt(&mut self, bytes: &mut [u8]) {
        let [mut a, mut b, mut c] = self.keys;
        let mut ahead = b.wrapping_mul(FACTOR).wrapping_add(1);
        let mut mask = mask(c);
        for byte in bytes {
            let [a_low, a_next, ..] = a.to_le_bytes();
            let index = (*byte ^ a_low) ^ mask;
            *byte ^= mask;
            let low = at(&CRC_LOW, index) ^ a_next;
            a = at(&CRC, index) ^ (a >> 8);
            b = u32::from(low).wrapping_mul(FACTOR).wrapping_add(ahead);
            ahead = b.wrapping_mul(FACTOR).wrapping_add(1);
            let ([high, ..], [c_low, ..]) = (b.to_be_bytes(), c.to_le_bytes());
            let bits = u32::from(at(&CRC_MASK, high ^ c_low)) ^ ((c >> 10) & MASK_MOST);
            mask = MASK.get(bits as usize).copied().unwrap_or_default();
            c = at(&CRC, high ^ c_low) ^ (c >> 8);
        }
        self.keys = [a, b, c];
    }

    /// A member as others write it: twelve bytes in front, the last of which is the checksum's highest.
    #[cfg(test)]
    pub(super) fn encrypt(mut self, crc: u32, plain: &[u8]) -> Vec<u8> {
        let [.., check] = crc.to_le_bytes();
        let front = [[7; 11].as_slice(), &[check]].concat();
        let mut encrypt = |byte: &u8| {
            let mut mask = [0];
            self.clone().decrypt(&mut mask);
            self.step(*byte);
            byte ^ mask[0]
        };
        front.iter().chain(plain).map(&mut encrypt).collect()
    }
}

/// Decrypts every stream to its end. They are given back empty.
pub(super) fn decrypt_together(lanes: &mut [Lane<'_>]) {
    lanes.sort_unstable_by_key(|(_, bytes)| Reverse(bytes.len()));
    let mut lanes = lanes;
    while let Some((_, shortest)) = lanes.last() {
        let len = shortest.len();
        // In front are those that go on longest.
        let count = lanes.len().min(SIDE_BY_SIDE);
        let done = lanes.len() - count;
        let turn = lanes.get_mut(done..).unwrap_or_default();
        match count {
            6 => in_step::<6>(turn, len),
            5 => in_step::<5>(turn, len),
            4 => in_step::<4>(turn, len),
            3 => in_step::<3>(turn, len),
            2 => in_step::<2>(turn, len),
            _ => in_step::<1>(turn, len),
        }
        let open = lanes.iter().take_while(|(_, bytes)| !bytes.is_empty());
        let open = open.count();
        lanes = lanes.get_mut(..open).unwrap_or_default();
    }
}

/// The next `len` bytes of exactly so many streams.
fn in_step<const N: usize>(lanes: &mut [Lane<'_>], len: usize) {
    let Some(lanes) = lanes.first_chunk_mut::<N>() else {
        return;
    };
    // Copies, which can stay in registers.
    let mut ciphers = lanes.each_ref().map(|(cipher, _)| *cipher);
    let mut pieces = lanes.each_mut().map(|(_, bytes)| {
        let (piece, rest) = std::mem::take(bytes)
            .split_at_mut_checked(len)
            .unwrap_or_default();
        *bytes = rest;
        piece
    });
    for at in 0..len {
        for (cipher, piece) in ciphers.iter_mut().zip(&mut pieces) {
            if let Some(byte) = piece.get_mut(at) {
                cipher.decrypt_byte(byte);
            }
        }
    }
    for (lane, cipher) in lanes.iter_mut().zip(ciphers) {
        lane.0 = cipher;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the streams' lengths, each becomes what it becomes alone.
    #[test]
    fn streams_side_by_side_are_what_they_are_alone() {
        let secret = |n: usize| format!("secret-{n}");
        let sizes = [0, 1, 5, 5, 300, 299, 1_000, 0, 77, 4_096, 4_095];
        for count in 0..=sizes.len() {
            let mut alone: Vec<Vec<u8>> = (0..count)
                .map(|n| (0..sizes[n]).map(|at| (at * 7 + n) as u8).collect())
                .collect();
            let mut together = alone.clone();
            for (n, bytes) in alone.iter_mut().enumerate() {
                ZipCrypto::new(secret(n).as_bytes()).decrypt(bytes);
            }
            let mut lanes: Vec<Lane<'_>> = together
                .iter_mut()
                .enumerate()
                .map(|(n, bytes)| (ZipCrypto::new(secret(n).as_bytes()), &mut bytes[..]))
                .collect();
            decrypt_together(&mut lanes);
            assert!(alone == together, "{count}");
        }
    }
}
