//! What every journal must do, as a suite that any implementation can run.
//!
//! ```
//! use dsrkit::journal::{conformance, memory::MemoryJournal};
//!
//! conformance::run(&|| Box::new(MemoryJournal::new()));
//! ```

// A suite tells what is wrong by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing
)]

use super::rows::{
    ArtifactRow, AttemptRow, AttemptState, BatchRow, BatchState, CancelState, Change, JobOrigin,
    JobRow, LearntRow, NewEvent, ProjectRow, RunRow,
};
use super::{BATCH_TRANSITIONS, Journal, NewBatch};
use crate::error::{Error, ErrorKind, Result};
use crate::model::action::{Compliance, Disclosure, Kind, Terms};
use crate::model::event::EventKind;
use crate::model::job::JobStatus;
use crate::model::report::{RefusedRow, RefusedRows};
use crate::model::run::RunState;
use crate::model::wire::IdsJson;

/// Makes a new, empty journal.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn Journal>;

/// Runs the whole suite; panics at the first thing that is not as it must be.
pub fn run(make: Make<'_>) {
    let empty = make();
    assert!(empty.runs().unwrap().is_empty());
    assert_eq!(empty.verify_events().unwrap(), 0);
    assert_eq!(empty.run("none").unwrap(), None);
    assert!(empty.batches("none").unwrap().is_empty());
    assert_ne!(
        empty.key(),
        make().key(),
        "each journal has a key of its own"
    );
    import_is_all_or_nothing(make);
    import_refuses_what_does_not_add_up(make);
    every_field_comes_back(make);
    commit_is_all_or_nothing(make);
    transitions_are_those_of_the_table(make);
    nothing_is_done_without_a_task_that_ended_well(make);
    frozen_things_stay_and_ends_are_ends(make);
    strangers_are_refused(make);
    splits_are_whole(make);
    events_are_numbered_and_chained(make);
    what_was_learnt_is_kept(make);
    ids_go_only_at_the_end(make);
    a_purged_run_keeps_its_account(make);
    a_cipher_is_chosen_before_the_first_run(make);
}

/// A fingerprint of a project that [`with_run`] puts in.
const PROJECT: [u8; 32] = [0xfe; 32];

fn project() -> ProjectRow {
    ProjectRow {
        fingerprint: PROJECT,
        vendor: "mixpanel-3.0".into(),
        base_url: "https://eu.mixpanel.com/".into(),
    }
}

/// A batch of two ids.
pub(super) fn batch(run: &str, no: u32) -> NewBatch {
    NewBatch {
        row: BatchRow {
            run: run.into(),
            no,
            parent: None,
            n: 2,
            digest: [u8::try_from(no % 251).unwrap(); 32],
            state: BatchState::Frozen,
            attempts: 0,
            ambiguous: 0,
            failures: 0,
            not_before: 0,
            first_sent_at: None,
            task: None,
            problem: None,
            sealed_at: None,
        },
        ids_json: format!("[\"a{no}\",\"b{no}\"]"),
    }
}

/// A plan of this many batches of two.
pub(super) fn row(run: &str, batches: u32) -> RunRow {
    RunRow {
        id: run.into(),
        project: PROJECT,
        terms: Terms {
            kind: Kind::Deletion,
            compliance: Compliance::Gdpr,
            disclosure: None,
        },
        reference: None,
        state: RunState::Planned,
        subjects: u64::from(batches) * 2,
        duplicates: 0,
        refused: RefusedRows::default(),
        batches,
        plan_digest: [7; 32],
        approved_digest: None,
        approved_at: None,
        created_at: 1,
        received_at: 1,
        deadline_at: 2,
        hold_for_ms: 0,
        warned: 2,
        cancel_at: None,
        paused: None,
        archives: None,
        packages: None,
        purged_at: None,
    }
}

/// Imports a plan of this many batches of two, with one event.
pub fn import(journal: &dyn Journal, run: &str, batches: u32) -> Result<()> {
    journal.put_project(&project())?;
    journal.import(&mut (0..batches).map(|no| Ok(batch(run, no))), &mut || {
        Ok((row(run, batches), vec![event(run, "frozen")]))
    })
}

/// A new journal with one run in it.
fn with_run(make: Make<'_>, run: &str, batches: u32) -> Box<dyn Journal> {
    let journal = make();
    import(journal.as_ref(), run, batches).unwrap();
    journal
}

