//! `dsr_settings`: limits and times of a client.

use std::ffi::{c_char, c_int};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dsrkit::{AmbiguityPolicy, Settings};

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, free, guard};
use crate::handle::{find, handle};
use crate::status::dsr_status;

/// Limits and times.
/// Owner: you; dsr_settings_free.
/// Threads: any; one change at a time happens.
/// Lifetime: dsr_client_new checks and copies them.
pub struct dsr_settings {
    _number: (),
}
handle!(dsr_settings => Mutex<Chosen>);

/// What a handle of settings holds.
#[derive(Clone, Default)]
pub struct Chosen {
    pub settings: Settings,
    pub journal_key: Option<Vec<u8>>,
}

/// What to do when a request was sent and its answer lost.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code)] // C hands the numbers in as `int`, which may be any
pub enum dsr_ambiguity {
    /// Find out: the identical deletion is sent again, and the vendor's 409 tells. A retrieval is
    /// sent once more after ambiguous_retry_after, then held.
    DSR_RESOLVE = 0,
    /// Send again without finding out, up to five times within 24 hours.
    DSR_RESUBMIT = 1,
    /// Leave it to a person.
    DSR_HOLD = 2,
}

fn change(
    caller: Caller,
    settings: *mut dsr_settings,
    how: impl FnOnce(&Caller, &mut Settings) -> Result<()>,
) -> dsr_status {
    guard(caller, |c| {
        let settings = find(settings, "settings")?;
        let mut settings = settings.lock().unwrap_or_else(PoisonError::into_inner);
        how(c, &mut settings.settings)
    })
}

/// A time span of the caller.
pub fn span(ms: i64, name: &str) -> Result<Duration> {
    u64::try_from(ms)
        .map(Duration::from_millis)
        .map_err(|_| Failure::input(format!("{name} must not be negative")))
}

/// The default settings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_new(
    settings: *mut *mut dsr_settings,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        c.out(settings, "settings")?
            .put(Mutex::new(Chosen::default()))
    })
}

/// Frees settings. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_settings_free(settings: *mut dsr_settings) {
    free(settings);
}

/// Calls per second to one project, over all kinds of calls, up to 1000. Default: 1.0, the
/// vendor's documented limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_requests_per_second(
    settings: *mut dsr_settings,
    rate: f64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.requests_per_second = Some(rate);
        Ok(())
    })
}

/// How long one call may take, connecting included, in milliseconds. Default: 60000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_request_timeout_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.request_timeout = span(ms, "ms")?;
        Ok(())
    })
}

/// How long connecting may take, in milliseconds. Default: 10000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_connect_timeout_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.connect_timeout = span(ms, "ms")?;
        Ok(())
    })
}

/// The first wait after a refusal or a failure, in milliseconds; it doubles from there, with
/// jitter. Default: 1000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_backoff_initial_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.backoff_initial = span(ms, "ms")?;
        Ok(())
    })
}

/// The longest such wait, in milliseconds. Waiting itself has no end. Default: 600000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_backoff_max_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.backoff_max = span(ms, "ms")?;
        Ok(())
    })
}

/// How much waiting one request is worth, in milliseconds: with less, jobs are looked at, and room in
/// the scan budget is tried for, more often. Default: 30000, found by measurement.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_request_worth_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.request_worth = span(ms, "ms")?;
        Ok(())
    })
}

/// The shortest wait between two looks at a job, in milliseconds. Default: 2000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_poll_initial_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.poll_initial = span(ms, "ms")?;
        Ok(())
    })
}

/// The longest wait between two looks at a job, and between two tries for room in the scan budget,
/// in milliseconds. Default: 21600000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_poll_max_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.poll_max = span(ms, "ms")?;
        Ok(())
    })
}

/// How long to wait before a retrieval whose answer was lost is sent once more, in milliseconds.
/// Default: 900000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_ambiguous_retry_after_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.ambiguous_retry_after = span(ms, "ms")?;
        Ok(())
    })
}

/// How long NOT_FOUND or UNKNOWN may last before a job counts as lost and is held, in
/// milliseconds. Default: 86400000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_lost_after_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.lost_after = span(ms, "ms")?;
        Ok(())
    })
}

/// Days of outstanding scans that the vendor allows per project. Default: 1826, about 5 years.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_scan_budget_days(
    settings: *mut dsr_settings,
    days: u32,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.scan_budget_days = days;
        Ok(())
    })
}

/// Days since the project's first event: what one retrieval scans. 0: not known. Default: 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_project_age_days(
    settings: *mut dsr_settings,
    days: u32,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.project_age_days = (days > 0).then_some(days);
        Ok(())
    })
}

/// What to do when an answer was lost, a dsr_ambiguity. Default: DSR_RESOLVE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_on_ambiguous(
    settings: *mut dsr_settings,
    policy: c_int,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.on_ambiguous = match policy {
            0 => AmbiguityPolicy::Resolve,
            1 => AmbiguityPolicy::Resubmit,
            2 => AmbiguityPolicy::Hold,
            _ => return Err(Failure::input("policy is no dsr_ambiguity")),
        };
        Ok(())
    })
}

/// The most people one deletion plan may name. Raise it knowingly. Default: 10000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_max_ids_per_deletion_plan(
    settings: *mut dsr_settings,
    ids: u64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.max_ids_per_deletion_plan = ids;
        Ok(())
    })
}

/// The largest archive, unpacked, in bytes. Default: 50 GiB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_archive_max_bytes(
    settings: *mut dsr_settings,
    bytes: u64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.archive_max_bytes = bytes;
        Ok(())
    })
}

/// How long the journal keeps the ids of a deletion after its end, in milliseconds; then only keyed
/// digests of them stay. Default: 0, since the list of the erased is the very data to erase.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_keep_deleted_for_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.keep_deleted_for = span(ms, "ms")?;
        Ok(())
    })
}

/// How long the journal keeps the ids of a retrieval after its packages were written, in
/// milliseconds. Without them the packages cannot be written again. Default: 604800000, a week.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_keep_retrieved_for_ms(
    settings: *mut dsr_settings,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |_, settings| {
        settings.keep_retrieved_for = span(ms, "ms")?;
        Ok(())
    })
}

/// Encrypts the ids in the journal with this key of 32 random bytes, which must lie elsewhere than
/// the journal: without it they are lost. For a journal that is new or was made with the same key.
/// NULL, the default: not encrypted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_journal_key(
    settings: *mut dsr_settings,
    key_or_null: *const u8,
    key_bytes: usize,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let settings = find(settings, "settings")?;
        let key = match (key_or_null.is_null(), key_bytes) {
            (true, 0) => None,
            (_, 32) => Some(c.array(key_or_null, 32, "key_or_null")?.to_vec()),
            _ => return Err(Failure::input("a journal key has 32 random bytes")),
        };
        let mut settings = settings.lock().unwrap_or_else(PoisonError::into_inner);
        settings.journal_key = key;
        Ok(())
    })
}

/// A proxy for all calls; the environment's proxy variables are never used. NULL, the default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_proxy(
    settings: *mut dsr_settings,
    url_or_null: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |c, settings| {
        settings.proxy = c
            .text_or_null(url_or_null, "url_or_null")?
            .map(str::to_owned);
        Ok(())
    })
}

/// A PEM file of certificate authorities to trust besides the system's. NULL, the default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_settings_set_ca_bundle(
    settings: *mut dsr_settings,
    path_or_null: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, settings, |c, settings| {
        settings.ca_bundle = c
            .text_or_null(path_or_null, "path_or_null")?
            .map(PathBuf::from);
        Ok(())
    })
}
