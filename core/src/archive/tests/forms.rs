//! Lists, tables, sequences and compressed members: every record to exactly one place.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::Split;
use super::splitting::{content, run};

pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(data).expect("write");
    gzip.finish().expect("finish")
}

fn one(member: &str, data: &[u8]) -> (Split, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("temp dir");
    let split = run(dir.path(), &[(member, data)], &["a", "b"]);
    (split, dir)
}

fn events(split: &Split, n: usize) -> String {
    let data = content(&split.shares[n], "data/events.jsonl").unwrap_or_default();
    String::from_utf8(data).expect("text")
}

/// The rest of the only member: its text, records, and whether it is whole.
fn rest(split: &Split) -> Option<(String, u64, bool)> {
    let unassigned = split.unassigned.first()?;
    let path = split.unassigned_dir.as_ref()?.join(&unassigned.file);
    let text = fs::read_to_string(path).expect("rest");
    assert_eq!(unassigned.bytes, text.len() as u64);
    Some((text, unassigned.lines, unassigned.whole))
}

const A: &str = r#"{"event":"x","distinct_id":"a"}"#;
const B: &str = r#"{"event":"y","distinct_id":"b"}"#;

#[test]
fn a_list_is_taken_apart() {
    let text = format!(
        "\u{feff} [ {A},\n{{\n  \"event\": \"[{{\\\"\",\r\n\"distinct_id\":\"b\"}} ,{{\"distinct_id\":\"z\"}}]\n"
    );
    let (split, _dir) = one("list.json", text.as_bytes());
    assert_eq!(events(&split, 0), format!("{A}\n"));
    assert_eq!(
        events(&split, 1),
        "{   \"event\": \"[{\\\"\",  \"distinct_id\":\"b\"}\n"
    );
    assert_eq!(
        rest(&split),
        Some(("{\"distinct_id\":\"z\"}".into(), 1, false))
    );
}

#[test]
fn a_list_that_breaks_off_keeps_what_is_left() {
    for (text, left) in [
        (format!("[{A},{B} x {A}]"), format!("x {A}]")),
        (format!("[{A}{B}]"), format!("{B}]")),
        (format!("[{A},,{B}]"), format!(",{B}]")),
        (format!("[{A}]{B}"), B.to_owned()),
        (
            format!("[{A},{{\"distinct_id\":\"b\""),
            "{\"distinct_id\":\"b\"".to_owned(),
        ),
        (format!("[{A},7,{B}]"), format!("7,{B}]")),
    ] {
        let (split, _dir) = one("list.json", text.as_bytes());
        assert_eq!(events(&split, 0), format!("{A}\n"), "{text}");
        assert_eq!(rest(&split), Some((left, 1, false)), "{text}");
    }
}

#[test]
fn objects_over_several_lines_are_taken_apart() {
    let text = "{\n \"event\": 1,\n \"distinct_id\": \"a\"\n}\n{\n \"event\": 2,\n \"distinct_id\": \"b\"\n}{\"distinct_id\":\"z\"}";
    let (split, _dir) = one("pretty.json", text.as_bytes());
    assert_eq!(
        events(&split, 0),
        "{  \"event\": 1,  \"distinct_id\": \"a\" }\n"
    );
    assert_eq!(
        events(&split, 1),
        "{  \"event\": 2,  \"distinct_id\": \"b\" }\n"
    );
    assert_eq!(rest(&split).expect("rest").0, "{\"distinct_id\":\"z\"}");
    let (split, _dir) = one("seq", format!("\u{1e}{A}\n\u{1e}{B}\n").as_bytes());
    assert_eq!(
        (events(&split, 0), events(&split, 1)),
        (format!("{A}\n"), format!("{B}\n"))
    );
    assert_eq!(rest(&split), None);
}

