//! `dsr_callback`: a status callback of the vendor, checked.

use std::ffi::{CString, c_char};

use dsrkit::{Callback, CallbackKey, CallbackRequest, Heard, verify_callback};

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, Result, free, get, guard};
use crate::handle::{find, handle};
use crate::status::dsr_status;
use crate::text::{c_text, kind_word, pointer};

/// A status callback whose signature fits; it never changes. It says that something may have
/// changed: what is true is what the status call answers.
/// Owner: you; dsr_callback_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_callback {
    _number: (),
}
handle!(dsr_callback => CallbackTexts);

pub struct CallbackTexts {
    core: Callback,
    task_id: CString,
    request_id: CString,
    status: CString,
    url: CString,
    results_url: Option<CString>,
    expected_at: CString,
    project_id: CString,
}

impl CallbackTexts {
    fn new(core: Callback) -> Self {
        Self {
            task_id: c_text(&core.task_id),
            request_id: c_text(&core.request_id),
            status: c_text(core.status.as_str()),
            url: c_text(&core.url),
            expected_at: c_text(&core.expected_at),
            project_id: c_text(&core.project_id),
            results_url: core.results_url.as_ref().map(|url| c_text(url.expose())),
            core,
        }
    }
}

fn texts<'c>(
    c: &'c Caller,
    list: *const *const c_char,
    n: usize,
    name: &str,
) -> Result<Vec<&'c str>> {
    let list = c.array(list, n, name)?.iter().enumerate();
    list.map(|(at, text)| c.text(*text, format!("{name}[{at}]")))
        .collect()
}

/// Reads a status callback, if it is the vendor's: by the exact processor domain, by the signature
/// over the raw body (the bytes as they came) under the public key (PEM: a public key, or a
/// certificate that holds one), and by the address that it was sent to, when url_or_null is the one
/// that the vendor was given. Names of headers may be in any case. DSR_INVALID_INPUT for anything
/// else: answer it with 403. One that was seen before is as valid as the first time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_callback_verify(
    body: *const u8,
    body_len: usize,
    header_names: *const *const c_char,
    header_values: *const *const c_char,
    n_headers: usize,
    public_key: *const c_char,
    url_or_null: *const c_char,
    callback: *mut *mut dsr_callback,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(callback, "callback")?;
        let body = c.array(body, body_len, "body")?;
        let names = texts(c, header_names, n_headers, "header_names")?;
        let values = texts(c, header_values, n_headers, "header_values")?;
        let key = CallbackKey::from_pem(c.text(public_key, "public_key")?)?;
        let url = c.text_or_null(url_or_null, "url_or_null")?;
        let read = verify_callback(body, names.into_iter().zip(values), &key, url)?;
        out.put(CallbackTexts::new(read))
    })
}

/// Hands a callback to a client: the run that it is about looks at its task sooner. news: whether it
/// told anything that was not known; one that was seen before does not. DSR_JOURNAL while another
/// process carries the journal's runs: answer 503 then, the vendor calls again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_receive_callback(
    client: *const dsr_client,
    callback: *const dsr_callback,
    news: *mut bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(news, "news")?;
        let client = find(client, "client")?;
        let callback = find(callback, "callback")?;
        let heard =
            client.block(async { Ok(client.core.receive_callback(&callback.core).await?) })?;
        out.set(heard != Heard::Nothing);
        Ok(())
    })
}

fn read(
    callback: *const dsr_callback,
    look: impl FnOnce(&CallbackTexts) -> *const c_char,
) -> *const c_char {
    get(std::ptr::null(), || {
        find(callback, "callback").ok().map(|texts| look(&texts))
    })
}

/// Frees a callback. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_free(callback: *mut dsr_callback) {
    free(callback);
}

/// The task that it is about.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_task_id(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| texts.task_id.as_ptr())
}

/// The name that our request gave the task, a UUID.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_subject_request_id(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| texts.request_id.as_ptr())
}

/// "retrieval" or "deletion".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_kind(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| {
        kind_word(texts.core.request.kind()).as_ptr()
    })
}

/// What was asked for, in the words of callbacks: "erasure", "access" or "portability".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_request(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| {
        match texts.core.request {
            CallbackRequest::Erasure => c"erasure",
            CallbackRequest::Access => c"access",
            CallbackRequest::Portability => c"portability",
        }
        .as_ptr()
    })
}

/// "pending", "in_progress", "completed", "cancelled", "failed" or "other": the words of callbacks,
/// which are not those of jobs.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_status(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| texts.status.as_ptr())
}

/// The address that the vendor says it called.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_url(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| texts.url.as_ptr())
}

/// The link of a finished retrieval, NULL otherwise. It opens without credentials: treat it as a
/// secret.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_results_url(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| pointer(texts.results_url.as_ref()))
}

/// When the vendor expects to be done, as it wrote it.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_expected_at(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| texts.expected_at.as_ptr())
}

/// The project that it is about, as the vendor numbers it.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_callback_project_id(callback: *const dsr_callback) -> *const c_char {
    read(callback, |texts| texts.project_id.as_ptr())
}
