//! `dsr_outcome`: what became of one id.

use std::collections::VecDeque;
use std::ffi::{CString, c_char};
use std::sync::PoisonError;

use dsrkit::{RunHandle, SubjectOutcome};

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, free, get, guard};
use crate::handle::{find, handle};
use crate::run::dsr_run;
use crate::status::dsr_status;
use crate::text::{c_text, pointer};

/// What became of one id.
/// Owner: you; dsr_outcome_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_outcome {
    _number: (),
}
handle!(dsr_outcome => OutcomeTexts);

pub struct OutcomeTexts {
    id: CString,
    word: CString,
    task_id: Option<CString>,
    package: Option<CString>,
    batch: u32,
}

/// How far the outcomes of a run were read: one batch is in memory at a time.
#[derive(Default)]
pub struct Walk {
    batch: u32,
    ready: VecDeque<SubjectOutcome>,
}

impl Walk {
    fn next(&mut self, run: &RunHandle) -> Result<Option<SubjectOutcome>> {
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                return Ok(Some(outcome));
            }
            let Some(outcomes) = run.outcomes(self.batch)? else {
                *self = Self::default();
                return Ok(None);
            };
            self.batch += 1;
            self.ready = outcomes.into();
        }
    }
}

/// The outcome of the run's next id; DSR_END after the last one, and then the first again. For
/// outcomes of one moment, read them when the run is finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_run_next_outcome(
    run: *const dsr_run,
    outcome: *mut *mut dsr_outcome,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(outcome, "outcome")?;
        let run = find(run, "run")?;
        let mut walk = run.walk.lock().unwrap_or_else(PoisonError::into_inner);
        match walk.next(run.open()?)? {
            Some(outcome) => out.put(OutcomeTexts {
                id: c_text(&outcome.id),
                word: c_text(outcome.outcome.as_str()),
                task_id: outcome.task_id.as_deref().map(c_text),
                package: outcome.package.map(|path| c_text(&path.to_string_lossy())),
                batch: outcome.batch,
            }),
            None => Err(Failure::quiet(dsr_status::DSR_END)),
        }
    })
}

fn read<T>(outcome: *const dsr_outcome, otherwise: T, look: impl FnOnce(&OutcomeTexts) -> T) -> T {
    get(otherwise, || {
        find(outcome, "outcome").ok().map(|outcome| look(&outcome))
    })
}

/// Frees an outcome. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_outcome_free(outcome: *mut dsr_outcome) {
    free(outcome);
}

/// The id, byte for byte as given. Personal data.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_outcome_id(outcome: *const dsr_outcome) -> *const c_char {
    read(outcome, std::ptr::null(), |outcome| outcome.id.as_ptr())
}

/// "pending", "submitted", "done", "running_elsewhere", "rejected", "failed", "revoked", "held" or
/// "cancelled".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_outcome_word(outcome: *const dsr_outcome) -> *const c_char {
    read(outcome, std::ptr::null(), |outcome| outcome.word.as_ptr())
}

/// The vendor task that carries it; NULL for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_outcome_task_id(outcome: *const dsr_outcome) -> *const c_char {
    read(outcome, std::ptr::null(), |outcome| {
        pointer(outcome.task_id.as_ref())
    })
}

/// The person's package, where dsr_run_collect put it last, if it is still there; NULL for none. Its
/// name may show the id.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_outcome_package(outcome: *const dsr_outcome) -> *const c_char {
    read(outcome, std::ptr::null(), |outcome| {
        pointer(outcome.package.as_ref())
    })
}

/// The batch it is sent in, by its number in the run; -1 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_outcome_batch(outcome: *const dsr_outcome) -> i64 {
    read(outcome, -1, |outcome| i64::from(outcome.batch))
}
