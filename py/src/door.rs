//! The door between Python and Rust. This is the only file that blocks or attaches.
//!
//! Every piece of work is one future, [`Work`], which Python either waits for (blocking, Ctrl-C
//! ends the waiting) or turns into an awaitable. No thread of the core ever attaches to Python: ids
//! are handed in from outside (`ids.rs`), so a lock of the core may be waited for while detached
//! without a deadlock.

use std::any::Any;
use std::cell::OnceCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dsrkit::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use pyo3_async_runtimes::TaskLocals;
use pyo3_async_runtimes::generic::{self, ContextExt};
use tokio::runtime::{Builder, Runtime};

use crate::error::raise;
use crate::log;

/// How often a blocking wait lets Python handle signals.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// Makes the Python value of a result, once attached again.
type Answer = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>> + Send>;
type Task = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

/// The process's runtime and the process it belongs to: a forked child has none of its threads.
/// Never dropped, so that the interpreter's exit waits for nothing. Locked only while attached,
/// when nobody can fork.
static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// The runtime of this process.
pub fn runtime() -> Result<&'static Runtime> {
    let pid = std::process::id();
    let mut slot = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, runtime)) = *slot
        && owner == pid
    {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("dsrkit")
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "cannot start threads").with_source(error))?;
    log::listen();
    let runtime: &'static Runtime = Box::leak(Box::new(runtime));
    *slot = Some((pid, runtime));
    Ok(runtime)
}

/// Something that belongs to the process that made it. A forked child is refused, and lets it be:
/// closing a journal there would take the parent's lock away.
pub struct Owned<T> {
    pid: u32,
    value: Option<T>,
}

impl<T> Owned<T> {
    pub fn new(value: T) -> Self {
        Self {
            pid: std::process::id(),
            value: Some(value),
        }
    }

    pub fn get(&self, py: Python<'_>) -> PyResult<&T> {
        match &self.value {
            Some(value) if self.pid == std::process::id() => Ok(value),
            _ => Err(raise(
                py,
                &Error::new(
                    ErrorKind::Fork,
                    "this was made before fork(); create a client in the child process",
                ),
            )),
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}

/// A future with its way back to Python.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Work {
    task: Owned<Mutex<Option<Task>>>,
}

impl Work {
    /// Work that begins when it is waited for, and ends when the waiting does.
    pub fn new<T: Send + 'static>(
        future: impl Future<Output = Result<T>> + Send + 'static,
        answer: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
    ) -> Self {
        let task: Task = Box::pin(async move {
            let value = future.await?;
            let answer: Answer = Box::new(move |py| answer(py, value));
            Ok(answer)
        });
        Self {
            task: Owned::new(Mutex::new(Some(task))),
        }
    }

    /// Blocking work, begun at once on a thread for such work.
    pub fn begin<T: Send + 'static>(
        py: Python<'_>,
        work: impl FnOnce() -> Result<T> + Send + 'static,
        answer: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
    ) -> PyResult<Self> {
        let handle = runtime()
            .map_err(|error| raise(py, &error))?
            .spawn_blocking(|| {
                failpoint();
                work()
            });
        let joined = async move { handle.await.unwrap_or_else(|_| Err(panicked())) };
        Ok(Self::new(joined, answer))
    }

    fn take(&self, py: Python<'_>) -> PyResult<Task> {
        let task = self
            .task
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        task.ok_or_else(|| {
            raise(
                py,
                &Error::new(ErrorKind::Internal, "this work was waited for already"),
            )
        })
    }
}

#[pymethods]
impl Work {
    /// Waits, detached. Ctrl-C drops the future; so does any other signal handler that raises.
    fn wait<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let task = self.take(py)?;
        let runtime = runtime().map_err(|error| raise(py, &error))?;
        log::flush(py);
        let done = py.detach(|| runtime.block_on(until_signal(caught(task))));
        log::flush(py);
        answered(py, done?)
    }

    /// An awaitable of the running event loop. Cancelling it drops the future.
    fn spawn<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let task = self.take(py)?;
        runtime().map_err(|error| raise(py, &error))?;
        log::flush(py);
        generic::future_into_py::<Door, _, _>(py, async move { Ok(Reply(caught(task).await)) })
    }
}

