//! Nothing secret goes where it must not: not to a redirect's target, not to the archive store, not
//! into errors, events, `Debug`, or the journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dsrkit::{Client, CollectOptions, Journal, Kind, Settings};
use serde_json::json;

#[path = "support/capture.rs"]
mod capture;
#[path = "leaks/panics.rs"]
mod panics;
#[path = "support/mod.rs"]
mod support;
use support::{plan, sandbox};

const PROJECT: &str = "canaryproject4711";
const OAUTH: &str = "canaryoauth4712";
const SECRET: &str = "canarysecret4713";
/// What a signed link is opened with, in the simulated vendor's links and in those of this file.
const SIGNATURE: &str = "sig=";
/// Three people.
const PERSON: &str = "canary-person";

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

/// The vendor's answers to these calls go wrong in these ways.
const FAULTS: [&str; 7] = [
    "status",
    "html",
    "drop_after",
    "truncated_json",
    "redirect",
    "conflict_empty",
    "reset",
];
const CALLS: [&str; 6] = [
    "create_deletion",
    "get_deletion",
    "cancel_deletion",
    "create_retrieval",
    "get_retrieval",
    "download",
];

/// A run of each kind through one fault: all that anything says on the way.
async fn said_through(fault: &str, on: &str, place: &std::path::Path) -> Option<String> {
    let options = json!({"project_token": PROJECT, "oauth_token": OAUTH, "archive_secret": SECRET, "fail_tasks": [2]});
    let faults = json!([{"on": on, "kind": fault, "status": if fault == "redirect" { 302 } else { 400 },
        "location": format!("https://elsewhere.example/?token={PROJECT}"),
        "body": format!("no such distinct_id {PERSON}-1 {OAUTH}"), "times": 9}]);
    let options = dsrkit::sandbox::SandboxOptions {
        vendor: options,
        ..Default::default()
    };
    let mut said = format!("{options:?}");
    let sandbox = dsrkit::sandbox::Sandbox::start(options).unwrap();
    // Not every fault can happen on every call.
    sandbox.faults(&faults).ok()?;
    let settings = Settings {
        lost_after: std::time::Duration::from_secs(600),
        ..Settings::default()
    };
    let vendor = sandbox.mixpanel().build().unwrap();
    said += &format!("{sandbox:?} {vendor:?} {settings:?}");
    let journal = Journal::sqlite(place.join("dsr.sqlite3")).unwrap();
    said += &format!("{journal:?}");
    let client = Client::builder(vendor)
        .journal(journal)
        .settings(settings)
        .build()
        .unwrap();
    let third = [format!("{PERSON}-3")];
    let gdpr = dsrkit::Compliance::Gdpr;
    let single = [
        client.create_deletion(third.clone(), gdpr).await,
        client.create_retrieval(third, gdpr, None).await,
        client.get_deletion("1").await,
        client.get_retrieval("1").await,
    ];
    for result in &single {
        said += &format!("{result:?}");
        if let Err(error) = result {
            said += &format!("{error} {} {:?}", error.hint(), error.context());
        }
    }
    let source = dsrkit::IdSource::iter([format!("{PERSON}-1"), format!("{PERSON}-\0")]);
    said += &format!("{source:?}");
    let options = dsrkit::PlanOptions::default();
    let refused = client.freeze(source, support::terms(Kind::Deletion), &options);
    said += &format!("{refused:?}");
    for kind in [Kind::Deletion, Kind::Retrieval] {
        let ids = dsrkit::IdSource::iter([format!("{PERSON}-1"), format!("{PERSON}-2")]);
        let plan = client.freeze(ids, support::terms(kind), &options).unwrap();
        said += &format!("{plan:?} {client:?} {:?}", plan.start(Some("2:0"), false));
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let mut events = run.events_after(0);
        loop {
            match events.next().await {
                Ok(Some(event)) => said += &format!("{event:?}"),
                Ok(None) => break,
                Err(error) => {
                    said += &format!("{error} {error:?} {}", error.hint());
                    break;
                }
            }
        }
        said += &format!("{events:?} {run:?} {:?}", run.cancel().await);
        let report = run.report().unwrap();
        said += &format!("{report:?} {}", serde_json::to_string(&report).unwrap());
        said += &format!("{:?}", run.outcomes(0));
        if kind == Kind::Retrieval {
            let options = CollectOptions {
                secrets: vec![dsrkit::Secret::new(SECRET)],
                ..CollectOptions::default()
            };
            let collected = run.collect(&place.join("out"), &options).await;
            said += &format!("{options:?} {collected:?}");
        }
    }
    Some(said)
}

