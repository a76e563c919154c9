//! What a person decides about held batches, and what is done about tasks that were found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dsrkit::{Client, Decision, ErrorKind, EventKind, IdSource, Kind, ReportData, RunState};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::{sandbox, submissions, terms};

struct Case {
    sandbox: dsrkit::sandbox::Sandbox,
    client: Client,
    _place: tempfile::TempDir,
}

fn case(options: serde_json::Value, faults: &serde_json::Value) -> Case {
    let sandbox = sandbox(options, faults);
    let place = tempfile::tempdir().unwrap();
    // The first NOT_FOUND counts as lost.
    let settings = dsrkit::Settings {
        lost_after: std::time::Duration::ZERO,
        ..dsrkit::Settings::default()
    };
    let client = Client::builder(sandbox.mixpanel().build().unwrap())
        .journal(dsrkit::Journal::sqlite(place.path().join("dsr.sqlite3")).unwrap())
        .settings(settings)
        .build()
        .unwrap();
    Case {
        sandbox,
        client,
        _place: place,
    }
}

impl Case {
    async fn run(
        &self,
        kind: Kind,
        ids: &'static [&'static str],
    ) -> (dsrkit::RunHandle, ReportData) {
        let ids = IdSource::iter(ids.iter().map(|id| (*id).to_owned()));
        let options = dsrkit::PlanOptions::default();
        let plan = self.client.freeze(ids, terms(kind), &options).unwrap();
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let report = run.wait().await.unwrap();
        (run, report)
    }
}

