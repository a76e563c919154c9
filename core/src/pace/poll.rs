//! How long to wait before a job is looked at again.
//!
//! Jobs take minutes to weeks, and nothing tells which. A wait that is a fixed share of the job's
//! age notices its end late by at most that share, with a number of looks that grows only with
//! the logarithm of the age. No jitter: looks of one project are spaced by its pace anyway.

use crate::model::Millis;
use crate::settings::{Settings, ms};

/// The share of a job's age, in percent.
const SHARE: Millis = 10;

/// Milliseconds until the next look at a job of this age.
pub fn interval(settings: &Settings, age: Millis) -> Millis {
    (age.max(0) / 100 * SHARE).clamp(ms(settings.poll_initial), ms(settings.poll_max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_stay_few_over_weeks() {
        let settings = Settings::default();
        let (mut age, mut looks) = (0, 0);
        while age < 14 * 86_400_000 {
            age += interval(&settings, age);
            looks += 1;
        }
        assert!((300..420).contains(&looks), "{looks}");
        assert_eq!(interval(&settings, 0), 30_000);
        assert_eq!(interval(&settings, i64::MAX), 3_600_000);
        assert_eq!(interval(&settings, -5), 30_000);
    }
}
