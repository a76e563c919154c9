//! Plans and runs without their type: what the bindings hold, and what the typed faces wrap.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::drive::Cursor;
use crate::engine::plan::confirmation;
use crate::engine::run::Engine;
use crate::engine::{CollectOptions, Decision, Estimate};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::RunRow;
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::{Event, WaitReason};
use crate::model::report::{JobReport, ReportData, SubjectOutcome};
use crate::model::run::RunState;

/// A frozen plan of either kind.
#[derive(Clone)]
pub struct PlanHandle {
    engine: Arc<Engine>,
    row: Arc<RunRow>,
}

impl std::fmt::Debug for PlanHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("id", &self.id())
            .field("kind", &self.kind())
            .field("subjects", &self.subjects())
            .field("batches", &self.batches())
            .finish()
    }
}

impl PlanHandle {
    pub(crate) fn new(engine: Arc<Engine>, row: RunRow) -> Self {
        Self {
            engine,
            row: Arc::new(row),
        }
    }

    /// The plan's id; the run made of it has the same.
    pub fn id(&self) -> &str {
        &self.row.id
    }
    /// Retrieval or deletion.
    pub fn kind(&self) -> Kind {
        self.row.terms.kind
    }
    /// The plan as the journal holds it.
    pub fn row(&self) -> &RunRow {
        &self.row
    }
    /// Distinct people.
    pub fn subjects(&self) -> u64 {
        self.row.subjects
    }
    /// Rows that repeated an id; they were merged.
    pub fn duplicates(&self) -> u64 {
        self.row.duplicates
    }
    /// Requests that will be sent.
    pub fn batches(&self) -> u32 {
        self.row.batches
    }
    /// What carrying it out will take.
    pub fn estimate(&self) -> Estimate {
        self.engine.forecast(&self.row)
    }
    /// What confirms this plan: count, colon, first eight digits of the plan's digest.
    pub fn confirm(&self) -> String {
        confirmation(&self.row)
    }

    /// Starts it. A deletion needs exactly its `confirm` value; `count_is_enough` also takes the
    /// count alone (for callers that plan and start in one step).
    pub fn start(&self, confirm: Option<&str>, count_is_enough: bool) -> Result<RunHandle> {
        self.engine.start(self.id(), confirm, count_is_enough)?;
        Ok(RunHandle {
            engine: Arc::clone(&self.engine),
            id: self.id().to_owned(),
        })
    }
}

/// A run of either kind.
#[derive(Clone)]
pub struct RunHandle {
    engine: Arc<Engine>,
    id: String,
}

impl std::fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl RunHandle {
    /// Looks a run up; `NotFound` if the journal has none of that id.
    pub(crate) fn find(engine: Arc<Engine>, id: &str) -> Result<Self> {
        engine.with_run(id, |_, _| Ok(()))?;
        Ok(Self {
            engine,
            id: id.to_owned(),
        })
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }
    /// The run's row: kind, terms, counts of the plan.
    pub fn row(&self) -> Result<RunRow> {
        self.engine.with_run(&self.id, |run, _| Ok(run.row.clone()))
    }
    /// The plan it carries out.
    pub fn plan(&self) -> Result<PlanHandle> {
        Ok(PlanHandle::new(Arc::clone(&self.engine), self.row()?))
    }
    /// Where it stands.
    pub fn state(&self) -> Result<RunState> {
        self.engine.with_run(&self.id, |_, state| Ok(state))
    }
    /// The vendor tasks.
    pub fn jobs(&self) -> Result<Vec<JobReport>> {
        self.engine
            .with_run(&self.id, |run, _| Ok(crate::engine::report::jobs(run)))
    }
    /// How many ids have each outcome.
    pub fn counts(&self) -> Result<std::collections::BTreeMap<&'static str, u64>> {
        self.engine
            .with_run(&self.id, |run, _| Ok(crate::engine::report::counts(run)))
    }
    /// When something is due next, in milliseconds since 1970, and what is waited for.
    pub fn next_due(&self) -> Result<Option<(Millis, WaitReason)>> {
        self.engine.next_due(&self.id)
    }
    /// The account now, finished or not.
    pub fn report(&self) -> Result<ReportData> {
        self.engine.report(&self.id)
    }
    /// The outcomes of one batch's ids; `None` past the last batch.
    pub fn outcomes(&self, batch: u32) -> Result<Option<Vec<SubjectOutcome>>> {
        self.engine.outcomes(&self.id, batch)
    }
    /// Events from the first one on, or after `seq`.
    pub fn events_after(&self, seq: u64) -> EventReader {
        let cursor = Cursor::after(seq);
        EventReader {
            engine: Arc::clone(&self.engine),
            id: self.id.clone(),
            cursor,
        }
    }
    /// At most `limit` events after `seq` that the journal has now. Drives nothing.
    pub fn history(&self, seq: u64, limit: u32) -> Result<Vec<Event>> {
        self.engine.history(&self.id, seq, limit)
    }
    /// Waits until nothing more can happen without a person.
    pub async fn wait(&self) -> Result<ReportData> {
        self.engine.wait(&self.id).await
    }
    /// Waits, but not longer than this in real time; then `Deadline`. The run is not harmed.
    pub async fn wait_for(&self, timeout: Duration) -> Result<ReportData> {
        tokio::time::timeout(timeout, self.wait())
            .await
            .unwrap_or_else(|_| Err(timed_out()))
    }
    /// Cancels what can be cancelled, and says what could not.
    pub async fn cancel(&self) -> Result<ReportData> {
        self.engine.cancel(&self.id).await
    }
    /// Takes a person's decision about a batch that is held or rejected (`report.problems` names
    /// it). Nothing is sent before the run is waited for again. `InvalidInput` if the batch waits
    /// for no decision, or if a task that is named carries other people; `NotConfirmed` for a
    /// deletion that is to be sent again without the number of its people.
    pub async fn decide(&self, batch: u32, decision: Decision) -> Result<ReportData> {
        self.engine.decide(&self.id, batch, decision).await
    }
    /// Makes one package per person of the archives on this disk.
    pub async fn collect(&self, into: &Path, options: &CollectOptions) -> Result<ReportData> {
        self.engine.collect(&self.id, into, options).await
    }
}

/// The error of a wait that took longer than its caller allowed.
pub(crate) fn timed_out() -> Error {
    Error::new(
        ErrorKind::Deadline,
        "the time allowed for waiting has passed; the run goes on when it is waited for again",
    )
}

/// Reads a run's events, driving the run as needed.
pub struct EventReader {
    engine: Arc<Engine>,
    id: String,
    cursor: Cursor,
}

impl std::fmt::Debug for EventReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventReader")
            .field("run", &self.id)
            .finish_non_exhaustive()
    }
}

impl EventReader {
    /// The next event; `None` when nothing more can happen without a person. May be dropped at
    /// any time without losing an event.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        self.engine.next_event(&self.id, &mut self.cursor).await
    }
}
