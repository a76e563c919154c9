//! Two real processes on one journal file. The second one is this program again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dsrkit::{Client, ErrorKind, Kind};
use serde_json::json;

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
