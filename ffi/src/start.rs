//! Planning and starting in one step.

use std::ffi::c_char;

use dsrkit::Kind;

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, guard};
use crate::handle::find;
use crate::ids::Given;
use crate::options::dsr_plan_options;
use crate::plan::frozen;
use crate::run::{RunObject, dsr_run};
use crate::status::dsr_status;

/// `people`: how many a deletion must name.
fn begin(
    caller: Caller,
    client: *const dsr_client,
    (kind, people): (Kind, Option<u64>),
    ids: Given,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(run, "run")?;
        let client = find(client, "client")?;
        let plan = frozen(c, &client, kind, ids, options_or_null)?;
        let confirm = people.map(|people| people.to_string());
        let run = plan.start(confirm.as_deref(), true)?;
        out.put(RunObject::new(&client, run))
    })
}

/// dsr_client_plan_retrieval and dsr_plan_start in one step. Sending begins when the run is waited
/// for, or its events are read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_retrieve(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (what, ids) = ((Kind::Retrieval, None), Given::Texts(ids, n_ids));
    begin(caller, client, what, ids, options_or_null, run)
}

/// dsr_client_retrieve with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_retrieve_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (what, ids) = (
        (Kind::Retrieval, None),
        Given::Measured(ids, lengths, n_ids),
    );
    begin(caller, client, what, ids, options_or_null, run)
}

/// dsr_client_retrieve with the ids of a file, see dsr_client_plan_retrieval_file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_retrieve_file(
    client: *const dsr_client,
    path: *const c_char,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (what, ids) = ((Kind::Retrieval, None), Given::File(path));
    begin(caller, client, what, ids, options_or_null, run)
}

/// dsr_client_plan_deletion and dsr_plan_start_counted in one step: starts only if the ids are
/// exactly so many people, else DSR_NOT_CONFIRMED and nothing is sent. Irreversible.
/// Sending begins when the run is waited for, or its events are read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_delete(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    people: u64,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (what, ids) = ((Kind::Deletion, Some(people)), Given::Texts(ids, n_ids));
    begin(caller, client, what, ids, options_or_null, run)
}

/// dsr_client_delete with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_delete_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    people: u64,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let what = (Kind::Deletion, Some(people));
    let ids = Given::Measured(ids, lengths, n_ids);
    begin(caller, client, what, ids, options_or_null, run)
}

/// dsr_client_delete with the ids of a file, see dsr_client_plan_deletion_file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_delete_file(
    client: *const dsr_client,
    path: *const c_char,
    people: u64,
    options_or_null: *const dsr_plan_options,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (what, ids) = ((Kind::Deletion, Some(people)), Given::File(path));
    begin(caller, client, what, ids, options_or_null, run)
}
