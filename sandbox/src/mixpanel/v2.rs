//! Version 2.0 of the API: older, GDPR only, one person per retrieval, ids of tasks are GUIDs, no
//! `status` beside `results`.

use serde_json::{Map, Value, json};

use crate::message::Reply;
use crate::task::{Order, Task, TaskKind, Version};
use crate::world::World;

/// Documented.
const DELETION_LIMIT: u64 = 2_000;

/// The version that a path names.
pub(super) fn version(path: &str) -> Version {
    if path.contains("/v2.0") {
        Version::V2
    } else {
        Version::V3
    }
}

impl World {
    /// Strict: a body with a key that version 2.0 does not document is refused (our assumption), as
    /// it comes from a client that mixes the versions up.
    pub(super) fn read_order_v2(&self, kind: TaskKind, body: &[u8]) -> Result<Order, Reply> {
        let refuse = |text: &str| self.refuse(400, text);
        let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) else {
            return Err(refuse("The body is not a JSON object"));
        };
        let key = match kind {
            TaskKind::Retrieval => "distinct_id",
            TaskKind::Deletion => "distinct_ids",
        };
        if fields.keys().any(|name| name != key) {
            return Err(refuse(&format!("The body holds {key} and nothing else")));
        }
        let ids: Option<Vec<String>> = match (kind, fields.get(key)) {
            (TaskKind::Retrieval, Some(Value::String(id))) => Some(vec![id.clone()]),
            (TaskKind::Deletion, Some(Value::Array(ids))) => ids
                .iter()
                .map(|id| id.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        let ids = ids.ok_or_else(|| refuse(&format!("{key} has another type")))?;
        let limit = DELETION_LIMIT / self.options.data_groups.saturating_add(1);
        if ids.len() as u64 > limit {
            let text = format!("Too many distinct_ids: the limit is {limit} per request");
            return Err(self.refuse(self.options.too_many_status, &text));
        }
        self.check_ids(&ids)?;
        Ok(Order {
            version: Version::V2,
            kind,
            ids,
            compliance: "GDPR",
            disclosure: None,
            subject_request_id: None,
            callback_urls: Vec::new(),
        })
    }

    pub(super) fn created_v2(&self, task: &Task, without_id: bool) -> Reply {
        let results = if without_id {
            json!({})
        } else {
            json!({"task_id": task.id})
        };
        Reply::json(
            self.options.dialect.create_status,
            &json!({"results": results}),
        )
    }

    /// The status, and the link of a finished retrieval; the ids are not echoed.
    pub(super) fn told_v2(task: &Task, word: &str, link: Option<String>) -> Reply {
        let mut fields = Map::new();
        fields.insert("status".into(), word.into());
        if task.order.kind == TaskKind::Retrieval {
            fields.insert("result".into(), link.unwrap_or_default().into());
        }
        Reply::json(200, &json!({"results": fields}))
    }
}
