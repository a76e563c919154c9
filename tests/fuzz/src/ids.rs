//! The readers of id files. The first byte chooses the form, the rest is the file.

use std::cell::OnceCell;

use dsrkit::IdSource;
use dsrkit::ids::{IntakeOptions, Purpose, decode, take_in};

use super::{folder, said};

/// A value that no message may quote.
const CANARY: &str = "canary-7f3a";

pub fn run(data: &[u8]) {
    let Some((&choice, content)) = data.split_first() else {
        return;
    };
    let (name, column) = match choice % 6 {
        0 => ("ids.csv", None),
        1 => ("ids.csv", Some("id")),
        2 => ("ids.jsonl", None),
        3 => ("ids.jsonl", Some("id")),
        4 => ("ids.ndjson", None),
        _ => ("ids.txt", None),
    };
    thread_local! {
        static PLACE: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
    }
    let path = PLACE.with(|place| place.get_or_init(folder).path().join(name));
    std::fs::write(&path, content).expect("written");
    let mut source = IdSource::file(path);
    if let Some(column) = column {
        source = source.column(column);
    }
    let purpose = match choice & 64 {
        0 => Purpose::Deletion,
        _ => Purpose::Retrieval,
    };
    let options = IntakeOptions {
        allow_unusual: choice & 128 != 0,
        skip_bad: purpose == Purpose::Retrieval,
        memory_budget: 64 << 10,
        ..IntakeOptions::new(purpose)
    };
    match take_in(source, &options) {
        Err(error) => {
            let text = said(&error);
            assert!(!text.contains(CANARY), "a value is quoted: {text}");
        }
        Ok(taken) => {
            let subjects = taken.subjects;
            let mut seen = std::collections::BTreeSet::new();
            for batch in taken.into_batches(7) {
                let batch = batch.expect("what was taken in comes out");
                let ids = decode(&batch.ids_json).expect("a list of ids");
                assert_eq!(ids.len(), batch.n as usize);
                for id in ids {
                    assert!(!id.is_empty() && id.len() <= 255 && !id.contains('\0'));
                    assert!(seen.insert(id), "an id twice");
                }
            }
            assert_eq!(seen.len() as u64, subjects);
        }
    }
}
