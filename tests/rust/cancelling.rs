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
    // It was asked for: nothing is wrong.
    assert!(report.problems.is_empty(), "{:?}", report.problems);
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

/// Row 36. What may have arrived is not sent again, and the report says that nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_whose_answer_was_lost_is_not_sent_again() {
    for (fault, carried_out) in [("drop_after", 1), ("drop_before", 0)] {
        let faults = json!([{"on": "create_deletion", "kind": fault}]);
        let sandbox = sandbox(long_tasks(), &faults);
        let place = tempfile::tempdir().unwrap();
        let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
        let plan = plan(&client, Kind::Deletion, 3);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let mut events = run.events_after(0);
        while let Some(event) = events.next().await.unwrap() {
            if event.kind == EventKind::Ambiguous {
                break;
            }
        }
        run.cancel().await.unwrap();
        sandbox.advance(40 * 86_400_000).unwrap();
        client.tick().await.unwrap();
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("held"), Some(&3), "{fault}");
        assert_eq!(report.ambiguous.len(), 1);
        assert_eq!(report.problems[0].kind, "Ambiguous");
        let told = &report.problems[0].message;
        assert!(told.contains("may be carrying it out"), "{told}");
        assert_eq!(sandbox.summary()["calls"]["create_deletion"], 1);
        assert_eq!(submissions(&sandbox).0, carried_out);
    }
}

/// Row 37. A cancel without an answer is asked again, and the status decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cancel_without_an_answer_is_asked_again() {
    for fault in ["drop_after", "drop_before", "reset"] {
        let faults = json!([{"on": "cancel_deletion", "kind": fault}]);
        let sandbox = sandbox(long_tasks(), &faults);
        let place = tempfile::tempdir().unwrap();
        let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
        let plan = plan(&client, Kind::Deletion, 3);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        client.tick().await.unwrap();
        let report = run.cancel().await.unwrap();
        assert_eq!(
            report.counts.get("revoked"),
            Some(&3),
            "{fault}: {report:?}"
        );
        assert_eq!(
            report.jobs[0].cancel.as_deref(),
            Some("cancelled"),
            "{fault}"
        );
        assert_eq!(report.state, RunState::Cancelled, "{fault}");
    }
}
