//! The vendor's limit on outstanding scans, as seen from outside.
//!
//! A retrieval makes the vendor read one day of events for each day since the project's first
//! event, and about five years of such days may be outstanding; the rest is refused. How full it is
//! cannot be asked, nor is it known when days are freed (at the end of a job, or while it works), how
//! old the project really is, or who else uses it. So the model holds what was seen: the sums of
//! retrievals that were let in and that were refused. Below the smallest sum that was refused a
//! create is sent at once; from there on it is surely full, and the next try comes when room is
//! likely to have appeared, by the same rule as looks at jobs (`hazard.rs`): because running jobs
//! end, or as it appeared before. A refused create costs one request and creates nothing, so no
//! setting is believed over a try. Only creates of retrievals wait.
//!
//! Sums are counted in retrievals of the whole project; one that costs fewer days counts less.

use serde::{Deserialize, Serialize};

use super::gaps::Gaps;
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
const UNKNOWN_MIN: Millis = 2_000;
/// Where room comes steadily, the first try comes this early: the later ones follow the rule.
const FIRST: f64 = 0.4;
/// A try at once that was right less often is left out.
const LUCKY: f64 = 0.3;
/// A refusal that comes although the project was quiet for this long is not about its pace of one
/// request a second.
pub const QUIET: Millis = 1_200;
/// A CCPA retrieval covers the previous year (vendor's docs); that it costs no more scans than that
/// is our assumption.
const CCPA_DAYS: u32 = 365;
/// Two sums that differ by less are the same.
const SAME: f64 = 1e-6;

/// A retrieval that was not seen to have ended.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// By which law, hence what it costs.
    pub compliance: Compliance,
    /// Since its create.
    pub age: Millis,
    /// When it was last seen to be there.
    pub seen_at: Millis,
}

/// How often a try at once was right, lately. Where it was not, it is left out, but not for ever.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Luck(f64);

impl Default for Luck {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Luck {
    fn learn(&mut self, right: bool) {
        self.0 += (if right { 1.0 } else { 0.0 } - self.0) / 4.0;
    }

    fn tries(&mut self) -> bool {
        if self.0 >= LUCKY {
            return true;
        }
        self.0 += 0.02;
        false
    }
}

/// Why a try comes at once although the sum says full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hope {
    /// A create was let in that should not have fitted.
    More,
    /// A job was seen to have ended.
    End,
}

/// What is known about a project's room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scans {
    /// How long after a create the next one fitted, when it did not at first.
    gaps: Gaps,
    /// The largest sum that was let in, and the smallest that was refused, the asked-for one
    /// included.
    fits: f64,
    full: Option<f64>,
    /// What must have ended unseen, because something was let in beyond that, and when.
    unseen: f64,
    unseen_at: Millis,
    after_more: Luck,
    after_end: Luck,
    /// When the last one was accepted, and when one was first and last refused after it.
    #[serde(skip)]
    accepted_at: Option<Millis>,
    #[serde(skip)]
    refused_at: Option<(Millis, Millis)>,
    #[serde(skip)]
    hope: Option<Hope>,
}

/// What a retrieval counts beside one of the whole project.
pub fn weight(settings: &Settings, compliance: Compliance) -> f64 {
    match (compliance, settings.project_age_days) {
        (Compliance::Ccpa, Some(age)) => f64::from(age.min(CCPA_DAYS)) / f64::from(age.max(1)),
        _ => 1.0,
    }
}

/// What these count together.
pub fn sum(settings: &Settings, running: &[Running]) -> f64 {
    running
        .iter()
        .map(|job| weight(settings, job.compliance))
        .sum()
}

impl Scans {
    /// A create was accepted while these were running.
    pub fn accepted(
        &mut self,
        settings: &Settings,
        now: Millis,
        compliance: Compliance,
        running: &[Running],
    ) {
        self.set_back(now);
        self.correct(settings, running);
        let own = weight(settings, compliance);
        let with = self.standing(settings, running) + own;
        let refused = self.refused_at.take();
        if let (Some(before), Some((_, refused))) = (self.accepted_at, refused) {
            // The room appeared somewhere between the last refusal and now.
            self.gaps
                .end(i64::midpoint(refused, now).saturating_sub(before));
        }
        self.accepted_at = Some(now);
        self.judge(true);
        let surprise = self.full.is_some_and(|full| with >= full - SAME);
        if surprise {
            self.unseen += own;
            self.unseen_at = now;
            // Let in at the first try: nobody knows since when there was room, or how much.
            if refused.is_none() || self.after_more.tries() {
                self.hope = Some(Hope::More);
            }
        } else {
            self.fits = self.fits.max(with);
        }
    }

