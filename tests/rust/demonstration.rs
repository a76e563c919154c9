//! The whole story of one large erasure, with real kills: many people planned, carried out on a
//! simulated vendor and its clock, the process killed three times, the token expired once, the vendor
//! away for a day, requests refused for their size because of data groups, two deletions of other
//! systems in the way. `make demonstration` tells it for a million people; per change it is shorter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use dsrkit::http::transport::{HttpTransport, Transport};
use dsrkit::model::time::{BoxFuture, Clock};
use dsrkit::model::wire::{Request, Response};
use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{
    Client, Compliance, Error, ErrorKind, Event, EventKind, IdSource, Journal, Kind, Mixpanel,
    PlanOptions, Result, RunHandle, Sent, Settings,
};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;

const DAY: i64 = 86_400_000;
/// In the child's environment: where to work.
const CHILD: &str = "DSRKIT_DEMONSTRATION_CHILD";
/// How many people; a million by `make demonstration`.
const PEOPLE: &str = "DSRKIT_DEMONSTRATION_PEOPLE";
const TOKENS: [&str; 2] = ["token-of-last-year", "token-of-this-year"];
/// Ids per deletion of a project with three data groups: floor(2000 / 4).
const AT_ONCE: usize = 500;

fn people() -> usize {
    std::env::var(PEOPLE).map_or(20_000, |text| text.parse().unwrap())
}

fn ids(count: usize) -> impl Iterator<Item = String> + Send + 'static {
    (0..count).map(|n| format!("person-{n:07}@example.com"))
}

#[test]
fn a_large_erasure_through_everything() {
    if let Some(place) = std::env::var_os(CHILD) {
        return child(Path::new(&place));
    }
    let place = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let all = people().div_ceil(AT_ONCE);
    // Killed when this many requests of the whole were accepted.
    for share in [all / 5, all / 2, all * 4 / 5] {
        let mut process = spawn(place.path(), 0);
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let reached = lines.find(|line| {
            let line = line.as_ref().unwrap();
            said(line);
            let done: Option<usize> = line
                .strip_prefix("accepted ")
                .map(|count| count.parse().unwrap());
            done.is_some_and(|done| done >= share)
        });
        assert!(reached.is_some(), "the process ended by itself");
        process.kill().unwrap();
        process.wait().unwrap();
        println!("| killed with SIGKILL after {share} accepted requests");
    }
    // The vendor refuses the token somewhere in this part: the process ends, saying why.
    let paused = finish(spawn(place.path(), 0));
    assert!(paused.contains("OAuth token (401)"), "{paused}");
    println!("| the token has expired; the next process has the new one");
    let account = finish(spawn(place.path(), 1));
    println!("{account}");
    println!(
        "{} people, {:.0} s of real time",
        people(),
        started.elapsed().as_secs_f64()
    );
    assert!(account.contains("state finished"), "{account}");
    assert!(account.contains(&format!(
        "every person in exactly one carried-out deletion: {}",
        people()
    )));
    assert!(account.contains("smallest gap 1."), "{account}");
}

fn said(line: &str) {
    if line.starts_with("| ") {
        println!("{line}");
    }
}

