//! Reading what Mixpanel sends, in every form that is documented or was observed.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::checked_task;
use crate::model::job::{Job, JobStatus};
use crate::model::subject::DistinctId;
use crate::model::wire::{Conflict, Operation, Reading, Refusal, Response, Subject};
use crate::secret::Secret;

/// Values are kept raw: a task id may arrive as a number beyond 2^53 and must keep its digits.
/// A repeated key is an error of the reader, so an answer that says two things is not believed.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    results: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[allow(clippy::struct_field_names)] // the vendor's names
struct Task<'a> {
    #[serde(borrow, default)]
    task_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tracking_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    date_requested: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subject_request_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    distinct_ids: Option<&'a RawValue>,
    // The link of a finished retrieval: sources disagree on its name. The first that is not empty
    // counts, in this order.
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    results: Option<&'a RawValue>,
    #[serde(borrow, default)]
    download_url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    destination_url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    results_url: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ConflictBody<'a> {
    #[serde(borrow, default)]
    conflicting_distinct_ids: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    conflicting_task_ids: Vec<&'a RawValue>,
}

/// Reads a response to an operation, whatever its status.
pub(super) fn read(operation: &Operation, response: &Response) -> Reading {
    let success = response.status.is_success();
    if success && matches!(operation, Operation::Cancel { .. }) && response.body.is_empty() {
        return Reading::Cancelled;
    }
    let Ok(text) = std::str::from_utf8(&response.body) else {
        return Reading::Unreadable("a body that is not UTF-8");
    };
    let Some(envelope) = object::<Envelope<'_>>(text) else {
        return match (success, unreadable(text)) {
            (true, what) => Reading::Unreadable(what),
            // A refusal in plain text or HTML is documented nowhere and seen everywhere.
            (false, _) => Reading::Refused(Refusal {
                about: about(text),
                conflict: None,
            }),
        };
    };
    let says_error = envelope
        .status
        .and_then(text_of)
        .is_some_and(|word| word.eq_ignore_ascii_case("error"));
    if !success || says_error {
        return Reading::Refused(refusal(&envelope, text));
    }
    match operation {
        Operation::Create { .. } => created(&envelope),
        Operation::Get { kind, task, .. } => match single_task(&envelope) {
            Some(found) => status(*kind, task, &found),
            None => Reading::Unreadable("no task in the status answer"),
        },
        Operation::Cancel { .. } => Reading::Cancelled,
    }
}

fn unreadable(text: &str) -> &'static str {
    let start = text.trim_start();
    if start.is_empty() {
        "an empty body"
    } else if start.starts_with('<') {
        "HTML instead of JSON"
    } else if start.starts_with('{') || start.starts_with('[') {
        "JSON that is cut short, malformed or repeats a key"
    } else {
        "plain text instead of JSON"
    }
}

fn created(envelope: &Envelope<'_>) -> Reading {
    let Some(raw) = envelope.results else {
        return Reading::Unreadable("no results in the answer");
    };
    let Some(tasks) = tasks(raw) else {
        return Reading::Unreadable("results of an unknown shape");
    };
    let ids: Option<Vec<String>> = tasks.iter().map(task_id).collect();
    match ids {
        // An id that cannot be asked for again is as good as none.
        Some(ids) if ids.iter().any(|id| checked_task(id).is_err()) => {
            Reading::Unreadable("a task id of an unknown form")
        }
        Some(ids) if !ids.is_empty() => Reading::Created(ids),
        _ => Reading::Unreadable("no task id in the answer"),
    }
}

/// One task, or a list of them.
fn tasks(raw: &RawValue) -> Option<Vec<Task<'_>>> {
    if let Some(task) = object(raw.get()) {
        return Some(vec![task]);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    list.into_iter().map(|raw| object(raw.get())).collect()
}

/// Reads a struct from a JSON object only: serde would take a list of values, too, field by field.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    text.trim_start()
        .starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

fn task_id(task: &Task<'_>) -> Option<String> {
    [task.task_id, task.tracking_id]
        .into_iter()
        .flatten()
        .filter_map(text_of)
        .find(|id| !id.trim().is_empty())
}

fn single_task<'a>(envelope: &Envelope<'a>) -> Option<Task<'a>> {
    let mut tasks = tasks(envelope.results?)?;
    let task = tasks.pop()?;
    tasks.is_empty().then_some(task)
}

fn status(kind: crate::model::action::Kind, asked: &str, task: &Task<'_>) -> Reading {
    let Some(word) = task
        .status
        .and_then(text_of)
        .filter(|word| !word.trim().is_empty())
    else {
        return Reading::Unreadable("no status in the status answer");
    };
    if task_id(task).is_some_and(|id| id != asked) {
        return Reading::Unreadable("the status of another task");
    }
    let link = [
        task.result,
        task.results,
        task.download_url,
        task.destination_url,
        task.results_url,
    ]
    .into_iter()
    .flatten()
    .find_map(link_of);
    Reading::Status(Box::new(Job {
        id: asked.to_owned(),
        kind,
        status: JobStatus::parse(&word),
        download_url: link.map(Secret::new),
        requested_at: task.date_requested.and_then(text_of),
        request_id: task.subject_request_id.and_then(text_of),
        distinct_ids: task.distinct_ids.and_then(ids_of),
    }))
}

/// The link may be wrapped in double quotes and blanks (observed).
fn link_of(raw: &RawValue) -> Option<String> {
    let text = serde_json::from_str::<String>(raw.get()).ok()?;
    let bare = text.trim_matches(|c: char| c == '"' || c.is_whitespace());
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// A string's text, or an integer's exact digits.
pub(super) fn text_of(raw: &RawValue) -> Option<String> {
    let raw = raw.get();
    if raw.starts_with('"') {
        return serde_json::from_str(raw).ok();
    }
    (!raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit())).then(|| raw.to_owned())
}

fn ids_of(raw: &RawValue) -> Option<Vec<DistinctId>> {
    let ids: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    ids.into_iter()
        .map(|id| text_of(id).map(DistinctId::from))
        .collect()
}

fn refusal(envelope: &Envelope<'_>, whole: &str) -> Refusal {
    let conflict = envelope
        .error
        .and_then(|error| object::<ConflictBody<'_>>(error.get()))
        .and_then(|body| {
            let texts = |list: Vec<&RawValue>| -> Option<Vec<String>> {
                list.into_iter().map(text_of).collect()
            };
            Some(Conflict {
                ids: texts(body.conflicting_distinct_ids)?
                    .into_iter()
                    .map(DistinctId::from)
                    .collect(),
                tasks: texts(body.conflicting_task_ids)?,
            })
        })
        .filter(|conflict| !conflict.ids.is_empty() || !conflict.tasks.is_empty());
    let text = envelope.error.and_then(text_of);
    Refusal {
        about: about(text.as_deref().unwrap_or(whole)),
        conflict,
    }
}

/// The wordings that are known. "1 req/s" is observed; how a refused size or id is worded is not
/// known, so those words are our assumption.
fn about(text: &str) -> Subject {
    let text = text.to_ascii_lowercase();
    let has = |word: &str| text.contains(word);
    if has("req/s") {
        Subject::Rate
    } else if has("distinct")
        && (has("limit") || has("too many") || has("maximum") || has("invalid"))
    {
        Subject::Ids
    } else {
        Subject::Unknown
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
