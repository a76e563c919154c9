//! What the core says of itself, on its way to Python's `logging`.
//!
//! Threads of the core must not wait for Python, so they leave their lines in a queue, and whoever
//! comes by from Python next takes them along. Nothing but the core's own lines is taken: what the
//! libraries below it say may quote a URL.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;

use pyo3::prelude::*;
use pyo3::types::PyModule;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Lines that may wait for somebody to come by; older ones go.
const WAITING: usize = 10_000;

/// The least level of `logging` that is wanted; nothing is until Python says so.
static WANTED: AtomicU8 = AtomicU8::new(u8::MAX);
static LINES: Mutex<VecDeque<(u8, f64, String)>> = Mutex::new(VecDeque::new());

/// Hears the core. Set once, when the module is imported.
pub fn listen() {
    // Another subscriber cannot be there: this library has its own copy of `tracing`.
    let _ = tracing::subscriber::set_global_default(Listener);
}

/// Hands over what waits: once more when the program ends.
#[pyfunction]
pub fn flush_logs(py: Python<'_>) {
    flush(py);
}

/// Hands over what waits, and asks which level is wanted from now on. A program that never
/// imported `logging` has no use for it.
pub fn flush(py: Python<'_>) {
    // Logging must not stop what it tells of: a handler's failure is the handler's.
    let _ = pass_on(py);
}

fn pass_on(py: Python<'_>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    if !modules.contains("logging")? {
        return Ok(());
    }
    let own = PyModule::import(py, "dsrkit._logging")?;
    // A forked child may find the queue locked for ever by a thread that it does not have.
    let lines = LINES
        .try_lock()
        .map(|mut lines| std::mem::take(&mut *lines));
    for (level, at, text) in lines.unwrap_or_default() {
        own.call_method1("emit", (level, at, text))?;
    }
    WANTED.store(own.call_method0("wanted")?.extract()?, Ordering::Relaxed);
    Ok(())
}

struct Listener;

impl Subscriber for Listener {
    fn register_callsite(&self, of: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        // What is wanted may change at any time.
        if of.is_event() && of.target() == "dsrkit" {
            tracing::subscriber::Interest::sometimes()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target() == "dsrkit" && number(*of.level()) >= WANTED.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let at = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let text = line.message + &line.facts;
        if let Ok(mut lines) = LINES.try_lock() {
            if lines.len() == WAITING {
                lines.pop_front();
            }
            lines.push_back((number(*event.metadata().level()), at.as_secs_f64(), text));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Levels as `logging` counts them.
fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

#[derive(Default)]
struct Line {
    message: String,
    facts: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing into a text cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.facts, " {}={value:?}", field.name())
        };
    }
}
