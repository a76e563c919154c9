//! Status callbacks: only the vendor's are heard, they make a run look sooner, and what is true is
//! what the status endpoint says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use dsrkit::sandbox::{Sandbox, SandboxCallback};
use dsrkit::{
    Callback, CallbackKey, CallbackReceiver, CallbackRequest, CallbackStatus, Client, ErrorKind,
    EventKind, Heard, JobStatus, Journal, Kind, RunHandle, RunState, verify_callback,
};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tower_service::Service as _;

#[path = "support/mod.rs"]
mod support;
use support::{plan, sandbox, submissions};

const URL: &str = "https://dsr.example.com/mixpanel";
const HOUR: i64 = 3_600_000;

/// Tasks that take exactly ten hours.
fn vendor(callbacks: Value) -> Value {
    let job =
        json!({"pending": [HOUR, HOUR], "staging": [HOUR, HOUR], "started": [8 * HOUR, 8 * HOUR]});
    json!({"job_ms": job, "callbacks": callbacks})
}

fn client(sandbox: &Sandbox, journal: &std::path::Path) -> Client {
    let project = sandbox.mixpanel().status_callback_url(URL).build().unwrap();
    Client::builder(project)
        .journal(Journal::sqlite(journal).unwrap())
        .seed(1)
        .build()
        .unwrap()
}

fn key(sandbox: &Sandbox) -> CallbackKey {
    CallbackKey::from_pem(sandbox.callback_key()).unwrap()
}

fn check(call: &SandboxCallback, key: &CallbackKey) -> dsrkit::Result<Callback> {
    let headers = call
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    verify_callback(&call.body, headers, key, Some(URL))
}

/// Hands over what is due; gives what the client made of each, none for what was refused.
async fn deliver(sandbox: &Sandbox, client: &Client) -> Vec<Option<Heard>> {
    let key = key(sandbox);
    let mut heard = Vec::new();
    for call in sandbox.callbacks().unwrap() {
        let Ok(callback) = check(&call, &key) else {
            heard.push(None);
            continue;
        };
        heard.push(Some(client.receive_callback(&callback).await.unwrap()));
        sandbox.callback_answered(&call.call, 202).unwrap();
    }
    heard
}

fn start(client: &Client, kind: Kind, count: usize) -> RunHandle {
    let plan = plan(client, kind, count);
    let confirm = plan.confirm();
    let confirm = (kind == Kind::Deletion).then_some(confirm.as_str());
    plan.start(confirm, false).unwrap()
}