fn spawn(place: &Path, token: usize) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_large_erasure_through_everything",
            "--nocapture",
        ])
        .env(CHILD, place)
        .env("DSRKIT_DEMONSTRATION_TOKEN", token.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn finish(mut process: std::process::Child) -> String {
    let mut text = String::new();
    let mut out = process.stdout.take().unwrap();
    out.read_to_string(&mut text).unwrap();
    assert!(process.wait().unwrap().success(), "{text}");
    text.lines().for_each(said);
    let told = text.split("account:").nth(1).unwrap_or(&text);
    told.split("test a_large").next().unwrap().trim().to_owned()
}

/// No connection for a day of the vendor's clock.
struct Outage {
    inner: HttpTransport,
    clock: Arc<dyn Clock>,
    from: i64,
}

impl Transport for Outage {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let now = self.clock.now();
            if (self.from..self.from + DAY).contains(&now) {
                return Err(Error::new(ErrorKind::Unavailable, "no connection").sent(Sent::No));
            }
            self.inner.send(request).await
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn child(place: &Path) {
    let token: usize = std::env::var("DSRKIT_DEMONSTRATION_TOKEN")
        .unwrap()
        .parse()
        .unwrap();
    let fresh = !place.join("dsr.sqlite3").exists();
    let sandbox = Sandbox::start(SandboxOptions {
        vendor: json!({
            "oauth_token": TOKENS[0],
            "oauth_tokens": [TOKENS[1]],
            "data_groups": 3,
            "job_ms": {"pending": [40 * 3_600_000, 60 * 3_600_000], "staging": [3_600_000, 7_200_000], "started": [3_600_000, 20 * 3_600_000]},
        }),
        state: Some(place.join("vendor.state")),
        ..SandboxOptions::default()
    })
    .unwrap();
    let begun = 1_767_603_600_000; // the simulated clock's start
    let outage = Outage {
        inner: HttpTransport::new(&Settings::default(), true).unwrap(),
        clock: sandbox.clock(),
        // In the middle of the sending.
        from: begun + i64::try_from(people()).unwrap(),
    };
    let client = Client::builder(project(&sandbox, TOKENS[token]))
        .journal(Journal::sqlite(place.join("dsr.sqlite3")).unwrap())
        .settings(Settings {
            max_ids_per_deletion_plan: 10_000_000,
            ..Settings::default()
        })
        .transport(Arc::new(outage))
        .seed(1)
        .build()
        .unwrap();
    if fresh {
        prepare(&sandbox, &client).await;
    }
    let runs = client.runs().unwrap();
    let run = runs.first().expect("planned").clone();
    match follow(&run, &place.join("told")).await {
        Ok(()) => account(&sandbox, &run),
        Err(error) => println!("account:\n{error}"),
    }
}

fn project(sandbox: &Sandbox, token: &str) -> Mixpanel {
    let known = sandbox.credentials();
    Mixpanel::builder(known["project_token"].as_str().unwrap(), token)
        .base_url(sandbox.base_url())
        .clock(sandbox.clock())
        .build()
        .unwrap()
}

/// Two deletions of other systems, the plan, and the faults to come.
async fn prepare(sandbox: &Sandbox, client: &Client) {
    let count = people();
    for part in [10..15, count - 15..count - 10] {
        let some = ids(count).skip(part.start).take(5);
        client
            .create_deletion(IdSource::iter(some), Compliance::Gdpr)
            .await
            .unwrap();
    }
    let plan = client
        .freeze(
            IdSource::iter(ids(count)),
            support::terms(Kind::Deletion),
            &PlanOptions::default(),
        )
        .unwrap();
    println!(
        "| {} people planned in {} requests, peak {} MiB; {}",
        plan.subjects(),
        plan.batches(),
        peak_mib(),
        plan.estimate().text
    );
    plan.start(Some(&plan.confirm()), false).unwrap();
    // By its number among the creates: first all requests of 1,999 are refused, then two of half the
    // size for each. Nine tenths through those that are accepted.
    let all = count.div_ceil(AT_ONCE);
    let late = u32::try_from(all * 3 / 4 + all * 9 / 10 + 3).unwrap();
    let faults = json!([
        {"on": "create_deletion", "nth": late, "kind": "status", "status": 401},
        {"on": "create_deletion", "nth": 30, "kind": "drop_after"},
    ]);
    sandbox.faults(&faults).unwrap();
}

/// Says what is new; a process before this one may have told the beginning.
async fn follow(run: &RunHandle, told_to: &Path) -> Result<()> {
    let before = std::fs::read_to_string(told_to).unwrap_or_default();
    let before: u64 = before.parse().unwrap_or(0);
    let mut events = run.events_after(0);
    let mut accepted = 0;
    let mut told = std::collections::BTreeMap::new();
    while let Some(event) = events.next().await? {
        if matches!(event.kind, EventKind::Submitted | EventKind::Adopted) {
            accepted += 1;
            println!("accepted {accepted}");
        }
        let seen: &mut u32 = told.entry(event.kind).or_default();
        *seen += 1;
        if event.seq > before {
            tell(&event, *seen);
            // In one step: a kill may come in the middle.
            let new = told_to.with_extension("new");
            std::fs::write(&new, event.seq.to_string()).unwrap();
            std::fs::rename(&new, told_to).unwrap();
        }
    }
    Ok(())
}

/// The first two of each kind are told; a million people make many events.
fn tell(event: &Event, seen: u32) {
    let often = matches!(event.kind, EventKind::Status | EventKind::Waiting);
    if seen <= 2 && !often {
        let at = dsrkit_time(event.at_ms);
        println!("| {at} {}: {}", event.kind, event.text);
    }
}

fn dsrkit_time(at: i64) -> String {
    let days = (at - 1_767_603_600_000) / DAY;
    let seconds = (at - 1_767_603_600_000) % DAY / 1000;
    format!(
        "day {days} {:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn account(sandbox: &Sandbox, run: &RunHandle) {
    let report = run.report().unwrap();
    let peak = peak_mib(); // before the ledger is read, which is as large as everything else
    let (most, distinct) = support::submissions(sandbox);
    let summary = sandbox.summary();
    println!("account:\nstate {}\n{report}", report.state);
    println!("What the vendor saw");
    println!("  calls {}", summary["calls"]);
    #[allow(clippy::cast_precision_loss)]
    let gap = summary["min_gap_ms"].as_i64().unwrap() as f64 / 1000.0;
    println!("  smallest gap {gap:.3} s");
    assert_eq!(most, 1, "a person in two carried-out deletions");
    println!("  every person in exactly one carried-out deletion: {distinct}");
    println!("  peak of this process {peak} MiB, with the simulated vendor and its ledger in it");
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() / 1024
}
