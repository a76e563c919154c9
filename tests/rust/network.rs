//! What lies between this machine and the vendor: TLS, proxies, and answers that are made to harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dsrkit::{Client, Compliance, Error, ErrorKind, Kind, Mixpanel, RunState, Sent, Settings};

#[path = "support/mod.rs"]
mod support;
#[path = "support/wire.rs"]
mod wire;
use wire::{Authority, Wire, say, secured, self_signed};

const CREATED: &[u8] = br#"{"status":"ok","results":{"task_id":"1583792934719392965"}}"#;
const NEVER: i32 = 2100;

/// A client whose clock is virtual: waiting costs nothing.
fn client(base_url: &str, settings: Settings) -> Client {
    let vendor = Mixpanel::builder("project", "oauth")
        .base_url(base_url)
        .build()
        .unwrap();
    let clock = dsrkit::pace::clock::VirtualClock::new(1_767_603_600_000);
    Client::builder(vendor)
        .settings(settings)
        .journal(dsrkit::Journal::memory())
        .clock(Arc::new(clock))
        .seed(1)
        .build()
        .unwrap()
}

async fn created(client: &Client) -> Result<String, Error> {
    let job = client
        .create_deletion(["person-1"], Compliance::Gdpr)
        .await?;
    Ok(job.id)
}

fn assert_unsent(error: &Error, words: &str) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(error.sent_state(), Sent::No, "{error:?}");
    assert!(error.to_string().contains(words), "{words}: {error}");
}

/// Row 64.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_that_does_not_hold_gets_no_request() {
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let trusting = || Settings {
        ca_bundle: Some(authority.bundle(place.path())),
        ..Settings::default()
    };
    for (tls, settings, words) in [
        (
            authority.server("localhost", 2001),
            trusting(),
            "has expired",
        ),
        (
            authority.server("elsewhere.example", NEVER),
            trusting(),
            "another host",
        ),
        (
            self_signed("localhost"),
            trusting(),
            "nobody that is trusted",
        ),
        (
            authority.server("localhost", NEVER),
            Settings::default(),
            "nobody that is trusted",
        ),
    ] {
        let server = Wire::serve(Some(tls), |_, stream| {
            say(stream, "201 Created", "", CREATED);
        });
        let base_url = format!("https://localhost:{}/api/app", server.address.port());
        let error = created(&client(&base_url, settings)).await.unwrap_err();
        assert_unsent(&error, words);
        assert!(error.hint().contains("ca_bundle"), "{}", error.hint());
        assert!(server.requests().is_empty());
    }
    // The same authority, once it is named.
    let server = Wire::serve(Some(authority.server("localhost", NEVER)), |_, stream| {
        say(stream, "201 Created", "", CREATED);
    });
    let base_url = format!("https://localhost:{}/api/app", server.address.port());
    let task = created(&client(&base_url, trusting())).await.unwrap();
    assert_eq!(task, "1583792934719392965");
    assert_eq!(server.requests().len(), 1);
}

/// Row 64. The first words of a server that speaks no more than TLS 1.0.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tls_before_1_2_gets_no_request() {
    let server = Wire::listen(Ipv4Addr::LOCALHOST, |mut stream, _| {
        let _ = stream.read(&mut [0; 4096]);
        let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x2f, 0]);
        let _ = stream.write_all(&hello);
        let _ = stream.read(&mut [0; 4096]);
    });
    let base_url = format!("https://localhost:{}/api/app", server.address.port());
    let error = created(&client(&base_url, Settings::default()))
        .await
        .unwrap_err();
    assert_unsent(&error, "TLS");
}

/// Row 64, in a run: nothing was created, and it is tried again for as long as it takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_waits_for_a_certificate_that_holds() {
    let server = Wire::serve(Some(self_signed("localhost")), |_, _| {});
    let base_url = format!("https://localhost:{}/api/app", server.address.port());
    let client = client(&base_url, Settings::default());
    let plan = support::plan(&client, Kind::Deletion, 3);
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    let mut events = run.events_after(0);
    let mut refusals = 0;
    while refusals < 20 {
        let event = events.next().await.unwrap().unwrap();
        refusals += u32::from(event.text.contains("certificate") && event.next_due_ms.is_none());
    }
    let report = run.report().unwrap();
    assert_eq!(report.counts.get("pending"), Some(&3));
    assert!(report.ambiguous.is_empty());
    assert!(server.requests().is_empty());
}

