//! What comes next. One schedule for all calls of a project: creates first (an early start is
//! worth more than an early look), then archives (their links die), then looks at jobs.

use super::book::{Book, Gate, RunBook, wants_archive};
use super::schedule;
use super::warn;
use crate::journal::{BatchRow, BatchState, JobRow};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::WaitReason;
use crate::pace::hazard;
use crate::settings::{Settings, ms};

/// Downloads at the same time. They do not count for the pace.
const DOWNLOADS: usize = 4;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Cancel {
        run: String,
        task: String,
    },
    Submit {
        run: String,
        batch: u32,
    },
    Fetch {
        run: String,
        task: String,
    },
    Poll {
        run: String,
        task: String,
    },
    /// Say that the deadline comes near. No call.
    Warn {
        run: String,
    },
}

/// What a look at the book gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    Now(Action),
    Later { at: Millis, reason: WaitReason },
    Nothing,
}

struct Candidate<'a> {
    at: Millis,
    // Order among what is due: class, then deadline, then age.
    rank: (u8, Millis, Millis),
    reason: WaitReason,
    what: What<'a>,
}

/// What a candidate would do. It becomes an action only if it is chosen: there are thousands.
enum What<'a> {
    Cancel(&'a JobRow),
    Submit(&'a BatchRow),
    Fetch(&'a JobRow),
    Poll(&'a JobRow),
    Warn(&'a RunBook),
}

impl What<'_> {
    fn action(self) -> Action {
        let named = |job: &JobRow| (job.run.clone(), job.task.clone());
        match self {
            Self::Cancel(job) => {
                let (run, task) = named(job);
                Action::Cancel { run, task }
            }
            Self::Submit(batch) => Action::Submit {
                run: batch.run.clone(),
                batch: batch.no,
            },
            Self::Fetch(job) => {
                let (run, task) = named(job);
                Action::Fetch { run, task }
            }
            Self::Poll(job) => {
                let (run, task) = named(job);
                Action::Poll { run, task }
            }
            Self::Warn(run) => Action::Warn {
                run: run.row.id.clone(),
            },
        }
    }
}

/// The next thing to do over all runs, or over one.
pub(crate) fn next(
    book: &Book,
    settings: &Settings,
    (now, mono): (Millis, Millis),
    only: Option<&str>,
) -> Due {
    let mut best: Option<Candidate<'_>> = None;
    let mut earliest: Option<(Millis, WaitReason)> = None;
    let idle = (!book.runs.values().any(wants_to_send)).then_some(settings);
    for run in book.runs.values() {
        let row = &run.row;
        let elsewhere = only.is_some_and(|id| id != row.id);
        if elsewhere || row.approved_at.is_none() || row.paused.is_some() {
            continue;
        }
        let most = longest(settings, run);
        for candidate in candidates(book, settings, run, (now, mono), most, idle) {
            let fixed = matches!(candidate.reason, WaitReason::HoldFor | WaitReason::Deadline);
            let at = match candidate.at {
                at if fixed => at,
                at => believed(at, now, most),
            };
            if at > now {
                if earliest.is_none_or(|(first, _)| at < first) {
                    earliest = Some((at, candidate.reason));
                }
            } else if best
                .as_ref()
                .is_none_or(|other| candidate.rank < other.rank)
            {
                best = Some(candidate);
            }
        }
    }
    let create = expected_create(book, settings, now).filter(|_| idle.is_none());
    let a_look = matches!(&best, Some(candidate) if matches!(candidate.what, What::Poll(_)));
    if let (true, Some(at)) = (a_look, create) {
        let reason = WaitReason::ScanBudget;
        return Due::Later { at, reason };
    }
    match (best, earliest) {
        (Some(candidate), _) => Due::Now(candidate.what.action()),
        (None, Some((at, reason))) => Due::Later { at, reason },
        (None, None) => Due::Nothing,
    }
}

/// When a create is due for which room is expected, if that is before most of a look would be over:
/// the look waits for it.
fn expected_create(book: &Book, settings: &Settings, now: Millis) -> Option<Millis> {
    let gate = book.gates.get(&Kind::Retrieval)?;
    let soon = now.saturating_add(settings.interval_ms() * 3 / 4);
    (gate.expected && (now + 1..soon).contains(&gate.not_before)).then_some(gate.not_before)
}

/// A clock that was set back must not make anything wait longer than it ever would.
fn believed(at: Millis, now: Millis, most: Millis) -> Millis {
    if at - now > most { now } else { at }
}

/// The longest that anything of a run may have to wait.
pub(super) fn longest(settings: &Settings, run: &RunBook) -> Millis {
    [
        // The most a Retry-After is believed.
        6 * 3_600_000,
        ms(settings.backoff_max),
        ms(settings.poll_max),
        ms(settings.ambiguous_retry_after),
        run.row.hold_for_ms,
    ]
    .into_iter()
    .max()
    .unwrap_or(0)
    .saturating_add(1000)
}

fn candidates<'a>(
    book: &'a Book,
    settings: &'a Settings,
    run: &'a RunBook,
    (now, mono): (Millis, Millis),
    most: Millis,
    idle: Option<&'a Settings>,
) -> impl Iterator<Item = Candidate<'a>> + 'a {
    // The window to cancel in is measured by the clock that nobody sets.
    let held = (run.held_until > mono).then(|| now.saturating_add(run.held_until - mono));
    let gate = book.gates.get(&run.row.terms.kind).copied();
    let gate = gate
        .filter(|gate| schedule::held_back(settings, gate, run.row.terms.compliance))
        .unwrap_or_default();
    let submits = run
        .batches
        .iter()
        .filter_map(move |batch| submit(run, batch, gate, (now, most), held));
    let looks = run
        .jobs
        .iter()
        .filter_map(move |job| look(book, run, job, idle));
    let warning = warn::next(run).filter(|_| !run.settled());
    let warnings = warning.map(|at| Candidate {
        at,
        rank: (0, 0, 0),
        reason: WaitReason::Deadline,
        what: What::Warn(run),
    });
    submits.chain(looks).chain(warnings)
}

fn submit<'a>(
    run: &RunBook,
    batch: &'a BatchRow,
    gate: Gate,
    (now, most): (Millis, Millis),
    held: Option<Millis>,
) -> Option<Candidate<'a>> {
    if !matches!(batch.state, BatchState::Ready | BatchState::Ambiguous) {
        return None;
    }
    // Each by itself: a gate from before the clock was set back must not hide the batch's own wait.
    let open = believed(batch.not_before, now, most).max(believed(gate.not_before, now, most));
    let (at, reason) = match held {
        Some(until) => (until, WaitReason::HoldFor),
        None => (open, gate.reason.unwrap_or(WaitReason::Backoff)),
    };
    Some(Candidate {
        at,
        // Where a lost answer is to be found out about, time is short: that goes first.
        rank: match batch.ambiguous {
            0 => (1, run.row.deadline_at, Millis::from(batch.no)),
            _ => (1, Millis::MIN, Millis::from(batch.no)),
        },
        reason,
        what: What::Submit(batch),
    })
}

