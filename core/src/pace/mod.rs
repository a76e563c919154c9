//! When to call: clocks, the pace of a project, back-off after refusals, intervals between polls.

pub mod backoff;
pub mod clock;
pub mod poll;
pub mod rate;
