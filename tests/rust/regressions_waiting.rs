//! Waiting, pausing, ticking, cancelling. Each of these went wrong once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use dsrkit::sandbox::Sandbox;
use dsrkit::{Client, Confirmation, ErrorKind, EventKind, IdSource, Kind, PlanOptions, RunState};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::{client, sandbox, terms};

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
/// Cancel works on a paused run, in a process with a good token.
#[tokio::test]
async fn cancel_of_a_paused_run() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({"job_ms":{"pending":[DAY,DAY]}}),
        &json!([{"on":"get_deletion","kind":"status","status":401}]),
    );
    let id = {
        let client = open(&sandbox, place.path());
        let run = client
            .delete(ids(3))
            .start(Confirmation::count(3))
            .await
            .unwrap();
        let error = run.wait().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        run.id().to_owned()
    };
    let client = open(&sandbox, place.path());
    let result = client.run(&id).unwrap().cancel().await;
    assert_eq!(calls(&sandbox, "cancel_deletion"), 1, "{result:?}");
    result.unwrap();
}

/// Two waiters, one pause.
#[tokio::test]
async fn two_waiters_meet_a_pause() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"create_deletion","kind":"status","status":401}]),
    );
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(3))
        .start(Confirmation::count(3))
        .await
        .unwrap();
    let (a, b) = tokio::join!(run.wait(), run.wait());
    for e in [a, b] {
        if let Err(e) = e {
            assert_eq!(e.kind(), ErrorKind::Unauthenticated);
        }
    }
}

/// A 403 pause is told as a 403.
#[tokio::test]
async fn a_pause_names_its_kind() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"create_deletion","kind":"status","status":403}]),
    );
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(3))
        .start(Confirmation::count(3))
        .await
        .unwrap();
    run.wait().await.unwrap_err();
    let report = run.report().unwrap();
    assert_eq!(report.problems[0].kind, "PermissionDenied");
}

/// tick() goes on with a paused run once the token is good (a new client).
#[tokio::test]
async fn tick_after_a_pause() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"create_deletion","kind":"status","status":401}]),
    );
    {
        let client = open(&sandbox, place.path());
        client
            .delete(ids(3))
            .start(Confirmation::count(3))
            .await
            .unwrap();
        client.tick().await.unwrap_err();
    }
    let client = open(&sandbox, place.path());
    let next = client.tick().await.unwrap();
    assert!(next.is_some(), "tick says that nothing is left to do");
}

/// tick brings a run to its end in the journal while another one is still open.
#[tokio::test]
async fn tick_finishes_each_run() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"create_deletion","nth":1,"kind":"status","status":400}]),
    );
    let client = open(&sandbox, place.path());
    let one = client
        .delete(ids(3))
        .start(Confirmation::count(3))
        .await
        .unwrap();
    let two = client
        .delete(IdSource::iter(["other-1".to_owned(), "other-2".to_owned()]))
        .start(Confirmation::count(2))
        .await
        .unwrap();
    client.tick().await.unwrap();
    let (one, two) = (client.run(one.id()).unwrap(), client.run(two.id()).unwrap());
    let ended = if one.state().unwrap() == RunState::Finished {
        one
    } else {
        two
    };
    assert_eq!(ended.state().unwrap(), RunState::Finished);
    assert_eq!(ended.row().unwrap().state, RunState::Finished);
}

/// Lag (404), then a failing look with the other form of the path.
#[tokio::test]
async fn a_failing_second_look_does_not_choose_the_path_form() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({"dialect":{"item_slash":"required","item_slash_miss":301}}),
        &json!([{"on":"get_deletion","nth":1,"kind":"status","status":404},
               {"on":"get_deletion","nth":2,"kind":"status","status":503}]),
    );
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(3))
        .start(Confirmation::count(3))
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), run.wait()).await;
    assert!(ended.is_ok(), "the run never ends");
}

