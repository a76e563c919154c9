//! What no journal takes, whoever asks. Every implementation calls these before it writes.

use super::NewBatch;
use super::rows::{
    ArtifactRow, AttemptState, BatchRow, BatchState, CancelState, Change, DeliveryRow, JobRow,
    MAC_BYTES, NewEvent, RunRow, SealRow,
};
use super::states::{self, ATTEMPT_TRANSITIONS, BATCH_TRANSITIONS, CANCEL_TRANSITIONS};
use crate::error::{Error, ErrorKind, Result};
use crate::model::event::EventKind;
use crate::model::job::JobStatus;

/// What the rules ask of the rows as they stand, earlier changes of the same commit included.
pub(super) trait Stored {
    fn run(&self, id: &str) -> Result<Option<RunRow>>;
    fn has_run(&self, id: &str) -> Result<bool>;
    fn has_project(&self, fingerprint: &[u8; 32]) -> Result<bool>;
    fn batch(&self, run: &str, no: u32) -> Result<Option<BatchRow>>;
    fn attempt(&self, run: &str, batch: u32, n: u32) -> Result<Option<AttemptState>>;
    fn job(&self, run: &str, task: &str) -> Result<Option<(JobStatus, CancelState)>>;
    fn batch_states(&self, run: &str) -> Result<Vec<BatchState>>;
}

/// Refuses a change that must not be.
pub(super) fn check(stored: &impl Stored, change: &Change) -> Result<()> {
    match change {
        Change::Run(row) => {
            let old = stored.run(&row.id)?.ok_or_else(|| unknown("run"))?;
            if frozen_run(&old) != frozen_run(row) {
                return Err(bug("a plan cannot change once it is frozen"));
            }
            if old.purged_at != row.purged_at {
                return Err(bug("a run is purged by purging it"));
            }
            Ok(())
        }
        Change::Batch(row) => {
            let old = stored
                .batch(&row.run, row.no)?
                .ok_or_else(|| unknown("batch"))?;
            if (old.parent, old.n, old.digest) != (row.parent, row.n, row.digest) {
                return Err(bug("a batch cannot change once it is frozen"));
            }
            if old.state == BatchState::Split {
                return Err(bug("a batch that was split is not touched again"));
            }
            if old.sealed_at != row.sealed_at {
                return Err(bug("a batch is sealed by sealing it"));
            }
            if old.sealed_at.is_some() && old.state != row.state {
                return Err(bug("a batch without its ids goes nowhere"));
            }
            states::check("a batch", BATCH_TRANSITIONS, &old.state, &row.state)
        }
        Change::Child(row, _) => check_child(stored, row),
        Change::Attempt(row) => {
            if stored.batch(&row.run, row.batch)?.is_none() {
                return Err(unknown("batch"));
            }
            match stored.attempt(&row.run, row.batch, row.n)? {
                Some(old) => states::check("an attempt", ATTEMPT_TRANSITIONS, &old, &row.state),
                None if row.state == AttemptState::Sending => Ok(()),
                None => Err(bug("an attempt begins with its intent (SENDING)")),
            }
        }
        Change::Job(row) => check_job(stored, row),
        Change::Artifact(ArtifactRow { run, task, .. })
        | Change::Delivery(DeliveryRow { run, task, .. }) => match stored.job(run, task)? {
            Some(_) => Ok(()),
            None => Err(unknown("task")),
        },
        Change::Seal(row) => check_seal(stored, row),
        Change::Purge { run, .. } => check_purge(stored, run),
        Change::Orphan(row) if stored.has_run(&row.run)? => Ok(()),
        Change::Orphan(_) => Err(unknown("run")),
        Change::Event(event) => {
            if !stored.has_run(&event.run)? {
                return Err(unknown("run"));
            }
            check_event(event)
        }
        Change::Learnt(row) if stored.has_project(&row.project)? => Ok(()),
        Change::Learnt(_) => Err(unknown_project()),
    }
}

/// What must come together: a split with its children, a removal with its event.
pub(super) fn check_whole(changes: &[Change]) -> Result<()> {
    check_splits(changes)?;
    let told = |run: &str, kind: EventKind| {
        changes.iter().any(
            |change| matches!(change, Change::Event(event) if event.run == run && event.kind == kind),
        )
    };
    let silent = changes.iter().any(|change| match change {
        Change::Seal(row) => !told(&row.run, EventKind::Sealed),
        Change::Purge { run, .. } => !told(run, EventKind::Purged),
        _ => false,
    });
    if silent {
        return Err(bug("ids are removed together with the event that says so"));
    }
    Ok(())
}

/// What must be true once all changes of a commit are there: nobody is told to be done whose task did
/// not end well.
pub(super) fn check_ends(stored: &impl Stored, changes: &[Change]) -> Result<()> {
    for change in changes {
        let Change::Batch(row) = change else {
            continue;
        };
        if row.state != BatchState::Done {
            continue;
        }
        let ended = match &row.task {
            Some(task) => stored.job(&row.run, task)?,
            None => None,
        };
        if !ended.is_some_and(|(status, _)| status == JobStatus::Success) {
            return Err(bug("a batch is done only when its task has ended well"));
        }
    }
    Ok(())
}

/// Only the ids of a batch at its end may go: all others are needed, or wait for a person.
fn check_seal(stored: &impl Stored, row: &SealRow) -> Result<()> {
    use BatchState::{Cancelled, Done, Failed, Revoked};
    let batch = stored
        .batch(&row.run, row.batch)?
        .ok_or_else(|| unknown("batch"))?;
    if !matches!(batch.state, Done | Failed | Revoked | Cancelled) || batch.sealed_at.is_some() {
        return Err(bug("only a batch at its end is sealed, and once"));
    }
    if row.macs.len() != batch.n as usize * MAC_BYTES {
        return Err(bug("a sealed batch has a digest for each of its ids"));
    }
    if !row.macs.chunks(MAC_BYTES).is_sorted() {
        return Err(bug("the digests of a sealed batch are sorted"));
    }
    Ok(())
}

