//! Downloads against a store in memory.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sha2::{Digest, Sha256};
use url::Url;

use super::super::{
    Budget, FetchError, Fetched, HostRules, HttpStore, HttpStoreOptions, Store, fetch,
};
use super::memory::{Answer, Memory};
use super::names;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

const LINK: &str = "https://storage.googleapis.com/canary-path?sig=canary-signature";

fn content() -> Vec<u8> {
    (0..1_500_000_u32).map(|n| (n % 251) as u8).collect()
}

const BUDGET: Budget = Budget {
    max_bytes: 10 << 20,
    replace: false,
};

async fn run(
    dir: &tempfile::TempDir,
    store: &Memory,
    budget: Budget,
) -> Result<Fetched, FetchError> {
    let rules = HostRules::mixpanel(&[], false).expect("rules");
    let target = dir.path().join("archives/a.zip");
    let fetched = fetch(store, &Secret::new(LINK), &rules, &target, budget).await;
    match &fetched {
        Ok(fetched) => {
            assert_eq!(fetched.path, target);
            assert_eq!(names(&dir.path().join("archives")), ["a.zip"]);
        }
        Err(FetchError::Failed(error)) => {
            let text = format!("{error} {error:?} {}", error.hint());
            assert!(!text.contains("canary"), "{text}");
        }
        Err(FetchError::LinkExpired { .. }) => {}
    }
    fetched
}

/// Fetches from these answers, and must succeed with `content()`.
async fn whole(answers: impl IntoIterator<Item = Answer>) -> Vec<Option<(u64, String)>> {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Memory::new(answers);
    let fetched = run(&dir, &store, BUDGET).await.expect("fetched");
    let content = content();
    assert_eq!(fetched.bytes, content.len() as u64);
    assert_eq!(fetched.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
    assert!(fs::read(&fetched.path).expect("file") == content);
    store.asked()
}

/// Fetches from these answers, must fail, and leaves nothing.
async fn nothing(answers: impl IntoIterator<Item = Answer>) -> FetchError {
    let dir = tempfile::tempdir().expect("temp dir");
    let error = run(&dir, &Memory::new(answers), BUDGET)
        .await
        .expect_err("no archive");
    assert!(names(&dir.path().join("archives")).is_empty());
    error
}

fn from(offset: u64) -> Option<(u64, String)> {
    Some((offset, "\"1\"".to_owned()))
}

#[tokio::test]
async fn a_whole_archive_is_private_and_complete() {
    assert_eq!(whole([Answer::whole(&content())]).await, [None]);
    // Without a length there is nothing to compare with; the archive's own structure is.
    assert_eq!(
        whole([Answer::whole(&content()).with(|a| a.length = None)]).await,
        [None]
    );
    let dir = tempfile::tempdir().expect("temp dir");
    let fetched = run(&dir, &Memory::new([Answer::whole(b"x")]), BUDGET)
        .await
        .expect("fetched");
    let mode = |p: &std::path::Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&fetched.path), 0o600);
    assert_eq!(mode(&dir.path().join("archives")), 0o700);
}

#[tokio::test]
async fn a_cut_connection_is_resumed() {
    let all = content();
    let asked = whole([
        Answer::whole(&all).cut_at(700_000),
        Answer::status(503),
        Answer::rest(&all, 700_000).cut_at(300_000),
        Answer::rest(&all, 1_000_000),
    ])
    .await;
    assert_eq!(asked, [None, from(700_000), from(700_000), from(1_000_000)]);
    // The end came early without an error.
    let short = Answer::whole(&all).with(|a| a.body.truncate(5));
    assert_eq!(whole([short, Answer::rest(&all, 5)]).await, [None, from(5)]);
}

