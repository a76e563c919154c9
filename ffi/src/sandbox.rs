//! `dsr_sandbox`: a simulated vendor in this process.

use std::ffi::c_char;
use std::sync::Mutex;

use dsrkit::sandbox::{Sandbox, SandboxOptions, Speed};
use dsrkit::vendor::mixpanel::Builder;
use serde_json::Value;

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, get, guard};
use crate::handle::{find, handle, put, take};
use crate::mixpanel::dsr_mixpanel;
use crate::signals::Quiet;
use crate::status::dsr_status;
use crate::text::{c_text, owned};

/// A simulated vendor in this process, on loopback ports. Nothing leaves the machine.
/// Owner: you; dsr_sandbox_free.
/// Threads: any, several at the same time.
/// Lifetime: must outlive the clients that talk to it.
pub struct dsr_sandbox {
    _number: (),
}
handle!(dsr_sandbox => SandboxObject);

pub struct SandboxObject {
    pub sandbox: Sandbox,
    base_url: std::ffi::CString,
    archive_base_url: std::ffi::CString,
    callback_key: std::ffi::CString,
}

fn json(text: &str, name: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        Failure::input(format!(
            "{name} is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// Starts a simulated vendor. options_or_null: its options as a JSON object, NULL for defaults;
/// "archive_port" among them is the port that archives are fetched from. port: 0 for any free one. speed: 0 for a virtual clock that runs as fast as the clients wait,
/// 1 for real time, 60 for a minute a second. state_or_null: a file that keeps its tasks from one
/// start to the next, NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_new(
    options_or_null: *const c_char,
    port: u16,
    speed: f64,
    state_or_null: *const c_char,
    sandbox: *mut *mut dsr_sandbox,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(sandbox, "sandbox")?;
        let mut options = SandboxOptions {
            port,
            ..SandboxOptions::default()
        };
        if let Some(text) = c.text_or_null(options_or_null, "options_or_null")? {
            options.vendor = json(text, "options_or_null")?;
            let port = options
                .vendor
                .as_object_mut()
                .and_then(|all| all.remove("archive_port"));
            options.archive_port = port.map_or(Ok(0), |port| {
                let port = port.as_u64().and_then(|port| u16::try_from(port).ok());
                port.ok_or_else(|| Failure::input("archive_port is no port"))
            })?;
        }
        if speed != 0.0 {
            options.speed = Speed::Factor(speed);
        }
        options.state = c
            .text_or_null(state_or_null, "state_or_null")?
            .map(Into::into);
        let sandbox = Sandbox::start(options)?;
        out.put(SandboxObject {
            base_url: c_text(sandbox.base_url()),
            archive_base_url: c_text(sandbox.archive_base_url()),
            callback_key: c_text(sandbox.callback_key()),
            sandbox,
        })
    })
}

/// Stops a simulated vendor; free its clients first. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_sandbox_free(sandbox: *mut dsr_sandbox) {
    let _quiet = Quiet::new();
    get((), || {
        take(sandbox)?.sandbox.stop();
        None
    });
}

fn read(
    sandbox: *const dsr_sandbox,
    look: impl FnOnce(&SandboxObject) -> *const c_char,
) -> *const c_char {
    get(std::ptr::null(), || {
        find(sandbox, "sandbox").ok().map(|sandbox| look(&sandbox))
    })
}

/// Where its API is, such as "http://127.0.0.1:8080/api/app".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_sandbox_base_url(sandbox: *const dsr_sandbox) -> *const c_char {
    read(sandbox, |sandbox| sandbox.base_url.as_ptr())
}

/// Where its archives are.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_sandbox_archive_base_url(sandbox: *const dsr_sandbox) -> *const c_char {
    read(sandbox, |sandbox| sandbox.archive_base_url.as_ptr())
}

