//! `dsr_plan_options`, and what all options have in common.

use std::ffi::{c_char, c_int};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use dsrkit::{Compliance, Disclosure, Kind, PlanOptions, Terms};

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, free, guard};
use crate::handle::{Handle, find, handle};
use crate::settings::span;
use crate::status::dsr_status;

/// What a plan says besides its ids.
/// Owner: you; dsr_plan_options_free.
/// Threads: any; one change at a time happens.
/// Lifetime: a plan copies them; may be used for several plans.
pub struct dsr_plan_options {
    _number: (),
}
handle!(dsr_plan_options => Mutex<PlanTerms>);

/// The law a request is made under.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code)] // C hands the numbers in as `int`, which may be any
pub enum dsr_compliance {
    /// General Data Protection Regulation: one month to answer.
    DSR_GDPR = 0,
    /// California Consumer Privacy Act: 45 days to answer; a retrieval covers one year.
    DSR_CCPA = 1,
}

/// What a CCPA retrieval discloses.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code)] // C hands the numbers in as `int`, which may be any
pub enum dsr_disclosure {
    /// Not said; the vendor's default is the data. The only value that goes with GDPR.
    DSR_DISCLOSURE_UNSET = 0,
    /// The data itself.
    DSR_DISCLOSURE_DATA = 1,
    /// The categories of data.
    DSR_DISCLOSURE_CATEGORIES = 2,
    /// The sources of data.
    DSR_DISCLOSURE_SOURCES = 3,
}

/// The options of a plan of either kind.
#[derive(Clone, Default)]
pub struct PlanTerms {
    pub options: PlanOptions,
    pub column: Option<String>,
    compliance: Compliance,
    disclosure: Option<Disclosure>,
}

impl PlanTerms {
    pub fn terms(&self, kind: Kind) -> Terms {
        Terms {
            kind,
            compliance: self.compliance,
            disclosure: self.disclosure,
        }
    }
}

/// Reads a dsr_compliance.
pub fn compliance(number: c_int) -> Result<Compliance> {
    match number {
        0 => Ok(Compliance::Gdpr),
        1 => Ok(Compliance::Ccpa),
        _ => Err(Failure::input("compliance is no dsr_compliance")),
    }
}

/// Reads a dsr_disclosure.
pub fn disclosure(number: c_int) -> Result<Option<Disclosure>> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(Disclosure::Data)),
        2 => Ok(Some(Disclosure::Categories)),
        3 => Ok(Some(Disclosure::Sources)),
        _ => Err(Failure::input("disclosure is no dsr_disclosure")),
    }
}

/// What a handle of options holds now; the defaults for NULL.
pub fn options<H, T>(options: *const H) -> Result<T>
where
    H: Handle<Object = Mutex<T>>,
    T: Clone + Default,
{
    if options.is_null() {
        return Ok(T::default());
    }
    let options = find(options, "options_or_null")?;
    Ok(options
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone())
}

pub fn change<H, T>(
    caller: Caller,
    options: *mut H,
    how: impl FnOnce(&Caller, &mut T) -> Result<()>,
) -> dsr_status
where
    H: Handle<Object = Mutex<T>>,
{
    guard(caller, |c| {
        let options = find(options, "options")?;
        let mut options = options.lock().unwrap_or_else(PoisonError::into_inner);
        how(c, &mut options)
    })
}

/// The default options of a plan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_new(
    options: *mut *mut dsr_plan_options,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        c.out(options, "options")?.put(Mutex::default())
    })
}

/// Frees options. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_options_free(options: *mut dsr_plan_options) {
    free(options);
}

/// The law, a dsr_compliance. Default: DSR_GDPR.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_compliance(
    options: *mut dsr_plan_options,
    law: c_int,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.compliance = compliance(law)?;
        Ok(())
    })
}

/// CCPA retrievals: what is disclosed, a dsr_disclosure. Default: DSR_DISCLOSURE_UNSET.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_disclosure(
    options: *mut dsr_plan_options,
    what: c_int,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.disclosure = disclosure(what)?;
        Ok(())
    })
}

/// Your own case number. Kept in the journal and in reports, never sent. NULL, the default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_reference(
    options: *mut dsr_plan_options,
    reference_or_null: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        let reference = c.text_or_null(reference_or_null, "reference_or_null")?;
        options.options.reference = reference.map(str::to_owned);
        Ok(())
    })
}

/// A moment of the caller.
fn since_1970(at_ms: i64) -> Result<i64> {
    match at_ms {
        0.. => Ok(at_ms),
        _ => Err(Failure::input("at_ms must not be negative")),
    }
}

/// When the request reached you, in milliseconds since 1970 (UTC), at most a day ahead of the
/// client's clock. Default: now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_received_at_ms(
    options: *mut dsr_plan_options,
    at_ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.options.received_at = Some(since_1970(at_ms)?);
        Ok(())
    })
}

/// When the answer is due, in milliseconds since 1970 (UTC), not before it was received. Default: 30
/// days after it was received (GDPR), 45 days (CCPA).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_deadline_ms(
    options: *mut dsr_plan_options,
    at_ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.options.deadline = Some(since_1970(at_ms)?);
        Ok(())
    })
}

/// Accepts ids that look like mistakes ("null", blanks at the ends, header words); never the empty
/// one. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_allow_unusual(
    options: *mut dsr_plan_options,
    yes: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.options.allow_unusual = yes;
        Ok(())
    })
}

/// Retrievals: leaves ids out that cannot be used, and reports them. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_skip_bad(
    options: *mut dsr_plan_options,
    yes: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.options.skip_bad = yes;
        Ok(())
    })
}

/// Deletions: waits this long after the start before anything is sent, in milliseconds. Default: 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_hold_for_ms(
    options: *mut dsr_plan_options,
    ms: i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.options.hold_for = span(ms, "ms")?;
        Ok(())
    })
}

/// Retrievals: the folder for archives as received. NULL, the default: "<journal>.archives".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_archives(
    options: *mut dsr_plan_options,
    path_or_null: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        let path = c.text_or_null(path_or_null, "path_or_null")?;
        options.options.archives = path.map(PathBuf::from);
        Ok(())
    })
}

/// Plans of a .csv or .jsonl file: the column or key that holds the ids. NULL, the default: the one
/// that is called distinct_id, else $distinct_id, else the only one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_options_set_column(
    options: *mut dsr_plan_options,
    column_or_null: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        let column = c.text_or_null(column_or_null, "column_or_null")?;
        options.column = column.map(str::to_owned);
        Ok(())
    })
}
