//! The simulated vendor without sockets, at the end of a line that takes 150 ms there and back.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dsrkit::http::transport::Transport;
use dsrkit::model::time::{BoxFuture, Clock as _};
use dsrkit::model::wire::{Operation, Reading, Request, Response};
use dsrkit::pace::clock::VirtualClock;
use dsrkit::vendor::{Capabilities, Vendor};
use dsrkit::{Kind, Mixpanel, Result, Secret, Terms};
use dsrkit_sandbox::{Host, Options, World};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::campaign::START;

/// There and back.
pub const ROUND_TRIP_MS: i64 = 150;
/// The same, once a shorter way has been found.
const SHORT_TRIP_MS: i64 = 30;

/// What a scenario asks of the vendor.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub kind: Kind,
    pub jobs: usize,
    pub median_ms: f64,
    pub sigma: f64,
    /// Days since the project's first event; 1826 days may be outstanding.
    pub age_days: u64,
    pub gradually: bool,
    /// So long after the start, as many days may be outstanding.
    pub moved: Option<(i64, u64)>,
    /// So long after the start, the line takes a shorter way.
    pub shorter: Option<i64>,
}

impl Scenario {
    pub fn options(&self, seed: u64) -> Options {
        Options {
            seed,
            project_age_days: self.age_days,
            scan_budget_moves: self
                .moved
                .map(|(after, days)| (START + after, days))
                .into_iter()
                .collect(),
            scans_freed: if self.gradually {
                dsrkit_sandbox::ScansFreed::Gradually
            } else {
                dsrkit_sandbox::ScansFreed::AtEnd
            },
            job_lognormal: Some(dsrkit_sandbox::Lognormal {
                median_ms: self.median_ms,
                sigma: self.sigma,
            }),
            // An end is an end; archives would only be bytes to move, which the pace does not count.
            fail_tasks: (1..=self.jobs as u64).collect(),
            ..Options::default()
        }
    }
}

/// Every request goes straight into the state machine.
pub struct Line {
    pub world: Arc<Mutex<World>>,
    pub clock: Arc<VirtualClock>,
    pub shorter: Option<i64>,
}

impl Line {
    /// One way.
    fn pass(&self) {
        let short = self
            .shorter
            .is_some_and(|after| self.clock.now() >= START + after);
        let trip = if short { SHORT_TRIP_MS } else { ROUND_TRIP_MS };
        self.clock.advance(trip / 2);
    }
}

impl Transport for Line {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            self.pass();
            let (name, value) = request.auth.header()?;
            let raw = dsrkit_sandbox::Request {
                method: request.method.as_str().to_owned(),
                path: request.url.path().to_owned(),
                query: request.query.expose().to_owned(),
                headers: vec![(name.to_string(), value.to_str().unwrap().to_owned())],
                body: request.body.unwrap_or_default().to_vec(),
            };
            let now = self.clock.now();
            let reply = self.world.lock().unwrap().handle(Host::Api, &raw, now);
            self.pass();
            let mut headers = HeaderMap::new();
            for (name, value) in &reply.headers {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
            Ok(Response {
                status: StatusCode::from_u16(reply.status).unwrap(),
                headers,
                body: Bytes::from(reply.body),
            })
        })
    }
}

/// Mixpanel with one id in each request: the schedule does not depend on how many there are.
#[derive(Debug)]
pub struct OneEach(pub Mixpanel);

impl Vendor for OneEach {
    fn max_ids(&self, _: Kind) -> usize {
        1
    }
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn base_url(&self) -> &url::Url {
        self.0.base_url()
    }
    fn project_key(&self) -> &Secret {
        self.0.project_key()
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn check(&self, terms: Terms) -> Result<()> {
        self.0.check(terms)
    }
    fn create_body(&self, terms: Terms, ids_json: &str) -> String {
        self.0.create_body(terms, ids_json)
    }
    fn request(&self, operation: &Operation) -> Result<Request> {
        self.0.request(operation)
    }
    fn read(&self, operation: &Operation, response: &Response) -> Reading {
        self.0.read(operation, response)
    }
    fn archive_secrets(&self) -> &[Secret] {
        self.0.archive_secrets()
    }
    fn archive_hosts(&self) -> &[String] {
        self.0.archive_hosts()
    }
    fn clock(&self) -> Option<Arc<dyn dsrkit::model::time::Clock>> {
        self.0.clock()
    }
}
