//! Closing a client. Python may still hold runs, generators and waiting threads of it; when `close`
//! comes back, the journal is free for another client all the same.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use dsrkit::vendor::Vendor;
use dsrkit::{Client, Error, ErrorKind, EventReader, Network, Result, Settings};
use pyo3::prelude::*;
use tokio::sync::watch;

use crate::convert;
use crate::door::{Owned, Work};

type Reader = tokio::sync::Mutex<Option<EventReader>>;

/// Lets work in until the client is closed, and ends what is waiting then.
pub struct Gate {
    client: Mutex<Option<Arc<Client>>>,
    closed: watch::Sender<bool>,
    readers: Mutex<Vec<Weak<Reader>>>,
}

impl Gate {
    pub fn new(client: Client) -> Self {
        Self {
            client: Mutex::new(Some(Arc::new(client))),
            closed: watch::Sender::new(false),
            readers: Mutex::default(),
        }
    }

    pub fn client(&self) -> Result<Arc<Client>> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.clone().ok_or_else(closed)
    }

    /// The client, with settings and a network of its own for single calls.
    pub fn client_for(&self, calls: Option<&(Settings, Network)>) -> Result<Arc<Client>> {
        let client = self.client()?;
        match calls {
            None => Ok(client),
            Some((settings, network)) => client
                .with_settings(settings.clone(), network)
                .map(Arc::new),
        }
    }

    /// A network for single calls by these settings, if the client may make such calls.
    pub fn network(&self, settings: &Settings, vendor: &dyn Vendor) -> Result<Network> {
        settings.check()?;
        let network = Network::new(settings, vendor)?;
        self.client()?.with_settings(settings.clone(), &network)?;
        Ok(network)
    }

    /// Work that ends when the client is closed. Whatever of the client it uses, it must own.
    pub fn pass<T, F>(&self, work: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        F: Future<Output = Result<T>>,
    {
        until_closed(self.closed.subscribe(), work)
    }

    /// Closes; gives the work of waiting, for so many seconds, until nobody holds the client.
    pub fn close(&self, patience: f64) -> impl Future<Output = Result<()>> + use<> {
        self.closed.send_replace(true);
        let client = self
            .client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = std::mem::take(&mut *readers);
        async move {
            if let Some(client) = client {
                // What is not recorded in time is found as ambiguous by the next process.
                drop(within(Some(patience), let_go(client, readers)).await);
            }
            Ok(())
        }
    }

    fn read(&self, reader: EventReader) -> Arc<Reader> {
        let reader = Arc::new(Reader::new(Some(reader)));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.strong_count() > 0);
        readers.push(Arc::downgrade(&reader));
        reader
    }
}

/// Waits until the call under way is recorded and nobody holds the client any more.
async fn let_go(client: Arc<Client>, readers: Vec<Weak<Reader>>) -> Result<()> {
    // What cannot be removed from the journal now is removed when it is opened again.
    let _ = client.close().await;
    for reader in readers.iter().filter_map(Weak::upgrade) {
        reader.lock().await.take();
    }
    let held = Arc::downgrade(&client);
    drop(client);
    // Work that was given up is dropped by the thread that carried it, in a moment.
    while held.strong_count() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn until_closed<T>(
    mut open: watch::Receiver<bool>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        done = work => done,
        _ = open.wait_for(|closed| *closed) => Err(closed()),
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Config, "this client is closed")
}

/// Ends the waiting, not the run, after so many seconds of real time.
pub async fn within<T>(seconds: Option<f64>, work: impl Future<Output = Result<T>>) -> Result<T> {
    // A time beyond what can be counted is no limit at all.
    let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    match limit {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Deadline,
                "the time allowed for waiting has passed; the run goes on when it is waited for again",
            ))
        }),
    }
}

/// Reads a run's events, driving the run.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Events(Owned<(Arc<Reader>, watch::Receiver<bool>)>);

impl Events {
    pub fn new(gate: &Gate, reader: EventReader) -> Self {
        Self(Owned::new((gate.read(reader), gate.closed.subscribe())))
    }
}

#[pymethods]
impl Events {
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Work> {
        let (reader, open) = self.0.get(py)?;
        let (reader, open) = (Arc::clone(reader), open.clone());
        let next = async move {
            match reader.lock().await.as_mut() {
                Some(reader) => reader.next().await,
                None => Err(closed()),
            }
        };
        let next = until_closed(open, within(timeout, next));
        Ok(Work::new(next, |py, event| convert::plain(py, &event)))
    }
}
