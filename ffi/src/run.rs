//! `dsr_run`: a plan being carried out.

use std::ffi::{CString, c_char};
use std::future::Future;
use std::sync::Arc;

use dsrkit::{ReportData, RunHandle};

use crate::client::ClientObject;
use crate::collect::dsr_collect_options;
use crate::error::dsr_error;
use crate::events::{Events, limit};
use crate::guard::{Caller, Result, free, get, guard};
use crate::handle::{find, handle};
use crate::history::Page;
use crate::options::options;
use crate::outcome::Walk;
use crate::plan::{PlanObject, dsr_plan};
use crate::report::{ReportTexts, dsr_report};
use crate::status::dsr_status;
use crate::text::c_text;

/// A plan being carried out. Nothing moves unless a thread waits for it, reads its events,
/// watches its dsr_run_fd or ticks its client.
/// Owner: you; dsr_run_free, which leaves the run in the journal.
/// Threads: any, several at the same time; each event goes to one of those that read.
/// Lifetime: needs its client alive, except for dsr_run_id.
pub struct dsr_run {
    _number: (),
}
handle!(dsr_run => RunObject);

pub struct RunObject {
    pub client: Arc<ClientObject>,
    pub handle: RunHandle,
    id: CString,
    pub events: Events,
    pub walk: std::sync::Mutex<Walk>,
    pub page: std::sync::Mutex<Page>,
}

impl RunObject {
    pub fn new(client: &Arc<ClientObject>, handle: RunHandle) -> Self {
        Self {
            client: Arc::clone(client),
            id: c_text(handle.id()),
            events: Events::new(handle.events_after(0)),
            walk: std::sync::Mutex::default(),
            page: std::sync::Mutex::default(),
            handle,
        }
    }

    /// Refuses once the client was freed.
    pub fn open(&self) -> Result<&RunHandle> {
        self.client.open()?;
        Ok(&self.handle)
    }
}

/// Frees a run's handle; the run stays in the journal, and dsr_client_run finds it again. NULL is
/// fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_run_free(run: *mut dsr_run) {
    free(run);
}

/// The run's id: keep it to go on in another process.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_run_id(run: *const dsr_run) -> *const c_char {
    get(std::ptr::null(), || {
        find(run, "run").ok().map(|run| run.id.as_ptr())
    })
}

/// The plan that the run carries out; for a plan that another process froze, what to start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_plan(
    run: *const dsr_run,
    plan: *mut *mut dsr_plan,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(plan, "plan")?;
        let run = find(run, "run")?;
        out.put(PlanObject::new(&run.client, run.open()?.plan()?))
    })
}

/// Gives the report that some work on a run ends with.
fn reporting<'a, F>(
    caller: Caller,
    run: *const dsr_run,
    report: *mut *mut dsr_report,
    work: impl FnOnce(&Caller, Arc<RunObject>) -> Result<F> + 'a,
) -> dsr_status
where
    F: Future<Output = dsrkit::Result<ReportData>>,
{
    guard(caller, |c| {
        let out = c.out(report, "report")?;
        let run = find(run, "run")?;
        let work = work(c, Arc::clone(&run))?;
        let report = run.client.block(async { Ok(work.await?) })?;
        out.put(ReportTexts::new(report))
    })
}

/// Waits until nothing more can happen without a person: the run is finished, held or cancelled.
/// DSR_DEADLINE after timeout_ms (-1: no limit; any other below 0 counts as 0), which does the run no
/// harm.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_wait(
    run: *const dsr_run,
    timeout_ms: i64,
    report: *mut *mut dsr_report,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    reporting(unsafe { Caller::trusted(err) }, run, report, |_, run| {
        Ok(async move {
            match limit(timeout_ms) {
                Some(limit) => run.handle.wait_for(limit).await,
                None => run.handle.wait().await,
            }
        })
    })
}

/// Cancels what can be cancelled, and tells what could not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_cancel(
    run: *const dsr_run,
    report: *mut *mut dsr_report,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    reporting(unsafe { Caller::trusted(err) }, run, report, |_, run| {
        Ok(async move { run.handle.cancel().await })
    })
}

/// Tells what to do about a batch that waits for a person (the report's problems name it):
/// "send_again" (a deletion needs confirm_people, the number of the batch's people; else 0),
/// "follow" with the vendor task that carries it (it must name exactly the batch's ids), or
/// "give_up" (its people end as "cancelled" if nothing of them was ever sent, else as "failed").
/// Nothing is sent before the run is waited for again. task_id_or_null goes with "follow" only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_decide(
    run: *const dsr_run,
    batch: u32,
    decision: *const c_char,
    task_id_or_null: *const c_char,
    confirm_people: u64,
    report: *mut *mut dsr_report,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    reporting(unsafe { Caller::trusted(err) }, run, report, |c, run| {
        let decision = c.text(decision, "decision")?;
        let task = c.text_or_null(task_id_or_null, "task_id_or_null")?;
        let confirm = (confirm_people > 0).then_some(confirm_people);
        let decision = dsrkit::Decision::parse(decision, task.map(str::to_owned), confirm)?;
        Ok(async move { run.handle.decide(batch, decision).await })
    })
}

/// The account now, finished or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_report(
    run: *const dsr_run,
    report: *mut *mut dsr_report,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    reporting(unsafe { Caller::trusted(err) }, run, report, |_, run| {
        Ok(async move { run.handle.report() })
    })
}

/// Retrievals: decrypts, unpacks and splits the archives on this disk, one package per person
/// under the folder. An archive that cannot be used is a problem in the report; the others are
/// finished. May be repeated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_collect(
    run: *const dsr_run,
    folder: *const c_char,
    options_or_null: *const dsr_collect_options,
    report: *mut *mut dsr_report,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    reporting(unsafe { Caller::trusted(err) }, run, report, |c, run| {
        let folder = c.path(folder, "folder")?;
        let options = options(options_or_null)?;
        Ok(async move { run.handle.collect(&folder, &options).await })
    })
}
