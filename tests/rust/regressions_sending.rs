//! Sending and pacing. Each of these went wrong once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dsrkit::sandbox::Sandbox;
use dsrkit::sandbox::{SandboxOptions, Speed};
use dsrkit::{Client, Confirmation, EventKind, IdSource, Kind, Mixpanel, Outcome, Settings};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::{Jump, client, plan, sandbox};

const DAY: i64 = 86_400_000;

fn open(sandbox: &Sandbox, place: &Path) -> Client {
    client(sandbox, &place.join("dsr.sqlite3")).unwrap()
}

fn ids(n: usize) -> IdSource {
    IdSource::iter((0..n).map(|n| format!("person-{n}")))
}

fn calls(sandbox: &Sandbox, what: &str) -> u64 {
    sandbox.summary()["calls"][what].as_u64().unwrap_or(0)
}

/// An outage of some minutes costs time, and nothing else.
#[tokio::test]
async fn a_failing_vendor_is_asked_by_one_batch_at_a_time() {
    for kind in [Kind::Deletion, Kind::Retrieval] {
        let place = tempfile::tempdir().unwrap();
        let operation = format!("create_{kind}");
        let faults = json!([{"on": operation, "times": 4, "kind": "status", "status": 502}]);
        let sandbox = sandbox(json!({"scan_budget_days": 0}), &faults);
        let client = open(&sandbox, place.path());
        let plan = plan(&client, kind, 10_000);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&10_000), "{kind}");
        assert_eq!(report.ambiguous.len(), 4, "{kind}");
    }
}

/// A store that is away for a while is asked again, not given up.
#[tokio::test]
async fn an_archive_store_that_is_away_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let faults = json!([{"on": "download", "times": 60, "kind": "status", "status": 503}]);
    let sandbox = sandbox(json!({}), &faults);
    let client = open(&sandbox, place.path());
    let report = client
        .retrieve(ids(5))
        .start()
        .await
        .unwrap()
        .await
        .unwrap();
    assert_eq!(report.counts.get("done"), Some(&5));
    assert!(report.problems.is_empty());
}

/// One id that the vendor refuses is found by halving; the others are done.
#[tokio::test]
async fn one_bad_id_is_isolated() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(json!({"bad_ids": ["person-7"]}), &json!([]));
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(1999))
        .start(Confirmation::count(1999))
        .await
        .unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts.get("rejected"), Some(&1));
    assert_eq!(report.counts.get("done"), Some(&1998));
    let refused: Vec<_> = (0..)
        .map_while(|batch| run.outcomes(batch).unwrap())
        .flatten()
        .filter(|row| row.outcome == Outcome::Rejected)
        .map(|row| row.id)
        .collect();
    assert_eq!(refused, ["person-7"]);
    assert!(calls(&sandbox, "create_deletion") <= 1 + 22);
}

/// An ambiguous deletion is not sent again a month later.
#[tokio::test]
async fn stale_ambiguous_deletion_is_held() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"create_deletion","kind":"drop_after"}]),
    );
    let id = {
        let client = open(&sandbox, place.path());
        let run = client
            .delete(ids(3))
            .start(Confirmation::count(3))
            .await
            .unwrap();
        let mut events = run.events();
        while let Some(event) = events.next().await {
            if event.unwrap().kind == EventKind::Ambiguous {
                break;
            }
        }
        run.id().to_owned()
    };
    sandbox.advance(30 * DAY).unwrap();
    let client = open(&sandbox, place.path());
    let report = client.run(&id).unwrap().wait().await.unwrap();
    assert_eq!(report.counts.get("held"), Some(&3));
    assert_eq!(
        calls(&sandbox, "create_deletion"),
        1,
        "sent again after 30 days"
    );
}

/// A retrieval that was refused for 25 hours, then one lost answer.
#[tokio::test]
async fn the_window_starts_at_the_first_ambiguous_attempt() {
    let place = tempfile::tempdir().unwrap();
    let n = 260;
    let sandbox = sandbox(
        json!({}),
        &json!([
      {"on":"create_retrieval","times":n,"kind":"status","status":429},
      {"on":"create_retrieval","nth":n+1,"kind":"drop_before"}]),
    );
    let client = open(&sandbox, place.path());
    let report = client
        .retrieve(ids(5))
        .start()
        .await
        .unwrap()
        .wait()
        .await
        .unwrap();
    assert_eq!(report.counts.get("done"), Some(&5));
}

/// A redirect, after an ambiguous attempt, five times: held, not rejected; and 401 keeps it ambiguous.
#[tokio::test]
async fn unresolved_then_refused() {
    for status in [400, 404, 413, 409, 301] {
        let place = tempfile::tempdir().unwrap();
        let sandbox = sandbox(
            json!({}),
            &json!([{"on":"create_deletion","nth":1,"kind":"drop_after"},{"on":"create_deletion","nth":2,"times":9,"kind":"status","status":status}]),
        );
        let client = open(&sandbox, place.path());
        let report = client
            .delete(ids(3))
            .start(Confirmation::count(3))
            .await
            .unwrap()
            .wait()
            .await
            .unwrap();
        assert_eq!(report.counts.get("held"), Some(&3), "{status}");
        assert_eq!(report.ambiguous.len(), 1);
    }
}
/// An outage of connections: attempts in a day.
#[tokio::test]
async fn outage() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(json!({}), &json!([]));
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(10_000))
        .start(Confirmation::count(10_000))
        .await
        .unwrap();
    sandbox.stop();
    let start = client.now_ms();
    let mut n = 0;
    let mut events = run.events();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        if event.kind == EventKind::Backoff {
            n += 1;
        }
        if event.at_ms - start > DAY {
            break;
        }
    }
    assert!(n <= 164);
}

