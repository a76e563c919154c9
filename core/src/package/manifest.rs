//! `manifest.json`: what a package holds and where it comes from.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::compose::About;
use super::write::{DataFile, hex};

/// The format of the manifest; it changes when a field changes its meaning.
const FORMAT: &str = "dsrkit-package-2";

/// Where the data of packages comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `"mixpanel"`.
    pub vendor: String,
    /// The archives whose content is in the packages.
    pub archives: Vec<Archive>,
    /// Moments worth knowing, such as `"requested_at"`, as the caller's clock has them.
    pub times: BTreeMap<String, String>,
}

/// An archive as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The vendor's task.
    pub task_id: String,
    /// Its size.
    pub bytes: u64,
    /// The hash of the file.
    pub sha256: [u8; 32],
}

#[derive(Serialize)]
pub(super) struct Manifest<'a> {
    format: &'static str,
    dsrkit: &'static str,
    vendor: &'a str,
    subject: &'a str,
    sources: Vec<Source<'a>>,
    counts: Counts,
    files: Vec<FileFact<'a>>,
    times: &'a BTreeMap<String, String>,
    /// Further ids that the person's own data names.
    identifiers: &'a [String],
    /// Texts of Art. 15(1) that are not in the package, by their slots.
    missing_texts: &'a [String],
}

#[derive(Serialize)]
struct Source<'a> {
    task_id: &'a str,
    archive_bytes: u64,
    archive_sha256: String,
}

#[derive(Serialize)]
struct Counts {
    events: u64,
    profiles: u64,
}

#[derive(Serialize)]
struct FileFact<'a> {
    path: &'a str,
    bytes: u64,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(
        origin: &'a Origin,
        subject: &'a str,
        files: &'a [DataFile],
        about: &'a About,
        missing_texts: &'a [String],
    ) -> Self {
        let records = |name: &str| {
            let of_kind = files.iter().filter(|f| f.path == name);
            of_kind.filter_map(|f| f.records).sum()
        };
        Self {
            format: FORMAT,
            dsrkit: env!("CARGO_PKG_VERSION"),
            vendor: &origin.vendor,
            subject,
            sources: origin
                .archives
                .iter()
                .map(|archive| Source {
                    task_id: &archive.task_id,
                    archive_bytes: archive.bytes,
                    archive_sha256: hex(&archive.sha256),
                })
                .collect(),
            counts: Counts {
                events: records("data/events.jsonl"),
                profiles: records("data/profile.json"),
            },
            files: files
                .iter()
                .map(|file| FileFact {
                    path: &file.path,
                    bytes: file.bytes,
                    sha256: hex(&file.sha256),
                    records: file.records,
                })
                .collect(),
            times: &origin.times,
            identifiers: &about.identifiers,
            missing_texts,
        }
    }

    pub(super) fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }
}

/// Whether two manifests describe the same data of the same person from the same archives,
/// whenever and by whichever version they were written.
pub(super) fn same_content(one: &Value, other: &Value) -> bool {
    ["format", "vendor", "subject", "sources", "counts", "files"]
        .iter()
        .all(|field| one.get(field) == other.get(field))
}

/// Whether two manifests are about the same person and the same tasks: then the newer one may
/// take the place of the other.
pub(super) fn same_tasks(one: &Value, other: &Value) -> bool {
    let tasks = |manifest: &Value| -> Option<Vec<Value>> {
        let sources = manifest.get("sources")?.as_array()?;
        sources.iter().map(|s| s.get("task_id").cloned()).collect()
    };
    ["vendor", "subject"]
        .iter()
        .all(|field| one.get(field) == other.get(field))
        && tasks(one).is_some()
        && tasks(one) == tasks(other)
}
