//! The front door: one method per thing that can be asked, each `async`.

use std::sync::Arc;
use std::time::Duration;

use crate::builder::{ClientBuilder, Network};
use crate::engine::PlanOptions;
use crate::engine::project::Project;
use crate::engine::run::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{self, FlowOutcome};
use crate::handle::{PlanHandle, RunHandle};
use crate::ids::IdSource;
use crate::model::Millis;
use crate::model::action::{Compliance, Deletion, Disclosure, Kind, Retrieval, Terms};
use crate::model::callback::{Callback, Heard};
use crate::model::drift::ShapeCount;
use crate::model::job::Job;
use crate::model::report::Processed;
use crate::model::wire::Response;
use crate::plan::PlanBuilder;
use crate::settings::{Settings, ms};
use crate::single;
use crate::vendor::Vendor;

/// A client of one project. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    pub(crate) engine: Arc<Engine>,
    /// How single calls are made, where that differs from how runs make theirs.
    calls: Option<Arc<Project>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("vendor", &self.engine.project.vendor.name())
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            calls: None,
        }
    }

    fn calls(&self) -> &Project {
        self.calls.as_deref().unwrap_or(&self.engine.project)
    }

    /// The same client with other time-outs, back-off, proxy or authorities for its single calls.
    /// Journal, pace and runs are the same: what else these settings change is refused (`Config`),
    /// since all runs of a client go by one set of rules.
    pub fn with_settings(&self, settings: Settings, network: &Network) -> Result<Self> {
        settings.check()?;
        let project = &self.engine.project;
        let settings = Arc::new(settings).at_pace(project.vendor.interval());
        let mut rules = Settings::clone(&project.settings);
        rules.request_timeout = settings.request_timeout;
        rules.connect_timeout = settings.connect_timeout;
        rules.backoff_initial = settings.backoff_initial;
        rules.backoff_max = settings.backoff_max;
        rules.proxy.clone_from(&settings.proxy);
        rules.ca_bundle.clone_from(&settings.ca_bundle);
        if rules != *settings {
            return Err(Error::new(
                ErrorKind::Config,
                "single calls have time-outs, back-off, proxy and ca_bundle of their own; the other settings are the whole client's: make another client",
            ));
        }
        Ok(Self {
            engine: Arc::clone(&self.engine),
            calls: Some(Arc::new(
                project.differing(settings, Arc::clone(&network.transport)),
            )),
        })
    }

    /// Starts from a vendor, such as a [`crate::Mixpanel`].
    pub fn builder(vendor: impl Vendor + 'static) -> ClientBuilder {
        ClientBuilder::new(Arc::new(vendor))
    }

    /// Refuses, with `Fork`, to be used in a forked child.
    pub fn check_fork(&self) -> Result<()> {
        self.engine.check()
    }

    /// One call: makes a retrieval task for at most 2,000 ids (one, with version 2.0
    /// of the API). No journal.
    pub async fn create_retrieval(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
        disclosure: Option<Disclosure>,
    ) -> Result<Job> {
        self.engine.check()?;
        let terms = Terms {
            kind: Kind::Retrieval,
            compliance,
            disclosure,
        };
        single::create(self.calls(), ids.into(), terms).await
    }

    /// One call: the status of a retrieval task.
    pub async fn get_retrieval(&self, task_id: &str) -> Result<Job> {
        self.engine.check()?;
        single::get(self.calls(), Kind::Retrieval, task_id).await
    }

    /// One call: makes a deletion task for at most 1,999 ids. No journal, irreversible.
    pub async fn create_deletion(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
    ) -> Result<Job> {
        self.engine.check()?;
        let terms = Terms {
            kind: Kind::Deletion,
            compliance,
            disclosure: None,
        };
        single::create(self.calls(), ids.into(), terms).await
    }

    /// One call: the status of a deletion task.
    pub async fn get_deletion(&self, task_id: &str) -> Result<Job> {
        self.engine.check()?;
        single::get(self.calls(), Kind::Deletion, task_id).await
    }

    /// One call: cancels a deletion that has not started; `TooLate` if it has.
    pub async fn cancel_deletion(&self, task_id: &str) -> Result<()> {
        self.engine.check()?;
        single::cancel(self.calls(), Kind::Deletion, task_id).await
    }

    /// One call: cancels a retrieval, where the vendor's API version offers it; `Config` if not.
    pub async fn cancel_retrieval(&self, task_id: &str) -> Result<()> {
        self.engine.check()?;
        single::cancel(self.calls(), Kind::Retrieval, task_id).await
    }

    /// One call of the vendor's API that has no method here, at the project's pace, with its
    /// credentials: `raw("GET", "/data-deletions/v3.0/123/", None)`. The path stands below
    /// the base URL. The answer is given as it came, whatever its status; nothing is repeated,
    /// nothing is journaled, and nobody asks for a confirmation.
    pub async fn raw(&self, method: &str, path: &str, json: Option<String>) -> Result<Response> {
        self.engine.check()?;
        single::raw(self.calls(), method, path, json).await
    }

    /// The published workflow `gdpr-retrieval-flow`: makes a retrieval task and looks at it, once,
    /// or with `wait` until it has ended. No journal: given up while it waits, the task's id goes
    /// with it; a run keeps it.
    pub async fn retrieval_flow(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
        wait: bool,
    ) -> Result<FlowOutcome> {
        self.flow(Kind::Retrieval, ids.into(), compliance, wait)
            .await
    }

    /// The published workflow `gdpr-deletion-flow`, see [`Client::retrieval_flow`]. Irreversible.
    pub async fn deletion_flow(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
        wait: bool,
    ) -> Result<FlowOutcome> {
        self.flow(Kind::Deletion, ids.into(), compliance, wait)
            .await
    }

    async fn flow(
        &self,
        kind: Kind,
        ids: IdSource,
        compliance: Compliance,
        wait: bool,
    ) -> Result<FlowOutcome> {
        self.engine.check()?;
        let terms = Terms {
            kind,
            compliance,
            disclosure: None,
        };
        flow::run(self.calls(), ids, terms, wait).await
    }

    /// Begins a plan to give people their data.
    pub fn plan_retrieval(&self, ids: impl Into<IdSource>) -> PlanBuilder<Retrieval> {
        PlanBuilder::new(Arc::clone(&self.engine), ids.into())
    }

    /// Begins a plan to erase people's data.
    pub fn plan_deletion(&self, ids: impl Into<IdSource>) -> PlanBuilder<Deletion> {
        PlanBuilder::new(Arc::clone(&self.engine), ids.into())
    }

    /// Plans and starts in one step: `client.retrieve(ids).start()`.
    pub fn retrieve(&self, ids: impl Into<IdSource>) -> PlanBuilder<Retrieval> {
        self.plan_retrieval(ids)
    }

    /// Plans and starts in one step: `client.delete(ids).start(Confirmation::count(4812))`.
    pub fn delete(&self, ids: impl Into<IdSource>) -> PlanBuilder<Deletion> {
        self.plan_deletion(ids)
    }

    /// A run by its id, from any process.
    pub fn run(&self, id: &str) -> Result<RunHandle> {
        RunHandle::find(Arc::clone(&self.engine), id)
    }

    /// All plans and runs of the journal, oldest first.
    pub fn runs(&self) -> Result<Vec<RunHandle>> {
        self.engine
            .runs()?
            .iter()
            .map(|row| RunHandle::find(Arc::clone(&self.engine), &row.id))
            .collect()
    }

    /// Takes up a status callback that [`crate::verify_callback`] let through: the run it is about
    /// looks at its task sooner. `Journal`, worth trying again, while another process carries the
    /// journal's runs: answer 503 then, the vendor calls again.
    pub async fn receive_callback(&self, callback: &Callback) -> Result<Heard> {
        self.engine.callback(callback).await
    }

    /// Does what is due now over all runs; gives when something is due next.
    pub async fn tick(&self) -> Result<Option<Millis>> {
        self.engine.tick().await
    }

    /// Waits until the call under way, if there is one, is recorded. Starts none: what a program
    /// awaits before it stops its runtime.
    pub async fn idle(&self) {
        self.engine.idle().await;
    }

    /// Removes the ids of a run from the journal now, of all its batches that are at their end;
    /// keyed digests stay. Gives how many went. By itself this happens as
    /// [`crate::Settings::keep_deleted_for`] and [`crate::Settings::keep_retrieved_for`] say, when
    /// the journal is opened, by [`Client::tick`] and by [`Client::close`].
    pub fn seal(&self, run_id: &str) -> Result<u64> {
        self.engine.seal_now(run_id)
    }

    /// Every run of the journal that names this id, sealed or not, oldest first.
    pub fn was_processed(&self, id: &str) -> Result<Vec<Processed>> {
        self.engine.was_processed(id)
    }

    /// Removes what is kept of runs that ended longer ago than this, and of plans that were made
    /// longer ago and never started: ids, their digests, archives, and the packages that `collect`
    /// wrote. Counts, tasks and events stay. A run that waits for a person is left alone. Gives
    /// the ids of the runs.
    pub fn purge(&self, older_than: Duration) -> Result<Vec<String>> {
        self.engine.purge(ms(older_than))
    }

    /// The drift report: which forms this project's vendor really sent, and how often, each with
    /// where it is known from. Something that nobody documents is also warned of in the log, once.
    pub fn drift(&self) -> Result<Vec<ShapeCount>> {
        self.engine.drift()
    }

    /// Recomputes the hash chain over all events of the journal; gives how many there are, or says
    /// where they were changed.
    pub fn verify_journal(&self) -> Result<u64> {
        self.engine.check()?;
        self.engine.project.journal.verify_events()
    }

    /// What a program awaits last: waits as [`Client::idle`] does, then removes the ids whose time
    /// is over.
    pub async fn close(&self) -> Result<()> {
        self.engine.check()?;
        self.engine.idle().await;
        self.engine.seal_due()
    }

    /// The time by the client's clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> Millis {
        self.engine.project.now()
    }

    /// Freezes a plan of either kind; blocks while the ids are read. For bindings: Rust code uses
    /// the typed builders.
    pub fn freeze(&self, ids: IdSource, terms: Terms, options: &PlanOptions) -> Result<PlanHandle> {
        let row = self.engine.freeze(ids, terms, options)?;
        Ok(PlanHandle::new(Arc::clone(&self.engine), row))
    }
}