#[tokio::test]
async fn other_content_starts_anew() {
    let all = content();
    let old = || Answer::whole(&vec![7; 1_500_000]).cut_at(600_000);
    // If-Range answers with all of the new version.
    let asked = whole([old(), Answer::whole(&all).with(|a| a.etag = Some("\"2\""))]).await;
    assert_eq!(asked, [None, from(600_000)]);
    // Parts that do not fit what is here.
    let changes: [fn(&mut Answer); 4] = [
        |a| a.etag = Some("\"2\""),
        |a| a.range = None,
        |a| a.range.as_mut().expect("range").start += 1,
        |a| a.range.as_mut().expect("range").total = Some(9),
    ];
    for change in changes {
        let asked = whole([
            old(),
            Answer::rest(&all, 600_000).with(change),
            Answer::whole(&all),
        ])
        .await;
        assert_eq!(asked, [None, from(600_000), None]);
    }
    let asked = whole([old(), Answer::status(416), Answer::whole(&all)]).await;
    assert_eq!(asked, [None, from(600_000), None]);
    // A weak version, or none, cannot be gone on with.
    for etag in [None, Some("W/\"1\"")] {
        let asked = whole([old().with(|a| a.etag = etag), Answer::whole(&all)]).await;
        assert_eq!(asked, [None, None]);
    }
    // A part that nobody asked for.
    assert_eq!(
        whole([Answer::rest(&all, 0), Answer::whole(&all)]).await,
        [None, None]
    );
}

