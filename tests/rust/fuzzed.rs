//! The fuzz targets of `tests/fuzz` over their corpus, and over changes of it that are the same
//! each time. The long run, with a fuzzer that learns, is `make fuzz`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::pedantic)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

#[allow(dead_code)]
#[path = "simulation/draw.rs"]
mod draw;

use std::path::Path;

/// The corpus of a target, by the names of its files.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds");
    let mut files: Vec<_> = std::fs::read_dir(folder.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 5, "the corpus of {target} is not there");
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// Each seed as it is, and so many changes of it.
fn each(target: &str, changes: usize, run: fn(&[u8])) {
    for (number, seed) in corpus(target).into_iter().enumerate() {
        run(&seed);
        let mut draw = draw::Draw::new(number as u64, target);
        for _ in 0..changes {
            let mut bytes = seed.clone();
            for _ in 0..draw.count(1, 4) {
                let at = draw.count(0, bytes.len() as u32) as usize;
                let byte = draw.pick(b"\0\"\\,{}[]:\n\r\xEF\xBB\xBF\xFF09az");
                match draw.count(0, 3) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, byte),
                    2 if at < bytes.len() => bytes[at] ^= 1 << draw.count(0, 7),
                    _ if at < bytes.len() => bytes[at] = byte,
                    _ => bytes.push(byte),
                }
            }
            run(&bytes);
        }
    }
}

#[test]
fn id_readers_take_any_bytes() {
    each("ids", 50, targets::ids::run);
}

#[test]
fn the_reader_of_answers_takes_any_bytes() {
    each("answer", 200, targets::answer::run);
}

#[test]
fn any_bytes_may_stand_where_a_journal_should() {
    each("journal", 20, targets::journal::run);
}

#[test]
fn any_bytes_may_stand_where_an_archive_should() {
    each("archive", 50, targets::archive::run);
}

#[test]
fn the_records_of_any_member_go_to_one_place_each() {
    each("records", 200, targets::records::run);
}

#[test]
fn any_text_may_stand_where_an_address_should() {
    each("links", 200, targets::links::run);
}
