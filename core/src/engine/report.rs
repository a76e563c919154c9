//! The account of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::book::RunBook;
use super::{seal, warn};
use crate::error::{ErrorKind, Result};
use crate::ids::decode;
use crate::journal::{
    AttemptState, BatchRow, BatchState, CancelState, JobOrigin, Journal, MAC_BYTES,
};
use crate::model::Millis;
use crate::model::job::JobStatus;
use crate::model::report::{
    AmbiguousAttempt, JobReport, Outcome, Problem, ReportData, SubjectOutcome,
};
use crate::model::run::RunState;
use crate::package::find_package;

/// The outcome of every id of a batch.
pub(crate) fn outcome(book: &RunBook, batch: &BatchRow) -> Outcome {
    match batch.state {
        BatchState::Frozen | BatchState::Ready | BatchState::Sending | BatchState::Ambiguous => {
            Outcome::Pending
        }
        BatchState::Submitted => {
            let elsewhere = batch
                .task
                .as_deref()
                .and_then(|task| book.jobs.iter().find(|job| job.task == task))
                .is_some_and(|job| job.origin == JobOrigin::Elsewhere);
            if elsewhere {
                Outcome::RunningElsewhere
            } else {
                Outcome::Submitted
            }
        }
        BatchState::Done => Outcome::Done,
        BatchState::Failed => Outcome::Failed,
        BatchState::Revoked => Outcome::Revoked,
        BatchState::Cancelled => Outcome::Cancelled,
        BatchState::Held => Outcome::Held,
        BatchState::Rejected | BatchState::Split => Outcome::Rejected,
    }
}

/// Batches that hold ids: a split one has given its ids to its children.
fn live(book: &RunBook) -> impl Iterator<Item = &BatchRow> {
    book.batches
        .iter()
        .filter(|batch| batch.state != BatchState::Split)
}

/// How many ids have each outcome.
pub(crate) fn counts(book: &RunBook) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for batch in live(book) {
        *counts.entry(outcome(book, batch).as_str()).or_default() += u64::from(batch.n);
    }
    counts
}

/// The vendor tasks of a run.
pub(crate) fn jobs(book: &RunBook) -> Vec<JobReport> {
    book.jobs
        .iter()
        .map(|job| JobReport {
            task_id: job.task.clone(),
            status: job.status.as_str().to_owned(),
            origin: job.origin.as_str().to_owned(),
            ids: book
                .carried(&job.task)
                .map(|batch| u64::from(batch.n))
                .sum(),
            // The status has the last word: a cancel whose answer was lost may have been carried
            // out, and one that was taken may not.
            cancel: match (job.cancel, &job.status) {
                (CancelState::None, _) => None,
                (CancelState::Refused, _) => Some("not ours"),
                (_, JobStatus::Revoked) => Some("cancelled"),
                (CancelState::Wanted | CancelState::Requested, _) => Some("requested"),
                (CancelState::TooLate, _) => Some("too late"),
                (_, status) if status.is_terminal() => Some("too late"),
                (CancelState::Revoked | CancelState::Unknown, _) => Some("unknown"),
            }
            .map(str::to_owned),
            polls: job.polls,
        })
        .collect()
}

fn ambiguous(book: &RunBook) -> Vec<AmbiguousAttempt> {
    book.attempts
        .iter()
        .filter(|attempt| {
            matches!(
                attempt.state,
                AttemptState::Ambiguous | AttemptState::CreatedUntracked
            )
        })
        .map(|attempt| AmbiguousAttempt {
            batch: attempt.batch,
            attempt: attempt.n,
            sent_at_ms: attempt.sending_at,
            seen: attempt.seen.clone().unwrap_or_default(),
        })
        .collect()
}

/// A deadline that is nearer than this stands among the problems.
const SOON: Millis = 7 * 86_400_000;

/// What to do about a batch that the vendor saw and refused.
const REFUSED: &str = "It was sent, and the vendor refused it: nothing of it was carried out. Once the reason is gone, decide to send the batch again, or make a new plan.";

/// What to do about a batch that a person gave up, though it may have been carried out.
const GIVEN_UP: &str = "Nothing more is done about it. If the vendor did not carry it out, make a new plan of these people.";

/// Looks at a job that failed in a row before the report says so.
const UNSEEN: u32 = 5;

