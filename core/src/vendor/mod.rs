//! What to say to a vendor, and how to read what it says: pure functions, no sockets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::model::action::{Kind, Terms};
use crate::model::drift::Shape;
use crate::model::time::Clock;
use crate::model::wire::{Credential, Operation, PathForm, Reading, Request, Response};
use crate::secret::Secret;

mod base_url;
pub mod mixpanel;
pub mod mixpeek;

pub use base_url::{base_url, is_loopback};

/// What a vendor can do; the engine obeys these and knows no vendor by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// A second deletion of a running id is refused with a 409 that names the task: a lost answer
    /// can be resolved by sending the identical request again.
    pub conflict_guard: bool,
    /// Deletions can be cancelled.
    pub cancel_deletion: bool,
    /// Retrievals can be cancelled.
    pub cancel_retrieval: bool,
    /// Requests carry a UUID of ours, and the vendor's answers echo it.
    pub request_ids: bool,
    /// The vendor tells by itself how far tasks are, by signed callbacks.
    pub callbacks: bool,
    /// The vendor limits how much retrievals may be under way: a 429 for a retrieval may be about
    /// that, and lasts for hours then.
    pub scan_budget: bool,
}

/// A vendor's API for one project. Implementations build requests and read responses; they do no
/// I/O and hold no state.
pub trait Vendor: fmt::Debug + Send + Sync {
    /// Vendor and API version, such as `mixpanel-3.0`. Written into the journal.
    fn name(&self) -> &'static str;
    /// Base URL of the API.
    fn base_url(&self) -> &Url;
    /// What names the project at the vendor (its token): goes, keyed and hashed, into the
    /// journal's fingerprint of the project.
    fn project_key(&self) -> &Secret;
    /// What the vendor can do.
    fn capabilities(&self) -> Capabilities;
    /// The least time between two calls about one project that the vendor allows. It is kept unless
    /// the settings name a pace.
    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }
    /// What the credential is called in messages, and what helps when it is refused.
    fn credential(&self) -> Credential {
        Credential::default()
    }
    /// The most ids one request of this kind may hold.
    fn max_ids(&self, kind: Kind) -> usize;
    /// Refuses terms that this vendor does not offer.
    fn check(&self, terms: Terms) -> Result<()>;
    /// Refuses a task id that, by its form, can only be of another API or version. Asked for ids that
    /// a caller gives; a run knows where its tasks were made.
    fn check_task(&self, task: &str) -> Result<()> {
        let _ = task;
        Ok(())
    }
    /// The body of a create call, without a request id: a pure function of terms and ids, so that
    /// it can be checked against its digest before it is sent.
    fn create_body(&self, terms: Terms, ids_json: &str) -> String;
    /// Builds the request of an operation.
    fn request(&self, operation: &Operation) -> Result<Request>;
    /// The forms of an item's path, the likelier one first: the other one is the fall-back after a
    /// 404 or a redirect. A vendor whose paths have one form only says so.
    fn item_forms(&self, _operation: &Operation) -> &'static [PathForm] {
        &[PathForm::Slash, PathForm::Bare]
    }
    /// Builds the request of a call that is no [`Operation`], to a path below the base URL.
    fn raw(&self, method: &Method, path: &str, body: Option<Bytes>) -> Result<Request> {
        let _ = (method, path, body);
        Err(Error::new(
            ErrorKind::Config,
            format!("{} offers no raw calls", self.name()),
        ))
    }
    /// Reads a response to an operation, whatever its status.
    fn read(&self, operation: &Operation, response: &Response) -> Reading;
    /// The forms that a response has, for the drift report: nothing of an answer but names of
    /// fields. Decides nothing.
    fn shapes(&self, _operation: &Operation, _response: &Response) -> Vec<Shape> {
        Vec::new()
    }
    /// Candidates for the secret that opens archives, in the order to try.
    fn archive_secrets(&self) -> &[Secret];
    /// Hosts that archives may be fetched from: exact names, or `.suffix`.
    fn archive_hosts(&self) -> &[String];
    /// The clock that a simulated vendor lives by; `None` for a real one.
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        None
    }
}
