//! Plans as Rust code holds them: a retrieval and a deletion are different types.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::run::Engine;
use crate::engine::{Estimate, PlanOptions};
use crate::error::Result;
use crate::handle::PlanHandle;
use crate::ids::IdSource;
use crate::journal;
use crate::model::Millis;
use crate::model::action::{Action, Compliance, Deletion, Disclosure, Retrieval, Terms};
use crate::run::Run;

/// Gathers what a plan says; `freeze` writes it to the journal.
pub struct PlanBuilder<A: Action> {
    engine: Arc<Engine>,
    source: IdSource,
    compliance: Compliance,
    disclosure: Option<Disclosure>,
    options: PlanOptions,
    action: PhantomData<A>,
}

impl<A: Action> PlanBuilder<A> {
    pub(crate) fn new(engine: Arc<Engine>, source: IdSource) -> Self {
        Self {
            engine,
            source,
            compliance: Compliance::Gdpr,
            disclosure: None,
            options: PlanOptions::default(),
            action: PhantomData,
        }
    }

    /// The law. Default: GDPR.
    pub fn compliance(mut self, compliance: Compliance) -> Self {
        self.compliance = compliance;
        self
    }
    /// The caller's own case number; kept in the journal and in reports, never sent.
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.options.reference = Some(reference.into());
        self
    }
    /// When the request reached the company, in milliseconds since 1970. Default: now.
    pub fn received_at(mut self, at: Millis) -> Self {
        self.options.received_at = Some(at);
        self
    }
    /// When the answer is due. Default by law.
    pub fn deadline(mut self, at: Millis) -> Self {
        self.options.deadline = Some(at);
        self
    }
    /// Accepts ids that look like mistakes. Never the empty string.
    pub fn allow_unusual(mut self, yes: bool) -> Self {
        self.options.allow_unusual = yes;
        self
    }

    /// Reads, guards, deduplicates and cuts the ids, and writes the plan, whole or not at all.
    /// Nothing is sent.
    pub async fn freeze(self) -> Result<Plan<A>> {
        let terms = Terms {
            kind: A::KIND,
            compliance: self.compliance,
            disclosure: self.disclosure,
        };
        let engine = Arc::clone(&self.engine);
        let (source, options) = (self.source, self.options);
        let row =
            crate::engine::fetch::blocking(move || engine.freeze(source, terms, &options)).await?;
        Ok(Plan {
            handle: PlanHandle::new(self.engine, row),
            action: PhantomData,
        })
    }
}

impl PlanBuilder<Retrieval> {
    /// What a CCPA retrieval discloses.
    pub fn disclosure(mut self, disclosure: Disclosure) -> Self {
        self.disclosure = Some(disclosure);
        self
    }
    /// Leaves ids out that cannot be used, and reports them.
    pub fn skip_bad(mut self, yes: bool) -> Self {
        self.options.skip_bad = yes;
        self
    }
    /// The folder for archives as received. Default: `<journal>.archives`.
    pub fn archives(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.archives = Some(folder.into());
        self
    }
    /// Freezes and starts.
    pub async fn start(self) -> Result<Run<Retrieval>> {
        self.freeze().await?.start().await
    }
}

impl PlanBuilder<Deletion> {
    /// Waits this long after the start before anything is sent: a window to cancel in.
    pub fn hold_for(mut self, time: Duration) -> Self {
        self.options.hold_for = time;
        self
    }
    /// Freezes, and starts if the confirmation fits.
    pub async fn start(self, confirmation: Confirmation) -> Result<Run<Deletion>> {
        let plan = self.freeze().await?;
        plan.handle.start(Some(&confirmation.0), true).map(Run::new)
    }
}

/// What a person confirmed about a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation(String);

impl Confirmation {
    /// The whole value that a plan shows: `"4812:1a2b3c4d"`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// Only how many people are expected; for planning and starting in one step.
    pub fn count(people: u64) -> Self {
        Self(people.to_string())
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A frozen plan.
#[derive(Debug, Clone)]
pub struct Plan<A: Action> {
    handle: PlanHandle,
    action: PhantomData<A>,
}

impl<A: Action> Plan<A> {
    /// The plan's id; the run made of it has the same.
    pub fn id(&self) -> &str {
        self.handle.id()
    }
    /// Distinct people.
    pub fn subjects(&self) -> u64 {
        self.handle.subjects()
    }
    /// Rows that repeated an id; they were merged.
    pub fn duplicates(&self) -> u64 {
        self.handle.duplicates()
    }
    /// Requests that will be sent.
    pub fn batches(&self) -> u32 {
        self.handle.batches()
    }
    /// What carrying it out will take.
    pub fn estimate(&self) -> Estimate {
        self.handle.estimate()
    }
    /// The plan as the journal holds it.
    pub fn row(&self) -> &journal::RunRow {
        self.handle.row()
    }
}

impl Plan<Retrieval> {
    /// Starts it. Sending begins when the run is waited for.
    #[allow(clippy::unused_async)] // the front door is async throughout
    pub async fn start(&self) -> Result<Run<Retrieval>> {
        self.handle.start(None, false).map(Run::new)
    }
}

impl Plan<Deletion> {
    /// What confirms this plan: count, colon, first eight digits of the plan's digest.
    pub fn confirm(&self) -> Confirmation {
        Confirmation(self.handle.confirm())
    }

    /// Starts it if the confirmation is exactly this plan's. Sending begins when the run is waited
    /// for.
    #[allow(clippy::unused_async)] // the front door is async throughout
    pub async fn start(&self, confirmation: Confirmation) -> Result<Run<Deletion>> {
        self.handle
            .start(Some(&confirmation.0), false)
            .map(Run::new)
    }
}
