//! The simulated Mixpanel. Each version of its API is a file of its own.

mod answer;
pub(crate) mod callback;
mod v2;
mod v3;

pub(crate) use answer::foreign_conflict;

use serde_json::Value;

use crate::options::Dialect;
use crate::world::Route;

/// Observed text of the per-second limit.
pub(crate) const RATE_TEXT: &str = "Too Many Requests, this API is limited to 1 req/s";

/// No wording of this refusal is public: neutral on purpose, a client must not read it.
pub(crate) const SCANS_TEXT: &str = "The project has too much outstanding work, try again later";

pub(crate) fn route(dialect: &Dialect, method: &str, path: &str) -> Route {
    v3::route(dialect, method, path)
}

/// What the ledger notes of a body, however wrong the body is.
#[derive(Default)]
pub(crate) struct Asked {
    pub ids: Vec<String>,
    pub compliance_type: Option<String>,
    pub disclosure_type: Option<String>,
}

impl Asked {
    pub fn read(body: &[u8]) -> Self {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let list = fields.remove("distinct_ids");
        let mut text = |name| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (compliance_type, disclosure_type) = (text("compliance_type"), text("disclosure_type"));
        let ids = match list {
            Some(Value::Array(ids)) => ids
                .into_iter()
                .filter_map(|id| {
                    if let Value::String(id) = id {
                        Some(id)
                    } else {
                        None
                    }
                })
                .collect(),
            _ => text("distinct_id").into_iter().collect(),
        };
        Self {
            ids,
            compliance_type,
            disclosure_type,
        }
    }
}
