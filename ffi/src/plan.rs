//! `dsr_plan`: a frozen plan.

use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::time::Duration;

use dsrkit::{Estimate, Kind, PlanHandle, RunHandle};

use crate::client::{ClientObject, dsr_client};
use crate::error::dsr_error;
use crate::guard::{Caller, Result, free, get, guard};
use crate::handle::{find, handle, put};
use crate::ids::Given;
use crate::options::{PlanTerms, dsr_plan_options, options};
use crate::run::{RunObject, dsr_run};
use crate::status::dsr_status;
use crate::text::{bound_word, c_text, kind_word, pointer};

/// A frozen plan: the ids, guarded, deduplicated and cut, in the journal. It never changes.
/// Owner: you; dsr_plan_free, which leaves the plan in the journal.
/// Threads: any, several at the same time.
/// Lifetime: dsr_plan_start needs its client alive; its texts live as long as it does.
pub struct dsr_plan {
    _number: (),
}
handle!(dsr_plan => PlanObject);

pub struct PlanObject {
    client: Arc<ClientObject>,
    plan: PlanHandle,
    id: CString,
    confirm: CString,
    reference: Option<CString>,
    estimate: Estimate,
    estimate_text: CString,
}

impl PlanObject {
    pub fn new(client: &Arc<ClientObject>, plan: PlanHandle) -> Self {
        let estimate = plan.estimate();
        Self {
            client: Arc::clone(client),
            id: c_text(plan.id()),
            confirm: c_text(&plan.confirm()),
            reference: plan.row().reference.as_deref().map(c_text),
            estimate_text: c_text(&estimate.text),
            estimate,
            plan,
        }
    }
}

fn freeze(
    caller: Caller,
    client: *const dsr_client,
    kind: Kind,
    ids: Given,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(plan, "plan")?;
        let client = find(client, "client")?;
        let plan = frozen(c, &client, kind, ids, options_or_null)?;
        out.put(PlanObject::new(&client, plan))
    })
}

/// Freezes a plan of a client.
pub fn frozen(
    c: &Caller,
    client: &ClientObject,
    kind: Kind,
    ids: Given,
    options_or_null: *const dsr_plan_options,
) -> Result<PlanHandle> {
    let terms: PlanTerms = options(options_or_null)?;
    let mut ids = ids.source(c)?;
    if let Some(column) = &terms.column {
        ids = ids.column(column);
    }
    let client = client.open()?;
    Ok(client.freeze(ids, terms.terms(kind), &terms.options)?)
}

/// Freezes a plan to give people their data. Any number of ids, used exactly as given; reading them
/// blocks. DSR_INVALID_INPUT names the positions of ids that cannot be used. Nothing is sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_plan_retrieval(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let ids = Given::Texts(ids, n_ids);
    freeze(caller, client, Kind::Retrieval, ids, options_or_null, plan)
}

/// dsr_client_plan_retrieval with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_plan_retrieval_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let ids = Given::Measured(ids, lengths, n_ids);
    freeze(caller, client, Kind::Retrieval, ids, options_or_null, plan)
}

/// dsr_client_plan_retrieval with the ids of a file: .csv, .jsonl, or text with one id a line; UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_plan_retrieval_file(
    client: *const dsr_client,
    path: *const c_char,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let ids = Given::File(path);
    freeze(caller, client, Kind::Retrieval, ids, options_or_null, plan)
}

/// Freezes a plan to erase people's data. Any number of ids up to max_ids_per_deletion_plan, used
/// exactly as given; reading them blocks. DSR_INVALID_INPUT names the positions of ids that cannot
/// be used. Nothing is sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_plan_deletion(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let ids = Given::Texts(ids, n_ids);
    freeze(caller, client, Kind::Deletion, ids, options_or_null, plan)
}

/// dsr_client_plan_deletion with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_plan_deletion_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let ids = Given::Measured(ids, lengths, n_ids);
    freeze(caller, client, Kind::Deletion, ids, options_or_null, plan)
}

/// dsr_client_plan_deletion with the ids of a file: .csv, .jsonl, or text with one id a line; UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_plan_deletion_file(
    client: *const dsr_client,
    path: *const c_char,
    options_or_null: *const dsr_plan_options,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let ids = Given::File(path);
    freeze(caller, client, Kind::Deletion, ids, options_or_null, plan)
}

fn read<T>(plan: *const dsr_plan, otherwise: T, look: impl FnOnce(&PlanObject) -> T) -> T {
    get(otherwise, || {
        find(plan, "plan").ok().map(|plan| look(&plan))
    })
}

/// Frees a plan's handle; the plan stays in the journal. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_free(plan: *mut dsr_plan) {
    free(plan);
}

