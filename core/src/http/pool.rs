//! Connections that lie ready. All projects of a process share them.
//!
//! A connection is made when none lies ready and none is free again within a moment, and only so many
//! are made at once: whoever has to wait takes the first that is free. So a server that answers slowly gets as many
//! connections as it needs, and a machine that is short of time does not spend what it has on making
//! connections that nobody will need.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::Uri;
use tokio::sync::{Notify, Semaphore};
use url::Url;

use super::connect::{BoxError, Connector, Sender};

/// Connections that are made at once.
const MAKING: usize = 128;
/// While others are in use, one of them is likely to be free sooner than a new one is made.
const MOMENT: Duration = Duration::from_millis(5);
/// A connection that the server closes just as it is used again looks like a lost answer. At one
/// call a second there is nothing to gain from keeping one for long.
const READY_FOR: Duration = Duration::from_secs(15);

/// A server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The server that a URL points to.
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            https: url.scheme() == "https",
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    fn uri(&self) -> Result<Uri, BoxError> {
        let scheme = if self.https { "https" } else { "http" };
        Ok(format!("{scheme}://{}:{}/", self.host, self.port).parse()?)
    }
}

/// A connection that was free.
pub(super) struct Free {
    pub sender: Sender,
    /// It has carried nothing before.
    pub fresh: bool,
    /// Kept for as long as the connection is used.
    pub in_use: InUse,
}

pub(super) struct InUse(Arc<Shared>);

impl InUse {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.in_use.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(super) struct Pool(Arc<Shared>);

struct Shared {
    connector: Connector,
    connect_timeout: Duration,
    ready: Mutex<Vec<Ready>>,
    freed: Notify,
    making: Semaphore,
    in_use: AtomicUsize,
    sweeping: AtomicBool,
}

struct Ready {
    origin: Origin,
    sender: Sender,
    since: Instant,
}

impl Ready {
    fn is_usable(&self) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < READY_FOR
    }
}

impl Pool {
    pub fn new(connector: Connector, connect_timeout: Duration) -> Self {
        Self(Arc::new(Shared {
            connector,
            connect_timeout,
            ready: Mutex::default(),
            freed: Notify::new(),
            making: Semaphore::new(MAKING),
            in_use: AtomicUsize::new(0),
            sweeping: AtomicBool::new(false),
        }))
    }

    /// A connection to this server; an error means that none could be made.
    pub async fn take(&self, origin: &Origin) -> Result<Free, BoxError> {
        let shared = &self.0;
        let mut making = None;
        let others = shared.in_use.load(Ordering::Acquire) > 0;
        let mut until = others.then(|| tokio::time::Instant::now() + MOMENT);
        loop {
            if let Some(sender) = shared.take(origin) {
                return Ok(Free {
                    sender,
                    fresh: false,
                    in_use: InUse::new(shared),
                });
            }
            if making.is_some() {
                let connecting = shared.connector.connect(origin.uri()?);
                let sender = tokio::time::timeout(shared.connect_timeout, connecting).await??;
                return Ok(Free {
                    sender,
                    fresh: true,
                    in_use: InUse::new(shared),
                });
            }
            if let Some(moment) = until {
                let freed = shared.freed.notified();
                if tokio::time::timeout_at(moment, freed).await.is_err() {
                    until = None;
                }
                continue;
            }
            tokio::select! { biased;
                turn = shared.making.acquire() => making = Some(turn?),
                () = shared.freed.notified() => {}
            }
        }
    }

    /// Takes a connection back whose answer was read to its end.
    pub fn put(&self, origin: Origin, sender: Sender) {
        let shared = &self.0;
        shared.lock().push(Ready {
            origin,
            sender,
            since: Instant::now(),
        });
        shared.freed.notify_one();
        if !shared.sweeping.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(shared)));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Ready>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last, so that those that are not needed grow old.
    fn take(&self, origin: &Origin) -> Option<Sender> {
        let mut ready = self.lock();
        while let Some(at) = ready.iter().rposition(|ready| ready.origin == *origin) {
            let found = ready.remove(at);
            if found.is_usable() {
                return Some(found.sender);
            }
        }
        None
    }
}

/// Closes what nobody needed for a while, until nothing is left.
async fn sweep(pool: Weak<Shared>) {
    loop {
        tokio::time::sleep(READY_FOR).await;
        let Some(shared) = pool.upgrade() else { return };
        let mut ready = shared.lock();
        ready.retain(Ready::is_usable);
        if ready.is_empty() {
            shared.sweeping.store(false, Ordering::Release);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings::Settings;

    async fn server() -> (tokio::net::TcpListener, Origin) {
        let here = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", here.local_addr().unwrap());
        let origin = Origin::of(&Url::parse(&url).unwrap()).unwrap();
        (here, origin)
    }

    #[tokio::test]
    async fn who_needs_another_server_does_not_wait_for_connections_to_this_one() {
        let pool = Pool::new(
            Connector::new(&Settings::default(), true).unwrap(),
            Duration::from_secs(5),
        );
        let ((_here, busy), (_there, other)) = (server().await, server().await);
        let coming_and_going = async {
            loop {
                pool.0.freed.notify_one();
                tokio::task::yield_now().await;
            }
        };
        let first = pool.take(&busy).await.unwrap();
        assert!(first.fresh);
        pool.put(busy.clone(), first.sender);
        tokio::select! {
            taken = pool.take(&other) => assert!(taken.unwrap().fresh),
            () = coming_and_going => {}
            () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it waits for ever"),
        }
    }
}
