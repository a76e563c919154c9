//! Status callbacks: checked, and handed to a client.

use dsrkit::{Callback, CallbackKey, Result, verify_callback as verify};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::client::Client;
use crate::door::Work;
use crate::error::raise;

type Headers = Vec<(String, String)>;

fn checked(body: &[u8], headers: &Headers, key: &str, url: Option<&str>) -> Result<Callback> {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    verify(body, headers, &CallbackKey::from_pem(key)?, url)
}

/// What a callback says, if it is the vendor's.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's values are owned here
pub fn verify_callback<'py>(
    py: Python<'py>,
    body: &[u8],
    headers: Headers,
    public_key: &str,
    url: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let callback = checked(body, &headers, public_key, url).map_err(|error| raise(py, &error))?;
    let link = callback.results_url.as_ref();
    let dict = PyDict::new(py);
    dict.set_item("task_id", &callback.task_id)?;
    dict.set_item("subject_request_id", &callback.request_id)?;
    dict.set_item("request", callback.request.as_str())?;
    dict.set_item("kind", callback.request.kind().as_str())?;
    dict.set_item("status", callback.status.as_str())?;
    dict.set_item("url", &callback.url)?;
    dict.set_item("results_url", link.map(dsrkit::Secret::expose))?;
    dict.set_item("expected_at", &callback.expected_at)?;
    dict.set_item("project_id", &callback.project_id)?;
    Ok(dict.into_any())
}

/// The same, and what a client makes of it.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // Python's values are owned here
pub fn receive_callback(
    py: Python<'_>,
    client: &Client,
    body: &[u8],
    headers: Headers,
    public_key: &str,
    url: Option<&str>,
) -> PyResult<Work> {
    let callback = checked(body, &headers, public_key, url).map_err(|error| raise(py, &error))?;
    let core = client.core(py)?;
    let hear = async move { core.receive_callback(&callback).await };
    client.work(py, hear, |py, heard| {
        Ok(heard.as_str().into_pyobject(py)?.into_any())
    })
}
