//! What a person decides about a batch that waits for one.
//!
//! A held batch may have been carried out, or not: dsrkit does not guess. A person who looked it
//! up at the vendor says which, and what they say is checked as far as it can be.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::book::{Book, RunBook};
use super::project::Project;
use super::run::Engine;
use super::watch;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::decode;
use crate::journal::{BatchRow, BatchState, CancelState, Change, JobOrigin, JobRow};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::job::{Job, JobStatus};
use crate::model::report::ReportData;
use crate::model::run::RunState;
use crate::model::subject::DistinctId;
use crate::model::wire::Answer;

/// A decision about a batch whose state is held (or rejected, where it says so).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Send the batch's request again: nobody is at work on it at the vendor, or a second time
    /// does no harm. Also for a rejected batch, once the reason is gone.
    SendAgain {
        /// For a deletion: how many people the batch has, as a confirmation.
        confirm: Option<u64>,
    },
    /// This task carries it. The vendor is asked: the task must name exactly the batch's ids.
    Follow {
        /// The task.
        task_id: String,
    },
    /// Let it be. Its people end as `cancelled` if nothing of them was ever sent, and as `failed`
    /// if a request may have been carried out.
    GiveUp,
}

impl Decision {
    /// Reads a decision as the bindings take it: `"send_again"`, `"follow"` with a task id, or
    /// `"give_up"`.
    pub fn parse(word: &str, task_id: Option<String>, confirm: Option<u64>) -> Result<Self> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidInput, message));
        match (word, task_id) {
            ("follow", Some(task_id)) => Ok(Self::Follow { task_id }),
            ("follow", None) => refuse("to follow a task, its task_id is needed"),
            (_, Some(_)) => refuse("task_id goes with the decision \"follow\" only"),
            ("send_again", None) => Ok(Self::SendAgain { confirm }),
            ("give_up", None) => Ok(Self::GiveUp),
            _ => refuse("a decision is \"send_again\", \"follow\" or \"give_up\""),
        }
    }
}

impl Engine {
    /// Carries out a decision. Nothing is sent before the run is waited for again.
    pub async fn decide(
        self: &Arc<Self>,
        id: &str,
        no: u32,
        decision: Decision,
    ) -> Result<ReportData> {
        self.check_writer()?;
        {
            // Not while a call is between its intent and its answer.
            let _driver = self.driver.lock().await;
            self.load(&mut self.book(), id)?;
            let batch = waiting(&self.book(), id, no)?;
            let found = match &decision {
                Decision::Follow { task_id } => {
                    Some(look(&self.project, &self.book_kind(id)?, &batch, task_id).await?)
                }
                _ => None,
            };
            let mut book = self.book();
            let changes = decided(&self.project, book.run(id)?, batch, &decision, found)?;
            book.commit(self.project.journal.as_ref(), id, changes)?;
        }
        self.changed.notify_waiters();
        self.report(id)
    }

    fn book_kind(&self, id: &str) -> Result<Kind> {
        Ok(self.book().run(id)?.row.terms.kind)
    }
}

/// The batch, if it waits for a person.
fn waiting(book: &Book, id: &str, no: u32) -> Result<BatchRow> {
    let run = book.run(id)?;
    let batch = run.batches.get(no as usize).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "this run has no such batch")
            .with("batch", no)
            .with_hint("The report's problems name the batches that wait for a decision.")
    })?;
    if batch.sealed_at.is_some() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "this run was purged: nothing is left to decide about",
        )
        .with_hint("People who still want an answer need a new plan."));
    }
    if matches!(batch.state, BatchState::Held | BatchState::Rejected) {
        return Ok(batch.clone());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "batch {no} waits for no decision: it is {}",
            batch.state.as_str().to_lowercase()
        ),
    )
    .with_hint("Only a batch that is held or rejected does. People who still want an answer need a new plan."))
}

/// Asks the vendor for a task and makes sure that it is the batch's (rule W12).
async fn look(project: &Project, kind: &Kind, batch: &BatchRow, task: &str) -> Result<Job> {
    let answer = project
        .call(&watch::ask(*kind, task))
        .await
        .map_err(|failure| failure.error.with_job(task))?;
    let Answer::Status(job) = answer else {
        return Err(Error::new(
            ErrorKind::Protocol,
            "an answer to another question",
        ));
    };
    if job.status.is_observation() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("the vendor says {} about this task", job.status),
        )
        .with_job(task));
    }
    let named = project.request_id(&batch.run, batch.no);
    if named.is_some() && job.request_id == named {
        return Ok(*job);
    }
    let ours = decode(&project.journal.batch_ids(&batch.run, batch.no)?)?;
    let same = job.distinct_ids.as_ref().map(|echoed| {
        let ours: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
        let echoed: BTreeSet<&str> = echoed.iter().map(DistinctId::as_str).collect();
        ours == echoed
    });
    match same {
        Some(true) => Ok(*job),
        Some(false) => Err(Error::new(
            ErrorKind::InvalidInput,
            "this task carries other people than the batch; it was not taken",
        )
        .with_job(task)),
        None => Err(Error::new(
            ErrorKind::Protocol,
            "the vendor's answer does not name the task's ids, so it cannot be told whether it is this batch's",
        )
        .with_job(task)),
    }
}

