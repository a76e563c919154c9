//! The engine's memory of its runs: what the journal holds, row for row.
//!
//! Nothing is changed here that was not committed to the journal first.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::overlap::Prints;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{
    ArtifactRow, AttemptRow, AttemptState, BatchRow, BatchState, Change, DeliveryRow, JobRow,
    Journal, NewEvent, OrphanRow, RunRow,
};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::{EventKind, WaitReason};
use crate::model::job::JobStatus;
use crate::model::run::RunState;
use crate::pace::learnt::Learnt;
use crate::secret::Secret;

/// One run.
pub(crate) struct RunBook {
    pub row: RunRow,
    pub batches: Vec<BatchRow>,
    pub attempts: Vec<AttemptRow>,
    pub jobs: Vec<JobRow>,
    pub orphans: Vec<OrphanRow>,
    pub artifacts: Vec<ArtifactRow>,
    /// The tasks whose archives are here, and since when: asked for every job at every step.
    archived: HashMap<String, Millis>,
    pub deliveries: Vec<DeliveryRow>,
    /// `hold_for` is over at this time of the monotonic clock.
    pub held_until: Millis,
    /// Signed links of finished retrievals. Never in the journal: they open without credentials.
    pub links: HashMap<String, Secret>,
    /// Undocumented status words that were reported already.
    pub odd_words: HashSet<String>,
}

/// How the vendor's refusals of creates of one kind stand.
#[derive(Default, Clone, Copy)]
pub(crate) struct Gate {
    pub not_before: Millis,
    pub failures: u32,
    pub reason: Option<WaitReason>,
    /// The vendor asked to be left alone until then.
    pub asked: Millis,
    /// Creates that count less than this are not held back by the scan budget.
    pub room: f64,
    /// Room is expected at `not_before`, as it came before: a look must not delay the create.
    pub expected: bool,
    /// A refusal could be about the pace as well as about the scan budget: the next create comes
    /// after a pause that tells them apart.
    pub unclear: bool,
}

/// All runs at hand.
#[derive(Default)]
pub(crate) struct Book {
    pub runs: BTreeMap<String, RunBook>,
    /// A refusal for capacity, or an outage, concerns all creates of its kind, not one batch.
    pub gates: HashMap<Kind, Gate>,
    /// Where to look for the people of running deletions. Made when a second run needs it.
    pub prints: Prints,
    /// How long jobs take, and how much may be outstanding.
    pub learnt: Learnt,
    /// Archives being downloaded now, by run and task.
    pub fetching: HashSet<(String, String)>,
}

impl RunBook {
    /// Reads a run from the journal.
    pub fn load(project: &Project, id: &str) -> Result<Option<Self>> {
        let journal = project.journal.as_ref();
        let Some(row) = journal.run(id)? else {
            return Ok(None);
        };
        let artifacts = journal.artifacts(id)?;
        let mut book = Self {
            archived: artifacts
                .iter()
                .map(|row| (row.task.clone(), row.at))
                .collect(),
            batches: journal.batches(id)?,
            attempts: journal.attempts(id)?,
            jobs: journal.jobs(id)?,
            orphans: journal.orphans(id)?,
            artifacts,
            deliveries: journal.deliveries(id)?,
            row,
            held_until: 0,
            links: HashMap::new(),
            odd_words: HashSet::new(),
        };
        book.hold(project);
        Ok(Some(book))
    }

    /// Takes up what is left of `hold_for`. The time of day may have been set meanwhile, so at most
    /// the whole window is left; that it was set forward while no process was there cannot be seen.
    pub fn hold(&mut self, project: &Project) {
        if let (Some(started), 1..) = (self.row.approved_at, self.row.hold_for_ms) {
            let whole = self.row.hold_for_ms;
            let left = started.saturating_add(whole).saturating_sub(project.now());
            self.held_until = project
                .clock
                .monotonic()
                .saturating_add(left.clamp(0, whole));
        }
    }

