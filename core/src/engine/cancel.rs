//! Cancelling: what was not sent will not be, what was sent is cancelled at the vendor if it can
//! be, and the rest is told apart: too late, or unknown.

use super::book::{Book, RunBook};
use super::project::Project;
use crate::error::{ErrorKind, Result};
use crate::journal::{BatchState, CancelState, Change, JobOrigin};
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::wire::{Answer, Failure, FailureClass, Operation, PathForm};
use crate::pace::backoff;

/// Tries before a cancel without an answer counts as unknown.
const CANCEL_TRIES: u32 = 8;

/// Commits the wish to cancel, and everything that follows from it without a call.
pub(crate) fn request(project: &Project, book: &mut Book, run: &str) -> Result<()> {
    let now = project.now();
    let current = book.run(run)?;
    if current.row.cancel_at.is_some() || (current.settled() && current.row.approved_at.is_some()) {
        return Ok(());
    }
    let mut row = current.row.clone();
    row.cancel_at = Some(now);
    let can = can_cancel(project, current);
    let mut changes = vec![Change::Run(row)];
    for batch in &current.batches {
        let state = match batch.state {
            BatchState::Frozen | BatchState::Ready => BatchState::Cancelled,
            // It may have arrived: nothing is sent any more, and nobody can say what became of it.
            BatchState::Ambiguous => BatchState::Held,
            _ => continue,
        };
        let mut batch = batch.clone();
        batch.state = state;
        changes.push(Change::Batch(batch));
    }
    for job in current.jobs.iter().filter(|job| current.job_open(job)) {
        let mut job = job.clone();
        // A task that may carry other people's ids is not ours to cancel.
        job.cancel = match (can, job.origin, job.status.is_terminal()) {
            (true, JobOrigin::Created, false) => CancelState::Requested,
            _ => CancelState::TooLate,
        };
        job.next_poll_at = now;
        changes.push(Change::Job(job));
    }
    changes.push(current.event(now, EventKind::Cancel, None, None, "cancel asked for"));
    book.commit(project.journal.as_ref(), run, changes)
}

fn can_cancel(project: &Project, book: &RunBook) -> bool {
    let capabilities = project.vendor.capabilities();
    match book.row.terms.kind {
        Kind::Deletion => capabilities.cancel_deletion,
        Kind::Retrieval => capabilities.cancel_retrieval,
    }
}

/// The cancel call of a job. The wish was committed before.
pub(crate) fn ask(book: &Book, run: &str, task: &str) -> Result<Operation> {
    let kind = book.run(run)?.row.terms.kind;
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
            let credentials = matches!(
                error.kind(),
                ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
            );
            job.failures += 1;
            let wait = backoff::wait(
                &project.settings,
                &project.dice,
                job.failures,
                error.retry_after(),
            );
            job.next_poll_at = now + wait;
            if job.failures >= CANCEL_TRIES {
                job.cancel = CancelState::Unknown;
                job.failures = 0;
            }
            let text = format!("cancel: {}", error.message());
            if credentials {
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
