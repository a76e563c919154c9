//! The rows that a request about an organisation is made of.

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::journal::{
    AttemptRow, AttemptState, BatchRow, BatchState, CancelState, Change, JobOrigin, JobRow,
    NewEvent, RunRow,
};
use crate::model::Millis;
use crate::model::action::{Compliance, Kind, Terms};
use crate::model::dsar::DsarKind;
use crate::model::event::EventKind;
use crate::model::job::JobStatus;
use crate::model::report::RefusedRows;
use crate::model::run::RunState;

/// The one subject. Never sent.
pub(super) const SUBJECT: &str = "[\"the whole organisation\"]";

pub(super) fn run(id: &str, project: [u8; 32], kind: DsarKind, now: Millis) -> RunRow {
    let terms = Terms {
        kind: match kind {
            DsarKind::Export => Kind::Retrieval,
            DsarKind::Deletion => Kind::Deletion,
        },
        compliance: Compliance::Gdpr,
        disclosure: None,
    };
    RunRow {
        id: id.to_owned(),
        project,
        terms,
        reference: None,
        state: RunState::Planned,
        subjects: 1,
        duplicates: 0,
        refused: RefusedRows::default(),
        batches: 1,
        plan_digest: Sha256::digest(kind.name().as_bytes()).into(),
        approved_digest: None,
        approved_at: None,
        created_at: now,
        received_at: now,
        deadline_at: now.saturating_add(terms.compliance.time_limit_ms()),
        hold_for_ms: 0,
        warned: 0,
        cancel_at: None,
        paused: None,
        archives: None,
        packages: None,
        purged_at: None,
    }
}

pub(super) fn batch(run: &str, digest: [u8; 32]) -> BatchRow {
    BatchRow {
        run: run.to_owned(),
        no: 0,
        parent: None,
        n: 1,
        digest,
        state: BatchState::Frozen,
        attempts: 0,
        ambiguous: 0,
        failures: 0,
        not_before: 0,
        first_sent_at: None,
        task: None,
        problem: None,
        sealed_at: None,
    }
}

pub(super) fn job(run: &str, task: &str, status: JobStatus, now: Millis) -> JobRow {
    JobRow {
        run: run.to_owned(),
        task: task.to_owned(),
        batch: 0,
        origin: JobOrigin::Created,
        status,
        created_at: now,
        polls: 0,
        missing_since: None,
        failures: 0,
        fetch_failures: 0,
        last_poll_at: None,
        next_poll_at: now,
        ended_at: None,
        cancel: CancelState::None,
        dropped: false,
    }
}

pub(super) fn event(
    run: &RunRow,
    at: Millis,
    kind: EventKind,
    task: Option<String>,
    text: String,
) -> NewEvent {
    NewEvent {
        at,
        run: run.id.clone(),
        kind,
        batch: Some(0),
        task,
        text,
    }
}

/// How an attempt ended.
pub(super) fn end(
    attempt: Option<&AttemptRow>,
    state: AttemptState,
    error: Option<&Error>,
    task: Option<String>,
    now: Millis,
) -> Option<Change> {
    let mut attempt = attempt?.clone();
    attempt.state = state;
    attempt.done_at = Some(now);
    attempt.task = task;
    if let Some(error) = error {
        attempt.http = error.http_status();
        attempt.seen = Some(error.message().to_owned());
    }
    Some(Change::Attempt(attempt))
}
