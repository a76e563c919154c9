//! Status callbacks: what the vendor would tell a receiver, and when.
//!
//! The state machine makes no calls: it says which callbacks are due, and is told how each was
//! answered. They are signed with a key that is public and good for nothing else.

use std::io;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::log::Line;
use crate::options::Forged;
use crate::task::{State, Task, TaskKind};
use crate::world::World;

const TEST_KEY: &[u8] = include_bytes!("../../keys/callback.pk8");
const OTHER_KEY: &[u8] = include_bytes!("../../keys/other.pk8");

/// The public half of the key that signs callbacks, as PEM.
pub const PUBLIC_KEY: &str = include_str!("../../keys/callback.pub.pem");
/// The same key in a certificate, which is the form that the vendor publishes.
pub const CERTIFICATE: &str = include_str!("../../keys/callback.cert.pem");

const DOMAIN: &str = "opendsr.mixpanel.com";
const MOST_URLS: usize = 5;
const AGAIN_MS: i64 = 15 * 60_000;
const EXPECTED_MS: i64 = 30 * 86_400_000;
const GIVEN_UP_MS: i64 = 90 * 86_400_000;

/// One POST that the vendor would make. No `Debug`: it names a task.
#[derive(Clone)]
pub struct Callback {
    /// Names it in [`World::callback_answered`]; empty for a forged one.
    pub call: String,
    /// Where to.
    pub url: String,
    /// Domain, signature, content type.
    pub headers: Vec<(String, String)>,
    /// The same bytes each time.
    pub body: Vec<u8>,
}

/// The addresses that a create asks to be called.
pub(super) fn wanted(
    fields: &Map<String, Value>,
    request_id: Option<&str>,
) -> Result<Vec<String>, &'static str> {
    if request_id.is_some_and(|id| !is_uuid_v4(id)) {
        return Err("subject_request_id must be a lower-case UUID of version 4");
    }
    let urls: Vec<String> = match fields.get("status_callback_urls") {
        None => return Ok(Vec::new()),
        Some(Value::Array(urls)) => urls
            .iter()
            .map(|url| url.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or("status_callback_urls must be a list of strings")?,
        Some(_) => return Err("status_callback_urls must be a list"),
    };
    if urls.is_empty() || urls.len() > MOST_URLS {
        return Err("status_callback_urls must hold one to five addresses");
    }
    if urls.iter().any(|url| !url.starts_with("https://")) {
        return Err("status_callback_urls must begin with https://");
    }
    if request_id.is_none() {
        return Err("status_callback_urls need a subject_request_id");
    }
    Ok(urls)
}

fn is_uuid_v4(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => *byte == b'4',
            19 => b"89ab".contains(byte),
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
        })
}

impl World {
    /// The callbacks that are due now. Each comes again a quarter of an hour later, until
    /// [`World::callback_answered`] says that it was taken, or 90 days have passed.
    pub fn take_callbacks(&mut self, now_ms: i64) -> io::Result<Vec<Callback>> {
        let at_ms = now_ms.max(self.now_ms);
        let due = self.due(at_ms);
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let how = self.options.callbacks.clone();
        let mut calls = Vec::new();
        for (call, task, nth, url) in due {
            let Some(task) = self.tasks.get(task) else {
                continue;
            };
            let Some((_, state)) = told(task, at_ms).into_iter().nth(nth) else {
                continue;
            };
            let body = self.body(task, &url, state);
            if how.forged != Forged::No {
                calls.push(forged(how.forged, &url, &body)?);
            }
            let real = Callback {
                headers: headers(DOMAIN, &sign(TEST_KEY, &body)?),
                call,
                url,
                body,
            };
            if how.twice {
                calls.push(real.clone());
            }
            calls.push(real);
        }
        self.commit(Line::Called { at_ms })?;
        Ok(calls)
    }

    /// How a callback was answered; 0 when it was not.
    pub fn callback_answered(&mut self, call: &str, status: u16) -> io::Result<()> {
        self.commit(Line::Answered {
            call: call.to_owned(),
            status,
        })
        .map(|_| ())
    }

    pub(crate) fn mark_called(&mut self) {
        for (call, ..) in self.due(self.now_ms) {
            self.called.insert(call, Some(self.now_ms + AGAIN_MS));
        }
    }

    pub(crate) fn mark_answered(&mut self, call: String, status: u16) {
        if (200..300).contains(&status) && self.called.contains_key(&call) {
            self.called.insert(call, None);
        }
    }

