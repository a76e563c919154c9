//! Who is told to be done.

use super::changes::{set, set_whole, state, way};
use super::{Make, assert_internal, job, with_run};
use crate::journal::{BatchState, Change};
use crate::model::job::JobStatus;

pub(super) fn nothing_is_done_without_a_task_that_ended_well(make: Make<'_>) {
    let journal = with_run(make, "r", 1);
    let there: Vec<_> = way(BatchState::Submitted)
        .into_iter()
        .map(|state| set("r", 0, state))
        .collect();
    journal.commit(&there).unwrap();
    let done = set("r", 0, BatchState::Done);
    assert_internal(journal.commit(std::slice::from_ref(&done)));
    for status in [JobStatus::Pending, JobStatus::Started, JobStatus::Failure] {
        let task = Change::Job(job("r", "ended", status));
        assert_internal(journal.commit(&[task, done.clone()]));
    }
    assert_eq!(state(journal.as_ref(), "r", 0), BatchState::Submitted);
    assert!(journal.jobs("r").unwrap().is_empty());
    // In whichever order they come.
    let mut whole = set_whole("r", 0, BatchState::Done);
    whole.reverse();
    journal.commit(&whole).unwrap();
    // What happens to it later asks no more of its task.
    journal.commit(&[done]).unwrap();
}
