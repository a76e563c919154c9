//! One project of one vendor, with everything a call needs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use sha2::Sha256;

use crate::archive::{HostRules, Store};
use crate::error::Error;
use crate::http::classify::{Limits, classify};
use crate::http::transport::Transport;
use crate::journal::{Journal, ProjectRow};
use crate::model::Millis;
use crate::model::drift::{Drift, Shape};
use crate::model::time::Clock;
use crate::model::wire::{Answer, Failure, FailureClass, Operation, PathForm, Request, Response};
use crate::pace::backoff::Dice;
use crate::pace::rate::{Pacer, Slot};
use crate::pace::scans::QUIET;
use crate::settings::Settings;
use crate::vendor::Vendor;

/// What calls of a project share.
pub(crate) struct Project {
    pub vendor: Arc<dyn Vendor>,
    pub transport: Arc<dyn Transport>,
    pub store: Arc<dyn Store>,
    pub hosts: HostRules,
    pub clock: Arc<dyn Clock>,
    pub pacer: Arc<Pacer>,
    pub dice: Dice,
    pub journal: Arc<dyn Journal>,
    pub settings: Arc<Settings>,
    /// Forms of answers that were seen and are not in the book yet.
    pub drift: Arc<Mutex<Drift>>,
    /// Set once the vendor turned out to want item paths without their last slash.
    pub bare_items: AtomicBool,
}

impl Project {
    /// The time of day.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Our own name of a batch's request, where the project has such names. It follows from the
    /// journal's key, so every attempt of a batch bears the same one, in any process.
    pub fn request_id(&self, run: &str, batch: u32) -> Option<String> {
        self.vendor.capabilities().request_ids.then(|| {
            let batch = batch.to_le_bytes();
            let parts: [&[u8]; 3] = [b"subject_request_id", run.as_bytes(), &batch];
            let mut half = [0; 16];
            let digest = keyed(self.journal.key(), &parts);
            for (byte, from) in half.iter_mut().zip(digest) {
                *byte = from;
            }
            uuid_v4(half)
        })
    }

    /// The time of day, and the clock that nobody sets.
    pub fn times(&self) -> (Millis, Millis) {
        (self.clock.now(), self.clock.monotonic())
    }

    /// The same project for calls by other settings, in another way. Pace and journal
    /// are shared.
    pub fn differing(&self, settings: Arc<Settings>, transport: Arc<dyn Transport>) -> Self {
        Self {
            vendor: Arc::clone(&self.vendor),
            transport,
            store: Arc::clone(&self.store),
            hosts: self.hosts.clone(),
            clock: Arc::clone(&self.clock),
            pacer: Arc::clone(&self.pacer),
            dice: Dice::random(),
            journal: Arc::clone(&self.journal),
            settings,
            drift: Arc::clone(&self.drift),
            bare_items: AtomicBool::new(self.bare_items.load(Ordering::Relaxed)),
        }
    }

    /// Sends one request at the project's pace, and gives the answer as it came.
    pub async fn send(&self, name: &str, request: Request) -> Result<Response, Error> {
        let write = request.method != Method::GET;
        let slot = self.pacer.slot().await;
        let sent = match self.journal.may_send(self.settings.request_timeout) {
            Ok(()) => self.transport.send(request).await,
            Err(error) => Err(error),
        };
        drop(slot);
        sent.map_err(|error| lost(name, write, error).error)
    }

    /// Makes one call at the project's pace.
    pub async fn call(&self, operation: &Operation) -> Result<Answer, Failure> {
        let slot = self.pacer.slot().await;
        // Apart: a process may have ten thousand calls that wait, and few in flight.
        Box::pin(self.call_in(slot, operation)).await
    }