#[test]
fn a_table_is_taken_apart() {
    let text = "event,distinct_id,note\r\nx,a,\"l1\nl2, \"\"q\"\"\"\r\n\r\ny,z,\nx,a\nx,b,5\" pipe";
    let (split, _dir) = one("events.csv", text.as_bytes());
    assert_eq!(
        events(&split, 0),
        "{\"event\":\"x\",\"properties\":{\"distinct_id\":\"a\",\"note\":\"l1\\nl2, \\\"q\\\"\"}}\n"
    );
    assert_eq!(
        events(&split, 1),
        "{\"event\":\"x\",\"properties\":{\"distinct_id\":\"b\",\"note\":\"5\\\" pipe\"}}\n"
    );
    assert_eq!(
        rest(&split),
        Some(("event,distinct_id,note\r\ny,z,\nx,a\n".into(), 2, false))
    );
    let (split, _dir) = one("events.csv", b"event,distinct_id\nx,a\n\"x,b\nx,b\n");
    assert_eq!(events(&split, 0).lines().count(), 1);
    assert_eq!(
        rest(&split).expect("rest").0,
        "event,distinct_id\n\"x,b\nx,b\n"
    );
}

#[test]
fn compressed_members_are_opened_only_if_sound() {
    let text = format!("{A}\n{B}\n{{\"distinct_id\":\"z\"}}\n");
    let packed = gzip(text.as_bytes());
    let (split, _dir) = one("e.jsonl.gz", &packed);
    assert_eq!(
        (events(&split, 0), events(&split, 1)),
        (format!("{A}\n"), format!("{B}\n"))
    );
    assert_eq!(
        rest(&split),
        Some(("{\"distinct_id\":\"z\"}\n".into(), 1, false))
    );
    assert_eq!(split.unassigned[0].file, "e.jsonl.gz.txt");

    let mut damaged = packed.clone();
    let end = damaged.len();
    damaged[end - 6] ^= 1;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b'{'; 30 << 20]).expect("write");
    let bomb = bomb.finish().expect("finish");
    let cut = packed[..end - 3].to_vec();
    let trailing = [&packed[..], b"more"].concat();
    for (label, data) in [
        ("damaged", damaged),
        ("bomb", bomb),
        ("cut", cut),
        ("trailing", trailing),
        ("no text", gzip(b"\x89PNG")),
    ] {
        let (split, _dir) = one("e.gz", &data);
        let kept = split.unassigned.first().expect(label);
        assert!(kept.whole && kept.lines == 1, "{label}");
        let path = split.unassigned_dir.as_ref().expect("dir").join(&kept.file);
        assert!(fs::read(path).expect("kept") == data, "{label}");
        assert!(
            split.shares.iter().all(|share| share.files.is_empty()),
            "{label}"
        );
    }
    // Its name is another member's already.
    let dir = tempfile::tempdir().expect("temp dir");
    let other = format!("{{\"distinct_id\":\"y\"}}\n{A}\n");
    let split = run(
        dir.path(),
        &[("e.gz", &packed), ("e.gz.txt", other.as_bytes())],
        &["a", "b"],
    );
    let files: Vec<_> = split.unassigned.iter().map(|u| u.file.as_str()).collect();
    assert_eq!(files, ["e.gz.txt_", "e.gz.txt"]);
}

#[test]
fn a_record_too_long_to_read_is_kept_in_every_form() {
    let long = format!(
        "{{\"distinct_id\":\"a\",\"x\":\"{}\"}}",
        "y".repeat(5 << 20)
    );
    for text in [
        format!("[{A},{long},{B}]"),
        format!("{{\n\"distinct_id\":\"a\"}}{long}"),
        format!("event,distinct_id\nx,a\n\"{long}"),
    ] {
        let (split, _dir) = one("m", text.as_bytes());
        let kept: usize = split
            .shares
            .iter()
            .flat_map(|s| &s.files)
            .map(|f| f.lines as usize)
            .sum();
        assert_eq!(kept, 1);
        let (left, lines, whole) = rest(&split).expect("rest");
        assert!(left.contains(&"y".repeat(5 << 20)) && lines == 1 && !whole);
    }
}
