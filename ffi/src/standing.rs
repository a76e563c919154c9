//! Where a run stands, asked at any time.

use std::ffi::c_char;

use dsrkit::Outcome;

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, get, guard};
use crate::handle::find;
use crate::run::dsr_run;
use crate::status::dsr_status;
use crate::text::{kind_word, owned, state_word, wait_word};

/// "retrieval" or "deletion"; NULL when the journal cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_run_kind(run: *const dsr_run) -> *const c_char {
    get(std::ptr::null(), || {
        let run = find(run, "run").ok()?;
        let row = run.open().ok()?.row().ok()?;
        Some(kind_word(row.terms.kind).as_ptr())
    })
}

/// Where the run stands: "planned", "running", "waiting", "paused" (credentials), "held",
/// "finished" or "cancelled". The text is never freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_state(
    run: *const dsr_run,
    state: *mut *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(state, "state")?;
        out.set(state_word(find(run, "run")?.open()?.state()?).as_ptr());
        Ok(())
    })
}

/// When something of the run is due next, in milliseconds since 1970 (UTC); -1 when nothing is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_next_due_ms(
    run: *const dsr_run,
    next_due_ms: *mut i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(next_due_ms, "next_due_ms")?;
        out.set(
            find(run, "run")?
                .open()?
                .next_due()?
                .map_or(-1, |(at, _)| at),
        );
        Ok(())
    })
}

/// What the run waits for: "rate", "scan budget", "back-off", "poll", "deadline" or "hold_for"; NULL for
/// nothing. The text is never freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_waiting_for(
    run: *const dsr_run,
    reason: *mut *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(reason, "reason")?;
        let due = find(run, "run")?.open()?.next_due()?;
        out.set(due.map_or(std::ptr::null(), |(_, reason)| wait_word(reason).as_ptr()));
        Ok(())
    })
}

/// How many ids have this outcome now (a word of dsr_outcome_word). DSR_INVALID_INPUT for any other
/// word.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_count(
    run: *const dsr_run,
    word: *const c_char,
    ids: *mut u64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(ids, "ids")?;
        let run = find(run, "run")?;
        let word = Outcome::parse(c.text(word, "word")?)
            .ok_or_else(|| Failure::input("word is no outcome of an id"))?;
        let counts = run.open()?.counts()?;
        out.set(counts.get(word.as_str()).copied().unwrap_or(0));
        Ok(())
    })
}

/// The vendor tasks now, as a JSON list of objects with "task_id", "status", "origin", "ids",
/// "cancel" and "polls". Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_jobs(
    run: *const dsr_run,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let jobs = find(run, "run")?.open()?.jobs()?;
        out.set(owned(&serde_json::json!(jobs).to_string())?);
        Ok(())
    })
}
