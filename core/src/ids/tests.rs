//! The rows of bad input that the project promises to handle, by their numbers.

use std::collections::HashSet;
use std::io::Write;

use super::*;

pub(super) const DELETION: Purpose = Purpose::Deletion;
pub(super) const RETRIEVAL: Purpose = Purpose::Retrieval;

pub(super) fn options(purpose: Purpose) -> IntakeOptions {
    IntakeOptions::new(purpose)
}

pub(super) fn unusual(purpose: Purpose) -> IntakeOptions {
    IntakeOptions {
        allow_unusual: true,
        ..options(purpose)
    }
}

pub(super) fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, IdSource) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(content))
        .expect("written");
    (folder, IdSource::file(path))
}

pub(super) fn all(intake: Intake, size: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for batch in intake.into_batches(size) {
        let batch = batch.expect("a batch");
        let decoded = decode(&batch.ids_json).expect("decoded");
        assert_eq!(decoded.len(), batch.n as usize);
        assert!(decoded.len() <= size);
        ids.extend(decoded);
    }
    ids
}

pub(super) fn refused(source: IdSource, options: &IntakeOptions) -> Error {
    let error = take_in(source, options).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error
}

#[test]
fn row_1_no_ids() {
    for purpose in [DELETION, RETRIEVAL] {
        assert_eq!(
            refused(IdSource::iter(Vec::<String>::new()), &options(purpose)).message(),
            "no ids"
        );
        for name in ["ids.txt", "ids.csv", "ids.jsonl"] {
            let (_folder, source) = file(name, b"");
            assert_eq!(refused(source, &options(purpose)).message(), "no ids");
        }
        let (_folder, source) = file("ids.csv", b"distinct_id\n");
        assert_eq!(refused(source, &options(purpose)).message(), "no ids");
    }
    let skipping = IntakeOptions {
        skip_bad: true,
        ..options(RETRIEVAL)
    };
    assert_eq!(
        refused(IdSource::iter(["", " "]), &skipping).message(),
        "no ids: all 2 rows were refused"
    );
}

#[test]
fn row_2_one_bad_id_refuses_the_whole_import_with_its_rows() {
    for purpose in [DELETION, RETRIEVAL] {
        let error = refused(
            IdSource::iter(["canary-1", "", " ", "canary-2", "\u{200b}"]),
            &options(purpose),
        );
        assert_eq!(
            error.message(),
            "3 of 5 ids cannot be used: position 1: empty; position 2: only blanks or invisible characters; \
             position 4: only blanks or invisible characters"
        );
        assert_eq!(error.hint().contains("skip_bad"), purpose == RETRIEVAL);
        assert!(!error.hint().contains("allow_unusual"));
    }
    let (_folder, source) = file("ids.txt", b"a\n\nb\n \n");
    let error = refused(source, &options(DELETION));
    assert_eq!(
        error.message(),
        "2 of 4 ids cannot be used: line 2: empty; line 4: only blanks or invisible characters"
    );
    // Not even the caller who allows the unusual gets these through.
    for never in ["", " ", "\u{200b}", "a\0b", "\u{feff}a"] {
        refused(IdSource::iter(["a", never]), &unusual(DELETION));
    }
}

#[test]
fn row_2_a_long_list_of_refused_rows_is_capped_and_counted() {
    let error = refused(
        IdSource::iter((0..1_000).map(|at| if at % 2 == 0 { "" } else { "x" })),
        &options(DELETION),
    );
    assert!(
        error
            .message()
            .starts_with("500 of 1000 ids cannot be used: position 0: empty; position 2: empty;")
    );
    assert!(
        error
            .message()
            .ends_with("position 198: empty; and 400 more"),
        "{error}"
    );
}

#[test]
fn row_3_placeholders_need_the_callers_word() {
    let ids = [
        "user-1",
        "null",
        "undefined",
        "None",
        "nan",
        "00000000-0000-0000-0000-000000000000",
        " padded ",
    ];
    let error = refused(IdSource::iter(ids), &options(DELETION));
    assert!(
        error
            .message()
            .starts_with("6 of 7 ids cannot be used: position 1: a placeholder"),
        "{error}"
    );
    assert!(error.hint().contains("allow_unusual"));
    let intake = take_in(IdSource::iter(ids), &unusual(DELETION)).expect("allowed");
    assert_eq!(all(intake, 3), ids);
}

#[test]
fn row_4_a_header_in_a_text_file() {
    for first in ["distinct_id", "email", "name,email"] {
        let (_folder, source) = file("ids.txt", format!("{first}\nb\n").as_bytes());
        let error = refused(source, &options(DELETION));
        assert!(error.message().contains("line 1: looks like a "), "{error}");
        let advice = format!("{} {}", error.message(), error.hint());
        assert!(advice.contains("column="), "{advice}");
        assert!(!error.to_string().contains(first));
    }
    let intake =
        take_in(IdSource::iter(["a", "email"]), &options(DELETION)).expect("not in the first row");
    assert_eq!(intake.subjects, 2);
}

