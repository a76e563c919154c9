//! `dsr_client`: the front door, and the runtime that works behind it.

use std::ffi::c_char;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;

use dsrkit::{Client, Journal, Mixpanel, Network};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, get, guard};
use crate::handle::{find, handle, put, take};
use crate::log;
use crate::mixpanel::{dsr_mixpanel, project};
use crate::run::{RunObject, dsr_run};
use crate::settings::{Chosen, dsr_settings};
use crate::settings_read::{chosen, held};
use crate::signals::Quiet;
use crate::status::dsr_status;
use crate::text::owned;

/// The front door to one project, with its journal.
/// Owner: you; dsr_client_free.
/// Threads: any, several at the same time.
/// Lifetime: keeps copies of project and settings, which may be freed. Plans and runs made of it
///   give DSR_BAD_STATE once it is freed; jobs, events, outcomes, reports and errors stay.
pub struct dsr_client {
    _number: (),
}
handle!(dsr_client => Arc<ClientObject>);

/// How long a client that is freed waits for the call under way to be recorded, and then for its
/// threads.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct ClientObject {
    pub core: Client,
    project: Mixpanel,
    work: Arc<Work>,
    /// Whether it was made by dsr_client_with_settings: then another one ends the work.
    derived: bool,
}

/// What clients of one journal share.
struct Work {
    runtime: RwLock<Option<Runtime>>,
    closing: watch::Sender<bool>,
}

impl ClientObject {
    /// Carries work out on this thread and the client's own. `close` cannot take the runtime from
    /// under it, except between two turns, when lines of the log are handed over.
    pub fn block<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        log::refuse_inside()?;
        let mut closing = self.work.closing.subscribe();
        let work = async {
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => Err(closed()),
                result = work => result,
            }
        };
        let mut work = std::pin::pin!(work);
        loop {
            let turn = std::future::poll_fn(|context| match work.as_mut().poll(context) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if log::waiting() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            if let Some(result) = self.inside(|| Handle::current().block_on(turn))? {
                return result;
            }
            log::deliver();
        }
    }

    /// Does something inside the client's runtime. The lock is held for reading all the while.
    pub fn inside<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        let runtime = &self.work.runtime;
        let runtime = runtime.read().unwrap_or_else(PoisonError::into_inner);
        let runtime = runtime.as_ref().ok_or_else(closed)?;
        let _inside = runtime.enter();
        Ok(work())
    }

    /// Refuses what needs no runtime, too, once the client was freed.
    pub fn open(&self) -> Result<&Client> {
        if *self.work.closing.borrow() {
            Err(closed())
        } else {
            Ok(&self.core)
        }
    }

    /// Ends every wait, lets the call under way be recorded, stops the threads.
    fn close(&self) {
        if self.derived {
            return;
        }
        self.work.closing.send_replace(true);
        let runtime = self
            .work
            .runtime
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            let _ =
                runtime.block_on(async { tokio::time::timeout(PATIENCE, self.core.close()).await });
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

fn closed() -> Failure {
    Failure::new(
        dsr_status::DSR_BAD_STATE,
        "the client of this handle was freed",
    )
}

/// A client with its journal: the path of an SQLite file, made when it is not there, a
/// "postgresql://" URL (docs/OPERATIONS.md), or ":memory:". While another process works with the
/// journal it opens for reading. Sends nothing.
/// DSR_CONFIG for settings that cannot work and for a journal of another project.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_new(
    mixpanel: *const dsr_mixpanel,
    settings_or_null: *const dsr_settings,
    journal: *const c_char,
    client: *mut *mut dsr_client,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(client, "client")?;
        let project = project(mixpanel)?;
        let Chosen {
            settings,
            journal_key,
        } = chosen(settings_or_null)?;
        let mut journal = Journal::open(c.text(journal, "journal")?)?;
        if let Some(key) = &journal_key {
            journal = journal.encrypted(key)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("dsrkit")
            .enable_all()
            .build()
            .map_err(|error| {
                dsrkit::Error::new(dsrkit::ErrorKind::Io, "cannot start a runtime")
                    .with_source(error)
            })?;
        let core = {
            let _inside = runtime.enter();
            Client::builder(project.clone())
                .settings(settings)
                .journal(journal)
                .build()?
        };
        let work = Work {
            runtime: RwLock::new(Some(runtime)),
            closing: watch::Sender::new(false),
        };
        out.put(Arc::new(ClientObject {
            core,
            project,
            work: Arc::new(work),
            derived: false,
        }))
    })
}

/// The same client, whose single calls (dsr_client_create_deletion and its like, the flows,
/// dsr_client_raw) have the time-outs, back-off, proxy and authorities of these settings. Journal,
/// pace and runs are shared, and runs go by the settings of the client that was made first:
/// DSR_CONFIG for settings that differ in anything else (a journal key is not looked at). Freeing
/// the first one ends both, and the journal closes when both are freed; freeing this one ends nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_with_settings(
    client: *const dsr_client,
    settings: *const dsr_settings,
    other: *mut *mut dsr_client,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(other, "other")?;
        let client = find(client, "client")?;
        let settings = held(settings, "settings")?.settings;
        let core = client.inside(|| {
            settings.check()?;
            let network = Network::new(&settings, &client.project)?;
            client.core.with_settings(settings, &network)
        })??;
        out.put(Arc::new(ClientObject {
            core,
            project: client.project.clone(),
            work: Arc::clone(&client.work),
            derived: true,
        }))
    })
}

/// Frees a client: ends every wait of other threads (they get DSR_BAD_STATE), lets the call under
/// way be recorded, removes ids whose time is over from the journal and stops its threads, in 4
/// seconds at most. The journal closes when the client's plans and runs are freed too. NULL is
/// fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_client_free(client: *mut dsr_client) {
    let _quiet = Quiet::new();
    get((), || {
        take(client)?.close();
        None
    });
    log::deliver();
}

/// A run by its id, from any process, at any time. DSR_NOT_FOUND if the journal has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_run(
    client: *const dsr_client,
    run_id: *const c_char,
    run: *mut *mut dsr_run,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(run, "run")?;
        let client = find(client, "client")?;
        let handle = client.open()?.run(c.text(run_id, "run_id")?)?;
        out.set(put::<dsr_run>(RunObject::new(&client, handle))?);
        Ok(())
    })
}

/// All plans and runs of the journal, oldest first, as a JSON list of objects with "id", "kind",
/// "state" and "subjects". Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_runs(
    client: *const dsr_client,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let client = find(client, "client")?;
        let mut list = Vec::new();
        for run in client.open()?.runs()? {
            let row = run.row()?;
            list.push(serde_json::json!({
                "id": row.id,
                "kind": row.terms.kind.as_str(),
                "state": run.state()?.as_str(),
                "subjects": row.subjects,
            }));
        }
        out.set(owned(&serde_json::Value::from(list).to_string())?);
        Ok(())
    })
}

/// Does what is due now over all runs of the journal, and tells when something is due next, in
/// milliseconds since 1970 (UTC); -1 for never. For programs that are started from time to time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_tick(
    client: *const dsr_client,
    next_due_ms: *mut i64,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(next_due_ms, "next_due_ms")?;
        let client = find(client, "client")?;
        let next = client.block(async { Ok(client.core.tick().await?) })?;
        out.set(next.unwrap_or(-1));
        Ok(())
    })
}
