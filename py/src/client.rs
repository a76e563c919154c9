//! A client, its plans and its runs. A run is named by its id in every call, so that closing the
//! client closes the journal, whatever Python still holds.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use dsrkit::{Journal, Network, Result, RunHandle, Settings};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};

use crate::convert;
use crate::door::{self, Owned, Work};
use crate::error::raise;
use crate::gate::{Events, Gate, within};
use crate::ids::Ids;
use crate::mixpanel::Mixpanel;
use crate::options::{Packing, plan_options};
use crate::settings;
use crate::tables;

/// A client of one project.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Client {
    gate: Owned<Arc<Gate>>,
    /// Time-outs and network of single calls, where they differ from the client's.
    calls: Option<(Settings, Network)>,
}

#[pymethods]
impl Client {
    #[new]
    #[allow(clippy::needless_pass_by_value)] // Python's values are owned here
    fn new(
        py: Python<'_>,
        mixpanel: &Mixpanel,
        journal: Option<String>,
        settings: &Bound<'_, PyDict>,
        journal_key: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let vendor = mixpanel.0.clone();
        let settings = settings::from_dict(settings)?;
        let client = door::enter(py, || {
            let mut builder = dsrkit::Client::builder(vendor).settings(settings);
            if let Some(journal) = &journal {
                let mut journal = Journal::open(journal)?;
                if let Some(key) = &journal_key {
                    journal = journal.encrypted(key)?;
                }
                builder = builder.journal(journal);
            }
            builder.build()
        })?;
        Ok(Self {
            gate: Owned::new(Arc::new(Gate::new(client))),
            calls: None,
        })
    }

    /// The same client, with other settings for its single calls.
    fn with_options(
        &self,
        py: Python<'_>,
        mixpanel: &Mixpanel,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let settings = settings::from_dict(settings)?;
        let gate = Arc::clone(self.gate.get(py)?);
        let network = door::enter(py, || gate.network(&settings, &mixpanel.0))?;
        Ok(Self {
            gate: Owned::new(gate),
            calls: Some((settings, network)),
        })
    }

    /// A call that has no method here; `json` is its body.
    fn raw(
        &self,
        py: Python<'_>,
        method: String,
        path: String,
        json: Option<String>,
    ) -> PyResult<Work> {
        let client = self.core(py)?;
        let call = async move { client.raw(&method, &path, json).await };
        self.work(py, call, convert::answer)
    }

    /// Closes the journal, once the call under way is recorded or so many seconds have passed.
    fn close(&self, py: Python<'_>, patience: f64) -> PyResult<Work> {
        Ok(Work::new(self.gate.get(py)?.close(patience), nothing))
    }

    /// Waits until the call under way is recorded, or so many seconds have passed.
    fn idle(&self, py: Python<'_>, patience: f64) -> PyResult<Work> {
        let client = self.core(py)?;
        let idle = async move {
            client.idle().await;
            Ok(())
        };
        Ok(Work::new(within(Some(patience), idle), nothing))
    }

    fn create(
        &self,
        py: Python<'_>,
        kind: &str,
        ids: &Ids,
        compliance: &str,
        disclosure: Option<&str>,
    ) -> PyResult<Work> {
        let client = self.core(py)?;
        let terms = convert::terms(py, kind, compliance, disclosure)?;
        let ids = ids.take(py)?;
        let call = async move {
            match terms.kind {
                dsrkit::Kind::Retrieval => {
                    client
                        .create_retrieval(ids, terms.compliance, terms.disclosure)
                        .await
                }
                dsrkit::Kind::Deletion => client.create_deletion(ids, terms.compliance).await,
            }
        };
        self.work(py, call, |py, job| convert::job(py, &job))
    }

    fn get(&self, py: Python<'_>, kind: &str, task_id: String) -> PyResult<Work> {
        let (client, kind) = (self.core(py)?, convert::kind(py, kind)?);
        let call = async move {
            match kind {
                dsrkit::Kind::Retrieval => client.get_retrieval(&task_id).await,
                dsrkit::Kind::Deletion => client.get_deletion(&task_id).await,
            }
        };
        self.work(py, call, |py, job| convert::job(py, &job))
    }

