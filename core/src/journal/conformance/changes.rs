//! The part of the suite that is about changes of what is in the journal already.

use super::{
    ArtifactRow, AttemptRow, AttemptState, BATCH_TRANSITIONS, BatchRow, BatchState, CancelState,
    Change, EventKind, IdsJson, JobRow, JobStatus, Journal, LearntRow, Make, NewEvent, PROJECT,
    RunRow, assert_internal, attempt, batch, event, job, orphan, row, with_run,
};
use crate::journal::{CANCEL_TRANSITIONS, JOB_TRANSITIONS, may_follow};

pub(super) fn set(run: &str, no: u32, state: BatchState) -> Change {
    Change::Batch(BatchRow {
        state,
        task: (state == BatchState::Done).then(|| "ended".to_owned()),
        ..batch(run, no).row
    })
}

/// The same with the task that ended well, without which nothing is done.
pub(super) fn set_whole(run: &str, no: u32, state: BatchState) -> Vec<Change> {
    let ended = job(run, "ended", JobStatus::Success);
    let ended = (state == BatchState::Done).then_some(Change::Job(ended));
    ended.into_iter().chain([set(run, no, state)]).collect()
}

pub(super) fn child(parent: u32, no: u32, n: u32) -> Change {
    let row = BatchRow {
        parent: Some(parent),
        n,
        state: BatchState::Ready,
        ..batch("r", no).row
    };
    Change::Child(row, IdsJson(format!("[\"child-{no}\"]")))
}

pub(super) fn state(journal: &dyn Journal, run: &str, no: u32) -> BatchState {
    journal.batches(run).unwrap()[no as usize].state
}

pub(super) fn commit_is_all_or_nothing(make: Make<'_>) {
    let journal = with_run(make, "r", 2);
    assert!(journal.commit(&[]).unwrap().is_empty());
    let good = [
        Change::Run(RunRow {
            cancel_at: Some(1),
            ..row("r", 2)
        }),
        set("r", 0, BatchState::Ready),
        set("r", 0, BatchState::Sending),
        Change::Attempt(attempt("r", AttemptState::Sending)),
        Change::Job(job("r", "t", JobStatus::Pending)),
        Change::Event(event("r", "gone")),
    ];
    let mut all = good.to_vec();
    all.push(set("r", 1, BatchState::Done));
    assert_internal(journal.commit(&all));
    assert_eq!(journal.run("r").unwrap(), Some(row("r", 2)));
    assert_eq!(state(journal.as_ref(), "r", 0), BatchState::Frozen);
    assert!(journal.attempts("r").unwrap().is_empty());
    assert!(journal.jobs("r").unwrap().is_empty());
    assert_eq!(journal.verify_events().unwrap(), 1);

    let events = journal.commit(&good).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(state(journal.as_ref(), "r", 0), BatchState::Sending);
    // A later change of a commit is judged by the earlier ones.
    assert_internal(journal.commit(&[
        set("r", 1, BatchState::Ready),
        set("r", 1, BatchState::Frozen),
    ]));
    assert_eq!(state(journal.as_ref(), "r", 1), BatchState::Frozen);
}

pub(super) fn splits_are_whole(make: Make<'_>) {
    let journal = with_run(make, "r", 2);
    let ids = journal.batch_ids("r", 0).unwrap();
    journal
        .commit(&[
            set("r", 0, BatchState::Ready),
            set("r", 0, BatchState::Sending),
        ])
        .unwrap();
    let child = |no: u32, n: u32| child(0, no, n);
    let split = || set("r", 0, BatchState::Split);
    for bad in [
        vec![split()],
        vec![split(), child(2, 1)],
        vec![split(), child(3, 2)],
        vec![split(), child(1, 2)],
        vec![split(), child(2, 2), child(3, 1)],
        vec![child(2, 2)],
    ] {
        assert_internal(journal.commit(&bad));
        assert_eq!(journal.batches("r").unwrap().len(), 2);
        assert_eq!(journal.batch_ids("r", 0).unwrap(), ids);
    }
    journal
        .commit(&[split(), child(2, 1), child(3, 1)])
        .unwrap();
    assert_eq!(journal.batches("r").unwrap().len(), 4);
    assert_eq!(journal.batch_ids("r", 3).unwrap(), "[\"child-3\"]");
    assert_eq!(
        journal.batch_ids("r", 0).unwrap(),
        "[]",
        "an id stands in one place only"
    );
}

