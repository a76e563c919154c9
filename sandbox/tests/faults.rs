//! Each fault, over real HTTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod common;

use std::io::{Cursor, Read as _};

use common::{Vendor, fault, options};
use dsrkit_sandbox::{FaultKind, World};
use serde_json::{Value, json};
use zip::ZipArchive;

fn broken(json: Value) -> Vendor {
    Vendor::with_fault(fault(json))
}

/// Status and `processed` of the only create in the ledger.
fn first(vendor: &Vendor) -> (Option<u16>, bool, Option<FaultKind>) {
    let world = vendor.world.lock().unwrap();
    let entry = world.ledger().first().unwrap();
    assert_eq!(entry.ids, ["a"], "ids are noted whatever happens");
    (entry.status, entry.processed, entry.fault)
}

#[tokio::test]
async fn lost_before_and_after_processing() {
    let body = || Some(json!({"distinct_ids": ["a"]}));
    for (kind, processed) in [
        ("drop_before", false),
        ("drop_after", true),
        ("reset", true),
    ] {
        let vendor = broken(json!({"on": "create_deletion", "kind": kind}));
        assert!(
            vendor
                .try_call("POST", "/data-deletions/v3.0/", body())
                .await
                .is_err(),
            "{kind}"
        );
        let (status, done, _) = first(&vendor);
        assert_eq!(done, processed, "{kind}");
        assert_eq!(status.is_some(), kind == "reset");
        // The identical call tells: 201 when it had been lost, 409 when it had arrived.
        assert_eq!(
            vendor.delete(&["a"]).await.status,
            if processed { 409 } else { 201 },
            "{kind}"
        );
    }
}

#[tokio::test]
async fn statuses_with_and_without_processing() {
    let vendor = broken(
        json!({"on": "create_deletion", "kind": "status", "status": 503,
        "nth": 2, "times": 2, "body": "later", "headers": {"Retry-After": "7"}}),
    );
    assert_eq!(vendor.delete(&["a"]).await.status, 201);
    for _ in 0..2 {
        let answer = vendor.delete(&["b"]).await;
        assert_eq!(
            (
                answer.status,
                answer.text().as_str(),
                answer.header("retry-after")
            ),
            (503, "later", Some("7"))
        );
    }
    assert_eq!(vendor.delete(&["b"]).await.status, 201);

    let vendor = broken(json!({"on": "any", "kind": "status", "status": 504, "processed": true}));
    assert_eq!(vendor.delete(&["a"]).await.status, 504);
    assert_eq!(first(&vendor), (Some(504), true, Some(FaultKind::Status)));

    for status in [401, 403, 404, 429] {
        let vendor = broken(json!({"on": "create_deletion", "kind": "status", "status": status}));
        assert_eq!(vendor.delete(&["a"]).await.status, status);
        assert!(!first(&vendor).1);
    }
}

#[tokio::test]
async fn answers_that_can_not_be_read() {
    let vendor = broken(json!({"on": "create_deletion", "kind": "truncated_json"}));
    let answer = vendor.delete(&["a"]).await;
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
    assert!(first(&vendor).1);

    let vendor = broken(json!({"on": "create_deletion", "kind": "html"}));
    let answer = vendor.delete(&["a"]).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (201, Some("text/html"))
    );
    assert!(first(&vendor).1);

    let vendor = broken(json!({"on": "create_deletion", "kind": "no_id"}));
    assert_eq!(
        vendor.delete(&["a"]).await.json(),
        json!({"status": "ok", "results": {}})
    );
    assert!(first(&vendor).1);

    for processed in [false, true] {
        let vendor = broken(
            json!({"on": "create_deletion", "kind": "error_in_200", "processed": processed}),
        );
        let answer = vendor.delete(&["a"]).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!("error"))
        );
        assert_eq!(first(&vendor).1, processed);
    }

    let vendor = broken(
        json!({"on": "create_deletion", "kind": "redirect", "status": 307, "location": "https://x.invalid/"}),
    );
    let answer = vendor.delete(&["a"]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (307, Some("https://x.invalid/"))
    );
    assert!(!first(&vendor).1);
}

#[tokio::test]
async fn slow_bodies_arrive_whole() {
    let vendor =
        broken(json!({"on": "create_deletion", "kind": "slow_body", "chunk": 7, "pause_ms": 1}));
    let answer = vendor.delete(&["a"]).await;
    assert_eq!(answer.task_id().len(), 19);
    assert_eq!(vendor.world.lock().unwrap().ledger()[0].wire, "slow");
}

