//! The account: every id has exactly one outcome.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::action::{Compliance, Kind};
use super::event::words;
use super::run::RunState;

words! {
    /// What became of one id. Exactly one of these at any time.
    Outcome {
        /// Not sent yet, or sent without an answer so far.
        Pending = "pending",
        /// The vendor has it and is at work.
        Submitted = "submitted",
        /// Deleted, as the vendor says; or retrieved, with its archive on this disk.
        Done = "done",
        /// Another running task deletes it (409); becomes done, failed or revoked with that task.
        RunningElsewhere = "running_elsewhere",
        /// The vendor refused it for good.
        Rejected = "rejected",
        /// The vendor's task failed.
        Failed = "failed",
        /// The vendor's task was cancelled.
        Revoked = "revoked",
        /// Waits for a person's decision.
        Held = "held",
        /// Cancelled before it was sent.
        Cancelled = "cancelled",
    }
}

/// Something a person must look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The batch, by its number in the run.
    pub batch: Option<u32>,
    /// The vendor task.
    pub task_id: Option<String>,
    /// The kind of error, as [`crate::ErrorKind::as_str`] spells it.
    pub kind: String,
    /// One line.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// How many ids it concerns.
    pub ids: u64,
}

/// One vendor task of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobReport {
    /// The task id.
    pub task_id: String,
    /// The last status word.
    pub status: String,
    /// `created` by this run, or `adopted` after a 409.
    pub origin: String,
    /// How many of this run's ids it carries.
    pub ids: u64,
    /// `cancelled`, `too late` or `unknown` once a cancel was asked for.
    pub cancel: Option<String>,
    /// How often its status was asked for.
    pub polls: u64,
}

/// The outcome of one id.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SubjectOutcome {
    /// The id, byte for byte as given; `sealed:` and 32 hex digits of its keyed digest once the
    /// journal holds only that.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The batch it was sent in.
    pub batch: u32,
    /// The vendor task that carries it.
    pub task_id: Option<String>,
    /// The person's package, where `collect` put it last, if it is still there. Its name may show
    /// the id.
    pub package: Option<PathBuf>,
}

impl std::fmt::Debug for SubjectOutcome {
    // The id is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectOutcome")
            .field("outcome", &self.outcome)
            .field("batch", &self.batch)
            .field("task_id", &self.task_id)
            .finish_non_exhaustive()
    }
}

/// A request whose answer was lost. Each stands in the report, however it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AmbiguousAttempt {
    /// The batch.
    pub batch: u32,
    /// Which attempt of that batch.
    pub attempt: u32,
    /// When it was sent, in milliseconds since 1970 (UTC).
    pub sent_at_ms: i64,
    /// What was seen instead of a usable answer.
    pub seen: String,
}

/// The account of a run at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct ReportData {
    /// The run.
    pub run_id: String,
    /// Retrieval or deletion.
    pub kind: Kind,
    /// The law.
    pub compliance: Compliance,
    /// The caller's own case number.
    pub reference: Option<String>,
    /// Where the run stands.
    pub state: RunState,
    /// How many people the plan names.
    pub subjects: u64,
    /// Rows of the input that repeated an id.
    pub duplicates: u64,
    /// Rows of the input that were left out (`skip_bad`), and why.
    pub refused: RefusedRows,
    /// How many ids have each outcome; the values add up to `subjects`.
    pub counts: BTreeMap<&'static str, u64>,
    /// The vendor tasks.
    pub jobs: Vec<JobReport>,
    /// Requests whose answer was lost.
    pub ambiguous: Vec<AmbiguousAttempt>,
    /// What a person must look at.
    pub problems: Vec<Problem>,
    /// When the request was received, in milliseconds since 1970 (UTC).
    pub received_at_ms: i64,
    /// When the law wants the answer, in milliseconds since 1970 (UTC).
    pub deadline_ms: i64,
    /// When this account was made, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The folder of packages, after `collect`.
    pub packages: Option<PathBuf>,
    /// After `collect`: the texts that Art. 15(1) wants from you and that the packages name as not
    /// filled in (`purposes`, `recipients` ...).
    pub missing_texts: Vec<String>,
    /// When the ids and what was delivered were removed (`purge`), in milliseconds since 1970
    /// (UTC).
    pub purged_at_ms: Option<i64>,
}

/// One run that named an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Processed {
    /// The run.
    pub run_id: String,
    /// Retrieval or deletion.
    pub kind: Kind,
    /// What became of the id in it.
    pub outcome: Outcome,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
}

/// The rows of the input that were left out (`skip_bad`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct RefusedRows {
    /// How many.
    pub total: u64,
    /// The first hundred of them.
    pub rows: Vec<RefusedRow>,
}

/// A row of the input that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct RefusedRow {
    /// Where it stood: a line of a file (from 1) or a position of an iterator (from 0).
    pub row: u64,
    /// Why.
    pub reason: String,
}
