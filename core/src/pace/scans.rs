//! The vendor's limit on outstanding scans, as seen from outside.
//!
//! A retrieval makes the vendor read one day of events for each day since the project's first
//! event, and about five years of such days may be outstanding; the rest is refused. How full it is
//! cannot be asked, nor is it known when days are freed (at the end of a job, or while it works).
//! So it is tried: a refused create costs one request and creates nothing. When to try follows from
//! the rate at which room appears, by the same rule as looks at jobs (`hazard.rs`): either because
//! running jobs end, or as it appeared before. Only creates of retrievals wait for it.

use serde::{Deserialize, Serialize};

use super::hazard::{Ages, millis, seconds, square_root};
use crate::model::Millis;
use crate::model::action::Compliance;
use crate::settings::{Settings, ms};

/// Where jobs are short beside the worth of a request, the rule alone would leave room unused for
/// long: it is tried after this share of the mean time that a place is taken, at the latest.
const SHARE: f64 = 0.017;
/// The same, and the shortest wait, before any room has been seen to appear: nobody knows whether
/// it takes seconds or days, and finding out politely costs one turn of many.
const UNKNOWN_SHARE: f64 = 0.1;
const UNKNOWN_MIN: Millis = 5_000;
/// A refusal that comes although the project was quiet for this long is not about its pace of one
/// request a second.
pub const QUIET: Millis = 1_200;
/// A CCPA retrieval covers the previous year (vendor's docs); that it costs no more scans than that
/// is our assumption.
const CCPA_DAYS: u32 = 365;

/// What is known about a project's room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scans {
    /// How long after a create the next one fitted, when it did not at first.
    gaps: Ages,
    /// Retrievals that were outstanding when another was refused, by law.
    gdpr: Option<f64>,
    ccpa: Option<f64>,
    /// When the last one was accepted, and when one was first and last refused after it.
    #[serde(skip)]
    accepted_at: Option<Millis>,
    #[serde(skip)]
    refused_at: Option<(Millis, Millis)>,
}

impl Scans {
    /// A create was accepted.
    pub fn accepted(&mut self, now: Millis) {
        if let (Some(before), Some((_, refused))) = (self.accepted_at, self.refused_at) {
            // The room appeared somewhere between the last refusal and now.
            self.gaps
                .end(i64::midpoint(refused, now).saturating_sub(before));
        }
        self.accepted_at = Some(now);
        self.refused_at = None;
    }

    /// A create was refused for it while jobs of these ages were outstanding.
    pub fn refused(&mut self, now: Millis, compliance: Compliance, outstanding: usize) {
        if self.refused_at.is_none() && outstanding > 0 {
            #[allow(clippy::cast_precision_loss)] // a few
            let seen = outstanding as f64;
            let room = match compliance {
                Compliance::Gdpr => &mut self.gdpr,
                Compliance::Ccpa => &mut self.ccpa,
            };
            *room = Some(room.map_or(seen, |old| old + (seen - old) / 4.0));
        }
        let first = self.refused_at.map_or(now, |(first, _)| first);
        self.refused_at = Some((first, now));
    }

    pub(super) fn is_sound(&self) -> bool {
        let fine = |seen: Option<f64>| seen.is_none_or(|seen| (0.0..1e6).contains(&seen));
        self.gaps.is_sound() && fine(self.gdpr) && fine(self.ccpa)
    }

    /// Whether the last create was refused for it.
    pub fn is_full(&self) -> bool {
        self.refused_at.is_some()
    }

    /// How long to wait before the next try. `outstanding` are the ages of the jobs that run, and
    /// `jobs` how long such jobs take.
    pub fn wait(
        &self,
        settings: &Settings,
        now: Millis,
        jobs: &Ages,
        outstanding: &[Millis],
    ) -> Millis {
        let since = self
            .accepted_at
            .or(self.refused_at.map(|(first, _)| first))
            .unwrap_or(now);
        let gap = now.saturating_sub(since).max(0);
        let ends: f64 = outstanding
            .iter()
            .map(|age| jobs.hazard(*age, outstanding))
            .sum();
        let room = ends.max(self.gaps.hazard(gap, &[gap]));
        #[allow(clippy::cast_precision_loss)] // a few
        let places = outstanding.len().max(1) as f64;
        let (share, least) = if self.gaps.ends() > 0.0 {
            (SHARE, QUIET)
        } else {
            (UNKNOWN_SHARE, UNKNOWN_MIN)
        };
        let wait = millis(square_root(settings, room).min(share * places / room));
        wait.clamp(least, ms(settings.poll_max).max(least))
    }