fn calls(sandbox: &Sandbox, operation: &str) -> u64 {
    sandbox.summary()["calls"][operation].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_callback_speeds_a_run_up() {
    for told in [true, false] {
        let sandbox = sandbox(vendor(json!({})), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
        let run = start(&client, Kind::Deletion, 3);
        client.tick().await.unwrap();
        // A minute before the end the run looks, so that its next look is far away.
        sandbox.advance(10 * HOUR - 60_000).unwrap();
        client.tick().await.unwrap();
        sandbox.advance(90_000).unwrap();
        if told {
            let heard = deliver(&sandbox, &client).await;
            assert_eq!(heard.last(), Some(&Some(Heard::News)));
            sandbox.advance(60_000).unwrap();
        } else {
            sandbox.advance(60_000).unwrap();
        }
        client.tick().await.unwrap();
        let state = run.state().unwrap();
        assert_eq!(state == RunState::Finished, told, "{state}");
        assert_eq!(run.wait().await.unwrap().counts.get("done"), Some(&3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_callback_is_news_once() {
    let sandbox = sandbox(vendor(json!({})), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
    let run = start(&client, Kind::Deletion, 3);
    client.tick().await.unwrap();
    sandbox.advance(2 * HOUR - 60_000).unwrap();
    client.tick().await.unwrap();
    sandbox.advance(120_000).unwrap();
    let key = key(&sandbox);
    let due = sandbox.callbacks().unwrap();
    let started = check(due.last().unwrap(), &key).unwrap();
    assert_eq!(started.status, CallbackStatus::InProgress);
    assert_eq!(
        client.receive_callback(&started).await.unwrap(),
        Heard::News
    );
    // Sent again, by the vendor or by whoever saw it, before the look and after it.
    assert_eq!(
        client.receive_callback(&started).await.unwrap(),
        Heard::Nothing
    );
    client.tick().await.unwrap();
    let looks = calls(&sandbox, "get_deletion");
    for _ in 0..20 {
        assert_eq!(
            client.receive_callback(&started).await.unwrap(),
            Heard::Nothing
        );
        client.tick().await.unwrap();
    }
    assert_eq!(calls(&sandbox, "get_deletion"), looks);
    let mut events = run.events_after(0);
    let mut told = 0;
    while let Some(event) = events.next().await.unwrap() {
        told += usize::from(event.kind == EventKind::Callback);
    }
    assert_eq!(told, 1);
    // And after the end.
    assert_eq!(
        client.receive_callback(&started).await.unwrap(),
        Heard::Nothing
    );
    client.verify_journal().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_callback_says_is_not_believed() {
    let lies = json!([{"on": "get_deletion", "nth": 1, "times": 3, "kind": "status_word", "word": "STARTED"}]);
    let sandbox = sandbox(vendor(json!({})), &lies);
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
    let run = start(&client, Kind::Deletion, 3);
    client.tick().await.unwrap();
    sandbox.advance(11 * HOUR).unwrap();
    let due = sandbox.callbacks().unwrap();
    let completed = check(due.last().unwrap(), &key(&sandbox)).unwrap();
    assert_eq!(completed.status, CallbackStatus::Completed);
    // However often it is said: at most one look a minute, and the run believes what it sees there.
    for _ in 0..10 {
        client.receive_callback(&completed).await.unwrap();
        client.tick().await.unwrap();
    }
    assert!(calls(&sandbox, "get_deletion") <= 2);
    assert_ne!(run.state().unwrap(), RunState::Finished);
    assert_eq!(run.wait().await.unwrap().counts.get("done"), Some(&3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn late_twice_out_of_order_or_forged_they_change_nothing_else() {
    for how in [
        json!({}),
        json!({"late_ms": 5 * HOUR}),
        json!({"twice": true}),
        json!({"newest_first": true, "twice": true}),
        json!({"forged": "key"}),
        json!({"forged": "body"}),
        json!({"forged": "unsigned"}),
        json!({"forged": "domain"}),
        json!({"forged": "url"}),
    ] {
        let sandbox = sandbox(vendor(how.clone()), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
        let run = start(&client, Kind::Deletion, 3);
        let (mut forged, mut real) = (0, 0);
        for _ in 0..16 {
            client.tick().await.unwrap();
            for heard in deliver(&sandbox, &client).await {
                *(if heard.is_none() {
                    &mut forged
                } else {
                    &mut real
                }) += 1;
            }
            sandbox.advance(HOUR).unwrap();
        }
        let states = if how["twice"] == json!(true) { 6 } else { 3 };
        assert_eq!(real, states, "{how}");
        assert_eq!(forged, if how["forged"].is_null() { 0 } else { 3 }, "{how}");
        assert_eq!(run.wait().await.unwrap().counts.get("done"), Some(&3));
        assert_eq!(submissions(&sandbox), (1, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_not_taken_comes_again_with_the_same_bytes() {
    let sandbox = sandbox(vendor(json!({})), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
    start(&client, Kind::Retrieval, 3);
    client.tick().await.unwrap();
    let first = sandbox.callbacks().unwrap();
    assert_eq!(first.len(), 1);
    sandbox.callback_answered(&first[0].call, 503).unwrap();
    assert!(sandbox.callbacks().unwrap().is_empty());
    sandbox.advance(15 * 60_000).unwrap();
    let again = sandbox.callbacks().unwrap();
    assert_eq!(
        (&first[0].body, &first[0].headers),
        (&again[0].body, &again[0].headers)
    );
    sandbox.callback_answered(&again[0].call, 202).unwrap();
    sandbox.advance(15 * 60_000).unwrap();
    assert!(sandbox.callbacks().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_callback_finds_the_retrieval_whose_answer_was_lost() {
    let lost = json!([{"on": "create_retrieval", "nth": 1, "kind": "drop_after"}]);
    let sandbox = sandbox(vendor(json!({})), &lost);
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
    let run = start(&client, Kind::Retrieval, 3);
    client.tick().await.unwrap();
    assert_eq!(deliver(&sandbox, &client).await, [Some(Heard::Found)]);
    let report = run.wait().await.unwrap();
    assert_eq!(report.counts.get("done"), Some(&3));
    assert_eq!(report.jobs.len(), 1);
    assert_eq!(report.ambiguous.len(), 1, "it stays in the account");
    assert_eq!(submissions(&sandbox), (1, 3));
    assert_eq!(calls(&sandbox, "create_retrieval"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_two_vocabularies_are_mapped_apart() {
    let mut options = vendor(json!({}));
    options["fail_tasks"] = json!([1]);
    options["revoke_tasks"] = json!([2]);
    let sandbox = sandbox(options, &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
    start(&client, Kind::Retrieval, 2500);
    start(&client, Kind::Deletion, 1);
    for _ in 0..200 {
        client.tick().await.unwrap();
        sandbox.advance(HOUR).unwrap();
    }
    let key = key(&sandbox);
    let due = sandbox.callbacks().unwrap();
    let ends: Vec<Callback> = due
        .iter()
        .map(|call| check(call, &key).unwrap())
        .filter(|told| {
            told.status
                .job_status()
                .is_some_and(|word| word.is_terminal())
        })
        .collect();
    let status = |job: JobStatus| {
        ends.iter()
            .find(|told| told.status.job_status() == Some(job.clone()))
    };
    let failed = status(JobStatus::Failure).unwrap();
    assert_eq!(failed.status, CallbackStatus::Failed);
    let revoked = status(JobStatus::Revoked).unwrap();
    assert_eq!(revoked.status, CallbackStatus::Cancelled);
    let done = status(JobStatus::Success).unwrap();
    assert_eq!(done.status, CallbackStatus::Completed);
    let asked = |what| ends.iter().filter(|told| told.request == what).count();
    assert_eq!(asked(CallbackRequest::Access), 2);
    assert_eq!(asked(CallbackRequest::Erasure), 1);
    // On the wire the failure and the cancel bear the same word.
    let cancelled = due.iter().filter(|call| {
        String::from_utf8_lossy(&call.body).contains("\"request_status\":\"cancelled\"")
    });
    assert_eq!(cancelled.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_the_vendors_callbacks_are_let_through() {
    let sandbox = sandbox(vendor(json!({})), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let client = client(&sandbox, &place.path().join("dsr.sqlite3"));
    start(&client, Kind::Retrieval, 1);
    client.tick().await.unwrap();
    let call = sandbox.callbacks().unwrap().remove(0);
    let key = key(&sandbox);
    check(&call, &key).unwrap();
    let tamper = |change: &dyn Fn(&mut SandboxCallback)| {
        let mut wrong = call.clone();
        change(&mut wrong);
        let error = check(&wrong, &key).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!error.to_string().contains("user-0"));
    };
    // Any byte of the body, as the vendor wrote it: even a blank that no parser sees.
    tamper(&|wrong| wrong.body.push(b' '));
    for at in (0..call.body.len()).step_by(7) {
        tamper(&|wrong| wrong.body[at] ^= 1);
    }
    for (name, value) in [
        ("x-opendsr-processor-domain", "opendsr.mixpanel.com."),
        ("x-opendsr-processor-domain", "OPENDSR.mixpanel.com"),
        (
            "x-opendsr-processor-domain",
            "evil.example/opendsr.mixpanel.com",
        ),
        ("x-opendsr-signature", ""),
        ("x-opendsr-signature", "AAAA"),
        ("x-opendsr-signature", "not base64!"),
    ] {
        let set = |(known, old): &mut (String, String)| {
            if known == name {
                value.clone_into(old);
            }
        };
        tamper(&|wrong| wrong.headers.iter_mut().for_each(set));
        tamper(&|wrong| wrong.headers.retain(|(known, _)| known != name));
        tamper(&|wrong| wrong.headers.push((name.to_uppercase(), value.to_owned())));
    }
    let headers = || {
        call.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    };
    let elsewhere = verify_callback(
        &call.body,
        headers(),
        &key,
        Some("https://dsr.example.com/"),
    );
    assert!(elsewhere.unwrap_err().message().contains("another address"));
    let huge = vec![b' '; 70_000];
    assert!(verify_callback(&huge, headers(), &key, None).is_err());
    let shown = format!("{:?} {key:?}", check(&call, &key).unwrap());
    assert!(!shown.contains("sig="), "a signed link is shown");
}

#[test]
fn a_key_comes_from_a_certificate_or_by_itself() {
    let sandbox = sandbox(json!({}), &json!([]));
    let bare = CallbackKey::from_pem(sandbox.callback_key());
    bare.unwrap();
    CallbackKey::from_pem(sandbox.callback_certificate()).unwrap();
    let ec = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEI0Ev3OOFB4Ekqf2oH1Y3Y5j1nJ0q\nKcnO4Xx1rR4nLJX5vM3uX6nM0o9p2rTTU5yq0J6lQ7yG1p0s6m3y3g1xVw==\n-----END PUBLIC KEY-----\n";
    for wrong in [
        "",
        "opendsr",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        ec,
    ] {
        let error = CallbackKey::from_pem(wrong).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

#[test]
fn addresses_that_the_vendor_would_refuse_are_refused_here() {
    let sandbox = sandbox(json!({}), &json!([]));
    for bad in [
        "http://dsr.example.com/",
        "dsr.example.com",
        "https://u:p@dsr.example.com/",
        "",
    ] {
        let error = sandbox
            .mixpanel()
            .status_callback_url(bad)
            .build()
            .expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    let six = (0..6).fold(sandbox.mixpanel(), |project, n| {
        project.status_callback_url(format!("https://dsr.example.com/{n}"))
    });
    assert_eq!(six.build().expect_err("six").kind(), ErrorKind::Config);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_receiver_answers_what_the_vendor_expects() {
    let sandbox = sandbox(vendor(json!({})), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("dsr.sqlite3");
    let client = client(&sandbox, &journal);
    start(&client, Kind::Deletion, 3);
    client.tick().await.unwrap();
    sandbox.advance(3 * HOUR).unwrap();
    let call = sandbox.callbacks().unwrap().pop().unwrap();
    let receiver = CallbackReceiver::new(client.clone(), key(&sandbox), URL);
    let ask = |method: &str, body: Vec<u8>| {
        let mut request = Request::builder().method(method).uri("/mixpanel");
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let mut receiver = receiver.clone();
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        async move { receiver.call(request).await.unwrap().status() }
    };
    assert_eq!(ask("GET", Vec::new()).await, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask("POST", b"{}".to_vec()).await, StatusCode::FORBIDDEN);
    assert_eq!(
        ask("POST", vec![b' '; 100_000]).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(ask("POST", call.body.clone()).await, StatusCode::ACCEPTED);
    assert_eq!(
        ask("POST", call.body.clone()).await,
        StatusCode::ACCEPTED,
        "a replay is fine"
    );
    let looks = calls(&sandbox, "get_deletion");
    client.tick().await.unwrap();
    assert_eq!(calls(&sandbox, "get_deletion"), looks + 1);
}
