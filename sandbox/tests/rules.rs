//! What the vendor allows and refuses when nothing is broken.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod common;

use common::{DAY_MS, Vendor, answer, handle, options};
use dsrkit_sandbox::World;
use serde_json::{Value, json};

const SECOND: i64 = 1_000;

fn create(world: &mut World, kind: &str, body: Value, now_ms: i64) -> (u16, Value) {
    let reply = handle(
        world,
        "POST",
        &format!("/data-{kind}/v3.0/"),
        Some(body),
        now_ms,
    );
    (
        reply.status,
        serde_json::from_slice(&reply.body).unwrap_or_default(),
    )
}

#[test]
fn one_call_a_second() {
    let mut world = World::new(options(json!({})));
    let mut get = |now| handle(&mut world, "GET", "/data-deletions/v3.0/1/", None, now).status;
    assert_eq!(get(10_000), 200);
    assert_eq!(get(10_999), 429);
    assert_eq!(
        get(11_000),
        200,
        "a refused call does not push the limit on"
    );
    assert_eq!(get(11_500), 429);
    let summary = world.summary();
    assert_eq!(
        (summary.min_gap_ms, summary.too_many_requests),
        (Some(1), 2)
    );
    let reply = handle(&mut world, "GET", "/data-deletions/v3.0/1/", None, 11_600);
    assert!(
        String::from_utf8(reply.body)
            .unwrap()
            .contains("Too Many Requests, this API is limited to 1 req/s")
    );
}

#[test]
fn the_scan_budget_fills_and_empties() {
    let mut world = World::new(options(
        json!({"scan_budget_days": 1_000, "project_age_days": 800}),
    ));
    let gdpr = |id: &str| json!({"distinct_ids": [id]});
    let ccpa = |id: &str| json!({"distinct_ids": [id], "compliance_type": "CCPA", "disclosure_type": "Data"});
    let mut at = 0;
    let mut retrieve = |body, pause| {
        at += pause;
        create(&mut world, "retrievals", body, at)
    };
    assert_eq!(retrieve(gdpr("a"), SECOND).0, 201);
    let (status, body) = retrieve(ccpa("b"), SECOND);
    assert_eq!(status, 429);
    assert!(!body["error"].as_str().unwrap().contains("req/s"));
    assert_eq!(retrieve(ccpa("b"), 10 * DAY_MS).0, 201, "the first is done");
    assert_eq!(retrieve(ccpa("c"), SECOND).0, 201, "two years fit");
    assert_eq!(retrieve(gdpr("d"), SECOND).0, 429);

    let mut old = World::new(options(
        json!({"scan_budget_days": 1_000, "project_age_days": 5_000}),
    ));
    assert_eq!(
        create(&mut old, "retrievals", gdpr("a"), SECOND).0,
        201,
        "one alone always fits"
    );
}

#[test]
fn days_may_be_freed_while_the_task_works() {
    let day = u64::try_from(DAY_MS).unwrap();
    let mut world = World::new(options(json!({
        "scan_budget_days": 1_000, "project_age_days": 800, "scans_freed": "gradually",
        "job_ms": {"pending": [0, 0], "staging": [0, 0], "started": [10 * day, 10 * day]}})));
    let mut retrieve =
        |id: &str, at| create(&mut world, "retrievals", json!({"distinct_ids": [id]}), at).0;
    assert_eq!(retrieve("a", SECOND), 201);
    // 1,000 - 800 days are free from the start; 600 of the first one's must have been read.
    assert_eq!(retrieve("b", 7 * DAY_MS), 429);
    assert_eq!(retrieve("b", 8 * DAY_MS), 201);
}

