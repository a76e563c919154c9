//! The same methods, blocking: for programs without an async runtime. Safe inside one too, since
//! the work happens on a runtime of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::builder::ClientBuilder;
use crate::client;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::FlowOutcome;
use crate::handle::{PlanHandle, RunHandle};
use crate::ids::IdSource;
use crate::mixpeek;
use crate::model::action::{Compliance, Disclosure, Terms};
use crate::model::callback::{Callback, Heard};
use crate::model::drift::ShapeCount;
use crate::model::dsar::{DsarRecord, DsarRequest};
use crate::model::event::Event;
use crate::model::job::Job;
use crate::model::report::{Processed, ReportData};
use crate::{CollectOptions, Millis, PlanOptions};

/// A client whose methods block.
#[derive(Clone)]
pub struct Client {
    inner: client::Client,
    runtime: Arc<Runtime>,
}

/// A run whose methods block.
pub struct Run {
    inner: RunHandle,
    runtime: Arc<Runtime>,
}

/// Blocks on a thread that belongs to no runtime, so that a running one may call this too.
fn block<T: Send>(runtime: &Runtime, work: impl Future<Output = T> + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join())
        .map_err(|_| Error::new(ErrorKind::Internal, "a blocking call failed"))
}

impl Client {
    /// Builds the client and its runtime (one thread).
    pub fn new(builder: ClientBuilder) -> Result<Self> {
        let runtime = runtime()?;
        let inner = {
            let _inside = runtime.enter();
            builder.build()?
        };
        Ok(Self {
            inner,
            runtime: Arc::new(runtime),
        })
    }

    /// See [`client::Client::create_retrieval`].
    pub fn create_retrieval(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
        disclosure: Option<Disclosure>,
    ) -> Result<Job> {
        let ids = ids.into();
        block(
            &self.runtime,
            self.inner.create_retrieval(ids, compliance, disclosure),
        )?
    }
    /// See [`client::Client::get_retrieval`].
    pub fn get_retrieval(&self, task_id: &str) -> Result<Job> {
        block(&self.runtime, self.inner.get_retrieval(task_id))?
    }
    /// See [`client::Client::create_deletion`].
    pub fn create_deletion(&self, ids: impl Into<IdSource>, compliance: Compliance) -> Result<Job> {
        let ids = ids.into();
        block(&self.runtime, self.inner.create_deletion(ids, compliance))?
    }
    /// See [`client::Client::get_deletion`].
    pub fn get_deletion(&self, task_id: &str) -> Result<Job> {
        block(&self.runtime, self.inner.get_deletion(task_id))?
    }
    /// See [`client::Client::cancel_deletion`].
    pub fn cancel_deletion(&self, task_id: &str) -> Result<()> {
        block(&self.runtime, self.inner.cancel_deletion(task_id))?
    }
    /// See [`client::Client::cancel_retrieval`].
    pub fn cancel_retrieval(&self, task_id: &str) -> Result<()> {
        block(&self.runtime, self.inner.cancel_retrieval(task_id))?
    }
    /// See [`client::Client::retrieval_flow`].
    pub fn retrieval_flow(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
        wait: bool,
    ) -> Result<FlowOutcome> {
        let ids = ids.into();
        block(
            &self.runtime,
            self.inner.retrieval_flow(ids, compliance, wait),
        )?
    }
    /// See [`client::Client::deletion_flow`].
    pub fn deletion_flow(
        &self,
        ids: impl Into<IdSource>,
        compliance: Compliance,
        wait: bool,
    ) -> Result<FlowOutcome> {
        let ids = ids.into();
        block(
            &self.runtime,
            self.inner.deletion_flow(ids, compliance, wait),
        )?
    }
    /// See [`client::Client::freeze`].
    pub fn freeze(&self, ids: IdSource, terms: Terms, options: &PlanOptions) -> Result<PlanHandle> {
        self.inner.freeze(ids, terms, options)
    }
    /// Starts a plan; a deletion needs its confirmation.
    pub fn start(&self, plan: &PlanHandle, confirm: Option<&str>) -> Result<Run> {
        let inner = plan.start(confirm, false)?;
        Ok(Run {
            inner,
            runtime: Arc::clone(&self.runtime),
        })
    }
    /// See [`client::Client::run`].
    pub fn run(&self, id: &str) -> Result<Run> {
        Ok(Run {
            inner: self.inner.run(id)?,
            runtime: Arc::clone(&self.runtime),
        })
    }
    /// See [`client::Client::receive_callback`].
    pub fn receive_callback(&self, callback: &Callback) -> Result<Heard> {
        block(&self.runtime, self.inner.receive_callback(callback))?
    }
    /// See [`client::Client::drift`].
    pub fn drift(&self) -> Result<Vec<ShapeCount>> {
        self.inner.drift()
    }
    /// See [`client::Client::tick`].
    pub fn tick(&self) -> Result<Option<Millis>> {
        block(&self.runtime, self.inner.tick())?
    }
    /// See [`client::Client::seal`].
    pub fn seal(&self, run_id: &str) -> Result<u64> {
        self.inner.seal(run_id)
    }
    /// See [`client::Client::was_processed`].
    pub fn was_processed(&self, id: &str) -> Result<Vec<Processed>> {
        self.inner.was_processed(id)
    }
    /// See [`client::Client::purge`].
    pub fn purge(&self, older_than: Duration) -> Result<Vec<String>> {
        self.inner.purge(older_than)
    }
    /// See [`client::Client::verify_journal`].
    pub fn verify_journal(&self) -> Result<u64> {
        self.inner.verify_journal()
    }
    /// See [`client::Client::close`].
    pub fn close(&self) -> Result<()> {
        block(&self.runtime, self.inner.close())?
    }
}

