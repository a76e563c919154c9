//! The limit on outstanding scans: who waits for it, what is told, what is learnt and kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dsrkit::journal::sqlite::SqliteJournal;
use dsrkit::journal::{Change, Journal as _, LearntRow};
use dsrkit::{
    Bound, Client, Compliance, Confirmation, Disclosure, EventKind, IdSource, Journal, RunState,
    Settings,
};
use serde_json::{Value, json};

#[path = "support/mod.rs"]
mod support;
use support::{client, sandbox};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A project so old that one retrieval fills it, whose jobs take an hour.
fn old_project() -> Value {
    json!({"project_age_days": 1500, "job_ms": {
        "pending": [MINUTE, MINUTE], "staging": [MINUTE, MINUTE], "started": [58 * MINUTE, 58 * MINUTE]}})
}

fn ids(n: usize) -> IdSource {
    IdSource::iter((0..n).map(|n| format!("person-{n}")))
}

/// Rows 28: a refusal for it holds back creates of retrievals, and nothing else.
#[tokio::test]
async fn a_full_budget_holds_back_retrievals_only() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(old_project(), &json!([]));
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let retrieval = client.retrieve(ids(4001)).start().await.unwrap();
    let deletion = client
        .delete(ids(10))
        .start(Confirmation::count(10))
        .await
        .unwrap();
    let start = sandbox.clock().now();
    let (mut backoffs, mut waiting) = (Vec::new(), Vec::new());
    let mut events = retrieval.events();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        match event.kind {
            EventKind::Backoff => backoffs.push(event.text),
            EventKind::Waiting => waiting.push(event.text),
            _ => {}
        }
    }
    let took = sandbox.clock().now() - start;
    assert!(took < 3 * HOUR + 10 * MINUTE, "{} min", took / MINUTE);
    assert!(
        waiting
            .iter()
            .any(|text| text.contains("waiting: scan budget, next try"))
    );
    let ledger = sandbox.ledger();
    let of = |what: &str| -> Vec<&Value> {
        let all = ledger.as_array().unwrap().iter();
        all.filter(|entry| entry["operation"] == what).collect()
    };
    let (creates, polls) = (of("create_retrieval"), of("get_retrieval"));
    assert!((20..200).contains(&creates.len()), "{}", creates.len());
    // One event for a refusal that may be the pace, one for as long as the budget is full.
    assert!(backoffs.len() <= 4, "{backoffs:?}");
    // The first refusal told nothing; the next create came when it did.
    let refused = creates.iter().position(|entry| entry["status"] == 429);
    let again = creates[refused.unwrap() + 1];
    let before = ledger[usize::try_from(again["seq"].as_u64().unwrap() - 2).unwrap()].clone();
    let pause = again["at_ms"].as_i64().unwrap() - before["at_ms"].as_i64().unwrap();
    assert!(pause >= 1200, "{pause}");
    // Looks went on, and the deletion went its way.
    assert!(polls.len() > 20, "{}", polls.len());
    let sent = of("create_deletion");
    assert_eq!(sent.len(), 1);
    assert!(sent[0]["at_ms"].as_i64().unwrap() - start < 10_000);
    assert_eq!(deletion.wait().await.unwrap().state, RunState::Finished);
    assert_eq!(
        sandbox.summary()["min_gap_ms"]
            .as_i64()
            .map(|gap| gap >= 1000),
        Some(true)
    );
}

/// What was learnt outlives the process; what is damaged is learnt anew.
#[tokio::test]
async fn what_was_learnt_outlives_the_process() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("dsr.sqlite3");
    let looks = |sandbox: &dsrkit::sandbox::Sandbox| {
        sandbox.summary()["calls"]["get_retrieval"]
            .as_u64()
            .unwrap_or(0)
    };
    let sandbox = sandbox(old_project(), &json!([]));
    let mut used = Vec::new();
    for round in 0..3 {
        let before = looks(&sandbox);
        let client = client(&sandbox, &path).unwrap();
        client
            .retrieve(ids(4001))
            .start()
            .await
            .unwrap()
            .await
            .unwrap();
        used.push(looks(&sandbox) - before);
        drop(client);
        let journal = SqliteJournal::open(&path).unwrap();
        let project = journal.runs().unwrap()[0].project;
        let learnt = journal.learnt(&project).unwrap().unwrap();
        assert!(
            learnt.len() < 3000 && !learnt.contains("person"),
            "{learnt}"
        );
        if round == 1 {
            let text = learnt[..learnt.len() / 2].to_owned();
            journal
                .commit(&[Change::Learnt(LearntRow { project, text })])
                .unwrap();
        }
    }
    assert!(used[1] < used[0], "{used:?}");
    assert_eq!(used[2], used[0], "{used:?}");
}