/// Reads from the core, detached: a lock or a disk may take a moment.
pub fn read<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let work = AssertUnwindSafe(|| {
        failpoint();
        work()
    });
    py.detach(|| catch_unwind(work).unwrap_or_else(|_| Err(panicked())))
        .map_err(|error| raise(py, &error))
}

/// The same inside the runtime, for work that starts tasks.
pub fn enter<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let runtime = runtime().map_err(|error| raise(py, &error))?;
    read(py, || {
        let _inside = runtime.enter();
        work()
    })
}

async fn until_signal<T>(future: impl Future<Output = T>) -> PyResult<T> {
    tokio::pin!(future);
    let mut ticks = tokio::time::interval(SIGNALS_EVERY);
    loop {
        tokio::select! {
            biased;
            done = &mut future => return Ok(done),
            _ = ticks.tick() => {
                let signal = Python::try_attach(|py| {
                    log::flush(py);
                    py.check_signals()
                });
                if let Some(signal) = signal {
                    signal?;
                }
            }
        }
    }
}

/// A panic becomes an error of kind `Internal`: Python's `except Exception` must see it.
async fn caught(mut task: Task) -> Result<Answer> {
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| {
            failpoint();
            task.as_mut().poll(context)
        }))
        .unwrap_or_else(|_| std::task::Poll::Ready(Err(panicked())))
    })
    .await
}

/// The Python value of a result, or its exception.
fn answered(py: Python<'_>, done: Result<Answer>) -> PyResult<Bound<'_, PyAny>> {
    let answer = done.map_err(|error| raise(py, &error))?;
    catch_unwind(AssertUnwindSafe(|| {
        failpoint();
        answer(py)
    }))
    .unwrap_or_else(|_| Err(raise(py, &panicked())))
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "a step of dsrkit failed unexpectedly")
}

#[cfg(not(feature = "failpoints"))]
fn failpoint() {}

#[cfg(feature = "failpoints")]
static PANIC_AFTER: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(-1);

#[cfg(feature = "failpoints")]
fn failpoint() {
    if PANIC_AFTER.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) == 0 {
        // A panic like any other, but without its message on stderr.
        std::panic::resume_unwind(Box::new("failpoint"));
    }
}

/// Makes the work behind so many passages of the door panic. Gives how far it was from that before.
#[cfg(feature = "failpoints")]
#[pyfunction]
pub fn panic_after(passages: i64) -> i64 {
    PANIC_AFTER.swap(passages, std::sync::atomic::Ordering::SeqCst)
}

/// Becomes a Python value, or an exception, where the event loop takes it.
struct Reply(Result<Answer>);

impl<'py> IntoPyObject<'py> for Reply {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        log::flush(py);
        answered(py, self.0)
    }
}

/// Our runtime as pyo3-async-runtimes knows it. Its own keeps one runtime for ever, which a forked
/// child could not replace.
struct Door;

/// The end of a spawned task, without tokio's types.
struct Ended(Option<tokio::task::JoinHandle<()>>);
struct Failed(Box<dyn Any + Send + 'static>, bool);

impl generic::JoinError for Failed {
    fn is_panic(&self) -> bool {
        self.1
    }
    fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        self.0
    }
}

impl Future for Ended {
    type Output = std::result::Result<(), Failed>;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let Some(handle) = self.0.as_mut() else {
            return std::task::Poll::Ready(Err(Failed(Box::new("no runtime"), false)));
        };
        Pin::new(handle)
            .poll(context)
            .map_err(|error| match error.try_into_panic() {
                Ok(panic) => Failed(panic, true),
                Err(_) => Failed(Box::new("cancelled"), false),
            })
    }
}

tokio::task_local! {
    static LOCALS: OnceCell<TaskLocals>;
}

impl generic::Runtime for Door {
    type JoinError = Failed;
    type JoinHandle = Ended;

    fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> Ended {
        Ended(runtime().ok().map(|runtime| runtime.spawn(future)))
    }

    fn spawn_blocking<F: FnOnce() + Send + 'static>(work: F) -> Ended {
        Ended(runtime().ok().map(|runtime| runtime.spawn_blocking(work)))
    }
}

impl ContextExt for Door {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(LOCALS.scope(OnceCell::from(locals), future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        LOCALS.try_with(|cell| cell.get().cloned()).ok().flatten()
    }
}