/// The legal way from FROZEN to a state.
pub(super) fn way(to: BatchState) -> Vec<BatchState> {
    let mut ways = vec![vec![BatchState::Frozen]];
    let mut at = 0;
    loop {
        let way = ways[at].clone();
        let last = way[way.len() - 1];
        if last == to {
            return way;
        }
        let (_, next) = BATCH_TRANSITIONS
            .iter()
            .find(|(state, _)| *state == last)
            .unwrap();
        let seen: Vec<_> = ways.iter().map(|way| way[way.len() - 1]).collect();
        for next in next.iter().filter(|next| !seen.contains(next)) {
            let mut longer = way.clone();
            longer.push(*next);
            ways.push(longer);
        }
        at += 1;
    }
}

pub(super) fn transitions_are_those_of_the_table(make: Make<'_>) {
    let all = BatchState::ALL;
    assert_eq!(BATCH_TRANSITIONS.len(), all.len());
    let mut count = u32::try_from(all.len() * all.len()).unwrap();
    let journal = with_run(make, "r", count);
    let mut no = 0;
    for (from, legal) in BATCH_TRANSITIONS {
        for to in all {
            let mut step = |state: BatchState| {
                let mut changes = set_whole("r", no, state);
                if state == BatchState::Split {
                    changes.push(child(no, count, 2));
                    count += 1;
                }
                changes
            };
            let there: Vec<_> = way(*from).into_iter().flat_map(&mut step).collect();
            journal.commit(&there).unwrap();
            let before = journal.batches("r").unwrap().len();
            let result = journal.commit(&step(*to));
            count = u32::try_from(journal.batches("r").unwrap().len()).unwrap();
            assert_eq!(
                result.is_ok() && *to == BatchState::Split,
                count as usize > before
            );
            if (from == to && *to != BatchState::Split) || legal.contains(to) {
                result.unwrap();
            } else {
                assert_internal(result);
            }
            no += 1;
        }
    }
    let batches = journal.batches("r").unwrap();
    let mut batches = batches.iter();
    for (from, legal) in BATCH_TRANSITIONS {
        for to in all {
            let expected = if legal.contains(to) { to } else { from };
            assert_eq!(batches.next().unwrap().state, *expected, "{from} to {to}");
        }
    }
}

pub(super) fn frozen_things_stay_and_ends_are_ends(make: Make<'_>) {
    use JobStatus::{
        Failure, NotFound, Other, Pending, Revoked, Staging, Started, Success, Unknown,
    };

    let journal = with_run(make, "r", 1);
    for changed in [
        RunRow {
            plan_digest: [8; 32],
            ..row("r", 1)
        },
        RunRow {
            subjects: 3,
            ..row("r", 1)
        },
        RunRow {
            project: [1; 32],
            ..row("r", 1)
        },
        RunRow {
            batches: 2,
            ..row("r", 1)
        },
    ] {
        assert_internal(journal.commit(&[Change::Run(changed)]));
    }
    for changed in [
        BatchRow {
            digest: [9; 32],
            ..batch("r", 0).row
        },
        BatchRow {
            n: 3,
            ..batch("r", 0).row
        },
        BatchRow {
            parent: Some(0),
            ..batch("r", 0).row
        },
    ] {
        assert_internal(journal.commit(&[Change::Batch(changed)]));
    }

    for ended in AttemptState::ALL
        .iter()
        .filter(|state| **state != AttemptState::Sending)
    {
        let n = *ended as u32;
        let put = |state| {
            Change::Attempt(AttemptRow {
                n,
                ..attempt("r", state)
            })
        };
        journal
            .commit(&[put(AttemptState::Sending), put(AttemptState::Sending)])
            .unwrap();
        journal.commit(&[put(*ended)]).unwrap();
        for later in AttemptState::ALL.iter().filter(|later| *later != ended) {
            assert_internal(journal.commit(&[put(*later)]));
        }
    }
    let attempts = journal.attempts("r").unwrap();
    assert_eq!(attempts.len(), AttemptState::ALL.len() - 1);
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.state as u32 == attempt.n)
    );

    let steps = [Pending, Staging, Started, Success, Failure, Revoked];
    let words = [NotFound, Unknown, Other("QUEUED".into())];
    for from in &steps {
        for to in steps.iter().chain(&words) {
            let task = format!("{from}-{to}");
            journal
                .commit(&[Change::Job(job("r", &task, from.clone()))])
                .unwrap();
            let result = journal.commit(&[Change::Job(job("r", &task, to.clone()))]);
            // A word of its own stands beside PENDING; observations are no state at all.
            let beside = matches!(to, Other(_)) && *from == Pending;
            if beside || (!to.is_observation() && may_follow(JOB_TRANSITIONS, from, to)) {
                result.unwrap();
            } else {
                assert_internal(result);
            }
        }
    }
    for (from, _) in CANCEL_TRANSITIONS {
        for to in CancelState::ALL {
            let task = format!("cancel-{from}-{to}");
            let put = |cancel| {
                Change::Job(JobRow {
                    cancel,
                    ..job("r", &task, Pending)
                })
            };
            journal.commit(&[put(*from)]).unwrap();
            let result = journal.commit(&[put(*to)]);
            if may_follow(CANCEL_TRANSITIONS, from, to) {
                result.unwrap();
            } else {
                assert_internal(result);
            }
        }
    }
}

