//! A simulated Formbox, without sockets: it stands where HTTP would stand, on a virtual clock. It
//! speaks raw JSON and shares no type with `formbox.rs`, so a wrong name cannot pass on both sides.

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use dsrkit::archive::{Body, ResumeFrom, Store, StoreAnswer, StoreFuture};
use dsrkit::http::transport::Transport;
use dsrkit::model::time::{BoxFuture, Clock};
use dsrkit::model::wire::{Request, Response};
use dsrkit::pace::clock::VirtualClock;
use dsrkit::{Error, ErrorKind, Result, Sent};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// How long a request waits, and how long the work takes: hours.
const QUEUED_MS: i64 = 2 * 3_600_000;
const WORKING_MS: i64 = 20 * 3_600_000;

struct Ticket {
    kind: String,
    people: Vec<String>,
    at: i64,
}

#[derive(Default)]
struct Books {
    tickets: Vec<Ticket>,
    calls: Vec<(i64, String)>,
    lose: Option<usize>,
    refused: usize,
}

/// The simulated vendor: its API and its file server.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<VirtualClock>,
    books: Arc<Mutex<Books>>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            clock: Arc::new(VirtualClock::new(1_767_603_600_000)),
            books: Arc::default(),
        }
    }
}

impl World {
    /// One at the beginning of 2026, without a ticket.
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer to this call (from 1) will be lost, after it was carried out.
    pub fn lose(&self, call: usize) {
        self.books().lose = Some(call);
    }

    /// Every call as method and path, with its time.
    pub fn calls(&self) -> Vec<(i64, String)> {
        self.books().calls.clone()
    }

    /// How many calls came too soon.
    pub fn refused(&self) -> usize {
        self.books().refused
    }

    /// The people of all tickets of a kind.
    pub fn people(&self, kind: &str) -> Vec<String> {
        let books = self.books();
        let of_kind = books.tickets.iter().filter(|ticket| ticket.kind == kind);
        of_kind.flat_map(|ticket| ticket.people.clone()).collect()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let now = self.clock.now();
        let mut books = self.books();
        let path = request.url.path().to_owned();
        let last = books.calls.last().map(|(at, _)| *at);
        books
            .calls
            .push((now, format!("{} {path}", request.method)));
        let key = |(name, value): (HeaderName, HeaderValue)| {
            name == "x-formbox-key" && value == "formbox-key"
        };
        if !request.auth.header().is_ok_and(key) || request.query.expose() != "account=acme" {
            return (401, json!({"code": "who_are_you"}));
        }
        if last.is_some_and(|last| now - last < 2000) {
            books.refused += 1;
            return (429, json!({"code": "slow_down"}));
        }
        match (request.method.as_str(), path.rsplit_once('/')) {
            ("POST", Some(("/privacy", "requests"))) => create(&mut books, request, now),
            ("GET", Some(("/privacy/requests", ticket))) => tell(&books, ticket, now),
            _ => (404, json!({"code": "nothing_here"})),
        }
    }
}

fn create(books: &mut Books, request: &Request, now: i64) -> (u16, Value) {
    let body = request.body.as_deref().unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let kind = body.get("kind").and_then(Value::as_str);
    let kind = kind.unwrap_or_default().to_owned();
    let limit = match kind.as_str() {
        "erase" => 100,
        "copy" => 10,
        _ => return (400, json!({"code": "no_such_kind"})),
    };
    let people: Vec<String> = match body.get("people").and_then(Value::as_array) {
        Some(people) => people
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        None => return (400, json!({"code": "no_people"})),
    };
    if people.len() > limit {
        return (422, json!({"code": "too_many_people"}));
    }
    let at = now;
    books.tickets.push(Ticket { kind, people, at });
    (202, json!({"ticket": format!("t-{}", books.tickets.len())}))
}

fn find<'a>(books: &'a Books, name: &str) -> Option<&'a Ticket> {
    let number: usize = name.strip_prefix("t-")?.parse().ok()?;
    books.tickets.get(number.checked_sub(1)?)
}

fn tell(books: &Books, name: &str, now: i64) -> (u16, Value) {
    let Some(ticket) = find(books, name) else {
        return (404, json!({"code": "no_such_ticket"}));
    };
    let age = now - ticket.at;
    let state = match age {
        _ if age < QUEUED_MS => "queued",
        _ if age < QUEUED_MS + WORKING_MS => "working",
        _ => "done",
    };
    let archive = (state == "done" && ticket.kind == "copy")
        .then(|| format!("https://files.formbox.example/{name}.zip?key=0123"));
    (
        200,
        json!({"ticket": name, "state": state, "archive": archive}),
    )
}

impl Transport for World {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let (status, body) = self.answer(&request);
            let call = self.books().calls.len();
            if self.books().lose == Some(call) {
                let text = "the connection broke before the vendor answered";
                return Err(Error::new(ErrorKind::Unavailable, text).sent(Sent::Maybe));
            }
            Ok(Response {
                status: StatusCode::from_u16(status).unwrap_or_default(),
                headers: HeaderMap::new(),
                body: Bytes::from(body.to_string()),
            })
        })
    }
}

/// One piece.
struct Whole(Option<Bytes>);

impl Body for Whole {
    fn next_chunk(&mut self) -> StoreFuture<'_, Option<Bytes>> {
        let piece = self.0.take();
        Box::pin(async move { Ok(piece) })
    }
}

impl Store for World {
    fn get<'a>(&'a self, link: &'a Url, _: Option<ResumeFrom>) -> StoreFuture<'a, StoreAnswer> {
        Box::pin(async move {
            let name = link.path().trim_start_matches('/').trim_end_matches(".zip");
            let people = find(&self.books(), name).map(|ticket| ticket.people.clone());
            let zip = people.and_then(|people| archive(&people).ok());
            let bytes = Bytes::from(zip.unwrap_or_default());
            Ok(StoreAnswer {
                status: if bytes.is_empty() { 404 } else { 200 },
                etag: None,
                content_length: Some(bytes.len() as u64),
                content_range: None,
                body: Box::new(Whole(Some(bytes))),
            })
        })
    }
}

/// What each of them filled in, a line each.
fn archive(people: &[String]) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("forms.jsonl", zip::write::SimpleFileOptions::default())?;
    for person in people {
        let properties = json!({"distinct_id": person, "time": 1_767_600_000, "form": "contact"});
        let line = json!({"event": "form sent", "properties": properties});
        writeln!(zip, "{line}")?;
    }
    Ok(zip.finish()?.into_inner())
}
