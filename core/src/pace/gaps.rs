//! How long after a create of a retrieval the next one fits, once there is no room.
//!
//! Where days are freed while jobs work, many of them together free room at a steady pace: hardly
//! ever long before the mean time, and hardly ever long after it. Where they are freed at the ends
//! of jobs, room comes as it pleases. Both are learnt: the ages at which room appeared, as for jobs,
//! and the mean and the spread of their logarithms, which tell whether it comes steadily.

use serde::{Deserialize, Serialize};

use super::hazard::{Ages, seconds};
use crate::model::Millis;

/// So many count; older ones fade.
const COUNT: f64 = 16.0;
/// From so many on, and with no more than this spread (ends at random have 1.3), room is steady.
const ENOUGH: f64 = 6.0;
const STEADY: f64 = 0.45;
/// No prophecy is better than this.
const SPREAD_MIN: f64 = 0.2;
/// So many spreads after the mean, what came before says nothing about this time.
const LATE: f64 = 2.5;

/// How long it took before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gaps {
    ages: Ages,
    count: f64,
    /// Of the logarithms of seconds.
    mean: f64,
    variance: f64,
}

impl Gaps {
    /// Room appeared so long after the create before.
    pub fn end(&mut self, gap: Millis) {
        self.ages.end(gap);
        self.count = (self.count + 1.0).min(COUNT);
        let off = seconds(gap).ln() - self.mean;
        self.mean += off / self.count;
        self.variance = (1.0 - 1.0 / self.count) * (self.variance + off * off / self.count);
    }

    /// How often that was seen.
    pub fn ends(&self) -> f64 {
        self.ages.ends()
    }

    /// The mean, once it was seen.
    pub fn mean(&self) -> Option<Millis> {
        self.ages.mean()
    }

    /// Whether room comes at a steady pace, and this long after a create is not yet late for it.
    pub fn steady(&self, gap: Millis) -> bool {
        self.count >= ENOUGH && self.spread() <= STEADY && self.off(gap) < LATE
    }

    /// Rooms per second, so long after a create.
    pub fn hazard(&self, gap: Millis) -> f64 {
        if !self.steady(gap) {
            return self.ages.hazard(gap, &[gap]);
        }
        // Of the lognormal distribution; its tail by a logistic curve, close enough below LATE.
        let off = self.off(gap);
        let density = (-off * off / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let left = 1.0 / (1.0 + (1.5976 * off + 0.07056 * off.powi(3)).exp());
        density / left / (self.spread() * seconds(gap))
    }

    pub(super) fn is_sound(&self) -> bool {
        self.ages.is_sound()
            && (0.0..=COUNT).contains(&self.count)
            && (-50.0..50.0).contains(&self.mean)
            && (0.0..2500.0).contains(&self.variance)
    }

    fn spread(&self) -> f64 {
        self.variance.sqrt().max(SPREAD_MIN)
    }

    /// How many spreads after the mean this is.
    fn off(&self, gap: Millis) -> f64 {
        (seconds(gap).ln() - self.mean) / self.spread()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_comes_steadily_is_not_looked_for_early() {
        let mut gaps = Gaps::default();
        assert!(!gaps.steady(8000));
        for gap in [7000, 8000, 9000, 7500, 8500, 8200, 7800] {
            gaps.end(gap);
        }
        assert!(gaps.steady(1000) && gaps.hazard(4000) < 0.002, "{gaps:?}");
        assert!(gaps.hazard(8000) > 0.4, "{}", gaps.hazard(8000));
        // Long after, nothing is foretold: as for anything of that age.
        assert!(!gaps.steady(20_000) && gaps.hazard(3_600_000) < 0.001);
        assert!(gaps.is_sound());
    }

    #[test]
    fn room_that_comes_at_random_is_looked_for_always() {
        let mut gaps = Gaps::default();
        for gap in [1000, 30_000, 3000, 9000, 60_000, 2000, 15_000, 5000] {
            gaps.end(gap);
        }
        assert!(!gaps.steady(8000));
        assert!(gaps.hazard(2000) > 0.02);
    }
}