#[tokio::test]
async fn conflicts_that_do_not_help() {
    let vendor = broken(json!({"on": "create_deletion", "kind": "conflict_foreign", "ids": ["z"]}));
    let answer = vendor.delete(&["a"]).await;
    assert_eq!(
        (
            answer.status,
            &answer.json()["error"]["conflicting_distinct_ids"]
        ),
        (409, &json!(["z"]))
    );
    assert!(!first(&vendor).1);

    let vendor = broken(json!({"on": "create_deletion", "kind": "conflict_empty"}));
    let answer = vendor.delete(&["a"]).await;
    assert_eq!((answer.status, answer.body.len()), (409, 0));
}

#[tokio::test]
async fn statuses_that_are_not_true() {
    let vendor = broken(json!({"on": "get_deletion", "kind": "status_word", "word": "QUEUED"}));
    let id = vendor.delete(&["a"]).await.task_id();
    assert_eq!(
        vendor.deletion(&id).await.json()["results"]["status"],
        "QUEUED"
    );
    assert_eq!(
        vendor.deletion(&id).await.json()["results"]["status"],
        "PENDING"
    );

    let vendor = broken(json!({"on": "get_deletion", "kind": "foreign_echo"}));
    let id = vendor.delete(&["a"]).await.task_id();
    assert_ne!(
        vendor.deletion(&id).await.json()["results"]["distinct_ids"],
        json!(["a"])
    );

    let vendor = Vendor::start(options(
        json!({"lag_not_found_polls": 1, "status_words": ["UNKNOWN", "QUEUED"]}),
    ));
    let id = vendor.delete(&["a"]).await.task_id();
    for word in ["NOT_FOUND", "UNKNOWN", "QUEUED", "PENDING"] {
        assert_eq!(vendor.deletion(&id).await.json()["results"]["status"], word);
    }
}

#[tokio::test]
async fn bad_archives() {
    let read = |bytes: &[u8]| -> Result<(), zip::result::ZipError> {
        let mut zip = ZipArchive::new(Cursor::new(bytes))?;
        zip.by_index_decrypt(0, b"sandbox-archive-secret")?
            .read_to_end(&mut Vec::new())?;
        Ok(())
    };
    for kind in ["corrupt_archive", "wrong_secret"] {
        let vendor = broken(json!({"on": "download", "kind": kind}));
        let link = vendor.link().await;
        assert!(
            read(&vendor.fetch(&link, &[]).await.unwrap().body).is_err(),
            "{kind}"
        );
        read(&vendor.fetch(&link, &[]).await.unwrap().body).unwrap();
    }

    let vendor = broken(json!({"on": "download", "kind": "truncated_archive"}));
    let link = vendor.link().await;
    let mut response = vendor.http.get(&link).send().await.unwrap();
    let length = response.content_length().unwrap();
    let mut start = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        start.extend_from_slice(&piece);
    }
    assert_eq!(start.len() as u64, length / 2);
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let range = format!("bytes={}-", start.len());
    let rest = vendor
        .fetch(&link, &[("range", &range), ("if-range", &etag)])
        .await
        .unwrap();
    assert_eq!(rest.status, 206);
    start.extend(rest.body);
    read(&start).unwrap();
}

#[tokio::test]
async fn links_that_expired() {
    let vendor = broken(json!({"on": "get_retrieval", "kind": "expired_link"}));
    let link = vendor.link().await;
    assert_eq!(vendor.fetch(&link, &[]).await.unwrap().status, 403);

    let vendor = broken(json!({"on": "download", "kind": "expired_link"}));
    let link = vendor.link().await;
    assert_eq!(vendor.fetch(&link, &[]).await.unwrap().status, 403);
    assert_eq!(vendor.fetch(&link, &[]).await.unwrap().status, 200);
}

#[test]
fn scripts_with_mistakes_are_refused() {
    let mut world = World::new(options(json!({})));
    for wrong in [
        json!({"on": "create_deletion", "kind": "corrupt_archive"}),
        json!({"on": "download", "kind": "no_id"}),
        json!({"on": "download", "kind": "status"}),
        json!({"on": "other", "kind": "drop_after"}),
        json!({"on": "any", "kind": "drop_after", "nth": 0}),
        json!({"on": "any", "kind": "status", "status": 99}),
    ] {
        assert!(
            world.add_faults(vec![fault(wrong.clone())]).is_err(),
            "{wrong}"
        );
    }
    let unknown = json!({"on": "any", "kind": "drop_after", "nht": 2});
    assert!(serde_json::from_value::<dsrkit_sandbox::Fault>(unknown).is_err());
}
