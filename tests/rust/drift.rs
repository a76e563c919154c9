//! The drift report: which forms the vendor sent, counted, kept over restarts, never a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dsrkit::{Kind, ShapeCount, Standing};
use serde_json::{Value, json};

#[path = "support/mod.rs"]
mod support;
use support::{client, plan, sandbox};

async fn after_a_run(options: Value, faults: &Value, kind: Kind) -> Vec<ShapeCount> {
    let sandbox = sandbox(options, faults);
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("dsr.sqlite3");
    let before = {
        let client = client(&sandbox, &journal).unwrap();
        let plan = plan(&client, kind, 2);
        let confirm = plan.confirm();
        let confirm = (kind == Kind::Deletion).then_some(confirm.as_str());
        let report = plan.start(confirm, false).unwrap().wait().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&2), "never a failure");
        client.drift().unwrap()
    };
    let again = client(&sandbox, &journal).unwrap().drift().unwrap();
    assert_eq!(again, before, "the end of a job writes it down");
    before
}

fn count(found: &[ShapeCount], shape: &str) -> u64 {
    let found = found.iter().find(|each| each.shape == shape);
    found.map_or(0, |each| each.count)
}

fn undocumented(found: &[ShapeCount]) -> Vec<&str> {
    let odd = |each: &&ShapeCount| each.standing == Standing::Undocumented;
    found
        .iter()
        .filter(odd)
        .map(|each| each.shape.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_healthy_vendor_sends_what_is_documented() {
    for kind in [Kind::Retrieval, Kind::Deletion] {
        let found = after_a_run(json!({}), &json!([]), kind).await;
        assert_eq!(undocumented(&found), [""; 0]);
        assert_eq!(count(&found, "create HTTP 201"), 1);
        assert_eq!(count(&found, "create results: an object"), 1);
        assert_eq!(count(&found, "create task_id: digits"), 1);
        assert_eq!(count(&found, "status task status: SUCCESS"), 1);
        assert!(count(&found, "status HTTP 200") > 1);
        assert_eq!(
            count(&found, "status link in result"),
            u64::from(kind == Kind::Retrieval)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_other_documented_forms_are_told_apart() {
    let dialect = json!({"create_shape": "array", "create_status": 200, "task_id_kind": "uuid", "link_field": "results", "quoted_link": true});
    let found = after_a_run(json!({"dialect": dialect}), &json!([]), Kind::Retrieval).await;
    assert_eq!(undocumented(&found), [""; 0]);
    assert_eq!(count(&found, "create HTTP 200"), 1);
    assert_eq!(count(&found, "create results: a list"), 1);
    assert_eq!(count(&found, "create tracking_id: a UUID"), 1);
    assert_eq!(
        count(&found, "status link in results, in quotes or blanks"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn something_undocumented_is_counted_and_changes_nothing() {
    let faults = json!([
        {"on": "get_deletion", "nth": 1, "kind": "status_word", "word": "QUEUED-user-0"},
        {"on": "get_deletion", "nth": 2, "kind": "html"},
        {"on": "get_deletion", "nth": 3, "kind": "status", "status": 418},
        {"on": "get_deletion", "nth": 4, "kind": "status", "status": 200,
         "body": "{\"status\":\"ok\",\"results\":{\"status\":\"PENDING\",\"eta\":\"user-0\",\"user-0@x\":1}}"},
    ]);
    let options = json!({"dialect": {"task_id_kind": "number"}});
    let found = after_a_run(options, &faults, Kind::Deletion).await;
    let odd = undocumented(&found);
    for shape in [
        "create task_id: not a text",
        "status task status: an unknown word",
        "status body: a page",
        "status HTTP 418",
        "status results: a field eta",
        "status results: a field with an odd name",
    ] {
        assert!(odd.contains(&shape), "{shape}: {odd:?}");
    }
    // Names of fields, never what stands in them.
    assert!(!format!("{found:?}").contains("user-0"));
}