    /// Makes one call in a slot that was waited for before (an intent had to be committed in
    /// between). An item call that finds nothing is tried once with the other form of its path.
    pub async fn call_in(&self, slot: Slot, operation: &Operation) -> Result<Answer, Failure> {
        let forms = self.vendor.item_forms(operation);
        let learnt = PathForm::Bare;
        let form = match forms.first() {
            _ if self.bare_items.load(Ordering::Relaxed) && forms.contains(&learnt) => learnt,
            Some(form) => *form,
            None => PathForm::default(),
        };
        let preferred = operation.in_form(form);
        let first = self.exchange(slot, &preferred).await;
        let missed = matches!(
            &first,
            Err(Failure {
                class: FailureClass::Missing | FailureClass::Redirected(_),
                ..
            })
        );
        let other = forms.iter().find(|other| **other != form);
        let Some(other) = other.filter(|_| missed && operation.is_item()) else {
            return first;
        };
        let other = operation.in_form(*other);
        let slot = self.pacer.slot().await;
        let second = self.exchange(slot, &other).await;
        if second.is_ok() {
            // Only a real answer tells which form exists; a failure says nothing about it.
            self.bare_items.store(other.is_bare(), Ordering::Relaxed);
        }
        match second {
            Err(Failure {
                class: FailureClass::Missing | FailureClass::Redirected(_),
                ..
            }) => first,
            second => second,
        }
    }

    fn count(&self, shapes: Vec<Shape>) {
        let mut drift = self.drift.lock().unwrap_or_else(PoisonError::into_inner);
        for shape in shapes {
            drift.see(&shape);
        }
    }

    /// What was counted since the last time.
    pub fn take_drift(&self) -> Drift {
        std::mem::take(&mut *self.drift.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn exchange(&self, slot: Slot, operation: &Operation) -> Result<Answer, Failure> {
        let quiet = slot.quiet.is_none_or(|quiet| quiet >= QUIET);
        let sent = match self.vendor.request(operation) {
            Ok(request) => match self.journal.may_send(self.settings.request_timeout) {
                Ok(()) => self.transport.send(request).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        drop(slot);
        let response = sent.map_err(|error| lost(operation.name(), operation.is_write(), error))?;
        self.count(self.vendor.shapes(operation, &response));
        let reading = self.vendor.read(operation, &response);
        let limits = Limits {
            scan_budget: self.vendor.capabilities().scan_budget,
            quiet,
            interval: self.vendor.interval(),
            credential: self.vendor.credential(),
        };
        let result = classify(operation, &response, reading, limits, self.now());
        tracing::debug!(
            target: "dsrkit",
            operation = operation.name(),
            status = response.status.as_u16(),
            ok = result.is_ok(),
            "answered"
        );
        result
    }
}

/// No answer at all: nothing was done if nothing was sent; otherwise a write is ambiguous, and a
/// read can simply be repeated.
fn lost(name: &str, write: bool, error: Error) -> Failure {
    use crate::error::{ErrorKind, Sent};
    let unsent = error.sent_state() == Sent::No;
    if !write || unsent {
        let class = if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Journal) {
            FailureClass::NotCreated
        } else {
            FailureClass::Local
        };
        return Failure { error, class };
    }
    let message = format!("{} ({name})", error.message());
    let error = Error::new(ErrorKind::Ambiguous, message)
        .sent(Sent::Maybe)
        .with_source(error);
    Failure {
        error,
        class: FailureClass::Ambiguous,
    }
}

/// HMAC-SHA256 under the journal's key.
pub(crate) fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A random-looking UUID (version 4) of these bytes, in its canonical lower-case form.
pub(crate) fn uuid_v4(bytes: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// The base URL as it identifies a project. The port of a simulated vendor on this machine is
/// left out: it changes from start to start.
pub(crate) fn project_url(vendor: &dyn Vendor) -> String {
    let mut url = vendor.base_url().clone();
    if crate::vendor::is_loopback(&url) {
        let _ = url.set_port(None);
    }
    url.into()
}

/// The project's row for the journal.
pub(crate) fn project_row(vendor: &dyn Vendor, journal: &dyn Journal) -> ProjectRow {
    let base_url = project_url(vendor);
    let token = vendor.project_key().expose().as_bytes();
    let parts: [&[u8]; 4] = [
        b"project",
        vendor.name().as_bytes(),
        token,
        base_url.as_bytes(),
    ];
    let fingerprint = keyed(journal.key(), &parts);
    ProjectRow {
        fingerprint,
        vendor: vendor.name().to_owned(),
        base_url,
    }
}