    pub fn batch(&self, no: u32) -> Result<&BatchRow> {
        self.batches
            .get(no as usize)
            .filter(|batch| batch.no == no)
            .ok_or_else(|| missing("batch"))
    }

    pub fn job(&self, task: &str) -> Result<&JobRow> {
        self.jobs
            .iter()
            .find(|job| job.task == task)
            .ok_or_else(|| missing("job"))
    }

    pub fn has_artifact(&self, task: &str) -> bool {
        self.archived.contains_key(task)
    }

    /// Since when the archive of a task is here.
    pub fn archived_at(&self, task: &str) -> Option<Millis> {
        self.archived.get(task).copied()
    }

    /// A batch and those that it was split from.
    fn line(&self, no: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(no), |no| self.batches.get(*no as usize)?.parent)
    }

    /// When the first attempt was made, of a batch or of one that it was split from, whose outcome
    /// is not known.
    pub fn unsure_since(&self, no: u32) -> Option<Millis> {
        let unsure = |attempt: &&AttemptRow| {
            matches!(
                attempt.state,
                AttemptState::Ambiguous | AttemptState::CreatedUntracked
            )
        };
        self.line(no)
            .filter_map(|no| {
                let of_batch = |attempt: &&AttemptRow| attempt.batch == no;
                let first = self.attempts.iter().filter(of_batch).find(unsure)?;
                Some(first.sending_at)
            })
            .min()
    }

    /// Whether any request of a batch, or of one that it was split from, may ever have been carried
    /// out, whatever was decided about it later.
    pub fn may_have_been_sent(&self, no: u32) -> bool {
        let has_job = |no| self.jobs.iter().any(|job: &JobRow| job.batch == no);
        self.unsure_since(no).is_some() || self.line(no).any(has_job)
    }

    /// The tasks that carry a batch. One request may have made several.
    pub fn tasks_of<'a>(&'a self, batch: &'a BatchRow) -> impl Iterator<Item = &'a JobRow> {
        self.jobs
            .iter()
            .filter(|job| !job.dropped)
            .filter(|job| job.batch == batch.no || batch.task.as_ref() == Some(&job.task))
    }

    /// The batches that a task carries.
    pub fn carried<'a>(&'a self, task: &'a str) -> impl Iterator<Item = &'a BatchRow> {
        let from = self
            .jobs
            .iter()
            .find(|job| job.task == task && !job.dropped)
            .map(|job| job.batch);
        self.batches.iter().filter(move |batch| {
            batch.task.as_deref() == Some(task) || (from == Some(batch.no) && batch.task.is_some())
        })
    }

    /// Whether a job still matters: something of this run hangs on it.
    pub fn job_open(&self, job: &JobRow) -> bool {
        let over = job.status.is_terminal() && !wants_archive(self, job);
        let submitted = |batch: &BatchRow| batch.state == BatchState::Submitted;
        // Nearly always its own batch, so that a look over all jobs stays cheap.
        let own = |batch: &BatchRow| submitted(batch) && batch.task.is_some() && !job.dropped;
        let waiting = || {
            self.batches.get(job.batch as usize).is_some_and(own)
                || self.carried(&job.task).any(submitted)
        };
        job.cancel.is_open() || (!over && waiting())
    }

    /// Whether nothing more can happen without a person.
    pub fn settled(&self) -> bool {
        self.row.approved_at.is_some()
            && self.batches.iter().all(|batch| settled(batch.state))
            && !self.jobs.iter().any(|job| job.cancel.is_open())
    }

    /// Where the run stands. `due` tells whether something can be done now.
    pub fn state(&self, due: bool) -> RunState {
        if self.row.approved_at.is_none() {
            return if self.row.cancel_at.is_some() {
                RunState::Cancelled
            } else {
                RunState::Planned
            };
        }
        if self.row.paused.is_some() {
            return RunState::Paused;
        }
        if !self.settled() {
            return if due {
                RunState::Running
            } else {
                RunState::Waiting
            };
        }
        if self.row.cancel_at.is_some() {
            RunState::Cancelled
        } else if self
            .batches
            .iter()
            .any(|batch| batch.state == BatchState::Held)
        {
            RunState::Held
        } else {
            RunState::Finished
        }
    }

    /// An event of this run.
    pub fn event(
        &self,
        at: Millis,
        kind: EventKind,
        batch: Option<u32>,
        task: Option<&str>,
        text: impl Into<String>,
    ) -> Change {
        Change::Event(NewEvent {
            at,
            run: self.row.id.clone(),
            kind,
            batch,
            task: task.map(str::to_owned),
            text: text.into(),
        })
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Run(row) => self.row = row,
            Change::Batch(row) => match self.batches.get_mut(row.no as usize) {
                Some(slot) => *slot = row,
                None => self.batches.push(row),
            },
            Change::Child(row, _) => self.batches.push(row),
            Change::Attempt(row) => {
                let same = |old: &&mut AttemptRow| old.batch == row.batch && old.n == row.n;
                match self.attempts.iter_mut().rev().find(same) {
                    Some(slot) => *slot = row,
                    None => self.attempts.push(row),
                }
            }
            Change::Job(row) => match self.jobs.iter_mut().find(|old| old.task == row.task) {
                Some(slot) => *slot = row,
                None => self.jobs.push(row),
            },
            Change::Artifact(row) => {
                self.artifacts.retain(|old| old.task != row.task);
                self.archived.insert(row.task.clone(), row.at);
                self.artifacts.push(row);
            }
            Change::Orphan(row) => {
                self.orphans.retain(|old| old.task != row.task);
                self.orphans.push(row);
            }
            Change::Delivery(row) => {
                let other = |old: &DeliveryRow| old.task != row.task || old.folder != row.folder;
                self.deliveries.retain(other);
                self.deliveries.push(row);
            }
            Change::Seal(row) => {
                if let Some(batch) = self.batches.get_mut(row.batch as usize) {
                    batch.sealed_at = Some(row.at);
                }
            }
            Change::Purge { at, .. } => {
                for batch in self.batches.iter_mut().filter(|batch| batch.has_ids()) {
                    batch.sealed_at = Some(at);
                }
                self.row.purged_at = Some(at);
            }
            Change::Event(_) | Change::Learnt(_) => {}
        }
    }
}

