//! The front door: one method per thing that can be asked, each `async`.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::archive::{HostRules, HttpStore, HttpStoreOptions, Store};
use crate::engine::project::Project;
use crate::engine::run::Engine;
use crate::engine::{Estimate, PlanOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::handle::{PlanHandle, RunHandle};
use crate::http::transport::{HttpTransport, Transport};
use crate::ids::IdSource;
use crate::journal::{self, memory::MemoryJournal};
use crate::model::Millis;
use crate::model::action::{Action, Compliance, Deletion, Disclosure, Kind, Retrieval, Terms};
use crate::model::job::Job;
use crate::model::time::Clock;
use crate::pace::backoff::Dice;
use crate::pace::clock::SystemClock;
use crate::pace::rate::Pacer;
use crate::run::Run;
use crate::settings::Settings;
use crate::single;
use crate::vendor::Vendor;
use crate::vendor::mixpanel::is_loopback;

/// Where plans and runs are kept.
pub struct Journal {
    store: Arc<dyn journal::Journal>,
    read_only: Option<String>,
}

impl Journal {
    /// One SQLite file, made when it is not there. While another process works with it, it opens
    /// for reading only.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: impl AsRef<std::path::Path>) -> Result<Self> {
        use journal::sqlite::SqliteJournal;
        let path = path.as_ref();
        match SqliteJournal::open(path) {
            Ok(store) => Ok(Self {
                store: Arc::new(store),
                read_only: None,
            }),
            Err(error) if error.kind() == ErrorKind::Journal && error.is_retryable() => {
                let store = SqliteJournal::open_read_only(path)?;
                Ok(Self {
                    store: Arc::new(store),
                    read_only: Some(error.to_string()),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// By its name, as the bindings take it: `":memory:"`, or the path of an SQLite file.
    #[cfg(feature = "sqlite")]
    pub fn open(name: &str) -> Result<Self> {
        match name {
            ":memory:" => Ok(Self::memory()),
            "" => Err(Error::new(ErrorKind::Config, "the journal's path is empty")),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Err(Error::new(
                    ErrorKind::Config,
                    "this build keeps its journal in an SQLite file",
                ))
            }
            path => Self::sqlite(path),
        }
    }

    /// In memory: lost with the process. For tests and for trying things out.
    pub fn memory() -> Self {
        Self {
            store: Arc::new(MemoryJournal::new()),
            read_only: None,
        }
    }

    /// Any implementation of the journal's trait.
    pub fn custom(store: Arc<dyn journal::Journal>) -> Self {
        Self {
            store,
            read_only: None,
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("read_only", &self.read_only.is_some())
            .finish_non_exhaustive()
    }
}

/// Builds a [`Client`].
pub struct ClientBuilder {
    vendor: Arc<dyn Vendor>,
    journal: Option<Journal>,
    settings: Settings,
    clock: Option<Arc<dyn Clock>>,
    transport: Option<Arc<dyn Transport>>,
    store: Option<Arc<dyn Store>>,
    seed: Option<u64>,
}

impl ClientBuilder {
    /// Where plans and runs are kept. Default: in memory.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }
    /// Limits and times.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }
    /// Another clock than the system's (or the simulated vendor's).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
    /// Another way to the vendor than HTTP.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }
    /// Another way to archives than HTTP.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }
    /// Makes the jitter repeatable.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks the settings, opens the journal for this project and carries over what a dead
    /// process left in it. Sends nothing.
    pub fn build(self) -> Result<Client> {
        self.settings.check()?;
        let vendor = self.vendor;
        let journal = self.journal.unwrap_or_else(Journal::memory);
        let loopback = is_loopback(vendor.base_url());
        let clock = self
            .clock
            .or_else(|| vendor.clock())
            .unwrap_or_else(|| Arc::new(SystemClock::new()));
        let hosts = HostRules::new(vendor.archive_hosts().iter().map(String::as_str), loopback)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new(&self.settings, loopback)?),
        };
        let store = match self.store {
            Some(store) => store,
            None => Arc::new(HttpStore::new(&store_options(&self.settings, loopback)?)?),
        };
        let identity = [vendor.base_url().as_str(), vendor.project_key().expose()];
        let pacer = Pacer::shared(&clock, self.settings.interval_ms(), &identity);
        let project = Project {
            vendor,
            transport,
            store,
            hosts,
            clock,
            pacer,
            dice: self.seed.map_or_else(Dice::random, Dice::seeded),
            journal: journal.store,
            settings: self.settings,
            bare_items: AtomicBool::new(false),
        };
        Ok(Client {
            engine: Engine::open(project, journal.read_only)?,
        })
    }
}

fn store_options(settings: &Settings, loopback: bool) -> Result<HttpStoreOptions> {
    let proxy = match &settings.proxy {
        None => None,
        Some(text) => Some(
            url::Url::parse(text)
                .map_err(|_| Error::new(ErrorKind::Config, "proxy is not a usable URL"))?,
        ),
    };
    let ca_bundle = match &settings.ca_bundle {
        None => None,
        Some(path) => {
            Some(std::fs::read(path).map_err(|error| crate::error::io("read", path, error))?)
        }
    };
    Ok(HttpStoreOptions {
        connect_timeout: settings.connect_timeout,
        proxy,
        ca_bundle,
        loopback,
        ..HttpStoreOptions::default()
    })
}

/// A client of one project. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client {
    engine: Arc<Engine>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("vendor", &self.engine.project.vendor.name())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts from a vendor, such as a [`crate::Mixpanel`].
    pub fn builder(vendor: impl Vendor + 'static) -> ClientBuilder {
        ClientBuilder {
            vendor: Arc::new(vendor),
            journal: None,
            settings: Settings::default(),
            clock: None,
            transport: None,
            store: None,
            seed: None,
        }
    }

    /// Refuses, with `Fork`, to be used in a forked child.
    pub fn check_fork(&self) -> Result<()> {
        self.engine.check()
    }

    /// One call: makes a retrieval task for at most 2,000 ids. No journal.
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
        single::create(&self.engine.project, ids.into(), terms).await
    }

    /// One call: the status of a retrieval task.
    pub async fn get_retrieval(&self, task_id: &str) -> Result<Job> {
        self.engine.check()?;
        single::get(&self.engine.project, Kind::Retrieval, task_id).await
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
        single::create(&self.engine.project, ids.into(), terms).await
    }

    /// One call: the status of a deletion task.
    pub async fn get_deletion(&self, task_id: &str) -> Result<Job> {
        self.engine.check()?;
        single::get(&self.engine.project, Kind::Deletion, task_id).await
    }

    /// One call: cancels a deletion that has not started; `TooLate` if it has.
    pub async fn cancel_deletion(&self, task_id: &str) -> Result<()> {
        self.engine.check()?;
        single::cancel(&self.engine.project, Kind::Deletion, task_id).await
    }

    /// One call: cancels a retrieval, where the vendor's API version offers it; `Config` if not.
    pub async fn cancel_retrieval(&self, task_id: &str) -> Result<()> {
        self.engine.check()?;
        single::cancel(&self.engine.project, Kind::Retrieval, task_id).await
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

    /// Does what is due now over all runs; gives when something is due next.
    pub async fn tick(&self) -> Result<Option<Millis>> {
        self.engine.tick().await
    }

    /// Waits until the call under way, if there is one, is recorded. Starts none: what a program
    /// awaits before it stops its runtime.
    pub async fn idle(&self) {
        self.engine.idle().await;
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
    fn new(engine: Arc<Engine>, source: IdSource) -> Self {
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
