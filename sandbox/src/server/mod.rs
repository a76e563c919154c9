//! A thin HTTP shell round the state machine, on 127.0.0.1 only.

mod body;
mod control;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use body::Script;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::message::{Host, Reply, Request, Wire};
use crate::world::World;

/// No request of a client comes near it.
const MOST_BODY: usize = 64 << 20;

/// The vendor's clock.
pub trait Time: Send + Sync {
    /// Milliseconds of the Unix time.
    fn now_ms(&self) -> i64;

    /// Moves the clock on; false when this clock cannot be moved.
    fn advance(&self, ms: i64) -> bool {
        let _ = ms;
        false
    }
}

/// A running server; dropping it stops it.
pub struct Server {
    api: SocketAddr,
    store: SocketAddr,
    running: Mutex<Option<(oneshot::Sender<Infallible>, JoinHandle<()>)>>,
}

/// What every connection needs.
#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    time: Arc<dyn Time>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // The state machine does not panic; if it ever did, the next answer shows it better than a hang.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Serves on a thread of its own; port 0 takes a free one. Links of archives point to it from now on.
    pub fn start(
        world: Arc<Mutex<World>>,
        time: Arc<dyn Time>,
        api_port: u16,
        store_port: u16,
    ) -> io::Result<Self> {
        let (api, store) = (bind(api_port)?, bind(store_port)?);
        let (api_addr, store_addr) = (api.local_addr()?, store.local_addr()?);
        let shared = Shared { world, time };
        shared
            .world()
            .set_store_base_url(&format!("http://{store_addr}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = std::thread::Builder::new()
            .name("dsrkit-sandbox".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        _ = accept(api, Host::Api, shared.clone()) => {}
                        _ = accept(store, Host::Store, shared) => {}
                    }
                });
                // Connections still open end with the runtime, which is dropped here.
            })?;
        Ok(Self {
            api: api_addr,
            store: store_addr,
            running: Mutex::new(Some((stop, thread))),
        })
    }

    /// What a client takes for the vendor's base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/app", self.api)
    }

    /// Where archives are fetched from.
    pub fn archive_base_url(&self) -> String {
        format!("http://{}", self.store)
    }

    /// Stops serving and waits for the thread; a second time does nothing.
    pub fn stop(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((stop, thread)) = running {
            drop(stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn accept(listener: TcpListener, host: Host, shared: Shared) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, host, shared.clone()))),
            // Out of descriptors, most likely: connections that end give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn serve(stream: TcpStream, host: Host, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let service = {
        let reset = reset.clone();
        service_fn(move |request| answer(request, host, shared.clone(), reset.clone()))
    };
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = (&mut connection).await;
    if reset.load(Ordering::Relaxed) {
        // Closing without lingering sends a reset instead of an orderly end.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// The connection is closed with no answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

async fn answer(
    request: hyper::Request<Incoming>,
    host: Host,
    shared: Shared,
    reset: Arc<AtomicBool>,
) -> Result<hyper::Response<Script>, Closed> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MOST_BODY)
        .collect()
        .await
        .map_err(|_| Closed)?
        .to_bytes();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body: body.to_vec(),
    };
    let reply = if host == Host::Api && control::is_control(&request.path) {
        control::answer(&request, &shared)
    } else {
        let mut world = shared.world();
        let now_ms = shared.time.now_ms();
        world.handle(host, &request, now_ms)
    };
    match reply.wire {
        Wire::DropBeforeProcessing | Wire::DropAfterProcessing => return Err(Closed),
        Wire::Reset => reset.store(true, Ordering::Relaxed),
        Wire::Normal | Wire::Truncate(_) | Wire::Slow { .. } => {}
    }
    Ok(response(reply))
}

fn response(reply: Reply) -> hyper::Response<Script> {
    let length = reply.body.len();
    let bare = matches!(reply.status, 204 | 304);
    let mut response = hyper::Response::new(Script::new(Bytes::from(reply.body), reply.wire));
    *response.status_mut() = hyper::StatusCode::from_u16(reply.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        // A script may hold a header that cannot be sent: it is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if !bare {
        response
            .headers_mut()
            .insert(hyper::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
