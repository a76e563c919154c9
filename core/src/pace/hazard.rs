//! How long to wait before a job is looked at again.
//!
//! Jobs take a minute or a month, and nothing tells which; every look costs one of the few requests
//! a project has. Waiting x between looks of a job that ends at the rate h costs x/2 of lateness for
//! each end and 1/x requests a second, so the best x is sqrt(2c / h), where c is how many seconds of
//! lateness one request is worth (Keller 1974, "Optimum Checking Schedules for Systems Subject to
//! Random Failure"). The rate h at each age is learnt from the jobs that ended; until then it is
//! 0.7 / age, which favours no scale.

use serde::{Deserialize, Serialize};

use crate::model::Millis;
use crate::settings::{Settings, ms};

/// Half-octaves of age, from one second to 97 days.
const BINS: usize = 46;
/// The rate that is assumed at an age before anything is known is this share of 1 / age.
const PRIOR: f64 = 0.7;
/// From this many ends on, old ones fade: a vendor changes.
const FULL: f64 = 1000.0;
/// When requests are idle, a job is looked at after this share of its age at the latest; a young
/// one sooner, because it may be most of the run.
const IDLE_SHARE: Millis = 20;
const IDLE_SHARE_YOUNG: Millis = 40;
const YOUNG: Millis = 600_000;

/// At which ages things ended, and for how long they were exposed to ending at each age.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ages {
    ended: Vec<f64>,
    /// In seconds.
    exposed: Vec<f64>,
}

impl Ages {
    /// Something ended at this age.
    pub fn end(&mut self, age: Millis) {
        self.expose(age);
        add(&mut self.ended, bin(seconds(age)), 1.0);
        if self.ends() > FULL {
            for value in self.ended.iter_mut().chain(&mut self.exposed) {
                *value = (*value / 2.0).round();
            }
        }
    }

    /// Something reached this age and is not followed any more.
    pub fn expose(&mut self, age: Millis) {
        let age = seconds(age);
        for at in 0..=bin(age) {
            add(&mut self.exposed, at, overlap(at, at, age).round());
        }
    }

    /// Whether this can have been learnt: what comes from a file may be anything.
    pub(super) fn is_sound(&self) -> bool {
        let fine = |values: &[f64]| {
            values.len() <= BINS
                && values
                    .iter()
                    .all(|v| v.is_finite() && (0.0..1e12).contains(v))
        };
        fine(&self.ended) && fine(&self.exposed)
    }

    /// How many ends were learnt from.
    pub fn ends(&self) -> f64 {
        self.ended.iter().sum()
    }

    /// Ends per second at this age, over three half-octaves, with the exposure of what is still
    /// `running` (by age).
    pub fn hazard(&self, age: Millis, running: &[Millis]) -> f64 {
        let age = seconds(age);
        let (low, high) = (bin(age).saturating_sub(1), (bin(age) + 1).min(BINS - 1));
        let sum = |values: &[f64]| -> f64 { values.iter().take(high + 1).skip(low).sum() };
        let running: f64 = running
            .iter()
            .map(|age| overlap(low, high, seconds(*age)))
            .sum();
        (1.0 + sum(&self.ended)) / (age / PRIOR + sum(&self.exposed) + running)
    }

    /// The age by which this share has ended; `None` when nothing has, or so much never did.
    pub fn quantile(&self, share: f64) -> Option<Millis> {
        let mut left = 1.0;
        for at in 0..BINS {
            let ended = self.ended.get(at).copied().unwrap_or(0.0);
            let width = edge(at + 1) - start(at);
            let exposed = self.exposed.get(at).copied().unwrap_or(0.0).max(1e-9);
            let after = left * (-ended / exposed * width).exp();
            if ended > 0.0 && 1.0 - after >= share {
                let part = ((left / (1.0 - share)).ln() / (left / after).ln()).clamp(0.0, 1.0);
                return Some(millis(start(at) + width * part));
            }
            left = after;
        }
        None
    }

    /// About the greatest age at which anything ended.
    pub fn longest(&self) -> Option<Millis> {
        let last = self.ended.iter().rposition(|ended| *ended > 0.0)?;
        Some(millis(edge(last + 1)))
    }

    /// The mean age at the end.
    pub fn mean(&self) -> Option<Millis> {
        let ends = self.ends();
        (ends > 0.0).then(|| millis(self.exposed.iter().sum::<f64>() / ends))
    }
}

/// Milliseconds until the next look at something that ends at this rate.
pub fn interval(settings: &Settings, hazard: f64) -> Millis {
    millis(square_root(settings, hazard)).clamp(ms(settings.poll_initial), ms(settings.poll_max))
}

