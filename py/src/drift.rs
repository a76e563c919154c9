//! Which forms the vendor sends.

use pyo3::prelude::*;

use crate::client::Client;
use crate::convert;
use crate::door;

/// Every form that was seen: name, where it is known from, how often.
#[pyfunction]
pub fn drift<'py>(py: Python<'py>, client: &Client) -> PyResult<Bound<'py, PyAny>> {
    let core = client.core(py)?;
    convert::plain(py, &door::read(py, || core.drift())?)
}
