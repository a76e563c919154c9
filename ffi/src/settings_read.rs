//! What settings hold now.

use std::ffi::{c_char, c_int};
use std::sync::PoisonError;
use std::time::Duration;

use dsrkit::{AmbiguityPolicy, Settings};

use crate::error::dsr_error;
use crate::guard::{Caller, Result, get, guard};
use crate::handle::find;
use crate::settings::{Chosen, dsr_ambiguity, dsr_settings};
use crate::status::dsr_status;
use crate::text::owned;

/// What a handle of settings holds now.
pub fn held(settings: *const dsr_settings, name: &str) -> Result<Chosen> {
    let settings = find(settings, name)?;
    Ok(settings
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone())
}

/// The same, and the defaults for NULL.
pub fn chosen(settings: *const dsr_settings) -> Result<Chosen> {
    if settings.is_null() {
        return Ok(Chosen::default());
    }
    held(settings, "settings_or_null")
}

fn read<T>(settings: *const dsr_settings, otherwise: T, look: impl FnOnce(&Settings) -> T) -> T {
    get(otherwise, || {
        let held = held(settings, "settings").ok()?;
        Some(look(&held.settings))
    })
}

fn span(settings: *const dsr_settings, look: impl FnOnce(&Settings) -> Duration) -> i64 {
    read(settings, -1, |held| {
        i64::try_from(look(held).as_millis()).unwrap_or(i64::MAX)
    })
}

fn text(
    caller: Caller,
    settings: *const dsr_settings,
    given: *mut *mut c_char,
    look: impl FnOnce(Settings) -> Option<String>,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(given, "text")?;
        out.set(match look(held(settings, "settings")?.settings) {
            Some(text) => owned(&text)?,
            None => std::ptr::null_mut(),
        });
        Ok(())
    })
}

/// Calls per second to one project; 0 when that is left to the vendor (Mixpanel's documented 1), and
/// for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_requests_per_second(settings: *const dsr_settings) -> f64 {
    read(settings, 0.0, |held| {
        held.requests_per_second.unwrap_or_default()
    })
}

/// How long one call may take, in milliseconds; -1 for a handle that is not alive, as below.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_request_timeout_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.request_timeout)
}

/// How long connecting may take, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_connect_timeout_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.connect_timeout)
}

/// The first wait after a refusal or a failure, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_backoff_initial_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.backoff_initial)
}

/// The longest such wait, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_backoff_max_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.backoff_max)
}

/// How much waiting one request is worth, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_request_worth_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.request_worth)
}

/// The shortest wait between two looks at a job, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_poll_initial_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.poll_initial)
}

/// The longest wait between two looks at a job, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_poll_max_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.poll_max)
}

/// How long to wait before a retrieval whose answer was lost is sent once more, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_ambiguous_retry_after_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.ambiguous_retry_after)
}

/// How long a job may not be found before it counts as lost, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_lost_after_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.lost_after)
}

/// How long the journal keeps the ids of a deletion after its end, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_keep_deleted_for_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.keep_deleted_for)
}

/// How long the journal keeps the ids of a retrieval after its packages were written, in
/// milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_keep_retrieved_for_ms(settings: *const dsr_settings) -> i64 {
    span(settings, |held| held.keep_retrieved_for)
}

/// Days of outstanding scans that the vendor allows per project; 0 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_scan_budget_days(settings: *const dsr_settings) -> u32 {
    read(settings, 0, |held| held.scan_budget_days)
}

/// Days since the project's first event; 0 when it is not known.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_project_age_days(settings: *const dsr_settings) -> u32 {
    read(settings, 0, |held| held.project_age_days.unwrap_or(0))
}

/// The most people one deletion plan may name; 0 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_max_ids_per_deletion_plan(settings: *const dsr_settings) -> u64 {
    read(settings, 0, |held| held.max_ids_per_deletion_plan)
}

/// The largest archive, unpacked, in bytes; 0 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_archive_max_bytes(settings: *const dsr_settings) -> u64 {
    read(settings, 0, |held| held.archive_max_bytes)
}

/// What to do when an answer was lost, a dsr_ambiguity; -1 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_on_ambiguous(settings: *const dsr_settings) -> c_int {
    read(settings, -1, |held| match held.on_ambiguous {
        AmbiguityPolicy::Resolve => dsr_ambiguity::DSR_RESOLVE as c_int,
        AmbiguityPolicy::Resubmit => dsr_ambiguity::DSR_RESUBMIT as c_int,
        AmbiguityPolicy::Hold => dsr_ambiguity::DSR_HOLD as c_int,
    })
}

/// The proxy for all calls, NULL for none. Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_proxy(
    settings: *const dsr_settings,
    url: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    text(caller, settings, url, |held| held.proxy)
}

/// The PEM file of further certificate authorities, NULL for none. Free the text with
/// dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_ca_bundle(
    settings: *const dsr_settings,
    path: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    text(caller, settings, path, |held| {
        let path = held.ca_bundle?;
        Some(path.to_string_lossy().into_owned())
    })
}
