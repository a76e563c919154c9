//! Looking at a job: its status, and what follows for the batches it carries.

use std::collections::HashSet;

use super::book::{Book, RunBook, wants_archive};
use super::drift;
use super::ends::problem;
use super::project::Project;
use super::schedule;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::decode;
use crate::journal::{BatchState, Change, JobOrigin, JobRow};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::job::{Job, JobStatus};
use crate::model::subject::DistinctId;
use crate::model::wire::{Answer, Failure, FailureClass, Operation, PathForm};
use crate::pace::backoff;
use crate::settings::ms;

/// Looks at a finished retrieval that shows no usable link before it is held.
const LINKLESS_MAX: u32 = 5;

/// The status call of a task.
pub(crate) fn ask(kind: Kind, task: &str) -> Operation {
    Operation::Get {
        kind,
        task: task.to_owned(),
        form: PathForm::Slash,
    }
}

/// Commits what a status call showed.
pub(crate) fn settle(
    project: &Project,
    book: &mut Book,
    run: &str,
    task: &str,
    result: Result<Answer, Failure>,
) -> Result<()> {
    let now = project.now();
    let row = &book.run(run)?.row;
    let (terms, fingerprint) = (row.terms, row.project);
    let kind = terms.kind;
    let before = book.run(run)?.job(task)?.clone();
    let mut job = before.clone();
    job.polls += 1;
    job.last_poll_at = Some(now);
    // By the clock as it is now, which may have been set back.
    job.created_at = now.saturating_sub(before.age(now));
    job.next_poll_at = now + schedule::look(project, book, kind, job.age(now));
    let mut paused = None;
    let mut changes = match result {
        Ok(Answer::Status(seen)) => {
            job.failures = 0;
            if let Some(word) = odd_word(book.run(run)?, &seen.status) {
                book.run_mut(run)?.odd_words.insert(word);
            }
            if let Some(link) = &seen.download_url {
                book.run_mut(run)?
                    .links
                    .insert(task.to_owned(), link.clone());
            }
            if names_others(project, book.run(run)?, task, &seen)? {
                let problem = (
                    ErrorKind::Protocol,
                    "the vendor's task does not name the ids that were sent".to_owned(),
                );
                let mut changes = hold(book.run(run)?, task, &problem, now);
                changes.push(Change::Job(job));
                changes
            } else {
                seen_status(project, book.run(run)?, job, &seen, now)
            }
        }
        Err(Failure {
            class: FailureClass::Missing,
            ..
        }) => {
            job.failures = 0;
            missing(project, book.run(run)?, job, &JobStatus::NotFound, now)
        }
        Ok(_) | Err(_) => {
            let error = match result {
                Err(failure) => failure.error,
                Ok(_) => Error::new(ErrorKind::Protocol, "an answer to another question"),
            };
            job.failures += 1;
            let asked = error.retry_after();
            job.next_poll_at =
                now + backoff::wait(&project.settings, &project.dice, job.failures, asked);
            if matches!(
                error.kind(),
                ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
            ) {
                job.next_poll_at = now;
                paused = Some(error);
                vec![Change::Job(job)]
            } else {
                let text = format!("status not known: {}", error.message());
                let event = book
                    .run(run)?
                    .event(now, EventKind::Backoff, None, Some(task), text);
                vec![Change::Job(job), event]
            }
        }
    };
    let end = changes.iter().find_map(|change| match change {
        Change::Job(row) if row.status.is_terminal() => Some(row.status.clone()),
        _ => None,
    });
    let new_forms = drift::take(project, &mut book.learnt);
    let ended = end.filter(|_| !before.status.is_terminal());
    if let Some(end) = &ended {
        schedule::ended(project, book, terms, &before, end, now);
    }
    if new_forms || ended.is_some() {
        changes.push(schedule::change(fingerprint, &book.learnt));
    }
    book.commit(project.journal.as_ref(), run, changes)?;
    match paused {
        Some(error) => {
            super::pause::pause(project, book, &error)?;
            Err(error)
        }
        None => Ok(()),
    }
}

/// An undocumented word that was not reported yet.
fn odd_word(book: &RunBook, status: &JobStatus) -> Option<String> {
    match status {
        JobStatus::Other(word) if !book.odd_words.contains(word) => Some(word.clone()),
        _ => None,
    }
}

/// Whether a task bears the name that our request gave it; `None` where that cannot be told, or
/// does not matter because another request made the task.
pub(super) fn bears_our_name(
    project: &Project,
    book: &RunBook,
    task: &str,
    seen: &Job,
) -> Result<Option<bool>> {
    let job = book.job(task)?;
    let ours = project.request_id(&book.row.id, job.batch);
    let made_by_us = matches!(job.origin, JobOrigin::Created | JobOrigin::Adopted);
    Ok(match (&seen.request_id, ours) {
        (Some(theirs), Some(ours)) if made_by_us => Some(*theirs == ours),
        _ => None,
    })
}

/// Whether a status answer echoes ids among which one of ours is missing: then it is another
/// task's, or the vendor took something else than what was sent. More ids than ours may be aliases,
/// or another request's when the task was found through a 409.
fn names_others(project: &Project, book: &RunBook, task: &str, seen: &Job) -> Result<bool> {
    if let Some(own) = bears_our_name(project, book, task, seen)? {
        return Ok(!own);
    }
    let Some(echoed) = seen.distinct_ids.as_ref().filter(|ids| !ids.is_empty()) else {
        return Ok(false);
    };
    let mut batches = book
        .carried(task)
        .filter(|batch| batch.state == BatchState::Submitted);
    let (Some(batch), None) = (batches.next(), batches.next()) else {
        return Ok(false);
    };
    if book.tasks_of(batch).count() > 1 {
        return Ok(false);
    }
    let ours = decode(&project.journal.batch_ids(&book.row.id, batch.no)?)?;
    let echoed: HashSet<&str> = echoed.iter().map(DistinctId::as_str).collect();
    Ok(ours.iter().any(|id| !echoed.contains(id.as_str())))
}

