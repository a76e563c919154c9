//! A long wait for many people in a process of its own: memory, open files and the journal stay as
//! they are (G20).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::pedantic)]

#[allow(dead_code)]
#[path = "crashes/child.rs"]
mod child;

#[allow(dead_code)]
#[path = "support/piece.rs"]
mod piece;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dsrkit::journal::sqlite::SqliteJournal;
use dsrkit::model::time::Clock;
use dsrkit::pace::clock::VirtualClock;
use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{Client, Compliance, IdSource, Journal, Kind, Mixpanel, PlanOptions, Settings, Terms};
use serde_json::{Value, json};

const ORDER: &str = "DSRKIT_TEST_SOAK";
const DAY: i64 = 86_400_000;
/// The vendor takes a month.
const DAYS: i64 = 30;

#[test]
fn g20_a_million_ids_for_a_month() {
    if let Ok(order) = std::env::var(ORDER) {
        return waits(&serde_json::from_str(&order).unwrap());
    }
    let start = Instant::now();
    let people: u64 = if piece::soak() { 1_000_000 } else { 6000 };
    let month = (DAYS * DAY) as u64;
    let sandbox = Sandbox::start(SandboxOptions {
        vendor: json!({
            "job_ms": {"pending": [month, month + 1000], "staging": [1000, 2000], "started": [1000, 2000]},
        }),
        ..SandboxOptions::default()
    })
    .unwrap();
    let place = tempfile::tempdir().unwrap();
    let known = sandbox.credentials();
    let order = json!({
        "folder": place.path(),
        "people": people,
        "base_url": known["base_url"],
        "token": known["project_token"],
        "oauth": known["oauth_token"],
        "now": sandbox.clock().now(),
    });
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "g20_a_million_ids_for_a_month", "--nocapture"])
        .env(ORDER, order.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}");
    let days: Vec<Day> = said.lines().filter_map(Day::read).collect();
    let (first, last) = (&days[0], &days[days.len() - 1]);
    let jobs = people.div_ceil(1999);
    let polls = sandbox.summary()["calls"]["get_deletion"].as_u64().unwrap();
    let memory = last.memory.saturating_sub(first.memory);
    let files = days.iter().map(|day| day.files.abs_diff(first.files)).max();
    let growth = last.journal.saturating_sub(first.journal);
    let each = growth / (jobs * days.len() as u64);
    println!(
        "G20: {people} people in {jobs} requests, {polls} looks in {DAYS} days: memory grew by {} KiB (to {} MiB), open files by {}, the journal by {} KiB, {each} bytes a day for each job, {:.0} s",
        memory / 1024,
        last.memory / (1 << 20),
        files.unwrap(),
        growth / 1024,
        start.elapsed().as_secs_f64()
    );
    assert_eq!(days.len() as i64, DAYS - 1);
    assert!(polls >= jobs * 5, "{polls}");
    assert!(memory < 5 << 20, "memory grows");
    // The connection to the vendor comes and goes.
    assert!(files <= Some(1), "open files: {files:?}");
    assert!(each <= 1024, "the journal grows");
    assert!(said.contains(&format!("done {people}")), "{said}");
}

/// A thousand pages with their heads, and what one more commit adds.
const LOG_BYTES: u64 = 1100 * (4096 + 24);

/// What a process looks like on a day.
struct Day {
    memory: u64,
    files: u64,
    journal: u64,
}

impl Day {
    fn here(folder: &Path) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let size = |name| std::fs::metadata(folder.join(name)).map_or(0, |found| found.len());
        // The log is used again from its beginning once it holds a thousand pages: up to that it fills.
        let log = size("dsr.sqlite3-wal").saturating_sub(LOG_BYTES);
        Self {
            memory: kib * 1024,
            files: std::fs::read_dir("/proc/self/fd").unwrap().count() as u64,
            journal: size("dsr.sqlite3") + log,
        }
    }

    fn say(&self) {
        println!("day {} {} {}", self.memory, self.files, self.journal);
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line
            .split("day ")
            .nth(1)?
            .split(' ')
            .map(|word| word.parse().ok());
        Some(Self {
            memory: words.next()??,
            files: words.next()??,
            journal: words.next()??,
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn waits(order: &Value) {
    let text = |name: &str| order[name].as_str().unwrap();
    let folder = Path::new(text("folder"));
    let clock = Arc::new(VirtualClock::new(order["now"].as_i64().unwrap()));
    let vendor = Mixpanel::builder(text("token"), text("oauth"))
        .base_url(text("base_url"))
        .clock(clock.clone())
        .build()
        .unwrap();
    let journal = Arc::new(SqliteJournal::open(&folder.join("dsr.sqlite3")).unwrap());
    let transport = child::Synced::new(&clock, text("base_url"), journal.clone(), None).unwrap();
    let client = Client::builder(vendor)
        .journal(Journal::custom(journal))
        .transport(Arc::new(transport))
        .settings(Settings {
            max_ids_per_deletion_plan: 10_000_000,
            ..Settings::default()
        })
        .seed(1)
        .build()
        .unwrap();
    let people = order["people"].as_u64().unwrap();
    let ids = IdSource::iter((0..people).map(|n| format!("person-{n:07}@example.com")));
    let terms = Terms {
        kind: Kind::Deletion,
        compliance: Compliance::Gdpr,
        disclosure: None,
    };
    let plan = client.freeze(ids, terms, &PlanOptions::default()).unwrap();
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    let begun = clock.monotonic();
    let samples = async {
        for day in 1..DAYS {
            clock.sleep_until(begun + day * DAY).await;
            Day::here(folder).say();
        }
    };
    let (report, ()) = tokio::join!(run.wait(), samples);
    println!("done {}", report.unwrap().counts["done"]);
    tokio::time::timeout(Duration::from_secs(10), client.close())
        .await
        .unwrap()
        .unwrap();
}
