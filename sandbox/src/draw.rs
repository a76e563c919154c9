//! Randomness that is none: everything follows from the seed and a name.

use sha2::{Digest, Sha256};

/// A stream of numbers for one purpose.
pub(crate) struct Draw(u64);

impl Draw {
    pub fn new(seed: u64, purpose: &str, key: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(key);
        let mut first = [0; 8];
        first
            .iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(u64::from_le_bytes(first))
    }

    /// SplitMix64: a short public-domain generator with a full period.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From the first to the last, both included.
    pub fn within(&mut self, [first, last]: [u64; 2]) -> u64 {
        let span = last.saturating_sub(first).saturating_add(1);
        first.saturating_add(self.next() % span)
    }

    /// A duration whose logarithm is normally distributed (Box and Muller).
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> u64 {
        #[allow(clippy::cast_precision_loss)] // 53 bits are kept
        let mut unit = || ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let (radius, turn) = ((-2.0 * unit().ln()).sqrt(), std::f64::consts::TAU * unit());
        let drawn = median * (sigma * radius * turn.cos()).exp();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        let drawn = drawn.clamp(1.0, 1e13) as u64;
        drawn
    }

    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.within([0, (words.len() as u64).saturating_sub(1)]);
        usize::try_from(at)
            .ok()
            .and_then(|at| words.get(at))
            .copied()
            .unwrap_or_default()
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece
                .iter_mut()
                .zip(self.next().to_le_bytes())
                .for_each(|(to, from)| *to = from);
        }
    }
}

/// The first eight hex digits of the SHA-256: enough to tell two secrets apart, too few to find one.
pub(crate) fn fingerprint(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
        .chars()
        .take(8)
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
