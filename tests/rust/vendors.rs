//! What the engine makes of each thing that a vendor declares. A vendor from outside the crate is in
//! examples/rust/vendor.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dsrkit::model::time::Clock;
use dsrkit::model::wire::{Operation, PathForm, Reading, Request, Response};
use dsrkit::sandbox::Sandbox;
use dsrkit::vendor::{Capabilities, Vendor};
use dsrkit::{
    Callback, CallbackRequest, CallbackStatus, Client, ErrorKind, Heard, Journal, Kind, Mixpanel,
    Result, Secret, Settings, Terms,
};
use serde_json::{Value, json};

#[path = "support/mod.rs"]
mod support;
use support::{plan, sandbox};

/// Mixpanel that declares something else.
#[derive(Debug)]
struct Declares {
    inner: Mixpanel,
    capabilities: Capabilities,
}

impl Vendor for Declares {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn base_url(&self) -> &url::Url {
        self.inner.base_url()
    }
    fn project_key(&self) -> &Secret {
        self.inner.project_key()
    }
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }
    fn max_ids(&self, kind: Kind) -> usize {
        self.inner.max_ids(kind)
    }
    fn check(&self, terms: Terms) -> Result<()> {
        self.inner.check(terms)
    }
    fn create_body(&self, terms: Terms, ids_json: &str) -> String {
        self.inner.create_body(terms, ids_json)
    }
    fn request(&self, operation: &Operation) -> Result<Request> {
        self.inner.request(operation)
    }
    fn item_forms(&self, operation: &Operation) -> &'static [PathForm] {
        self.inner.item_forms(operation)
    }
    fn read(&self, operation: &Operation, response: &Response) -> Reading {
        self.inner.read(operation, response)
    }
    fn archive_secrets(&self) -> &[Secret] {
        self.inner.archive_secrets()
    }
    fn archive_hosts(&self) -> &[String] {
        self.inner.archive_hosts()
    }
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        self.inner.clock()
    }
}

fn declaring(vendor: &Sandbox, place: &Path, change: impl FnOnce(&mut Capabilities)) -> Client {
    let inner = vendor.mixpanel().build().unwrap();
    let mut capabilities = inner.capabilities();
    change(&mut capabilities);
    Client::builder(Declares {
        inner,
        capabilities,
    })
    .journal(Journal::sqlite(place.join("dsr.sqlite3")).unwrap())
    .seed(1)
    .build()
    .unwrap()
}

