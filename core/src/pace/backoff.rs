//! How long to wait after a refusal or a failure.
//!
//! The vendor documents "retrying with exponential backoff" and that refusals may last for hours,
//! so the wait has a ceiling but the trying has no end. Jitter keeps clients that were refused
//! together from coming back together.

use std::sync::Mutex;
use std::time::Duration;

use crate::model::Millis;
use crate::settings::{Settings, ms};

/// A source of jitter: seeded by a test, or by the system.
pub struct Dice(Mutex<u64>);

impl Dice {
    /// The same seed gives the same throws.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// Seeded by the system.
    pub fn random() -> Self {
        let mut seed = [0; 8];
        // Without randomness the waits are merely less spread.
        let _ = getrandom::fill(&mut seed);
        Self::seeded(u64::from_le_bytes(seed))
    }

    /// Sixteen bytes.
    pub fn bytes(&self) -> [u8; 16] {
        let half = |_| self.below(u64::MAX).to_le_bytes();
        let halves: [[u8; 8]; 2] = std::array::from_fn(half);
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(halves.as_flattened())
            .for_each(|(byte, random)| *byte = *random);
        bytes
    }

    /// A number below `bound` (SplitMix64).
    pub fn below(&self, bound: u64) -> u64 {
        let mut state = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}

/// Milliseconds to wait after the `failures`-th failure in a row (from 1): between nine tenths and
/// the whole of an exponentially growing ceiling, and never less than the vendor asked for. The
/// jitter is small so that a day of outage costs few calls.
pub fn wait(settings: &Settings, dice: &Dice, failures: u32, asked: Option<Duration>) -> Millis {
    let doublings = failures.saturating_sub(1).min(40);
    let ceiling = ms(settings.backoff_initial)
        .saturating_mul(1 << doublings)
        .min(ms(settings.backoff_max))
        .max(1);
    let spread = u64::try_from(ceiling / 10).unwrap_or(0) + 1;
    let own = ceiling - Millis::try_from(dice.below(spread)).unwrap_or(0);
    own.max(asked.map_or(0, ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_ceiling_and_stay_there_for_hours() {
        let settings = Settings::default();
        let dice = Dice::seeded(7);
        for failures in 1..500 {
            let ceiling = 1000_i64
                .saturating_mul(1 << (failures - 1).min(40))
                .min(600_000);
            let wait = wait(&settings, &dice, failures, None);
            assert!(
                (ceiling - ceiling / 10..=ceiling).contains(&wait),
                "{failures}: {wait}"
            );
        }
    }

    #[test]
    fn what_the_vendor_asks_for_is_the_least() {
        let settings = Settings::default();
        let asked = Some(Duration::from_secs(120));
        assert_eq!(wait(&settings, &Dice::seeded(1), 1, asked), 120_000);
        assert!(wait(&settings, &Dice::seeded(1), 30, asked) >= 540_000);
    }

    #[test]
    fn the_jitter_varies() {
        let dice = Dice::seeded(3);
        let settings = Settings::default();
        let waits: std::collections::BTreeSet<Millis> =
            (0..50).map(|_| wait(&settings, &dice, 10, None)).collect();
        assert!(waits.len() > 40, "{waits:?}");
    }
}