fn project(
    caller: Caller,
    sandbox: *const dsr_sandbox,
    mixpanel: *mut *mut dsr_mixpanel,
    look: impl FnOnce(&Sandbox) -> Builder,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(mixpanel, "mixpanel")?;
        let sandbox = find(sandbox, "sandbox")?;
        out.set(put::<dsr_mixpanel>(Mutex::new(look(&sandbox.sandbox)))?);
        Ok(())
    })
}

/// A project of this vendor, ready for dsr_client_new: URL, tokens, archive secret and clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_mixpanel(
    sandbox: *const dsr_sandbox,
    mixpanel: *mut *mut dsr_mixpanel,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    project(
        unsafe { Caller::trusted(err) },
        sandbox,
        mixpanel,
        Sandbox::mixpanel,
    )
}

/// The same without the archive secret, for trying out others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_project(
    sandbox: *const dsr_sandbox,
    mixpanel: *mut *mut dsr_mixpanel,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    project(
        unsafe { Caller::trusted(err) },
        sandbox,
        mixpanel,
        Sandbox::project,
    )
}

/// Lets its virtual clock run on by so many milliseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_advance_ms(
    sandbox: *const dsr_sandbox,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |_| {
        Ok(find(sandbox, "sandbox")?.sandbox.advance(ms)?)
    })
}

/// Adds faults to its script: a JSON list of objects, such as
/// [{"on": "create_deletion", "nth": 1, "kind": "drop_after"}].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_faults(
    sandbox: *const dsr_sandbox,
    faults: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let sandbox = find(sandbox, "sandbox")?;
        Ok(sandbox
            .sandbox
            .faults(&json(c.text(faults, "faults")?, "faults")?)?)
    })
}

fn give(
    caller: Caller,
    sandbox: *const dsr_sandbox,
    text: *mut *mut c_char,
    look: impl FnOnce(&Sandbox) -> Value,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(text, "json")?;
        let sandbox = find(sandbox, "sandbox")?;
        out.set(owned(&look(&sandbox.sandbox).to_string())?);
        Ok(())
    })
}

/// Every request that it was sent, as a JSON list. Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_ledger(
    sandbox: *const dsr_sandbox,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    give(
        unsafe { Caller::trusted(err) },
        sandbox,
        json,
        Sandbox::ledger,
    )
}

/// What it holds, as a JSON object. Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_summary(
    sandbox: *const dsr_sandbox,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    give(
        unsafe { Caller::trusted(err) },
        sandbox,
        json,
        Sandbox::summary,
    )
}

/// Its URLs, tokens and archive secret, as a JSON object. Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_credentials(
    sandbox: *const dsr_sandbox,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    give(
        unsafe { Caller::trusted(err) },
        sandbox,
        json,
        Sandbox::credentials,
    )
}

/// The status callbacks that it would make now, as a JSON list of objects with call, url, headers
/// and body (texts). Whoever asks makes them, and says how each was answered. Free the text with
/// dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_callbacks(
    sandbox: *const dsr_sandbox,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let calls = find(sandbox, "sandbox")?.sandbox.callbacks()?;
        let list = calls.iter().map(|call| {
            let headers = call.headers.iter().cloned();
            serde_json::json!({
                "call": call.call,
                "url": call.url,
                "headers": headers.collect::<std::collections::BTreeMap<_, _>>(),
                "body": String::from_utf8_lossy(&call.body),
            })
        });
        out.set(owned(&Value::Array(list.collect()).to_string())?);
        Ok(())
    })
}

/// How a status callback was answered: the HTTP status. One that is not answered with 202 comes
/// again a quarter of an hour later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_callback_answered(
    sandbox: *const dsr_sandbox,
    call: *const c_char,
    http_status: u16,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let sandbox = find(sandbox, "sandbox")?;
        let call = c.text(call, "call")?;
        Ok(sandbox.sandbox.callback_answered(call, http_status)?)
    })
}

/// The public key that its status callbacks are signed with, as PEM.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_sandbox_callback_key(sandbox: *const dsr_sandbox) -> *const c_char {
    read(sandbox, |sandbox| sandbox.callback_key.as_ptr())
}
