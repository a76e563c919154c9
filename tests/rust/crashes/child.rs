//! The process that dies: a deletion in two batches and a retrieval, from where they are to their
//! end.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dsrkit::http::transport::{HttpTransport, Transport};
use dsrkit::journal::Journal as Rows;
use dsrkit::journal::postgres::PostgresJournal;
use dsrkit::journal::sqlite::SqliteJournal;
use dsrkit::model::time::{BoxFuture, Clock};
use dsrkit::model::wire::{Request, Response};
use dsrkit::pace::clock::VirtualClock;
use dsrkit::{
    Client, Compliance, IdSource, Journal, Kind, Mixpanel, PlanOptions, Result, Settings, Terms,
};
use serde_json::{Value, json};

pub const ORDER: &str = "DSRKIT_TEST_CRASH";
pub const RUNS: [(Kind, &str, usize); 2] = [(Kind::Deletion, "d", 6), (Kind::Retrieval, "r", 2)];
/// Three ids in each deletion.
const GROUPS: u32 = 665;

/// Tells the vendor the time before each call, and says what is committed by then.
pub struct Synced {
    inner: HttpTransport,
    clock: Arc<VirtualClock>,
    vendor: String,
    told: AtomicI64,
    journal: Arc<dyn Rows>,
    acks: Option<File>,
}

impl Synced {
    /// Both begin with the same time.
    pub fn new(
        clock: &Arc<VirtualClock>,
        base_url: &str,
        journal: Arc<dyn Rows>,
        acks: Option<File>,
    ) -> Result<Self> {
        let rest = base_url.strip_prefix("http://").unwrap();
        Ok(Self {
            inner: HttpTransport::new(&Settings::default(), true)?,
            clock: Arc::clone(clock),
            vendor: rest.split('/').next().unwrap().to_owned(),
            told: AtomicI64::new(clock.now()),
            journal,
            acks,
        })
    }

    fn sync(&self) {
        let now = self.clock.now();
        let ms = now - self.told.swap(now, Ordering::Relaxed);
        if ms <= 0 {
            return;
        }
        let body = json!({ "ms": ms }).to_string();
        let mut way = TcpStream::connect(&self.vendor).unwrap();
        let head = "POST /_sandbox/advance HTTP/1.1\r\nhost: vendor\r\nconnection: close";
        let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        way.write_all(request.as_bytes()).unwrap();
        way.read_to_end(&mut Vec::new()).unwrap();
    }

    fn ack(&self) {
        if let Some(mut acks) = self.acks.as_ref() {
            let events = self.journal.verify_events().unwrap();
            acks.write_all(format!("{events}\n").as_bytes()).unwrap();
        }
    }
}

impl Transport for Synced {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        self.sync();
        self.ack();
        self.inner.send(request)
    }
}

/// The journal on a server, or the file in the folder.
pub fn open(server: Option<&str>, folder: &Path) -> Result<Arc<dyn Rows>> {
    Ok(match server {
        Some(url) => Arc::new(PostgresJournal::open(url)?),
        None => Arc::new(SqliteJournal::open(&folder.join("dsr.sqlite3"))?),
    })
}

/// Ends with the status 0 when both runs are done, and with 3 after an error, which is printed.
pub fn live(order: &Value) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = runtime.block_on(work(order));
    drop(runtime);
    if let Err(error) = done {
        println!("error={}: {error}", error.kind());
        std::process::exit(3);
    }
}

async fn work(order: &Value) -> Result<()> {
    let text = |name: &str| order[name].as_str().unwrap();
    let folder = Path::new(text("folder"));
    let clock = Arc::new(VirtualClock::new(order["now"].as_i64().unwrap()));
    let vendor = Mixpanel::builder(text("token"), text("oauth"))
        .base_url(text("base_url"))
        .archive_secret(text("secret"))
        .data_groups(GROUPS)
        .clock(clock.clone())
        .build()?;
    let journal = open(order["server"].as_str(), folder)?;
    let acks = order["acks"] == json!(true);
    let acks = acks.then(|| File::create(folder.join("acks")).unwrap());
    let transport = Synced::new(&clock, text("base_url"), Arc::clone(&journal), acks)?;
    let client = Client::builder(vendor)
        .journal(Journal::custom(journal))
        .transport(Arc::new(transport))
        .seed(1)
        .build()?;
    for (kind, name, people) in RUNS {
        if client.runs()?.iter().any(|run| is(run, name)) {
            continue;
        }
        let terms = Terms {
            kind,
            compliance: Compliance::Gdpr,
            disclosure: None,
        };
        let options = PlanOptions {
            reference: Some(name.to_owned()),
            ..PlanOptions::default()
        };
        let ids = (0..people).map(move |n| format!("{name}-{n}"));
        client.freeze(IdSource::iter(ids), terms, &options)?;
    }
    let runs = client.runs()?;
    for run in &runs {
        let plan = run.plan()?;
        plan.start(Some(&plan.confirm()), false)?;
    }
    for run in &runs {
        run.wait().await?;
    }
    client.close().await
}

fn is(run: &dsrkit::RunHandle, name: &str) -> bool {
    run.row()
        .is_ok_and(|row| row.reference.as_deref() == Some(name))
}
