//! The published workflows.

use pyo3::prelude::*;

use crate::client::Client;
use crate::convert;
use crate::door::Work;
use crate::ids::Ids;

/// Carries one out: task id, status word, link.
#[pyfunction]
pub fn flow(
    py: Python<'_>,
    client: &Client,
    kind: &str,
    ids: &Ids,
    compliance: &str,
    wait: bool,
) -> PyResult<Work> {
    let core = client.core(py)?;
    let terms = convert::terms(py, kind, compliance, None)?;
    let ids = ids.take(py)?;
    let call = async move {
        match terms.kind {
            dsrkit::Kind::Retrieval => core.retrieval_flow(ids, terms.compliance, wait).await,
            dsrkit::Kind::Deletion => core.deletion_flow(ids, terms.compliance, wait).await,
        }
    };
    client.work(py, call, |py, outcome| convert::flow(py, &outcome))
}
