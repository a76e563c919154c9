//! What carrying a plan out will take, as far as the project's own past tells.

use std::time::Duration;

use super::book::Book;
use super::plan::counted;
use super::project::Project;
use super::schedule;
use crate::journal::{BatchState, RunRow};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::words;
use crate::pace::hazard::{Ages, interval};
use crate::settings::Settings;

words! {
    /// What the end of a run hangs on.
    Bound {
        /// The pace of requests, and how long the last jobs take.
        Rate = "rate",
        /// The vendor's limit on outstanding scans.
        ScanBudget = "scan budget",
        /// Not known yet: no job of this kind has ended in this project.
        NotKnown = "not known",
    }
}

/// What carrying a plan out will take, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Create calls.
    pub requests: u64,
    /// The least time to send them all, at the project's pace.
    pub sending: Duration,
    /// All calls that are expected, with refused creates and looks at jobs. `None` when no job of
    /// this kind has ended in this project yet.
    pub expected_requests: Option<u64>,
    /// From the start to the end of the last job, at the least and at the most, as it would come
    /// in four of five cases if things go on as before.
    pub expected: Option<(Duration, Duration)>,
    /// What the end hangs on.
    pub bound: Bound,
    /// One line for people.
    pub text: String,
}

/// Looks at what the runs of this project have taught so far.
pub(crate) fn estimate(project: &Project, book: &Book, row: &RunRow) -> Estimate {
    let requests = u64::from(row.batches);
    let sending = span(times(project.settings.interval_ms(), requests));
    let sent = format!(
        "{}, at least {} s to send",
        counted(requests, "request"),
        sending.as_secs().max(1)
    );
    let outlook = outlook(project, book, row);
    let end = match &outlook {
        None => format!(
            "the end is not known yet: no {} of this project has ended so far; {}",
            row.terms.kind,
            match row.terms.kind {
                Kind::Deletion => "the vendor says deletions take up to 30 days",
                Kind::Retrieval =>
                    "the vendor holds back retrievals beyond its scan budget, for hours; exports take up to weeks",
            }
        ),
        Some(outlook) => format!(
            "as before, the last job ends after {} to {} ({}), with about {} requests in all",
            people(outlook.least),
            people(outlook.most),
            match outlook.bound {
                Bound::ScanBudget => "bound by the vendor's scan budget",
                Bound::Rate | Bound::NotKnown => "bound by the pace and the jobs themselves",
            },
            outlook.requests
        ),
    };
    Estimate {
        requests,
        sending,
        expected_requests: outlook.as_ref().map(|outlook| outlook.requests),
        expected: outlook
            .as_ref()
            .map(|outlook| (span(outlook.least), span(outlook.most))),
        bound: outlook.map_or(Bound::NotKnown, |outlook| outlook.bound),
        text: format!("{sent}; {end}"),
    }
}

struct Outlook {
    requests: u64,
    least: Millis,
    most: Millis,
    bound: Bound,
}

fn outlook(project: &Project, book: &Book, row: &RunRow) -> Option<Outlook> {
    let (settings, kind) = (&project.settings, row.terms.kind);
    let jobs = book.learnt.jobs(kind);
    let mean = jobs.mean()?;
    let own = u64::from(row.batches);
    let line = own + ahead(book, kind, &row.id);
    let by_pace = times(settings.interval_ms(), line);
    let scans = &book.learnt.scans;
    let places = scans.places(settings, row.terms.compliance);
    let turn = match kind {
        Kind::Deletion => None,
        Kind::Retrieval => scans
            .turn()
            .or_else(|| places.map(|places| part(mean, 1.0 / places))),
    };
    let taken = schedule::taken_by_others(project, book, row.terms);
    // Those that find a place at once wait for nobody.
    #[allow(clippy::cast_precision_loss)] // a count
    let waiting = (line as f64 + taken - places.unwrap_or(0.0)).max(0.0);
    let by_scans = turn.map_or(0, |turn| part(turn, waiting));
    let looks = looks(settings, jobs, mean);
    if by_scans > by_pace {
        // The waits add up; so do their deviations, by their root.
        let turn = turn.unwrap_or(0);
        let spread = part(turn, 1.3 * waiting.sqrt());
        let refused = own.saturating_mul(scans.tries(settings, places.unwrap_or(1.0), turn));
        let (first, last) = last_end(jobs, places.unwrap_or(1.0))?;
        return Some(Outlook {
            requests: own * (1 + looks) + refused,
            least: (by_scans - spread).max(by_pace) + first,
            most: by_scans + spread + last,
            bound: Bound::ScanBudget,
        });
    }
    #[allow(clippy::cast_precision_loss)] // a count
    let (first, last) = last_end(jobs, own as f64)?;
    Some(Outlook {
        requests: own * (1 + looks),
        least: first.max(by_pace + jobs.quantile(0.1).unwrap_or(0)),
        // Round trips stretch the pace, and the last to start may be the slowest.
        most: by_pace + by_pace / 4 + last,
        bound: Bound::Rate,
    })
}

/// The ages between which the last of so many jobs ends in four of five cases.
fn last_end(jobs: &Ages, count: f64) -> Option<(Millis, Millis)> {
    let share = |chance: f64| jobs.quantile(chance.powf(1.0 / count.max(1.0)));
    let longest = jobs.longest()?;
    let first = share(0.1).unwrap_or(longest);
    Some((first, share(0.9).unwrap_or(longest).max(first)))
}

/// Creates of started runs that stand before this plan's.
fn ahead(book: &Book, kind: Kind, own: &str) -> u64 {
    let unsent = |state| matches!(state, BatchState::Ready | BatchState::Ambiguous);
    book.runs
        .values()
        .filter(|run| run.row.terms.kind == kind && run.row.id != own)
        .filter(|run| run.row.approved_at.is_some())
        .flat_map(|run| &run.batches)
        .filter(|batch| unsent(batch.state))
        .count() as u64
}

/// Looks at a job that takes as long as the mean.
fn looks(settings: &Settings, jobs: &Ages, mean: Millis) -> u64 {
    let (mut age, mut looks) = (0, 1);
    while age < mean && looks < 10_000 {
        age += interval(settings, jobs.hazard(age, &[])).max(1);
        looks += 1;
    }
    looks
}

fn times(interval: Millis, count: u64) -> Millis {
    interval.saturating_mul(Millis::try_from(count).unwrap_or(Millis::MAX))
}

fn part(whole: Millis, share: f64) -> Millis {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // saturates
    let part = (whole as f64 * share) as Millis;
    part.min(Millis::MAX / 8)
}

fn span(millis: Millis) -> Duration {
    Duration::from_millis(millis.max(0).unsigned_abs())
}

/// A duration as people say it.
fn people(millis: Millis) -> String {
    let minutes = millis / 60_000;
    match minutes {
        0..=1 => format!("{} s", (millis + 999) / 1000),
        2..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}
