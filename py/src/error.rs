//! Raises the core's error as the Python class of its kind.

use dsrkit::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

/// Makes the exception of `dsrkit.errors.BY_KIND` for this error.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let context = PyDict::new(py);
    for (name, value) in error.context() {
        context.set_item(name, value)?;
    }
    let facts = PyDict::new(py);
    facts.set_item("context", context)?;
    facts.set_item(
        "retry_after",
        error.retry_after().map(|after| after.as_secs_f64()),
    )?;
    facts.set_item("sent", error.sent_state().as_str())?;
    facts.set_item("hint", error.hint())?;
    facts.set_item("http_status", error.http_status())?;
    facts.set_item("job_id", error.job_id())?;
    facts.set_item("task_ids", PyTuple::new(py, error.task_ids())?)?;
    py.import("dsrkit.errors")?
        .getattr("BY_KIND")?
        .get_item(error.kind().as_str())?
        .call((error.message(),), Some(&facts))
}

/// Every kind of error: name, code, hint.
#[pyfunction]
pub fn error_kinds(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    PyList::new(
        py,
        ErrorKind::ALL
            .iter()
            .map(|kind| (kind.as_str(), kind.code(), kind.hint())),
    )
}