fn problems(book: &RunBook, now: Millis) -> Vec<Problem> {
    let mut problems: Vec<Problem> = live(book)
        .filter(|batch| match batch.state {
            BatchState::Held | BatchState::Rejected | BatchState::Failed => true,
            // Without one its owner asked for it.
            BatchState::Revoked => batch.problem.is_some(),
            _ => false,
        })
        .map(|batch| {
            let (kind, message) = batch
                .problem
                .clone()
                .unwrap_or((ErrorKind::Internal, "no reason was recorded".to_owned()));
            let hint = match batch.state {
                BatchState::Held => {
                    "Look at the vendor, then decide about this batch: send it again, let it follow a task, or give it up."
                }
                BatchState::Rejected if kind == ErrorKind::InvalidInput => REFUSED,
                BatchState::Failed if kind == ErrorKind::Ambiguous => GIVEN_UP,
                _ => kind.hint(),
            };
            Problem {
                batch: Some(batch.no),
                task_id: batch.task.clone(),
                kind: kind.as_str().to_owned(),
                message,
                hint: hint.to_owned(),
                ids: u64::from(batch.n),
            }
        })
        .collect();
    problems.extend(
        book.jobs
            .iter()
            .filter(|job| job.failures >= UNSEEN && book.job_open(job))
            .map(|job| Problem {
                batch: Some(job.batch),
                task_id: Some(job.task.clone()),
                kind: ErrorKind::Unavailable.as_str().to_owned(),
                message: format!(
                    "the status of this task could not be asked for, {} times in a row",
                    job.failures
                ),
                hint: "It is asked again; look at the run's events for the reason.".to_owned(),
                ids: book
                    .carried(&job.task)
                    .map(|batch| u64::from(batch.n))
                    .sum(),
            }),
    );
    problems.extend(book.orphans.iter().map(|orphan| Problem {
        batch: Some(orphan.batch),
        task_id: Some(orphan.task.clone()),
        kind: ErrorKind::Conflict.as_str().to_owned(),
        message: format!("a task of the vendor fits no batch: {}", orphan.why),
        hint:
            "Look it up at the vendor; a held batch can be told to follow it (decide).".to_owned(),
        ids: 0,
    }));
    problems.extend(seal::problem(book, now));
    if let Some(reason) = &book.row.paused {
        let error = super::pause::unpaused_error(reason);
        problems.push(Problem {
            batch: None,
            task_id: None,
            kind: error.kind().as_str().to_owned(),
            message: error.message().to_owned(),
            hint: error.kind().hint().to_owned(),
            ids: book.row.subjects,
        });
    }
    let unanswered = warn::unanswered(book);
    let left = book.row.deadline_at - now;
    if book.row.approved_at.is_some() && unanswered > 0 && left <= SOON {
        let distance = warn::distance(book.row.deadline_at, now);
        let (message, hint) = if left <= 0 {
            (
                format!("the legal deadline of this request {distance}"),
                "Tell the people concerned about the delay and its reasons (GDPR Art. 12(3)).",
            )
        } else {
            (
                format!("the legal deadline of this request is {distance}"),
                "See what waits; the deadline can be extended only by telling the people concerned in time.",
            )
        };
        problems.push(Problem {
            batch: None,
            task_id: None,
            kind: ErrorKind::Deadline.as_str().to_owned(),
            message,
            hint: hint.to_owned(),
            ids: unanswered,
        });
    }
    problems
}

/// The whole account at this moment.
pub(crate) fn report(book: &RunBook, state: RunState, now: Millis) -> ReportData {
    let row = &book.row;
    ReportData {
        run_id: row.id.clone(),
        kind: row.terms.kind,
        compliance: row.terms.compliance,
        reference: row.reference.clone(),
        state,
        subjects: row.subjects,
        duplicates: row.duplicates,
        refused: row.refused.clone(),
        counts: counts(book),
        jobs: jobs(book),
        ambiguous: ambiguous(book),
        problems: problems(book, now),
        received_at_ms: row.received_at,
        deadline_ms: row.deadline_at,
        at_ms: now,
        packages: row.packages.as_ref().map(Into::into),
        purged_at_ms: row.purged_at,
        missing_texts: Vec::new(),
    }
}

/// What stands in the place of an id that was removed.
fn sealed_id(mac: &[u8]) -> String {
    let mut text = "sealed:".to_owned();
    for byte in mac {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// One row per id, a batch at a time, so that millions of them need no memory.
pub(crate) fn outcomes_of(
    journal: &dyn Journal,
    book: &RunBook,
    no: u32,
) -> Result<Vec<SubjectOutcome>> {
    let batch = book.batch(no)?;
    if batch.state == BatchState::Split {
        return Ok(Vec::new());
    }
    let outcome = outcome(book, batch);
    let ids = if batch.sealed_at.is_none() {
        decode(&journal.batch_ids(&book.row.id, no)?)?
    } else {
        let macs = journal.batch_macs(&book.row.id, no)?;
        macs.chunks(MAC_BYTES).map(sealed_id).collect()
    };
    let mut delivered: Vec<_> = book
        .deliveries
        .iter()
        .filter(|row| Some(&row.task) == batch.task.as_ref())
        .collect();
    delivered.sort_unstable_by_key(|row| std::cmp::Reverse(row.at));
    Ok(ids
        .into_iter()
        .map(|id| SubjectOutcome {
            package: delivered
                .iter()
                .find_map(|row| find_package(Path::new(&row.folder), &id)),
            id,
            outcome,
            batch: no,
            task_id: batch.task.clone(),
        })
        .collect())
}
