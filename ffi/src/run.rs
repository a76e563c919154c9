//! `dsr_run`: a plan being carried out.

use std::ffi::{CString, c_char};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dsrkit::{EventReader, ReportData, RunHandle};
use tokio::sync::{Mutex, Notify};

use crate::client::ClientObject;
use crate::collect::dsr_collect_options;
use crate::error::dsr_error;
use crate::event::{EventTexts, dsr_event};
use crate::guard::{Caller, Failure, Result, free, get, guard};
use crate::handle::{find, handle};
use crate::options::options;
use crate::outcome::Walk;
use crate::plan::{PlanObject, dsr_plan};
use crate::report::{ReportTexts, dsr_report};
use crate::status::dsr_status;
use crate::text::{c_text, state_word};

/// A run. Nothing moves unless a thread waits for it, reads its events or ticks its client.
/// Any number of threads may use it; each event goes to one of those that read.
pub struct dsr_run {
    _number: (),
}
handle!(dsr_run => RunObject);

pub struct RunObject {
    client: Arc<ClientObject>,
    pub handle: RunHandle,
    id: CString,
    reader: Mutex<EventReader>,
    wake: Notify,
    pub walk: std::sync::Mutex<Walk>,
}

impl RunObject {
    pub fn new(client: &Arc<ClientObject>, handle: RunHandle) -> Self {
        Self {
            client: Arc::clone(client),
            id: c_text(handle.id()),
            reader: Mutex::new(handle.events_after(0)),
            wake: Notify::new(),
            walk: std::sync::Mutex::default(),
            handle,
        }
    }

    /// Refuses once the client was freed.
    pub fn open(&self) -> Result<&RunHandle> {
        self.client.open()?;
        Ok(&self.handle)
    }
}

/// The caller's time-out; none for a negative one.
fn limit(timeout_ms: i64) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
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

/// The next event, from the run's first one on; reading drives the run. Waits timeout_ms at most,
/// without limit when that is negative. DSR_NO_EVENT when nothing happened in that time or
/// dsr_run_wakeup was called, DSR_END when nothing more can happen without a person; neither is an
/// error. An error (DSR_UNAUTHENTICATED, for example) may be mended and reading go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_next_event(
    run: *const dsr_run,
    timeout_ms: i64,
    event: *mut *mut dsr_event,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(event, "event")?;
        let run = find(run, "run")?;
        let next = run.client.block(async {
            let passed = async {
                match limit(timeout_ms) {
                    Some(limit) => tokio::time::sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = run.wake.notified() => Err(Failure::quiet(dsr_status::DSR_NO_EVENT)),
                next = async { run.reader.lock().await.next().await } => Ok(next?),
                () = passed => Err(Failure::quiet(dsr_status::DSR_NO_EVENT)),
            }
        })?;
        match next {
            Some(event) => out.put(EventTexts::new(&event)),
            None => Err(Failure::quiet(dsr_status::DSR_END)),
        }
    })
}

/// Makes the dsr_run_next_event under way, or else the next one, return DSR_NO_EVENT at once. From
/// any thread; not from a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_wakeup(
    run: *const dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |_| {
        find(run, "run")?.wake.notify_one();
        Ok(())
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
/// DSR_DEADLINE after timeout_ms (negative: no limit), which does the run no harm.
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