pub(super) fn strangers_are_refused(make: Make<'_>) {
    let journal = with_run(make, "r", 1);
    let archive = |task: &str| {
        Change::Artifact(ArtifactRow {
            run: "r".into(),
            task: task.into(),
            path: "p".into(),
            bytes: 1,
            sha256: [0; 32],
            at: 1,
        })
    };
    for change in [
        Change::Run(row("x", 1)),
        set("x", 0, BatchState::Ready),
        set("r", 1, BatchState::Frozen),
        Change::Attempt(attempt("x", AttemptState::Sending)),
        Change::Attempt(AttemptRow {
            batch: 1,
            ..attempt("r", AttemptState::Sending)
        }),
        Change::Job(job("x", "t", JobStatus::Pending)),
        Change::Attempt(attempt("r", AttemptState::Accepted)),
        Change::Orphan(orphan("x")),
        archive("t"),
        Change::Event(event("x", "e")),
        Change::Event(NewEvent {
            kind: EventKind::Waiting,
            ..event("r", "e")
        }),
    ] {
        assert_internal(journal.commit(&[change]));
    }
    let known = Change::Job(job("r", "t", JobStatus::Success));
    journal
        .commit(&[known, archive("t"), archive("t")])
        .unwrap();
    assert_eq!(journal.artifacts("r").unwrap().len(), 1);
    let missing = journal.batch_ids("r", 1).unwrap_err();
    assert_eq!(missing.kind(), crate::error::ErrorKind::NotFound);
}

pub(super) fn events_are_numbered_and_chained(make: Make<'_>) {
    let journal = with_run(make, "r", 1);
    super::import(journal.as_ref(), "q", 1).unwrap();
    let full = NewEvent {
        at: i64::MIN,
        kind: EventKind::Status,
        batch: Some(u32::MAX),
        task: Some("5483921237094793216".into()),
        ..event("r", "STARTED, \u{fc}")
    };
    let kinds = EventKind::ALL
        .iter()
        .filter(|kind| **kind != EventKind::Waiting);
    let mut changes = vec![
        Change::Event(full.clone()),
        Change::Event(event("q", "of q")),
    ];
    changes.extend(kinds.map(|kind| {
        Change::Event(NewEvent {
            kind: *kind,
            ..event("r", "")
        })
    }));
    let events = journal.commit(&changes).unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    let last = 2 + u64::try_from(changes.len()).unwrap();
    assert_eq!(numbers, (3..=last).collect::<Vec<_>>());
    assert_eq!(journal.verify_events().unwrap(), last);

    let of_r: Vec<_> = events
        .iter()
        .filter(|event| event.run_id == "r")
        .cloned()
        .collect();
    assert_eq!(journal.events("r", 1, usize::MAX).unwrap(), of_r);
    let first = &of_r[0];
    assert_eq!(
        (
            first.at_ms,
            first.kind,
            first.batch,
            first.task_id.clone(),
            first.text.clone()
        ),
        (full.at, full.kind, full.batch, full.task, full.text)
    );
    assert_eq!(journal.events("r", 0, 2).unwrap().last(), Some(first));
    assert_eq!(journal.events("q", 2, 9).unwrap().len(), 1);
    assert!(journal.events("r", u64::MAX, 9).unwrap().is_empty());
}

pub(super) fn what_was_learnt_is_kept(make: Make<'_>) {
    let journal = with_run(make, "r", 1);
    let learnt = |project: [u8; 32], text: &str| {
        Change::Learnt(LearntRow {
            project,
            text: text.into(),
        })
    };
    assert_eq!(journal.learnt(&PROJECT).unwrap(), None);
    assert_eq!(journal.learnt(&[1; 32]).unwrap(), None);
    assert_internal(journal.commit(&[learnt([1; 32], "{}")]));
    // It goes with a commit, and falls with it.
    assert_internal(journal.commit(&[learnt(PROJECT, "lost"), set("r", 0, BatchState::Done)]));
    assert_eq!(journal.learnt(&PROJECT).unwrap(), None);
    for text in ["{\"a\":1}", "not JSON, \u{fc}"] {
        journal
            .commit(&[set("r", 0, BatchState::Ready), learnt(PROJECT, text)])
            .unwrap();
        assert_eq!(journal.learnt(&PROJECT).unwrap().as_deref(), Some(text));
    }
}
