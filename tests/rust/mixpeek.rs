//! Requests about a whole organisation: on record before they are sent, never sent twice by doubt.

use std::sync::{Arc, Mutex};

use dsrkit::http::transport::Transport;
use dsrkit::model::time::BoxFuture;
use dsrkit::model::wire::{Request, Response};
use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{
    Client, DELETE_ORGANISATION, DsarKind, DsarState, ErrorKind, Journal, MixpeekClient, blocking,
};

fn client(sandbox: &Sandbox, journal: &std::path::Path) -> MixpeekClient {
    MixpeekClient::builder(sandbox.mixpeek().build().unwrap())
        .journal(Journal::sqlite(journal).unwrap())
        .build()
        .unwrap()
}

fn states(client: &MixpeekClient) -> Vec<(DsarKind, DsarState)> {
    let all = client.requests().unwrap();
    all.iter().map(|one| (one.kind, one.state)).collect()
}

/// Looks at the journal when a request leaves, and answers nothing.
struct Watching {
    journal: std::path::PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Transport for Watching {
    fn send(&self, _: Request) -> BoxFuture<'_, dsrkit::Result<Response>> {
        let found = rows(&self.journal);
        self.seen.lock().unwrap().extend(found);
        Box::pin(std::future::pending())
    }
}

/// The states as another process reads them from the file.
fn rows(journal: &std::path::Path) -> Vec<String> {
    let vendor = dsrkit::Mixpeek::builder("sk_x").base_url("http://127.0.0.1:1");
    let reader = MixpeekClient::builder(vendor.build().unwrap())
        .journal(Journal::sqlite(journal).unwrap())
        .build()
        .unwrap();
    let all = reader.requests().unwrap();
    all.iter().map(|one| one.state.to_string()).collect()
}

#[tokio::test]
async fn the_intent_is_on_record_before_the_first_byte_leaves() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("mixpeek.sqlite3");
    let seen = Arc::default();
    {
        let client = MixpeekClient::builder(sandbox.mixpeek().build().unwrap())
            .journal(Journal::sqlite(&journal).unwrap())
            .transport(Arc::new(Watching {
                journal: journal.clone(),
                seen: Arc::clone(&seen),
            }))
            .build()
            .unwrap();
        let mut call = Box::pin(client.request_deletion(DELETE_ORGANISATION));
        // The call is under way, then it is given up, as by Ctrl-C.
        assert!(futures_poll(&mut call).is_none());
        assert_eq!(states(&client), [(DsarKind::Deletion, DsarState::Unknown)]);
        let second = client.request_deletion(DELETE_ORGANISATION).await;
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Ambiguous);
        drop(call);
    }
    assert_eq!(*seen.lock().unwrap(), ["unknown"]);
    // A new process: unknown, held, and not sent again until a person has looked.
    let client = client(&sandbox, &journal);
    assert_eq!(states(&client), [(DsarKind::Deletion, DsarState::Unknown)]);
    let error = client
        .request_deletion(DELETE_ORGANISATION)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(error.hint().contains("settle"), "{}", error.hint());
    assert!(sandbox.ledger().as_array().unwrap().is_empty());
    // An export is another matter.
    client.request_export().await.unwrap();

    let id = client.requests().unwrap()[0].id.clone();
    client.settle(&id, false).unwrap();
    assert_eq!(
        client.settle(&id, true).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        client.settle("no", true).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let answer = client.request_deletion(DELETE_ORGANISATION).await.unwrap();
    assert!(answer.warning.is_some());
    let all = client.requests().unwrap();
    assert_eq!(
        all[2].request_id.as_deref(),
        Some(answer.request_id.as_str())
    );
    assert_eq!(
        states(&client),
        [
            (DsarKind::Deletion, DsarState::NotCarriedOut),
            (DsarKind::Export, DsarState::Accepted),
            (DsarKind::Deletion, DsarState::Accepted),
        ]
    );
}

/// Polls a future once.
fn futures_poll<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn a_journal_belongs_to_one_vendor() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let place = tempfile::tempdir().unwrap();
    let (ours, theirs) = (
        place.path().join("a.sqlite3"),
        place.path().join("b.sqlite3"),
    );
    runtime
        .block_on(client(&sandbox, &ours).request_export())
        .unwrap();
    let people = |journal: &std::path::Path| {
        Client::builder(sandbox.mixpanel().build().unwrap())
            .journal(Journal::sqlite(journal).unwrap())
            .build()
    };
    assert_eq!(people(&ours).unwrap_err().kind(), ErrorKind::Config);
    runtime.block_on(async {
        people(&theirs)
            .unwrap()
            .plan_deletion(["a"])
            .freeze()
            .await
            .unwrap();
    });
    let refused = MixpeekClient::builder(sandbox.mixpeek().build().unwrap())
        .journal(Journal::sqlite(&theirs).unwrap())
        .build();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn the_blocking_client_has_the_same_calls() {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let builder = MixpeekClient::builder(sandbox.mixpeek().build().unwrap());
    let client = blocking::MixpeekClient::new(builder).unwrap();
    assert_eq!(client.request_export().unwrap().status, "pending");
    let error = client.request_deletion("yes").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConfirmed);
    client.request_deletion(DELETE_ORGANISATION).unwrap();
    assert_eq!(client.requests().unwrap().len(), 2);
}
