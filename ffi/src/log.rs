//! The log: what the library tells about its own work, handed to one function of the caller.
//!
//! Lines wait in a queue, and whoever is inside a function of ours hands them over when no lock is
//! held. So no thread of ours ever runs the caller's code, and the callback may call us back.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, guard, tell};
use crate::status::dsr_status;
use crate::text::c_text;

/// How much a line of the log matters.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code)] // C hands the numbers in as `int`, which may be any
pub enum dsr_log_level {
    /// Something failed that nobody else is told of.
    DSR_LOG_ERROR = 1,
    /// Something is not as it should be.
    DSR_LOG_WARN = 2,
    /// Something that happens rarely.
    DSR_LOG_INFO = 3,
    /// Each call to the vendor.
    DSR_LOG_DEBUG = 4,
    /// Everything.
    DSR_LOG_TRACE = 5,
}

/// Is handed one line of the log, a dsr_log_level, and the user_or_null of dsr_log_set. The line is
/// gone when it returns. It must return: no longjmp, no C++ exception.
pub type dsr_log_callback =
    Option<unsafe extern "C" fn(level: c_int, line: *const c_char, user: *mut c_void)>;

struct Sink {
    callback: unsafe extern "C" fn(c_int, *const c_char, *mut c_void),
    /// The caller's pointer, as a number: it is handed back, never followed.
    user: usize,
}

/// What is kept when nobody calls: the oldest lines go first.
const MOST: usize = 1000;

static SINK: RwLock<Option<Sink>> = RwLock::new(None);
static LINES: Mutex<VecDeque<(c_int, CString)>> = Mutex::new(VecDeque::new());
static WAITING: AtomicUsize = AtomicUsize::new(0);
static MOST_LEVEL: AtomicI32 = AtomicI32::new(0);

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Sets the function that gets the log, one for the whole process; NULL for none, the default.
/// Lines up to max_level (a dsr_log_level) are handed over by threads that are inside a function of
/// this library, while they wait or before they return, and never while a lock is held. The callback
/// may call every function that does not wait for the vendor (those give DSR_BAD_STATE), except this
/// one. Several threads may call it at the same time. When this function returns, no earlier callback
/// runs any more. No line holds an id of a person or a secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_log_set(
    callback_or_null: dsr_log_callback,
    user_or_null: *mut c_void,
    max_level: c_int,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |_| {
        refuse_inside()?;
        if !(1..=5).contains(&max_level) {
            return Err(Failure::input("max_level is no dsr_log_level"));
        }
        let level = if callback_or_null.is_some() {
            subscribe();
            max_level
        } else {
            0
        };
        MOST_LEVEL.store(level, Ordering::Relaxed);
        let mut sink = SINK.write().unwrap_or_else(PoisonError::into_inner);
        *sink = callback_or_null.map(|callback| Sink {
            callback,
            user: user_or_null.expose_provenance(),
        });
        Ok(())
    })
}

/// Refuses what a callback must not do: the work that it would wait for may wait for it.
pub fn refuse_inside() -> Result<()> {
    if INSIDE.get() {
        return Err(Failure::new(
            dsr_status::DSR_BAD_STATE,
            "a log callback must not call a function that waits",
        ));
    }
    Ok(())
}

/// Whether lines wait that this thread can hand over.
pub fn waiting() -> bool {
    WAITING.load(Ordering::Relaxed) > 0 && !INSIDE.get()
}

/// Hands waiting lines over. The caller holds no lock.
pub fn deliver() {
    while waiting() {
        let Some((level, line)) = next() else { return };
        let sink = SINK.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = sink.as_ref() {
            INSIDE.set(true);
            tell(sink.callback, level, &line, sink.user);
            INSIDE.set(false);
        }
    }
}

fn next() -> Option<(c_int, CString)> {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let line = lines.pop_front();
    WAITING.store(lines.len(), Ordering::Relaxed);
    line
}

fn keep(level: c_int, line: &str) {
    // A line is worth no waiting: after fork() the lock may be held for ever.
    let Ok(mut lines) = LINES.try_lock() else {
        return;
    };
    if lines.len() >= MOST {
        lines.pop_front();
    }
    lines.push_back((level, c_text(line)));
    WAITING.store(lines.len(), Ordering::Relaxed);
}

/// Once for the process: the core's own log goes where it was sent before, if somebody did.
fn subscribe() {
    static DONE: OnceLock<bool> = OnceLock::new();
    DONE.get_or_init(|| tracing::subscriber::set_global_default(Lines).is_ok());
}

fn number(level: Level) -> c_int {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

/// Turns the core's own events into lines. Those of other crates may hold anything and are dropped.
struct Lines;

fn ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && metadata.target().split("::").next() == Some("dsrkit")
}

impl Subscriber for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if ours(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ours(metadata) && number(*metadata.level()) <= MOST_LEVEL.load(Ordering::Relaxed)
    }
    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        keep(
            number(*event.metadata().level()),
            &(line.message + &line.fields),
        );
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}
