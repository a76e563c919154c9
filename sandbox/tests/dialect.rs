//! Each point on which sources disagree can be switched.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]
mod common;

use common::{Answer, DAY_MS, Vendor, options};
use serde_json::{Value, json};

fn vendor(dialect: Value) -> Vendor {
    Vendor::start(options(json!({ "dialect": dialect })))
}

async fn finished(vendor: &Vendor) -> Value {
    let id = vendor.retrieve(&["a"]).await.task_id();
    vendor.advance(10 * DAY_MS);
    vendor.retrieval(&id).await.json()["results"].take()
}

#[tokio::test]
async fn create_answers() {
    let answer = Vendor::start(options(json!({}))).delete(&["a"]).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.task_id().len(), 19);

    let answer =
        vendor(json!({"create_status": 200, "create_shape": "array", "compliance_case": "lower"}))
            .delete(&["a", "b"])
            .await;
    assert_eq!(answer.status, 200);
    let task = &answer.json()["results"][0];
    assert_eq!(task["compliance_type"], "gdpr");
    assert_eq!(task["distinct_id_count"], 2);
    assert_eq!(task["destination_url"], Value::Null);
    assert_eq!(task["date_requested"], "2023-11-14T22:13:21.000000");

    let uuid = vendor(json!({"task_id_kind": "uuid"}))
        .delete(&["a"])
        .await
        .task_id();
    assert_eq!(uuid.len(), 36);
    assert_eq!(uuid.as_bytes()[14], b'4');
    assert!(b"89ab".contains(&uuid.as_bytes()[19]));

    let number = vendor(json!({"task_id_kind": "number"}));
    let id = number.delete(&["a"]).await.json()["results"]["task_id"]
        .as_u64()
        .unwrap();
    assert!(id > 1 << 53);
    assert_eq!(
        number.deletion(&id.to_string()).await.json()["results"]["tracking_id"],
        id
    );
}

#[tokio::test]
async fn version_2_is_a_world_of_its_own() {
    let vendor = Vendor::start(options(json!({})));
    let create = async |path: &str, body: Value| vendor.call("POST", path, Some(body)).await;
    let one = create("/data-retrievals/v2.0/", json!({"distinct_id": "a"})).await;
    assert_eq!(one.status, 201);
    assert_eq!(one.json(), json!({"results": {"task_id": one.task_id()}}));
    assert_eq!(one.task_id().len(), 36);
    for (path, body) in [
        ("/data-retrievals/v2.0/", json!({"distinct_ids": ["a"]})),
        ("/data-retrievals/v2.0/", json!({"distinct_id": ["a"]})),
        (
            "/data-deletions/v2.0/",
            json!({"distinct_ids": ["a"], "compliance_type": "GDPR"}),
        ),
        (
            "/data-deletions/v2.0/",
            json!({"distinct_ids": vec!["a"; 2_001]}),
        ),
    ] {
        assert_eq!(create(path, body).await.status, 400, "{path}");
    }
    let get = async |path: String| vendor.call("GET", &path, None).await.json()["results"].take();
    let id = one.task_id();
    assert_eq!(
        get(format!("/data-retrievals/v3.0/{id}/")).await["status"],
        "NOT_FOUND"
    );
    assert_eq!(
        get(format!("/data-deletions/v2.0/{id}/")).await["status"],
        "NOT_FOUND"
    );
    let new = vendor.retrieve(&["b"]).await.task_id();
    assert_eq!(
        get(format!("/data-retrievals/v2.0/{new}/")).await["status"],
        "NOT_FOUND"
    );
    vendor.advance(10 * DAY_MS);
    let done = get(format!("/data-retrievals/v2.0/{id}/")).await;
    assert_eq!(done["status"], "SUCCESS");
    assert!(done["result"].as_str().unwrap().contains("/archive/"));
    assert_eq!(done["distinct_ids"], Value::Null);
    // A retrieval can be cancelled in this version only, until it has started.
    let cancel = async |path: String| vendor.call("DELETE", &path, None).await.status;
    assert_eq!(cancel(format!("/data-retrievals/v2.0/{id}")).await, 405);
    assert_eq!(cancel(format!("/data-retrievals/v3.0/{new}")).await, 405);
    let young = create("/data-retrievals/v2.0/", json!({"distinct_id": "c"}))
        .await
        .task_id();
    assert_eq!(cancel(format!("/data-retrievals/v2.0/{young}")).await, 204);
    assert_eq!(
        get(format!("/data-retrievals/v2.0/{young}/")).await["status"],
        "REVOKED"
    );
}

