//! Packages in their places: new, kept, replaced, or not touched.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::super::{Archive, Wish, Workspace};
use super::*;

fn origin(task_id: &str, archive: u8, collected_at: &str) -> Origin {
    Origin {
        vendor: "mixpanel".into(),
        archives: vec![Archive {
            task_id: task_id.into(),
            bytes: 9,
            sha256: [archive; 32],
        }],
        times: [("collected_at".to_owned(), collected_at.to_owned())].into(),
    }
}

/// Two people: one with an event, one of whom nothing was found.
fn run(out: &Path, origin: &Origin, event: &str) -> Result<Vec<Written>> {
    let work = Workspace::open(out, &origin.archives[0].task_id)?;
    let parts = [("ann@x", Some(event)), ("bob", None)].map(|(subject, event)| {
        let dir = work.path(&folder_name(subject));
        create_private(&dir.join("data")).expect("folder");
        let files = event.map(|event| {
            write_new(&dir.join("data/events.jsonl"), event.as_bytes()).expect("file");
            DataFile {
                path: "data/events.jsonl".into(),
                bytes: event.len() as u64,
                sha256: Sha256::digest(event).into(),
                records: Some(1),
            }
        });
        Part {
            subject: subject.into(),
            dir,
            files: files.into_iter().collect(),
        }
    });
    write_all(
        out,
        origin,
        parts.into(),
        &Maker::new(&Wish::default()).expect("maker"),
    )
}

fn states(written: &[Written]) -> Vec<State> {
    written.iter().map(|w| w.state).collect()
}

#[test]
fn a_package_is_complete_private_and_described() {
    let dir = tempfile::tempdir().expect("temp dir");
    let out = dir.path().join("out");
    let written = run(&out, &origin("t1", 1, "now"), "{}\n").expect("written");
    assert_eq!(states(&written), [State::New, State::New]);
    assert_eq!((written[0].events, written[0].profiles), (1, 0));
    assert_eq!((written[1].events, written[1].profiles), (0, 0));
    let package = out.join(&written[0].folder);
    let text = fs::read(package.join("manifest.json")).expect("manifest");
    assert_eq!(
        written[0].manifest_sha256,
        <[u8; 32]>::from(Sha256::digest(&text))
    );
    let manifest: Value = serde_json::from_slice(&text).expect("json");
    for (field, value) in [
        ("/format", "dsrkit-package-2"),
        ("/dsrkit", env!("CARGO_PKG_VERSION")),
        ("/vendor", "mixpanel"),
        ("/subject", "ann@x"),
        ("/sources/0/task_id", "t1"),
        ("/sources/0/archive_sha256", &"01".repeat(32)),
        ("/files/0/path", "data/events.jsonl"),
        ("/files/0/sha256", &hex(&Sha256::digest("{}\n"))),
        ("/times/collected_at", "now"),
    ] {
        assert_eq!(
            manifest.pointer(field).and_then(Value::as_str),
            Some(value),
            "{field}"
        );
    }
    let empty = fs::read(out.join(&written[1].folder).join("manifest.json")).expect("manifest");
    let empty: Value = serde_json::from_slice(&empty).expect("json");
    assert_eq!(
        empty["counts"],
        serde_json::json!({"events": 0, "profiles": 0})
    );
    assert_eq!(empty["files"], serde_json::json!([]));
    let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&out.join("subjects")), 0o700);
    assert_eq!(mode(&package), 0o700);
    assert_eq!(mode(&package.join("manifest.json")), 0o600);
    assert_eq!(
        fs::read_dir(&out).expect("out").count(),
        1,
        "no workspace is left"
    );
}

#[test]
fn the_same_again_keeps_and_a_damaged_one_is_replaced() {
    let dir = tempfile::tempdir().expect("temp dir");
    let out = dir.path();
    let first = run(out, &origin("t1", 1, "now"), "{}\n").expect("written");
    let package = out.join(&first[0].folder);
    let inode = || fs::metadata(&package).expect("package").ino();
    let before = inode();
    let again = run(out, &origin("t1", 1, "later"), "{}\n").expect("again");
    assert_eq!(states(&again), [State::Kept, State::Kept]);
    assert_eq!(again[0].manifest_sha256, first[0].manifest_sha256);
    assert_eq!(inode(), before);

    fs::write(package.join("data/events.jsonl"), "[]\n").expect("damage");
    let repaired = run(out, &origin("t1", 1, "later"), "{}\n").expect("repaired");
    assert_eq!(states(&repaired), [State::Replaced, State::Kept]);
    assert_eq!(
        fs::read(package.join("data/events.jsonl")).expect("file"),
        b"{}\n"
    );
    // Fetched anew: another archive of the same task.
    let newer = run(out, &origin("t1", 2, "later"), "{ }\n").expect("newer");
    assert_eq!(states(&newer), [State::Replaced, State::Replaced]);
    assert_eq!(
        fs::read(package.join("data/events.jsonl")).expect("file"),
        b"{ }\n"
    );
    assert_eq!(fs::read_dir(out).expect("out").count(), 1);
}

#[test]
fn what_another_task_or_person_put_there_is_not_touched() {
    let dir = tempfile::tempdir().expect("temp dir");
    let out = dir.path();
    let first = run(out, &origin("t1", 1, "now"), "{}\n").expect("written");
    let error = run(out, &origin("t2", 1, "now"), "{}\n").expect_err("another task");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(!error.to_string().contains("ann"), "{error}");
    let package = out.join(&first[0].folder);
    fs::remove_file(package.join("manifest.json")).expect("foreign");
    run(out, &origin("t1", 1, "now"), "{}\n").expect_err("no manifest");
    fs::remove_dir_all(&package).expect("removed");
    std::os::unix::fs::symlink("/nowhere", &package).expect("link");
    run(out, &origin("t1", 1, "now"), "{}\n").expect_err("a link");
}
