//! A redirect is never followed: not one byte reaches the place it points to, whatever the status,
//! the place, and the call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use dsrkit::archive::{HttpStore, HttpStoreOptions, Store as _};
use dsrkit::{Client, Compliance, ErrorKind, Mixpanel, Sent, Settings};

#[path = "support/wire.rs"]
mod wire;
use wire::{Authority, Wire, say};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Where this machine has more than one address.
const OTHER_HOST: Ipv4Addr = if cfg!(target_os = "linux") {
    Ipv4Addr::new(127, 0, 0, 2)
} else {
    Ipv4Addr::LOCALHOST
};

/// All calls that a client can make, each to a server that redirects it. Gives the number of calls.
async fn every_call(base_url: &str, ca_bundle: Option<&Path>) -> usize {
    let vendor = Mixpanel::builder("canary-project", "canary-oauth")
        .base_url(format!("{base_url}/api/app"))
        .build()
        .unwrap();
    let settings = Settings {
        ca_bundle: ca_bundle.map(Path::to_path_buf),
        ..Settings::default()
    };
    let clock = dsrkit::pace::clock::VirtualClock::new(1_767_603_600_000);
    let client = Client::builder(vendor)
        .settings(settings)
        .clock(Arc::new(clock))
        .build()
        .unwrap();
    let ids = || ["canary-person"];
    let gdpr = Compliance::Gdpr;
    let errors = [
        client
            .create_retrieval(ids(), gdpr, None)
            .await
            .unwrap_err(),
        client.get_retrieval("7").await.unwrap_err(),
        client.create_deletion(ids(), gdpr).await.unwrap_err(),
        client.get_deletion("7").await.unwrap_err(),
        client.cancel_deletion("7").await.unwrap_err(),
    ];
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert_eq!(error.sent_state(), Sent::No, "{error:?}");
        let shown = format!("{error} {error:?} {}", error.hint());
        assert!(!shown.contains("canary"), "{shown}");
    }
    let store = HttpStore::new(&HttpStoreOptions {
        loopback: true,
        ca_bundle: ca_bundle.map(|path| std::fs::read(path).unwrap()),
        ..HttpStoreOptions::default()
    })
    .unwrap();
    let link = format!("{base_url}/archive.zip?sig=canary-signature");
    let answer = store.get(&link.parse().unwrap(), None).await.unwrap();
    assert!((300..400).contains(&answer.status));
    errors.len() + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_redirect_is_followed() {
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let bundle = authority.bundle(place.path());
    let tls = authority.server("localhost", 2100);
    let (mut cases, mut calls) = (0, 0);
    for status in STATUSES {
        for (target, at) in [
            ("same origin", Ipv4Addr::LOCALHOST),
            ("other host", OTHER_HOST),
            ("other port", Ipv4Addr::LOCALHOST),
            ("https to http", Ipv4Addr::LOCALHOST),
        ] {
            let second = Wire::eavesdrop(at);
            let path = "/stolen?token=canary";
            let location = match target {
                "same origin" => path.to_owned(),
                _ => format!("http://{}{path}", second.address),
            };
            let secure = target == "https to http";
            let first = Wire::serve(secure.then(|| Arc::clone(&tls)), move |_, stream| {
                let headers = format!("location: {location}\r\n");
                say(stream, &format!("{status} Moved"), &headers, b"");
            });
            let (base_url, ca_bundle) = match secure {
                true => (
                    format!("https://localhost:{}", first.address.port()),
                    Some(bundle.as_path()),
                ),
                false => (format!("http://{}", first.address), None),
            };
            let made = every_call(&base_url, ca_bundle).await;
            assert_eq!(second.bytes(), 0, "{status}, {target}");
            let asked = first.requests();
            // Each item is asked for once more by the other form of its own path.
            assert_eq!(asked.len(), made + 3, "{status}, {target}: {asked:?}");
            for request in &asked {
                assert!(!request.contains("stolen"), "{status}, {target}: {request}");
                assert!(!request.to_ascii_lowercase().contains("referer"));
            }
            (cases, calls) = (cases + 1, calls + asked.len());
        }
    }
    println!(
        "redirects: {cases}/20 not followed, {calls} requests redirected, 0 bytes at the second server"
    );
    assert_eq!(cases, 20);
}
