//! Sending one batch: the intent is on disk before the first byte leaves, the answer is on disk
//! before anybody hears of it.

use super::answer::{Next, too_old};
use super::book::{Book, Gate, RunBook};
use super::drift;
use super::overlap::{self, Overlap};
use super::plan::batch_digest;
use super::project::Project;
use super::schedule;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{AttemptRow, AttemptState, BatchState, Change, OrphanRow, Rescued};
use crate::model::action::Kind;
use crate::model::event::{EventKind, WaitReason};
use crate::model::wire::{Answer, Failure, FailureClass, IdsJson, Operation};
use crate::pace::backoff;
use crate::pace::scans::QUIET;
use crate::settings::AmbiguityPolicy;

/// Redirects in a row before a person must look at the set-up.
const REDIRECTS_MAX: usize = 5;

/// Commits the intent to send a batch. Gives the operation, or `None` if it must not be sent
/// (any more).
pub(crate) fn intend(
    project: &Project,
    book: &mut Book,
    run: &str,
    no: u32,
) -> Result<Option<Operation>> {
    let now = project.now();
    let (row, mut batch) = {
        let book = book.run(run)?;
        (book.row.clone(), book.batch(no)?.clone())
    };
    let ready = matches!(batch.state, BatchState::Ready | BatchState::Ambiguous);
    if !ready || row.cancel_at.is_some() || row.paused.is_some() {
        return Ok(None);
    }
    if row.terms.kind == Kind::Deletion && row.approved_digest != Some(row.plan_digest) {
        return Err(Error::new(
            ErrorKind::NotConfirmed,
            "this deletion is not confirmed; nothing was sent",
        ));
    }
    let ids_json = project.journal.batch_ids(run, no)?;
    let body = project.vendor.create_body(row.terms, &ids_json);
    if batch_digest(project.journal.as_ref(), &body) != batch.digest {
        return Err(Error::new(
            ErrorKind::Journal,
            format!(
                "batch {no} is not what was planned: the journal was changed or damaged; nothing was sent"
            ),
        ));
    }
    let unsure = book
        .run(run)?
        .unsure_since(no)
        .filter(|_| batch.ambiguous > 0);
    let to_a_person = project.settings.on_ambiguous == AmbiguityPolicy::Hold;
    if unsure.is_some_and(|since| to_a_person || too_old(row.terms.kind, since, now)) {
        batch.state = BatchState::Held;
        let text = format!(
            "batch of {} held: its answer was lost, and it is not sent again",
            batch.n
        );
        let event = book
            .run(run)?
            .event(now, EventKind::Held, Some(no), None, text);
        let changes = vec![Change::Batch(batch), event];
        book.commit(project.journal.as_ref(), run, changes)?;
        return Ok(None);
    }
    if row.terms.kind == Kind::Deletion
        && batch.state == BatchState::Ready
        && let Some(changes) = apart(project, book, run, no)?
    {
        book.commit(project.journal.as_ref(), run, changes)?;
        return Ok(None);
    }
    batch.state = BatchState::Sending;
    batch.attempts += 1;
    batch.first_sent_at.get_or_insert(now);
    let attempt = AttemptRow {
        run: run.to_owned(),
        batch: no,
        n: batch.attempts,
        state: AttemptState::Sending,
        sending_at: now,
        done_at: None,
        http: None,
        seen: None,
        task: None,
    };
    let changes = vec![Change::Batch(batch), Change::Attempt(attempt)];
    book.commit(project.journal.as_ref(), run, changes)?;
    Ok(Some(Operation::Create {
        terms: row.terms,
        ids_json: IdsJson(ids_json),
        request_id: project.request_id(run, no),
    }))
}

/// What the running deletions of other runs mean for a batch that was about to be sent.
fn apart(project: &Project, book: &mut Book, run: &str, no: u32) -> Result<Option<Vec<Change>>> {
    let overlap = overlap::find(project, book, run, no)?;
    let mut next = Next::unsent(book.run(run)?, no, project.now())?;
    match overlap {
        Overlap::None => return Ok(None),
        Overlap::Covered(parts) => next.covered(project, parts),
        Overlap::Unresolved(until) => next.waits_for_another(&project.settings, until),
    }
    Ok(Some(next.changes))
}

