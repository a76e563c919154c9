//! What a run tells while it works. Events hold no ids of people and no secrets.

use serde::Serialize;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $word:literal ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( $(#[$vdoc])* #[serde(rename = $word)] $variant ),* }
        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];
            /// The word that every surface, and the journal, uses.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word ),* }
            }
            /// Reads the word back.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $( $word => Some(Self::$variant), )* _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What happened.
    EventKind {
        /// A plan was frozen; nothing was sent.
        Planned = "planned",
        /// A plan was confirmed and started.
        Started = "started",
        /// A batch was accepted by the vendor.
        Submitted = "submitted",
        /// A batch turned out to be running already, by exactly our ids.
        Adopted = "adopted",
        /// The vendor refused for now; the batch waits.
        Backoff = "backoff",
        /// A batch was replaced by smaller ones that hold all of its ids.
        Split = "split",
        /// A request may or may not have arrived.
        Ambiguous = "ambiguous",
        /// A batch waits for a person's decision.
        Held = "held",
        /// The vendor refused a batch for good.
        Rejected = "rejected",
        /// A job's status changed.
        Status = "status",
        /// The vendor told by itself that something may have changed.
        Callback = "callback",
        /// An archive is on this disk.
        Archived = "archived",
        /// An archive could not be fetched; it will be tried again.
        ArchiveFailed = "archive_failed",
        /// The vendor refused the credentials; nothing moves until they are replaced.
        Paused = "paused",
        /// The run goes on after a pause or in a new process.
        Resumed = "resumed",
        /// A cancel was asked for, or answered.
        Cancel = "cancel",
        /// Something that should not happen, and changed nothing.
        Anomaly = "anomaly",
        /// The legal deadline comes near, or has passed, and the run is not at its end.
        Deadline = "deadline",
        /// A person decided about a held batch.
        Decided = "decided",
        /// A task id that fits no batch was kept.
        Orphan = "orphan",
        /// Ids were removed from the journal; keyed digests stay.
        Sealed = "sealed",
        /// Delivered data and digests were removed.
        Purged = "purged",
        /// Nothing more can happen without a person.
        Finished = "finished",
        /// Nothing is due before `next_due`. Not kept in the journal.
        Waiting = "waiting",
    }
}

impl EventKind {
    /// Whether somebody should look at it: such an event is logged as a warning.
    pub fn is_grave(self) -> bool {
        matches!(
            self,
            Self::Ambiguous
                | Self::Held
                | Self::Rejected
                | Self::ArchiveFailed
                | Self::Paused
                | Self::Anomaly
                | Self::Deadline
                | Self::Orphan
        )
    }
}

words! {
    /// Why a run waits.
    WaitReason {
        /// The vendor's pace: one request a second.
        Rate = "rate",
        /// The vendor's limit on outstanding scans.
        ScanBudget = "scan budget",
        /// The vendor refused, or could not be reached.
        Backoff = "back-off",
        /// Jobs are under way; the next look at them is due later.
        Poll = "poll",
        /// The next thing is a warning about the deadline.
        Deadline = "deadline",
        /// The caller's own window (`hold_for`) before a deletion is sent.
        HoldFor = "hold_for",
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The event's number in the journal; 0 for events that are not kept.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC), by the client's clock.
    pub at_ms: i64,
    /// The run.
    pub run_id: String,
    /// What happened.
    pub kind: EventKind,
    /// The batch, by its number in the run.
    pub batch: Option<u32>,
    /// The vendor task.
    pub task_id: Option<String>,
    /// One plain line.
    pub text: String,
    /// When something is due next, in milliseconds since 1970 (UTC).
    pub next_due_ms: Option<i64>,
}