/// When the calls of an operation came.
fn times(vendor: &Sandbox, operation: &str) -> Vec<i64> {
    let ledger = vendor.ledger();
    let of = |entry: &&Value| entry["operation"] == operation;
    let entries = ledger.as_array().unwrap().iter().filter(of);
    entries
        .map(|entry| entry["at_ms"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn the_engine_waits_for_a_scan_budget_only_where_one_is_declared() {
    for declared in [true, false] {
        let vendor = sandbox(json!({"project_age_days": 1500}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = declaring(&vendor, place.path(), |can| can.scan_budget = declared);
        let run = plan(&client, Kind::Retrieval, 2_500)
            .start(None, false)
            .unwrap();
        let mut texts = String::new();
        let mut events = run.events_after(0);
        while let Some(event) = events.next().await.unwrap() {
            texts += &format!("{}\n", event.text);
        }
        assert_eq!(run.report().unwrap().counts["done"], 2_500);
        assert_eq!(texts.contains("scan budget"), declared, "{texts}");
        assert!(texts.contains("429"), "{texts}");
    }
}

#[tokio::test]
async fn the_engine_counts_on_a_guard_only_where_one_is_declared() {
    for (declared, wait) in [(true, 5_000..6_500), (false, 1_000..3_000)] {
        let lost = json!([{"on": "create_deletion", "nth": 1, "kind": "drop_after"}]);
        let vendor = sandbox(json!({}), &lost);
        let place = tempfile::tempdir().unwrap();
        let client = declaring(&vendor, place.path(), |can| can.conflict_guard = declared);
        let erased = plan(&client, Kind::Deletion, 3);
        let run = erased.start(Some(&erased.confirm()), false).unwrap();
        assert_eq!(run.wait().await.unwrap().counts["done"], 3);
        let sent = times(&vendor, "create_deletion");
        assert!(wait.contains(&(sent[1] - sent[0])), "{declared}: {sent:?}");
    }
}

#[tokio::test]
async fn the_engine_cancels_only_where_that_is_declared() {
    for declared in [true, false] {
        let vendor = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = declaring(&vendor, place.path(), |can| can.cancel_deletion = declared);
        let erased = plan(&client, Kind::Deletion, 3);
        let run = erased.start(Some(&erased.confirm()), false).unwrap();
        let mut events = run.events_after(0);
        while events.next().await.unwrap().unwrap().kind.as_str() != "submitted" {}
        let report = run.cancel().await.unwrap();
        assert_eq!(
            times(&vendor, "cancel_deletion").len(),
            usize::from(declared)
        );
        let single = client.cancel_deletion(&report.jobs[0].task_id).await;
        let refused = single.err().map(|error| error.kind()) == Some(ErrorKind::Config);
        assert_eq!(refused, !declared);
    }
}

#[tokio::test]
async fn callbacks_are_heard_only_where_they_are_declared() {
    for declared in [true, false] {
        let vendor = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = declaring(&vendor, place.path(), |can| can.callbacks = declared);
        let callback = Callback {
            task_id: "1".to_owned(),
            request_id: "11111111-2222-4333-8444-555555555555".to_owned(),
            request: CallbackRequest::Erasure,
            status: CallbackStatus::Completed,
            url: "https://us.example/callback".to_owned(),
            results_url: None,
            expected_at: String::new(),
            project_id: "1".to_owned(),
        };
        match client.receive_callback(&callback).await {
            Ok(heard) => assert!(declared && heard == Heard::Nothing),
            Err(error) => assert!(!declared && error.kind() == ErrorKind::Config),
        }
    }
}

#[tokio::test]
async fn requests_bear_our_names_only_where_that_is_declared() {
    for declared in [true, false] {
        let vendor = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = declaring(&vendor, place.path(), |can| can.request_ids = declared);
        let task = client
            .create_deletion(["a"], dsrkit::Compliance::Gdpr)
            .await
            .unwrap()
            .id;
        let job = client.get_deletion(&task).await.unwrap();
        assert_eq!(job.request_id.is_some(), declared);
    }
}

/// One person a retrieval: as many requests as people, and more than the scan budget holds at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_version_2_is_of_any_size() {
    const PEOPLE: usize = 2_500;
    let minute = [60_000, 60_000];
    let job = json!({"pending": minute, "staging": minute, "started": [600_000, 1_200_000]});
    let vendor = sandbox(
        json!({"project_age_days": 2, "scan_budget_days": 1_000, "job_ms": job}),
        &json!([]),
    );
    // In memory where the system has such a folder: each archive is synced to the disk.
    let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let place = place.unwrap();
    let client = Client::builder(vendor.mixpanel().api_version("2.0").build().unwrap())
        .journal(Journal::sqlite(place.path().join("dsr.sqlite3")).unwrap())
        .settings(Settings {
            request_worth: Duration::from_secs(3_600), // few looks: this is about creates
            ..Settings::default()
        })
        .seed(1)
        .build()
        .unwrap();
    let asked = plan(&client, Kind::Retrieval, PEOPLE);
    assert_eq!(asked.batches() as usize, PEOPLE);
    let report = asked.start(None, false).unwrap().wait().await.unwrap();
    assert_eq!(report.counts["done"], PEOPLE as u64);
    assert_eq!((report.jobs.len(), report.problems.len()), (PEOPLE, 0));
    let (mut people, mut refused) = (BTreeSet::new(), 0);
    for entry in vendor.ledger().as_array().unwrap() {
        let path = entry["path"].as_str().unwrap();
        assert!(entry["host"] != "api" || path.contains("/v2.0/"), "{path}");
        if entry["operation"] != "create_retrieval" {
            continue;
        }
        if entry["processed"] != true {
            refused += 1;
            continue;
        }
        let ids = entry["ids"].as_array().unwrap();
        assert_eq!(ids.len(), 1);
        assert!(people.insert(ids[0].to_string()), "twice: {ids:?}");
    }
    println!("{} and {refused} refused", vendor.summary());
    assert_eq!(people.len(), PEOPLE);
    assert!(refused > 0, "the budget was never met");
    assert!(vendor.summary()["min_gap_ms"].as_i64().unwrap() >= 1000);
}