fn seen_status(
    project: &Project,
    book: &RunBook,
    mut job: JobRow,
    seen: &Job,
    now: Millis,
) -> Vec<Change> {
    let task = job.task.clone();
    if job.status.is_terminal() {
        return ended_before(project, book, job, seen, now);
    }
    if seen.status.is_observation() {
        return missing(project, book, job, &seen.status, now);
    }
    job.missing_since = None;
    let mut changes = Vec::new();
    match (job.status.rank(), seen.status.rank()) {
        (_, None) => {
            if odd_word(book, &seen.status).is_some() || job.status != seen.status {
                let text = format!("an undocumented status: {}", seen.status);
                changes.push(book.event(now, EventKind::Anomaly, None, Some(&task), text));
            }
            if job.status.rank().is_none_or(|rank| rank == 0) {
                job.status = seen.status.clone();
            }
        }
        (Some(old), Some(new)) if new < old => {
            let text = format!(
                "the status went back from {} to {}",
                job.status, seen.status
            );
            changes.push(book.event(now, EventKind::Anomaly, None, Some(&task), text));
        }
        _ if job.status != seen.status => {
            let text = format!("{} -> {}", job.status, seen.status);
            changes.push(book.event(now, EventKind::Status, None, Some(&task), text));
            job.status = seen.status.clone();
        }
        _ => {}
    }
    if job.status.is_terminal() {
        job.ended_at = Some(now);
        changes.extend(ended(book, &mut job, now));
    }
    changes.push(Change::Job(job));
    changes
}

/// What the end of a task means for its batches. A retrieval that ended well is done only when
/// its archive is on this disk.
fn ended(book: &RunBook, job: &mut JobRow, now: Millis) -> Vec<Change> {
    if wants_archive(book, job) {
        job.next_poll_at = now;
    }
    ends(book, job, false)
}

/// The batches of a task that are at their end with it.
pub(super) fn ends(book: &RunBook, job: &JobRow, archived: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    for batch in book
        .carried(&job.task)
        .filter(|batch| batch.state == BatchState::Submitted)
    {
        let Some(state) = book.end_of(batch, job, archived) else {
            continue;
        };
        let mut batch = batch.clone();
        batch.state = state;
        batch.problem = problem(state, job);
        changes.push(Change::Batch(batch));
    }
    changes
}

/// Another look at a task that had ended: for a fresh link, or out of order.
fn ended_before(
    project: &Project,
    book: &RunBook,
    mut job: JobRow,
    seen: &Job,
    now: Millis,
) -> Vec<Change> {
    let task = job.task.clone();
    let mut changes = Vec::new();
    if seen.status != job.status {
        let text = format!(
            "the status changed from {} to {} after its end",
            job.status, seen.status
        );
        changes.push(book.event(now, EventKind::Anomaly, None, Some(&task), text));
    }
    if wants_archive(book, &job) {
        if seen.download_url.is_some() {
            job.next_poll_at = now;
        } else {
            job.fetch_failures += 1;
            let wait = backoff::wait(&project.settings, &project.dice, job.fetch_failures, None);
            job.next_poll_at = now + wait;
            if job.fetch_failures >= LINKLESS_MAX {
                let error = (
                    ErrorKind::Protocol,
                    "the retrieval ended well but shows no link to its archive".to_owned(),
                );
                changes.extend(hold(book, &task, &error, now));
            }
        }
    }
    changes.push(Change::Job(job));
    changes
}

/// NOT_FOUND and UNKNOWN are observations: lag, or a look-up that failed. Only when they last is
/// the job lost, and then a person decides.
fn missing(
    project: &Project,
    book: &RunBook,
    mut job: JobRow,
    word: &JobStatus,
    now: Millis,
) -> Vec<Change> {
    let task = job.task.clone();
    let first = job.missing_since.is_none();
    let since = *job.missing_since.get_or_insert(now);
    let mut changes = Vec::new();
    if first {
        let text = format!("the vendor says {word}; it is asked again");
        changes.push(book.event(now, EventKind::Anomaly, None, Some(&task), text));
    }
    if now - since >= ms(project.settings.lost_after) {
        let error = (
            ErrorKind::NotFound,
            format!(
                "the vendor has said {word} for {} hours: the job is lost",
                (now - since) / 3_600_000
            ),
        );
        changes.extend(hold(book, &task, &error, now));
    }
    changes.push(Change::Job(job));
    changes
}

/// Holds every batch that a task carries.
pub(super) fn hold(
    book: &RunBook,
    task: &str,
    problem: &(ErrorKind, String),
    now: Millis,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for batch in book
        .carried(task)
        .filter(|batch| batch.state == BatchState::Submitted)
    {
        let mut batch = batch.clone();
        batch.state = BatchState::Held;
        batch.problem = Some(problem.clone());
        let text = format!("batch of {} held: {}", batch.n, problem.1);
        changes.push(book.event(now, EventKind::Held, Some(batch.no), Some(task), text));
        changes.push(Change::Batch(batch));
    }
    changes
}