/// The vendor does not see its task: the job is lost, its batch held.
fn lost() -> serde_json::Value {
    json!([{"on": "get_deletion", "kind": "status", "status": 200,
        "body": "{\"status\":\"ok\",\"results\":{\"status\":\"NOT_FOUND\"}}"}])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lost_deletion_is_sent_again_only_with_the_number_of_its_people() {
    let case = case(json!({"dialect": {"conflict_guard": false}}), &lost());
    let (run, report) = case.run(Kind::Deletion, &["a", "b", "c"]).await;
    assert_eq!(report.state, RunState::Held);
    let problem = &report.problems[0];
    assert!(problem.hint.contains("decide"), "{}", problem.hint);
    let batch = problem.batch.unwrap();
    for wrong in [None, Some(2)] {
        let again = Decision::SendAgain { confirm: wrong };
        let error = run.decide(batch, again).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConfirmed);
        assert!(error.hint().contains("that number"), "{}", error.hint());
    }
    let again = Decision::SendAgain { confirm: Some(3) };
    let report = run.decide(batch, again).await.unwrap();
    assert_eq!(report.counts.get("pending"), Some(&3));
    let report = run.wait().await.unwrap();
    assert_eq!(report.state, RunState::Finished);
    assert_eq!(report.counts.get("done"), Some(&3));
    assert_eq!(submissions(&case.sandbox).0, 2, "as the person decided");
    let error = run.decide(batch, Decision::GiveUp).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_given_up_asks_for_no_decision_any_more() {
    let case = case(json!({}), &lost());
    let (run, report) = case.run(Kind::Deletion, &["a", "b"]).await;
    let batch = report.problems[0].batch.unwrap();
    let report = run.decide(batch, Decision::GiveUp).await.unwrap();
    assert_eq!(report.counts.get("failed"), Some(&2));
    let hint = &report.problems[0].hint;
    assert!(
        hint.contains("a new plan") && !hint.contains("decide"),
        "{hint}"
    );
    let error = run.decide(batch, Decision::GiveUp).await.unwrap_err();
    assert!(error.hint().contains("a new plan"), "{}", error.hint());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_that_was_not_started_and_one_that_was_cancelled_say_what_helps() {
    let case = case(json!({}), &json!([]));
    let options = dsrkit::PlanOptions::default();
    let plan = case
        .client
        .freeze(IdSource::iter(["a"]), terms(Kind::Deletion), &options)
        .unwrap();
    let run = case.client.run(plan.id()).unwrap();
    let error = run.wait().await.unwrap_err();
    assert!(error.hint().contains("Start the plan"), "{}", error.hint());
    run.cancel().await.unwrap();
    let error = plan.start(Some(&plan.confirm()), false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!error.hint().contains("again"), "{}", error.hint());
}

/// The vendor refuses what is sent again, for the very task that was thought to be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sent_again_and_adopted_a_batch_ends_as_its_task_ends() {
    for (options, state, outcome) in [
        (json!({"fail_tasks": [1]}), "FAILURE", "failed"),
        (json!({}), "SUCCESS", "done"),
    ] {
        let case = case(options, &lost());
        let (run, report) = case.run(Kind::Deletion, &["a", "b"]).await;
        assert_eq!(report.state, RunState::Held);
        let again = Decision::SendAgain { confirm: Some(2) };
        run.decide(0, again).await.unwrap();
        let report = run.wait().await.unwrap();
        assert_eq!(submissions(&case.sandbox).0, 1, "the second is refused");
        let [job] = &report.jobs[..] else {
            panic!("{} tasks", report.jobs.len());
        };
        assert_eq!(job.status.as_str(), state);
        assert_eq!(report.counts.get(outcome), Some(&2), "{:?}", report.counts);
        assert_eq!(report.state, RunState::Finished);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_held_batch_follows_a_task_only_if_it_carries_exactly_its_people() {
    let case = case(json!({}), &lost());
    let (run, report) = case.run(Kind::Deletion, &["a", "b"]).await;
    let (batch, task) = (report.problems[0].batch.unwrap(), &report.jobs[0].task_id);
    case.sandbox.advance(60 * 86_400_000).unwrap();
    let (_, other) = case.run(Kind::Deletion, &["a", "b", "c"]).await;
    let follow = |task: &str| Decision::Follow {
        task_id: task.to_owned(),
    };
    let error = run
        .decide(batch, follow(&other.jobs[0].task_id))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = run.decide(batch, follow("1234567890123456789")).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(run.report().unwrap().counts.get("held"), Some(&2));

    run.decide(batch, follow(task)).await.unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts.get("done"), Some(&2));
    assert_eq!(report.state, RunState::Finished);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_given_up_is_failed_if_it_may_have_been_carried_out_and_cancelled_if_not() {
    let lost_answer = json!([{"on": "create_deletion", "kind": "drop_after"}]);
    let case = case(json!({}), &lost_answer);
    let sandbox = &case.sandbox;
    let held = Client::builder(sandbox.mixpanel().build().unwrap())
        .settings(dsrkit::Settings {
            on_ambiguous: dsrkit::AmbiguityPolicy::Hold,
            ..dsrkit::Settings::default()
        })
        .build()
        .unwrap();
    for (ids, outcome) in [("sent", "failed"), ("unsent", "cancelled")] {
        let plan = held
            .freeze(
                IdSource::iter([ids.to_owned()]),
                terms(Kind::Deletion),
                &dsrkit::PlanOptions::default(),
            )
            .unwrap();
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("held"), Some(&1), "{ids}");
        let report = run.decide(0, Decision::GiveUp).await.unwrap();
        assert_eq!(report.counts.get(outcome), Some(&1), "{ids}");
        assert_eq!(run.wait().await.unwrap().state, RunState::Finished);
        // Next: a 409 that names nobody of ours is held without a doubt about our own request.
        let foreign = json!([{"on": "create_deletion", "kind": "status", "status": 409,
            "body": "{\"status\":\"error\",\"error\":{\"conflicting_distinct_ids\":[\"x\"],\"conflicting_task_ids\":[\"1\"]}}"}]);
        sandbox.faults(&foreign).unwrap();
    }
}

/// Row 38 of the table of faults.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_found_task_is_cancelled_only_if_it_carries_nobody_else() {
    for (theirs, cancel, revoked) in [
        (&["a", "b"][..], "cancelled", 2),
        (&["a", "b", "c"][..], "not ours", 0),
    ] {
        let slow = json!({"job_ms": {"pending": [7_200_000, 7_200_000], "staging": [0, 0], "started": [0, 0]}});
        let case = case(slow, &json!([]));
        case.client
            .create_deletion(
                IdSource::iter(theirs.iter().map(|id| (*id).to_owned())),
                dsrkit::Compliance::Gdpr,
            )
            .await
            .unwrap();
        let ids = IdSource::iter(["a".to_owned(), "b".to_owned()]);
        let options = dsrkit::PlanOptions::default();
        let plan = case
            .client
            .freeze(ids, terms(Kind::Deletion), &options)
            .unwrap();
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let mut events = run.events_after(0);
        while let Some(event) = events.next().await.unwrap() {
            if event.kind == EventKind::Adopted {
                break;
            }
        }
        let report = run.cancel().await.unwrap();
        assert_eq!(report.jobs[0].cancel.as_deref(), Some(cancel));
        assert_eq!(
            report.counts.get("revoked").copied().unwrap_or(0),
            revoked,
            "{report:?}"
        );
        let calls = &case.sandbox.summary()["calls"];
        let deletes = calls["delete_deletion"].as_u64().unwrap_or(0)
            + calls["cancel_deletion"].as_u64().unwrap_or(0);
        assert_eq!(deletes, u64::from(revoked > 0), "{calls}");
    }
}

/// A lost answer does not become "never sent" by a person's decision to send it again: a refusal or
/// a cancel that follows says nothing about the first request.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sent_again_and_then_cancelled_or_refused_is_not_never_sent() {
    let kind = Kind::Retrieval;
    for refused in [false, true] {
        // Twice the answer is lost, and then the vendor refuses.
        let faults = json!([
            {"on": "create_retrieval", "times": 2, "kind": "drop_after"},
            {"on": "create_retrieval", "nth": 3, "kind": "status", "status": 400},
        ]);
        let case = case(json!({}), &faults);
        let (run, report) = case.run(kind, &["a", "b"]).await;
        assert_eq!(report.counts.get("held"), Some(&2));
        run.decide(0, Decision::SendAgain { confirm: None })
            .await
            .unwrap();
        let report = if refused {
            run.wait().await.unwrap()
        } else {
            run.cancel().await.unwrap()
        };
        assert_eq!(
            report.counts.get("held"),
            Some(&2),
            "{refused} {:?}",
            report.counts
        );
        let report = run.decide(0, Decision::GiveUp).await.unwrap();
        assert_eq!(report.counts.get("failed"), Some(&2), "{refused}");
    }
}