#[test]
fn row_8_files_that_are_not_utf8() {
    for name in ["ids.txt", "ids.csv", "ids.jsonl"] {
        let (_folder, source) = file(name, b"\"a\"\n\"Zo\xeb\"\n");
        let skipping = IntakeOptions {
            skip_bad: true,
            ..options(RETRIEVAL)
        };
        assert!(refused(source, &skipping).message().contains("at byte 7 "));
    }
    for name in ["ids.csv", "ids.jsonl"] {
        let text = if name == "ids.csv" {
            "id\r\na\r\nb\r\n"
        } else {
            "\"a\"\r\n\"b\"\r\n"
        };
        let (_folder, source) = file(name, format!("\u{feff}{text}").as_bytes());
        assert_eq!(
            all(take_in(source, &options(DELETION)).expect("taken"), 10),
            ["a", "b"]
        );
    }
}

#[test]
fn row_9_and_10_no_text_and_nul_are_refused() {
    let (_folder, source) = file("ids.jsonl", b"\"a\"\n\"\\ud800\"\n\"a\\u0000b\"\n");
    let error = refused(source, &unusual(DELETION));
    assert_eq!(
        error.message(),
        "2 of 3 ids cannot be used: line 2: not valid JSON; line 3: holds a NUL character"
    );
}

#[test]
fn row_11_both_forms_of_a_name_are_kept_with_a_warning() {
    let ids = ["Zo\u{eb}", "Zoe\u{308}", "Zoe"];
    let intake = take_in(IdSource::iter(ids), &options(DELETION)).expect("taken");
    assert!(
        matches!(intake.warnings.as_slice(), [one] if one.starts_with("1 ids differ") && !one.contains("Zo"))
    );
    assert_eq!(all(intake, 10), ids);
    let intake =
        take_in(IdSource::iter(["Zo\u{eb}", "Zo\u{eb}"]), &options(DELETION)).expect("taken");
    assert_eq!((intake.warnings.len(), intake.subjects), (0, 1));
}

#[test]
fn row_12_duplicates_are_merged_and_many_are_doubted() {
    let with = |rows: u64, distinct: u64| {
        IdSource::iter((0..rows).map(move |at| format!("u{}", at % distinct)))
    };
    for (rows, distinct, passes) in [
        (2, 1, true),
        (19, 5, true),
        (20, 16, true),
        (20, 15, false),
        (1000, 1, false),
    ] {
        for purpose in [DELETION, RETRIEVAL] {
            let result = take_in(with(rows, distinct), &options(purpose));
            assert_eq!(
                result.is_ok(),
                passes || purpose == RETRIEVAL,
                "{rows} {distinct} {purpose:?}"
            );
            if let Err(error) = result {
                let told = format!("{} of {rows} rows repeat an earlier id", rows - distinct);
                assert!(
                    error.message().contains(&told) && error.hint().contains("allow_unusual"),
                    "{error}"
                );
            }
        }
        let intake = take_in(with(rows, distinct), &unusual(DELETION)).expect("allowed");
        assert_eq!(
            (intake.subjects, intake.duplicates),
            (distinct, rows - distinct)
        );
    }
}

#[test]
fn row_13_an_error_of_the_iterator_ends_the_import_unchanged() {
    let ids = (0..1_000).map(|at| match at {
        900 => Err(Error::new(ErrorKind::Cancelled, "the caller's own").with("n", at)),
        _ => Ok(format!("u{at}")),
    });
    let error = take_in(IdSource::try_iter(ids), &options(DELETION)).expect_err("stopped");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Cancelled, "the caller's own (n: 900)")
    );
}

#[test]
fn row_14_many_ids_spill_and_agree_with_a_set() {
    let mut state = 7u64;
    let ids: Vec<String> = (0..300_000)
        .map(|at| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let number = (state >> 33) % 200_000;
            match number % 4 {
                0 => format!("名前-{number}"),
                1 => format!("a\"{number}\\"),
                2 => format!(
                    "{number:0>width$}",
                    width = 1 + usize::try_from(number % 250).expect("small")
                ),
                _ => format!("user-{number}@{}", at % 2),
            }
        })
        .collect();
    let mut seen = HashSet::new();
    let wanted: Vec<&String> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
    for budget in [0, 8 << 20, 1 << 30] {
        let options = IntakeOptions {
            memory_budget: budget,
            ..unusual(RETRIEVAL)
        };
        let intake = take_in(IdSource::iter(ids.clone()), &options).expect("taken");
        assert_eq!(intake.subjects, wanted.len() as u64);
        assert_eq!(intake.duplicates, (ids.len() - wanted.len()) as u64);
        assert!(
            all(intake, 1_999).iter().eq(wanted.iter().copied()),
            "budget {budget}"
        );
    }
}

#[test]
fn row_15_an_id_of_a_megabyte() {
    let long = "x".repeat(1_000_000);
    for (name, text) in [
        ("ids.txt", format!("a\n{long}\nb\n")),
        ("ids.csv", format!("id\na\n{long}\n")),
        ("ids.jsonl", format!("\"a\"\n\"b\"\n\"{long}\"\n")),
    ] {
        let (_folder, source) = file(name, text.as_bytes());
        let error = refused(source, &unusual(DELETION));
        assert!(
            error.message().contains("longer than the limit") && error.message().len() < 100,
            "{name}"
        );
    }
    let longer = IntakeOptions {
        max_id_bytes: 300,
        ..options(DELETION)
    };
    assert_eq!(
        take_in(IdSource::iter(["x".repeat(300)]), &longer)
            .expect("taken")
            .subjects,
        1
    );
    refused(IdSource::iter(["x".repeat(301)]), &longer);
}