/// A plan says when it may end, once jobs of the project have ended.
#[tokio::test]
async fn a_plan_forecasts_its_end_from_what_was_learnt() {
    let place = tempfile::tempdir().unwrap();
    let sandbox = sandbox(old_project(), &json!([]));
    let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
    let first = client.plan_retrieval(ids(4001)).freeze().await.unwrap();
    let before = first.estimate();
    assert_eq!((before.bound, before.expected), (Bound::NotKnown, None));
    assert!(before.text.contains("not known yet"), "{}", before.text);
    first.start().await.unwrap().await.unwrap();

    let second = client.plan_retrieval(ids(8001)).freeze().await.unwrap();
    let estimate = second.estimate();
    assert_eq!(estimate.bound, Bound::ScanBudget, "{}", estimate.text);
    let calls = sandbox.ledger().as_array().unwrap().len() as u64;
    let start = sandbox.clock().now();
    second.start().await.unwrap().await.unwrap();
    let took = std::time::Duration::from_millis((sandbox.clock().now() - start).unsigned_abs());
    let (least, most) = estimate.expected.unwrap();
    assert!(least < took && took < most, "{took:?}: {}", estimate.text);
    assert!(most < least * 4, "{}", estimate.text);
    let calls = sandbox.ledger().as_array().unwrap().len() as u64 - calls;
    let expected = estimate.expected_requests.unwrap();
    assert!(
        (calls / 2..calls * 2).contains(&expected),
        "{calls}: {}",
        estimate.text
    );

    // No deletion has ended: what retrievals do says nothing about them.
    let deletion = client.plan_deletion(ids(10)).freeze().await.unwrap();
    assert_eq!(deletion.estimate().bound, Bound::NotKnown);
    deletion
        .start(deletion.confirm())
        .await
        .unwrap()
        .await
        .unwrap();
    let next = client
        .plan_deletion(ids(10))
        .freeze()
        .await
        .unwrap()
        .estimate();
    assert_eq!(next.bound, Bound::Rate);
    let (least, most) = next.expected.unwrap();
    let hour = std::time::Duration::from_secs(3600);
    assert!(least < hour && hour < most * 5 / 4, "{}", next.text);
}

/// The first act of a new process is not a create that is sure to be refused: it waits as the one
/// before it did, whether or not what was learnt is still there.
#[tokio::test]
async fn a_new_process_waits_for_room_as_the_one_before() {
    for lose in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("dsr.sqlite3");
        let sandbox = sandbox(old_project(), &json!([]));
        let first = client(&sandbox, &path).unwrap();
        let run = first.retrieve(ids(4001)).start().await.unwrap();
        let mut events = run.events();
        let next = loop {
            let event = events.next().await.unwrap().unwrap();
            if event.kind == EventKind::Waiting
                && event.text.contains("scan budget")
                && event.next_due_ms.unwrap() > event.at_ms + 3 * MINUTE
            {
                break event.next_due_ms.unwrap();
            }
        };
        let id = run.id().to_owned();
        drop((events, run, first));
        if lose {
            let journal = SqliteJournal::open(&path).unwrap();
            let project = journal.runs().unwrap()[0].project;
            let text = String::new();
            journal
                .commit(&[Change::Learnt(LearntRow { project, text })])
                .unwrap();
        }
        let before = sandbox.ledger().as_array().unwrap().len();
        let again = client(&sandbox, &path).unwrap();
        let run = again.run(&id).unwrap();
        run.wait().await.unwrap();
        let ledger = sandbox.ledger();
        let create = ledger.as_array().unwrap()[before..]
            .iter()
            .find(|entry| entry["operation"] == "create_retrieval")
            .unwrap();
        let early = next - create["at_ms"].as_i64().unwrap();
        // Sooner only if a job was seen to have ended: then it is let in.
        assert!(
            early < 2 * MINUTE || create["status"] == 201,
            "{early} ms before it was to be tried"
        );
    }
}

/// A CCPA retrieval reads one year: it may fit where one of the whole project does not.
#[tokio::test]
async fn what_costs_less_does_not_wait_for_what_costs_more() {
    let place = tempfile::tempdir().unwrap();
    let mut options = old_project();
    options["project_age_days"] = json!(1460);
    let sandbox = sandbox(options, &json!([]));
    let settings = Settings {
        project_age_days: Some(1460),
        ..Settings::default()
    };
    let client = Client::builder(sandbox.mixpanel().build().unwrap())
        .journal(Journal::sqlite(place.path().join("dsr.sqlite3")).unwrap())
        .settings(settings)
        .seed(1)
        .build()
        .unwrap();
    let whole = client.retrieve(ids(2001)).start().await.unwrap();
    let mut events = whole.events();
    loop {
        let event = events.next().await.unwrap().unwrap();
        if event.kind == EventKind::Waiting && event.text.contains("scan budget") {
            break;
        }
    }
    drop(events);
    let start = sandbox.clock().now();
    let year = client
        .retrieve(ids(10))
        .compliance(Compliance::Ccpa)
        .disclosure(Disclosure::Data)
        .start()
        .await
        .unwrap();
    let mut events = year.events();
    while events.next().await.unwrap().unwrap().kind != EventKind::Submitted {}
    let waited = sandbox.clock().now() - start;
    assert!(waited < 5000, "{waited}");
    year.wait().await.unwrap();
    assert_eq!(whole.wait().await.unwrap().state, RunState::Finished);
}
