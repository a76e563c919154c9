//! Requests about a whole organisation at Mixpeek.

use std::sync::{Arc, Mutex, PoisonError};

use dsrkit::{Error, ErrorKind, Journal, MixpeekClient as Core};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::plain;
use crate::door::{self, Owned, Work};
use crate::error::raise;
use crate::sandbox::Sandbox;
use crate::settings;

/// Checked credentials. Does no I/O.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Mixpeek(dsrkit::Mixpeek);

#[pymethods]
impl Mixpeek {
    #[new]
    fn new(py: Python<'_>, api_key: String, base_url: Option<String>) -> PyResult<Self> {
        let builder = dsrkit::Mixpeek::builder(api_key);
        let builder = match base_url {
            Some(url) => builder.base_url(url),
            None => builder,
        };
        builder.build().map(Self).map_err(|error| raise(py, &error))
    }

    /// The organisation of this simulated vendor, with a key or an address of one's own if given.
    #[staticmethod]
    fn simulated(
        py: Python<'_>,
        sandbox: &Sandbox,
        api_key: Option<String>,
        base_url: Option<String>,
    ) -> PyResult<Self> {
        let mut builder = sandbox.mixpeek(py, api_key)?;
        if let Some(url) = base_url {
            builder = builder.base_url(url);
        }
        builder.build().map(Self).map_err(|error| raise(py, &error))
    }

    #[getter]
    fn base_url(&self) -> &str {
        self.0.base_url().as_str()
    }
}

/// A client of one organisation.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct MixpeekClient(Owned<Mutex<Option<Arc<Core>>>>);

#[pymethods]
impl MixpeekClient {
    #[new]
    #[allow(clippy::needless_pass_by_value)] // Python's values are owned here
    fn new(
        py: Python<'_>,
        mixpeek: &Mixpeek,
        journal: Option<String>,
        settings: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let vendor = mixpeek.0.clone();
        let settings = settings::from_dict(settings)?;
        let client = door::enter(py, || {
            let mut builder = Core::builder(vendor).settings(settings);
            if let Some(journal) = &journal {
                builder = builder.journal(Journal::open(journal)?);
            }
            builder.build()
        })?;
        Ok(Self(Owned::new(Mutex::new(Some(Arc::new(client))))))
    }

    fn request_export(&self, py: Python<'_>) -> PyResult<Work> {
        let client = self.core(py)?;
        let call = async move { client.request_export().await };
        Ok(Work::new(call, |py, answer| plain(py, &answer)))
    }

    fn request_deletion(&self, py: Python<'_>, confirm: String) -> PyResult<Work> {
        let client = self.core(py)?;
        let call = async move { client.request_deletion(&confirm).await };
        Ok(Work::new(call, |py, answer| plain(py, &answer)))
    }

    fn requests(&self, py: Python<'_>) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(py, move || client.requests(), |py, all| plain(py, &all))
    }

    fn settle(&self, py: Python<'_>, id: String, carried_out: bool) -> PyResult<Work> {
        let client = self.core(py)?;
        Work::begin(
            py,
            move || client.settle(&id, carried_out),
            |py, ()| Ok(py.None().into_bound(py)),
        )
    }

    /// Closes the journal, unless a call is under way: then that call's end does.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let client = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        door::read(py, || {
            drop(client);
            Ok(())
        })
    }
}

impl MixpeekClient {
    fn core(&self, py: Python<'_>) -> PyResult<Arc<Core>> {
        let client = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        client.ok_or_else(|| raise(py, &Error::new(ErrorKind::Config, "this client is closed")))
    }
}