    /// How many retrievals may be outstanding at once: as was seen, else as the project's age has
    /// it. At least one: one alone is always taken (our assumption).
    pub fn places(&self, settings: &Settings, compliance: Compliance) -> Option<f64> {
        let (seen, other) = match compliance {
            Compliance::Gdpr => (self.gdpr, self.ccpa),
            Compliance::Ccpa => (self.ccpa, self.gdpr),
        };
        let by_age = settings.project_age_days.map(|age| {
            let days = match compliance {
                Compliance::Gdpr => age,
                Compliance::Ccpa => age.min(CCPA_DAYS),
            };
            f64::from(settings.scan_budget_days / days.max(1))
        });
        seen.or(by_age).or(other).map(|places| places.max(1.0))
    }

    /// How many tries such a turn takes.
    pub fn tries(&self, settings: &Settings, places: f64, turn: Millis) -> u64 {
        let turn = turn.max(1);
        let rate = 1.0 / seconds(turn);
        let wait = millis(square_root(settings, rate).min(SHARE * places / rate)).max(QUIET);
        u64::try_from(turn / wait).unwrap_or(0)
    }

    /// The mean time between two creates while the room was full, if that was ever seen.
    pub fn turn(&self) -> Option<Millis> {
        self.gaps.quantile(0.5)?;
        self.gaps.mean()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;

    fn tries(scans: &mut Scans, jobs: &Ages, mut now: Millis, until: Millis) -> u32 {
        let settings = Settings::default();
        let (mut count, created) = (0, now);
        while now < until {
            scans.refused(now, Compliance::Gdpr, 1);
            now += scans.wait(&settings, now, jobs, &[now - created]);
            count += 1;
        }
        count
    }

    #[test]
    fn tries_are_few_over_days_though_nothing_is_known() {
        let mut scans = Scans::default();
        scans.accepted(0);
        let day = tries(&mut scans, &Ages::default(), 0, 86_400_000);
        assert!((60..100).contains(&day), "{day}");
        let mut scans = Scans::default();
        let month = tries(&mut scans, &Ages::default(), 0, 30 * 86_400_000);
        assert!((200..400).contains(&month), "{month}");
    }

    #[test]
    fn room_is_looked_for_when_it_appeared_before() {
        let settings = Settings::default();
        let mut scans = Scans::default();
        for turn in 0..20 {
            scans.accepted(turn * 10 * MINUTE);
            scans.refused(turn * 10 * MINUTE + 1, Compliance::Gdpr, 5);
            scans.refused((turn + 1) * 10 * MINUTE - 1, Compliance::Gdpr, 5);
        }
        let start = 19 * 10 * MINUTE;
        let outstanding = [MINUTE; 5];
        let wait =
            |after: Millis| scans.wait(&settings, start + after, &Ages::default(), &outstanding);
        assert!(wait(10 * MINUTE) < 30_000, "{}", wait(10 * MINUTE));
        assert_eq!(scans.turn().map(|turn| turn / MINUTE), Some(10));
        assert!(scans.is_full());
    }

    #[test]
    fn the_places_are_as_seen_or_by_the_age() {
        let mut scans = Scans::default();
        let unset = Settings::default();
        let aged = |days| Settings {
            project_age_days: Some(days),
            ..Settings::default()
        };
        assert_eq!(scans.places(&unset, Compliance::Gdpr), None);
        assert_eq!(scans.places(&aged(730), Compliance::Gdpr), Some(2.0));
        assert_eq!(scans.places(&aged(730), Compliance::Ccpa), Some(5.0));
        assert_eq!(scans.places(&aged(4000), Compliance::Gdpr), Some(1.0));
        scans.refused(0, Compliance::Gdpr, 3);
        scans.refused(5000, Compliance::Gdpr, 7);
        assert_eq!(scans.places(&aged(730), Compliance::Gdpr), Some(3.0));
        assert_eq!(scans.places(&unset, Compliance::Ccpa), Some(3.0));
    }

    #[test]
    fn a_clock_that_jumps_does_no_harm() {
        let settings = Settings::default();
        let mut scans = Scans::default();
        scans.accepted(1_000_000_000_000);
        for now in [0, i64::MAX / 4, 1_000_000_000_500] {
            scans.refused(now, Compliance::Gdpr, 1);
            let wait = scans.wait(&settings, now, &Ages::default(), &[i64::MIN, i64::MAX]);
            assert!((UNKNOWN_MIN..=ms(settings.poll_max)).contains(&wait));
        }
        scans.accepted(0);
    }
}
