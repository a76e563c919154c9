//! Several runs of one project: people who stand in more than one, deadlines, tasks of nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dsrkit::archive::{HttpStore, HttpStoreOptions, ResumeFrom, Store, StoreAnswer, StoreFuture};
use dsrkit::model::time::Clock as _;
use dsrkit::sandbox::{Sandbox, SandboxOptions, Speed};
use dsrkit::{Client, Confirmation, EventKind, IdSource, Kind, Outcome, PlanOptions, RunHandle};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::{Jump, client, sandbox, submissions, terms};

const DAY: i64 = 86_400_000;

fn start(
    client: &Client,
    kind: Kind,
    ids: std::ops::Range<usize>,
    options: &PlanOptions,
) -> RunHandle {
    let ids = IdSource::iter(ids.map(|n| format!("person-{n}")));
    let plan = client.freeze(ids, terms(kind), options).unwrap();
    plan.start(Some(&plan.confirm()), false).unwrap()
}

/// A vendor without the 409 guard would carry both out; one with it would refuse the whole batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_id_stands_in_one_running_deletion_only() {
    for guard in [true, false] {
        let sandbox = sandbox(json!({"dialect": {"conflict_guard": guard}}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
        let options = PlanOptions::default();
        let first = start(&client, Kind::Deletion, 0..2500, &options);
        client.tick().await.unwrap();
        // 100 people of each of the first run's two batches, and 300 new ones.
        let second = start(&client, Kind::Deletion, 1899..2399, &options);
        client.tick().await.unwrap();
        let report = second.report().unwrap();
        assert_eq!(
            report.counts.get("running_elsewhere"),
            Some(&500),
            "{guard}"
        );
        let third = start(&client, Kind::Deletion, 2400..2800, &options);
        for run in [&first, &second, &third] {
            let report = run.wait().await.unwrap();
            assert_eq!(report.counts.len(), 1, "{guard} {:?}", report.counts);
            assert!(report.counts.contains_key("done"));
        }
        assert_eq!(submissions(&sandbox), (1, 2800), "{guard}");
        assert_eq!(sandbox.summary()["calls"]["create_deletion"], json!(3));
        let elsewhere: usize = (0..)
            .map_while(|batch| third.outcomes(batch).unwrap())
            .flatten()
            .filter(|row| row.outcome == Outcome::Done)
            .count();
        assert_eq!(elsewhere, 400);
    }
}

/// The other run's answer is lost: its people are not sent by this run before that is resolved.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lost_answer_of_one_run_holds_back_its_people_in_another() {
    let faults = json!([{"on": "create_deletion", "kind": "drop_after"}]);
    let sandbox = sandbox(json!({}), &faults);
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let options = PlanOptions::default();
    let first = start(&client, Kind::Deletion, 0..10, &options);
    let mut events = first.events_after(0);
    while events.next().await.unwrap().unwrap().kind != EventKind::Ambiguous {}
    let second = start(&client, Kind::Deletion, 5..15, &options);
    let report = second.wait().await.unwrap();
    assert_eq!(report.counts.get("done"), Some(&10));
    assert_eq!(first.wait().await.unwrap().counts.get("done"), Some(&10));
    assert_eq!(submissions(&sandbox), (1, 15));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_deadline_is_warned_of_before_it_is_missed() {
    let slow =
        json!({"job_ms": {"pending": [40 * DAY, 40 * DAY], "staging": [0, 0], "started": [0, 0]}});
    let sandbox = sandbox(slow, &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let run = start(&client, Kind::Deletion, 0..3, &PlanOptions::default());
    let started = client.now_ms();
    let mut warnings = Vec::new();
    let mut events = run.events_after(0);
    while let Some(event) = events.next().await.unwrap() {
        if event.kind == EventKind::Deadline {
            warnings.push(((event.at_ms - started) / 3_600_000, event.text));
            let problems = run.report().unwrap().problems;
            assert!(problems.iter().any(|problem| problem.kind == "Deadline"));
        }
    }
    let hours: Vec<i64> = warnings.iter().map(|(hours, _)| *hours).collect();
    assert_eq!(hours, [23 * 24, 29 * 24, 30 * 24], "{warnings:?}");
    assert!(
        warnings[0].1.contains("in 7 days: 3 people"),
        "{warnings:?}"
    );
    assert!(warnings[2].1.contains("passed"), "{warnings:?}");
    let report = run.report().unwrap();
    assert_eq!(report.counts.get("done"), Some(&3));
    assert!(report.problems.is_empty(), "answered, if late");
}

#[test]
fn dates_that_cannot_be_meant_are_refused() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let now = client.now_ms();
    let plan = |received_at, deadline| {
        let options = PlanOptions {
            received_at,
            deadline,
            ..PlanOptions::default()
        };
        let ids = dsrkit::IdSource::iter(["a"]);
        client
            .freeze(ids, terms(Kind::Deletion), &options)
            .map(drop)
    };
    for (received_at, deadline) in [
        (Some(now), Some(now - DAY)),
        (None, Some(now - DAY)),
        (Some(now + 2 * DAY), None),
        (Some(-1), None),
        (None, Some(-5)),
    ] {
        let error = plan(received_at, deadline).unwrap_err();
        assert_eq!(error.kind(), dsrkit::ErrorKind::InvalidInput, "{error}");
    }
    // A request that was found late, and a sender whose clock is ahead.
    plan(Some(now - 60 * DAY), Some(now - 30 * DAY)).unwrap();
    plan(Some(now + DAY / 2), None).unwrap();
}

/// The window to cancel in is as long as it was promised, wherever the clock is set.
#[tokio::test]
async fn no_clock_shortens_or_stretches_hold_for() {
    for jump in [-3650 * DAY, -DAY, -1000, 1000, DAY, 3650 * DAY] {
        let place = tempfile::tempdir().unwrap();
        let sandbox = sandbox(json!({}), &json!([]));
        let clock = Arc::new(Jump {
            inner: sandbox.clock(),
            by: AtomicI64::new(0),
        });
        let client = Client::builder(sandbox.mixpanel().build().unwrap())
            .clock(clock.clone())
            .journal(dsrkit::Journal::sqlite(place.path().join("j.sqlite3")).unwrap())
            .build()
            .unwrap();
        let run = client
            .delete(IdSource::iter(["a".to_owned()]))
            .hold_for(Duration::from_secs(86_400))
            .start(Confirmation::count(1))
            .await
            .unwrap();
        let at = clock.monotonic();
        clock.by.store(jump, Ordering::Relaxed);
        let mut events = run.events();
        while let Some(event) = events.next().await {
            if event.unwrap().kind == EventKind::Submitted {
                break;
            }
        }
        let held = clock.monotonic() - at;
        assert!((DAY..DAY + 10_000).contains(&held), "{jump}: {held}");
    }
}

/// Two runs about the same people, a lost answer, and a clock that is set back by years: whoever
/// waits for the other lets it go first.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn waiting_for_another_run_ends_wherever_the_clock_is_set() {
    let sandbox = sandbox(
        json!({}),
        &json!([{"on": "create_deletion", "kind": "drop_before"}]),
    );
    let place = tempfile::tempdir().unwrap();
    let clock = Arc::new(Jump {
        inner: sandbox.clock(),
        by: AtomicI64::new(0),
    });
    let client = Client::builder(sandbox.mixpanel().build().unwrap())
        .clock(clock.clone())
        .journal(dsrkit::Journal::sqlite(place.path().join("j.sqlite3")).unwrap())
        .build()
        .unwrap();
    let first = start(&client, Kind::Deletion, 0..3, &PlanOptions::default());
    client.tick().await.unwrap();
    clock.by.store(-3653 * DAY, Ordering::Relaxed);
    // The later one is in more of a hurry.
    let options = PlanOptions {
        deadline: Some(client.now_ms() + DAY),
        ..PlanOptions::default()
    };
    let second = start(&client, Kind::Deletion, 2..5, &options);
    let mut events = second.events_after(0);
    let mut read = 0;
    while events.next().await.unwrap().is_some() {
        read += 1;
        assert!(read < 500, "it goes round in circles");
    }
    for (run, people) in [(first, 3), (second, 3)] {
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&people));
    }
    assert_eq!(submissions(&sandbox), (1, 5));
}

