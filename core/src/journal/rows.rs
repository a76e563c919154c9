//! The rows of a journal, as plain data. Times are milliseconds since 1970 (UTC).

pub use super::states::{AttemptState, BatchState, CancelState, JobOrigin};
use crate::error::ErrorKind;
use crate::model::Millis;
use crate::model::action::Terms;
use crate::model::event::EventKind;
use crate::model::job::JobStatus;
use crate::model::report::RefusedRows;
use crate::model::run::RunState;
use crate::model::wire::IdsJson;

/// The project a run belongs to, so that a journal is never carried on against another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    /// HMAC-SHA256 of vendor, project token and base URL under the journal's key; the token itself
    /// is never stored.
    pub fingerprint: [u8; 32],
    /// Vendor and version, such as `mixpanel-3.0`.
    pub vendor: String,
    /// The API's base URL, without token.
    pub base_url: String,
}

/// A plan, and the run made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// UUIDv7 text.
    pub id: String,
    /// Fingerprint of the project.
    pub project: [u8; 32],
    /// Kind, compliance, disclosure.
    pub terms: Terms,
    /// The caller's own case number.
    pub reference: Option<String>,
    /// The last state that was written; derived from the batches, kept for people who read the
    /// file with `sqlite3`.
    pub state: RunState,
    /// Distinct people.
    pub subjects: u64,
    /// Rows that repeated an id.
    pub duplicates: u64,
    /// Rows left out by `skip_bad`.
    pub refused: RefusedRows,
    /// Batches at the freeze (children of splits not counted).
    pub batches: u32,
    /// SHA-256 over terms and batch bodies in order: what a confirmation confirms.
    pub plan_digest: [u8; 32],
    /// The digest that was confirmed; a deletion is sent only while it equals `plan_digest`.
    pub approved_digest: Option<[u8; 32]>,
    /// When it was started.
    pub approved_at: Option<Millis>,
    /// When the plan was frozen.
    pub created_at: Millis,
    /// When the request reached the company.
    pub received_at: Millis,
    /// When the answer is due by law.
    pub deadline_at: Millis,
    /// Milliseconds to wait after the start before anything is sent (`hold_for`).
    pub hold_for_ms: Millis,
    /// How many warnings about the deadline were given.
    pub warned: u32,
    /// When a cancel was asked for.
    pub cancel_at: Option<Millis>,
    /// Why the run is paused, if it is.
    pub paused: Option<String>,
    /// The folder for archives as received.
    pub archives: Option<String>,
    /// The folder of packages, once collected.
    pub packages: Option<String>,
    /// When the ids, their digests and what was delivered were removed. Set by
    /// [`Change::Purge`] only.
    pub purged_at: Option<Millis>,
}

/// The ids of one vendor request. The ids themselves are read with
/// [`super::Journal::batch_ids`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow {
    /// Run.
    pub run: String,
    /// Number in the run, from 0.
    pub no: u32,
    /// The batch it was split from.
    pub parent: Option<u32>,
    /// How many ids.
    pub n: u32,
    /// HMAC-SHA256 of the exact JSON body under the journal's key; checked before each POST.
    pub digest: [u8; 32],
    /// State.
    pub state: BatchState,
    /// POSTs so far.
    pub attempts: u32,
    /// Attempts whose answer is lost and that are not resolved.
    pub ambiguous: u32,
    /// Refusals and failures in a row; drives the back-off.
    pub failures: u32,
    /// Not to be sent before.
    pub not_before: Millis,
    /// First time it was sent.
    pub first_sent_at: Option<Millis>,
    /// The task that carries it.
    pub task: Option<String>,
    /// Kind and one line of the last problem.
    pub problem: Option<(ErrorKind, String)>,
    /// When the ids were removed. Set by [`Change::Seal`] and [`Change::Purge`] only.
    pub sealed_at: Option<Millis>,
}

impl BatchRow {
    /// Whether its ids are in the journal. A split one has given them to its children.
    pub fn has_ids(&self) -> bool {
        self.sealed_at.is_none() && self.state != BatchState::Split
    }
}

/// One POST of a batch. Never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// Run.
    pub run: String,
    /// Batch.
    pub batch: u32,
    /// From 1.
    pub n: u32,
    /// State.
    pub state: AttemptState,
    /// When the intent was committed.
    pub sending_at: Millis,
    /// When the answer was committed.
    pub done_at: Option<Millis>,
    /// HTTP status, if there was one.
    pub http: Option<u16>,
    /// One line without ids.
    pub seen: Option<String>,
    /// The task id it answered with.
    pub task: Option<String>,
}