/// A client of Mixpeek whose methods block.
pub struct MixpeekClient {
    inner: mixpeek::MixpeekClient,
    runtime: Arc<Runtime>,
}

impl MixpeekClient {
    /// Builds the client and its runtime (one thread).
    pub fn new(builder: mixpeek::MixpeekClientBuilder) -> Result<Self> {
        let runtime = runtime()?;
        let inner = {
            let _inside = runtime.enter();
            builder.build()?
        };
        Ok(Self {
            inner,
            runtime: Arc::new(runtime),
        })
    }
    /// See [`crate::MixpeekClient::request_export`].
    pub fn request_export(&self) -> Result<DsarRequest> {
        block(&self.runtime, self.inner.request_export())?
    }
    /// See [`crate::MixpeekClient::request_deletion`].
    pub fn request_deletion(&self, confirm: &str) -> Result<DsarRequest> {
        block(&self.runtime, self.inner.request_deletion(confirm))?
    }
    /// See [`crate::MixpeekClient::requests`].
    pub fn requests(&self) -> Result<Vec<DsarRecord>> {
        self.inner.requests()
    }
    /// See [`crate::MixpeekClient::settle`].
    pub fn settle(&self, id: &str, carried_out: bool) -> Result<()> {
        self.inner.settle(id, carried_out)
    }
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "cannot start a runtime").with_source(error))
}

impl Run {
    /// The run without its runtime: state, counts, jobs, outcomes.
    pub fn handle(&self) -> &RunHandle {
        &self.inner
    }
    /// See [`RunHandle::wait`].
    pub fn wait(&self) -> Result<ReportData> {
        block(&self.runtime, self.inner.wait())?
    }
    /// Waits, and hands each event to the caller on the way.
    pub fn wait_with(&self, mut on_event: impl FnMut(Event) + Send) -> Result<ReportData> {
        block(&self.runtime, async {
            let mut events = self.inner.events_after(0);
            while let Some(event) = events.next().await? {
                on_event(event);
            }
            self.inner.report()
        })?
    }
    /// See [`RunHandle::cancel`].
    pub fn cancel(&self) -> Result<ReportData> {
        block(&self.runtime, self.inner.cancel())?
    }
    /// See [`RunHandle::collect`].
    pub fn collect(&self, into: &std::path::Path, options: &CollectOptions) -> Result<ReportData> {
        block(&self.runtime, self.inner.collect(into, options))?
    }
}
