//! Answers of version 3.0, in the dialect that the options ask for.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Kind};
use crate::message::Reply;
use crate::options::{
    CancelAnswer, Case, CreateShape, DateForm, ErrorBody, LinkField, NotFound, TaskIdKind,
};
use crate::task::{State, Task, TaskKind, Version};
use crate::world::World;

/// An id that no client has sent.
const FOREIGN_ID: &str = "somebody-elses-id";

/// Observed: `error` is an object here, whatever other errors look like.
pub(crate) fn conflict(ids: &[&str], tasks: &[&str]) -> Reply {
    let error = json!({
        "conflicting_distinct_ids": ids,
        "conflicting_task_ids": tasks,
        "error": "A deletion of some of these distinct_ids is still running",
    });
    Reply::json(409, &json!({"status": "error", "error": error}))
}

/// A conflict that names somebody else's task.
pub(crate) fn foreign_conflict(fault: &Fault) -> Reply {
    let ids: Vec<&str> = fault.ids.iter().map(String::as_str).collect();
    conflict(
        if ids.is_empty() { &[FOREIGN_ID] } else { &ids },
        &["1500000000000000001"],
    )
}

impl World {
    /// An error in the form that the options ask for.
    pub(crate) fn refuse(&self, status: u16, text: &str) -> Reply {
        match self.options.dialect.error_body {
            ErrorBody::Json => Reply::json(status, &json!({"status": "error", "error": text})),
            ErrorBody::Text => Reply::typed(status, "text/plain; charset=utf-8", text.into()),
            ErrorBody::Html => {
                let page = format!("<!doctype html><title>{status}</title><h1>{text}</h1>");
                Reply::typed(status, "text/html; charset=utf-8", page.into())
            }
        }
    }

    pub(crate) fn too_many_requests(&self, text: &str) -> Reply {
        let reply = self.refuse(429, text);
        match &self.options.dialect.retry_after {
            Some(value) => reply.with("retry-after", value),
            None => reply,
        }
    }

    pub(super) fn created(&self, task: &Task, fault: Option<&Fault>) -> Reply {
        let without_id = fault.is_some_and(|fault| fault.kind == Kind::NoId);
        if task.order.version == Version::V2 {
            return self.created_v2(task, without_id);
        }
        let results = match (self.options.dialect.create_shape, without_id) {
            (CreateShape::Object, false) => json!({"task_id": self.id_value(&task.id)}),
            (CreateShape::Object, true) => json!({}),
            (CreateShape::Array, true) => json!([]),
            (CreateShape::Array, false) => json!([{
                "tracking_id": self.id_value(&task.id),
                "status": State::Pending.as_str(),
                "disclosure_type": task.order.disclosure.as_deref().unwrap_or("Data").to_uppercase(),
                "date_requested": self.date(task),
                "project_id": self.options.project_id,
                "compliance_type": self.compliance(task),
                "destination_url": null,
                "requesting_user": self.options.requesting_user,
                "distinct_id_count": task.order.ids.len(),
            }]),
        };
        Reply::json(self.options.dialect.create_status, &Self::envelope(results))
    }

    pub(super) fn unknown_task(&self, version: Version) -> Reply {
        let results = json!({"status": "NOT_FOUND", "result": ""});
        match self.options.dialect.not_found {
            NotFound::Word if version == Version::V2 => {
                Reply::json(200, &json!({"results": results}))
            }
            NotFound::Word => Reply::json(200, &Self::envelope(results)),
            NotFound::Status => self.refuse(404, "Not found"),
        }
    }

    /// The status of a task; `word` stands in for its state.
    pub(super) fn told(&self, task: &Task, word: Option<&str>, fault: Option<&Fault>) -> Reply {
        let state = task.state(self.now_ms);
        let mut word = word.unwrap_or_else(|| state.as_str());
        let mut ids = json!(task.order.ids);
        let mut expires = self.now_ms.saturating_add(self.options.link_ttl_ms);
        match fault.map(|fault| (fault.kind, fault)) {
            Some((Kind::StatusWord, fault)) => word = fault.word.as_deref().unwrap_or("PENDING"),
            Some((Kind::ForeignEcho, fault)) if fault.ids.is_empty() => ids = json!([FOREIGN_ID]),
            Some((Kind::ForeignEcho, fault)) => ids = json!(fault.ids),
            Some((Kind::ExpiredLink, _)) => expires = self.now_ms - 1,
            _ => {}
        }
        if task.order.version == Version::V2 {
            let done = word == State::Success.as_str() && state == State::Success;
            return Self::told_v2(task, word, done.then(|| self.link(&task.id, expires)));
        }
        let mut fields = Map::new();
        fields.insert("status".into(), word.into());
        match task.order.kind {
            TaskKind::Deletion if self.options.dialect.full_deletion_status => {
                fields.insert("tracking_id".into(), self.id_value(&task.id));
                fields.insert(
                    "requesting_user".into(),
                    self.options.requesting_user.as_str().into(),
                );
                fields.insert("compliance_type".into(), self.compliance(task).into());
                fields.insert("project_id".into(), self.options.project_id.into());
                fields.insert("date_requested".into(), self.date(task).into());
            }
            TaskKind::Deletion => {
                fields.insert("result".into(), "".into());
            }
            TaskKind::Retrieval => {
                let done = word == State::Success.as_str() && state == State::Success;
                self.put_link(&mut fields, done.then(|| self.link(&task.id, expires)));
            }
        }
        fields.insert("distinct_ids".into(), ids);
        if let Some(id) = &task.order.subject_request_id {
            fields.insert("subject_request_id".into(), id.as_str().into());
        }
        Reply::json(200, &Self::envelope(Value::Object(fields)))
    }

    fn put_link(&self, fields: &mut Map<String, Value>, link: Option<String>) {
        let field = self.options.dialect.link_field;
        if !matches!(field, LinkField::Result | LinkField::Results) {
            fields.insert("result".into(), "".into());
        }
        let value = match link {
            Some(link) if self.options.dialect.quoted_link => format!(" \"{link}\" ").into(),
            Some(link) => link.into(),
            None if matches!(field, LinkField::DestinationUrl | LinkField::ResultsUrl) => {
                Value::Null
            }
            None => "".into(),
        };
        fields.insert(field.as_str().into(), value);
    }

    pub(super) fn cancelled(&self, id: &str) -> Reply {
        match self.options.dialect.cancel_answer {
            CancelAnswer::NoContent => Reply::empty(204),
            CancelAnswer::Json => {
                Reply::json(200, &Self::envelope(json!({"task_id": self.id_value(id)})))
            }
        }
    }

    fn id_value(&self, id: &str) -> Value {
        let number = if self.options.dialect.task_id_kind == TaskIdKind::Number {
            id.parse::<u64>().ok()
        } else {
            None
        };
        number.map_or_else(|| id.into(), Value::from)
    }

    fn compliance(&self, task: &Task) -> String {
        match self.options.dialect.compliance_case {
            Case::Upper => task.order.compliance.to_owned(),
            Case::Lower => task.order.compliance.to_lowercase(),
        }
    }

    fn date(&self, task: &Task) -> String {
        let micros = task.created_ms.saturating_mul(1_000);
        let Ok(time) = Timestamp::from_microsecond(micros) else {
            return String::new();
        };
        let form = match self.options.dialect.date_form {
            DateForm::Micros => "%Y-%m-%dT%H:%M:%S.%6f",
            DateForm::Seconds => "%Y-%m-%dT%H:%M:%S",
            DateForm::Zulu => "%Y-%m-%dT%H:%M:%S.%6fZ",
        };
        time.strftime(form).to_string()
    }
}
