//! Reads a run's events one ahead, on the client's own thread, so that a file descriptor can tell
//! that there is one. The descriptor is the end of a pipe, which holds one byte for the one event.

use std::ffi::c_int;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::{Arc, MutexGuard, PoisonError};

use dsrkit::{Error, ErrorKind, Event, EventReader, Result};
use tokio::sync::{Mutex, Notify};

pub struct Pump {
    shared: Arc<Shared>,
    task: tokio::task::AbortHandle,
}

struct Shared {
    state: std::sync::Mutex<State>,
    ready: Notify,
    taken: Notify,
    asked: Notify,
    /// Lives as long as the task that writes: a write to nobody would end a C program (SIGPIPE).
    bytes: PipeReader,
}

#[derive(Default)]
struct State {
    item: Option<Result<Option<Event>>>,
    /// After an end or an error, nothing is read before somebody asks again.
    parked: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads for ever. The writing end goes with this task: the descriptor hangs up when the client
    /// is freed.
    async fn read(&self, reader: &Mutex<EventReader>, mut bytes: PipeWriter) {
        loop {
            let item = reader.lock().await.next().await;
            let last = !matches!(item, Ok(Some(_)));
            {
                let mut state = self.state();
                state.item = Some(item);
                state.parked = last;
                let _ = bytes.write_all(&[1]);
            }
            self.ready.notify_one();
            self.taken.notified().await;
            if last {
                self.asked.notified().await;
            }
        }
    }
}

impl Pump {
    /// Inside the client's runtime.
    pub fn start(reader: Arc<Mutex<EventReader>>) -> Result<Self> {
        let (bytes, writer) = std::io::pipe().map_err(|error| {
            Error::new(ErrorKind::Io, "cannot make a file descriptor").with_source(error)
        })?;
        let shared = Arc::new(Shared {
            state: std::sync::Mutex::default(),
            ready: Notify::new(),
            taken: Notify::new(),
            asked: Notify::new(),
            bytes,
        });
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.read(&reader, writer).await }
        });
        Ok(Self {
            shared,
            task: task.abort_handle(),
        })
    }

    /// The descriptor to watch.
    #[cfg(unix)]
    #[allow(clippy::unnecessary_wraps)] // elsewhere there is none
    pub fn fd(&self) -> Result<c_int> {
        Ok(std::os::fd::AsRawFd::as_raw_fd(&self.shared.bytes))
    }

    /// The descriptor to watch.
    #[cfg(not(unix))]
    pub fn fd(&self) -> Result<c_int> {
        Err(Error::new(
            ErrorKind::Config,
            "this system has no file descriptors; use dsr_run_next_event with a time-out",
        ))
    }

    /// Waits for the next event. May be dropped at any time without losing one.
    pub async fn next(&self) -> Result<Option<Event>> {
        loop {
            if let Some(item) = self.take() {
                return item;
            }
            self.shared.ready.notified().await;
        }
    }

    fn take(&self) -> Option<Result<Option<Event>>> {
        let mut state = self.shared.state();
        let Some(item) = state.item.take() else {
            if std::mem::take(&mut state.parked) {
                self.shared.asked.notify_one();
            }
            return None;
        };
        let _ = (&self.shared.bytes).read_exact(&mut [0]);
        self.shared.taken.notify_one();
        Some(item)
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}
