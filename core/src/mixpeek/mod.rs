//! The client of Mixpeek: two calls about a whole organisation, each on record before it is sent.
//!
//! A deletion here erases everything that the organisation has. It has its own confirmation, is
//! reached by no call about people, and is never sent again while it is not certain that an earlier
//! one was not carried out.

use std::sync::Arc;

use crate::builder::Journal;
use crate::error::{Error, ErrorKind, Result, RetryAdvice, Sent};
use crate::http::classify::{Asked, failure};
use crate::http::retry_after::reset_after;
use crate::http::transport::{HttpTransport, Transport};
use crate::model::dsar::{DsarKind, DsarRecord, DsarRequest};
use crate::model::time::Clock;
use crate::model::wire::{FailureClass, Response};
use crate::pace::backoff::{self, Dice};
use crate::pace::clock::SystemClock;
use crate::pace::rate::Pacer;
use crate::settings::Settings;
use crate::vendor::is_loopback;
use crate::vendor::mixpeek::{self, Mixpeek};

mod record;
mod rows;

use record::{Records, Sending};

/// What confirms the deletion of everything that an organisation has.
pub const DELETE_ORGANISATION: &str = "DELETE ORGANISATION";

/// Tries of a call that certainly did nothing.
const TRIES: u32 = 3;
/// A call does not wait longer than this between two tries.
const PATIENCE_MS: i64 = 60_000;

/// A client of one organisation at Mixpeek.
pub struct MixpeekClient {
    vendor: Mixpeek,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    pacer: Arc<Pacer>,
    dice: Dice,
    settings: Settings,
    records: Records,
    pid: u32,
}

impl std::fmt::Debug for MixpeekClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MixpeekClient")
            .field("vendor", &self.vendor)
            .finish_non_exhaustive()
    }
}

/// Builds a [`MixpeekClient`].
pub struct MixpeekClientBuilder {
    vendor: Mixpeek,
    journal: Option<Journal>,
    settings: Settings,
    transport: Option<Arc<dyn Transport>>,
}

impl MixpeekClientBuilder {
    /// Where requests are on record: one journal for each organisation, of its own. Without one
    /// they are forgotten with the client.
    #[must_use]
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }
    /// Limits and times.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }
    /// Another way to the vendor than HTTP.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Checks the settings and opens the journal. Sends nothing.
    pub fn build(self) -> Result<MixpeekClient> {
        self.settings.check()?;
        let vendor = self.vendor;
        let clock = vendor.clock().unwrap_or_else(SystemClock::shared);
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new(
                &self.settings,
                is_loopback(vendor.base_url()),
            )?),
        };
        let identity = [vendor.base_url().as_str(), vendor.api_key().expose()];
        let pacer = Pacer::shared(&clock, self.settings.interval_ms(), &identity);
        let journal = self.journal.unwrap_or_else(Journal::memory);
        let records = Records::open(journal.into_store(), vendor.base_url(), clock.now())?;
        Ok(MixpeekClient {
            vendor,
            transport,
            clock,
            pacer,
            dice: Dice::random(),
            settings: self.settings,
            records,
            pid: std::process::id(),
        })
    }
}

impl MixpeekClient {
    /// Starts from an organisation's credentials.
    pub fn builder(vendor: Mixpeek) -> MixpeekClientBuilder {
        MixpeekClientBuilder {
            vendor,
            journal: None,
            settings: Settings::default(),
            transport: None,
        }
    }

    /// Asks for a copy of everything that the organisation has. The vendor delivers it by other
    /// ways than its API, within 30 days.
    pub async fn request_export(&self) -> Result<DsarRequest> {
        self.ask(DsarKind::Export).await
    }

    /// Asks for the erasure of everything that the organisation has: irreversible. `confirm` is
    /// [`DELETE_ORGANISATION`]. After a lost answer it is not sent again, by this client or by
    /// another one with its journal, until [`MixpeekClient::settle`] says what became of it.
    pub async fn request_deletion(&self, confirm: &str) -> Result<DsarRequest> {
        if confirm != DELETE_ORGANISATION {
            return Err(Error::new(
                ErrorKind::NotConfirmed,
                format!(
                    "this erases everything that the organisation has, not one person: confirm it with \"{DELETE_ORGANISATION}\""
                ),
            )
            .with_hint("Nothing was sent. To erase people, use the client of a vendor that has them."));
        }
        self.ask(DsarKind::Deletion).await
    }

