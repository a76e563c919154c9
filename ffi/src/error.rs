//! `dsr_error`: what went wrong, in texts that live as long as their handle.

use std::ffi::{CString, c_char, c_int};

use crate::guard::{free, get};
use crate::handle::{find, handle};
use crate::status::dsr_status;
use crate::text::{c_text, pointer};

/// What went wrong.
/// Owner: you, when a function has set your *err; dsr_error_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_error {
    _number: (),
}
handle!(dsr_error => ErrorText);

/// The texts of an error.
#[derive(Debug)]
pub struct ErrorText {
    pub status: dsr_status,
    message: CString,
    hint: CString,
    retry_after_ms: i64,
    http_status: c_int,
    job_id: Option<CString>,
    tasks: Vec<CString>,
    context: Vec<(CString, CString)>,
    retryable: bool,
    sent: CString,
}

impl ErrorText {
    pub fn new(error: &dsrkit::Error) -> Self {
        Self {
            status: dsr_status::of(error.kind()),
            message: c_text(&error.to_string()),
            hint: c_text(error.hint()),
            retry_after_ms: error.retry_after().map_or(-1, |after| {
                i64::try_from(after.as_millis()).unwrap_or(i64::MAX)
            }),
            http_status: error.http_status().map_or(0, c_int::from),
            job_id: error.job_id().map(c_text),
            tasks: error.task_ids().iter().map(|task| c_text(task)).collect(),
            context: error
                .context()
                .iter()
                .map(|(name, value)| (c_text(name), c_text(value)))
                .collect(),
            retryable: error.is_retryable(),
            sent: c_text(error.sent_state().as_str()),
        }
    }

    /// An error that only this border knows. Nothing was sent.
    pub fn border(status: dsr_status, message: &str) -> Self {
        let hint = match status {
            dsr_status::DSR_FORK => dsrkit::ErrorKind::Fork.hint(),
            dsr_status::DSR_PANIC => dsrkit::ErrorKind::Internal.hint(),
            _ => "Correct the call; nothing was done.",
        };
        Self {
            status,
            message: c_text(message),
            hint: c_text(hint),
            retry_after_ms: -1,
            http_status: 0,
            job_id: None,
            tasks: Vec::new(),
            context: Vec::new(),
            retryable: false,
            sent: c_text("no"),
        }
    }
}

fn read<T>(error: *const dsr_error, otherwise: T, look: impl FnOnce(&ErrorText) -> T) -> T {
    get(otherwise, || {
        find(error, "error").ok().map(|error| look(&error))
    })
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_free(error: *mut dsr_error) {
    free(error);
}

/// Its status: the same value that the function returned.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_code(error: *const dsr_error) -> dsr_status {
    read(error, dsr_status::DSR_BAD_STATE, |error| error.status)
}

/// One line that says what is wrong. Holds no id of a person, no token, no signed link.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_message(error: *const dsr_error) -> *const c_char {
    read(error, std::ptr::null(), |error| error.message.as_ptr())
}

/// One line that says what you can do about it.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_hint(error: *const dsr_error) -> *const c_char {
    read(error, std::ptr::null(), |error| error.hint.as_ptr())
}

/// Milliseconds to wait before trying again; -1 when that is not known.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_retry_after_ms(error: *const dsr_error) -> i64 {
    read(error, -1, |error| error.retry_after_ms)
}

/// The HTTP status that the vendor answered; 0 for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_http_status(error: *const dsr_error) -> c_int {
    read(error, 0, |error| error.http_status)
}

/// The vendor task it is about; NULL for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_job_id(error: *const dsr_error) -> *const c_char {
    read(error, std::ptr::null(), |error| {
        pointer(error.job_id.as_ref())
    })
}

/// How many running tasks a conflict names.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_n_tasks(error: *const dsr_error) -> usize {
    read(error, 0, |error| error.tasks.len())
}

/// One of them, counted from 0; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_task_id(error: *const dsr_error, index: usize) -> *const c_char {
    read(error, std::ptr::null(), |error| {
        pointer(error.tasks.get(index))
    })
}

/// How many particulars it names, such as the row of a file; dsr_error_message holds them too.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_n_context(error: *const dsr_error) -> usize {
    read(error, 0, |error| error.context.len())
}

/// A particular's name, counted from 0; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_context_name(error: *const dsr_error, index: usize) -> *const c_char {
    read(error, std::ptr::null(), |error| {
        pointer(error.context.get(index).map(|(name, _)| name))
    })
}

/// Its value; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_context_value(error: *const dsr_error, index: usize) -> *const c_char {
    read(error, std::ptr::null(), |error| {
        pointer(error.context.get(index).map(|(_, value)| value))
    })
}

/// Whether the same call may work later. Runs try again by themselves.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_is_retryable(error: *const dsr_error) -> bool {
    read(error, false, |error| error.retryable)
}

/// Whether the vendor saw the request: "no", "maybe" or "yes".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_error_sent(error: *const dsr_error) -> *const c_char {
    read(error, std::ptr::null(), |error| error.sent.as_ptr())
}
