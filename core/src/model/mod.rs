//! The plain types that flow through: no I/O, no decisions.

mod account;
pub mod action;
pub mod callback;
pub mod drift;
pub mod dsar;
pub mod event;
pub mod job;
pub mod report;
pub mod run;
pub mod subject;
pub mod time;
pub mod wire;

/// Milliseconds since 1970-01-01 UTC, by the client's clock.
pub type Millis = i64;
