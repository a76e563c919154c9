//! `dsr_event`: one thing that happened in a run.

use std::ffi::{CString, c_char};

use crate::guard::{free, get};
use crate::handle::{find, handle};
use crate::text::{c_text, pointer};

/// One thing that happened in a run. Holds no id of a person and no secret.
/// Owner: you; dsr_event_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_event {
    _number: (),
}
handle!(dsr_event => EventTexts);

pub struct EventTexts {
    run_id: CString,
    kind: CString,
    text: CString,
    task_id: Option<CString>,
    batch: i64,
    at_ms: i64,
    next_due_ms: i64,
    seq: u64,
}

impl EventTexts {
    pub fn new(event: &dsrkit::Event) -> Self {
        Self {
            run_id: c_text(&event.run_id),
            kind: c_text(event.kind.as_str()),
            text: c_text(&event.text),
            task_id: event.task_id.as_deref().map(c_text),
            batch: event.batch.map_or(-1, i64::from),
            at_ms: event.at_ms,
            next_due_ms: event.next_due_ms.unwrap_or(-1),
            seq: event.seq,
        }
    }
}

fn read<T>(event: *const dsr_event, otherwise: T, look: impl FnOnce(&EventTexts) -> T) -> T {
    get(otherwise, || {
        find(event, "event").ok().map(|event| look(&event))
    })
}

/// Frees an event. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_free(event: *mut dsr_event) {
    free(event);
}

/// One word: "planned", "started", "submitted", "adopted", "backoff", "split", "ambiguous", "held",
/// "rejected", "status", "callback", "archived", "archive_failed", "paused", "resumed", "cancel", "anomaly",
/// "deadline", "decided", "orphan", "sealed", "purged", "finished" or "waiting". More may come.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_kind(event: *const dsr_event) -> *const c_char {
    read(event, std::ptr::null(), |event| event.kind.as_ptr())
}

/// One plain line for people.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_text(event: *const dsr_event) -> *const c_char {
    read(event, std::ptr::null(), |event| event.text.as_ptr())
}

/// The run's id.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_run_id(event: *const dsr_event) -> *const c_char {
    read(event, std::ptr::null(), |event| event.run_id.as_ptr())
}

/// The vendor task; NULL for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_task_id(event: *const dsr_event) -> *const c_char {
    read(event, std::ptr::null(), |event| {
        pointer(event.task_id.as_ref())
    })
}

/// The batch, by its number in the run; -1 for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_batch(event: *const dsr_event) -> i64 {
    read(event, -1, |event| event.batch)
}

/// When, in milliseconds since 1970 (UTC), by the client's clock.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_at_ms(event: *const dsr_event) -> i64 {
    read(event, -1, |event| event.at_ms)
}

/// When something is due next, in milliseconds since 1970 (UTC); -1 when the event does not tell.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_next_due_ms(event: *const dsr_event) -> i64 {
    read(event, -1, |event| event.next_due_ms)
}

/// The event's number in the journal; 0 for "waiting", which is not kept.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_event_seq(event: *const dsr_event) -> u64 {
    read(event, 0, |event| event.seq)
}
