//! A simulated vendor of data-subject request APIs: Mixpanel's GDPR API, versions 3.0 and 2.0, and the store
//! that holds its archives.
//!
//! [`World`] is a pure state machine: a request and a time in, an answer out, the same every time.
//! [`Server`] puts it on 127.0.0.1. The crate knows nothing of any client: what it says and accepts
//! was written from the vendor's public material, so a client's mistake cannot be made twice.
//!
//! # What is true of the real vendor
//! *Documented* is in the vendor's own pages or its OpenAPI; *observed* was read by somebody's
//! working client; the rest is *our assumption*. Where sources disagree there is a switch in
//! [`Dialect`]; where nothing is public there is an option.
//!
//! | behaviour | standing |
//! |---|---|
//! | paths, methods, Bearer token, project token in the query | documented |
//! | 401 without a valid OAuth token, 403 without access | documented |
//! | 401 for a wrong or missing project token | our assumption |
//! | create answers 201 with an object | documented (OpenAPI); 200 observed, a list documented (overview) |
//! | task ids of 19 digits or UUIDs | documented samples; a JSON number is our assumption |
//! | status words and their order, cancel only in PENDING and STAGING, then 405 | documented |
//! | a cancel with a body is refused with 400 | our assumption: the body is documented to be empty |
//! | an unknown task: 200 and NOT_FOUND, or 404 | documented, or told by a third party |
//! | cancel of an unknown task: 404 | our assumption |
//! | 409 for a whole batch because of one running id, its body | observed |
//! | one call per second per project, the text of its 429 | documented, text observed |
//! | the limit is measured from the last call not refused for it; a call lost on the way counts | our assumption |
//! | scans outstanding: one per day of age | documented; 365 for CCPA, the wording, and that one alone always fits are our assumption |
//! | days are freed when the task ends, or evenly while it works ([`ScansFreed`]) | both our assumption |
//! | 2,000 ids per retrieval; floor(2000 / (groups + 1)) per deletion, 1,999 without groups | documented |
//! | status and text of a refusal for size, for an empty, repeated, or bad id | our assumption |
//! | a create with a field that nobody documents, or with a null, is refused with 400 | our assumption: it shows a client's mistake |
//! | collections without slash: 301, without the query | observed on the host's other routes; the query is our assumption |
//! | link fields; quotes and blanks round the link | each documented or observed somewhere, see [`LinkField`] |
//! | link works for 14 days | documented, from completion; that each status call signs a fresh one is our assumption |
//! | archive: a zip encrypted with the project's API secret | documented; ZipCrypto is inferred from clients that read it |
//! | names and formats inside the archive | our own: nothing is public |
//! | errors of the store, ranges, entity tags | our assumption, as usual stores do |
//! | version 2.0: paths, bodies, answers, one person per retrieval, cancel of both kinds | documented |
//! | version 2.0: a 409 for running ids | nothing is public: off, see [`Dialect::conflict_guard_v2`] |
//! | tasks of one version are unknown to the other | our assumption |
//! | how long tasks take | documented only as "up to 30 days" and "up to weeks"; the defaults are shorter |
//! | `subject_request_id` is echoed by the status | documented |
//! | status callbacks: at most 5, https only, with a `subject_request_id`; body, headers, signature, repeated each 15 minutes for 90 days | documented |
//! | a repeated callback stops once it was answered with a 2xx; each state is told by itself; the words of `extensions` besides `failed` | our assumption |
//!
//! | Mixpeek: the two paths, answers, errors, ADMIN permission | documented |
//! | Mixpeek: ids of requests, categories, a refusal of a body | our assumption |
//!
//! # Order in which a call is judged
//! Rate limit; faults (only calls that pass the limit are counted); path; method; credentials; body.

pub mod server;

mod archive;
mod documents;
mod draw;
mod durations;
mod fault;
mod ledger;
mod log;
mod message;
mod mixpanel;
mod mixpeek;
mod options;
mod seen;
mod store;
mod task;
mod upset;
mod world;

pub use documents::{DOCUMENTS, document};
pub use fault::{Fault, Kind as FaultKind};
pub use ledger::{Entry, Operation, Summary};
pub use message::{Host, Reply, Request, Wire};
pub use mixpanel::callback::{CERTIFICATE, Callback, PUBLIC_KEY};
pub use options::{
    Callbacks, CancelAnswer, Case, Cipher, CollectionSlash, CreateShape, DateForm, Dialect,
    ErrorBody, Forged, ItemSlash, JobMs, Layout, LinkField, Lognormal, NotFound, Options,
    ScansFreed, TaskIdKind,
};
pub use server::{Server, Time};
pub use world::World;