#[test]
fn durations_may_be_lognormal() {
    let drawn = |seed: u64| {
        let mut world = World::new(options(json!({"seed": seed, "rate_interval_ms": 0,
            "job_lognormal": {"median_ms": 60_000.0, "sigma": 0.5}})));
        for n in 0..400 {
            create(
                &mut world,
                "deletions",
                json!({"distinct_ids": [n.to_string()]}),
                0,
            );
        }
        world.durations_ms()
    };
    let mut found = drawn(1);
    assert_eq!(found, drawn(1));
    assert_ne!(found, drawn(2));
    found.sort_unstable();
    assert!((54_000..66_000).contains(&found[200]), "{}", found[200]);
    // One in six is beyond e^0.5 = 1.65 times the median.
    assert!((90_000..110_000).contains(&found[337]), "{}", found[337]);
}

#[test]
fn limits_per_request() {
    let ids = |n: usize| json!({"distinct_ids": (0..n).map(|n| n.to_string()).collect::<Vec<_>>()});
    for (setting, kind, limit) in [
        (json!({}), "retrievals", 2_000),
        (json!({}), "deletions", 1_999),
        (json!({"data_groups": 3}), "deletions", 500),
    ] {
        let mut world = World::new(options(setting));
        let (status, body) = create(&mut world, kind, ids(limit + 1), SECOND);
        assert_eq!(status, 400);
        assert!(body["error"].as_str().unwrap().contains(&limit.to_string()));
        assert_eq!(create(&mut world, kind, ids(limit), 2 * SECOND).0, 201);
    }
    let mut world = World::new(options(json!({"too_many_status": 413})));
    assert_eq!(create(&mut world, "deletions", ids(3_000), SECOND).0, 413);
}

#[test]
fn wrong_requests_are_refused() {
    let mut world = World::new(options(json!({"bad_ids": ["evil"], "rate_interval_ms": 0})));
    for (kind, body) in [
        ("deletions", json!([])),
        ("deletions", json!({})),
        ("deletions", json!({"distinct_ids": []})),
        ("deletions", json!({"distinct_ids": [""]})),
        ("deletions", json!({"distinct_ids": [1]})),
        ("deletions", json!({"distinct_ids": "a"})),
        ("deletions", json!({"distinct_ids": ["a", "a"]})),
        (
            "deletions",
            json!({"distinct_ids": ["a"], "compliance_type": "gdpr"}),
        ),
        (
            "deletions",
            json!({"distinct_ids": ["a"], "compliance_type": "CCPA", "disclosure_type": "Data"}),
        ),
        (
            "retrievals",
            json!({"distinct_ids": ["a"], "disclosure_type": "Data"}),
        ),
        (
            "retrievals",
            json!({"distinct_ids": ["a"], "compliance_type": "CCPA", "disclosure_type": "DATA"}),
        ),
    ] {
        assert_eq!(
            create(&mut world, kind, body.clone(), SECOND).0,
            400,
            "{body}"
        );
    }
    let (status, body) = create(
        &mut world,
        "deletions",
        json!({"distinct_ids": ["ok", "evil"]}),
        SECOND,
    );
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("invalid distinct_id"))
    );
    assert!(world.summary().tasks.is_empty());
}

#[test]
fn one_running_id_refuses_the_batch() {
    let mut world = World::new(options(json!({"rate_interval_ms": 0})));
    let mut delete =
        |ids: &[&str], now| create(&mut world, "deletions", json!({"distinct_ids": ids}), now);
    let first = delete(&["a", "b"], SECOND).1["results"]["task_id"].clone();
    let (status, body) = delete(&["c", "b", "a"], SECOND);
    assert_eq!(status, 409);
    assert_eq!(body["status"], "error");
    assert_eq!(body["error"]["conflicting_distinct_ids"], json!(["b", "a"]));
    assert_eq!(body["error"]["conflicting_task_ids"], json!([first]));
    assert_eq!(
        delete(&["c"], SECOND).0,
        201,
        "nothing of the refused batch was taken"
    );
    assert_eq!(delete(&["a"], 10 * DAY_MS).0, 201, "the first is over");
}