fn through(proxy: &Wire, settings: Settings) -> Settings {
    Settings {
        proxy: Some(format!("http://canary-user:canary-word@{}", proxy.address)),
        ..settings
    }
}

/// Row 65.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_that_wants_credentials_is_told() {
    let proxy = Wire::serve(None, |_, stream| {
        let header = "proxy-authenticate: Basic realm=\"x\"\r\n";
        say(stream, "407 Proxy Authentication Required", header, b"");
    });
    // To an https vendor it is asked for a tunnel, to a plain one for the thing itself.
    for base_url in [
        "https://vendor.example/api/app",
        "http://127.0.0.1:1/api/app",
    ] {
        let settings = through(&proxy, Settings::default());
        let error = created(&client(base_url, settings)).await.unwrap_err();
        assert_unsent(&error, "proxy");
        assert!(error.hint().contains("proxy"), "{}", error.hint());
        let shown = format!("{error} {error:?} {}", error.hint());
        assert!(!shown.contains("canary"), "{shown}");
    }
    let asked = proxy.requests();
    assert!(
        asked
            .iter()
            .any(|asked| asked.starts_with("CONNECT vendor.example:443")),
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .filter(|asked| asked.starts_with("CONNECT"))
            .all(|asked| !asked.contains("oauth") && !asked.contains("token=")),
        "what is for the vendor was told to the proxy"
    );
}

/// Row 65. Before the vendor was reached nothing can have arrived; afterwards nobody can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_that_breaks_off_leaves_doubt_only_when_the_request_may_have_gone() {
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    for after_the_request in [false, true] {
        let tls = authority.server("vendor.example", NEVER);
        let proxy = Wire::listen(Ipv4Addr::LOCALHOST, move |mut stream, requests| {
            let tunnel = wire::request(&mut stream).unwrap_or_default();
            assert!(tunnel.starts_with("CONNECT"), "{tunnel}");
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            if after_the_request {
                // The vendor behind it has the whole request; its answer is lost.
                secured(stream, Arc::clone(&tls), requests, &|_, _| {});
            }
        });
        let settings = Settings {
            ca_bundle: Some(authority.bundle(place.path())),
            ..through(&proxy, Settings::default())
        };
        let client = client("https://vendor.example/api/app", settings);
        let error = created(&client).await.unwrap_err();
        if after_the_request {
            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error:?}");
            assert_eq!(error.sent_state(), Sent::Maybe);
            assert_eq!(proxy.requests().len(), 1, "not sent again");
        } else {
            assert_unsent(&error, "connect");
        }
    }
}

/// Serves an endless or large answer and counts what was taken of it.
fn flood(
    status: &'static str,
    headers: String,
    piece: Vec<u8>,
    most: u64,
) -> (Wire, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let server = Wire::serve(None, move |_, stream| {
        let head = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        while count.load(Ordering::SeqCst) < most && stream.write_all(&piece).is_ok() {
            count.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
    });
    (server, taken)
}

async fn asked(server: &Wire) -> (Error, Error) {
    let base_url = format!("http://{}/api/app", server.address);
    let client = client(&base_url, Settings::default());
    let create = created(&client).await.unwrap_err();
    let get = client.get_deletion("1").await.unwrap_err();
    (create, get)
}

/// Row 66. A create that cannot be understood may have been carried out; a look is only a look.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_of_a_gigabyte_is_not_read_to_its_end() {
    const GIGABYTE: u64 = 1 << 30;
    let piece = vec![b' '; 1 << 16];
    for headers in [
        format!("content-length: {GIGABYTE}\r\n"),
        // Until the connection closes.
        String::new(),
    ] {
        for status in ["201 Created", "200 OK", "400 Bad Request", "500 Oops"] {
            let (server, taken) = flood(status, headers.clone(), piece.clone(), GIGABYTE);
            let (create, get) = asked(&server).await;
            let wanted = match &status[..1] {
                "2" | "5" => ErrorKind::Ambiguous,
                _ => ErrorKind::InvalidInput,
            };
            assert_eq!(create.kind(), wanted, "{status}: {create:?}");
            assert!(
                matches!(
                    get.kind(),
                    ErrorKind::Protocol | ErrorKind::Unavailable | ErrorKind::InvalidInput
                ),
                "{status}: {get:?}"
            );
            let taken =
                taken.load(Ordering::SeqCst) / u64::try_from(server.requests().len()).unwrap();
            // The cap, and what the sockets of both sides hold.
            assert!(taken < 40 << 20, "{taken} bytes were taken of one answer");
        }
    }
}