    fn cancel_task(&self, py: Python<'_>, kind: &str, task_id: String) -> PyResult<Work> {
        let (client, kind) = (self.core(py)?, convert::kind(py, kind)?);
        let call = async move {
            match kind {
                dsrkit::Kind::Retrieval => client.cancel_retrieval(&task_id).await,
                dsrkit::Kind::Deletion => client.cancel_deletion(&task_id).await,
            }
        };
        self.work(py, call, nothing)
    }

    /// Begins to freeze a plan; the ids may still be on their way.
    fn freeze(
        &self,
        py: Python<'_>,
        kind: &str,
        ids: &Ids,
        compliance: &str,
        disclosure: Option<&str>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Work> {
        let client = self.core(py)?;
        let terms = convert::terms(py, kind, compliance, disclosure)?;
        let options = plan_options(options)?;
        let ids = ids.take(py)?;
        Work::begin(
            py,
            move || client.freeze(ids, terms, &options),
            |py, plan| convert::plan(py, &plan),
        )
    }

    fn start(
        &self,
        py: Python<'_>,
        id: String,
        confirm: Option<String>,
        count_is_enough: bool,
    ) -> PyResult<Work> {
        let client = self.core(py)?;
        let start = move || {
            client
                .run(&id)?
                .plan()?
                .start(confirm.as_deref(), count_is_enough)
                .map(drop)
        };
        Work::begin(py, start, nothing)
    }

    /// The ids of all plans and runs.
    fn runs(&self, py: Python<'_>) -> PyResult<Work> {
        let client = self.core(py)?;
        let ids = move || {
            let runs = client.runs()?;
            Ok(runs.iter().map(|run| run.id().to_owned()).collect())
        };
        Work::begin(py, ids, convert::list)
    }

    /// What is known of a plan or a run; raises `NotFoundError` for one that is not there.
    fn plan<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Bound<'py, PyAny>> {
        convert::plan(py, &self.look(py, id, RunHandle::plan)?)
    }

    fn tick(&self, py: Python<'_>) -> PyResult<Work> {
        let client = self.core(py)?;
        let tick = async move { client.tick().await };
        self.work(py, tick, |py, due| Ok(due.into_pyobject(py)?.into_any()))
    }

    fn seal(&self, py: Python<'_>, id: String) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(py, move || client.seal(&id), number)
    }

