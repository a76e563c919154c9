//! Mixpanel's GDPR and CCPA API.
//!
//! Sources: the vendor's "GDPR and CCPA API (v3)" overview, its official OpenAPI document, its
//! status callback page, and what working public clients read ("observed"). Where they disagree
//! both forms are accepted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::model::action::{Kind, Terms};
use crate::model::drift::Shape;
use crate::model::time::Clock;
use crate::model::wire::{Credential, Operation, PathForm, Reading, Request, Response};
use crate::secret::Secret;
use crate::vendor::{Capabilities, Vendor, base_url};

mod address;
mod answer;
pub(crate) mod callback;
mod credentials;
mod raw;
mod region;
mod shapes;
mod v2;
mod v3;
mod version;

use version::Version;

pub use region::Region;

/// A Mixpanel project: credentials and limits. Does no I/O.
///
/// `Debug` shows neither token.
#[derive(Clone)]
pub struct Mixpanel {
    base_url: Url,
    region: Option<Region>,
    version: Version,
    project_token: Secret,
    oauth_token: Secret,
    data_groups: u32,
    subject_request_ids: bool,
    callback_urls: Vec<String>,
    archive_secrets: Vec<Secret>,
    archive_hosts: Vec<String>,
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for Mixpanel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mixpanel")
            .field("base_url", &self.base_url.as_str())
            .field("data_groups", &self.data_groups)
            .finish_non_exhaustive()
    }
}

impl Mixpanel {
    /// Starts from the project token (which names the project) and the OAuth token (which belongs
    /// to a project owner or admin, and lives one year: vendor documentation).
    pub fn builder(project_token: impl Into<String>, oauth_token: impl Into<String>) -> Builder {
        Builder {
            project_token: project_token.into(),
            oauth_token: oauth_token.into(),
            region: Region::Us,
            api_version: "3.0".to_owned(),
            base_url: None,
            data_groups: 0,
            subject_request_ids: false,
            callback_urls: Vec::new(),
            archive_secrets: Vec::new(),
            archive_hosts: Vec::new(),
            clock: None,
        }
    }

    /// The region, unless a base URL of one's own is set.
    pub fn region(&self) -> Option<Region> {
        self.region
    }
}

/// Builds a [`Mixpanel`].
#[derive(Clone)]
pub struct Builder {
    project_token: String,
    oauth_token: String,
    region: Region,
    api_version: String,
    base_url: Option<String>,
    data_groups: u32,
    subject_request_ids: bool,
    callback_urls: Vec<String>,
    archive_secrets: Vec<Secret>,
    archive_hosts: Vec<String>,
    clock: Option<Arc<dyn Clock>>,
}

impl Builder {
    /// Where the project's data lives. Default: US.
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }
    /// The API's version: `"3.0"`, or the older `"2.0"` (GDPR only, one person per retrieval). A
    /// journal belongs to one of them.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }
    /// How many data groups (group analytics keys) the project has. A deletion request holds
    /// `floor(2000 / (groups + 1))` ids, 1999 without groups (vendor's documentation repository).
    pub fn data_groups(mut self, groups: u32) -> Self {
        self.data_groups = groups;
        self
    }
    /// Send a `subject_request_id` with each request: a UUID of ours that the vendor echoes, so
    /// that a task can be told to be ours. Only for projects for which the vendor has enabled
    /// status callbacks (vendor's callback page, 2026); what others answer is not known. Default:
    /// no.
    pub fn subject_request_ids(mut self, yes: bool) -> Self {
        self.subject_request_ids = yes;
        self
    }
    /// Asks the vendor to tell the status of each task to this address too: `https`, at most five.
    /// Requests then carry a `subject_request_id`. What receives there hands it to
    /// [`crate::verify_callback`] and [`crate::Client::receive_callback`].
    pub fn status_callback_url(mut self, url: impl Into<String>) -> Self {
        self.callback_urls.push(url.into());
        self
    }
    /// Adds a candidate for the secret that opens archives (the project's API secret), tried in
    /// the order given.
    pub fn archive_secret(mut self, secret: impl Into<String>) -> Self {
        self.archive_secrets.push(Secret::new(secret));
        self
    }
    /// Adds a host that archives may be fetched from, exact or as `.suffix`.
    pub fn archive_host(mut self, host: impl Into<String>) -> Self {
        self.archive_hosts.push(host.into());
        self
    }
    /// Another residency, a proxy or the sandbox, such as `https://eu.mixpanel.com/api/app`.
    /// Overrides the region. `http` only for this machine.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }
    /// The clock that the client shall use: that of a simulated vendor.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Checks everything. Errors are of kind `Config` and show no value.
    pub fn build(self) -> Result<Mixpanel> {
        let version = Version::parse(&self.api_version)?;
        if version == Version::V2 && self.subject_request_ids {
            return Err(Error::new(
                ErrorKind::Config,
                "subject_request_ids goes with api_version \"3.0\" only",
            ));
        }
        if version == Version::V2 && !self.callback_urls.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                "status callbacks go with api_version \"3.0\" only",
            ));
        }
        let region = self.base_url.is_none().then_some(self.region);
        let text = self
            .base_url
            .unwrap_or_else(|| self.region.base_url().to_owned());
        if self.data_groups >= 2000 {
            return Err(Error::new(
                ErrorKind::Config,
                "data_groups must be less than 2000",
            ));
        }
        if self
            .archive_secrets
            .iter()
            .any(|secret| secret.expose().is_empty())
        {
            return Err(Error::new(
                ErrorKind::Config,
                "an archive secret is empty; leave it out if there is none",
            ));
        }
        let mut hosts: Vec<String> = ["storage.googleapis.com", ".storage.googleapis.com"]
            .map(str::to_owned)
            .into();
        for host in self.archive_hosts {
            if host.is_empty() || host.contains(['/', ':', '@', '*', ' ']) {
                return Err(Error::new(
                    ErrorKind::Config,
                    "an archive host must be a bare name such as \"storage.example.com\" or \".example.com\"",
                ));
            }
            hosts.push(host.to_ascii_lowercase());
        }
        Ok(Mixpanel {
            base_url: base_url(&text)?,
            region,
            version,
            project_token: Secret::token("project token", self.project_token)?,
            oauth_token: Secret::token("OAuth token", self.oauth_token)?,
            data_groups: self.data_groups,
            subject_request_ids: self.subject_request_ids || !self.callback_urls.is_empty(),
            callback_urls: callback::checked_urls(self.callback_urls)?,
            archive_secrets: self.archive_secrets,
            archive_hosts: hosts,
            clock: self.clock,
        })
    }
}

