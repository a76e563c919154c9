//! The part of the suite that is about the end of ids: sealed, purged, never by accident.

use super::changes::{child, set_whole, way};
use super::{
    BATCH_TRANSITIONS, BatchRow, BatchState, Change, ErrorKind, EventKind, JobStatus, Journal,
    Make, NewEvent, RunRow, assert_internal, batch, event, job, row, with_run,
};
use crate::journal::{DeliveryRow, MAC_BYTES, SealRow};

fn told(kind: EventKind) -> Change {
    Change::Event(NewEvent {
        kind,
        ..event("r", "told")
    })
}

fn macs(first: u8) -> Vec<u8> {
    let mut macs = vec![first; MAC_BYTES];
    macs.extend([first + 1; MAC_BYTES]);
    macs
}

fn seal(batch: u32) -> Change {
    Change::Seal(SealRow {
        run: "r".into(),
        batch,
        at: 77,
        macs: macs(1),
    })
}

fn purge() -> Change {
    Change::Purge {
        run: "r".into(),
        at: 99,
    }
}

fn bring(journal: &dyn Journal, no: u32, to: BatchState) {
    let mut changes: Vec<_> = way(to)
        .into_iter()
        .flat_map(|state| set_whole("r", no, state))
        .collect();
    if to == BatchState::Split {
        let count = journal.batches("r").unwrap().len();
        changes.push(child(no, u32::try_from(count).unwrap(), 2));
    }
    journal.commit(&changes).unwrap();
}

fn at_its_end(state: BatchState) -> bool {
    use BatchState::{Cancelled, Done, Failed, Revoked};
    matches!(state, Done | Failed | Revoked | Cancelled)
}

pub(super) fn ids_go_only_at_the_end(make: Make<'_>) {
    let all = u32::try_from(BATCH_TRANSITIONS.len()).unwrap();
    let journal = with_run(make, "r", all);
    for (no, (state, _)) in (0..).zip(BATCH_TRANSITIONS) {
        let ids = journal.batch_ids("r", no).unwrap();
        bring(journal.as_ref(), no, *state);
        let sealed = |change| vec![change, told(EventKind::Sealed)];
        let with = |macs: Vec<u8>| {
            sealed(Change::Seal(SealRow {
                run: "r".into(),
                batch: no,
                at: 77,
                macs,
            }))
        };
        assert_internal(journal.commit(&[seal(no)]));
        assert_internal(journal.commit(&with(Vec::new())));
        assert_internal(journal.commit(&with(macs(1)[..MAC_BYTES].to_vec())));
        assert_internal(journal.commit(&with([[9; MAC_BYTES], [8; MAC_BYTES]].concat())));
        assert_internal(journal.commit(&[seal(no), seal(no), told(EventKind::Sealed)]));
        let result = journal.commit(&sealed(seal(no)));
        if at_its_end(*state) {
            result.unwrap();
            let gone = journal.batch_ids("r", no).unwrap_err();
            assert_eq!(gone.kind(), ErrorKind::NotFound);
            assert_eq!(journal.batch_macs("r", no).unwrap(), macs(1));
            let kept = journal.batches("r").unwrap().remove(no as usize);
            assert_eq!((kept.sealed_at, kept.state), (Some(77), *state));
            // Once, and then nothing of it moves.
            assert_internal(journal.commit(&sealed(seal(no))));
            let unsealed = BatchRow {
                sealed_at: None,
                ..kept.clone()
            };
            assert_internal(journal.commit(&[Change::Batch(unsealed)]));
            journal.commit(&[Change::Batch(kept)]).unwrap();
        } else {
            assert_internal(result);
            let kept = journal.batch_ids("r", no).unwrap();
            assert!(kept == ids || *state == BatchState::Split);
            assert!(journal.batch_macs("r", no).unwrap().is_empty());
            let early = BatchRow {
                sealed_at: Some(1),
                ..journal.batches("r").unwrap().remove(no as usize)
            };
            assert_internal(journal.commit(&[Change::Batch(early)]));
        }
    }
    assert_eq!(journal.runs_with_ids().unwrap(), ["r"]);
    let missing = journal.batch_macs("r", 999).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(journal.scrub().unwrap());
}

