//! Formbox: a vendor that does not exist, written as somebody outside dsrkit would write one. All
//! that it needs is public. `docs/VENDORS.md` goes through it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dsrkit::model::time::Clock;
use dsrkit::model::wire::{
    Auth, Credential, Operation, PathForm, Reading, Refusal, Request, Response, Subject,
};
use dsrkit::vendor::{Capabilities, Vendor, base_url};
use dsrkit::{Compliance, Error, ErrorKind, Job, JobStatus, Kind, Result, Secret, Terms};
use http::{HeaderName, Method};
use serde_json::Value;
use url::Url;

pub mod world;

/// An account at Formbox.
pub struct Formbox {
    base_url: Url,
    account: Secret,
    key: Secret,
    archive_hosts: Vec<String>,
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for Formbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Formbox({})", self.base_url)
    }
}

impl Formbox {
    /// `clock` is for a simulated Formbox; `None` for the real one.
    pub fn new(url: &str, account: &str, key: &str, clock: Option<Arc<dyn Clock>>) -> Result<Self> {
        Ok(Self {
            base_url: base_url(url)?,
            account: Secret::token("account", account)?,
            key: Secret::token("key", key)?,
            archive_hosts: vec!["files.formbox.example".to_owned()],
            clock,
        })
    }
}

impl Vendor for Formbox {
    fn name(&self) -> &'static str {
        "formbox-1"
    }
    fn base_url(&self) -> &Url {
        &self.base_url
    }
    fn project_key(&self) -> &Secret {
        &self.account
    }
    /// None of them: no cancel, no refusal of a second request, no scans, no names of ours.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }
    /// Documented: a call in two seconds.
    fn interval(&self) -> Duration {
        Duration::from_secs(2)
    }
    fn credential(&self) -> Credential {
        Credential {
            name: "Formbox key",
            renew: "Make a new key under Formbox > Privacy, and open the client with it.",
            ..Credential::default()
        }
    }
    fn max_ids(&self, kind: Kind) -> usize {
        match kind {
            Kind::Retrieval => 10,
            Kind::Deletion => 100,
        }
    }
    fn check(&self, terms: Terms) -> Result<()> {
        if terms.compliance == Compliance::Gdpr && terms.disclosure.is_none() {
            return Ok(());
        }
        let text = "Formbox knows GDPR requests only";
        Err(Error::new(ErrorKind::Config, text))
    }
    /// A pure function of terms and ids: the engine compares its digest before each request.
    fn create_body(&self, terms: Terms, ids_json: &str) -> String {
        let kind = match terms.kind {
            Kind::Retrieval => "copy",
            Kind::Deletion => "erase",
        };
        format!("{{\"kind\":\"{kind}\",\"people\":{ids_json}}}")
    }
    fn request(&self, operation: &Operation) -> Result<Request> {
        let mut url = self.base_url.clone();
        let (method, ticket, body) = match operation {
            Operation::Create {
                terms, ids_json, ..
            } => {
                let body = self.create_body(*terms, &ids_json.0);
                (Method::POST, None, Some(Bytes::from(body)))
            }
            Operation::Get { task, .. } => (Method::GET, Some(task), None),
            // Never asked for: the capabilities say so.
            Operation::Cancel { .. } => {
                let text = "Formbox has no cancel";
                return Err(Error::new(ErrorKind::Config, text));
            }
        };
        if let Ok(mut path) = url.path_segments_mut() {
            path.push("requests");
            if let Some(ticket) = ticket {
                path.push(checked(ticket)?);
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("account", self.account.expose())
            .finish();
        Ok(Request {
            method,
            url,
            query: Secret::new(query),
            auth: Auth::Header(HeaderName::from_static("x-formbox-key"), self.key.clone()),
            body,
        })
    }
    fn item_forms(&self, _: &Operation) -> &'static [PathForm] {
        &[PathForm::Bare]
    }
    fn read(&self, operation: &Operation, response: &Response) -> Reading {
        let Ok(body) = serde_json::from_slice::<Value>(&response.body) else {
            return Reading::Unreadable("no JSON");
        };
        if !response.status.is_success() {
            let about = match body.get("code").and_then(Value::as_str) {
                Some("too_many_people" | "bad_person") => Subject::Ids,
                Some("slow_down") => Subject::Rate,
                _ => Subject::Unknown,
            };
            let conflict = None;
            return Reading::Refused(Refusal { about, conflict });
        }
        let text = |name| body.get(name).and_then(Value::as_str);
        let ticket = text("ticket").filter(|ticket| checked(ticket).is_ok());
        match (operation, ticket, text("state")) {
            (Operation::Create { .. }, Some(ticket), _) => Reading::Created(vec![ticket.into()]),
            (Operation::Get { kind, task, .. }, Some(ticket), Some(state)) if ticket == task => {
                Reading::Status(Box::new(Job {
                    id: task.clone(),
                    kind: *kind,
                    status: status(state),
                    download_url: text("archive").map(Secret::new),
                    requested_at: None,
                    request_id: None,
                    distinct_ids: None,
                }))
            }
            _ => Reading::Unreadable("no ticket, or another one"),
        }
    }
    fn archive_secrets(&self) -> &[Secret] {
        &[]
    }
    fn archive_hosts(&self) -> &[String] {
        &self.archive_hosts
    }
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone()
    }
}

/// Formbox's words in the words of dsrkit. One that is new is kept, polled on and reported.
fn status(state: &str) -> JobStatus {
    match state {
        "queued" => JobStatus::Pending,
        "working" => JobStatus::Started,
        "done" => JobStatus::Success,
        "failed" => JobStatus::Failure,
        other => JobStatus::parse(other),
    }
}

/// A ticket becomes a part of a path.
fn checked(ticket: &str) -> Result<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !ticket.is_empty() && ticket.len() <= 40 && ticket.chars().all(plain) {
        return Ok(ticket);
    }
    let text = "a ticket is made of letters, digits and -";
    Err(Error::new(ErrorKind::InvalidInput, text))
}
