//! Credentials and limits of a Mixpanel project.

use dsrkit::vendor::Vendor;
use dsrkit::vendor::mixpanel::Builder;
use dsrkit::{Kind, Region};
use pyo3::prelude::*;

use crate::error::raise;

/// Checked credentials. Does no I/O.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Mixpanel(pub dsrkit::Mixpanel);

#[pymethods]
impl Mixpanel {
    #[new]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // one keyword each
    fn new(
        py: Python<'_>,
        project_token: String,
        oauth_token: String,
        region: &str,
        api_version: String,
        data_groups: u32,
        subject_request_ids: bool,
        status_callback_urls: Vec<String>,
        archive_secrets: Vec<String>,
        base_url: Option<String>,
        archive_hosts: Vec<String>,
    ) -> PyResult<Self> {
        let read = || {
            let builder = dsrkit::Mixpanel::builder(project_token, oauth_token)
                .region(Region::parse(region)?)
                .api_version(api_version)
                .data_groups(data_groups)
                .subject_request_ids(subject_request_ids);
            let builder = status_callback_urls
                .into_iter()
                .fold(builder, Builder::status_callback_url);
            complete(builder, archive_secrets, base_url, archive_hosts).build()
        };
        read().map(Self).map_err(|error| raise(py, &error))
    }

    /// The same project by the clock of this simulated vendor.
    #[staticmethod]
    #[allow(clippy::too_many_arguments)] // one keyword each
    fn simulated(
        py: Python<'_>,
        sandbox: &crate::sandbox::Sandbox,
        project_token: String,
        oauth_token: String,
        api_version: String,
        data_groups: u32,
        subject_request_ids: bool,
        status_callback_urls: Vec<String>,
        archive_secrets: Vec<String>,
        base_url: Option<String>,
        archive_hosts: Vec<String>,
    ) -> PyResult<Self> {
        let builder = dsrkit::Mixpanel::builder(project_token, oauth_token)
            .api_version(api_version)
            .data_groups(data_groups)
            .subject_request_ids(subject_request_ids)
            .clock(sandbox.clock(py)?);
        let builder = status_callback_urls
            .into_iter()
            .fold(builder, Builder::status_callback_url);
        complete(builder, archive_secrets, base_url, archive_hosts)
            .build()
            .map(Self)
            .map_err(|error| raise(py, &error))
    }

    #[getter]
    fn base_url(&self) -> &str {
        self.0.base_url().as_str()
    }

    #[getter]
    fn region(&self) -> Option<&'static str> {
        self.0.region().map(Region::as_str)
    }

    /// The most ids of one request of this kind.
    fn max_ids(&self, py: Python<'_>, kind: &str) -> PyResult<usize> {
        let kind: Kind = crate::convert::kind(py, kind)?;
        Ok(self.0.max_ids(kind))
    }
}

fn complete(
    mut builder: Builder,
    archive_secrets: Vec<String>,
    base_url: Option<String>,
    archive_hosts: Vec<String>,
) -> Builder {
    for secret in archive_secrets {
        builder = builder.archive_secret(secret);
    }
    for host in archive_hosts {
        builder = builder.archive_host(host);
    }
    match base_url {
        Some(url) => builder.base_url(url),
        None => builder,
    }
}
