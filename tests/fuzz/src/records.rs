//! The splitter: which record of a member is whose.

use dsrkit::archive::{Assigned, assign};
use serde_json::Value;
use serde_json::value::RawValue;

const SUBJECTS: [&str; 4] = ["a", "b", "\u{e4}", "x,\"y"];

pub fn run(content: &[u8]) {
    let found = assign(content, &SUBJECTS);
    for (person, line) in &found.owned {
        let text = line.trim_ascii_end();
        assert!(!text.contains(&b'\n') && !text.contains(&b'\r'), "one line");
        serde_json::from_slice::<&RawValue>(text).expect("what a person gets is JSON");
        // Too deep for a reader that keeps everything, or half of a surrogate pair.
        let Ok(value) = serde_json::from_slice::<Value>(text) else {
            continue;
        };
        let ids = [&value, &value["properties"]]
            .into_iter()
            .flat_map(|at| [&at["distinct_id"], &at["$distinct_id"]]);
        let mut ids = ids.filter(|id| !id.is_null()).peekable();
        assert!(ids.peek().is_some());
        assert!(ids.all(|id| id == SUBJECTS[*person]), "nobody else's");
    }
    if found.lines {
        every_line_is_somewhere(content, &found);
    }
}

/// Each line once. To JSON a lone carriage return is a blank, and it becomes one.
fn every_line_is_somewhere(content: &[u8], found: &Assigned) {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let sorted = |lines: Vec<&[u8]>| -> Vec<Vec<u8>> {
        let blank = |byte: &u8| if *byte == b'\r' { b' ' } else { *byte };
        let lines = lines.into_iter().map(<[u8]>::trim_ascii);
        let mut lines: Vec<Vec<u8>> = lines
            .filter(|line| !line.is_empty())
            .map(|line| line.iter().map(blank).collect())
            .collect();
        lines.sort_unstable();
        lines
    };
    let owned = found.owned.iter().map(|(_, line)| &line[..]);
    let rest = found.rest.iter().map(|line| &line[..]);
    let given = content.split(|byte| *byte == b'\n');
    assert_eq!(sorted(owned.chain(rest).collect()), sorted(given.collect()));
}
