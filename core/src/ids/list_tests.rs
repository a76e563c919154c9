//! The checks of a whole list, skipping, batches, and what is never shown.

use super::tests::{DELETION, RETRIEVAL, all, options, refused, unusual};
use super::*;

#[test]
fn ids_that_are_not_uuids_among_uuids_are_doubted() {
    let with = |uuids: u64, others: u64| {
        let uuid = |at| format!("{at:08x}-2fa1-11d2-883f-0016d3cca427");
        IdSource::iter(
            (0..others)
                .map(|at| format!("other{at}"))
                .chain((0..uuids).map(uuid)),
        )
    };
    for (uuids, others, passes) in [
        (100, 0, true),
        (19, 1, false),
        (95, 5, false),
        (94, 6, true),
        (0, 100, true),
    ] {
        for purpose in [DELETION, RETRIEVAL] {
            let result = take_in(with(uuids, others), &options(purpose));
            assert_eq!(
                result.is_ok(),
                passes || purpose == RETRIEVAL,
                "{uuids} {others}"
            );
            if let Err(error) = result {
                assert!(
                    error
                        .message()
                        .contains("not UUIDs while all the others are: position 0"),
                    "{error}"
                );
            }
        }
        take_in(with(uuids, others), &unusual(DELETION)).expect("allowed");
    }
}

#[test]
fn other_shapes_are_doubted_alike() {
    type Shape = (&'static str, fn(u64) -> String);
    let shapes: [Shape; 4] = [
        ("UUIDs", |at| {
            format!("{at:08x}-2fa1-11d2-883f-0016d3cca427")
        }),
        ("e-mail addresses", |at| format!("canary{at}@example.org")),
        ("numbers", |at| {
            format!("{}", 1_583_792_934_719_392_965 + at)
        }),
        ("hexadecimal hashes", |at| {
            format!("{at:032x}a").split_off(1)
        }),
    ];
    for (name, make) in shapes {
        let list = |others: u64| {
            let odd = (0..others).map(|at| format!("canary-{at}"));
            IdSource::iter((0..95).map(make).chain(odd))
        };
        let error = refused(list(5), &options(DELETION));
        let said = format!("5 of 100 ids are not {name} while all the others are: position 95, ");
        assert!(error.message().starts_with(&said), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
        take_in(list(0), &options(DELETION)).expect("all of one shape");
        take_in(list(6), &options(DELETION)).expect("too many to be a mistake");
        take_in(list(5), &options(RETRIEVAL)).expect("for deletions only");
        take_in(list(5), &unusual(DELETION)).expect("allowed");
    }
}

#[test]
fn the_most_ids_of_a_deletion() {
    let few = IntakeOptions {
        max_ids: Some(3),
        ..options(DELETION)
    };
    assert_eq!(
        take_in(IdSource::iter(["a", "b", "c", "a"]), &few)
            .expect("taken")
            .subjects,
        3
    );
    let error = refused(IdSource::iter(["a", "b", "c", "d"]), &few);
    assert_eq!(
        error.message(),
        "4 ids are more than max_ids_per_deletion_plan (3)"
    );
    // Allowing unusual ids does not raise the limit.
    refused(
        IdSource::iter(["a", "b", "c", "d"]),
        &IntakeOptions {
            allow_unusual: true,
            ..few
        },
    );
}

#[test]
fn skip_bad_is_for_retrievals() {
    let skipping = |purpose| IntakeOptions {
        skip_bad: true,
        ..options(purpose)
    };
    let error = take_in(IdSource::iter(["a"]), &skipping(DELETION)).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Config);
    let intake = take_in(
        IdSource::iter(["id", "a", "", "b", "null"]),
        &skipping(RETRIEVAL),
    )
    .expect("taken");
    let rows: Vec<u64> = intake.refused.iter().map(|refused| refused.row).collect();
    assert_eq!(
        (rows.as_slice(), intake.refused_total, intake.place),
        (&[0, 2, 4][..], 3, "position")
    );
    assert_eq!(all(intake, 2), ["a", "b"]);
    let many = IdSource::iter((0..1_000).map(|at| {
        if at < 300 {
            String::new()
        } else {
            format!("u{at}")
        }
    }));
    let intake = take_in(many, &skipping(RETRIEVAL)).expect("taken");
    assert_eq!(
        (intake.refused.len(), intake.refused_total, intake.subjects),
        (MAX_LISTED, 300, 700)
    );
}

#[test]
fn batches_hold_what_they_say() {
    let ids = |n: u32| IdSource::iter((0..n).map(|at| format!("u{at}")));
    for (n, size, wanted) in [
        (1, 2000, vec![1]),
        (4, 2, vec![2, 2]),
        (5, 2, vec![2, 2, 1]),
        (2, 0, vec![1, 1]),
    ] {
        let batches = take_in(ids(n), &options(DELETION))
            .expect("taken")
            .into_batches(size);
        assert_eq!(batches.size_hint().1, Some(wanted.len()));
        let sizes: Vec<u32> = batches.map(|batch| batch.expect("a batch").n).collect();
        assert_eq!(sizes, wanted);
    }
    let mut batches = take_in(IdSource::iter(["a\"b", "é"]), &options(DELETION))
        .expect("taken")
        .into_batches(9);
    assert_eq!(
        batches.next().expect("one").expect("a batch").ids_json,
        "[\"a\\\"b\",\"é\"]"
    );
}

#[test]
fn no_value_is_ever_shown() {
    let ids = ["canary,1", "canary-2", " canary-3", "\"canary-4\""];
    let error = refused(IdSource::iter(ids), &options(DELETION));
    let intake = take_in(IdSource::iter(ids), &unusual(DELETION)).expect("taken");
    let taken = format!("{intake:?}");
    let batches: Vec<Batch> = intake
        .into_batches(2)
        .collect::<Result<_>>()
        .expect("batches");
    let shown = format!("{error} {error:?} {} {taken} {batches:?}", error.hint());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn what_is_taken_in_may_cross_threads() {
    fn sends<T: Send>() {}
    sends::<IdSource>();
    sends::<Intake>();
    sends::<Batches>();
}
