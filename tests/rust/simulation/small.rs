//! The vendor as the programs know it.

use dsrkit::model::action::Terms;
use dsrkit::model::wire::{Operation, Reading, Request, Response};
use dsrkit::vendor::{Capabilities, Vendor};
use dsrkit::{Kind, Mixpanel, Result, Secret};

/// Mixpanel, but for the size of retrievals, and with or without trust in its 409.
#[derive(Debug)]
pub struct Small {
    pub inner: Mixpanel,
    pub batch: usize,
    pub trusts_guard: bool,
}

impl Vendor for Small {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn base_url(&self) -> &url::Url {
        self.inner.base_url()
    }
    fn project_key(&self) -> &Secret {
        self.inner.project_key()
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.conflict_guard = self.trusts_guard;
        capabilities
    }
    fn max_ids(&self, kind: Kind) -> usize {
        self.inner.max_ids(kind).min(self.batch)
    }
    fn check(&self, terms: Terms) -> Result<()> {
        self.inner.check(terms)
    }
    fn create_body(&self, terms: Terms, ids_json: &str) -> String {
        self.inner.create_body(terms, ids_json)
    }
    fn request(&self, operation: &Operation) -> Result<Request> {
        self.inner.request(operation)
    }
    fn read(&self, operation: &Operation, response: &Response) -> Reading {
        self.inner.read(operation, response)
    }
    fn archive_secrets(&self) -> &[Secret] {
        self.inner.archive_secrets()
    }
    fn archive_hosts(&self) -> &[String] {
        self.inner.archive_hosts()
    }
}