fn check_purge(stored: &impl Stored, run: &str) -> Result<()> {
    use BatchState::{Cancelled, Done, Failed, Rejected, Revoked, Split};
    let old = stored.run(run)?.ok_or_else(|| unknown("run"))?;
    let open = |state: &BatchState| {
        !matches!(
            state,
            Done | Failed | Revoked | Cancelled | Rejected | Split
        )
    };
    if old.purged_at.is_some() || stored.batch_states(run)?.iter().any(open) {
        return Err(bug(
            "only a run of which nothing is open is purged, and once",
        ));
    }
    Ok(())
}

/// A batch is split whole: its children come with it and hold all of its ids.
fn check_splits(changes: &[Change]) -> Result<()> {
    let held = |run: &str, no: u32| -> u64 {
        let child = |change: &Change| match change {
            Change::Child(row, _) if row.run == run && row.parent == Some(no) => u64::from(row.n),
            _ => 0,
        };
        changes.iter().map(child).sum()
    };
    for change in changes {
        match change {
            Change::Batch(row)
                if row.state == BatchState::Split && held(&row.run, row.no) != u64::from(row.n) =>
            {
                return Err(bug("the children of a split do not hold all of its ids"));
            }
            Change::Child(row, _) => {
                let with_parent = |change: &Change| {
                    matches!(change, Change::Batch(parent) if parent.run == row.run
                        && Some(parent.no) == row.parent && parent.state == BatchState::Split)
                };
                if !changes.iter().any(with_parent) {
                    return Err(bug("a batch gets children only when it is split"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_child(stored: &impl Stored, row: &BatchRow) -> Result<()> {
    let before = row.no.checked_sub(1);
    let follows = match before {
        Some(before) => stored.batch(&row.run, before)?.is_some(),
        None => false,
    };
    if !follows || stored.batch(&row.run, row.no)?.is_some() {
        return Err(bug("a new batch is numbered after the last one"));
    }
    if !matches!(row.state, BatchState::Ready | BatchState::Submitted) || row.n == 0 {
        return Err(bug(
            "a child of a split is to be sent, or carried by a task already",
        ));
    }
    if row.sealed_at.is_some() {
        return Err(bug("a new batch has its ids"));
    }
    Ok(())
}

/// A plan on its way in.
#[derive(Default)]
pub(super) struct Intake {
    run: String,
    batches: u32,
    ids: u64,
}

impl Intake {
    /// The next batch.
    pub fn take(&mut self, batch: &NewBatch) -> Result<()> {
        let row = &batch.row;
        if self.batches == 0 {
            self.run.clone_from(&row.run);
        }
        let fresh = row.state == BatchState::Frozen && row.sealed_at.is_none();
        if row.run != self.run || row.no != self.batches || !fresh {
            return Err(bug(
                "a plan's batches must be frozen, of one run, numbered from 0",
            ));
        }
        self.batches += 1;
        self.ids += u64::from(row.n);
        Ok(())
    }

    /// The end: nothing was lost between the ids that were counted and the batches that came.
    pub fn finish(&self, run: &RunRow, events: &[NewEvent]) -> Result<()> {
        if self.batches == 0 {
            return Err(Error::new(ErrorKind::InvalidInput, "there are no ids"));
        }
        let sums = (&run.id, run.batches, run.subjects);
        if sums != (&self.run, self.batches, self.ids) || run.purged_at.is_some() {
            return Err(bug("a plan and its batches do not add up"));
        }
        for event in events {
            if event.run != run.id {
                return Err(unknown("run"));
            }
            check_event(event)?;
        }
        Ok(())
    }
}

/// The project of a plan is not in the journal.
pub(super) fn unknown_project() -> Error {
    unknown("project")
}

/// The run's id is in the journal already.
pub(super) fn known_run() -> Error {
    bug("a run with this id is in the journal already")
}

/// No such batch to read the ids of.
pub(super) fn no_batch(no: u32) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "the journal has no such batch of this run",
    )
    .with("batch", no)
}

/// The ids of a batch that has none any more.
pub(super) fn sealed(no: u32) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "the ids of this batch were removed from the journal; only keyed digests of them, if any, are left",
    )
    .with("batch", no)
}

/// How ids are encrypted is decided before there are any.
pub(super) fn late_cipher() -> Error {
    Error::new(
        ErrorKind::Config,
        "this journal holds runs already and cannot be encrypted any more; start a new journal with the key",
    )
}

/// What a confirmation confirms, and what it is counted by.
fn frozen_run(row: &RunRow) -> impl PartialEq + '_ {
    (
        row.project,
        row.terms,
        row.subjects,
        row.batches,
        row.plan_digest,
        row.created_at,
    )
}

fn check_job(stored: &impl Stored, row: &JobRow) -> Result<()> {
    if !stored.has_run(&row.run)? {
        return Err(unknown("run"));
    }
    match stored.job(&row.run, &row.task)? {
        None => Ok(()),
        Some((status, cancel)) => {
            states::check_job(&status, &row.status)?;
            states::check("a cancel", CANCEL_TRANSITIONS, &cancel, &row.cancel)
        }
    }
}

fn check_event(event: &NewEvent) -> Result<()> {
    if event.kind == EventKind::Waiting {
        return Err(bug("events of waiting are not kept"));
    }
    Ok(())
}

fn unknown(what: &str) -> Error {
    bug(&format!("the journal does not know this {what}"))
}

fn bug(message: &str) -> Error {
    Error::new(ErrorKind::Internal, message)
}
