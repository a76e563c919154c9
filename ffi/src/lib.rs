//! The C surface of dsrkit. It takes no decision: convert in, call one function of the core,
//! convert out.
//!
//! The rules that C callers keep, and that every `SAFETY` comment here means, stand at the top of
//! the header (`cbindgen.toml`). Handles are numbers of a table (`handle.rs`), so only texts, id
//! arrays and outputs are memory of the caller; `guard.rs` is the only file that touches them.

#![deny(unsafe_op_in_unsafe_fn)]
#![cfg_attr(test, allow(clippy::expect_used, clippy::indexing_slicing))]
#![allow(non_camel_case_types)] // the names are those of the header

mod answer;
mod callback;
mod client;
mod collect;
mod drift;
mod error;
mod event;
mod events;
mod flow;
mod guard;
mod handle;
mod history;
mod ids;
mod job;
mod log;
mod mixpanel;
mod mixpeek;
mod options;
mod outcome;
mod plan;
mod pump;
mod register;
mod report;
mod report_rows;
mod run;
mod sandbox;
mod settings;
mod settings_read;
mod signals;
mod single;
mod standing;
mod start;
mod status;
mod text;
