//! Requests that concern a whole organisation instead of people in it. They share no type with
//! those about people, so that no call can turn one into the other.

use serde::Serialize;

use super::Millis;
use super::event::words;

words! {
    /// What is asked for.
    DsarKind {
        /// A copy of everything that the organisation has there.
        Export = "export",
        /// The erasure of everything that the organisation has there. Irreversible.
        Deletion = "deletion",
    }
}

impl DsarKind {
    /// The call's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Export => "request-data-export",
            Self::Deletion => "request-data-deletion",
        }
    }
}

words! {
    /// What became of a request, as far as the journal knows.
    DsarState {
        /// The vendor has it.
        Accepted = "accepted",
        /// The vendor refused it, or it never arrived.
        NotCarriedOut = "not carried out",
        /// Sent, and its answer is lost. A person must find out.
        Unknown = "unknown",
    }
}

/// The vendor's answer. What follows comes by other ways than the API: there is no status to ask
/// for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DsarRequest {
    /// The vendor's name of the request.
    pub request_id: String,
    /// The vendor's word.
    pub status: String,
    /// When the vendor took it, as the vendor wrote it.
    pub requested_at: String,
    /// When it will be done: a sentence of the vendor's, not a time.
    pub estimated_completion: String,
    /// What it covers.
    pub data_categories: Vec<String>,
    /// What the vendor warns of, in the answer to a deletion.
    pub warning: Option<String>,
}

/// One request in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DsarRecord {
    /// Its name in the journal.
    pub id: String,
    /// What was asked for.
    pub kind: DsarKind,
    /// What became of it.
    pub state: DsarState,
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: Millis,
    /// The vendor's name of it, once known.
    pub request_id: Option<String>,
    /// One line about the last problem, if there was one.
    pub problem: Option<String>,
}
