//! `dsr_answer`: what the vendor answered to a call that has no function here.

use std::ffi::{CString, c_char, c_int};

use dsrkit::model::wire::Response;

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, free, get, guard};
use crate::handle::{find, handle};
use crate::status::dsr_status;
use crate::text::{c_text, pointer};

/// An answer of the vendor, as it came; it never changes. Its body may name people.
/// Owner: you; dsr_answer_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_answer {
    _number: (),
}
handle!(dsr_answer => AnswerTexts);

pub struct AnswerTexts {
    status: c_int,
    headers: Vec<(CString, CString)>,
    /// The body, and a NUL behind it.
    body: Vec<u8>,
}

impl AnswerTexts {
    fn new(answer: &Response) -> Self {
        let headers = answer.headers.iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((c_text(name.as_str()), c_text(value)))
        });
        Self {
            status: c_int::from(answer.status.as_u16()),
            headers: headers.collect(),
            body: answer.body.iter().copied().chain([0]).collect(),
        }
    }
}

fn read<T>(answer: *const dsr_answer, otherwise: T, look: impl FnOnce(&AnswerTexts) -> T) -> T {
    get(otherwise, || {
        find(answer, "answer").ok().map(|answer| look(&answer))
    })
}

/// One call of the vendor's API that has no function here, at the project's pace and with its
/// credentials, such as "GET" of "/data-deletions/v3.0/123/". The path stands below the base URL and
/// may hold a query; json_or_null is the body. Gives the answer whatever its HTTP status. Nothing is
/// repeated or journaled, and nobody asks for a confirmation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_raw(
    client: *const dsr_client,
    method: *const c_char,
    path: *const c_char,
    json_or_null: *const c_char,
    answer: *mut *mut dsr_answer,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(answer, "answer")?;
        let client = find(client, "client")?;
        let (method, path) = (c.text(method, "method")?, c.text(path, "path")?);
        let json = c.text_or_null(json_or_null, "json_or_null")?;
        let json = json.map(str::to_owned);
        let answer = client.block(async { Ok(client.core.raw(method, path, json).await?) })?;
        out.put(AnswerTexts::new(&answer))
    })
}

/// Frees an answer. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_free(answer: *mut dsr_answer) {
    free(answer);
}

/// The HTTP status, such as 200; 0 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_http_status(answer: *const dsr_answer) -> c_int {
    read(answer, 0, |answer| answer.status)
}

/// How many headers the answer has. A header that is not text is left out.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_n_headers(answer: *const dsr_answer) -> usize {
    read(answer, 0, |answer| answer.headers.len())
}

/// The name of a header, in small letters; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_header_name(answer: *const dsr_answer, index: usize) -> *const c_char {
    read(answer, std::ptr::null(), |answer| {
        pointer(answer.headers.get(index).map(|(name, _)| name))
    })
}

/// The value of a header; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_header_value(
    answer: *const dsr_answer,
    index: usize,
) -> *const c_char {
    read(answer, std::ptr::null(), |answer| {
        pointer(answer.headers.get(index).map(|(_, value)| value))
    })
}

/// The body: dsr_answer_body_bytes bytes, at most 16 MiB, and a NUL behind them.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_body(answer: *const dsr_answer) -> *const c_char {
    read(answer, std::ptr::null(), |answer| {
        answer.body.as_ptr().cast()
    })
}

/// The bytes of the body, without the NUL.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_answer_body_bytes(answer: *const dsr_answer) -> usize {
    read(answer, 0, |answer| answer.body.len().saturating_sub(1))
}
