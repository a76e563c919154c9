//! The simulated Mixpeek: two requests about the whole organisation.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ledger::{Entry, Operation};
use crate::message::Reply;
use crate::seen::{Seen, Verdict};
use crate::world::{Action, Route, World};

const BASE: &str = "/v1/organizations/dsar/";

/// Whether a path belongs to this vendor.
pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with("/v1/")
}

pub(crate) fn route(method: &str, path: &str) -> Route {
    let operation = match path.strip_prefix(BASE) {
        Some("export") => Operation::DsarExport,
        Some("delete") => Operation::DsarDelete,
        _ => Operation::Other,
    };
    let action = match (operation, method) {
        (Operation::Other, _) => Action::Missing,
        (_, "POST") => Action::Carry,
        _ => Action::WrongMethod("POST"),
    };
    Route {
        operation,
        task_id: None,
        action,
    }
}

pub(crate) fn nothing(action: &Action) -> Reply {
    match action {
        Action::WrongMethod(allowed) => {
            refuse(405, "MethodNotAllowedError", "Method not allowed").with("allow", allowed)
        }
        _ => refuse(404, "NotFoundError", "Resource not found"),
    }
}

/// The documented envelope.
fn refuse(status: u16, kind: &str, message: &str) -> Reply {
    let error = json!({"message": message, "type": kind, "code": null, "details": {}});
    Reply::json(
        status,
        &json!({"success": false, "status": status, "error": error}),
    )
}

impl World {
    pub(crate) fn dsar(&self, seen: &Seen, route: &Route, entry: &mut Entry) -> Reply {
        if seen.auth.as_ref().map(|auth| auth.verdict) != Some(Verdict::Good) {
            return match seen.auth.as_ref().map(|auth| auth.verdict) {
                Some(Verdict::Forbidden) => {
                    refuse(403, "ForbiddenError", "ADMIN permission is required")
                }
                _ => refuse(401, "UnauthorizedError", "Invalid or missing API key"),
            };
        }
        // Documented: no body, no parameters. One with a body comes from another call by mistake.
        if !seen.body.is_empty() || seen.token.is_some() {
            let item =
                json!({"loc": ["body"], "msg": "No body is expected", "type": "extra_forbidden"});
            return Reply::json(422, &json!({"detail": [item]}));
        }
        let erasing = route.operation == Operation::DsarDelete;
        let id = format!("dsar_{:012x}{:04x}", self.now_ms, self.ledger().len() + 1);
        entry.task_id = Some(id.clone());
        let requested_at = Timestamp::from_millisecond(self.now_ms)
            .map(|at| at.to_string())
            .unwrap_or_default();
        let mut body = json!({
            "request_id": id,
            "status": "pending",
            "requested_at": requested_at,
            "estimated_completion": "Within 30 days",
            "data_categories": ["organization", "users", "namespaces", "collections", "objects", "usage"],
        });
        if let (true, Some(fields)) = (erasing, body.as_object_mut()) {
            let warning = "All data of this organization will be permanently deleted";
            fields.insert("warning".into(), Value::from(warning));
        }
        Reply::json(200, &body)
    }
}
