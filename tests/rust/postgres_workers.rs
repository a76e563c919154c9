//! Several processes on one journal, killed, stopped and cut off.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dsrkit::http::transport::{HttpTransport, Transport};
use dsrkit::journal::postgres::PostgresJournal;
use dsrkit::model::time::BoxFuture;
use dsrkit::model::wire::{Request, Response};
use dsrkit::sandbox::{Sandbox, SandboxOptions, Speed};
use dsrkit::{
    AmbiguityPolicy, Client, Compliance, ErrorKind, IdSource, Journal, Kind, Mixpanel, PlanOptions,
    Result, Settings, Terms,
};
use serde_json::{Value, json};

use super::postgres::Server;
use super::{place, until};

/// Set for a process that is to work: what, as JSON.
const ORDER: &str = "DSRKIT_TEST_WORKER";

/// Two batches' worth of groups: four ids in each deletion.
const GROUPS: u32 = 499;

fn settings(order: &Value) -> Settings {
    let ms = |name: &str| Duration::from_millis(order[name].as_u64().unwrap());
    Settings {
        requests_per_second: order["rate"].as_f64(),
        request_timeout: ms("timeout_ms"),
        backoff_initial: Duration::from_millis(100),
        backoff_max: Duration::from_millis(400),
        poll_initial: Duration::from_millis(200),
        poll_max: Duration::from_millis(400),
        on_ambiguous: AmbiguityPolicy::parse(order["policy"].as_str().unwrap()).unwrap(),
        max_ids_per_deletion_plan: 100_000,
        ..Settings::default()
    }
}

/// Stops its own process once a create was answered, before anybody hears of the answer.
struct Stops {
    inner: HttpTransport,
    done: std::sync::atomic::AtomicBool,
}

impl Transport for Stops {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let create = request.method == "POST";
            let response = self.inner.send(request).await;
            if create && !self.done.swap(true, std::sync::atomic::Ordering::SeqCst) {
                signal(std::process::id(), "STOP");
            }
            response
        })
    }
}

