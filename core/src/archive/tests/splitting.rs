//! Every line to exactly one place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::{Limits, Member, Share, Split, split};
use super::names;

/// Members as if unpacked, split to `subjects`.
pub(super) fn run(dir: &Path, members: &[(&str, &[u8])], subjects: &[&str]) -> Split {
    let members: Vec<Member> = members
        .iter()
        .map(|(name, data)| {
            let path = dir.join("members").join(name);
            fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            fs::write(&path, data).expect("member");
            Member {
                name: (*name).to_owned(),
                path,
                bytes: data.len() as u64,
            }
        })
        .collect();
    let subjects: Vec<String> = subjects.iter().map(|s| (*s).to_owned()).collect();
    split(&members, &subjects, &Limits::default(), &dir.join("split")).expect("split")
}

pub(super) fn content(share: &Share, name: &str) -> Option<Vec<u8>> {
    let file = share.files.iter().find(|f| f.name == name);
    let data = fs::read(share.dir.join(name)).ok();
    assert_eq!(file.is_some(), data.is_some(), "{name}");
    if let (Some(file), Some(data)) = (file, &data) {
        assert_eq!(file.bytes, data.len() as u64);
        assert_eq!(file.sha256, <[u8; 32]>::from(Sha256::digest(data)));
        assert_eq!(file.lines as usize, data.split(|b| *b == b'\n').count() - 1);
    }
    data
}

#[test]
fn lines_go_to_their_people_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().expect("temp dir");
    let events = concat!(
        "{\"event\":\"x\",\"properties\":{\"distinct_id\":\"a\"}}\r\n",
        "\n",
        "{ \"event\" : \"y\", \"properties\":{\"distinct_id\":\"b\"}}\n",
        "{\"event\":\"z\",\"properties\":{\"distinct_id\":\"A\"}}\n",
        "{\"event\":\"z\",\"properties\":{\"distinct_id\":\"a\"}}"
    );
    let profiles = "\u{feff}{\"$distinct_id\":\"a\",\"$properties\":{}}\n{broken\n";
    let split = run(
        dir.path(),
        &[
            ("events.jsonl", events.as_bytes()),
            ("p/profiles.jsonl", profiles.as_bytes()),
            ("more.jsonl", b"{\"event\":1,\"distinct_id\":\"a\"}\n"),
            ("empty.jsonl", b""),
            // Nothing else reads the rest of a line; a person's files are text all the same.
            (
                "bytes.jsonl",
                b"{\"distinct_id\":\"a\",\"x\":\"\xff\"}\n{\"distinct_id\":\"b\",\"event\":2}\n",
            ),
            ("array.json", b"[\n7, {\"distinct_id\":\"a\"}\n]"),
            ("image.png", b"\x89PNG\n\x00\n"),
            ("nested.zip", b"PK\x03\x04"),
            ("bom.txt", b"\xef\xbb\xbfhello"),
        ],
        &["a", "b", "nobody"],
    );
    let [a, b, nobody] = &split.shares[..] else {
        panic!("{split:?}");
    };
    assert_eq!(
        content(a, "data/events.jsonl").expect("events"),
        b"{\"event\":\"x\",\"properties\":{\"distinct_id\":\"a\"}}\r\n{\"event\":\"z\",\"properties\":{\"distinct_id\":\"a\"}}\n{\"event\":1,\"distinct_id\":\"a\"}\n"
    );
    assert_eq!(
        content(a, "data/profile.jsonl").expect("profile"),
        b"{\"$distinct_id\":\"a\",\"$properties\":{}}\n"
    );
    assert_eq!(
        content(b, "data/events.jsonl").expect("events"),
        b"{ \"event\" : \"y\", \"properties\":{\"distinct_id\":\"b\"}}\n{\"distinct_id\":\"b\",\"event\":2}\n"
    );
    assert!(content(b, "data/profile.jsonl").is_none());
    assert!(nobody.files.is_empty() && nobody.dir.is_dir());
    assert_eq!(split.blank_lines, 1);

    let kept: Vec<_> = split
        .unassigned
        .iter()
        .map(|u| (u.member.as_str(), u.lines, u.whole))
        .collect();
    assert_eq!(
        kept,
        [
            ("events.jsonl", 1, false),
            ("p/profiles.jsonl", 1, false),
            ("bytes.jsonl", 1, false),
            ("array.json", 1, true),
            ("image.png", 1, true),
            ("nested.zip", 1, true),
            ("bom.txt", 1, true),
        ]
    );
    let rest = split.unassigned_dir.expect("unassigned");
    let read = |name: &str| fs::read(rest.join(name)).expect(name);
    assert_eq!(
        read("events.jsonl"),
        b"{\"event\":\"z\",\"properties\":{\"distinct_id\":\"A\"}}\n"
    );
    assert_eq!(read("p/profiles.jsonl"), b"{broken\n");
    assert_eq!(read("array.json"), b"[\n7, {\"distinct_id\":\"a\"}\n]");
    assert_eq!(read("image.png"), b"\x89PNG\n\x00\n");
    assert_eq!(read("bom.txt"), b"\xef\xbb\xbfhello");
    for unassigned in &split.unassigned {
        assert_eq!(unassigned.bytes, read(&unassigned.member).len() as u64);
    }
}

#[test]
fn nothing_unassigned_leaves_no_folder_and_all_is_private() {
    let dir = tempfile::tempdir().expect("temp dir");
    let split = run(
        dir.path(),
        &[("e.jsonl", b"{\"event\":1,\"distinct_id\":\"a\"}\n")],
        &["a"],
    );
    assert_eq!(split.unassigned_dir, None);
    assert_eq!(names(&dir.path().join("split")), ["subjects"]);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let share = &split.shares[0].dir;
    assert_eq!(mode(&dir.path().join("split")), 0o700);
    assert_eq!(mode(share), 0o700);
    assert_eq!(mode(&share.join("data")), 0o700);
    assert_eq!(mode(&share.join("data/events.jsonl")), 0o600);
}

#[test]
fn a_line_too_long_to_read_is_kept() {
    let dir = tempfile::tempdir().expect("temp dir");
    let long = |len: usize| {
        let line = format!("{{\"distinct_id\":\"a\",\"x\":\"{}\"}}\n", "y".repeat(len));
        line.into_bytes()
    };
    let fits = long((4 << 20) - 27);
    assert_eq!(fits.len(), 4 << 20, "a line exactly as long as allowed");
    let data = [
        long(9),
        long(4 << 20),
        fits.clone(),
        long(13 << 20),
        long(8),
    ]
    .concat();
    let split = run(dir.path(), &[("e.jsonl", &data)], &["a"]);
    let profile = content(&split.shares[0], "data/profile.jsonl").expect("profile");
    assert!(profile == [long(9), fits, long(8)].concat());
    let rest = fs::read(split.unassigned_dir.expect("rest").join("e.jsonl")).expect("rest");
    assert!(rest == [long(4 << 20), long(13 << 20)].concat());
    assert_eq!(split.unassigned[0].lines, 2);
}