fn decided(
    project: &Project,
    run: &RunBook,
    mut batch: BatchRow,
    decision: &Decision,
    found: Option<Job>,
) -> Result<Vec<Change>> {
    let now = project.now();
    let mut changes = Vec::new();
    let rejected = batch.state == BatchState::Rejected;
    let text = match (decision, found) {
        (Decision::SendAgain { confirm }, _) => {
            if run.row.cancel_at.is_some() {
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    "this run was cancelled; make a new plan of these people",
                )
                .with_hint("A cancelled run stays cancelled."));
            }
            if run.row.terms.kind == Kind::Deletion && *confirm != Some(u64::from(batch.n)) {
                return Err(Error::new(
                    ErrorKind::NotConfirmed,
                    format!(
                        "a deletion cannot be undone: confirm the number of the batch's people, {}",
                        batch.n
                    ),
                )
                .with_hint("Decide again and confirm that number, not the plan's confirm value."));
            }
            changes.extend(drop_jobs(run, batch.no));
            batch.state = BatchState::Ready;
            (batch.task, batch.problem) = (None, None);
            (batch.ambiguous, batch.failures) = (0, 0);
            batch.not_before = now;
            format!("batch of {} is sent again, as a person decided", batch.n)
        }
        (_, _) if rejected => {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the vendor refused this batch for good; it can only be sent again",
            ));
        }
        (Decision::Follow { task_id }, Some(job)) => {
            changes.extend(drop_jobs(run, batch.no));
            let row = followed(run, batch.no, task_id, &job, now);
            batch.state = BatchState::Submitted;
            batch.task = Some(task_id.clone());
            (batch.problem, batch.ambiguous, batch.failures) = (None, 0, 0);
            let ended = match row.status {
                // Known to have ended before the batch was held: no look is due any more.
                JobStatus::Success if run.row.terms.kind == Kind::Deletion => BatchState::Done,
                JobStatus::Failure => BatchState::Failed,
                JobStatus::Revoked => BatchState::Revoked,
                _ => BatchState::Submitted,
            };
            changes.push(Change::Job(row));
            changes.push(Change::Batch(batch.clone()));
            batch.state = ended;
            format!("batch of {} follows a task that a person named", batch.n)
        }
        (Decision::Follow { .. } | Decision::GiveUp, _) => {
            let sent = run.may_have_been_sent(batch.no);
            changes.extend(drop_jobs(run, batch.no));
            if sent {
                batch.state = BatchState::Failed;
                batch.problem = Some((
                    ErrorKind::Ambiguous,
                    "given up by a person; a request of it may have been carried out".to_owned(),
                ));
            } else {
                batch.state = BatchState::Cancelled;
                batch.problem = None;
            }
            format!("batch of {} given up by a person", batch.n)
        }
    };
    changes.push(run.event(now, EventKind::Decided, Some(batch.no), None, text));
    changes.push(Change::Batch(batch));
    // The end that was written is not the end any more.
    changes.push(Change::Run(crate::journal::RunRow {
        state: RunState::Running,
        ..run.row.clone()
    }));
    Ok(changes)
}

/// The tasks that a batch hung on until now.
fn drop_jobs(run: &RunBook, no: u32) -> Vec<Change> {
    run.jobs
        .iter()
        .filter(|job| job.batch == no && !job.dropped)
        .map(|job| {
            let mut job = job.clone();
            job.dropped = true;
            Change::Job(job)
        })
        .collect()
}

fn followed(run: &RunBook, no: u32, task: &str, seen: &Job, now: Millis) -> JobRow {
    if let Some(known) = run.again(task, no, now) {
        return known; // lost and found again
    }
    JobRow {
        run: run.row.id.clone(),
        task: task.to_owned(),
        batch: no,
        origin: JobOrigin::Manual,
        // The next look, due at once, moves it on by the ordinary way.
        status: match &seen.status {
            status if status.is_terminal() => JobStatus::Started,
            status => status.clone(),
        },
        created_at: now,
        polls: 0,
        missing_since: None,
        failures: 0,
        fetch_failures: 0,
        last_poll_at: None,
        next_poll_at: now,
        ended_at: None,
        cancel: CancelState::None,
        dropped: false,
    }
}