/// Cancel returns although the vendor took it and did nothing; and says so.
#[tokio::test]
async fn cancel_that_was_taken_but_not_done() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(
        json!({"job_ms":{"pending":[0,0],"staging":[5 * DAY,5 * DAY],"started":[20 * DAY, 20 * DAY]}}),
        &json!([{"on":"cancel_deletion","kind":"status","status":204}]),
    );
    let client = open(&sandbox, place.path());
    let run = client
        .delete(ids(3))
        .start(Confirmation::count(3))
        .await
        .unwrap();
    let mut events = run.events();
    while let Some(event) = events.next().await {
        if event.unwrap().kind == EventKind::Submitted {
            break;
        }
    }
    let before = client.now_ms();
    let report = run.cancel().await.unwrap();
    let days = (client.now_ms() - before) / DAY;
    assert!(days < 1, "cancel() waited for {days} days");
    assert_eq!(report.jobs[0].cancel.as_deref(), Some("unknown"));
}

/// The runtime ends in the middle of a call; the client lives on in another one.
#[test]
fn runtime_dropped_in_a_call() {
    let sandbox = sandbox(
        json!({}),
        &json!([{"on":"create_retrieval","kind":"slow_body","chunk":1,"pause_ms":300}]),
    );
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let arch = tempfile::tempdir().unwrap();
    let client = Client::builder(sandbox.mixpanel().build().unwrap())
        .build()
        .unwrap();
    let run = rt.block_on(async {
        let run = client
            .retrieve(ids(2))
            .archives(arch.path())
            .start()
            .await
            .unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(900), run.wait()).await;
        run
    });
    rt.shutdown_background();
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let report = rt
        .block_on(async { tokio::time::timeout(Duration::from_secs(20), run.wait()).await })
        .unwrap()
        .unwrap();
    assert_eq!(report.ambiguous.len(), 1);
}

/// Leaving the journal out must not mean losing task ids with the process.
#[tokio::test]
async fn a_run_on_a_real_vendor_needs_a_journal_that_somebody_chose() {
    let vendor = dsrkit::Mixpanel::builder("p", "o").build().unwrap();
    let client = Client::builder(vendor.clone()).build().unwrap();
    let error = client.plan_deletion(["a"]).freeze().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("journal"), "{error}");
    let memory = dsrkit::Journal::memory();
    let client = Client::builder(vendor).journal(memory).build().unwrap();
    client.plan_deletion(["a"]).freeze().await.unwrap();
}

/// Collecting before an archive is here is told, and leaves no folder behind in the report.
#[tokio::test]
async fn collecting_too_early_says_so() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(json!({}), &json!([]));
    let client = open(&sandbox, place.path());
    let run = client.retrieve(ids(3)).start().await.unwrap();
    let options = dsrkit::CollectOptions::default();
    let report = run
        .collect(&place.path().join("out"), &options)
        .await
        .unwrap();
    assert_eq!(report.problems[0].kind, "NotFound");
    assert!(report.packages.is_none());
    let report = client.run(run.id()).unwrap().await.unwrap();
    assert!(report.problems.is_empty());
}

/// One bad archive is a problem in the report; a place that is no folder is nothing to be overlooked.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn collecting_into_what_is_no_folder_is_an_error() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let ids = IdSource::iter(["a"]);
    let plan = client
        .freeze(ids, terms(Kind::Retrieval), &PlanOptions::default())
        .unwrap();
    let run = plan.start(None, false).unwrap();
    run.wait().await.unwrap();
    let options = dsrkit::CollectOptions::default();
    let good = place.path().join("out");
    let report = run.collect(&good, &options).await.unwrap();
    assert_eq!(report.packages.as_deref(), Some(good.as_path()));
    let file = place.path().join("f.py");
    std::fs::write(&file, "x").unwrap();
    for wrong in [file.clone(), file.join("below")] {
        let error = run.collect(&wrong, &options).await.unwrap_err();
        assert_eq!(error.kind(), dsrkit::ErrorKind::Io, "{error}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
}
