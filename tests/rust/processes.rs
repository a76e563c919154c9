//! Two real processes on one journal file. The second one is this program again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dsrkit::sandbox::{Sandbox, SandboxCallback};
use dsrkit::{CallbackKey, CallbackReceiver, Client, ErrorKind, Journal, Kind};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tower_service::Service as _;

#[path = "support/mod.rs"]
mod support;
use support::{client, plan, sandbox, submissions};

/// G21: 200 times for a release.
fn rounds() -> usize {
    match std::env::var_os("DSRKIT_SOAK") {
        Some(_) => 200,
        None => 20,
    }
}
const JOURNAL: &str = "DSRKIT_TEST_JOURNAL";
const CALLBACK: &str = "https://dsr.example.com/mixpanel";

/// What the first process does: it has the journal, and is killed with it.
#[test]
fn owner() {
    let Some(journal) = std::env::var_os(JOURNAL) else {
        return;
    };
    let sandbox = sandbox(json!({}), &json!([]));
    let client = client(&sandbox, Path::new(&journal)).unwrap();
    let plan = plan(&client, Kind::Deletion, 3);
    plan.start(Some(&plan.confirm()), false).unwrap();
    println!("owner is ready");
    std::thread::sleep(Duration::from_secs(60));
}

fn start_owner(journal: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "owner", "--nocapture"])
        .env(JOURNAL, journal)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.as_mut().unwrap());
    let ready = said
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("owner is ready"));
    assert!(ready, "the owner did not come up");
    child
}

/// A client beside the owner: it reads, and is told who carries the runs.
fn meets(client: &Client, pid: u32, runtime: &tokio::runtime::Runtime) {
    let run = client.runs().unwrap().pop().unwrap();
    assert_eq!(run.report().unwrap().counts.get("pending"), Some(&3));
    let error = runtime.block_on(run.wait()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    let text = error.to_string();
    let (_, since) = text
        .split_once(&format!("in use by process {pid} since "))
        .unwrap_or_else(|| panic!("the owner is not named: {text}"));
    let since = since.split(';').next().unwrap();
    assert!(since.parse::<jiff::Timestamp>().is_ok(), "{text}");
    assert!(text.contains("reading works"), "{text}");
}

#[test]
fn the_second_process_is_told_who_has_the_journal_and_goes_on_after_a_kill() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let sandbox = sandbox(json!({}), &json!([]));
    let (mut told, mut opened) = (Vec::new(), Vec::new());
    let rounds = rounds();
    for _ in 0..rounds {
        let place = tempfile::tempdir().unwrap();
        let journal = place.path().join("dsr.sqlite3");
        let mut owner = start_owner(&journal);
        let start = Instant::now();
        let beside = client(&sandbox, &journal).unwrap();
        meets(&beside, owner.id(), &runtime);
        told.push(start.elapsed());
        drop(beside);

        owner.kill().unwrap();
        owner.wait().unwrap();
        let start = Instant::now();
        let next = client(&sandbox, &journal).unwrap();
        let run = next.runs().unwrap().pop().unwrap();
        next.check_fork().unwrap();
        opened.push(start.elapsed());
        let report = runtime.block_on(run.wait()).unwrap();
        assert_eq!(report.counts.get("done"), Some(&3));
        assert!(report.ambiguous.is_empty());
    }
    let within = |times: &[Duration], ms| times.iter().filter(|t| t.as_millis() < ms).count();
    println!(
        "G21: two processes on one journal, {rounds} times: {} told within 100 ms who has it, {} opened within 1000 ms of the kill",
        within(&told, 100),
        within(&opened, 1000)
    );
    assert_eq!(within(&told, 2000), rounds);
    assert_eq!(within(&opened, 2000), rounds);
    let (_, ids) = submissions(&sandbox);
    assert_eq!(ids, 3);
}

/// One callback as a receiver gets it; gives the answer's status and its `Retry-After`.
fn heard(
    client: Client,
    sandbox: &Sandbox,
    told: &SandboxCallback,
    runtime: &tokio::runtime::Runtime,
) -> (StatusCode, Option<String>) {
    let key = CallbackKey::from_pem(sandbox.callback_key()).unwrap();
    let mut receiver = CallbackReceiver::new(client, key, CALLBACK);
    let mut request = Request::builder().method(Method::POST).uri("/mixpanel");
    for (name, value) in &told.headers {
        request = request.header(name, value);
    }
    let body = Full::new(Bytes::from(told.body.clone()));
    let request = request.body(body).unwrap();
    let answer = runtime.block_on(receiver.call(request)).unwrap();
    let later = answer.headers().get("retry-after");
    let later = later.map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), later)
}

/// Beside the process that carries the runs, what a receiver is told can be written nowhere: the
/// vendor is to call again.
#[test]
fn a_receiver_without_the_journal_asks_to_be_called_again() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    // The owner's vendor lives in its own process; a callback of this one's serves as well.
    let told = {
        let project = sandbox.mixpanel().status_callback_url(CALLBACK);
        let client = Client::builder(project.build().unwrap())
            .journal(Journal::memory())
            .build()
            .unwrap();
        let erased = plan(&client, Kind::Deletion, 1);
        erased.start(Some(&erased.confirm()), false).unwrap();
        runtime.block_on(client.tick()).unwrap();
        sandbox.callbacks().unwrap().remove(0)
    };
    let journal = place.path().join("dsr.sqlite3");
    let mut owner = start_owner(&journal);
    let beside = client(&sandbox, &journal).unwrap();
    let again = (StatusCode::SERVICE_UNAVAILABLE, Some("60".to_owned()));
    for _ in 0..3 {
        assert_eq!(heard(beside.clone(), &sandbox, &told, &runtime), again);
    }
    drop(beside);
    owner.kill().unwrap();
    owner.wait().unwrap();
    let next = client(&sandbox, &journal).unwrap();
    let taken = (StatusCode::ACCEPTED, None);
    assert_eq!(heard(next, &sandbox, &told, &runtime), taken);
}
