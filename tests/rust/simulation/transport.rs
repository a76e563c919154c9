//! The ways from a process to the vendor and to its archives.

use std::sync::Arc;

use dsrkit::archive::{Body, ByteRange, ResumeFrom, Store, StoreAnswer};
use dsrkit::http::transport::Transport;
use dsrkit::model::time::BoxFuture;
use dsrkit::model::wire::{Request, Response};
use dsrkit::{Error, ErrorKind, Result, Sent};
use dsrkit_sandbox as vendor;
use dsrkit_sandbox::{Host, Reply, Wire};

use super::world::{Arrival, PATIENCE, World};

/// The network as one process has it.
pub struct Network {
    world: Arc<World>,
    process: u32,
}

impl Network {
    pub fn new(world: &Arc<World>, process: u32) -> Self {
        Self {
            world: Arc::clone(world),
            process,
        }
    }

    /// Goes on, unless the process has died: then nothing ever follows.
    async fn step(&self, what: impl FnOnce() -> String) {
        if !self.world.step(self.process, what) {
            std::future::pending::<()>().await;
        }
        self.world.stand_still(self.process, true).await;
    }

    async fn exchange(&self, host: Host, request: &vendor::Request) -> Result<Reply> {
        let time = &self.world.time;
        if !self.world.alive(self.process) {
            std::future::pending::<()>().await;
        }
        let left = time.now();
        let Ok(post) = self.world.leaves(self.process, host, request) else {
            return std::future::pending().await;
        };
        self.step(|| format!("{} {}", request.method, request.path))
            .await;
        let (there, back) = self.world.way();
        time.sleep(time.now() + there, true).await;
        let late = time.now() - left > PATIENCE;
        let arrival = self.world.arrives(self.process, host, request, post, late);
        self.step(|| "the answer is on its way".to_owned()).await;
        match arrival {
            Arrival::Refused => {
                time.sleep(time.now() + back, true).await;
                Err(
                    Error::new(ErrorKind::Unavailable, "cannot connect to the vendor")
                        .sent(Sent::No),
                )
            }
            Arrival::Lost => {
                time.sleep(time.now() + PATIENCE - there, true).await;
                Err(
                    Error::new(ErrorKind::Unavailable, "the vendor did not answer in time")
                        .sent(Sent::Maybe),
                )
            }
            Arrival::Answered(reply) => {
                time.sleep(time.now() + back, true).await;
                Ok(reply)
            }
        }
    }
}

fn credential(request: &Request) -> Result<Vec<(String, String)>> {
    let (name, value) = request.auth.header()?;
    Ok(vec![(name.to_string(), value.to_str().unwrap().to_owned())])
}

impl Transport for Network {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let request = vendor::Request {
                method: request.method.as_str().to_owned(),
                path: request.url.path().to_owned(),
                query: request.query.expose().to_owned(),
                headers: credential(&request)?,
                body: request.body.map(|body| body.to_vec()).unwrap_or_default(),
            };
            let mut reply = self.exchange(Host::Api, &request).await?;
            if reply.wire == Wire::Reset {
                reply.body.truncate(reply.body.len() / 2);
            }
            let mut headers = http::HeaderMap::new();
            for (name, value) in &reply.headers {
                let name = http::HeaderName::try_from(name).unwrap();
                headers.append(name, http::HeaderValue::try_from(value).unwrap());
            }
            Ok(Response {
                status: http::StatusCode::from_u16(reply.status).unwrap(),
                headers,
                body: reply.body.into(),
            })
        })
    }
}

impl Store for Network {
    fn get<'a>(
        &'a self,
        link: &'a url::Url,
        from: Option<ResumeFrom>,
    ) -> BoxFuture<'a, Result<StoreAnswer>> {
        Box::pin(async move {
            let mut request = vendor::Request {
                method: "GET".to_owned(),
                path: link.path().to_owned(),
                query: link.query().unwrap_or_default().to_owned(),
                ..vendor::Request::default()
            };
            if let Some(from) = from {
                let range = ("range".to_owned(), format!("bytes={}-", from.offset));
                request.headers.push(range);
                request.headers.push(("if-range".to_owned(), from.etag));
            }
            let reply = self.exchange(Host::Store, &request).await?;
            let arrives = match reply.wire {
                Wire::Reset => reply.body.len() / 2,
                Wire::Truncate(bytes) => bytes,
                _ => reply.body.len(),
            };
            Ok(StoreAnswer {
                status: reply.status,
                etag: reply.header("etag").map(str::to_owned),
                content_length: Some(reply.body.len() as u64),
                content_range: reply.header("content-range").and_then(range),
                body: Box::new(Bytes {
                    cut: arrives < reply.body.len(),
                    left: Some(reply.body[..arrives].to_vec()),
                }),
            })
        })
    }
}

fn range(text: &str) -> Option<ByteRange> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some(ByteRange {
        start: range.split_once('-')?.0.parse().ok()?,
        total: total.parse().ok(),
    })
}

struct Bytes {
    left: Option<Vec<u8>>,
    cut: bool,
}

impl Body for Bytes {
    fn next_chunk(&mut self) -> BoxFuture<'_, Result<Option<bytes::Bytes>>> {
        Box::pin(async move {
            match self.left.take() {
                Some(bytes) => Ok(Some(bytes.into())),
                None if self.cut => Err(Error::new(ErrorKind::Unavailable, "the connection broke")),
                None => Ok(None),
            }
        })
    }
}