    /// The requests on record, oldest first.
    pub fn requests(&self) -> Result<Vec<DsarRecord>> {
        self.check_fork()?;
        self.records.all()
    }

    /// Says what became of a request whose state is unknown: a person looked it up at the vendor.
    pub fn settle(&self, id: &str, carried_out: bool) -> Result<()> {
        self.check_fork()?;
        self.records.settle(id, carried_out, self.clock.now())
    }

    fn check_fork(&self) -> Result<()> {
        if std::process::id() == self.pid {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Fork,
            "this client was made before fork(); create a client in the child process",
        ))
    }

    async fn ask(&self, kind: DsarKind) -> Result<DsarRequest> {
        self.check_fork()?;
        let mut sending = self.records.plan(kind, self.clock.now())?;
        let mut failures = 0;
        loop {
            let slot = self.pacer.slot().await;
            self.records.intend(&mut sending, self.clock.now())?;
            let sent = self.transport.send(self.vendor.request(kind)).await;
            drop(slot);
            let now = self.clock.now();
            let (error, class) = match self.judge(kind, sent) {
                Ok(answer) => {
                    let kept = self.records.accepted(&sending, &answer, now);
                    return match kept {
                        Ok(()) => Ok(answer),
                        // Accepted, but not on record: nobody may think that it was not.
                        Err(error) => Err(error
                            .with_tasks(vec![answer.request_id])
                            .sent(Sent::Yes)
                            .with_hint("The vendor accepted the request that task_ids names; do not send it again.")),
                    };
                }
                Err(failed) => failed,
            };
            failures += 1;
            let wait = backoff::wait(&self.settings, &self.dice, failures, error.retry_after());
            let unsent = class == FailureClass::NotCreated && error.is_retryable();
            let again = unsent && failures < TRIES && wait <= PATIENCE_MS;
            self.failed(&mut sending, &error, &class, again)
                .map_err(|unkept| unkept.sent(error.sent_state()))?;
            if !again {
                return Err(error);
            }
            let until = self.clock.monotonic().saturating_add(wait);
            self.clock.sleep_until(until).await;
        }
    }

    fn failed(
        &self,
        sending: &mut Sending,
        error: &Error,
        class: &FailureClass,
        again: bool,
    ) -> Result<()> {
        let now = self.clock.now();
        if error.sent_state() == Sent::Maybe || *class == FailureClass::Ambiguous {
            self.records.unknown(sending, error, now)
        } else {
            self.records.not_carried_out(sending, error, again, now)
        }
    }

    fn judge(
        &self,
        kind: DsarKind,
        sent: Result<Response>,
    ) -> Result<DsarRequest, (Error, FailureClass)> {
        let asked = Asked {
            name: kind.name(),
            write: true,
            cancel: false,
            scans: false,
            credential: mixpeek::CREDENTIAL,
            pace: "no more requests for now".into(),
        };
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.sent_state() == Sent::No => {
                let class = match error.kind() {
                    ErrorKind::Unavailable => FailureClass::NotCreated,
                    _ => FailureClass::Local,
                };
                return Err((error, class));
            }
            Err(error) => return Err(lost(kind, error.message(), None)),
        };
        let status = response.status;
        if status.is_success() {
            return mixpeek::read(&response.body)
                .map_err(|what| lost(kind, what, Some(status.as_u16())));
        }
        let now = self.clock.now();
        let (refusal, facts) = mixpeek::refusal(&response);
        let failure = failure(asked, &response, refusal, now);
        let mut error = failure.error;
        if error.kind() == ErrorKind::RateLimited && error.retry_after().is_none() {
            error = error.retry(RetryAdvice::After(reset_after(&response.headers, now)));
        }
        for (name, value) in facts {
            error = error.with(name, value);
        }
        Err((with_hint(error), failure.class))
    }
}

fn lost(kind: DsarKind, what: &str, status: Option<u16>) -> (Error, FailureClass) {
    let text = format!("{what} ({}); it may have been carried out", kind.name());
    let mut error = Error::new(ErrorKind::Ambiguous, text).sent(Sent::Maybe);
    if let Some(status) = status {
        error = error.with_http_status(status);
    }
    (with_hint(error), FailureClass::Ambiguous)
}

/// The general hint knows of no record.
fn with_hint(error: Error) -> Error {
    if error.kind() != ErrorKind::Ambiguous {
        return error;
    }
    error.with_hint(
        "It is not sent again. Ask the vendor whether it arrived, then settle the request that is on record.",
    )
}
