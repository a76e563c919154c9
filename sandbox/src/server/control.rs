//! Control of the sandbox by tests in other languages. Nothing here enters the ledger.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use crate::documents::document;
use crate::fault::Fault;
use crate::message::{Reply, Request};
use crate::mixpanel::callback::CERTIFICATE;

const PREFIX: &str = "/_sandbox/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    call: String,
    status: u16,
}

pub(super) fn is_control(path: &str) -> bool {
    path.starts_with(PREFIX)
}

pub(super) fn answer(request: &Request, shared: &Shared) -> Reply {
    let name = request.path.strip_prefix(PREFIX).unwrap_or_default();
    match (request.method.as_str(), name) {
        ("GET", "ledger") => told(serde_json::to_value(shared.world().ledger())),
        ("GET", "summary") => told(serde_json::to_value(shared.world().summary())),
        ("POST", "faults") => match serde_json::from_slice::<Vec<Fault>>(&request.body) {
            Err(error) => refuse(400, &error.to_string()),
            Ok(faults) => match shared.world().add_faults(faults) {
                Ok(()) => Reply::json(200, &json!({"ok": true})),
                Err(error) => refuse(400, &error.to_string()),
            },
        },
        ("POST", "advance") => match serde_json::from_slice::<Advance>(&request.body) {
            Err(error) => refuse(400, &error.to_string()),
            Ok(Advance { ms }) if ms < 0 => refuse(400, "time does not run back"),
            Ok(Advance { ms }) => advance(shared, ms),
        },
        ("POST", "callbacks") => callbacks(shared),
        ("POST", "callback_answered") => match serde_json::from_slice::<Answered>(&request.body) {
            Err(error) => refuse(400, &error.to_string()),
            Ok(Answered { call, status }) => {
                match shared.world().callback_answered(&call, status) {
                    Ok(()) => Reply::json(200, &json!({"ok": true})),
                    Err(error) => refuse(500, &error.to_string()),
                }
            }
        },
        ("GET", "certificate.pem") => {
            Reply::typed(200, "application/x-pem-file", CERTIFICATE.into())
        }
        ("GET", name) => published(name, request),
        _ => refuse(404, "no such control"),
    }
}

/// The callbacks that are due; whoever asks is to make them.
fn callbacks(shared: &Shared) -> Reply {
    let now_ms = shared.time.now_ms();
    match shared.world().take_callbacks(now_ms) {
        Err(error) => refuse(500, &error.to_string()),
        Ok(calls) => {
            let calls = calls.iter().map(|call| {
                json!({
                    "call": call.call,
                    "url": call.url,
                    "headers": call.headers.iter().cloned().collect::<BTreeMap<_, _>>(),
                    "body": String::from_utf8_lossy(&call.body),
                })
            });
            Reply::json(200, &Value::Array(calls.collect()))
        }
    }
}

/// `openapi/<name>.yaml`, with the address that it was asked at.
fn published(name: &str, request: &Request) -> Reply {
    let host = request.header("host").unwrap_or("127.0.0.1:8080");
    let name = name
        .strip_prefix("openapi/")
        .and_then(|name| name.strip_suffix(".yaml"));
    match name.and_then(|name| document(name, &format!("http://{host}"))) {
        Some(text) => Reply::typed(200, "application/yaml", text.into()),
        None => refuse(404, "no such control"),
    }
}

fn advance(shared: &Shared, ms: i64) -> Reply {
    if !shared.time.advance(ms) {
        return refuse(409, "this clock can not be moved");
    }
    let now_ms = shared.time.now_ms();
    match shared.world().note_now(now_ms) {
        Ok(()) => Reply::json(200, &json!({"now_ms": now_ms})),
        Err(error) => refuse(500, &error.to_string()),
    }
}

fn told(value: serde_json::Result<Value>) -> Reply {
    match value {
        Ok(value) => Reply::json(200, &value),
        Err(error) => refuse(500, &error.to_string()),
    }
}

fn refuse(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"error": text}))
}
