//! What the journal has of a run now: its events without driving it, and files for a spreadsheet.

use std::collections::VecDeque;
use std::ffi::c_char;
use std::path::Path;
use std::sync::PoisonError;

use dsrkit::{Event, RunHandle};

use crate::error::dsr_error;
use crate::event::{EventTexts, dsr_event};
use crate::guard::{Caller, Failure, Result, guard};
use crate::handle::find;
use crate::run::dsr_run;
use crate::status::dsr_status;

/// Events that are read from the journal at a time.
const PAGE: u32 = 256;

/// The events behind the one that was asked for last. What is recorded does not change.
#[derive(Default)]
pub struct Page {
    after: u64,
    ready: VecDeque<Event>,
}

impl Page {
    fn after(&mut self, run: &RunHandle, seq: u64) -> Result<Option<Event>> {
        if self.after != seq || self.ready.is_empty() {
            self.ready = run.history(seq, PAGE)?.into();
        }
        let next = self.ready.pop_front();
        self.after = next.as_ref().map_or(seq, |event| event.seq);
        Ok(next)
    }
}

/// The first event after the one of that dsr_event_seq (0: the run's first) that the journal has
/// now; DSR_END when there is none yet. Unlike dsr_run_next_event it drives nothing and waits for
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_event_after(
    run: *const dsr_run,
    seq: u64,
    event: *mut *mut dsr_event,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(event, "event")?;
        let run = find(run, "run")?;
        let mut page = run.page.lock().unwrap_or_else(PoisonError::into_inner);
        match page.after(run.open()?, seq)? {
            Some(event) => out.put(EventTexts::new(&event)),
            None => Err(Failure::quiet(dsr_status::DSR_END)),
        }
    })
}

fn write(
    caller: Caller,
    run: *const dsr_run,
    csv_path: *const c_char,
    how: impl FnOnce(&RunHandle, &Path) -> dsrkit::Result<()>,
) -> dsr_status {
    guard(caller, |c| {
        let run = find(run, "run")?;
        let path = c.path(csv_path, "csv_path")?;
        Ok(how(run.open()?, &path)?)
    })
}

/// Writes the outcome of each id as a CSV file with a header line: id, outcome, batch, task_id,
/// package. Readable by its owner only; the file appears whole or not at all. Personal data. Ids are
/// written as they are, for programs: a spreadsheet may take one that begins with = for a formula.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_outcomes_csv(
    run: *const dsr_run,
    csv_path: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    write(caller, run, csv_path, RunHandle::outcomes_csv)
}

/// Writes what was recorded until now as a CSV file with a header line: seq, at (UTC), kind, batch,
/// task_id, text. Drives nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_events_csv(
    run: *const dsr_run,
    csv_path: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    write(caller, run, csv_path, RunHandle::events_csv)
}
