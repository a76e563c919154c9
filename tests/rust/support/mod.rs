//! What the tests of whole runs share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use dsrkit::http::transport::Transport;
use dsrkit::model::time::{BoxFuture, Clock};
use dsrkit::model::wire::{Request, Response};
use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{
    Client, Compliance, IdSource, Journal, Kind, PlanHandle, PlanOptions, Result, Settings, Terms,
};
use serde_json::{Value, json};

pub fn sandbox(options: Value, faults: &Value) -> Sandbox {
    let sandbox = Sandbox::start(SandboxOptions {
        vendor: options,
        ..SandboxOptions::default()
    })
    .unwrap();
    sandbox.faults(faults).unwrap();
    sandbox
}

pub fn client(sandbox: &Sandbox, journal: &Path) -> Result<Client> {
    Client::builder(sandbox.mixpanel().build()?)
        .journal(Journal::sqlite(journal)?)
        .seed(1)
        .build()
}

pub fn client_over(
    sandbox: &Sandbox,
    journal: &Path,
    transport: Arc<dyn Transport>,
) -> Result<Client> {
    Client::builder(sandbox.mixpanel().build()?)
        .journal(Journal::sqlite(journal)?)
        .transport(transport)
        .seed(1)
        .build()
}

pub fn terms(kind: Kind) -> Terms {
    Terms {
        kind,
        compliance: Compliance::Gdpr,
        disclosure: None,
    }
}

pub fn plan(client: &Client, kind: Kind, count: usize) -> PlanHandle {
    let ids = (0..count).map(|number| format!("user-{number}"));
    client
        .freeze(IdSource::iter(ids), terms(kind), &PlanOptions::default())
        .unwrap()
}

/// A way to the vendor that hangs for ever at one call: before it is sent, or after the vendor has
/// answered. What a killed process leaves behind.
pub struct Hangs {
    inner: dsrkit::http::transport::HttpTransport,
    calls: AtomicU32,
    at: u32,
    after: bool,
    pub hung: Arc<tokio::sync::Notify>,
}

impl Hangs {
    pub fn new(at: u32, after: bool) -> Self {
        Self {
            inner: dsrkit::http::transport::HttpTransport::new(&Settings::default(), true).unwrap(),
            calls: AtomicU32::new(0),
            at,
            after,
            hung: Arc::new(tokio::sync::Notify::new()),
        }
    }
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Transport for Hangs {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let here = self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
            if here && !self.after {
                self.hung.notify_one();
                std::future::pending::<()>().await;
            }
            let response = self.inner.send(request).await;
            if here {
                self.hung.notify_one();
                std::future::pending::<()>().await;
            }
            response
        })
    }
}

/// How many carried-out creates held the id that was in most of them, and how many ids there were.
pub fn submissions(sandbox: &Sandbox) -> (u64, usize) {
    let mut times = std::collections::BTreeMap::<String, u64>::new();
    for entry in sandbox.ledger().as_array().unwrap() {
        let create = entry["operation"].as_str().unwrap().starts_with("create_");
        if create && entry["processed"] == json!(true) {
            for id in entry["ids"].as_array().unwrap() {
                *times.entry(id.as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    (times.values().copied().max().unwrap_or(0), times.len())
}

/// What the clock on the wall says jumps; the monotonic one does not.
pub struct Jump {
    pub inner: Arc<dyn Clock>,
    pub by: AtomicI64,
}
impl Clock for Jump {
    fn now(&self) -> i64 {
        self.inner.now() + self.by.load(Ordering::Relaxed)
    }
    fn monotonic(&self) -> i64 {
        self.inner.monotonic()
    }
    fn sleep_until(&self, m: i64) -> BoxFuture<'_, ()> {
        self.inner.sleep_until(m)
    }
    fn busy(&self) -> Box<dyn Send + Sync> {
        self.inner.busy()
    }
}