impl Vendor for Mixpanel {
    fn name(&self) -> &'static str {
        match self.version {
            Version::V2 => "mixpanel-2.0",
            Version::V3 => "mixpanel-3.0",
        }
    }
    fn base_url(&self) -> &Url {
        &self.base_url
    }
    fn project_key(&self) -> &Secret {
        &self.project_token
    }
    fn capabilities(&self) -> Capabilities {
        // Cancelling a retrieval is documented for version 2.0 only. The 409 guard of deletions is
        // observed in production by a large integrator, with version 3.0, and not documented: of
        // version 2.0 nothing is known, so nothing is built on it there.
        let old = self.version == Version::V2;
        Capabilities {
            conflict_guard: !old,
            cancel_deletion: true,
            cancel_retrieval: old,
            request_ids: self.subject_request_ids,
            callbacks: !old,
            scan_budget: true,
        }
    }
    fn interval(&self) -> Duration {
        Duration::from_secs(1) // documented, over all kinds of calls
    }
    fn credential(&self) -> Credential {
        Credential {
            name: "OAuth token",
            renew: "Generate a new OAuth token (it lives one year) and open the client with it; the run goes on where it stopped.",
            permit: "Use the OAuth token of a project owner or admin; the run goes on where it stopped.",
        }
    }
    fn max_ids(&self, kind: Kind) -> usize {
        match (kind, self.data_groups) {
            _ if self.version == Version::V2 => v2::max_ids(kind, self.data_groups),
            (Kind::Retrieval, _) => 2000,
            (Kind::Deletion, 0) => 1999,
            (Kind::Deletion, groups) => (2000 / (groups as usize + 1)).max(1),
        }
    }
    fn check(&self, terms: Terms) -> Result<()> {
        terms.check()?;
        match self.version {
            Version::V2 => v2::check(terms),
            Version::V3 => Ok(()),
        }
    }
    fn check_task(&self, task: &str) -> Result<()> {
        match self.version {
            Version::V2 => v2::check_task(task),
            // Tasks of this version bear 19 digits or a UUID: nothing to tell one of 2.0 by.
            Version::V3 => Ok(()),
        }
    }
    fn create_body(&self, terms: Terms, ids_json: &str) -> String {
        match self.version {
            Version::V2 => v2::create_body(terms, ids_json),
            Version::V3 => v3::create_body(terms, ids_json),
        }
    }
    fn request(&self, operation: &Operation) -> Result<Request> {
        let body = match self.version {
            Version::V2 => v2::body(operation)?,
            Version::V3 => v3::body(operation, &self.callback_urls),
        };
        address::request(self, operation, body)
    }
    fn item_forms(&self, operation: &Operation) -> &'static [PathForm] {
        match (self.version, operation) {
            // Documented so, unlike the status call beside it.
            (Version::V2, Operation::Cancel { .. }) => &[PathForm::Bare, PathForm::Slash],
            _ => &[PathForm::Slash, PathForm::Bare],
        }
    }
    fn raw(&self, method: &Method, path: &str, body: Option<Bytes>) -> Result<Request> {
        raw::request(self, method, path, body)
    }
    fn read(&self, operation: &Operation, response: &Response) -> Reading {
        answer::read(operation, response)
    }
    fn shapes(&self, operation: &Operation, response: &Response) -> Vec<Shape> {
        shapes::shapes(operation, response)
    }
    fn archive_secrets(&self) -> &[Secret] {
        &self.archive_secrets
    }
    fn archive_hosts(&self) -> &[String] {
        &self.archive_hosts
    }
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_the_data_groups() {
        for (groups, limit) in [(0, 1999), (1, 1000), (3, 500), (1999, 1)] {
            let project = Mixpanel::builder("p", "o")
                .data_groups(groups)
                .build()
                .expect("valid");
            assert_eq!(project.max_ids(Kind::Deletion), limit);
            assert_eq!(project.max_ids(Kind::Retrieval), 2000);
        }
    }

    #[test]
    fn a_base_url_that_would_leak_is_refused() {
        for bad in [
            "http://mixpanel.com/api/app",
            "ftp://mixpanel.com",
            "https://user:pw@mixpanel.com/api/app",
            "https://mixpanel.com/api/app?token=x",
            "mixpanel.com",
            "http://127.0.0.1.evil.example/api",
        ] {
            let error = Mixpanel::builder("p", "o")
                .base_url(bad)
                .build()
                .expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Config);
        }
        for good in [
            "http://127.0.0.1:8080/api/app",
            "https://eu.mixpanel.com/api/app/",
        ] {
            Mixpanel::builder("p", "o")
                .base_url(good)
                .build()
                .expect(good);
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let project = Mixpanel::builder("canary-p", "canary-o")
            .archive_secret("canary-s")
            .build();
        assert!(!format!("{:?}", project.expect("valid")).contains("canary"));
    }
}