/// Two real clients share the pace.
#[tokio::test]
async fn two_clients_one_pace() {
    let sandbox = Sandbox::start(SandboxOptions {
        speed: Speed::Factor(1.0),
        ..Default::default()
    })
    .unwrap();
    let make = || {
        let c = sandbox.credentials();
        let mp = Mixpanel::builder(
            c["project_token"].as_str().unwrap(),
            c["oauth_token"].as_str().unwrap(),
        )
        .base_url(sandbox.base_url())
        .build()
        .unwrap();
        Client::builder(mp).build().unwrap()
    };
    let (a, b) = (make(), make());
    let _ = tokio::join!(a.get_deletion("1"), b.get_deletion("2"));
    assert_eq!(sandbox.summary()["too_many_requests"], 0);
}

/// One client after the other keeps the pace.
#[tokio::test]
async fn one_client_after_the_other() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(json!({}), &json!([]));
    for round in 0..2 {
        let client = open(&sandbox, place.path());
        let _ = round;
        client
            .delete(ids(3))
            .start(Confirmation::count(3))
            .await
            .unwrap()
            .wait()
            .await
            .unwrap();
    }
    assert!(sandbox.summary()["min_gap_ms"].as_i64().unwrap() >= 1000);
}

/// hold_for survives a clock that is set back.
#[tokio::test]
async fn hold_for_and_a_clock_set_back() {
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
        .delete(ids(3))
        .hold_for(Duration::from_secs(24 * 3600))
        .start(Confirmation::count(3))
        .await
        .unwrap();
    clock.by.store(-DAY, Ordering::Relaxed);
    let at = sandbox.clock().monotonic();
    let mut events = run.events();
    while let Some(event) = events.next().await {
        if event.unwrap().kind == EventKind::Submitted {
            break;
        }
    }
    let held = sandbox.clock().monotonic() - at;
    assert!(
        held >= DAY,
        "sent {held} ms after the start, hold_for was a day"
    );
}

/// A clock set back by ten years must not hold a deletion for ten years.
#[tokio::test]
async fn hold_for_and_a_clock_set_back_far() {
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
    let plan = client.delete(ids(3)).hold_for(Duration::from_secs(3600));
    let run = plan.start(Confirmation::count(3)).await.unwrap();
    clock.by.store(-3653 * DAY, Ordering::Relaxed);
    let at = sandbox.clock().monotonic();
    run.wait().await.unwrap();
    let took = sandbox.clock().monotonic() - at;
    let report = run.report().unwrap();
    assert_eq!(report.counts.get("done"), Some(&3));
    assert!(took < 30 * DAY, "it took {} days", took / DAY);
    assert!(took >= DAY / 24, "the window was cut short");
}

/// Several tasks for one request.
#[tokio::test]
async fn several_tasks() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([
          {"on":"create_deletion","kind":"status","status":201,"body":"{\"status\":\"ok\",\"results\":[{\"tracking_id\":\"111\",\"status\":\"PENDING\"},{\"tracking_id\":\"222\",\"status\":\"PENDING\"}]}"},
          {"on":"get_deletion","times":9,"kind":"status","status":200,"body":"{\"status\":\"ok\",\"results\":{\"status\":\"SUCCESS\"}}"},
        ]),
    );
    let client = open(&sandbox, place.path());
    let report = client
        .delete(ids(5))
        .start(Confirmation::count(5))
        .await
        .unwrap()
        .wait()
        .await
        .unwrap();
    assert_eq!(report.counts.get("done"), Some(&5));
    let ended: Vec<_> = report.jobs.iter().map(|job| job.status.as_str()).collect();
    assert_eq!(ended, ["SUCCESS", "SUCCESS"], "both tasks are followed");
    assert_eq!(calls(&sandbox, "get_deletion"), 2);
}

/// Echo of other ids.
#[tokio::test]
async fn foreign_echo() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"get_deletion","times":1000,"kind":"foreign_echo"}]),
    );
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(5))
        .start(Confirmation::count(5))
        .await
        .unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts.get("held"), Some(&5));
}

/// Proxy password.
#[test]
fn proxy_password() {
    let s = Settings {
        proxy: Some("http://user:canary@proxy:1".into()),
        ..Settings::default()
    };
    assert!(!format!("{s:?}").contains("canary"));
}

/// The answer to a request is lost, and then the vendor's limit moves below its size: each half is
/// sent, and the guard tells whether the lost one had been carried out.
#[tokio::test]
async fn a_limit_that_moves_after_a_lost_answer() {
    for (kind, carried_out) in [("drop_after", true), ("drop_before", false)] {
        let place = tempfile::tempdir().unwrap();
        let refusal = r#"{"status":"error","error":"too many distinct_ids: the limit is 3"}"#;
        let faults = json!([
            {"on": "create_deletion", "kind": kind},
            {"on": "create_deletion", "nth": 2, "kind": "status", "status": 400, "body": refusal},
        ]);
        let sandbox = sandbox(json!({}), &faults);
        let client = open(&sandbox, place.path());
        let run = client.delete(ids(6)).start(Confirmation::count(6)).await;
        let report = run.unwrap().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&6), "{kind} {report:?}");
        let tasks = if carried_out { 1 } else { 2 };
        assert_eq!(report.jobs.len(), tasks, "{kind}");
        assert_eq!(support::submissions(&sandbox), (1, 6), "{kind}");
    }
}
