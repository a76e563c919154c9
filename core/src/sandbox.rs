//! A simulated vendor in this process: real HTTP on 127.0.0.1, a virtual clock, faults on demand.
//! Nothing leaves the machine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dsrkit_sandbox::{Fault, Options, World};
use dsrkit_sandbox::{Server, Time};
use serde_json::{Value, json};

pub use dsrkit_sandbox::Callback as SandboxCallback;

use crate::error::{Error, ErrorKind, Result};
use crate::model::Millis;
use crate::model::time::Clock;
use crate::pace::clock::{SystemClock, VirtualClock};
use crate::vendor::mixpanel::{Builder, Mixpanel};
use crate::vendor::mixpeek;

/// The sandbox's first day, unless its state file knows a later time: 2026-01-05 09:00 UTC.
const FIRST_DAY: Millis = 1_767_603_600_000;

/// How fast the sandbox's time runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// It jumps to the next thing due: days pass in seconds.
    Virtual,
    /// This many times as fast as real time; 1.0 is real time.
    Factor(f64),
}

/// What a sandbox is started with.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The simulated vendor's own options, by their names; an empty object for a healthy vendor.
    pub vendor: Value,
    /// The API's port; 0 takes a free one.
    pub port: u16,
    /// The archive store's port; 0 takes a free one.
    pub archive_port: u16,
    /// How fast time runs.
    pub speed: Speed,
    /// A file that remembers everything the vendor was asked, so that the next start meets the
    /// same vendor.
    pub state: Option<PathBuf>,
}

impl std::fmt::Debug for SandboxOptions {
    // A tester may have put tokens of his own into the vendor's options.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxOptions")
            .field("port", &self.port)
            .field("archive_port", &self.archive_port)
            .field("speed", &self.speed)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            vendor: json!({}),
            port: 0,
            archive_port: 0,
            speed: Speed::Virtual,
            state: None,
        }
    }
}

