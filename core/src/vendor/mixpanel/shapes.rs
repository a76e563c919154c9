//! Which of the known forms an answer has: for the drift report, never for a decision.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::answer::text_of;
use crate::model::drift::{Shape, Standing};
use crate::model::job::JobStatus;
use crate::model::wire::{Operation, Response};

use Standing::{Documented, Observed, Undocumented};

type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

/// Fields that are documented or were observed beside or inside `results`.
const KNOWN: &[&str] = &[
    "task_id",
    "tracking_id",
    "status",
    "date_requested",
    "subject_request_id",
    "distinct_ids",
    "result",
    "results",
    "download_url",
    "destination_url",
    "results_url",
    "requesting_user",
    "compliance_type",
    "disclosure_type",
    "project_id",
    "distinct_id_count",
    "error",
];

/// The fields that a link was seen in, and where each is known from.
const LINKS: [(&str, Standing); 5] = [
    ("result", Observed),
    ("results", Documented),
    ("download_url", Observed),
    ("destination_url", Documented),
    ("results_url", Documented),
];

struct Seen(&'static str, Vec<Shape>);

impl Seen {
    fn note(&mut self, standing: Standing, what: impl std::fmt::Display) {
        let name = format!("{} {what}", self.0);
        self.1.push(Shape { name, standing });
    }
}

/// The forms in a response to an operation.
pub(super) fn shapes(operation: &Operation, response: &Response) -> Vec<Shape> {
    let call = match operation {
        Operation::Create { .. } => "create",
        Operation::Get { .. } => "status",
        Operation::Cancel { .. } => "cancel",
    };
    let mut seen = Seen(call, Vec::new());
    http_status(&mut seen, operation, response.status.as_u16());
    if response.body.is_empty() {
        if response.status.is_success() && call != "cancel" {
            seen.note(Undocumented, "body: empty");
        }
        return seen.1;
    }
    let text = std::str::from_utf8(&response.body).unwrap_or_default();
    let Some(fields) = object(text) else {
        let what = if text.trim_start().starts_with('<') {
            "a page"
        } else {
            "no JSON object"
        };
        seen.note(Undocumented, format_args!("body: {what}"));
        return seen.1;
    };
    unknown(&mut seen, "body", &fields);
    if response.status.is_success() {
        results(&mut seen, &fields);
    } else {
        error(&mut seen, response, &fields);
    }
    seen.1
}

fn http_status(seen: &mut Seen, operation: &Operation, status: u16) {
    let standing = match (operation, status) {
        (Operation::Create { .. }, 201)
        | (Operation::Get { .. }, 200)
        | (Operation::Cancel { .. }, 204 | 405)
        | (_, 401 | 403 | 429) => Documented,
        (Operation::Create { .. }, 200 | 409)
        | (Operation::Cancel { .. }, 200)
        | (_, 301 | 400 | 404 | 413 | 500..=599) => Observed,
        _ => Undocumented,
    };
    seen.note(standing, format_args!("HTTP {status}"));
}

fn results(seen: &mut Seen, fields: &Fields<'_>) {
    match fields.get("status").copied().and_then(text_of).as_deref() {
        Some("ok") | None => {}
        Some("error") => seen.note(Undocumented, "an error in a success"),
        Some(_) => seen.note(Undocumented, "status beside results: another word than ok"),
    }
    let Some(results) = fields.get("results") else {
        if seen.0 != "cancel" {
            seen.note(Undocumented, "results: none");
        }
        return;
    };
    if let Some(task) = object(results.get()) {
        seen.note(Documented, "results: an object");
        one_task(seen, &task);
        return;
    }
    match serde_json::from_str::<Vec<&RawValue>>(results.get()) {
        Ok(list) => {
            let standing = if seen.0 == "create" {
                Documented
            } else {
                Undocumented
            };
            seen.note(standing, "results: a list");
            for task in list.iter().filter_map(|each| object(each.get())) {
                one_task(seen, &task);
            }
        }
        Err(_) => seen.note(Undocumented, "results: neither an object nor a list"),
    }
}

fn one_task(seen: &mut Seen, task: &Fields<'_>) {
    unknown(seen, "results", task);
    for name in ["task_id", "tracking_id"] {
        if let Some(raw) = task.get(name) {
            let (standing, form) = match text_of(raw) {
                _ if !raw.get().starts_with('"') => (Undocumented, "not a text"),
                Some(id) if id.bytes().all(|byte| byte.is_ascii_digit()) => (Documented, "digits"),
                Some(id) if id.len() == 36 => (Documented, "a UUID"),
                _ => (Undocumented, "another form"),
            };
            seen.note(standing, format_args!("{name}: {form}"));
        }
    }
    if let Some(word) = task.get("status").copied().and_then(text_of) {
        match JobStatus::parse(&word) {
            JobStatus::Other(_) => seen.note(Undocumented, "task status: an unknown word"),
            known if known.as_str() == word => {
                seen.note(Documented, format_args!("task status: {known}"));
            }
            known => seen.note(
                Undocumented,
                format_args!("task status: {known} in another spelling"),
            ),
        }
    }
    for (name, standing) in LINKS {
        let link = task.get(name).copied().and_then(text_of);
        if let Some(link) = link.filter(|link| !link.is_empty()) {
            let bare = link.starts_with("http");
            let form = if bare { "" } else { ", in quotes or blanks" };
            let standing = if bare { standing } else { Observed };
            seen.note(standing, format_args!("link in {name}{form}"));
        }
    }
    if task.contains_key("distinct_ids") {
        seen.note(Documented, "distinct_ids are echoed");
    }
    if task.contains_key("subject_request_id") {
        seen.note(Documented, "subject_request_id is echoed");
    }
}

fn error(seen: &mut Seen, response: &Response, fields: &Fields<'_>) {
    match fields.get("error") {
        Some(raw) if raw.get().starts_with('"') => seen.note(Documented, "error: a text"),
        Some(raw) if raw.get().starts_with('{') => seen.note(Observed, "error: an object"),
        Some(_) => seen.note(Undocumented, "error: neither a text nor an object"),
        None => seen.note(Undocumented, "error: none"),
    }
    if response.status.as_u16() == 429 {
        if response.headers.contains_key(http::header::RETRY_AFTER) {
            seen.note(Undocumented, "429 with Retry-After");
        } else {
            seen.note(Documented, "429 without Retry-After");
        }
    }
}

/// Fields that nobody told of. Their names are shown only if they can be nothing but names.
fn unknown(seen: &mut Seen, place: &str, fields: &Fields<'_>) {
    for name in fields.keys().filter(|name| !KNOWN.contains(name)) {
        let plain = name.len() <= 40
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let name = if plain { *name } else { "with an odd name" };
        seen.note(Undocumented, format_args!("{place}: a field {name}"));
    }
}

fn object(text: &str) -> Option<Fields<'_>> {
    text.trim_start()
        .starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}
