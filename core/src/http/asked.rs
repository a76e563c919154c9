//! What a status means hangs on what was asked, and on what the vendor says that it allows.

use std::borrow::Cow;
use std::time::Duration;

use crate::model::action::Kind;
use crate::model::wire::{Credential, Operation};

/// What is asked, as far as the meaning of a status hangs on it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The call's name, for messages.
    pub name: &'static str,
    /// It changes something at the vendor.
    pub write: bool,
    /// It cancels.
    pub cancel: bool,
    /// It makes scans, of which the vendor allows so many at a time.
    pub scans: bool,
    /// The credential that it is asked with.
    pub credential: Credential,
    /// What a refusal for the pace says that the vendor allows.
    pub pace: Cow<'static, str>,
}

impl Asked {
    pub(super) fn of(operation: &Operation, limits: Limits) -> Self {
        let retrieval =
            matches!(operation, Operation::Create { terms, .. } if terms.kind == Kind::Retrieval);
        Self {
            name: operation.name(),
            write: operation.is_write(),
            cancel: matches!(operation, Operation::Cancel { .. }),
            // Only creates of retrievals make scans.
            scans: limits.scan_budget && retrieval,
            credential: limits.credential,
            pace: pace(limits.interval),
        }
    }
}

/// A pace in words.
pub(super) fn pace(interval: Duration) -> Cow<'static, str> {
    match interval.as_secs_f64() {
        1.0 => "one request a second".into(),
        seconds => format!("one request in {seconds} s").into(),
    }
}

/// What is known of the vendor's limits when an answer comes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The vendor limits outstanding scans.
    pub scan_budget: bool,
    /// No call was made for a while before this one: a refusal is not about the pace then.
    pub quiet: bool,
    /// The vendor's pace.
    pub interval: Duration,
    /// The vendor's credential.
    pub credential: Credential,
}