/// The archives' store, whose first answers come only when four were asked for.
struct Slow {
    inner: HttpStore,
    asked: AtomicI64,
    four: tokio::sync::Barrier,
}

impl Store for Slow {
    fn get<'a>(
        &'a self,
        link: &'a url::Url,
        from: Option<ResumeFrom>,
    ) -> StoreFuture<'a, StoreAnswer> {
        Box::pin(async move {
            if self.asked.fetch_add(1, Ordering::SeqCst) < 4 {
                let four = tokio::time::timeout(Duration::from_secs(20), self.four.wait());
                four.await.expect("four downloads at the same time");
            }
            self.inner.get(link, from).await
        })
    }
}

/// A slow download holds up neither another one nor the jobs that still run.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn archives_come_side_by_side() {
    let sandbox = Sandbox::start(SandboxOptions {
        speed: Speed::Factor(50_000.0),
        ..SandboxOptions::default()
    })
    .unwrap();
    let store = Arc::new(Slow {
        inner: HttpStore::new(&HttpStoreOptions {
            loopback: true,
            ..HttpStoreOptions::default()
        })
        .unwrap(),
        asked: AtomicI64::new(0),
        four: tokio::sync::Barrier::new(4),
    });
    let place = tempfile::tempdir().unwrap();
    let client = Client::builder(sandbox.mixpanel().build().unwrap())
        .journal(dsrkit::Journal::sqlite(place.path().join("j.sqlite3")).unwrap())
        .store(store.clone())
        .build()
        .unwrap();
    let options = PlanOptions::default();
    let runs: Vec<RunHandle> = (0..6)
        .map(|n| start(&client, Kind::Retrieval, n..n + 1, &options))
        .collect();
    for run in &runs {
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&1));
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 6);
}