/// A vendor task. Several batches may point at one task (after a 409).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Run.
    pub run: String,
    /// Task id.
    pub task: String,
    /// The batch whose request it came from. One request may make several tasks.
    pub batch: u32,
    /// Origin.
    pub origin: JobOrigin,
    /// The last status that counts (observations do not replace it).
    pub status: JobStatus,
    /// When it was first seen.
    pub created_at: Millis,
    /// Status calls so far.
    pub polls: u64,
    /// Since when only NOT_FOUND or UNKNOWN was seen.
    pub missing_since: Option<Millis>,
    /// Failed calls in a row (429, 5xx, no connection); drives the back-off.
    pub failures: u32,
    /// Failed downloads.
    pub fetch_failures: u32,
    /// Last status call.
    pub last_poll_at: Option<Millis>,
    /// Next status call.
    pub next_poll_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// Cancel.
    pub cancel: CancelState,
    /// A person decided that its batch does not hang on it any more.
    pub dropped: bool,
}

impl JobRow {
    /// How old it is. When the clock was set back to before its birth, it is as old as it was when
    /// somebody last looked: a newborn is looked at every few seconds, and that would go on for as
    /// long as the clock was set back.
    pub fn age(&self, now: Millis) -> Millis {
        if now >= self.created_at {
            return now - self.created_at;
        }
        self.last_poll_at
            .map_or(0, |at| at.saturating_sub(self.created_at).max(0))
    }
}

/// A task id that the vendor gave and that fits no batch. Kept so that no task is ever lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanRow {
    /// Run.
    pub run: String,
    /// Task.
    pub task: String,
    /// The batch whose request it came from.
    pub batch: u32,
    /// When it was seen.
    pub at: Millis,
    /// Why it fits nothing: one line.
    pub why: String,
}

/// An archive on this disk, as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRow {
    /// Run.
    pub run: String,
    /// Task.
    pub task: String,
    /// Where.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// When it was verified.
    pub at: Millis,
}

/// A folder that the packages of a task were written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Run.
    pub run: String,
    /// Task.
    pub task: String,
    /// The folder.
    pub folder: String,
    /// When they were written last.
    pub at: Millis,
}

/// What takes the place of a batch's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRow {
    /// Run.
    pub run: String,
    /// Batch.
    pub batch: u32,
    /// When.
    pub at: Millis,
    /// A keyed digest of each id, [`MAC_BYTES`] long, sorted, one after the other.
    pub macs: Vec<u8>,
}

/// The length of an id's keyed digest.
pub const MAC_BYTES: usize = 16;

/// An event to be written. The journal gives it its number and its place in the hash chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Time.
    pub at: Millis,
    /// Run.
    pub run: String,
    /// Kind.
    pub kind: EventKind,
    /// Batch.
    pub batch: Option<u32>,
    /// Task.
    pub task: Option<String>,
    /// One line without ids of people or secrets.
    pub text: String,
}

/// A vendor's answer that the journal could not take (rule W6).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rescued {
    /// Run.
    pub run: String,
    /// Batch.
    pub batch: u32,
    /// Which POST of the batch was answered.
    pub attempt: u32,
    /// The tasks that the vendor made.
    pub tasks: Vec<String>,
}

/// What the schedule has learnt of a project: how long its jobs take, how much the vendor lets be
/// outstanding. Hints only: lost or damaged, it is learnt anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearntRow {
    /// Fingerprint of the project.
    pub project: [u8; 32],
    /// JSON, a few kilobytes, without ids or secrets.
    pub text: String,
}

/// One change of a transaction. A row replaces the one with its key.
#[derive(Debug, Clone)]
pub enum Change {
    /// By run id. The run must exist (runs come in through `import`).
    Run(RunRow),
    /// By run and number. The state must be one that may follow the stored one.
    Batch(BatchRow),
    /// A new batch that takes some of the ids of a batch that is SPLIT in the same commit. The
    /// children of a commit hold all of their parent's ids.
    Child(BatchRow, IdsJson),
    /// By run, batch and n.
    Attempt(AttemptRow),
    /// By run and task.
    Job(JobRow),
    /// By run and task.
    Artifact(ArtifactRow),
    /// By run and task; what is there stays.
    Orphan(OrphanRow),
    /// By run, task and folder.
    Delivery(DeliveryRow),
    /// Removes the ids of a batch at its end; their digests take their place. Comes with a `sealed`
    /// event of the run.
    Seal(SealRow),
    /// Removes all ids and digests of a run of which nothing is open. Comes with a `purged` event
    /// of the run.
    Purge {
        /// Run.
        run: String,
        /// When.
        at: Millis,
    },
    /// Appended.
    Event(NewEvent),
    /// By project. Never worth a transaction of its own.
    Learnt(LearntRow),
}