/// The plan's id; the run made of it has the same.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_id(plan: *const dsr_plan) -> *const c_char {
    read(plan, std::ptr::null(), |plan| plan.id.as_ptr())
}

/// "retrieval" or "deletion".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_kind(plan: *const dsr_plan) -> *const c_char {
    read(plan, std::ptr::null(), |plan| {
        kind_word(plan.plan.kind()).as_ptr()
    })
}

/// Distinct people.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_subjects(plan: *const dsr_plan) -> u64 {
    read(plan, 0, |plan| plan.plan.subjects())
}

/// Rows that repeated an id; they were merged.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_duplicates(plan: *const dsr_plan) -> u64 {
    read(plan, 0, |plan| plan.plan.duplicates())
}

/// When the law wants the answer, in milliseconds since 1970 (UTC).
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_deadline_ms(plan: *const dsr_plan) -> i64 {
    read(plan, -1, |plan| plan.plan.row().deadline_at)
}

/// Requests that will be sent.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_batches(plan: *const dsr_plan) -> u32 {
    read(plan, 0, |plan| plan.plan.batches())
}

/// Rows that were left out (skip_bad); the report tells which and why.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_refused(plan: *const dsr_plan) -> u64 {
    read(plan, 0, |plan| plan.plan.row().refused.total)
}

/// Your own case number; NULL for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_reference(plan: *const dsr_plan) -> *const c_char {
    read(plan, std::ptr::null(), |plan| {
        pointer(plan.reference.as_ref())
    })
}

/// What confirms this plan, such as "4812:1a2b3c4d": the count of people, and the first eight
/// digits of the plan's digest. Show it to a person before you pass it to dsr_plan_start.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_confirm(plan: *const dsr_plan) -> *const c_char {
    read(plan, std::ptr::null(), |plan| plan.confirm.as_ptr())
}

/// One line for people: requests, the least time to send them, and the expected end where it is
/// known.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_estimate(plan: *const dsr_plan) -> *const c_char {
    read(plan, std::ptr::null(), |plan| plan.estimate_text.as_ptr())
}

/// The least time to send all requests at the project's pace, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_sending_ms(plan: *const dsr_plan) -> i64 {
    read(plan, -1, |plan| ms(plan.estimate.sending))
}

/// All calls that are expected, with refused creates and looks at jobs; -1 when no job of this kind
/// has ended in this project yet.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_expected_requests(plan: *const dsr_plan) -> i64 {
    read(plan, -1, |plan| {
        let requests = plan.estimate.expected_requests;
        requests.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX))
    })
}

/// Milliseconds from the start to the end of the last job, at the least, as it would come in four
/// of five cases; -1 when no job of this kind has ended in this project yet.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_expected_min_ms(plan: *const dsr_plan) -> i64 {
    read(plan, -1, |plan| {
        plan.estimate.expected.map_or(-1, |range| ms(range.0))
    })
}

/// The same, at the most.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_expected_max_ms(plan: *const dsr_plan) -> i64 {
    read(plan, -1, |plan| {
        plan.estimate.expected.map_or(-1, |range| ms(range.1))
    })
}

/// What the end hangs on: "rate", "scan budget" or "not known".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_plan_expected_bound(plan: *const dsr_plan) -> *const c_char {
    read(plan, std::ptr::null(), |plan| {
        bound_word(plan.estimate.bound).as_ptr()
    })
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Starts a plan. A deletion needs exactly its dsr_plan_confirm, else DSR_NOT_CONFIRMED; a
/// retrieval needs none. Sending begins when the run is waited for, or its events are read.
/// Starting twice is starting once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_start(
    plan: *const dsr_plan,
    confirm_or_null: *const c_char,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    start(caller, plan, run, |c, plan| {
        let confirm = c.text_or_null(confirm_or_null, "confirm_or_null")?;
        Ok(plan.start(confirm, false)?)
    })
}

/// Starts a plan if it names exactly so many people, else DSR_NOT_CONFIRMED: for programs that plan
/// and start in one step and know the number from elsewhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_plan_start_counted(
    plan: *const dsr_plan,
    people: u64,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    start(caller, plan, run, |_, plan| {
        Ok(plan.start(Some(&people.to_string()), true)?)
    })
}

fn start(
    caller: Caller,
    plan: *const dsr_plan,
    run: *mut *mut dsr_run,
    how: impl FnOnce(&Caller, &PlanHandle) -> Result<RunHandle>,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(run, "run")?;
        let plan = find(plan, "plan")?;
        plan.client.open()?;
        let run = how(c, &plan.plan)?;
        out.set(put::<dsr_run>(RunObject::new(&plan.client, run))?);
        Ok(())
    })
}
