//! What the vendor tells by itself. It makes a run look sooner, and never changes what the run
//! believes: that comes from the status endpoint.
//!
//! Callbacks come late, twice and out of order, and anybody who saw one can send it again. So one
//! that is no news does nothing, and one that is makes at most one look a minute.

use std::sync::Arc;

use super::book::{Book, RunBook};
use super::run::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{BatchState, CancelState, Change, JobOrigin, JobRow};
use crate::model::Millis;
use crate::model::callback::{Callback, Heard};
use crate::model::event::EventKind;
use crate::model::job::JobStatus;

/// Looks at one task that callbacks may cause are so far apart.
const BETWEEN: Millis = 60_000;

impl Engine {
    /// Takes up a callback that was verified.
    pub async fn callback(self: &Arc<Self>, callback: &Callback) -> Result<Heard> {
        if !self.project.vendor.capabilities().callbacks {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "{} documents no status callbacks",
                    self.project.vendor.name()
                ),
            ));
        }
        self.own().await?;
        // Not while a call is between its intent and its answer: it may be the one this is about.
        let driver = self.driver.lock().await;
        let now = self.project.now();
        let mut book = self.book();
        let (run, changes, heard) = match about(&book, callback) {
            Some((run, job)) => match news(run, job, callback, now) {
                Some(changes) => (run.row.id.clone(), changes, Heard::News),
                None => return Ok(Heard::Nothing),
            },
            None => match self.lost(&book, callback, now) {
                Some((run, changes)) => (run, changes, Heard::Found),
                None => return Ok(Heard::Nothing),
            },
        };
        book.commit(self.project.journal.as_ref(), &run, changes)?;
        drop((book, driver));
        self.changed.notify_waiters();
        Ok(heard)
    }

    /// A request whose answer was lost, by the name that it was given. Nobody else knows that name:
    /// it follows from the journal's key. The first look makes sure of it (`watch.rs`).
    fn lost(&self, book: &Book, callback: &Callback, now: Millis) -> Option<(String, Vec<Change>)> {
        let open = book
            .runs
            .values()
            .filter(|run| run.row.terms.kind == callback.request.kind());
        for run in open {
            let lost = run.batches.iter().find(|batch| {
                batch.state == BatchState::Ambiguous
                    && self.project.request_id(&run.row.id, batch.no).as_ref()
                        == Some(&callback.request_id)
            });
            let Some(batch) = lost else {
                continue;
            };
            let mut batch = batch.clone();
            batch.state = BatchState::Submitted;
            batch.task = Some(callback.task_id.clone());
            (batch.problem, batch.ambiguous, batch.failures) = (None, 0, 0);
            let text = "a callback told which task the lost answer was about";
            let job = JobRow {
                run: run.row.id.clone(),
                task: callback.task_id.clone(),
                batch: batch.no,
                origin: JobOrigin::Adopted,
                status: JobStatus::Pending,
                created_at: batch.first_sent_at.unwrap_or(now),
                polls: 0,
                missing_since: None,
                failures: 0,
                fetch_failures: 0,
                last_poll_at: None,
                next_poll_at: now,
                ended_at: None,
                cancel: CancelState::None,
                dropped: false,
            };
            let event = run.event(
                now,
                EventKind::Adopted,
                Some(batch.no),
                Some(&callback.task_id),
                text,
            );
            let changes = vec![Change::Job(job), Change::Batch(batch), event];
            return Some((run.row.id.clone(), changes));
        }
        None
    }
}

/// The open task that a callback is about.
fn about<'a>(book: &'a Book, callback: &Callback) -> Option<(&'a RunBook, &'a JobRow)> {
    book.runs
        .values()
        .filter(|run| run.row.terms.kind == callback.request.kind())
        .find_map(|run| {
            let job = run.jobs.iter().find(|job| job.task == callback.task_id)?;
            Some((run, job))
        })
}

/// What a callback changes: when the task is looked at, if it may be further than is known.
fn news(run: &RunBook, job: &JobRow, callback: &Callback, now: Millis) -> Option<Vec<Change>> {
    let told = callback.status.job_status().and_then(|told| told.rank());
    let further = match (told, job.status.rank()) {
        (Some(told), Some(known)) => told > known,
        // A word that nobody knows: worth a look.
        _ => true,
    };
    let last = job.last_poll_at.unwrap_or(0);
    let at = now.max(last.saturating_add(BETWEEN).min(now + BETWEEN));
    if !further || !run.job_open(job) || job.status.is_terminal() || job.next_poll_at <= at {
        return None;
    }
    let mut job = job.clone();
    job.next_poll_at = at;
    let text = format!("the vendor tells: {}", callback.status);
    let event = run.event(now, EventKind::Callback, None, Some(&job.task), text);
    Some(vec![Change::Job(job), event])
}