/// Row 66. A packed answer is not unpacked, so a bomb stays as small as it came.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_packed_answer_is_not_unpacked() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let piece = vec![b' '; 1 << 20];
    for _ in 0..256 {
        packer.write_all(&piece).unwrap();
    }
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let server = Wire::serve(None, move |_, stream| {
        say(stream, "201 Created", "content-encoding: gzip\r\n", &bomb);
    });
    let (create, get) = asked(&server).await;
    assert_eq!(create.kind(), ErrorKind::Ambiguous, "{create:?}");
    assert_eq!(get.kind(), ErrorKind::Protocol, "{get:?}");
    assert!(get.to_string().contains("not UTF-8"), "{get}");
    for request in server.requests() {
        let head = request.to_ascii_lowercase();
        assert!(!head.contains("accept-encoding"), "{request}");
    }
}

/// Row 66. Deep nesting and repeated fields.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn deep_and_contradicting_answers_are_not_believed() {
    let depth = 100_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep_objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let bodies = [
        deep.clone(),
        deep_objects.clone(),
        format!(r#"{{"status":"ok","results":{deep}}}"#),
        format!(r#"{{"status":"ok","results":{deep_objects}}}"#),
        format!(r#"{{"status":{deep},"results":{{"task_id":{deep},"status":{deep}}}}}"#),
        "[".repeat(depth),
        r#"{"results":{"task_id":"1","task_id":"2"}}"#.to_owned(),
        r#"{"results":{"status":"PENDING","status":"SUCCESS"}}"#.to_owned(),
        r#"{"results":{"task_id":"1"},"results":{"task_id":"2"}}"#.to_owned(),
        r#"{"status":"ok","status":"error","results":{"task_id":"1","status":"SUCCESS"}}"#
            .to_owned(),
        r#"{"results":[{"tracking_id":"1","tracking_id":"1"}]}"#.to_owned(),
    ];
    for body in bodies {
        let said = body.clone();
        let server = Wire::serve(None, move |_, stream| {
            say(stream, "200 OK", "", said.as_bytes());
        });
        let shown: String = body.chars().take(60).collect();
        let (create, get) = asked(&server).await;
        assert_eq!(create.kind(), ErrorKind::Ambiguous, "{shown}: {create:?}");
        assert_eq!(get.kind(), ErrorKind::Protocol, "{shown}: {get:?}");
    }
    // What is deep where nobody looks does no harm.
    let body = format!(r#"{{"results":{{"task_id":"1","extra":{deep}}}}}"#);
    let server = Wire::serve(None, move |_, stream| {
        say(stream, "201 Created", "", body.as_bytes());
    });
    let base_url = format!("http://{}/api/app", server.address);
    let client = client(&base_url, Settings::default());
    assert_eq!(created(&client).await.unwrap(), "1");
}

/// Row 66, in a run: what cannot be understood is found out about, and then held.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_holds_what_no_answer_can_be_had_for() {
    let (server, _) = flood("201 Created", String::new(), vec![b'x'; 1 << 16], 20 << 20);
    let base_url = format!("http://{}/api/app", server.address);
    let client = client(&base_url, Settings::default());
    let plan = support::plan(&client, Kind::Deletion, 3);
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    let report = run.wait().await.unwrap();
    assert_eq!(report.state, RunState::Held);
    assert_eq!(report.counts.get("held"), Some(&3));
    assert!(server.requests().len() <= 6);
}
