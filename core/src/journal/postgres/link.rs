//! The thread that talks to the server. The journal's methods block and may be called from any
//! runtime, or none: the sockets live on a runtime of their own, and callers wait for answers
//! with nothing but their own thread.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc as async_mpsc, oneshot};
use tokio_postgres::{Client, Config, NoTls};

use super::address::Address;
use super::failure::{away, pg};
use super::tls::Tls;
use crate::error::{Error, ErrorKind, Result};

/// How long one statement may take before the connection counts as lost. The server gives up
/// earlier (`statement_timeout`).
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long closing connections may take.
const CLOSE_WITHIN: Duration = Duration::from_millis(500);

/// The thread; it ends with this.
pub(super) struct Link {
    runtime: Handle,
    connector: Connector,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    pid: u32,
}

/// Makes connections. Each has a task on the thread that moves its bytes.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: Option<Tls>,
    open: async_mpsc::Sender<()>,
}

impl Link {
    pub fn start(address: &Address) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Io, "cannot start the journal's thread").with_source(error)
        };
        let tls = if address.is_encrypted() {
            Some(Tls::new(address.root_cert.as_deref())?)
        } else {
            None
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let (open, mut closed) = async_mpsc::channel(1);
        let thread = std::thread::Builder::new()
            .name("dsrkit-journal".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let _ = stopped.await;
                    // Connections that were let go of say good-bye to the server.
                    let _ = tokio::time::timeout(CLOSE_WITHIN, closed.recv()).await;
                });
            })
            .map_err(failed)?;
        Ok(Self {
            runtime: handle,
            connector: Connector {
                config: address.config.clone(),
                tls,
                open,
            },
            stop: Some(stop),
            thread: Some(thread),
            pid: std::process::id(),
        })
    }

    /// Makes connections, for tasks on the thread.
    pub fn connector(&self) -> Connector {
        self.connector.clone()
    }

    /// Starts a task on the thread; it ends with the thread.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Connects, from any thread.
    pub fn connect(&self) -> Result<Client> {
        let (done, result) = mpsc::sync_channel(1);
        let connector = self.connector();
        self.spawn(async move {
            let _ = done.send(connector.connect().await);
        });
        result
            .recv_timeout(ANSWER_WITHIN)
            .unwrap_or_else(|_| Err(silent()))
    }

    /// In a forked child there is no such thread: nothing may wait for it.
    pub fn is_here(&self) -> bool {
        std::process::id() == self.pid
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let (stop, thread) = (self.stop.take(), self.thread.take());
        if !self.is_here() {
            return;
        }
        // The last of the two ends that keep the thread waiting for connections.
        let (lonely, _) = async_mpsc::channel(1);
        self.connector.open = lonely;
        if let Some(stop) = stop {
            let _ = stop.send(());
        }
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Connector {
    /// Connects, on the thread.
    pub async fn connect(&self) -> Result<Client> {
        let open = self.open.clone();
        let within = self.config.get_connect_timeout().copied();
        let within = within.unwrap_or(ANSWER_WITHIN).min(ANSWER_WITHIN);
        let client = tokio::time::timeout(within, async {
            // The two differ in their types only.
            match self.tls.clone() {
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    tokio::spawn(async move {
                        let _ = connection.await;
                        drop(open);
                    });
                    Ok(client)
                }
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls).await?;
                    tokio::spawn(async move {
                        let _ = connection.await;
                        drop(open);
                    });
                    Ok(client)
                }
            }
        })
        .await;
        client.map_err(|_| silent())?.map_err(pg)
    }
}

/// The server does not answer in time.
fn silent() -> Error {
    away("the PostgreSQL server of the journal does not answer")
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer that the thread brings.
pub(super) fn wait<T>(
    answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> Result<T> {
    let mut answer = pin!(answer);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let until = Instant::now() + ANSWER_WITHIN;
    loop {
        if let Poll::Ready(result) = answer.as_mut().poll(&mut cx) {
            return result.map_err(pg);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(silent());
        }
        std::thread::park_timeout(left);
    }
}
