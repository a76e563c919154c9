//! What a vendor's status callback says, once it is known to be the vendor's.

use super::action::Kind;
use super::event::words;
use super::job::JobStatus;
use crate::secret::Secret;

words! {
    /// The status words of callbacks. They are not those of the status endpoint, and the same word
    /// may mean something else there.
    CallbackStatus {
        /// Accepted, not begun.
        Pending = "pending",
        /// Under way.
        InProgress = "in_progress",
        /// Ended well.
        Completed = "completed",
        /// Ended because it was cancelled.
        Cancelled = "cancelled",
        /// Ended badly. The vendor says `cancelled` here too, and `failed` in its own extension.
        Failed = "failed",
        /// A word that is not documented.
        Other = "other",
    }
}

impl CallbackStatus {
    /// How far a task is at least that is told of so, in the words of the status endpoint.
    pub fn job_status(self) -> Option<JobStatus> {
        match self {
            Self::Pending => Some(JobStatus::Pending),
            Self::InProgress => Some(JobStatus::Started),
            Self::Completed => Some(JobStatus::Success),
            Self::Cancelled => Some(JobStatus::Revoked),
            Self::Failed => Some(JobStatus::Failure),
            Self::Other => None,
        }
    }
}

words! {
    /// What was asked for, in the words of callbacks.
    CallbackRequest {
        /// A deletion.
        Erasure = "erasure",
        /// A retrieval.
        Access = "access",
        /// A retrieval of the data itself (disclosure `Data`).
        Portability = "portability",
    }
}

impl CallbackRequest {
    /// Retrieval or deletion.
    pub fn kind(self) -> Kind {
        match self {
            Self::Erasure => Kind::Deletion,
            Self::Access | Self::Portability => Kind::Retrieval,
        }
    }
}

/// A status callback whose signature fits. It says that something may have changed; what is true
/// is what the status endpoint answers.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The task ("tracking id").
    pub task_id: String,
    /// The name that our request gave it, a UUID.
    pub request_id: String,
    /// What was asked for.
    pub request: CallbackRequest,
    /// How far it is.
    pub status: CallbackStatus,
    /// The address that the vendor says it called.
    pub url: String,
    /// The link of a finished retrieval. Opens without credentials: treat it as a secret.
    pub results_url: Option<Secret>,
    /// When the vendor means to be done, as it wrote it.
    pub expected_at: String,
    /// The project, as the vendor numbers it.
    pub project_id: String,
}

/// What a client did with a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was news: the task is looked at next.
    News,
    /// It told which task a request made whose answer was lost.
    Found,
    /// Known already, told before, or of no run that is open here.
    Nothing,
}

impl Heard {
    /// `"news"`, `"found"` or `"nothing"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::Found => "found",
            Self::Nothing => "nothing",
        }
    }
}