#[test]
fn a_task_goes_its_way_and_is_cancelled_only_early() {
    let setting = json!({"rate_interval_ms": 0, "fail_tasks": [2], "revoke_tasks": [3],
        "job_ms": {"pending": [10, 10], "staging": [10, 10], "started": [10, 10]}});
    let mut world = World::new(options(setting));
    let id = |(_, body): (u16, Value)| body["results"]["task_id"].as_str().unwrap().to_owned();
    let ids: Vec<String> = ["a", "b", "c"]
        .map(|each| {
            id(create(
                &mut world,
                "deletions",
                json!({"distinct_ids": [each]}),
                100,
            ))
        })
        .into();
    let mut state = |id: &str, now| {
        let reply = handle(
            &mut world,
            "GET",
            &format!("/data-deletions/v3.0/{id}/"),
            None,
            now,
        );
        serde_json::from_slice::<Value>(&reply.body).unwrap()["results"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let seen: Vec<String> = [109, 110, 120, 130].map(|now| state(&ids[0], now)).into();
    assert_eq!(seen, ["PENDING", "STAGING", "STARTED", "SUCCESS"]);
    assert_eq!(
        (state(&ids[1], 130), state(&ids[2], 130)),
        ("FAILURE".into(), "REVOKED".into())
    );

    let mut cancel = |after: i64, body| {
        let now = world.last_now_ms();
        let id = id(create(
            &mut world,
            "deletions",
            json!({"distinct_ids": [format!("x{after}")]}),
            now,
        ));
        let reply = handle(
            &mut world,
            "DELETE",
            &format!("/data-deletions/v3.0/{id}/"),
            body,
            now + after,
        );
        reply.status
    };
    assert_eq!(cancel(0, Some(json!({"distinct_ids": ["x"]}))), 400);
    assert_eq!(
        [1, 15, 25, 35].map(|after| cancel(after, None)),
        [204, 204, 405, 405]
    );
    assert_eq!(
        handle(&mut world, "DELETE", "/data-deletions/v3.0/77/", None, 0).status,
        404
    );
    assert_eq!(
        handle(&mut world, "DELETE", "/data-deletions/v3.0/", None, 0).status,
        405
    );
}

#[tokio::test]
async fn credentials() {
    let vendor = Vendor::start(options(json!({
        "rate_interval_ms": 0, "oauth_tokens": ["second"], "forbidden_tokens": ["other"]})));
    for (auth, token, status) in [
        (
            Some("Bearer sandbox-oauth-token"),
            "sandbox-project-token",
            200,
        ),
        (Some("Bearer second"), "sandbox%2Dproject-token", 200),
        (Some("Bearer other"), "sandbox-project-token", 403),
        (Some("Bearer wrong"), "sandbox-project-token", 401),
        (
            Some("Basic sandbox-oauth-token"),
            "sandbox-project-token",
            401,
        ),
        (None, "sandbox-project-token", 401),
        (Some("Bearer second"), "wrong", 401),
    ] {
        let url = format!(
            "{}/data-deletions/v3.0/1/?token={token}",
            vendor.server.base_url()
        );
        let request = vendor.http.get(url);
        let request = match auth {
            Some(auth) => request.header("authorization", auth),
            None => request,
        };
        assert_eq!(
            answer(request).await.unwrap().status,
            status,
            "{auth:?} {token}"
        );
    }
    let world = vendor.world.lock().unwrap();
    let entries = world.ledger();
    assert_eq!(entries[0].token, entries[1].token);
    assert_ne!(entries[0].auth, entries[1].auth);
    assert_eq!(entries[5].auth, None);
    let text = serde_json::to_string(entries).unwrap();
    assert!(!text.contains("oauth-token") && !text.contains("project-token"));
}

#[test]
fn subject_request_ids_come_back() {
    let mut world = World::new(options(json!({})));
    let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let order = json!({"distinct_ids": ["a"], "subject_request_id": uuid, "status_callback_urls": ["https://x.invalid/"]});
    let (_, body) = create(&mut world, "deletions", order, SECOND);
    let path = format!(
        "/data-deletions/v3.0/{}/",
        body["results"]["task_id"].as_str().unwrap()
    );
    let reply = handle(&mut world, "GET", &path, None, 2 * SECOND);
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["results"]["subject_request_id"], uuid);
}
