//! Rows to try a journal with.

use crate::journal::rows::{
    AttemptRow, AttemptState, CancelState, JobOrigin, JobRow, NewEvent, OrphanRow,
};
use crate::model::event::EventKind;
use crate::model::job::JobStatus;

pub(in crate::journal) fn event(run: &str, text: &str) -> NewEvent {
    NewEvent {
        at: 5,
        run: run.into(),
        kind: EventKind::Planned,
        batch: None,
        task: None,
        text: text.into(),
    }
}

pub(super) fn attempt(run: &str, state: AttemptState) -> AttemptRow {
    AttemptRow {
        run: run.into(),
        batch: 0,
        n: 1,
        state,
        sending_at: 9,
        done_at: None,
        http: None,
        seen: None,
        task: None,
    }
}

pub(super) fn orphan(run: &str) -> OrphanRow {
    OrphanRow {
        run: run.into(),
        task: "5483921237094793217".into(),
        batch: 0,
        at: 11,
        why: "late".into(),
    }
}

pub(super) fn job(run: &str, task: &str, status: JobStatus) -> JobRow {
    JobRow {
        run: run.into(),
        task: task.into(),
        batch: 0,
        origin: JobOrigin::Created,
        status,
        created_at: 9,
        polls: 0,
        missing_since: None,
        failures: 0,
        fetch_failures: 0,
        last_poll_at: None,
        next_poll_at: 0,
        ended_at: None,
        cancel: CancelState::None,
        dropped: false,
    }
}
