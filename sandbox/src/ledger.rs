//! The ledger: every request that reached the vendor, in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::Kind;
use crate::message::Host;
use crate::options::words;

words! {
    /// What a request asks for.
    Operation {
        /** in a fault: any of the named ones */ Any = "any",
        /** POST on the collection of retrievals */ CreateRetrieval = "create_retrieval",
        /** GET on a retrieval */ GetRetrieval = "get_retrieval",
        /** POST on the collection of deletions */ CreateDeletion = "create_deletion",
        /** GET on a deletion */ GetDeletion = "get_deletion",
        /** DELETE on a deletion */ CancelDeletion = "cancel_deletion",
        /** DELETE on a retrieval, in version 2.0 */ CancelRetrieval = "cancel_retrieval",
        /** Mixpeek: an export of the organisation */ DsarExport = "dsar_export",
        /** Mixpeek: the deletion of the organisation */ DsarDelete = "dsar_delete",
        /** an archive, at the store */ Download = "download",
        /** nothing that the vendor knows */ Other = "other",
    }
}
impl Operation {
    /// Creates a task.
    pub fn is_create(self) -> bool {
        matches!(self, Self::CreateRetrieval | Self::CreateDeletion)
    }
}

/// One request. It holds ids as received: the ledger is for tests, never for logs.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// From 1.
    pub seq: u64,
    /// Arrival, by the vendor's clock.
    pub at_ms: i64,
    /// Which host was called.
    pub host: Host,
    /// What was asked.
    pub operation: Operation,
    /// As received.
    pub method: String,
    /// As received, without the query.
    pub path: String,
    /// Status of the answer; none when there was no answer.
    pub status: Option<u16>,
    /// What happened to the connection: the words of [`crate::Wire::as_str`].
    pub wire: &'static str,
    /// The fault that was applied.
    pub fault: Option<Kind>,
    /// First 8 hex digits of the SHA-256 of the Authorization header's value.
    pub auth: Option<String>,
    /// The same of the project token in the query.
    pub token: Option<String>,
    /// A secret of the API (a token, or an Authorization header) was anywhere in the request.
    pub credentials: bool,
    /// Lower case, in order of arrival.
    pub header_names: Vec<String>,
    /// `distinct_ids` (or the one `distinct_id`), byte for byte; empty for other requests.
    pub ids: Vec<String>,
    /// As received.
    pub compliance_type: Option<String>,
    /// As received.
    pub disclosure_type: Option<String>,
    /// The task that was asked for, or that was created.
    pub task_id: Option<String>,
    /// The vendor carried it out (a create: the task exists), whether or not an answer left.
    pub processed: bool,
}

/// The ledger in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Requests to both hosts.
    pub requests: u64,
    /// Requests per operation.
    pub calls: BTreeMap<&'static str, u64>,
    /// Least time between two API calls that followed one another.
    pub min_gap_ms: Option<i64>,
    /// Calls refused with 429.
    pub too_many_requests: u64,
    /// Tasks created, per operation.
    pub tasks: BTreeMap<&'static str, u64>,
    /// Distinct ids in carried-out creates, per operation.
    pub ids: BTreeMap<&'static str, u64>,
    /// Distinct ids that more than one carried-out create of the same kind held.
    pub ids_repeated: u64,
    /// The greatest number of carried-out creates of one kind that held the same id.
    pub max_per_id: u64,
    /// Requests to the store with an Authorization header or a token.
    pub store_requests_with_credentials: u64,
}

pub(crate) fn summary(entries: &[Entry]) -> Summary {
    let mut calls = BTreeMap::new();
    let mut tasks = BTreeMap::new();
    let mut times: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for entry in entries {
        let operation = entry.operation.as_str();
        *calls.entry(operation).or_insert(0) += 1;
        if entry.processed && entry.operation.is_create() {
            *tasks.entry(operation).or_insert(0) += 1;
            for id in &entry.ids {
                *times.entry((operation, id)).or_insert(0) += 1;
            }
        }
    }
    let mut ids = BTreeMap::new();
    for (operation, _) in times.keys() {
        *ids.entry(*operation).or_insert(0) += 1;
    }
    let api: Vec<i64> = entries
        .iter()
        .filter(|e| e.host == Host::Api)
        .map(|e| e.at_ms)
        .collect();
    Summary {
        requests: entries.len() as u64,
        calls,
        min_gap_ms: api.iter().zip(api.iter().skip(1)).map(|(a, b)| b - a).min(),
        too_many_requests: count(entries, |e| e.host == Host::Api && e.status == Some(429)),
        tasks,
        ids,
        ids_repeated: times.values().filter(|n| **n > 1).count() as u64,
        max_per_id: times.values().copied().max().unwrap_or(0),
        store_requests_with_credentials: count(entries, |e| e.host == Host::Store && e.credentials),
    }
}

fn count(entries: &[Entry], wanted: impl Fn(&Entry) -> bool) -> u64 {
    entries.iter().filter(|entry| wanted(entry)).count() as u64
}
