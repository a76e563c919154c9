//! Reading a run's events: by waiting for them, or beside other things with poll or epoll.

use std::ffi::c_int;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dsrkit::{Event, EventReader};
use tokio::sync::{Mutex, Notify};

use crate::error::dsr_error;
use crate::event::{EventTexts, dsr_event};
use crate::guard::{Caller, Failure, Result, guard};
use crate::handle::find;
use crate::pump::Pump;
use crate::run::dsr_run;
use crate::status::dsr_status;

/// The events of one run's handle.
pub struct Events {
    reader: Arc<Mutex<EventReader>>,
    wake: Notify,
    pump: OnceLock<Pump>,
}

impl Events {
    pub fn new(reader: EventReader) -> Self {
        Self {
            reader: Arc::new(Mutex::new(reader)),
            wake: Notify::new(),
            pump: OnceLock::new(),
        }
    }

    async fn next(&self) -> dsrkit::Result<Option<Event>> {
        match self.pump.get() {
            Some(pump) => pump.next().await,
            None => self.reader.lock().await.next().await,
        }
    }
}

/// The caller's time-out. Only -1 says that there is none: what is left of a time that has passed
/// must not become a wait without end.
pub fn limit(timeout_ms: i64) -> Option<Duration> {
    (timeout_ms != -1).then(|| Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)))
}

/// The next event, from the run's first one on; reading drives the run. Waits timeout_ms at most,
/// without limit when that is -1; any other below 0 counts as 0. DSR_NO_EVENT when nothing happened in that time or
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
                () = run.events.wake.notified() => Err(Failure::quiet(dsr_status::DSR_NO_EVENT)),
                next = run.events.next() => Ok(next?),
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
        find(run, "run")?.events.wake.notify_one();
        Ok(())
    })
}

/// For programs that wait with poll, epoll or select: a file descriptor that is readable when
/// dsr_run_next_event with timeout_ms 0 has something to give. From then on the client's own thread
/// drives the run. After DSR_END or an error, it is not readable again before dsr_run_next_event was
/// called once more; when the client was freed, it hangs up. Never read or close it: it is closed
/// with dsr_run_free. The same number at each call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_fd(
    run: *const dsr_run,
    fd: *mut c_int,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(fd, "fd")?;
        let run = find(run, "run")?;
        run.open()?;
        let pump = match run.events.pump.get() {
            Some(pump) => pump,
            None => started(&run)?,
        };
        out.set(pump.fd()?);
        Ok(())
    })
}

/// Begins to read ahead. Of two threads that do so at once, one has its way.
fn started(run: &crate::run::RunObject) -> Result<&Pump> {
    let reader = Arc::clone(&run.events.reader);
    let pump = run.client.inside(|| Pump::start(reader))??;
    Ok(run.events.pump.get_or_init(|| pump))
}