/// Commits what came of it, in one transaction. May be called again when that failed.
pub(crate) fn settle(
    project: &Project,
    book: &mut Book,
    run: &str,
    no: u32,
    operation: &Operation,
    result: &Result<Answer, Failure>,
) -> Result<()> {
    let now = project.now();
    let row = &book.run(run)?.row;
    let (terms, fingerprint) = (row.terms, row.project);
    let kind = terms.kind;
    let mut gate = book.gates.get(&kind).copied().unwrap_or_default();
    let new_forms = drift::take(project, &mut book.learnt);
    let mut learnt = book.learnt.clone();
    let mut next = Next::new(book.run(run)?, no, now)?;
    next.first_look = schedule::look(project, book, kind, 0);
    let mut paused = None;
    match result {
        Ok(Answer::Created(tasks)) => {
            next.accepted(project, tasks);
            gate = match kind {
                Kind::Deletion => Gate::default(),
                Kind::Retrieval => {
                    schedule::taken(project, book, &mut learnt, terms.compliance, gate)
                }
            };
        }
        Ok(_) => next.ambiguous(
            project,
            AttemptState::CreatedUntracked,
            &Error::new(ErrorKind::Protocol, "an answer to another question"),
        ),
        Err(Failure { error, class }) => {
            let failures = (next.batch.failures + 1).max(gate.failures + 1);
            let asked = error.retry_after();
            let wait = backoff::wait(&project.settings, &project.dice, failures, asked);
            // A vendor that refuses, fails or cannot be reached is asked by one batch at a time.
            let shut = |reason| Gate {
                not_before: now + wait,
                failures,
                reason: Some(reason),
                ..Gate::default()
            };
            let was_full = gate.reason == Some(WaitReason::ScanBudget);
            match class {
                FailureClass::OverBudget => {
                    gate = schedule::refused(project, book, &mut learnt, terms.compliance, asked);
                    next.no_room(error, !was_full);
                }
                // The room was used up a moment ago: that it still is, is the likelier reason.
                FailureClass::Unclear if was_full => {
                    gate = schedule::refused(project, book, &mut learnt, terms.compliance, asked);
                    next.no_room(error, false);
                }
                FailureClass::Unclear => {
                    let wait = wait.max(QUIET);
                    gate = Gate {
                        not_before: now + wait,
                        unclear: true,
                        ..shut(WaitReason::Backoff)
                    };
                    next.not_created(error, now + wait);
                }
                FailureClass::NotCreated => {
                    gate = shut(WaitReason::Backoff);
                    next.not_created(error, now + wait);
                }
                FailureClass::Redirected(_) => {
                    if next.redirects() + 1 >= REDIRECTS_MAX {
                        next.held(AttemptState::NotCreated, error);
                    } else {
                        next.not_created(error, now + wait);
                    }
                }
                FailureClass::Credentials => {
                    next.not_created(error, now);
                    paused = Some(error);
                }
                FailureClass::Ambiguous => {
                    gate = shut(WaitReason::Backoff);
                    next.ambiguous(project, AttemptState::Ambiguous, error);
                }
                FailureClass::CreatedUntracked => {
                    next.ambiguous(project, AttemptState::CreatedUntracked, error);
                }
                FailureClass::Conflict(conflict) => {
                    gate = Gate::default();
                    next.conflict(project, operation, conflict, error);
                }
                FailureClass::Ids => next.too_many(project, operation, error),
                FailureClass::Local => next.held(AttemptState::NotCreated, error),
                FailureClass::Missing | FailureClass::TooLate | FailureClass::Rejected => {
                    next.rejected(error);
                }
            }
        }
    }
    let mut changes = next.changes;
    if new_forms || learnt.scans.differs(&book.learnt.scans) {
        changes.push(schedule::change(fingerprint, &learnt));
    }
    book.commit(project.journal.as_ref(), run, changes)?;
    book.gates.insert(kind, gate);
    book.learnt = learnt;
    match paused {
        Some(error) => super::pause::pause(project, book, error),
        None => Ok(()),
    }
}

/// A request of an earlier process whose answer is in the rescue file: it was accepted.
pub(crate) fn rescued(project: &Project, book: &RunBook, found: &Rescued) -> Result<Vec<Change>> {
    let batch = book.batch(found.batch)?;
    if batch.state != BatchState::Sending || batch.attempts != found.attempt {
        return Ok(orphans(project, book, found)); // it was written after all, as far as is known
    }
    let mut next = Next::new(book, found.batch, project.now())?;
    next.accepted(project, &found.tasks);
    Ok(next.changes)
}

/// The tasks of an answer that the batch did not wait for any more, unless the run knows them.
fn orphans(project: &Project, book: &RunBook, found: &Rescued) -> Vec<Change> {
    let now = project.now();
    let known = |task: &&String| {
        !book.jobs.iter().any(|job| job.task == **task)
            && !book.orphans.iter().any(|orphan| orphan.task == **task)
    };
    let mut changes = Vec::new();
    for task in found.tasks.iter().filter(known) {
        changes.push(Change::Orphan(OrphanRow {
            run: found.run.clone(),
            task: task.clone(),
            batch: found.batch,
            at: now,
            why: "an answer that came when its batch had gone on".to_owned(),
        }));
        let text = "a task of this batch that nothing hangs on";
        changes.push(book.event(now, EventKind::Orphan, Some(found.batch), Some(task), text));
    }
    changes
}

/// A request of an earlier process whose answer never reached the journal. Never READY: it may
/// have arrived.
pub(crate) fn orphaned(project: &Project, book: &RunBook, no: u32) -> Result<Vec<Change>> {
    let mut next = Next::new(book, no, project.now())?;
    let error = Error::new(
        ErrorKind::Ambiguous,
        "the process ended before the answer was recorded",
    );
    next.ambiguous(project, AttemptState::Ambiguous, &error);
    Ok(next.changes)
}