/// Whether a batch in this state waits for nothing but a person.
pub(crate) fn settled(state: BatchState) -> bool {
    matches!(
        state,
        BatchState::Done
            | BatchState::Failed
            | BatchState::Revoked
            | BatchState::Cancelled
            | BatchState::Split
            | BatchState::Held
            | BatchState::Rejected
    )
}

impl Book {
    pub fn run(&self, id: &str) -> Result<&RunBook> {
        self.runs.get(id).ok_or_else(|| missing("run"))
    }

    pub fn run_mut(&mut self, id: &str) -> Result<&mut RunBook> {
        self.runs.get_mut(id).ok_or_else(|| missing("run"))
    }

    /// Commits changes of one run, then remembers them.
    pub fn commit(&mut self, journal: &dyn Journal, run: &str, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        journal.commit(&changes)?;
        let book = self.run_mut(run)?;
        for change in changes {
            if let Change::Event(event) = &change {
                tell(event);
            }
            book.apply(change);
        }
        Ok(())
    }
}

/// What the journal took, for whoever listens: an event holds no ids of people and no secrets.
fn tell(event: &NewEvent) {
    let (run, kind, text) = (&event.run, event.kind.as_str(), &event.text);
    if event.kind.is_grave() {
        tracing::warn!(target: "dsrkit", run, kind, "{text}");
    } else {
        tracing::info!(target: "dsrkit", run, kind, "{text}");
    }
}

/// A retrieval whose task ended well but whose archive is not on this disk yet.
pub(crate) fn wants_archive(book: &RunBook, job: &JobRow) -> bool {
    book.row.terms.kind == Kind::Retrieval
        && job.status == JobStatus::Success
        && !book.has_artifact(&job.task)
}

fn missing(what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("a {what} that should be in memory is not"),
    )
}