    /// Name, task, number of the state, address.
    fn due(&self, now_ms: i64) -> Vec<(String, usize, usize, String)> {
        let how = &self.options.callbacks;
        let mut found = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            if now_ms > task.created_ms + GIVEN_UP_MS {
                continue;
            }
            for (nth, (since, _)) in told(task, now_ms).into_iter().enumerate() {
                for (place, url) in task.order.callback_urls.iter().enumerate() {
                    let call = format!("{number}.{nth}.{place}");
                    let at = match self.called.get(&call) {
                        None => Some(since + how.late_ms),
                        Some(again) => *again,
                    };
                    if at.is_some_and(|at| at <= now_ms) {
                        found.push((call, number, nth, url.clone()));
                    }
                }
            }
        }
        if how.newest_first {
            found.reverse();
        }
        found
    }

    fn body(&self, task: &Task, url: &str, state: State) -> Vec<u8> {
        let request_status = match state {
            State::Pending | State::Staging => "pending",
            State::Started => "in_progress",
            State::Success => "completed",
            // The two vocabularies differ: a failure is told as cancelled here.
            State::Failure | State::Revoked => "cancelled",
        };
        let own_status = if state == State::Failure {
            "failed"
        } else {
            request_status
        };
        let kind = match (task.order.kind, task.order.disclosure.as_deref()) {
            (TaskKind::Deletion, _) => "erasure",
            (TaskKind::Retrieval, Some("Data")) => "portability",
            (TaskKind::Retrieval, _) => "access",
        };
        let expires = task.created_ms + self.options.link_ttl_ms;
        let link = (task.order.kind == TaskKind::Retrieval && state == State::Success)
            .then(|| self.link(&task.id, expires));
        let expected = Timestamp::from_millisecond(task.created_ms + EXPECTED_MS)
            .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            .unwrap_or_default();
        json!({
            "api_version": "3.0",
            "controller_id": self.options.project_id.to_string(),
            "expected_completion_time": expected,
            "subject_request_id": task.order.subject_request_id,
            "subject_request_type": kind,
            "request_status": request_status,
            "status_callback_url": url,
            "results_url": link,
            "extensions": {
                DOMAIN: {
                    "project_id": self.options.project_id,
                    "status": own_status,
                    "tracking_id": task.id,
                }
            },
        })
        .to_string()
        .into_bytes()
    }
}

/// The states that are told: staging is not told by itself.
fn told(task: &Task, now_ms: i64) -> Vec<(i64, State)> {
    if task.order.callback_urls.is_empty() {
        return Vec::new();
    }
    let mut states = task.states(now_ms);
    states.retain(|(_, state)| *state != State::Staging);
    states
}

fn headers(domain: &str, signature: &str) -> Vec<(String, String)> {
    [
        ("content-type", "application/json"),
        ("x-opendsr-processor-domain", domain),
        ("x-opendsr-signature", signature),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn forged(how: Forged, url: &str, body: &[u8]) -> io::Result<Callback> {
    let text = String::from_utf8_lossy(body);
    let (body, domain, key) = match how {
        Forged::Key => (body.to_vec(), DOMAIN, OTHER_KEY),
        Forged::Domain => (body.to_vec(), "opendsr.mixpanel.com.example", TEST_KEY),
        Forged::Url => {
            let elsewhere = text.replace(url, "https://elsewhere.example/status");
            (elsewhere.into_bytes(), DOMAIN, TEST_KEY)
        }
        Forged::No | Forged::Body | Forged::Unsigned => (body.to_vec(), DOMAIN, TEST_KEY),
    };
    let mut headers = headers(domain, &sign(key, &body)?);
    if how == Forged::Unsigned {
        headers.retain(|(name, _)| name != "x-opendsr-signature");
    }
    let body = if how == Forged::Body {
        text.replace("\"request_status\":\"", "\"request_status\" :\"")
            .into_bytes()
    } else {
        body
    };
    Ok(Callback {
        call: String::new(),
        url: url.to_owned(),
        headers,
        body,
    })
}

/// PKCS#1 v1.5 over SHA-256: the same signature each time.
fn sign(key: &[u8], body: &[u8]) -> io::Result<String> {
    let failed = || io::Error::other("the sandbox could not sign a callback");
    let key = RsaKeyPair::from_pkcs8(key).map_err(|_| failed())?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        body,
        &mut signature,
    )
    .map_err(|_| failed())?;
    Ok(STANDARD.encode(signature))
}