/// The latest next look at a job of this age when no request is waiting for anything better.
pub fn idle_interval(settings: &Settings, age: Millis) -> Millis {
    let share = if age < YOUNG {
        IDLE_SHARE_YOUNG
    } else {
        IDLE_SHARE
    };
    (age.max(0) / share).clamp(ms(settings.poll_initial), ms(settings.poll_max))
}

/// Seconds to wait, by Keller's rule.
pub(super) fn square_root(settings: &Settings, hazard: f64) -> f64 {
    (2.0 * settings.request_worth.as_secs_f64() / hazard.max(1e-12)).sqrt()
}

fn add(values: &mut Vec<f64>, at: usize, more: f64) {
    if values.len() <= at {
        values.resize(at + 1, 0.0);
    }
    if let Some(value) = values.get_mut(at) {
        *value += more;
    }
}

/// An age in seconds. Ages come from the wall clock, which may have jumped.
pub(super) fn seconds(age: Millis) -> f64 {
    #[allow(clippy::cast_precision_loss)] // far below 2^53 after the clamp
    let seconds = age.clamp(1000, 90 * 86_400_000) as f64 / 1000.0;
    seconds
}

pub(super) fn millis(seconds: f64) -> Millis {
    #[allow(clippy::cast_possible_truncation)] // saturates
    let millis = (seconds * 1000.0) as Millis;
    millis
}

fn bin(seconds: f64) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to a few dozen
    let at = (2.0 * seconds.log2()).clamp(0.0, 45.0) as usize;
    at
}

/// Where a bin begins.
fn edge(at: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)] // a few dozen
    let half_octaves = at as f64;
    (half_octaves / 2.0).exp2()
}

/// The same, but the first bin begins at birth.
fn start(at: usize) -> f64 {
    if at == 0 { 0.0 } else { edge(at) }
}

/// How much of its life something of this age has spent in these bins.
fn overlap(low: usize, high: usize, age: f64) -> f64 {
    (age.min(edge(high + 1)) - start(low)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;
    const HOUR: Millis = 60 * MINUTE;

    #[test]
    fn before_anything_is_known_looks_grow_with_the_root_of_the_age() {
        let (settings, ages) = (Settings::default(), Ages::default());
        let at = |age| interval(&settings, ages.hazard(age, &[]));
        assert_eq!(at(0), 9258, "sqrt(60 / 0.7) s");
        assert!((555_000..556_000).contains(&at(HOUR)), "{}", at(HOUR));
        let (mut age, mut looks) = (0, 0);
        while age < 14 * 24 * HOUR {
            age += at(age);
            looks += 1;
        }
        assert!((230..260).contains(&looks), "{looks}");
        // Clocks jump.
        assert_eq!(at(i64::MIN), at(0));
        assert_eq!(at(i64::MAX), at(90 * 24 * HOUR));
    }

    #[test]
    fn ends_are_looked_for_where_they_were_seen() {
        let (settings, mut ages) = (Settings::default(), Ages::default());
        for _ in 0..50 {
            ages.end(HOUR);
        }
        let at = |age| interval(&settings, ages.hazard(age, &[]));
        assert!(at(10 * MINUTE) > 20 * MINUTE, "{}", at(10 * MINUTE));
        assert!(at(HOUR) < 6 * MINUTE, "{}", at(HOUR));
    }

    #[test]
    fn those_still_running_speak_against_an_early_end() {
        let ages = Ages::default();
        let running = [HOUR; 100];
        assert!(ages.hazard(5 * MINUTE, &running) < ages.hazard(5 * MINUTE, &[]) / 20.0);
        assert!(ages.hazard(9 * HOUR, &running) > ages.hazard(9 * HOUR, &[]) / 2.0);
    }

    #[test]
    fn quantiles_and_the_mean_come_back() {
        let mut ages = Ages::default();
        assert_eq!((ages.quantile(0.5), ages.mean()), (None, None));
        for minutes in 1..=99 {
            ages.end(minutes * MINUTE);
        }
        let half = ages.quantile(0.5).expect("ends");
        assert!((40 * MINUTE..60 * MINUTE).contains(&half), "{half}");
        assert!(ages.quantile(0.9).expect("ends") > 70 * MINUTE);
        assert_eq!(ages.mean().map(|mean| mean / MINUTE), Some(50));
        // Long after, it has not grown without end.
        for _ in 0..5000 {
            ages.end(MINUTE);
        }
        assert!(ages.ends() <= FULL && ages.quantile(0.9).expect("ends") < 2 * MINUTE);
    }

    #[test]
    fn idle_requests_look_by_a_share_of_the_age() {
        let settings = Settings::default();
        assert_eq!(idle_interval(&settings, HOUR), 3 * MINUTE);
        assert_eq!(idle_interval(&settings, 2 * MINUTE), 3000);
        assert_eq!(idle_interval(&settings, -HOUR), 2000);
    }
}