/// `Debug` of what is public and holds an id or a secret, and does not come out of a run.
fn types() -> String {
    use dsrkit::archive::{HttpStoreOptions, Member, ResumeFrom, Unassigned};
    use dsrkit::model::wire::{Conflict, IdsJson, Operation, Reading, Request, Response};
    use dsrkit::package::{Part, State, Written};

    let person = || format!("{PERSON}-1");
    let link = format!("https://store.example/{PERSON}?{SIGNATURE}{SECRET}");
    let url: url::Url = "https://vendor.example/api".parse().unwrap();
    let request = Request {
        method: http::Method::POST,
        url: url.clone(),
        query: dsrkit::Secret::new(format!("token={PROJECT}")),
        auth: dsrkit::model::wire::Auth::Bearer(dsrkit::Secret::new(OAUTH)),
        body: Some(person().into()),
    };
    let response = Response {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
        body: person().into(),
    };
    let operation = Operation::Create {
        terms: support::terms(Kind::Deletion),
        ids_json: IdsJson(person()),
        request_id: None,
    };
    let job = dsrkit::Job {
        id: "1".into(),
        kind: Kind::Retrieval,
        status: dsrkit::JobStatus::Success,
        download_url: Some(dsrkit::Secret::new(link)),
        requested_at: None,
        request_id: None,
        distinct_ids: Some(vec![person().into()]),
    };
    let conflict = Conflict {
        ids: vec![person().into()],
        tasks: Vec::new(),
    };
    let settings = Settings {
        proxy: Some(format!("http://user:{SECRET}@proxy.example")),
        ..Settings::default()
    };
    let store = HttpStoreOptions {
        proxy: Some(
            format!("http://user:{SECRET}@proxy.example")
                .parse()
                .unwrap(),
        ),
        ..HttpStoreOptions::default()
    };
    let member = Member {
        name: person(),
        path: person().into(),
        bytes: 1,
    };
    let unassigned = Unassigned {
        member: person(),
        file: person(),
        lines: 1,
        bytes: 1,
        whole: false,
    };
    let part = Part {
        subject: person(),
        dir: person().into(),
        files: Vec::new(),
    };
    let written = Written {
        subject: person(),
        folder: person(),
        state: State::New,
        events: 1,
        profiles: 1,
        manifest_sha256: [0; 32],
    };
    let resume = ResumeFrom {
        offset: 1,
        etag: String::new(),
    };
    let outcome = dsrkit::SubjectOutcome {
        id: person(),
        outcome: dsrkit::Outcome::Done,
        batch: 0,
        task_id: None,
        package: Some(person().into()),
    };
    let secret = dsrkit::Secret::new(SECRET);
    let bad = dsrkit::Secret::token("token", format!("{OAUTH}\n"));
    let reading = Reading::Status(Box::new(job.clone()));
    let broken = dsrkit::Mixpanel::builder(format!("{PROJECT} "), OAUTH).build();
    let leaking = dsrkit::Mixpanel::builder(PROJECT, OAUTH)
        .base_url(format!(
            "https://user:{SECRET}@vendor.example/?token={PROJECT}"
        ))
        .build();
    format!(
        "{request:?} {response:?} {operation:?} {job:?} {conflict:?} {settings:?} {store:?} {member:?} \
         {unassigned:?} {part:?} {written:?} {resume:?} {outcome:?} {secret:?} {secret} {bad:?} {reading:?} \
         {broken:?} {leaking:?} {:?}",
        dsrkit::DistinctId::from(person())
    )
}

/// Goal G13. Tokens, the archive secret, link signatures and three people: none is said by any log at
/// its finest level, event, report, error, hint or `Debug`; no secret is in any file, and no person in
/// a file other than the journal, the archives and the packages.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn canaries_are_nowhere() {
    const SECRETS: [&str; 4] = [PROJECT, OAUTH, SECRET, SIGNATURE];
    capture::listen();
    let planted = format!("token={OAUTH}");
    assert_eq!(capture::found(planted.as_bytes(), &SECRETS), Some(OAUTH));
    let (mut runs, mut bytes, mut files) = (0, 0, 0);
    let mut look = |what: &str, text: &[u8], canaries: &[&str]| {
        bytes += text.len();
        if let Some(canary) = capture::found(text, canaries) {
            let text = String::from_utf8_lossy(text);
            let at = text.find(canary).unwrap_or(0);
            let around: String = text
                .chars()
                .skip(at.saturating_sub(200))
                .take(400)
                .collect();
            panic!("{canary} was found in {what}: …{around}…");
        }
    };
    let all = [&SECRETS[..], &[PERSON]].concat();
    look("the types", types().as_bytes(), &all);
    for fault in FAULTS {
        for on in CALLS {
            let place = tempfile::tempdir().unwrap();
            let Some(said) = said_through(fault, on, place.path()).await else {
                continue;
            };
            runs += 2;
            look(&format!("what {fault} on {on} says"), said.as_bytes(), &all);
            capture::files(place.path(), &mut |path, content| {
                let path = path.strip_prefix(place.path()).unwrap().to_string_lossy();
                let for_people = path.starts_with("out")
                    || path.contains(".archives")
                    || ["dsr.sqlite3", "dsr.sqlite3-wal"].contains(&path.as_ref());
                look(&path, content, if for_people { &SECRETS } else { &all });
                files += 1;
            });
        }
    }
    let logs = capture::heard();
    assert!(logs.contains("create-deletion"), "the logs were not heard");
    look("the logs", logs.as_bytes(), &all);
    println!(
        "leaks: {runs} runs, {files} files, {} bytes of logs; {bytes} bytes searched for {} canaries: 0 hits",
        logs.len(),
        all.len() + 2
    );
    assert!(runs > 50 && files > 100 && bytes > 1_000_000);
}
