//! A vendor that survives its process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod common;

use std::io::Write as _;
use std::path::Path;

use common::{DAY_MS, START_MS, fault, handle, options};
use dsrkit_sandbox::{Host, Options, Reply, Request, World};
use serde_json::{Value, json};

fn ledger(world: &World) -> Value {
    serde_json::to_value(world.ledger()).unwrap()
}

fn download(world: &mut World, link: &str, now_ms: i64) -> Reply {
    let (path, query) = link
        .strip_prefix("http://127.0.0.1")
        .unwrap()
        .split_once('?')
        .unwrap();
    let request = Request {
        method: "GET".into(),
        path: path.into(),
        query: query.into(),
        ..Request::default()
    };
    world.handle(Host::Store, &request, now_ms)
}

fn a_busy_day(path: &Path, options: Options) -> (Value, String, Vec<u8>) {
    let mut world = World::open(options, path).unwrap();
    let ids = json!({"distinct_ids": ["a", "b\u{0}ü"]});
    world
        .add_faults(vec![fault(
            json!({"on": "create_deletion", "kind": "drop_after", "nth": 2}),
        )])
        .unwrap();
    let reply = handle(
        &mut world,
        "POST",
        "/data-retrievals/v3.0/",
        Some(ids),
        START_MS,
    );
    let id = serde_json::from_slice::<Value>(&reply.body).unwrap()["results"]["task_id"]
        .as_str()
        .unwrap()
        .to_owned();
    handle(
        &mut world,
        "POST",
        "/data-deletions/v3.0/",
        Some(json!({"distinct_ids": ["a"]})),
        START_MS + 1_000,
    );
    handle(
        &mut world,
        "POST",
        "/data-deletions/v3.0/",
        Some(json!({"distinct_ids": ["c"]})),
        START_MS + 1_500,
    );
    handle(
        &mut world,
        "POST",
        "/data-deletions/v3.0/",
        Some(json!({"distinct_ids": ["c"]})),
        START_MS + 2_000,
    );
    let odd = Request {
        method: "PUT".into(),
        path: "/x".into(),
        body: vec![0xff, 0],
        ..Request::default()
    };
    world.handle(Host::Api, &odd, START_MS + 3_000);
    let now = START_MS + 10 * DAY_MS;
    let reply = handle(
        &mut world,
        "GET",
        &format!("/data-retrievals/v3.0/{id}/"),
        None,
        now,
    );
    let link = serde_json::from_slice::<Value>(&reply.body).unwrap()["results"]["result"]
        .as_str()
        .unwrap()
        .to_owned();
    let archive = download(&mut world, &link, now).body;
    world.note_now(now + 5).unwrap();
    (ledger(&world), link, archive)
}

#[test]
fn opening_again_meets_the_same_vendor() {
    for cipher in ["zipcrypto", "aes128", "aes192", "aes256", "none"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vendor.log");
        let options = options(json!({"archive_cipher": cipher}));
        let (before, link, archive) = a_busy_day(&path, options.clone());
        assert!(archive.starts_with(b"PK"));
        assert_eq!(before[3]["wire"], "drop_after");

        let mut world = World::open(options, &path).unwrap();
        assert_eq!(ledger(&world), before);
        assert_eq!(world.last_now_ms(), START_MS + 10 * DAY_MS + 5);
        assert!(download(&mut world, &link, 0).body == archive, "{cipher}");
        let ids = Some(json!({"distinct_ids": ["d"]}));
        assert_eq!(
            handle(
                &mut world,
                "POST",
                "/data-deletions/v3.0/",
                ids,
                START_MS + 11 * DAY_MS
            )
            .status,
            201
        );
    }
}

#[test]
fn a_line_cut_short_by_a_kill_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vendor.log");
    let (before, ..) = a_busy_day(&path, Options::default());
    let whole = std::fs::metadata(&path).unwrap().len();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file.write_all(br#"{"log":"request","at_ms":17"#).unwrap();
    drop(file);
    let world = World::open(Options::default(), &path).unwrap();
    assert_eq!(ledger(&world), before);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
}

#[test]
fn the_file_is_private_exclusive_and_holds_no_token_that_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vendor.log");
    let mut world = World::open(Options::default(), &path).unwrap();
    let request = Request {
        method: "GET".into(),
        path: "/api/app/data-deletions/v3.0/1/".into(),
        query: "token=canary-one".into(),
        headers: vec![("authorization".into(), "Bearer canary-two".into())],
        body: Vec::new(),
    };
    assert_eq!(world.handle(Host::Api, &request, START_MS).status, 401);
    assert!(
        World::open(Options::default(), &path).is_err(),
        "one at a time"
    );
    drop(world);
    assert!(!std::fs::read_to_string(&path).unwrap().contains("canary"));
    assert!(
        World::open(options(json!({"seed": 2})), &path).is_err(),
        "other options"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    std::fs::write(&path, "nonsense\n").unwrap();
    assert!(World::open(Options::default(), &path).is_err());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "nonsense\n",
        "left as it was"
    );
}