/// A running simulated vendor; it stops when dropped.
pub struct Sandbox {
    world: Arc<Mutex<World>>,
    server: Mutex<Option<Server>>,
    clock: Arc<dyn Clock>,
    manual: Option<Arc<VirtualClock>>,
    options: Options,
    base_url: String,
    archive_base_url: String,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// The vendor's view of the client's clock.
struct SharedTime {
    clock: Arc<dyn Clock>,
    manual: Option<Arc<VirtualClock>>,
}

impl Time for SharedTime {
    fn now_ms(&self) -> i64 {
        self.clock.now()
    }
    fn advance(&self, ms: i64) -> bool {
        match &self.manual {
            Some(clock) => {
                clock.advance(ms);
                true
            }
            None => false,
        }
    }
}

impl Sandbox {
    /// Starts it on 127.0.0.1, on a thread of its own.
    pub fn start(options: SandboxOptions) -> Result<Self> {
        let vendor: Options = serde_json::from_value(options.vendor)
            .map_err(|error| config(format!("the sandbox's options: {error}")))?;
        let world = match &options.state {
            None => World::new(vendor.clone()),
            Some(path) => World::open(vendor.clone(), path)
                .map_err(|error| crate::error::io("open the sandbox's state", path, error))?,
        };
        let vendor = world.options().clone();
        let start = world.last_now_ms().max(FIRST_DAY);
        let (clock, manual): (Arc<dyn Clock>, _) = match options.speed {
            Speed::Virtual => {
                let clock = Arc::new(VirtualClock::new(start));
                (clock.clone(), Some(clock))
            }
            Speed::Factor(factor) if factor.is_finite() && factor > 0.0 => {
                (Arc::new(SystemClock::scaled(start, factor)), None)
            }
            Speed::Factor(_) => {
                return Err(config("the sandbox's speed must be above 0".to_owned()));
            }
        };
        let time = Arc::new(SharedTime {
            clock: Arc::clone(&clock),
            manual: manual.clone(),
        });
        let world = Arc::new(Mutex::new(world));
        let server = Server::start(Arc::clone(&world), time, options.port, options.archive_port)
            .map_err(|error| {
                Error::new(
                    ErrorKind::Io,
                    format!("cannot listen on 127.0.0.1: {error}"),
                )
                .with("port", options.port)
                .with_source(error)
            })?;
        let base_url = server.base_url();
        let archive_base_url = server.archive_base_url();
        Ok(Self {
            world,
            server: Mutex::new(Some(server)),
            clock,
            manual,
            options: vendor,
            base_url,
            archive_base_url,
        })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The API's base URL, such as `http://127.0.0.1:8080/api/app`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
    /// The archive store's base URL.
    pub fn archive_base_url(&self) -> &str {
        &self.archive_base_url
    }
    /// The clock that the sandbox and its clients share.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// A project of this vendor, ready to be built: tokens, archive secret, address and clock.
    pub fn mixpanel(&self) -> Builder {
        self.project()
            .archive_secret(self.options.archive_secret.clone())
    }

    /// The same without the archive secret.
    pub fn project(&self) -> Builder {
        Mixpanel::builder(
            self.options.project_token.clone(),
            self.options.oauth_token.clone(),
        )
        .base_url(self.base_url.clone())
        .clock(self.clock())
    }

    /// An organisation at the simulated Mixpeek, ready to be built.
    pub fn mixpeek(&self) -> mixpeek::Builder {
        self.mixpeek_with(None)
    }

    /// The same with another key, if one is given.
    pub fn mixpeek_with(&self, api_key: Option<String>) -> mixpeek::Builder {
        let root = self.base_url.trim_end_matches("/api/app");
        let key = api_key.unwrap_or_else(|| self.options.mixpeek_api_key.clone());
        mixpeek::Mixpeek::builder(key)
            .base_url(root)
            .clock(self.clock())
    }

    /// Lets virtual time pass. `Config` when time runs by itself.
    pub fn advance(&self, ms: Millis) -> Result<()> {
        match &self.manual {
            Some(clock) => {
                clock.advance(ms);
                Ok(())
            }
            None => Err(config(
                "time runs by itself unless speed is virtual".to_owned(),
            )),
        }
    }

    /// Adds faults: a JSON list of objects with `on`, `nth`, `times`, `kind` and what the kind
    /// needs.
    pub fn faults(&self, faults: &Value) -> Result<()> {
        let faults: Vec<Fault> = serde_json::from_value(faults.clone())
            .map_err(|error| config(format!("the sandbox's faults: {error}")))?;
        self.world()
            .add_faults(faults)
            .map_err(|error| config(format!("the sandbox's faults: {error}")))
    }

    /// Every request that reached the vendor, in order. Holds ids: for tests, never for logs.
    pub fn ledger(&self) -> Value {
        serde_json::to_value(self.world().ledger()).unwrap_or_default()
    }

    /// The ledger in numbers.
    pub fn summary(&self) -> Value {
        serde_json::to_value(self.world().summary()).unwrap_or_default()
    }

    /// The status callbacks that the vendor would make now. Whoever asks makes them, to whatever
    /// stands for the address, and says how each was answered; until then it comes again each
    /// quarter of an hour.
    pub fn callbacks(&self) -> Result<Vec<SandboxCallback>> {
        let now = self.clock.now();
        self.world()
            .take_callbacks(now)
            .map_err(|error| config(format!("the sandbox's callbacks: {error}")))
    }

    /// How a callback was answered.
    pub fn callback_answered(&self, call: &str, status: u16) -> Result<()> {
        self.world()
            .callback_answered(call, status)
            .map_err(|error| config(format!("the sandbox's callbacks: {error}")))
    }

    /// The public key that the callbacks are signed with, as PEM.
    pub fn callback_key(&self) -> &'static str {
        dsrkit_sandbox::PUBLIC_KEY
    }

    /// The same key in a certificate, the form that the vendor publishes.
    pub fn callback_certificate(&self) -> &'static str {
        dsrkit_sandbox::CERTIFICATE
    }

    /// Addresses and made-up credentials, for other programs.
    pub fn credentials(&self) -> Value {
        json!({
            "base_url": self.base_url,
            "archive_base_url": self.archive_base_url,
            "project_token": self.options.project_token,
            "oauth_token": self.options.oauth_token,
            "archive_secret": self.options.archive_secret,
            "mixpeek_base_url": self.base_url.trim_end_matches("/api/app"),
            "mixpeek_api_key": self.options.mixpeek_api_key,
        })
    }

    /// Stops listening. Dropping does the same.
    pub fn stop(&self) {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(server);
    }
}

fn config(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}
