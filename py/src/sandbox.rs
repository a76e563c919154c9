//! The simulated vendor, in this process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use dsrkit::model::time::Clock;
use dsrkit::sandbox::{Sandbox as Core, SandboxOptions, Speed};
use dsrkit::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use serde_json::Value;

use crate::convert::json;
use crate::door::{self, Owned};
use crate::error::raise;

/// A running simulated vendor.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Sandbox(Owned<Mutex<Option<Arc<Core>>>>);

#[pymethods]
impl Sandbox {
    /// `factor`: how many times faster than real time; `None` for the virtual clock. `vendor`: the
    /// simulated vendor's own options, as JSON.
    #[new]
    fn new(
        py: Python<'_>,
        port: u16,
        archive_port: u16,
        factor: Option<f64>,
        state: Option<PathBuf>,
        vendor: &str,
    ) -> PyResult<Self> {
        let options = SandboxOptions {
            vendor: parse(py, vendor)?,
            port,
            archive_port,
            speed: factor.map_or(Speed::Virtual, Speed::Factor),
            state,
        };
        let core = door::enter(py, || Core::start(options))?;
        Ok(Self(Owned::new(Mutex::new(Some(Arc::new(core))))))
    }

    #[getter]
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.core(py)?.base_url().to_owned())
    }

    #[getter]
    fn archive_base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.core(py)?.archive_base_url().to_owned())
    }

    /// Lets time pass.
    fn advance(&self, py: Python<'_>, milliseconds: i64) -> PyResult<()> {
        let core = self.core(py)?;
        door::enter(py, || core.advance(milliseconds))
    }

    /// Adds faults: a JSON list.
    fn faults(&self, py: Python<'_>, list: &str) -> PyResult<()> {
        let core = self.core(py)?;
        let list = parse(py, list)?;
        door::enter(py, || core.faults(&list))
    }

    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        json(py, &door::read(py, || Ok(core.ledger()))?)
    }

    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        json(py, &door::read(py, || Ok(core.summary()))?)
    }

    /// The callbacks that are due: name, address, headers, body.
    fn callbacks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        let calls = door::enter(py, || core.callbacks())?;
        let list = PyList::empty(py);
        for call in calls {
            let body = PyBytes::new(py, &call.body);
            list.append((call.call, call.url, call.headers, body))?;
        }
        Ok(list.into_any())
    }

    fn callback_answered(&self, py: Python<'_>, call: &str, status: u16) -> PyResult<()> {
        let core = self.core(py)?;
        door::enter(py, || core.callback_answered(call, status))
    }

    #[getter]
    fn callback_key(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(self.core(py)?.callback_key())
    }

    fn credentials<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        json(py, &core.credentials())
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let core = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match core {
            Some(core) => door::enter(py, || {
                core.stop();
                Ok(())
            }),
            None => Ok(()),
        }
    }
}

impl Sandbox {
    fn core(&self, py: Python<'_>) -> PyResult<Arc<Core>> {
        let core = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        core.ok_or_else(|| raise(py, &Error::new(ErrorKind::Config, "this sandbox is closed")))
    }

    /// The organisation of the simulated Mixpeek, with a key of one's own if given.
    pub fn mixpeek(
        &self,
        py: Python<'_>,
        api_key: Option<String>,
    ) -> PyResult<dsrkit::vendor::mixpeek::Builder> {
        let core = self.core(py)?;
        Ok(core.mixpeek_with(api_key))
    }

    /// The clock that the simulated vendor lives by.
    pub fn clock(&self, py: Python<'_>) -> PyResult<Arc<dyn Clock>> {
        Ok(self.core(py)?.clock())
    }
}

fn parse(py: Python<'_>, text: &str) -> PyResult<Value> {
    serde_json::from_str(text).map_err(|error| {
        raise(
            py,
            &Error::new(
                ErrorKind::InvalidInput,
                "these options of the sandbox are no JSON",
            )
            .with_source(error),
        )
    })
}
