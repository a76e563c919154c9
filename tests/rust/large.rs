//! Ten million ids go through a plan in bounded memory (a test of its own, so that the peak of the
//! process is the plan's).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dsrkit::{Client, IdSource, Journal, Kind, Mixpanel, PlanOptions};

#[path = "support/mod.rs"]
mod support;

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

#[test]
fn ten_million_ids_stay_under_100_mib() {
    let count: u64 = 10_000_000;
    let place = tempfile::tempdir().unwrap();
    let vendor = Mixpanel::builder("p", "o").build().unwrap();
    let journal = Journal::sqlite(place.path().join("dsr.sqlite3")).unwrap();
    let client = Client::builder(vendor).journal(journal).build().unwrap();
    // Every fifth one repeats an earlier one.
    let ids = (0..count)
        .map(|n| if n % 5 == 4 { n / 2 } else { n })
        .map(|n| format!("{n:032x}-{n:x}"));
    let plan = client
        .freeze(
            IdSource::iter(ids),
            support::terms(Kind::Retrieval),
            &PlanOptions::default(),
        )
        .unwrap();
    assert_eq!(plan.subjects() + plan.duplicates(), count);
    assert_eq!(u64::from(plan.batches()), plan.subjects().div_ceil(2000));
    let peak = peak_mib();
    println!(
        "{} people in {} batches, peak {peak} MiB",
        plan.subjects(),
        plan.batches()
    );
    assert!(peak < 100, "{peak} MiB");
}
