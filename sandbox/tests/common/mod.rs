//! A vendor behind real HTTP, with a clock that only the test moves.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use dsrkit_sandbox::{Fault, Host, Options, Reply, Request, Server, Time, World};
use serde_json::{Value, json};

pub const START_MS: i64 = 1_700_000_000_000;
pub const DAY_MS: i64 = 86_400_000;

pub struct Clock(pub AtomicI64);

impl Time for Clock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn advance(&self, ms: i64) -> bool {
        self.0.fetch_add(ms, Ordering::SeqCst);
        true
    }
}

pub struct Vendor {
    pub world: Arc<Mutex<World>>,
    pub clock: Arc<Clock>,
    pub server: Server,
    pub http: reqwest::Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn task_id(&self) -> String {
        self.json()["results"]["task_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Vendor {
    pub fn start(options: Options) -> Self {
        Self::serve(World::new(options))
    }

    pub fn serve(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let clock = Arc::new(Clock(AtomicI64::new(START_MS)));
        let server = Server::start(world.clone(), clock.clone(), 0, 0).unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            world,
            clock,
            server,
            http,
        }
    }

    pub fn with_fault(fault: Fault) -> Self {
        let vendor = Self::start(Options::default());
        vendor
            .world
            .lock()
            .unwrap()
            .add_faults(vec![fault])
            .unwrap();
        vendor
    }

    pub fn advance(&self, ms: i64) {
        self.clock.advance(ms);
    }

    /// A healthy call, a second after the last one.
    pub async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Answer> {
        self.advance(1_000);
        let url = format!(
            "{}{path}?token=sandbox-project-token",
            self.server.base_url()
        );
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("authorization", "Bearer sandbox-oauth-token");
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        answer(request).await
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body).await.unwrap()
    }

    pub async fn delete(&self, ids: &[&str]) -> Answer {
        self.call(
            "POST",
            "/data-deletions/v3.0/",
            Some(json!({"distinct_ids": ids})),
        )
        .await
    }

    pub async fn retrieve(&self, ids: &[&str]) -> Answer {
        self.call(
            "POST",
            "/data-retrievals/v3.0/",
            Some(json!({"distinct_ids": ids})),
        )
        .await
    }

    pub async fn deletion(&self, id: &str) -> Answer {
        self.call("GET", &format!("/data-deletions/v3.0/{id}/"), None)
            .await
    }

    pub async fn retrieval(&self, id: &str) -> Answer {
        self.call("GET", &format!("/data-retrievals/v3.0/{id}/"), None)
            .await
    }

    /// A finished retrieval's fresh link.
    pub async fn link(&self) -> String {
        let id = self.retrieve(&["a", "b"]).await.task_id();
        self.advance(10 * DAY_MS);
        self.retrieval(&id).await.json()["results"]["result"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub async fn fetch(&self, link: &str, headers: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let request = self.http.get(link);
        answer(headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        }))
        .await
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer {
        status,
        headers,
        body: response.bytes().await?.to_vec(),
    })
}

/// The same without a socket.
pub fn handle(
    world: &mut World,
    method: &str,
    path: &str,
    body: Option<Value>,
    now_ms: i64,
) -> Reply {
    let request = Request {
        method: method.into(),
        path: format!("/api/app{path}"),
        query: "token=sandbox-project-token".into(),
        headers: vec![("Authorization".into(), "Bearer sandbox-oauth-token".into())],
        body: body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default(),
    };
    world.handle(Host::Api, &request, now_ms)
}

pub fn options(json: Value) -> Options {
    serde_json::from_value(json).unwrap()
}

pub fn fault(json: Value) -> Fault {
    serde_json::from_value(json).unwrap()
}
