//! The store and the control routes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod common;

use common::{DAY_MS, Vendor, answer, options};
use serde_json::{Value, json};

#[tokio::test]
async fn links_are_fresh_signed_and_expire() {
    let vendor = Vendor::start(options(json!({"link_ttl_ms": 5_000})));
    let link = vendor.link().await;
    assert_eq!(vendor.fetch(&link, &[]).await.unwrap().status, 200);
    let id = link
        .split("/archive/")
        .nth(1)
        .unwrap()
        .split('.')
        .next()
        .unwrap()
        .to_owned();
    vendor.advance(5_000);
    assert_eq!(vendor.fetch(&link, &[]).await.unwrap().status, 403);
    let fresh = vendor.retrieval(&id).await.json()["results"]["result"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(fresh, link);
    assert_eq!(vendor.fetch(&fresh, &[]).await.unwrap().status, 200);
    let later = fresh.replace("expires=1", "expires=2");
    assert_ne!(later, fresh);
    assert_eq!(
        vendor.fetch(&later, &[]).await.unwrap().status,
        403,
        "the end is signed"
    );
    let other = fresh.replace(&id, "1");
    assert_eq!(
        vendor.fetch(&other, &[]).await.unwrap().status,
        403,
        "the path is signed"
    );
}

#[tokio::test]
async fn ranges_and_entity_tags() {
    let vendor = Vendor::start(options(json!({})));
    let link = vendor.link().await;
    let whole = vendor.fetch(&link, &[]).await.unwrap();
    let etag = whole.header("etag").unwrap().to_owned();
    let part = vendor
        .fetch(&link, &[("range", "bytes=10-19"), ("if-range", &etag)])
        .await
        .unwrap();
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[10..20]));
    let range = format!("bytes 10-19/{}", whole.body.len());
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    let changed = vendor
        .fetch(
            &link,
            &[("range", "bytes=10-19"), ("if-range", "\"other\"")],
        )
        .await
        .unwrap();
    assert_eq!(
        (changed.status, changed.body.len()),
        (200, whole.body.len())
    );
    assert_eq!(
        vendor
            .fetch(&link, &[("range", "bytes=999999-")])
            .await
            .unwrap()
            .status,
        416
    );
}

#[tokio::test]
async fn credentials_at_the_store_are_noticed() {
    let vendor = Vendor::start(options(json!({})));
    let link = vendor.link().await;
    vendor.fetch(&link, &[]).await.unwrap();
    let leaks = || {
        vendor
            .world
            .lock()
            .unwrap()
            .summary()
            .store_requests_with_credentials
    };
    assert_eq!(leaks(), 0);
    vendor
        .fetch(&link, &[("authorization", "Basic x")])
        .await
        .unwrap();
    vendor
        .fetch(
            &link,
            &[("referer", "http://x/?token=sandbox-project-token")],
        )
        .await
        .unwrap();
    assert_eq!(leaks(), 2);
}

#[tokio::test]
async fn control_routes() {
    let vendor = Vendor::start(options(json!({})));
    let root = vendor.server.base_url().replace("/api/app", "/_sandbox");
    let post = |name: &str, body: Value| {
        answer(
            vendor
                .http
                .post(format!("{root}/{name}"))
                .body(body.to_string()),
        )
    };
    let get = |name: &str| answer(vendor.http.get(format!("{root}/{name}")));

    let faults = json!([{"on": "create_deletion", "kind": "status", "status": 500}]);
    assert_eq!(post("faults", faults).await.unwrap().status, 200);
    assert_eq!(
        post(
            "faults",
            json!([{"on": "create_deletion", "kind": "nonsense"}])
        )
        .await
        .unwrap()
        .status,
        400
    );
    assert_eq!(vendor.delete(&["a"]).await.status, 500);
    let id = vendor.delete(&["a"]).await.task_id();
    assert_eq!(
        post("advance", json!({"ms": 10 * DAY_MS}))
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        post("advance", json!({"ms": -1})).await.unwrap().status,
        400
    );
    assert_eq!(
        vendor.deletion(&id).await.json()["results"]["status"],
        "SUCCESS"
    );

    let ledger = get("ledger").await.unwrap().json();
    assert_eq!(
        ledger.as_array().unwrap().len(),
        3,
        "control is not in the ledger"
    );
    assert_eq!(
        (&ledger[0]["fault"], &ledger[1]["operation"]),
        (&json!("status"), &json!("create_deletion"))
    );
    let summary = get("summary").await.unwrap().json();
    assert_eq!(
        (&summary["calls"]["create_deletion"], &summary["min_gap_ms"]),
        (&json!(2), &json!(1_000))
    );
    assert_eq!(get("other").await.unwrap().status, 404);
}

#[tokio::test]
async fn stopping_frees_the_ports_though_a_connection_is_open() {
    let vendor = Vendor::start(options(json!({})));
    vendor.delete(&["a"]).await;
    let base = vendor.server.base_url();
    vendor.server.stop();
    vendor.server.stop();
    assert!(vendor.http.get(base).send().await.is_err());
}