#[tokio::test]
async fn the_link_is_where_the_dialect_says() {
    for field in [
        "result",
        "results",
        "download_url",
        "destination_url",
        "results_url",
    ] {
        let results = finished(&vendor(json!({"link_field": field}))).await;
        assert!(
            results[field]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:"),
            "{field}"
        );
        let links = results
            .as_object()
            .unwrap()
            .values()
            .filter(|v| v.as_str().is_some_and(|t| t.contains("http")));
        assert_eq!(links.count(), 1, "{field}");
    }
    let results = finished(&vendor(json!({"quoted_link": true}))).await;
    assert!(results["result"].as_str().unwrap().starts_with(" \"http"));
}

#[tokio::test]
async fn cancel_answers() {
    for (word, status) in [("204", 204), ("json", 200)] {
        let vendor = vendor(json!({"cancel_answer": word}));
        let id = vendor.delete(&["a"]).await.task_id();
        let path = format!("/data-deletions/v3.0/{id}/");
        let answer = vendor.call("DELETE", &path, None).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.body.is_empty(), status == 204);
        assert_eq!(
            vendor.deletion(&id).await.json()["results"]["status"],
            "REVOKED"
        );
        assert_eq!(vendor.call("DELETE", &path, None).await.status, 405);
    }
}

#[tokio::test]
async fn slashes() {
    let collection = vendor(json!({}))
        .call(
            "POST",
            "/data-deletions/v3.0",
            Some(json!({"distinct_ids": ["a"]})),
        )
        .await;
    assert_eq!(
        (collection.status, collection.header("location")),
        (301, Some("/api/app/data-deletions/v3.0/"))
    );

    for (word, with, without) in [
        ("both", 200, 200),
        ("required", 200, 0),
        ("forbidden", 0, 200),
    ] {
        for miss in [301, 404] {
            let vendor = vendor(json!({"item_slash": word, "item_slash_miss": miss}));
            let id = vendor.delete(&["a"]).await.task_id();
            let expect = |status| if status == 0 { miss } else { status };
            assert_eq!(vendor.deletion(&id).await.status, expect(with), "{word}");
            let answer = vendor
                .call("GET", &format!("/data-deletions/v3.0/{id}"), None)
                .await;
            assert_eq!(answer.status, expect(without), "{word}");
        }
    }
}

#[tokio::test]
async fn unknown_tasks_and_other_kinds() {
    let word = vendor(json!({}));
    assert_eq!(
        word.deletion("7").await.json()["results"]["status"],
        "NOT_FOUND"
    );
    let id = word.delete(&["a"]).await.task_id();
    assert_eq!(
        word.retrieval(&id).await.json()["results"]["status"],
        "NOT_FOUND"
    );
    assert_eq!(
        vendor(json!({"not_found": "404"}))
            .deletion("7")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn error_bodies() {
    let refused = |dialect| async { vendor(dialect).delete(&[]).await };
    let json: Answer = refused(json!({})).await;
    assert_eq!(
        (json.status, &json.json()["status"]),
        (400, &json!("error"))
    );
    let text = refused(json!({"error_body": "text"})).await;
    assert_eq!(text.text(), "distinct_ids must not be empty");
    assert!(
        refused(json!({"error_body": "html"}))
            .await
            .text()
            .starts_with("<!doctype html>")
    );
}

#[tokio::test]
async fn deletion_status_and_dates() {
    let short = vendor(json!({"full_deletion_status": false}));
    let id = short.delete(&["a"]).await.task_id();
    let results = short.deletion(&id).await.json()["results"].take();
    assert_eq!(
        results,
        json!({"status": "PENDING", "result": "", "distinct_ids": ["a"]})
    );

    for (form, date) in [
        ("seconds", "2023-11-14T22:13:21"),
        ("zulu", "2023-11-14T22:13:21.000000Z"),
    ] {
        let vendor = vendor(json!({"date_form": form}));
        let id = vendor.delete(&["a"]).await.task_id();
        assert_eq!(
            vendor.deletion(&id).await.json()["results"]["date_requested"],
            date
        );
    }
}

#[tokio::test]
async fn without_the_guard_an_id_can_be_deleted_twice() {
    let vendor = vendor(json!({"conflict_guard": false}));
    vendor.delete(&["a"]).await;
    assert_eq!(vendor.delete(&["a"]).await.status, 201);
    let summary = vendor.world.lock().unwrap().summary();
    assert_eq!((summary.ids_repeated, summary.max_per_id), (1, 2));
}

#[tokio::test]
async fn retry_after_is_word_for_word() {
    for value in ["0", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "315360000"] {
        let vendor = vendor(json!({"retry_after": value}));
        vendor.deletion("1").await;
        vendor.advance(-999);
        let answer = vendor.deletion("1").await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (429, Some(value))
        );
    }
}
