//! What the journal keeps of people: removing it, asking about one person, checking it.

use std::ffi::c_char;

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, guard};
use crate::handle::find;
use crate::settings::span;
use crate::status::dsr_status;
use crate::text::owned;

/// Removes the ids of a run from the journal now, of all its batches that are at their end; keyed
/// digests stay. `ids` tells how many went. By itself this happens as
/// dsr_settings_set_keep_deleted_for_ms and dsr_settings_set_keep_retrieved_for_ms say, when the
/// journal is opened, by dsr_client_tick and by dsr_client_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_seal(
    client: *const dsr_client,
    run_id: *const c_char,
    ids: *mut u64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(ids, "ids")?;
        let client = find(client, "client")?;
        out.set(client.open()?.seal(c.text(run_id, "run_id")?)?);
        Ok(())
    })
}

/// Every run of the journal that names this id, sealed or not, oldest first, as a JSON list of
/// objects with "run_id", "kind", "outcome" and "at_ms". Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_was_processed(
    client: *const dsr_client,
    id: *const c_char,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let client = find(client, "client")?;
        let found = client.open()?.was_processed(c.text(id, "id")?)?;
        out.set(owned(&serde_json::json!(found).to_string())?);
        Ok(())
    })
}

/// Removes what is kept of runs that ended longer ago than this, and of plans that were made longer
/// ago and never started: ids, their digests, archives, and the packages that dsr_run_collect
/// wrote. Counts, tasks and events stay. A run that waits for a person is left alone. `json` is a
/// list of the runs' ids; free it with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_purge(
    client: *const dsr_client,
    older_than_ms: i64,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let client = find(client, "client")?;
        let purged = client
            .open()?
            .purge(span(older_than_ms, "older_than_ms")?)?;
        out.set(owned(&serde_json::json!(purged).to_string())?);
        Ok(())
    })
}

/// Recomputes the hash chain over all events of the journal and tells how many there are.
/// DSR_JOURNAL where they were changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_verify_journal(
    client: *const dsr_client,
    events: *mut u64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(events, "events")?;
        let client = find(client, "client")?;
        out.set(client.open()?.verify_journal()?);
        Ok(())
    })
}
