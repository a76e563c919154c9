//! Cancelling: what was not sent will not be, what was sent is cancelled at the vendor if it can
//! be, and the rest is told apart: too late, or unknown.

use std::collections::BTreeSet;
use std::time::Duration;

use super::book::{Book, RunBook};
use super::project::Project;
use super::watch::bears_our_name;
use crate::error::{ErrorKind, Result};
use crate::ids::decode;
use crate::journal::{BatchState, CancelState, Change, JobOrigin, JobRow};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::job::Job;
use crate::model::subject::DistinctId;
use crate::model::wire::{Answer, Failure, FailureClass, Operation, PathForm};
use crate::pace::backoff;

/// Tries before a cancel without an answer counts as unknown.
const CANCEL_TRIES: u32 = 8;

/// Told of a batch whose request may have arrived when the cancel was asked for.
const UNKNOWN: &str = "cancelled while the answer to its request was lost: it is not sent again, and the vendor may be carrying it out";

/// Commits the wish to cancel, and everything that follows from it without a call.
pub(crate) fn request(project: &Project, book: &mut Book, run: &str) -> Result<()> {
    let now = project.now();
    let current = book.run(run)?;
    if current.row.cancel_at.is_some() || (current.settled() && current.row.approved_at.is_some()) {
        return Ok(());
    }
    let mut row = current.row.clone();
    row.cancel_at = Some(now);
    let mut changes = vec![Change::Run(row)];
    for batch in &current.batches {
        let state = match batch.state {
            // It may have arrived: nothing is sent any more, and nobody can say what became of it.
            BatchState::Ready if current.may_have_been_sent(batch.no) => BatchState::Held,
            BatchState::Ambiguous => BatchState::Held,
            BatchState::Frozen | BatchState::Ready => BatchState::Cancelled,
            _ => continue,
        };
        let mut batch = batch.clone();
        batch.state = state;
        if state == BatchState::Held {
            batch.problem = Some((ErrorKind::Ambiguous, UNKNOWN.to_owned()));
        }
        changes.push(Change::Batch(batch));
    }
    for job in current.jobs.iter().filter(|job| current.job_open(job)) {
        let mut job = job.clone();
        job.cancel = wish(project, current, job.origin, job.status.is_terminal());
        job.next_poll_at = now;
        changes.push(Change::Job(job));
    }
    changes.push(current.event(now, EventKind::Cancel, None, None, "cancel asked for"));
    book.commit(project.journal.as_ref(), run, changes)
}

/// How cancelling a job begins. A task that was found and not made may carry other people than
/// ours: it is looked at first.
pub(super) fn wish(
    project: &Project,
    book: &RunBook,
    origin: JobOrigin,
    ended: bool,
) -> CancelState {
    let capabilities = project.vendor.capabilities();
    let offered = match book.row.terms.kind {
        Kind::Deletion => capabilities.cancel_deletion,
        Kind::Retrieval => capabilities.cancel_retrieval,
    };
    match origin {
        _ if ended || !offered => CancelState::TooLate,
        JobOrigin::Created | JobOrigin::Manual => CancelState::Requested,
        JobOrigin::Adopted | JobOrigin::Elsewhere => CancelState::Wanted,
    }
}

/// The cancel call of a job, or the look before it. The wish was committed before.
pub(crate) fn ask(book: &Book, run: &str, task: &str) -> Result<Operation> {
    let run = book.run(run)?;
    let kind = run.row.terms.kind;
    if run.job(task)?.cancel == CancelState::Wanted {
        return Ok(super::watch::ask(kind, task));
    }
    Ok(Operation::Cancel {
        kind,
        task: task.to_owned(),
        form: PathForm::Slash,
    })
}

/// Commits what came of it.
pub(crate) fn settle(
    project: &Project,
    book: &mut Book,
    run: &str,
    task: &str,
    result: Result<Answer, Failure>,
) -> Result<()> {
    let now = project.now();
    let current = book.run(run)?;
    let mut job = current.job(task)?.clone();
    let mut paused = None;
    let text = match result {
        Ok(Answer::Status(seen)) if seen.status.is_observation() => {
            tried_in_vain(project, &mut job, now, None);
            format!("cancel: the vendor says {}; it is asked again", seen.status)
        }
        Ok(Answer::Status(seen)) => {
            job.failures = 0;
            job.next_poll_at = now;
            job.cancel = match carries_only_ours(project, current, &job, &seen)? {
                _ if seen.status.is_terminal() => CancelState::TooLate,
                true => CancelState::Requested,
                false => CancelState::Refused,
            };
            match job.cancel {
                CancelState::Requested => "the task carries exactly our people: it is cancelled",
                CancelState::Refused => {
                    "not cancelled: the task carries other people than this run's, or does not say whom"
                }
                _ => "the task has ended already",
            }
            .to_owned()
        }
        Ok(_) => {
            // Believed only when the status says so: the next look is due at once.
            job.cancel = CancelState::Revoked;
            job.next_poll_at = now;
            job.failures = 0;
            "the vendor took the cancel".to_owned()
        }
        Err(Failure {
            class: FailureClass::TooLate,
            error,
        }) => {
            job.cancel = CancelState::TooLate;
            job.next_poll_at = now;
            error.message().to_owned()
        }
        Err(Failure { error, .. }) => {
            tried_in_vain(project, &mut job, now, error.retry_after());
            let text = format!("cancel: {}", error.message());
            if matches!(
                error.kind(),
                ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
            ) {
                job.next_poll_at = now;
                paused = Some(error);
            }
            text
        }
    };
    let event = current.event(now, EventKind::Cancel, None, Some(task), text);
    book.commit(project.journal.as_ref(), run, vec![Change::Job(job), event])?;
    match paused {
        Some(error) => {
            super::pause::pause(project, book, &error)?;
            Err(error)
        }
        None => Ok(()),
    }
}

fn tried_in_vain(project: &Project, job: &mut JobRow, now: Millis, asked: Option<Duration>) {
    job.failures += 1;
    job.next_poll_at = now + backoff::wait(&project.settings, &project.dice, job.failures, asked);
    if job.failures >= CANCEL_TRIES {
        job.cancel = CancelState::Unknown;
        job.failures = 0;
    }
}

/// Whether a task that was found is about nobody but the people that this run has in it.
fn carries_only_ours(project: &Project, book: &RunBook, job: &JobRow, seen: &Job) -> Result<bool> {
    if bears_our_name(project, book, &job.task, seen)? == Some(true) {
        return Ok(true);
    }
    let Some(echoed) = &seen.distinct_ids else {
        return Ok(false);
    };
    let mut ours = BTreeSet::new();
    for batch in book.carried(&job.task) {
        ours.extend(decode(&project.journal.batch_ids(&batch.run, batch.no)?)?);
    }
    let echoed: BTreeSet<&str> = echoed.iter().map(DistinctId::as_str).collect();
    Ok(ours.iter().map(String::as_str).eq(echoed))
}
