//! Vendors of one's own: one that is written outside the crate, and what the engine makes of each
//! capability that a vendor declares.

use std::path::Path;
use std::sync::Arc;

use dsrkit::model::time::Clock;
use dsrkit::model::wire::{Operation, PathForm, Reading, Request, Response};
use dsrkit::sandbox::Sandbox;
use dsrkit::vendor::{Capabilities, Vendor};
use dsrkit::{
    Callback, CallbackRequest, CallbackStatus, Client, CollectOptions, ErrorKind, Heard, Journal,
    Kind, Mixpanel, Result, RunState, Secret, Terms,
};
use serde_json::{Value, json};

#[path = "../../examples/rust/vendor/formbox.rs"]
mod formbox;
#[path = "support/mod.rs"]
mod support;
#[path = "../../examples/rust/vendor/world.rs"]
mod world;

use formbox::Formbox;
use support::{plan, sandbox};
use world::World;

fn outsider(world: &World, place: &Path) -> Client {
    let url = "https://api.formbox.example/privacy";
    let clock: Arc<dyn Clock> = world.clock.clone();
    Client::builder(Formbox::new(url, "acme", "formbox-key", Some(clock)).unwrap())
        .journal(Journal::sqlite(place.join("dsr.sqlite3")).unwrap())
        .transport(Arc::new(world.clone()))
        .store(Arc::new(world.clone()))
        .seed(1)
        .build()
        .unwrap()
}

/// What no call of Formbox may ever be.
fn keeps_its_rules(world: &World) {
    let calls = world.calls();
    for pair in calls.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= 1000, "{pair:?}");
    }
    for (_, call) in &calls {
        assert!(
            call.starts_with("POST /privacy/requests") || call.starts_with("GET "),
            "{call}"
        );
        assert!(!call.ends_with('/'), "{call}");
    }
}

#[tokio::test]
async fn a_vendor_from_outside_carries_runs_of_any_size() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    let client = outsider(&world, place.path());
    let run = plan(&client, Kind::Retrieval, 25)
        .start(None, false)
        .unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(
        (report.state, report.counts["done"]),
        (RunState::Finished, 25)
    );
    assert_eq!(report.jobs.len(), 3, "ten people a request");
    let options = CollectOptions {
        allow_plain: true,
        ..CollectOptions::default()
    };
    let out = place.path().join("out");
    let report = run.collect(&out, &options).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(std::fs::read_dir(out.join("subjects")).unwrap().count(), 25);

    let erased = plan(&client, Kind::Deletion, 250);
    let run = erased.start(Some(&erased.confirm()), false).unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!((report.counts["done"], report.jobs.len()), (250, 3));
    assert_eq!(world.people("erase").len(), 250);
    keeps_its_rules(&world);
}

#[tokio::test]
async fn without_a_guard_a_lost_answer_is_resolved_by_repeating() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    world.lose(1);
    let client = outsider(&world, place.path());
    let erased = plan(&client, Kind::Deletion, 5);
    let run = erased.start(Some(&erased.confirm()), false).unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!((report.counts["done"], report.ambiguous.len()), (5, 1));
    assert_eq!(world.people("erase").len(), 10, "twice, and known to be");
    keeps_its_rules(&world);
}

#[tokio::test]
async fn what_a_vendor_cannot_cancel_is_not_tried() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    let client = outsider(&world, place.path());
    let single = client.cancel_deletion("t-1").await.unwrap_err();
    assert_eq!(single.kind(), ErrorKind::Config);
    assert!(world.calls().is_empty());
    let erased = plan(&client, Kind::Deletion, 150);
    let run = erased.start(Some(&erased.confirm()), false).unwrap();
    let mut events = run.events_after(0);
    while events.next().await.unwrap().unwrap().kind.as_str() != "submitted" {}
    let report = run.cancel().await.unwrap();
    assert_eq!(report.counts["cancelled"], 50, "{:?}", report.counts);
    assert!(
        report
            .jobs
            .iter()
            .all(|job| job.cancel.as_deref() == Some("too late"))
    );
    keeps_its_rules(&world);
}

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