    /// A create was refused for it while these were running.
    pub fn refused(
        &mut self,
        settings: &Settings,
        now: Millis,
        compliance: Compliance,
        running: &[Running],
    ) {
        self.set_back(now);
        self.correct(settings, running);
        let own = weight(settings, compliance);
        let with = self.standing(settings, running) + own;
        self.full = Some(self.full.map_or(with, |full| full.min(with)));
        self.fits = self.fits.min((with - own).max(0.0));
        self.judge(false);
        let first = self.refused_at.map_or(now, |(first, _)| first);
        self.refused_at = Some((first, now));
    }

    /// One of the running was seen to have ended, that was last seen running then. Tells whether
    /// the next create comes at once.
    pub fn ended(
        &mut self,
        settings: &Settings,
        compliance: Compliance,
        seen_at: Millis,
        left: &[Running],
    ) -> bool {
        let own = weight(settings, compliance);
        if self.unseen > SAME && seen_at < self.unseen_at {
            // Its place was taken before it was seen to be free.
            self.unseen = (self.unseen - own).max(0.0);
            return false;
        }
        self.correct(settings, left);
        if left.is_empty() || self.after_end.tries() {
            self.hope = Some(Hope::End);
        }
        self.hope.is_some()
    }

    /// What another process saw last, by the journal: the last create that was let in, and the
    /// refusals after it.
    pub fn resume(&mut self, accepted_at: Option<Millis>, refused_at: Option<(Millis, Millis)>) {
        (self.accepted_at, self.refused_at, self.hope) = (accepted_at, refused_at, None);
    }

    /// Whether room is expected about then, after it came steadily.
    pub fn expects(&self, at: Millis) -> bool {
        self.accepted_at
            .is_some_and(|before| self.gaps.steady(at.saturating_sub(before)))
    }

    /// Whether there is more to keep than before: the bounds, or how long room took.
    pub fn differs(&self, before: &Self) -> bool {
        let kept = |scans: &Self| {
            (
                scans.full,
                scans.unseen.to_bits(),
                scans.gaps.ends().to_bits(),
            )
        };
        kept(self) != kept(before)
    }

    /// When something was last let in or refused.
    pub fn last(&self) -> Option<Millis> {
        self.refused_at
            .map_or(self.accepted_at, |(_, last)| Some(last))
    }

    /// How much is surely free, as far as is known; `None` where nothing is known to be full.
    pub fn room(&self, settings: &Settings, running: &[Running]) -> Option<f64> {
        if self.hope.is_some() || (running.is_empty() && self.refused_at.is_none()) {
            return None; // one alone is always taken (our assumption)
        }
        let refused = self.refused_at.is_some();
        let Some(full) = self.full else {
            return refused.then_some(0.0); // what was learnt is lost, the refusal is not
        };
        let room = full - self.standing(settings, running);
        (refused || room <= 1.0 + SAME).then_some(room.max(0.0))
    }

    /// How much creates that cost less than one of the whole project may take without delaying it.
    pub fn beside(&self, settings: &Settings, running: &[Running]) -> f64 {
        let small = running
            .iter()
            .map(|job| weight(settings, job.compliance))
            .filter(|weight| *weight < 1.0);
        let spare = self.full.map_or(0.0, |full| full - 1.0);
        (spare - small.sum::<f64>()).max(0.0)
    }

    /// The clock was set back to before the last create that was let in. What came after it took as
    /// long as was seen; without this it would have come just now, and be tried every few seconds.
    fn set_back(&mut self, now: Millis) {
        let since = self.accepted_at.or(self.refused_at.map(|(first, _)| first));
        let (Some(since), Some(last)) = (since, self.last()) else {
            return;
        };
        if now >= since {
            return;
        }
        let by = last.saturating_sub(now);
        self.accepted_at = self.accepted_at.map(|at| at - by);
        self.refused_at = self.refused_at.map(|(first, last)| (first - by, last - by));
        self.unseen_at = self.unseen_at.min(now);
    }

    fn standing(&self, settings: &Settings, running: &[Running]) -> f64 {
        sum(settings, running) - self.unseen.min(self.hidden(settings, running))
    }