pub(super) fn a_purged_run_keeps_its_account(make: Make<'_>) {
    use BatchState::{Cancelled, Done, Failed, Rejected, Revoked, Split};
    for (state, _) in BATCH_TRANSITIONS {
        let journal = with_run(make, "r", 1);
        bring(journal.as_ref(), 0, *state);
        let open = !matches!(state, Done | Failed | Revoked | Cancelled | Rejected);
        assert_internal(journal.commit(&[purge()]));
        assert_internal(journal.commit(&[purge(), purge(), told(EventKind::Purged)]));
        let result = journal.commit(&[purge(), told(EventKind::Purged)]);
        if open {
            // The child of a split one is open.
            assert_internal(result);
            assert!(journal.batch_ids("r", 0).is_ok());
            assert_eq!(journal.run("r").unwrap(), Some(row("r", 1)));
        } else {
            result.unwrap();
            assert!(journal.runs_with_ids().unwrap().is_empty());
        }
    }

    let journal = with_run(make, "r", 4);
    for (no, state) in (0..).zip([Done, Rejected, Split, Done]) {
        bring(journal.as_ref(), no, state);
    }
    let cancelled = |state| {
        Change::Batch(BatchRow {
            state,
            ..journal.batches("r").unwrap().remove(4)
        })
    };
    journal.commit(&[cancelled(Cancelled)]).unwrap();
    let delivery = |folder: &str, at| {
        Change::Delivery(DeliveryRow {
            run: "r".into(),
            task: "t".into(),
            folder: folder.into(),
            at,
        })
    };
    assert_internal(journal.commit(&[delivery("/out", 1)]));
    journal
        .commit(&[
            Change::Job(job("r", "t", JobStatus::Success)),
            delivery("/out", 1),
            delivery("/other", 2),
            delivery("/out", 3),
            seal(0),
            told(EventKind::Sealed),
        ])
        .unwrap();
    let delivered: Vec<_> = journal
        .deliveries("r")
        .unwrap()
        .into_iter()
        .map(|row| (row.folder, row.at))
        .collect();
    assert_eq!(delivered, [("/out".into(), 3), ("/other".into(), 2)]);
    let before = journal.verify_events().unwrap();
    journal.commit(&[purge(), told(EventKind::Purged)]).unwrap();
    for (no, sealed) in [(0, 77), (1, 99), (3, 99), (4, 99)] {
        let kept = journal.batches("r").unwrap().remove(no as usize);
        assert_eq!(kept.sealed_at, Some(sealed), "{no}");
        assert!(journal.batch_ids("r", no).is_err());
        assert!(journal.batch_macs("r", no).unwrap().is_empty());
        assert_internal(journal.commit(&[Change::Batch(BatchRow {
            state: BatchState::Ready,
            ..kept
        })]));
    }
    let kept = journal.run("r").unwrap().unwrap();
    assert_eq!((kept.purged_at, kept.subjects), (Some(99), 8));
    assert_eq!(journal.jobs("r").unwrap().len(), 2);
    assert_eq!(journal.verify_events().unwrap(), before + 1);
    assert!(journal.runs_with_ids().unwrap().is_empty());
    let unpurged = RunRow {
        purged_at: None,
        ..kept
    };
    assert_internal(journal.commit(&[Change::Run(unpurged)]));
    assert_internal(journal.commit(&[purge(), told(EventKind::Purged)]));
}

pub(super) fn a_cipher_is_chosen_before_the_first_run(make: Make<'_>) {
    let journal = make();
    assert_eq!(journal.cipher().unwrap(), None);
    if journal.set_cipher("xchacha20poly1305 00ff").is_err() {
        return; // one that is encrypted by other means, or not at all
    }
    let again = journal.set_cipher("another").unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Config);
    assert_eq!(
        journal.cipher().unwrap().as_deref(),
        Some("xchacha20poly1305 00ff")
    );
    let journal = with_run(make, "r", 1);
    let late = journal.set_cipher("xchacha20poly1305 00ff").unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Config);
    assert_eq!(journal.cipher().unwrap(), None);
    assert_eq!(journal.batches("r").unwrap(), [batch("r", 0).row]);
}
