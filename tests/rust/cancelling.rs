//! Cancelling, before and after the vendor starts, with the exact result of each job.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use dsrkit::{EventKind, IdSource, Kind, PlanOptions, RunState};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::{client, plan, sandbox, submissions, terms};

fn long_tasks() -> serde_json::Value {
    json!({"job_ms": {"pending": [7_200_000, 7_200_000], "staging": [7_200_000, 7_200_000], "started": [7_200_000, 7_200_000]}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_that_was_not_started_sends_nothing_for_ever() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let plan = plan(&client, Kind::Deletion, 3);
    let report = client.run(plan.id()).unwrap().cancel().await.unwrap();
    assert_eq!(report.counts.get("cancelled"), Some(&3));
    assert_eq!(report.state, RunState::Cancelled);
    assert!(plan.start(Some(&plan.confirm()), false).is_err());
    assert_eq!(submissions(&sandbox), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hold_for_is_a_window_to_cancel_in() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let options = PlanOptions {
        hold_for: Duration::from_secs(3600),
        ..PlanOptions::default()
    };
    let ids = IdSource::iter(["a", "b"]);
    let plan = client.freeze(ids, terms(Kind::Deletion), &options).unwrap();
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    let (due, _) = run.next_due().unwrap().unwrap();
    assert_eq!(due - client.now_ms(), 3_600_000);
    assert_eq!(client.tick().await.unwrap(), Some(due));
    let report = run.cancel().await.unwrap();
    assert_eq!(report.counts.get("cancelled"), Some(&2));
    assert_eq!(submissions(&sandbox), (0, 0));
    assert_eq!(run.wait().await.unwrap().state, RunState::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_vendor_has_not_started_is_revoked() {
    let sandbox = sandbox(long_tasks(), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let plan = plan(&client, Kind::Deletion, 4500);
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    // One batch is sent, two are not.
    let mut events = run.events_after(0);
    while let Some(event) = events.next().await.unwrap() {
        if event.kind == EventKind::Submitted {
            break;
        }
    }
    let report = run.cancel().await.unwrap();
    assert_eq!(report.counts.get("revoked"), Some(&1999));
    assert_eq!(report.counts.get("cancelled"), Some(&2501));
    assert_eq!(report.jobs[0].cancel.as_deref(), Some("cancelled"));
    assert_eq!(submissions(&sandbox), (1, 1999));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_vendor_has_started_is_too_late_and_followed_to_its_end() {
    let sandbox = sandbox(long_tasks(), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let plan = plan(&client, Kind::Deletion, 3);
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    client.tick().await.unwrap();
    sandbox.advance(5 * 3_600_000).unwrap();
    let report = run.cancel().await.unwrap();
    assert_eq!(report.jobs[0].cancel.as_deref(), Some("too late"));
    assert_eq!(report.counts.get("submitted"), Some(&3));
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts.get("done"), Some(&3));
    assert_eq!(report.state, RunState::Cancelled);
}