fn assert_internal<T: std::fmt::Debug>(result: Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Internal);
}

fn import_is_all_or_nothing(make: Make<'_>) {
    let journal = make();
    journal.put_project(&project()).unwrap();
    journal.put_project(&project()).unwrap();
    let mut broken = (0..3).map(|no| match no {
        2 => Err(Error::new(ErrorKind::InvalidInput, "row 900000")),
        _ => Ok(batch("r", no)),
    });
    let error = journal
        .import(&mut broken, &mut || panic!("finish after an error"))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::InvalidInput, "row 900000")
    );
    let error = journal
        .import(&mut (0..3).map(|no| Ok(batch("r", no))), &mut || {
            Err(Error::new(ErrorKind::Config, "no"))
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(journal.runs().unwrap().is_empty());
    assert!(journal.batches("r").unwrap().is_empty());
    assert!(journal.batch_ids("r", 0).is_err());
    assert_eq!(journal.verify_events().unwrap(), 0);

    import(journal.as_ref(), "r", 3).unwrap();
    import(journal.as_ref(), "q", 1).unwrap();
    let runs = journal.runs().unwrap();
    assert_eq!(runs, [row("r", 3), row("q", 1)], "oldest first");
    assert_eq!(journal.run("q").unwrap(), Some(row("q", 1)));
    let expected: Vec<_> = (0..3).map(|no| batch("r", no).row).collect();
    assert_eq!(journal.batches("r").unwrap(), expected);
    assert_eq!(journal.verify_events().unwrap(), 2);

    assert_internal(import(journal.as_ref(), "r", 1));
    assert_eq!(
        journal.batches("r").unwrap(),
        expected,
        "not even a part of it"
    );
}

fn import_refuses_what_does_not_add_up(make: Make<'_>) {
    let journal = make();
    let import = |batches: Vec<NewBatch>, row: RunRow, event: NewEvent| {
        let mut batches = batches.into_iter().map(Ok);
        journal.import(&mut batches, &mut || Ok((row.clone(), vec![event.clone()])))
    };
    let two = || vec![batch("r", 0), batch("r", 1)];
    assert_internal(import(two(), row("r", 2), event("r", "project unknown")));
    journal.put_project(&project()).unwrap();
    let none = import(Vec::new(), row("r", 0), event("r", "empty"));
    assert_eq!(none.unwrap_err().kind(), ErrorKind::InvalidInput);
    let mut ready = batch("r", 1);
    ready.row.state = BatchState::Ready;
    for (batches, row, event) in [
        (
            vec![batch("r", 0), batch("r", 2)],
            row("r", 2),
            event("r", "a gap"),
        ),
        (
            vec![batch("r", 0), batch("q", 1)],
            row("r", 2),
            event("r", "two runs"),
        ),
        (
            vec![batch("r", 0), ready],
            row("r", 2),
            event("r", "not frozen"),
        ),
        (two(), row("q", 2), event("q", "another run")),
        (two(), row("r", 3), event("r", "a batch lost")),
        (
            two(),
            RunRow {
                subjects: 5,
                ..row("r", 2)
            },
            event("r", "an id lost"),
        ),
        (two(), row("r", 2), event("q", "an event of another run")),
        (
            two(),
            row("r", 2),
            NewEvent {
                kind: EventKind::Waiting,
                ..event("r", "")
            },
        ),
    ] {
        assert_internal(import(batches, row, event));
        assert!(journal.runs().unwrap().is_empty());
    }
}

fn every_field_comes_back(make: Make<'_>) {
    const RUN: &str = "0190-ü-'); DROP TABLE run;--";
    let journal = make();
    journal.put_project(&project()).unwrap();
    // Byte for byte: spacing, escapes, composed and decomposed letters.
    let ids = "[\"caf\u{e9}\", \"cafe\u{301}\",\"\\u0041\",\"\u{1f600}\",\"'\\\"\\\\\"]";
    let new = NewBatch {
        row: BatchRow {
            n: 5,
            ..batch(RUN, 0).row
        },
        ids_json: ids.into(),
    };
    let planned = RunRow {
        terms: Terms {
            kind: Kind::Retrieval,
            compliance: Compliance::Ccpa,
            disclosure: Some(Disclosure::Categories),
        },
        reference: Some("DSR-ß".into()),
        subjects: 5,
        duplicates: u64::MAX,
        refused: RefusedRows {
            total: 7,
            rows: vec![RefusedRow {
                row: u64::MAX,
                reason: "blank \"at\" the end".into(),
            }],
        },
        created_at: i64::MIN,
        hold_for_ms: i64::MAX,
        archives: Some("/ar/chives".into()),
        ..row(RUN, 1)
    };
    let mut new = Some(Ok(new));
    journal
        .import(&mut std::iter::from_fn(|| new.take()), &mut || {
            Ok((planned.clone(), Vec::new()))
        })
        .unwrap();
    assert_eq!(journal.batch_ids(RUN, 0).unwrap(), ids);
    assert_eq!(journal.run(RUN).unwrap(), Some(planned.clone()));

    let started = RunRow {
        state: RunState::Paused,
        approved_digest: Some([9; 32]),
        approved_at: Some(-1),
        cancel_at: Some(3),
        paused: Some("401".into()),
        packages: Some("/pack".into()),
        ..planned
    };
    let sending = BatchRow {
        state: BatchState::Ready,
        attempts: u32::MAX,
        ambiguous: 2,
        failures: 3,
        not_before: i64::MAX,
        first_sent_at: Some(0),
        task: Some("5483921237094793216".into()),
        problem: Some((ErrorKind::RateLimited, "wait".into())),
        ..journal.batches(RUN).unwrap().remove(0)
    };
    let ended = AttemptRow {
        done_at: Some(10),
        http: Some(u16::MAX),
        seen: Some("a line".into()),
        task: Some(String::new()),
        ..attempt(RUN, AttemptState::CreatedUntracked)
    };
    let followed = JobRow {
        batch: 7,
        origin: JobOrigin::Elsewhere,
        polls: u64::MAX,
        missing_since: Some(1),
        failures: 4,
        fetch_failures: 5,
        last_poll_at: Some(6),
        ended_at: Some(7),
        cancel: CancelState::TooLate,
        dropped: true,
        ..job(RUN, "z", JobStatus::Other("QUEUED".into()))
    };
    let stored = ArtifactRow {
        run: RUN.into(),
        task: "z".into(),
        path: "/ar/chives/ü.zip".into(),
        bytes: u64::MAX,
        sha256: [3; 32],
        at: 8,
    };
    journal
        .commit(&[
            Change::Run(started.clone()),
            Change::Batch(sending.clone()),
            Change::Attempt(AttemptRow {
                state: AttemptState::Sending,
                ..ended.clone()
            }),
            Change::Attempt(ended.clone()),
            Change::Orphan(orphan(RUN)),
            Change::Job(followed.clone()),
            Change::Job(job(RUN, "a", JobStatus::Pending)),
            Change::Artifact(stored.clone()),
        ])
        .unwrap();
    assert_eq!(journal.run(RUN).unwrap(), Some(started));
    assert_eq!(journal.batches(RUN).unwrap(), [sending]);
    assert_eq!(journal.batch_ids(RUN, 0).unwrap(), ids);
    assert_eq!(journal.attempts(RUN).unwrap(), [ended]);
    assert_eq!(journal.artifacts(RUN).unwrap(), [stored]);
    assert_eq!(journal.orphans(RUN).unwrap(), [orphan(RUN)]);
    // A row that is written again keeps its place.
    let again = JobRow {
        polls: 1,
        ..followed
    };
    journal.commit(&[Change::Job(again.clone())]).unwrap();
    let expected = [again, job(RUN, "a", JobStatus::Pending)];
    assert_eq!(
        journal.jobs(RUN).unwrap(),
        expected,
        "in the order they were seen"
    );
}

mod changes;
mod done;
mod removing;
mod samples;
use changes::{
    commit_is_all_or_nothing, events_are_numbered_and_chained,
    frozen_things_stay_and_ends_are_ends, splits_are_whole, strangers_are_refused,
    transitions_are_those_of_the_table, what_was_learnt_is_kept,
};
use done::nothing_is_done_without_a_task_that_ended_well;
use removing::{
    a_cipher_is_chosen_before_the_first_run, a_purged_run_keeps_its_account, ids_go_only_at_the_end,
};
pub(super) use samples::event;
use samples::{attempt, job, orphan};