    /// What may have ended before the last surprise without being seen.
    fn hidden(&self, settings: &Settings, running: &[Running]) -> f64 {
        running
            .iter()
            .filter(|job| job.seen_at < self.unseen_at)
            .map(|job| weight(settings, job.compliance))
            .sum()
    }

    /// Those that were thought to have ended and were then seen running had not: more fits than
    /// was known.
    fn correct(&mut self, settings: &Settings, running: &[Running]) {
        let over = self.unseen - self.hidden(settings, running);
        if over > SAME {
            self.unseen -= over;
            self.full = self.full.map(|full| full + over);
        }
    }

    fn judge(&mut self, right: bool) {
        match self.hope.take() {
            Some(Hope::More) => self.after_more.learn(right),
            Some(Hope::End) => self.after_end.learn(right),
            None => {}
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        let fine = |sum: f64| (0.0..1e6).contains(&sum);
        let share = |luck: Luck| (0.0..=1.0).contains(&luck.0);
        self.gaps.is_sound()
            && fine(self.fits)
            && fine(self.unseen)
            && self.full.is_none_or(fine)
            && share(self.after_more)
            && share(self.after_end)
    }

    /// How long to wait before the next try, from the last one. `jobs` tells how long they take.
    pub fn wait(
        &self,
        settings: &Settings,
        now: Millis,
        jobs: &Ages,
        running: &[Running],
    ) -> Millis {
        let since = self
            .accepted_at
            .or(self.refused_at.map(|(first, _)| first))
            .unwrap_or(now);
        let gap = now.saturating_sub(since).max(0);
        #[allow(clippy::cast_precision_loss)] // a few
        let places = running.len().max(1) as f64;
        // A look may come between two tries, but where room comes steadily: that takes no time.
        let (share, least) = if self.gaps.ends() > 0.0 {
            (SHARE, QUIET)
        } else {
            (UNKNOWN_SHARE, UNKNOWN_MIN)
        };
        let most = ms(settings.poll_max).max(least);
        // Tries per second that the rule wants where room appears at this rate.
        let density = |rate: f64| (1.0 / square_root(settings, rate)).max(rate / (share * places));
        let (mut at, mut tries) = (gap, 0.0);
        while self.gaps.steady(at) && at - gap < most {
            let step = (self.gaps.mean().unwrap_or(0) / 100).clamp(20, 60_000);
            tries += density(self.gaps.hazard(at)) * seconds_of(step);
            at = at.saturating_add(step);
            if tries >= FIRST {
                return (at - gap).min(most);
            }
        }
        let ages: Vec<Millis> = running.iter().map(|job| job.age).collect();
        let ends: f64 = ages.iter().map(|age| jobs.hazard(*age, &ages)).sum();
        let room = ends.max(self.gaps.hazard(at));
        let rest = millis((1.0 - tries) / density(room));
        (at - gap).saturating_add(rest).clamp(least, most)
    }

    /// How many retrievals may be outstanding at once: as was seen, else as the project's age has
    /// it. At least one: one alone is always taken (our assumption).
    pub fn places(&self, settings: &Settings, compliance: Compliance) -> Option<f64> {
        let own = weight(settings, compliance);
        let seen = self.full.map(|full| ((full - SAME) / own).ceil() - 1.0);
        let by_age = settings.project_age_days.map(|age| {
            let whole = f64::from(settings.scan_budget_days) / f64::from(age.max(1));
            (whole.max(self.fits) / own).floor()
        });
        seen.or(by_age).map(|places| places.max(1.0))
    }

    /// How many tries such a turn takes.
    pub fn tries(&self, settings: &Settings, places: f64, turn: Millis) -> u64 {
        let turn = turn.max(1);
        let rate = 1.0 / seconds(turn);
        let wait = millis(square_root(settings, rate).min(SHARE * places / rate))
            .max(settings.interval_ms());
        u64::try_from(turn / wait).unwrap_or(0)
    }

    /// The mean time between two creates while the room was full, if that was ever seen.
    pub fn turn(&self) -> Option<Millis> {
        self.gaps.mean()
    }
}

#[allow(clippy::cast_precision_loss)] // a minute at most
fn seconds_of(step: Millis) -> f64 {
    step as f64 / 1000.0
}

#[cfg(test)]
#[path = "scans_tests.rs"]
mod tests;