    fn was_processed(&self, py: Python<'_>, id: String) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(
            py,
            move || client.was_processed(&id),
            |py, found| convert::plain(py, &found),
        )
    }

    /// Gives the ids of the runs that were purged.
    fn purge(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = settings::older_than)] older_than: std::time::Duration,
    ) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(py, move || client.purge(older_than), convert::list)
    }

    fn verify_journal(&self, py: Python<'_>) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(py, move || client.verify_journal(), number)
    }

    fn now_ms(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.core(py)?.now_ms())
    }

    fn state(&self, py: Python<'_>, id: &str) -> PyResult<&'static str> {
        let state = self.look(py, id, RunHandle::state)?;
        Ok(state.as_str())
    }

    fn jobs<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Bound<'py, PyAny>> {
        convert::plain(py, &self.look(py, id, RunHandle::jobs)?)
    }

    fn counts<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Bound<'py, PyAny>> {
        convert::plain(py, &self.look(py, id, RunHandle::counts)?)
    }

    /// When something is due next, in milliseconds since 1970, and what is waited for.
    fn next_due(&self, py: Python<'_>, id: &str) -> PyResult<Option<(i64, &'static str)>> {
        let due = self.look(py, id, RunHandle::next_due)?;
        Ok(due.map(|(at, reason)| (at, reason.as_str())))
    }

    fn report(&self, py: Python<'_>, id: String) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(
            py,
            move || client.run(&id)?.report(),
            |py, data| convert::report(py, &data),
        )
    }

    /// The rows of one batch: id, outcome, batch, task id, package; `None` past the last batch.
    fn outcomes<'py>(
        &self,
        py: Python<'py>,
        id: &str,
        batch: u32,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        let rows = self.look(py, id, |run| run.outcomes(batch))?;
        rows.map(|rows| convert::outcomes(py, rows)).transpose()
    }

    /// Events that the journal has now, a page at a time.
    fn history<'py>(&self, py: Python<'py>, id: &str, after: u64) -> PyResult<Bound<'py, PyAny>> {
        let page = self.look(py, id, |run| run.history(after, tables::PAGE))?;
        convert::plain(py, &page)
    }

    /// Rows of "outcomes" or "events" as an Arrow stream.
    fn stream<'py>(
        &self,
        py: Python<'py>,
        id: String,
        table: &str,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        tables::stream(py, Arc::clone(self.gate.get(py)?), id, table)
    }

    /// Writes "outcomes" or "events" as a CSV file.
    fn csv(&self, py: Python<'_>, id: &str, table: &str, path: PathBuf) -> PyResult<()> {
        self.look(py, id, move |run| match table {
            "events" => run.events_csv(&path),
            _ => run.outcomes_csv(&path),
        })
    }

    fn events(&self, py: Python<'_>, id: &str, after: u64) -> PyResult<Events> {
        let reader = self.look(py, id, |run| Ok(run.events_after(after)))?;
        Ok(Events::new(self.gate.get(py)?, reader))
    }

    fn wait(&self, py: Python<'_>, id: String, timeout: Option<f64>) -> PyResult<Work> {
        self.on_run(py, id, move |run| async move {
            within(timeout, run.wait()).await
        })
    }

    fn decide(
        &self,
        py: Python<'_>,
        id: String,
        batch: u32,
        decision: &str,
        task_id: Option<String>,
        confirm: Option<u64>,
    ) -> PyResult<Work> {
        let decision = dsrkit::Decision::parse(decision, task_id, confirm)
            .map_err(|error| raise(py, &error))?;
        self.on_run(py, id, move |run| async move {
            run.decide(batch, decision).await
        })
    }

    fn cancel(&self, py: Python<'_>, id: String) -> PyResult<Work> {
        self.on_run(py, id, |run| async move { run.cancel().await })
    }

    fn collect(
        &self,
        py: Python<'_>,
        id: String,
        into: PathBuf,
        options: Packing,
    ) -> PyResult<Work> {
        let options = options.into();
        self.on_run(
            py,
            id,
            |run| async move { run.collect(&into, &options).await },
        )
    }
}

impl Client {
    pub fn core(&self, py: Python<'_>) -> PyResult<Arc<dsrkit::Client>> {
        let client = self.gate.get(py)?.client_for(self.calls.as_ref());
        client.map_err(|error| raise(py, &error))
    }

    pub fn work<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl Future<Output = Result<T>> + Send + 'static,
        answer: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
    ) -> PyResult<Work> {
        Ok(Work::new(self.gate.get(py)?.pass(work), answer))
    }

    fn look<T: Send>(
        &self,
        py: Python<'_>,
        id: &str,
        look: impl FnOnce(&RunHandle) -> Result<T> + Send,
    ) -> PyResult<T> {
        let client = self.core(py)?;
        door::read(py, || look(&client.run(id)?))
    }

    fn on_run<F>(
        &self,
        py: Python<'_>,
        id: String,
        act: impl FnOnce(RunHandle) -> F + Send + 'static,
    ) -> PyResult<Work>
    where
        F: Future<Output = Result<dsrkit::ReportData>> + Send + 'static,
    {
        let client = self.core(py)?;
        let work = async move { act(client.run(&id)?).await };
        self.work(py, work, |py, data| convert::report(py, &data))
    }
}

#[allow(clippy::unnecessary_wraps)] // one shape for all answers
fn nothing<T>(py: Python<'_>, _: T) -> PyResult<Bound<'_, PyAny>> {
    Ok(py.None().into_bound(py))
}

fn number(py: Python<'_>, count: u64) -> PyResult<Bound<'_, PyAny>> {
    Ok(count.into_pyobject(py)?.into_any())
}
