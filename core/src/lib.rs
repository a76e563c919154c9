//! Data-subject requests done whole.
//!
//! Companies must give people their data, or erase it, within a month. Vendors offer asynchronous,
//! rate-limited APIs for it. This crate does the whole job: any number of ids in; planned,
//! confirmed, sent at the allowed pace; journaled so that a crash loses nothing and repeats
//! nothing except recorded ambiguous attempts; followed to the end; archives fetched, decrypted,
//! unpacked safely and split per person; an account in which every id has exactly one outcome.
//!
//! ```no_run
//! use dsrkit::{Client, Journal, Mixpanel, Region};
//!
//! # async fn example() -> dsrkit::Result<()> {
//! let vendor = Mixpanel::builder("project token", "oauth token").region(Region::Eu).build()?;
//! let client = Client::builder(vendor).journal(Journal::sqlite("dsr.sqlite3")?).build()?;
//! let plan = client.plan_deletion(["a", "b"]).reference("DSR-2026-0042").freeze().await?;
//! println!("{} people, confirm with {}", plan.subjects(), plan.confirm().as_str());
//! let report = plan.start(plan.confirm()).await?.await?;
//! println!("{:?}", report.counts);
//! # Ok(()) }
//! ```
//!
//! Another day, in another process, the run goes on where it stopped; and a retrieval ends with a
//! package for each person:
//!
//! ```no_run
//! # use dsrkit::{Client, CollectOptions, IdSource, Journal, Mixpanel};
//! # async fn example(client: Client, run_id: &str) -> dsrkit::Result<()> {
//! let run = client.run(run_id)?;
//! let mut events = run.events();
//! while let Some(event) = events.next().await {
//!     println!("{}", event?.text);
//! }
//! let report = run.collect("packages".as_ref(), &CollectOptions::default()).await?;
//! println!("{:?} {:?}", report.packages, report.problems);
//!
//! let ids = IdSource::file("people.csv").column("distinct_id");
//! let run = client.retrieve(ids).reference("DSR-43").start().await?;
//! # Ok(()) }
//! ```
//!
//! Nothing moves unless somebody awaits a run, reads its events or calls [`Client::tick`]. The
//! futures expect a tokio runtime; [`blocking`](crate#features) needs none.
//!
//! # Features
//!
//! * `sqlite` (default): the journal in one file, with SQLite bundled.
//! * `postgres`: the journal on a PostgreSQL server, for several machines.
//! * `blocking`: the same methods for programs without an async runtime.
//! * `sandbox`: a simulated vendor in this process, with a virtual clock and faults on demand.
//! * `testing`: the behaviour suite for journals of your own.

#![warn(missing_docs)]

pub mod archive;
mod builder;
mod client;
mod engine;
mod error;
mod export;
mod flow;
mod handle;
pub mod http;
pub mod ids;
pub mod journal;
mod mixpeek;
pub mod model;
pub mod pace;
pub mod package;
mod plan;
mod receiver;
mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod secret;
mod settings;
mod single;
pub mod vendor;

#[cfg(feature = "blocking")]
pub mod blocking;

pub use builder::{ClientBuilder, Journal, Network};
pub use client::Client;
pub use engine::{Bound, CollectOptions, Decision, Estimate, PlanOptions};
pub use error::{Error, ErrorKind, Result, RetryAdvice, Sent};
pub use flow::FlowOutcome;
pub use handle::{EventReader, PlanHandle, RunHandle};
pub use ids::IdSource;
pub use mixpeek::{DELETE_ORGANISATION, MixpeekClient, MixpeekClientBuilder};
pub use model::Millis;
pub use model::action::{Action, Compliance, Deletion, Disclosure, Kind, Retrieval, Terms};
pub use model::callback::{Callback, CallbackRequest, CallbackStatus, Heard};
pub use model::drift::{ShapeCount, Standing};
pub use model::dsar::{DsarKind, DsarRecord, DsarRequest, DsarState};
pub use model::event::{Event, EventKind, WaitReason};
pub use model::job::{Job, JobStatus};
pub use model::report::{
    JobReport, Outcome, Problem, Processed, RefusedRows, ReportData, SubjectOutcome,
};
pub use model::run::RunState;
pub use model::subject::DistinctId;
pub use plan::{Confirmation, Plan, PlanBuilder};
pub use receiver::CallbackReceiver;
pub use run::{Events, Run};
pub use secret::Secret;
pub use settings::{AmbiguityPolicy, Settings};
pub use vendor::mixpanel::callback::{CallbackKey, verify_callback};
pub use vendor::mixpanel::{Mixpanel, Region};
pub use vendor::mixpeek::Mixpeek;

/// The version of this crate, and of the bindings made of it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
