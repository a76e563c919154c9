//! What a client is made of: a vendor, a journal, settings, and the ways out.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::archive::{HostRules, HttpStore, HttpStoreOptions, Store};
use crate::client::Client;
use crate::engine::project::Project;
use crate::engine::run::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::http::transport::{HttpTransport, Transport};
use crate::journal::encrypted::{EncryptedJournal, locked};
use crate::journal::{self, memory::MemoryJournal};
use crate::model::time::Clock;
use crate::pace::backoff::Dice;
use crate::pace::clock::SystemClock;
use crate::pace::rate::Pacer;
use crate::settings::Settings;
use crate::vendor::{Vendor, is_loopback};

/// Where plans and runs are kept.
pub struct Journal {
    store: Arc<dyn journal::Journal>,
}

impl Journal {
    /// One SQLite file, made when it is not there. While another process works with it, it opens
    /// for reading only.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Ok(Self {
            store: Arc::new(journal::sqlite::SqliteJournal::open_or_read(path.as_ref())?),
        })
    }

    /// A schema of a PostgreSQL database, made when it is not there. While another process works
    /// with it, reading works; the first to ask takes over when that process has ended.
    #[cfg(feature = "postgres")]
    pub fn postgres(url: &str) -> Result<Self> {
        Ok(Self {
            store: Arc::new(journal::postgres::PostgresJournal::open(url)?),
        })
    }

    /// By its name, as the bindings take it: `":memory:"`, a `postgresql://` URL, or the
    /// path of an SQLite file.
    #[cfg(feature = "sqlite")]
    pub fn open(name: &str) -> Result<Self> {
        match name {
            ":memory:" => Ok(Self::memory()),
            "" => Err(Error::new(ErrorKind::Config, "the journal's path is empty")),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Self::on_a_server(url)
            }
            path => Self::sqlite(path),
        }
    }

    #[cfg(all(feature = "sqlite", feature = "postgres"))]
    fn on_a_server(url: &str) -> Result<Self> {
        Self::postgres(url)
    }

    #[cfg(all(feature = "sqlite", not(feature = "postgres")))]
    fn on_a_server(_url: &str) -> Result<Self> {
        Err(Error::new(
            ErrorKind::Config,
            "this build keeps its journal in an SQLite file",
        ))
    }

    /// In memory: lost with the process. For tests and for trying things out.
    pub fn memory() -> Self {
        Self {
            store: Arc::new(MemoryJournal::new()),
        }
    }

    /// Encrypts the ids of a journal that is new, or was made with the same key: 32 random bytes
    /// that lie elsewhere than the journal. Without them its ids are lost. For journals on a
    /// shared disk, on a database server or in backups.
    pub fn encrypted(self, key: &[u8]) -> Result<Self> {
        let key: &[u8; 32] = key
            .try_into()
            .map_err(|_| Error::new(ErrorKind::Config, "a journal key has 32 random bytes"))?;
        Ok(Self {
            store: Arc::new(EncryptedJournal::new(self.store, key)?),
        })
    }

    pub(crate) fn into_store(self) -> Arc<dyn journal::Journal> {
        self.store
    }

    /// Any implementation of the journal's trait.
    pub fn custom(store: Arc<dyn journal::Journal>) -> Self {
        Self { store }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

/// The ways out of the machine: to the vendor, and to archives. Connections and certificates are
/// held once, however many clients share them: make one for all projects of a runtime. (A network
/// belongs to the runtime that it was first used in.)
#[derive(Clone)]
pub struct Network {
    pub(crate) transport: Arc<dyn Transport>,
    store: Arc<dyn Store>,
    /// Held once for all clients that have the same.
    settings: Arc<Settings>,
}

impl Network {
    /// For vendors at addresses like this one's, with the time-outs, proxy and authorities of these
    /// settings.
    pub fn new(settings: &Settings, vendor: &dyn Vendor) -> Result<Self> {
        let loopback = is_loopback(vendor.base_url());
        Ok(Self {
            transport: Arc::new(HttpTransport::new(settings, loopback)?),
            store: Arc::new(HttpStore::new(&store_options(settings, loopback)?)?),
            settings: Arc::new(settings.clone()).at_pace(vendor.interval()),
        })
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

/// Builds a [`Client`].
pub struct ClientBuilder {
    vendor: Arc<dyn Vendor>,
    journal: Option<Journal>,
    settings: Arc<Settings>,
    clock: Option<Arc<dyn Clock>>,
    transport: Option<Arc<dyn Transport>>,
    store: Option<Arc<dyn Store>>,
    shared: Option<Arc<Settings>>,
    seed: Option<u64>,
}

impl ClientBuilder {
    pub(crate) fn new(vendor: Arc<dyn Vendor>) -> Self {
        Self {
            vendor,
            journal: None,
            settings: Arc::default(),
            clock: None,
            transport: None,
            store: None,
            shared: None,
            seed: None,
        }
    }

    /// Where plans and runs are kept. Single calls need none; planning a run on a real vendor does,
    /// so that no task id is lost with the process by default.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }
    /// Limits and times.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Arc::new(settings);
        self
    }
    /// Another clock than the system's (or the simulated vendor's).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
    /// A network that other clients use, too. Default: one of its own.
    pub fn network(mut self, network: &Network) -> Self {
        self.transport = Some(Arc::clone(&network.transport));
        self.store = Some(Arc::clone(&network.store));
        self.shared = Some(Arc::clone(&network.settings));
        self
    }
    /// Another way to the vendor than HTTP.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }
    /// Another way to archives than HTTP.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }
    /// Makes the jitter repeatable.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks the settings, opens the journal for this project and carries over what a dead
    /// process left in it. Sends nothing.
    pub fn build(self) -> Result<Client> {
        self.settings.check()?;
        let vendor = self.vendor;
        let settings = self.settings.at_pace(vendor.interval());
        // A simulated vendor goes with the process, so its runs may too.
        let chosen = self.journal.is_some() || vendor.clock().is_some();
        let journal = self.journal.unwrap_or_else(Journal::memory);
        if journal.store.cipher()?.is_some() {
            return Err(locked());
        }
        let loopback = is_loopback(vendor.base_url());
        let clock = self
            .clock
            .or_else(|| vendor.clock())
            .unwrap_or_else(SystemClock::shared);
        let hosts = HostRules::new(vendor.archive_hosts().iter().map(String::as_str), loopback)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new(&settings, loopback)?),
        };
        let store = match self.store {
            Some(store) => store,
            None => Arc::new(HttpStore::new(&store_options(&settings, loopback)?)?),
        };
        let identity = [vendor.base_url().as_str(), vendor.project_key().expose()];
        let pacer = Pacer::shared(&clock, settings.interval_ms(), &identity);
        let project = Project {
            drift: Arc::default(),
            vendor,
            transport,
            store,
            hosts,
            clock,
            pacer,
            dice: self.seed.map_or_else(Dice::random, Dice::seeded),
            journal: journal.store,
            settings: match self.shared {
                Some(shared) if shared == settings => shared,
                _ => settings,
            },
            bare_items: AtomicBool::new(false),
        };
        Engine::open(project, chosen).map(Client::new)
    }
}

fn store_options(settings: &Settings, loopback: bool) -> Result<HttpStoreOptions> {
    let proxy = match &settings.proxy {
        None => None,
        Some(text) => Some(
            url::Url::parse(text)
                .map_err(|_| Error::new(ErrorKind::Config, "proxy is not a usable URL"))?,
        ),
    };
    let ca_bundle = match &settings.ca_bundle {
        None => None,
        Some(path) => {
            Some(std::fs::read(path).map_err(|error| crate::error::io("read", path, error))?)
        }
    };
    Ok(HttpStoreOptions {
        connect_timeout: settings.connect_timeout,
        proxy,
        ca_bundle,
        loopback,
        ..HttpStoreOptions::default()
    })
}
