//! Every record of every form to exactly one place, over random archives.

use std::collections::HashMap;
use std::fs;

use sha2::{Digest, Sha256};

use super::super::{Limits, Member, split};
use super::Random;
use super::forms::gzip;
use super::splitting::{content, run};

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
            let member = Member {
                name: "m".into(),
                path,
                bytes: text.len() as u64,
            };
            let limits = Limits {
                threads,
                ..Limits::default()
            };
            let subjects = SUBJECTS.map(str::to_owned);
            let split = split(&[member], &subjects, &limits, &dir.path().join("s")).expect("split");
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
