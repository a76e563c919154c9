//! A vendor task.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::Kind;
use crate::secret::Secret;

/// The vendor's status word. Words are compared without regard to case, and `"NOT FOUND"` with a
/// blank is understood too; a word nobody knows is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum JobStatus {
    /// Accepted, waiting. Can still be cancelled.
    Pending,
    /// Being prepared. Can still be cancelled.
    Staging,
    /// Under way. Cannot be cancelled any more.
    Started,
    /// Ended well.
    Success,
    /// Ended badly.
    Failure,
    /// Cancelled.
    Revoked,
    /// The vendor does not see the task; right after its creation this may be lag.
    NotFound,
    /// The vendor failed to look the task up. Passes.
    Unknown,
    /// A word that is not documented, upper-cased.
    Other(String),
}

impl JobStatus {
    /// Reads a status word.
    pub fn parse(word: &str) -> Self {
        let upper = word.trim().to_ascii_uppercase().replace([' ', '-'], "_");
        match upper.as_str() {
            "PENDING" => Self::Pending,
            "STAGING" => Self::Staging,
            "STARTED" => Self::Started,
            "SUCCESS" => Self::Success,
            "FAILURE" => Self::Failure,
            "REVOKED" => Self::Revoked,
            "NOT_FOUND" => Self::NotFound,
            "UNKNOWN" => Self::Unknown,
            _ => Self::Other(upper.chars().take(40).collect()),
        }
    }

    /// The upper-case word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::Staging => "STAGING",
            Self::Started => "STARTED",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Revoked => "REVOKED",
            Self::NotFound => "NOT_FOUND",
            Self::Unknown => "UNKNOWN",
            Self::Other(word) => word,
        }
    }

    /// SUCCESS, FAILURE and REVOKED: nothing follows.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Revoked)
    }

    /// NOT_FOUND and UNKNOWN tell about the look-up, not about the task.
    pub fn is_observation(&self) -> bool {
        matches!(self, Self::NotFound | Self::Unknown)
    }

    /// How far a task is; a task never goes back. `None` for words that say nothing about it.
    pub fn rank(&self) -> Option<u8> {
        match self {
            Self::Pending => Some(0),
            Self::Staging => Some(1),
            Self::Started => Some(2),
            Self::Success | Self::Failure | Self::Revoked => Some(3),
            Self::NotFound | Self::Unknown | Self::Other(_) => None,
        }
    }
}

impl From<String> for JobStatus {
    fn from(word: String) -> Self {
        Self::parse(&word)
    }
}

impl From<JobStatus> for String {
    fn from(status: JobStatus) -> Self {
        status.as_str().to_owned()
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A vendor task as one answer showed it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The task id ("tracking id"): opaque text, 19 digits or a UUID. Never a number: it is larger
    /// than 2^53.
    pub id: String,
    /// Retrieval or deletion.
    pub kind: Kind,
    /// How far it is.
    pub status: JobStatus,
    /// The signed link of a finished retrieval's archive. It lives 14 days (vendor's callback
    /// page) and opens without credentials: treat it as a secret.
    pub download_url: Option<Secret>,
    /// When the vendor took the request, as the vendor wrote it (UTC).
    pub requested_at: Option<String>,
    /// The UUID that the request carried, where the vendor echoes it (`subject_request_id`).
    pub request_id: Option<String>,
    /// The ids that the answer echoed, if it did. Personal data.
    pub distinct_ids: Option<Vec<super::subject::DistinctId>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_spelling_and_unknown_ones_kept() {
        assert_eq!(JobStatus::parse("success"), JobStatus::Success);
        assert_eq!(JobStatus::parse("NOT FOUND"), JobStatus::NotFound);
        assert_eq!(
            JobStatus::parse("Queued"),
            JobStatus::Other("QUEUED".into())
        );
        assert!(!JobStatus::parse("QUEUED").is_terminal());
    }
}