fn client(order: &Value) -> Result<Client> {
    let text = |name: &str| order[name].as_str().unwrap();
    let vendor = Mixpanel::builder(text("token"), text("oauth"))
        .base_url(text("base_url"))
        .data_groups(GROUPS)
        .build()?;
    let mut builder = Client::builder(vendor)
        .settings(settings(order))
        .journal(Journal::open(text("journal"))?);
    if order["stops"] == json!(true) {
        builder = builder.transport(Arc::new(Stops {
            inner: HttpTransport::new(&settings(order), true)?,
            done: false.into(),
        }));
    }
    builder.build()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Not a test by itself: the process that the others start. Works whenever it may, until the run
/// is at its end.
#[test]
fn worker() {
    let Ok(order) = std::env::var(ORDER) else {
        return;
    };
    let order: Value = serde_json::from_str(&order).unwrap();
    runtime().block_on(async {
        let client = loop {
            match client(&order) {
                Ok(client) => break client,
                Err(error) => wait_after(&error).await,
            }
        };
        let run = order["run"].as_str().unwrap();
        loop {
            let done = match client.run(run) {
                Ok(run) => run.wait().await,
                Err(error) => Err(error),
            };
            match done {
                Ok(_) => break,
                Err(error) => wait_after(&error).await,
            }
        }
    });
}

async fn wait_after(error: &dsrkit::Error) {
    eprintln!("{}: {error:?}", std::process::id());
    assert_eq!(error.kind(), ErrorKind::Journal, "{error:?}");
    assert!(error.is_retryable(), "{error:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A worker's process; killed when dropped.
struct Worker(Child);

impl Worker {
    fn start(order: &Value) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "workers::worker", "--nocapture"])
            .env(ORDER, order.to_string())
            .stdout(Stdio::null())
            .stderr(if std::env::var_os("DSRKIT_TEST_LOUD").is_some() {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .spawn()
            .unwrap();
        Self(child)
    }
    fn signal(&self, name: &str) {
        signal(self.0.id(), name);
    }
    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()));
        stat.is_ok_and(|stat| stat.contains(") T "))
    }
    fn ended(&mut self) -> bool {
        match self.0.try_wait().unwrap() {
            None => false,
            Some(status) => {
                assert!(
                    status.success() || status.code().is_none(),
                    "a worker failed"
                );
                true
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(pid: u32, name: &str) {
    let done = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(done.unwrap().success());
}

/// A vendor in real time, a server, and a confirmed run in a journal there.
struct Scene {
    sandbox: Sandbox,
    server: Server,
    _place: tempfile::TempDir,
    order: Value,
}

impl Scene {
    fn new(kind: Kind, people: usize, gap_ms: u64, lease_ms: u64, more: Value) -> Self {
        // How long a deletion runs, and guards its people.
        let wait = more["wait"].as_u64().unwrap_or(200);
        let sandbox = Sandbox::start(SandboxOptions {
            vendor: json!({
                "data_groups": GROUPS,
                "rate_interval_ms": gap_ms,
                "job_ms": {"pending": [wait, wait + 500], "staging": [100, 400], "started": [100, 400]},
            }),
            speed: Speed::Factor(1.0),
            ..SandboxOptions::default()
        })
        .unwrap();
        let server = Server::start();
        let place = place();
        let credentials = sandbox.credentials();
        let url = server.url(place.path());
        let mut order = json!({
            "journal": format!("{url}&dsrkit_lease_ms={lease_ms}"),
            "base_url": credentials["base_url"],
            "token": credentials["project_token"],
            "oauth": credentials["oauth_token"],
            "rate": 1000.0 / f64::from(u32::try_from(gap_ms).unwrap()),
            "timeout_ms": lease_ms / 2,
            "policy": "resolve",
        });
        for (name, value) in more.as_object().unwrap() {
            order[name] = value.clone();
        }
        let run = runtime().block_on(async {
            let client = client(&order).unwrap();
            let ids = (0..people).map(|number| format!("user-{number}"));
            let terms = Terms {
                kind,
                compliance: Compliance::Gdpr,
                disclosure: None,
            };
            let options = PlanOptions::default();
            let plan = client.freeze(IdSource::iter(ids), terms, &options).unwrap();
            let run = plan.start(Some(&plan.confirm()), false).unwrap();
            run.id().to_owned()
        });
        order["run"] = json!(run);
        Self {
            sandbox,
            server,
            _place: place,
            order,
        }
    }

    fn worker(&self) -> Worker {
        Worker::start(&self.order)
    }

    fn stopping_worker(&self) -> Worker {
        let mut order = self.order.clone();
        order["stops"] = json!(true);
        Worker::start(&order)
    }

    fn count(&self, statement: &str) -> u64 {
        let found = self
            .server
            .psql(&format!("SET search_path TO j0; {statement}"));
        found.parse().unwrap()
    }

    /// The process that works now.
    fn owner(&self) -> Option<u32> {
        let found = self.server.psql(
            "SELECT name FROM j0.term JOIN j0.journal USING (epoch) WHERE until > clock_timestamp()",
        );
        found.split(' ').nth(1)?.parse().ok()
    }

    fn outcome(&self) -> dsrkit::ReportData {
        runtime().block_on(async {
            let client = client(&self.order).unwrap();
            let run = client.run(self.order["run"].as_str().unwrap()).unwrap();
            run.report().unwrap()
        })
    }

    /// What must hold whatever happened.
    fn check(&self) -> Value {
        let summary = self.sandbox.summary();
        let ledger = self.sandbox.ledger();
        let creates = || {
            let entries = ledger.as_array().unwrap().iter();
            entries.filter(|entry| entry["operation"].as_str().unwrap().starts_with("create_"))
        };
        // No request without its intent, so none was sent by two owners unknowingly.
        let attempts = self.count("SELECT count(*) FROM attempt");
        assert!(creates().count() as u64 <= attempts, "{summary}");
        // No task is lost.
        for made in creates().filter_map(|entry| entry["task_id"].as_str()) {
            let known = self.count(&format!(
                "SELECT count(*) FROM (SELECT task FROM job UNION ALL SELECT task FROM orphan) t
                 WHERE task = '{made}'"
            ));
            assert!(known > 0, "task {made} is lost");
        }
        // Nobody is in more tasks than ambiguous attempts account for.
        let ambiguous = self.count(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM attempt
             WHERE state IN ('AMBIGUOUS', 'CREATED_UNTRACKED') GROUP BY run, batch) t",
        );
        let most = summary["max_per_id"].as_u64().unwrap();
        assert!(most <= 1 + ambiguous, "{summary}");
        let url = self.order["journal"].as_str().unwrap();
        let journal = PostgresJournal::open(url).unwrap();
        dsrkit::journal::Journal::verify_events(&journal).unwrap();
        summary
    }
}

#[test]
fn four_workers_keep_one_pace_and_the_next_goes_on_when_one_is_killed() {
    let scene = Scene::new(Kind::Deletion, 20, 1000, 2000, json!({}));
    let mut workers: Vec<_> = (0..4).map(|_| scene.worker()).collect();
    let start = Instant::now();
    let mut kills = 0;
    while !workers.is_empty() {
        std::thread::sleep(Duration::from_millis(100));
        workers.retain_mut(|worker| !worker.ended());
        let due = start.elapsed().as_millis() > 2500 * (kills + 1);
        if let Some(pid) = scene.owner().filter(|_| due && kills < 3) {
            workers.retain(|worker| worker.0.id() != pid);
            kills += 1;
        }
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "they do not end"
        );
    }
    let summary = scene.check();
    let terms = scene.count("SELECT count(*) FROM term");
    println!("G9: 4 workers, {kills} killed, {terms} terms: {summary}");
    assert_eq!(kills, 3);
    assert_eq!(scene.outcome().counts.get("done"), Some(&20));
    assert!(summary["min_gap_ms"].as_i64().unwrap() >= 1000, "{summary}");
    assert_eq!(summary["too_many_requests"], json!(0));
    assert_eq!(summary["max_per_id"], json!(1));
}

#[test]
fn an_answer_that_comes_after_the_lease_is_kept_as_an_orphan() {
    let scene = Scene::new(Kind::Deletion, 4, 50, 1200, json!({"policy": "hold"}));
    let mut first = scene.stopping_worker();
    until("the first is stopped", || first.is_stopped());
    let created = scene.sandbox.summary()["calls"]["create_deletion"].as_u64();
    assert_eq!(created, Some(1));
    let mut second = scene.worker();
    // The lease runs out, the second finds a request without an answer, and leaves it to a person.
    until("the second ends", || second.ended());
    assert_eq!(scene.count("SELECT count(*) FROM job"), 0);
    assert_eq!(scene.count("SELECT count(*) FROM orphan"), 0);
    first.signal("CONT");
    until("the first ends", || first.ended());
    let report = scene.outcome();
    assert_eq!(report.counts.get("held"), Some(&4), "{report:?}");
    assert_eq!(scene.count("SELECT count(*) FROM job"), 0);
    assert_eq!(scene.count("SELECT count(*) FROM orphan"), 1);
    assert_eq!(
        scene.count("SELECT count(*) FROM event WHERE kind = 'orphan'"),
        1
    );
    let summary = scene.check();
    assert_eq!(
        summary["calls"]["create_deletion"],
        json!(1),
        "nothing was sent twice"
    );
}

#[test]
fn killed_stopped_cut_off_and_restarted_nothing_is_lost_or_repeated() {
    let soak = std::env::var_os("DSRKIT_SOAK").is_some();
    let faults = if soak { 1000 } else { 50 };
    let people = if soak { 12_000 } else { 800 };
    let scene = Scene::new(Kind::Deletion, people, 50, 700, json!({"wait": 15_000}));
    // Answers take their time, so that many faults come while one is under way.
    let slow = json!([{
        "on": "create_deletion", "times": 1_000_000, "kind": "slow_body", "chunk": 150, "pause_ms": 60,
    }]);
    scene.sandbox.faults(&slow).unwrap();
    let start = Instant::now();
    let mut workers: Vec<_> = (0..4).map(|_| scene.worker()).collect();
    let mut stopped: Vec<(u32, Instant)> = Vec::new();
    let mut done = [0; 4];
    for round in 0..faults {
        // Not at random: a failure shows again.
        let fault = [0, 1, 2, 0, 1, 2, 0, 1, 2, 3][round % 10];
        // A killed or stopped one has to be followed by another first.
        let waiting = Instant::now();
        let index = loop {
            let owner = scene.owner();
            let index = workers
                .iter()
                .position(|worker| Some(worker.0.id()) == owner && !worker.is_stopped());
            if fault > 1 || index.is_some() || waiting.elapsed() > Duration::from_secs(3) {
                break index;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        match (fault, index) {
            (0, Some(index)) => {
                done[0] += 1;
                workers[index] = scene.worker();
            }
            (1, Some(index)) => {
                done[1] += 1;
                workers[index].signal("STOP");
                stopped.push((workers[index].0.id(), Instant::now()));
            }
            (3, _) => {
                done[3] += 1;
                scene.server.down(true);
                scene.server.up();
            }
            // Whoever works is cut off, with its signs of life.
            _ => {
                done[2] += 1;
                scene.server.psql(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE application_name = 'dsrkit'",
                );
            }
        }
        std::thread::sleep(Duration::from_millis(100 + (round as u64 * 137) % 400));
        stopped.retain(|(pid, since)| {
            let long = since.elapsed() > Duration::from_millis(1000);
            if long && workers.iter().any(|worker| worker.0.id() == *pid) {
                signal(*pid, "CONT");
            }
            !long
        });
        for worker in &mut workers {
            if worker.ended() {
                *worker = scene.worker();
            }
        }
    }
    let busy = start.elapsed();
    for (pid, _) in stopped {
        signal(pid, "CONT");
    }
    super::within(Duration::from_secs(120), "all end", || {
        workers.retain_mut(|worker| !worker.ended());
        workers.is_empty()
    });
    let report = scene.outcome();
    let summary = scene.check();
    let terms = scene.count("SELECT count(*) FROM term");
    let orphans = scene.count("SELECT count(*) FROM orphan");
    let ambiguous = scene.count("SELECT count(*) FROM attempt WHERE state = 'AMBIGUOUS'");
    println!(
        "G22: {faults} faults (killed, stopped, cut off, server crashed: {done:?}) in {busy:?}, {terms} terms, {ambiguous} ambiguous attempts, {orphans} orphans: {summary}"
    );
    assert_eq!(
        report.counts.get("done"),
        Some(&(people as u64)),
        "{report:?}"
    );
    assert_eq!(
        summary["max_per_id"],
        json!(1),
        "this vendor guards deletions: {summary}"
    );
    assert!(summary["min_gap_ms"].as_i64().unwrap() >= 50, "{summary}");
}
