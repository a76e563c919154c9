//! What a panic says. Its message and backtrace go to stderr, past every error type: a process of
//! its own panics in the middle of everything, and all that it wrote is searched.

use std::sync::Arc;

use dsrkit::http::transport::{HttpTransport, Transport};
use dsrkit::model::time::{BoxFuture, Clock};
use dsrkit::model::wire::{Request, Response};
use dsrkit::{Client, ErrorKind, IdSource, Journal, Kind, Result, Settings};
use serde_json::json;

use super::{OAUTH, PERSON, PROJECT, SECRET, SIGNATURE, capture, support};

const PLACE: &str = "DSRKIT_TEST_PANIC";
const PLACES: [&str; 4] = ["ids", "before the request", "after the answer", "clock"];

struct Panics {
    inner: HttpTransport,
    after: bool,
}

impl Transport for Panics {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            assert!(self.after, "failpoint");
            let response = self.inner.send(request).await;
            assert!(!self.after, "failpoint {:?}", response.is_ok());
            response
        })
    }
}

struct Broken(Arc<dyn Clock>);

impl Clock for Broken {
    fn now(&self) -> i64 {
        self.0.now()
    }
    fn monotonic(&self) -> i64 {
        panic!("failpoint")
    }
    fn sleep_until(&self, until: i64) -> BoxFuture<'_, ()> {
        self.0.sleep_until(until)
    }
}

/// The process that panics: with ids, tokens and an open journal in its hands.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn panicking() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    let options = json!({"project_token": PROJECT, "oauth_token": OAUTH, "archive_secret": SECRET});
    let sandbox = support::sandbox(options, &json!([]));
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let vendor = sandbox.mixpanel().build().unwrap();
        let journal = Journal::sqlite(folder.path().join("dsr.sqlite3")).unwrap();
        Client::builder(vendor).journal(journal)
    };
    let people = || (1..3).map(|n| format!("{PERSON}-{n}"));
    let freeze = |client: &Client, ids: IdSource| {
        let terms = support::terms(Kind::Retrieval);
        client.freeze(ids, terms, &dsrkit::PlanOptions::default())
    };
    if place == "ids" {
        let client = open().build().unwrap();
        let ids = IdSource::iter(people().inspect(|id| assert!(id.ends_with('1'), "failpoint")));
        let task = tokio::task::spawn_blocking(move || freeze(&client, ids).map(drop));
        assert!(task.await.unwrap_err().is_panic());
    } else {
        let id = {
            let client = open().build().unwrap();
            let plan = freeze(&client, IdSource::iter(people())).unwrap();
            plan.start(None, false).unwrap().id().to_owned()
        };
        let inner = HttpTransport::new(&Settings::default(), true).unwrap();
        let after = place == "after the answer";
        let mut builder = open();
        if place == "clock" {
            builder = builder.clock(Arc::new(Broken(dsrkit::pace::clock::SystemClock::shared())));
        } else {
            builder = builder.transport(Arc::new(Panics { inner, after }));
        }
        let client = tokio::spawn(async move { builder.build() }).await;
        match client {
            Ok(client) => {
                let run = client.unwrap().run(&id).unwrap();
                let waited = tokio::spawn(async move { (run.wait().await, run) }).await;
                if let Ok((waited, run)) = waited {
                    let error = waited.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Internal);
                    println!("{error} {error:?} {} {:?}", error.hint(), run.report());
                }
            }
            Err(panicked) => println!("{panicked} {panicked:?}"),
        }
    }
    println!("panicked");
}

/// Goal G13, for panics: message, backtrace, and what the error after it says.
#[test]
fn a_panic_says_no_secret_and_no_person() {
    let canaries = [PROJECT, OAUTH, SECRET, SIGNATURE, PERSON];
    for place in PLACES {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "panics::panicking", "--nocapture"])
            .env(PLACE, place)
            .env("RUST_BACKTRACE", "full")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{place}: {text}");
        assert!(
            text.contains("failpoint") && text.contains("panicked\n"),
            "{text}"
        );
        assert!(text.contains("dsrkit::"), "no backtrace: {text}");
        assert_eq!(capture::found(&said, &canaries), None, "{place}: {text}");
    }
}
