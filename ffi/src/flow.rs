//! `dsr_flow`: what a published workflow tells.

use std::ffi::{CString, c_char, c_int};

use dsrkit::{FlowOutcome, Kind};

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, free, get, guard};
use crate::handle::{find, handle};
use crate::ids::Given;
use crate::options::compliance;
use crate::status::dsr_status;
use crate::text::{c_text, pointer};

/// What a published workflow (gdpr-retrieval-flow, gdpr-deletion-flow) tells; it never changes.
/// Owner: you; dsr_flow_free, which leaves the vendor's task alone.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_flow {
    _number: (),
}
handle!(dsr_flow => FlowTexts);

pub struct FlowTexts {
    task_id: CString,
    task_status: CString,
    download_url: Option<CString>,
}

impl FlowTexts {
    fn new(outcome: &FlowOutcome) -> Self {
        Self {
            task_id: c_text(&outcome.task_id),
            task_status: c_text(outcome.task_status.as_str()),
            download_url: outcome
                .download_url
                .as_ref()
                .map(|url| c_text(url.expose())),
        }
    }
}

fn read(flow: *const dsr_flow, look: impl FnOnce(&FlowTexts) -> *const c_char) -> *const c_char {
    get(std::ptr::null(), || {
        find(flow, "flow").ok().map(|flow| look(&flow))
    })
}

/// Frees what a workflow told; the vendor's task goes on. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_flow_free(flow: *mut dsr_flow) {
    free(flow);
}

/// The vendor's task id.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_flow_task_id(flow: *const dsr_flow) -> *const c_char {
    read(flow, |flow| flow.task_id.as_ptr())
}

/// The task's status at the last look, an upper-case word; see dsr_job_status.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_flow_task_status(flow: *const dsr_flow) -> *const c_char {
    read(flow, |flow| flow.task_status.as_ptr())
}

/// The signed link of a finished retrieval's archive, NULL otherwise: treat it as a secret.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_flow_download_url(flow: *const dsr_flow) -> *const c_char {
    read(flow, |flow| pointer(flow.download_url.as_ref()))
}

fn carry_out(
    caller: Caller,
    client: *const dsr_client,
    kind: Kind,
    ids: Given,
    (law, wait): (c_int, bool),
    flow: *mut *mut dsr_flow,
) -> dsr_status {
    guard(caller, |c| {
        let out = c.out(flow, "flow")?;
        let client = find(client, "client")?;
        let (ids, law) = (ids.source(c)?, compliance(law)?);
        let outcome = client.block(async {
            Ok(match kind {
                Kind::Retrieval => client.core.retrieval_flow(ids, law, wait).await,
                Kind::Deletion => client.core.deletion_flow(ids, law, wait).await,
            }?)
        })?;
        out.put(FlowTexts::new(&outcome))
    })
}

/// The published workflow gdpr-retrieval-flow: makes a retrieval task for these ids, under a
/// dsr_compliance, and looks at it, once, or with wait until it has ended. No journal: a run keeps
/// the task's id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_retrieval_flow(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    compliance: c_int,
    wait: bool,
    flow: *mut *mut dsr_flow,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Texts(ids, n_ids), (compliance, wait));
    carry_out(caller, client, Kind::Retrieval, ids, terms, flow)
}

/// dsr_client_retrieval_flow with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_retrieval_flow_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    compliance: c_int,
    wait: bool,
    flow: *mut *mut dsr_flow,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Measured(ids, lengths, n_ids), (compliance, wait));
    carry_out(caller, client, Kind::Retrieval, ids, terms, flow)
}

/// The published workflow gdpr-deletion-flow, see dsr_client_retrieval_flow. Irreversible, and
/// without the confirmation and the journal of a plan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_deletion_flow(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    compliance: c_int,
    wait: bool,
    flow: *mut *mut dsr_flow,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Texts(ids, n_ids), (compliance, wait));
    carry_out(caller, client, Kind::Deletion, ids, terms, flow)
}

/// dsr_client_deletion_flow with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_deletion_flow_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    compliance: c_int,
    wait: bool,
    flow: *mut *mut dsr_flow,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Measured(ids, lengths, n_ids), (compliance, wait));
    carry_out(caller, client, Kind::Deletion, ids, terms, flow)
}
