//! Nothing secret goes where it must not: not to a redirect's target, not to the archive store, not
//! into errors, events, `Debug`, or the journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dsrkit::{Client, CollectOptions, Journal, Kind, Settings};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::{plan, sandbox};

const PROJECT: &str = "canaryproject4711";
const OAUTH: &str = "canaryoauth4712";
const SECRET: &str = "canarysecret4713";

/// Somebody who listens for what should not come.
fn eavesdropper() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    (port, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn redirects_get_not_one_byte() {
    let (port, heard) = eavesdropper();
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("http://127.0.0.1:{port}/api/app/data-deletions/v3.0/"),
            format!("http://localhost:{port}/"),
            "/api/app/data-deletions/v3.0/1/".to_owned(),
            "http://elsewhere.example/".to_owned(),
        ] {
            let faults = json!([
                {"on": "create_deletion", "kind": "redirect", "status": status, "location": location},
                {"on": "get_deletion", "kind": "redirect", "status": status, "location": location, "times": 2},
                {"on": "cancel_deletion", "kind": "redirect", "status": status, "location": location, "times": 2},
            ]);
            let sandbox = sandbox(json!({}), &faults);
            let client = Client::builder(sandbox.mixpanel().build().unwrap())
                .build()
                .unwrap();
            let plan = plan(&client, Kind::Deletion, 2);
            let run = plan.start(Some(&plan.confirm()), false).unwrap();
            client.tick().await.unwrap();
            run.cancel().await.unwrap();
            run.wait().await.unwrap();
            let methods: std::collections::BTreeSet<String> = sandbox
                .ledger()
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| {
                    format!(
                        "{} {}",
                        entry["method"].as_str().unwrap(),
                        entry["operation"].as_str().unwrap()
                    )
                })
                .collect();
            // A followed redirect would have come back as a GET of something unknown.
            assert!(
                methods.iter().all(|method| !method.ends_with("other")),
                "{methods:?}"
            );
        }
    }
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn canaries_are_nowhere() {
    let options = json!({"project_token": PROJECT, "oauth_token": OAUTH, "archive_secret": SECRET, "fail_tasks": [2]});
    let mut said = String::new();
    for fault in [
        "status",
        "html",
        "drop_after",
        "truncated_json",
        "redirect",
        "conflict_empty",
        "reset",
    ] {
        for on in [
            "create_deletion",
            "get_deletion",
            "create_retrieval",
            "download",
        ] {
            let fault = json!([{"on": on, "kind": fault, "status": if fault == "redirect" { 302 } else { 400 },
                "location": format!("https://elsewhere.example/?token={PROJECT}"),
                "body": format!("no such distinct_id canary-person-1 {OAUTH}"), "times": 9}]);
            let sandbox = dsrkit::sandbox::Sandbox::start(dsrkit::sandbox::SandboxOptions {
                vendor: options.clone(),
                ..Default::default()
            })
            .unwrap();
            if sandbox.faults(&fault).is_err() {
                continue; // this fault cannot happen on this call
            }
            let place = tempfile::tempdir().unwrap();
            let journal = place.path().join("dsr.sqlite3");
            let settings = Settings {
                lost_after: std::time::Duration::from_secs(600),
                ..Settings::default()
            };
            let vendor = sandbox.mixpanel().build().unwrap();
            said.push_str(&format!("{vendor:?} {settings:?}"));
            let client = Client::builder(vendor)
                .journal(Journal::sqlite(&journal).unwrap())
                .settings(settings)
                .build()
                .unwrap();
            let ids = ["canary-person-1", "canary-person-2"];
            let job = client
                .create_deletion(["canary-person-3"], dsrkit::Compliance::Gdpr)
                .await;
            said.push_str(&format!("{job:?}"));
            for kind in [Kind::Deletion, Kind::Retrieval] {
                let plan = client
                    .freeze(
                        dsrkit::IdSource::iter(ids),
                        support::terms(kind),
                        &dsrkit::PlanOptions::default(),
                    )
                    .unwrap();
                said.push_str(&format!("{plan:?} {client:?}"));
                let run = plan.start(Some(&plan.confirm()), false).unwrap();
                let mut events = run.events_after(0);
                loop {
                    match events.next().await {
                        Ok(Some(event)) => said.push_str(&format!("{event:?}")),
                        Ok(None) => break,
                        Err(error) => {
                            said.push_str(&format!("{error} {error:?} {}", error.hint()));
                            break;
                        }
                    }
                }
                said.push_str(&format!("{:?}", run.report().unwrap()));
                if kind == Kind::Retrieval {
                    let out = place.path().join("out");
                    said.push_str(&format!(
                        "{:?}",
                        run.collect(&out, &CollectOptions::default()).await
                    ));
                }
            }
            for file in std::fs::read_dir(place.path()).unwrap().flatten() {
                if file.path().is_file() {
                    let bytes = std::fs::read(file.path()).unwrap();
                    for canary in [PROJECT, OAUTH, SECRET, "sig="] {
                        let found = bytes
                            .windows(canary.len())
                            .any(|window| window == canary.as_bytes());
                        assert!(!found, "a secret is in {}", file.path().display());
                    }
                }
            }
        }
    }
    assert!(said.len() > 10_000);
    for canary in [PROJECT, OAUTH, SECRET, "canary-person", "sig="] {
        if let Some(at) = said.find(canary) {
            panic!(
                "a canary was said: …{}…",
                &said[at.saturating_sub(200)..(at + 60).min(said.len())]
            );
        }
    }
}