/// Whether creates of a run want the project's requests.
pub(super) fn wants_to_send(run: &RunBook) -> bool {
    run.row.approved_at.is_some()
        && run.row.paused.is_none()
        && run
            .batches
            .iter()
            .any(|batch| matches!(batch.state, BatchState::Ready | BatchState::Ambiguous))
}

/// When a job is looked at. While nothing is to be sent, requests are not scarce, and the end of
/// the whole run may hang on this job.
fn look_at(job: &JobRow, idle: Option<&Settings>) -> Millis {
    let last = job.last_poll_at.unwrap_or(job.created_at);
    match idle {
        Some(settings) if job.failures == 0 && !job.status.is_terminal() => {
            job.next_poll_at
                .min(last.saturating_add(hazard::idle_interval(
                    settings,
                    last.saturating_sub(job.created_at),
                )))
        }
        _ => job.next_poll_at,
    }
}

fn look<'a>(
    book: &Book,
    run: &RunBook,
    job: &'a JobRow,
    idle: Option<&Settings>,
) -> Option<Candidate<'a>> {
    if !run.job_open(job) {
        return None;
    }
    if job.cancel.is_open() {
        return Some(Candidate {
            at: job.next_poll_at,
            rank: (0, 0, job.created_at),
            reason: WaitReason::Backoff,
            what: What::Cancel(job),
        });
    }
    let fetch = wants_archive(run, job) && run.links.contains_key(&job.task);
    let here = |(run, task): &(String, String)| *run == job.run && *task == job.task;
    if book.fetching.iter().any(here) || (fetch && book.fetching.len() >= DOWNLOADS) {
        return None;
    }
    let reason = if job.failures + job.fetch_failures > 0 {
        WaitReason::Backoff
    } else {
        WaitReason::Poll
    };
    Some(if fetch {
        Candidate {
            at: job.next_poll_at,
            rank: (2, job.ended_at.unwrap_or(0), job.created_at),
            reason,
            what: What::Fetch(job),
        }
    } else {
        let at = look_at(job, idle);
        Candidate {
            at,
            rank: (3, at, job.created_at),
            reason,
            what: What::Poll(job),
        }
    })
}
