//! Lists, tables, sequences and compressed members: every record to exactly one place.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::super::Split;
use super::Random;
use super::splitting::{content, run};

fn gzip(data: &[u8]) -> Vec<u8> {
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

const SUBJECTS: [&str; 7] = ["a", "b", "ä", "a\"b", "\u{1f600}", "x,y;z", "a "];

/// A record with a tag that nothing else holds, and who must get it.
fn record(random: &mut Random, tag: &str) -> (String, Option<usize>) {
    let n = random.below(SUBJECTS.len());
    let id = serde_json::to_string(SUBJECTS[n]).expect("json");
    match random.below(10) {
        0..4 => (
            format!(r#"{{"event":"{tag}","properties":{{"time":1,"distinct_id":{id}}}}}"#),
            Some(n),
        ),
        4 => (
            format!(r#"{{"$distinct_id":{id},"$properties":{{"tag":"{tag}"}}}}"#),
            Some(n),
        ),
        5 => (
            format!(
                r#"{{"event":"{tag}","properties":{{"distinct_id":"stranger","alias":{id}}}}}"#
            ),
            None,
        ),
        6 => (
            format!(r#"{{"event":"{tag}","properties":{{"distinct_id":7}}}}"#),
            None,
        ),
        7 => (
            format!(r#"{{"event":"{tag}","distinct_id":{id},"distinct_id":{id}}}"#),
            None,
        ),
        8 => (
            format!(r#"{{"event":"{tag}","properties":{{"text":{id}}}}}"#),
            None,
        ),
        _ => (
            format!(r#"{{"tag":"{tag}","distinct_id":{id},"n":[{{"distinct_id":"b"}}]}}"#),
            Some(n),
        ),
    }
}

/// A member of a random form; its records and owners are added to `expected`.
fn member(
    random: &mut Random,
    m: usize,
    expected: &mut HashMap<String, Option<usize>>,
) -> (String, Vec<u8>) {
    let count = random.below(40);
    let form = random.below(6);
    let mut records = Vec::new();
    for n in 0..count {
        let tag = format!("#{m}-{n}#");
        if form == 3 {
            let person = random.below(SUBJECTS.len() + 1);
            let id = SUBJECTS.get(person).copied().unwrap_or("stranger");
            let id = id.replace('"', "\"\"");
            let cells = ["", ",more"][usize::from(random.below(9) == 0)];
            expected.insert(
                tag.clone(),
                (person < SUBJECTS.len() && cells.is_empty()).then_some(person),
            );
            records.push(format!("{tag},\"{id}\",\"line\n end\"{cells}"));
        } else {
            let (text, owner) = record(random, &tag);
            expected.insert(tag, owner);
            records.push(text);
        }
    }
    let ends = ["\n", "\r\n", "\n\n"];
    let end = ends[random.below(ends.len())];
    let mut text = match form {
        0 => records.join(end),
        1 => {
            // What breaks a line must not break the others.
            let tag = format!("#{m}-broken#");
            expected.insert(tag.clone(), None);
            let half = records.len() / 2;
            records.insert(half, format!("{{\"distinct_id\":\"a\",\"x\":\"{tag}\""));
            if half == 0 {
                records.insert(0, "{}".to_owned());
            }
            records.join(end)
        }
        2 if !records.is_empty() => format!("[{}]", records.join(&format!(",{end}"))),
        3 => format!("event,distinct_id,x{end}{}", records.join(end)),
        4 if !records.is_empty() => format!("\u{1e}{}", records.join("\n\u{1e}")),
        _ => records.join(end),
    };
    if random.below(2) == 0 {
        text.push_str(end);
    }
    if random.below(5) == 0 {
        text.insert(0, '\u{feff}');
    }
    match random.below(4) {
        0 => (format!("m{m}.gz"), gzip(text.as_bytes())),
        _ => (format!("d/m{m}"), text.into_bytes()),
    }
}

/// In memory where that is possible: thousands of small folders are made.
fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("temp dir")
}

#[test]
fn every_record_is_in_exactly_one_place() {
    let seeds = if std::env::var_os("DSRKIT_SOAK").is_some() {
        20_000
    } else {
        1_000
    };
    for seed in 1..=seeds {
        let mut random = Random(seed);
        let mut expected = HashMap::new();
        let members: Vec<(String, Vec<u8>)> = (0..1 + random.below(4))
            .map(|m| member(&mut random, m, &mut expected))
            .collect();
        let dir = quick_folder();
        let borrowed: Vec<(&str, &[u8])> =
            members.iter().map(|(n, d)| (n.as_str(), &d[..])).collect();
        let split = run(dir.path(), &borrowed, &SUBJECTS);
        let mut find = |text: &str, owner: Option<usize>| {
            for tag in text.split('#').skip(1).step_by(2) {
                let tag = format!("#{tag}#");
                assert_eq!(expected.remove(&tag), Some(owner), "seed {seed}: {tag}");
            }
        };
        for (n, share) in split.shares.iter().enumerate() {
            for name in ["data/events.jsonl", "data/profile.jsonl"] {
                let data = content(share, name).unwrap_or_default();
                let text = String::from_utf8(data).expect("text");
                for line in text.lines() {
                    assert_eq!(
                        line.matches('#').count(),
                        2,
                        "seed {seed}: one record a line"
                    );
                    serde_json::from_str::<serde_json::Value>(line).expect("json");
                }
                find(&text, Some(n));
            }
        }
        for kept in &split.unassigned {
            let path = split.unassigned_dir.as_ref().expect("dir").join(&kept.file);
            let data = fs::read(path).expect("rest");
            if kept.whole {
                let original = members.iter().find(|(name, _)| *name == kept.member);
                assert!(original.expect("member").1 == data, "seed {seed}");
                let text = if data.starts_with(b"\x1f\x8b") {
                    let mut text = String::new();
                    let mut input = flate2::read::GzDecoder::new(&data[..]);
                    std::io::Read::read_to_string(&mut input, &mut text).expect("text");
                    text
                } else {
                    String::from_utf8(data).expect("text")
                };
                find(&text, None);
            } else {
                find(&String::from_utf8(data).expect("text"), None);
            }
        }
        assert!(expected.is_empty(), "seed {seed}: lost {expected:?}");
    }
}

/// The same bytes whatever the number of threads, and in the archive's order.
#[test]
fn the_outcome_does_not_depend_on_the_threads() {
    let text: String = (0..40_000)
        .map(|n| {
            format!(
                "{{\"event\":{n},\"distinct_id\":\"{}\"}}\n",
                SUBJECTS[n % 3]
            )
        })
        .collect();
    let outcomes: Vec<[u8; 32]> = [1, 2, 5]
        .into_iter()
        .map(|threads| {
            let dir = tempfile::tempdir().expect("temp dir");
            let path = dir.path().join("m");
            fs::write(&path, &text).expect("member");
            let member = super::super::Member {
                name: "m".into(),
                path,
                bytes: text.len() as u64,
                sha256: [0; 32],
            };
            let limits = super::super::Limits {
                threads,
                ..super::super::Limits::default()
            };
            let subjects = SUBJECTS.map(str::to_owned);
            let split = super::super::split(&[member], &subjects, &limits, &dir.path().join("s"))
                .expect("split");
            let first = content(&split.shares[0], "data/events.jsonl").expect("events");
            let numbers = String::from_utf8(first.clone()).expect("text");
            let mut last = -1;
            for line in numbers.lines() {
                let value: serde_json::Value = serde_json::from_str(line).expect("json");
                let n = value["event"].as_i64().expect("number");
                assert!(n > last);
                last = n;
            }
            Sha256::digest(first).into()
        })
        .collect();
    assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]));
}