#[tokio::test]
async fn wrong_lengths_are_never_accepted() {
    let all = content();
    let long = || Answer::whole(&all).with(|a| a.body.push(1));
    assert_eq!(whole([long(), Answer::whole(&all)]).await, [None, None]);
    let FetchError::Failed(error) = nothing((0..9).map(|_| long())).await else {
        panic!("expired");
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_expired_link_is_told_apart() {
    for status in [400, 403, 404, 410] {
        let error = nothing([Answer::status(status)]).await;
        assert!(matches!(error, FetchError::LinkExpired { status: s } if s == status));
        assert_eq!(Error::from(error).kind(), ErrorKind::NotFound);
        // Also while going on.
        let error = nothing([Answer::whole(&content()).cut_at(9), Answer::status(status)]).await;
        assert!(matches!(error, FetchError::LinkExpired { .. }));
    }
    for (status, kind) in [
        (301, ErrorKind::Archive),
        (302, ErrorKind::Archive),
        (307, ErrorKind::Archive),
        (204, ErrorKind::Protocol),
        (401, ErrorKind::Protocol),
        (429, ErrorKind::Unavailable),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let error = Error::from(nothing((0..9).map(|_| Answer::status(status))).await);
        assert_eq!(
            (error.kind(), error.http_status()),
            (kind, Some(status)).clone(),
            "{status}"
        );
    }
}

#[tokio::test]
async fn tries_end_unless_something_arrives() {
    let all = vec![3; 8 << 20];
    let mut answers = vec![Answer::whole(&all).cut_at(1 << 20)];
    // More cuts than tries, each with progress.
    answers.extend((1..7).map(|n| Answer::rest(&all, n << 20).cut_at(1 << 20)));
    answers.push(Answer::rest(&all, 7 << 20));
    let dir = tempfile::tempdir().expect("temp dir");
    let fetched = run(&dir, &Memory::new(answers), BUDGET)
        .await
        .expect("fetched");
    assert_eq!(fetched.bytes, 8 << 20);

    let dir = tempfile::tempdir().expect("temp dir");
    let store = Memory::new([]);
    let error = Error::from(run(&dir, &store, BUDGET).await.expect_err("down"));
    assert_eq!(
        (error.kind(), store.asked().len()),
        (ErrorKind::Unavailable, 5)
    );
}

#[tokio::test]
async fn too_large_is_refused() {
    for length in [Some(11 << 20), None, Some(u64::MAX)] {
        let large = Answer::whole(&vec![0; 11 << 20]).with(|a| a.length = length);
        let error = Error::from(nothing([large]).await);
        assert_eq!(error.kind(), ErrorKind::Archive);
    }
    // Announced is enough: nothing is written first.
    let FetchError::Failed(error) =
        nothing([Answer::whole(b"").with(|a| a.length = Some(11 << 20))]).await
    else {
        panic!("expired");
    };
    assert!(error.hint().contains("archive_max_bytes"));
}

#[tokio::test]
async fn an_existing_archive_is_replaced_only_on_demand() {
    let dir = tempfile::tempdir().expect("temp dir");
    let archives = dir.path().join("archives");
    let target = archives.join("a.zip");
    fs::create_dir(&archives).expect("folder");
    fs::set_permissions(&archives, fs::Permissions::from_mode(0o700)).expect("private");
    fs::write(&target, "mine").expect("file");
    let store = Memory::new([Answer::whole(b"new")]);
    let error = Error::from(run(&dir, &store, BUDGET).await.expect_err("exists"));
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(store.asked().is_empty());
    assert_eq!(fs::read(&target).expect("file"), b"mine");
    let replace = Budget {
        replace: true,
        ..BUDGET
    };
    // What a crash left, be it a link, is removed and not followed.
    std::os::unix::fs::symlink(&target, archives.join("a.zip.part")).expect("link");
    run(&dir, &store, replace).await.expect("replaced");
    assert_eq!(fs::read(&target).expect("file"), b"new");

    fs::set_permissions(&archives, fs::Permissions::from_mode(0o770)).expect("shared");
    let error = Error::from(run(&dir, &store, replace).await.expect_err("shared folder"));
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[tokio::test]
async fn a_refused_link_is_never_asked() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Memory::new([Answer::whole(b"x")]);
    let rules = HostRules::mixpanel(&[], false).expect("rules");
    for link in [
        "https://evil.example/canary",
        "/canary",
        "",
        "http://127.0.0.1/canary",
    ] {
        let target = dir.path().join("a.zip");
        let error = fetch(&store, &Secret::new(link), &rules, &target, BUDGET).await;
        let error = Error::from(error.expect_err("refused"));
        assert_eq!(error.kind(), ErrorKind::Archive);
        assert!(!format!("{error:?}").contains("canary"));
    }
    assert!(store.asked().is_empty());
    assert!(names(dir.path()).is_empty());
}

/// The real client against a socket of ours: what it sends, and that it follows nothing.
#[tokio::test]
async fn the_real_store_sends_no_more_than_it_must() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let port = listener.local_addr().expect("address").port();
    let server = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in [
            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nSet-Cookie: a=b\r\nContent-Length: 8\r\n\r\nabcd",
            "HTTP/1.1 206 Partial Content\r\nETag: \"1\"\r\nContent-Range: bytes 4-7/8\r\nContent-Length: 4\r\n\r\nefgh",
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        ] {
            let (mut socket, _) = listener.accept().await.expect("accept");
            let mut request = vec![0; 4_096];
            let n = socket.read(&mut request).await.expect("request");
            request.truncate(n);
            requests.push(String::from_utf8(request).expect("text").to_lowercase());
            socket.write_all(answer.as_bytes()).await.expect("answer");
        }
        requests
    });
    let options = HttpStoreOptions {
        loopback: true,
        ..HttpStoreOptions::default()
    };
    let store = HttpStore::new(&options).expect("store");
    let rules = HostRules::mixpanel(&[], true).expect("rules");
    let link = Secret::new(format!("http://127.0.0.1:{port}/a?sig=1"));
    let dir = tempfile::tempdir().expect("temp dir");
    let fetched = fetch(&store, &link, &rules, &dir.path().join("a"), BUDGET)
        .await
        .expect("fetched");
    assert_eq!(fs::read(&fetched.path).expect("file"), b"abcdefgh");
    let error = fetch(&store, &link, &rules, &dir.path().join("b"), BUDGET).await;
    assert_eq!(
        Error::from(error.expect_err("redirect")).kind(),
        ErrorKind::Archive
    );

    let requests = server.await.expect("server");
    for request in &requests {
        for header in ["authorization", "cookie", "referer", "proxy"] {
            assert!(!request.contains(header), "{request}");
        }
        assert!(request.contains("accept-encoding: identity"), "{request}");
    }
    assert!(
        requests[1].contains("range: bytes=4-\r\nif-range: \"1\""),
        "{}",
        requests[1]
    );

    // Nobody listens any more.
    let error = Error::from(
        fetch(&store, &link, &rules, &dir.path().join("c"), BUDGET)
            .await
            .expect_err("down"),
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!format!("{error:?}").contains("sig="), "{error:?}");
    // Without leave for this machine, plain http is refused by the client itself.
    let strict = HttpStore::new(&HttpStoreOptions::default()).expect("store");
    let url = Url::parse(link.expose()).expect("url");
    assert!(strict.get(&url, None).await.is_err());
    // And a name that leads here is refused by its resolver.
    let url = Url::parse("https://localhost/x?sig=1").expect("url");
    let error = strict.get(&url, None).await.expect_err("not public");
    assert_eq!(error.kind(), ErrorKind::Archive, "{error:?}");
}
