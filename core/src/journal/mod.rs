//! The journal: what must survive a crash.
//!
//! A journal is storage and nothing more: rows in, rows out, one transaction for each
//! [`Journal::commit`]. What it does enforce, whatever the engine asks for, is the table of legal
//! transitions in `states.rs`: a batch never goes back from its end, and SENDING never becomes READY by a
//! restart.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::model::event::Event;

mod chain;
pub mod encrypted;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod files;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rescue;
pub mod rows;
mod rules;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod states;

#[cfg(any(test, feature = "testing"))]
pub mod conformance;

pub use rows::{
    ArtifactRow, AttemptRow, AttemptState, BatchRow, BatchState, CancelState, Change, DeliveryRow,
    JobOrigin, JobRow, LearntRow, MAC_BYTES, NewEvent, OrphanRow, ProjectRow, Rescued, RunRow,
    SealRow,
};
pub use states::{
    ATTEMPT_TRANSITIONS, BATCH_TRANSITIONS, CANCEL_TRANSITIONS, JOB_TRANSITIONS, may_follow,
};

/// A batch as it enters the journal: its row and the exact JSON array of its ids.
pub struct NewBatch {
    /// The row, state FROZEN.
    pub row: BatchRow,
    /// The JSON array of the ids, as it stands in the request.
    pub ids_json: String,
}

impl std::fmt::Debug for NewBatch {
    // The ids are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewBatch")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// Durable storage of plans and runs. Methods block; each is one transaction. A journal that wraps
/// another passes every method on, those with a default too.
pub trait Journal: Send + Sync {
    /// The key of fingerprints and digests: 32 random bytes made with the journal and kept beside
    /// it, never in it.
    fn key(&self) -> &[u8; 32];

    /// The folder that archives go to when the caller names none, if the journal has a place.
    fn default_archives(&self) -> Option<std::path::PathBuf>;

    /// Why this may be a copy of a journal that somebody else carries on, if anything says so.
    fn doubt(&self) -> Option<&'static str> {
        None
    }

    /// Takes the right to write, or keeps it. Gives a number that changes whenever rows may have
    /// changed behind the caller's back: then what it remembers is to be read anew, and requests
    /// without an answer are somebody's who is gone. While another process has the right, a
    /// retryable error says who.
    fn claim(&self) -> Result<u64> {
        Ok(0)
    }
    /// The number of [`Journal::claim`] while the right is certain, without asking anybody.
    fn term(&self) -> Option<u64> {
        self.claim().ok()
    }
    /// Asked right before a request is written that may take so long: refuses when another process
    /// may begin to work before it ends.
    fn may_send(&self, _takes: Duration) -> Result<()> {
        Ok(())
    }

    /// Remembers a project; the same fingerprint again is fine.
    fn put_project(&self, project: &ProjectRow) -> Result<()>;
    /// What the schedule has learnt of a project, as it was last committed.
    fn learnt(&self, project: &[u8; 32]) -> Result<Option<String>>;

    /// Writes a plan, with all its batches, or nothing (rule W1). The digest of the plan is known
    /// only after the last batch: `finish` gives the final row.
    fn import(
        &self,
        batches: &mut dyn Iterator<Item = Result<NewBatch>>,
        finish: &mut dyn FnMut() -> Result<(RunRow, Vec<NewEvent>)>,
    ) -> Result<()>;

    /// Writes all changes, or none (rule W5). Fails with `Internal` on an illegal transition.
    /// Returns the events as numbered.
    fn commit(&self, changes: &[Change]) -> Result<Vec<Event>>;

    /// Keeps an answer that [`Journal::commit`] could not take, where it needs no new room. A
    /// journal without such a place refuses.
    fn rescue(&self, _answer: &Rescued) -> Result<()> {
        Err(Error::new(
            ErrorKind::Journal,
            "this journal has no rescue file",
        ))
    }
    /// The answers that were rescued.
    fn rescued(&self) -> Result<Vec<Rescued>> {
        Ok(Vec::new())
    }
    /// Forgets them: they are in the journal now.
    fn clear_rescued(&self) -> Result<()> {
        Ok(())
    }

    /// Makes sure that what was removed is gone from the disk too. `false` when a reader keeps it
    /// there: to be tried again.
    fn scrub(&self) -> Result<bool> {
        Ok(true)
    }
    /// How the ids are encrypted, in the words of [`Journal::set_cipher`]; `None` when they are
    /// not.
    fn cipher(&self) -> Result<Option<String>> {
        Ok(None)
    }
    /// Remembers how the ids are encrypted: once, before the first run.
    fn set_cipher(&self, _cipher: &str) -> Result<()> {
        Err(Error::new(
            ErrorKind::Config,
            "this journal cannot be encrypted",
        ))
    }
    /// Runs of which some batch still holds its ids.
    fn runs_with_ids(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for run in self.runs()? {
            let batches = self.batches(&run.id)?;
            if batches.iter().any(BatchRow::has_ids) {
                found.push(run.id);
            }
        }
        Ok(found)
    }

    /// All runs, oldest first.
    fn runs(&self) -> Result<Vec<RunRow>>;
    /// One run.
    fn run(&self, id: &str) -> Result<Option<RunRow>>;
    /// The batches of a run, by number.
    fn batches(&self, run: &str) -> Result<Vec<BatchRow>>;
    /// The JSON array of a batch's ids; `NotFound` once it is sealed.
    fn batch_ids(&self, run: &str, no: u32) -> Result<String>;
    /// The digests of a sealed batch's ids, as [`SealRow::macs`]; empty for any other, and for a
    /// purged one.
    fn batch_macs(&self, run: &str, no: u32) -> Result<Vec<u8>>;
    /// The attempts of a run, by batch and n.
    fn attempts(&self, run: &str) -> Result<Vec<AttemptRow>>;
    /// The tasks of a run, in the order they were seen.
    fn jobs(&self, run: &str) -> Result<Vec<JobRow>>;
    /// Task ids that fit no batch of a run.
    fn orphans(&self, run: &str) -> Result<Vec<OrphanRow>>;
    /// The archives of a run.
    fn artifacts(&self, run: &str) -> Result<Vec<ArtifactRow>>;
    /// The folders that packages of a run were written to, oldest first.
    fn deliveries(&self, run: &str) -> Result<Vec<DeliveryRow>>;
    /// The events of a run after `seq`, at most `limit`.
    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Event>>;
    /// Recomputes the hash chain over all events; fails with `Journal` where it breaks.
    fn verify_events(&self) -> Result<u64>;
}
