//! How a batch ends: as its tasks do.

use super::book::{RunBook, wants_archive};
use crate::error::ErrorKind;
use crate::journal::{BatchRow, BatchState, CancelState, JobRow};
use crate::model::Millis;
use crate::model::job::JobStatus;

impl RunBook {
    /// A task that the run knows, taken up again for a batch: looked at next at this time. One that
    /// was dropped now belongs to this batch alone.
    pub fn again(&self, task: &str, batch: u32, next_poll_at: Millis) -> Option<JobRow> {
        let known = self.jobs.iter().find(|job| job.task == task)?;
        Some(JobRow {
            batch: if known.dropped { batch } else { known.batch },
            missing_since: None,
            failures: 0,
            fetch_failures: 0,
            next_poll_at,
            dropped: false,
            ..known.clone()
        })
    }

    /// Where the tasks of a batch leave it, once `changed` is as it is now: nothing while one of
    /// them is under way, or while an archive of one is missing.
    pub fn end_of(&self, batch: &BatchRow, changed: &JobRow, archived: bool) -> Option<BatchState> {
        // No task, no end: it must never follow from nothing that people are erased.
        self.tasks_of(batch).next()?;
        let mut end = BatchState::Done;
        for job in self.tasks_of(batch) {
            let job = if job.task == changed.task {
                changed
            } else {
                job
            };
            match job.status {
                JobStatus::Success => {
                    let here = archived && job.task == changed.task;
                    if !here && wants_archive(self, job) {
                        return None;
                    }
                }
                JobStatus::Failure => end = BatchState::Failed,
                JobStatus::Revoked if end == BatchState::Done => end = BatchState::Revoked,
                JobStatus::Revoked => {}
                _ => return None,
            }
        }
        Some(end)
    }
}

/// What is wrong with a batch that ended so with this task. A task that is revoked because its owner
/// cancelled the run is what was asked for.
pub(super) fn problem(state: BatchState, job: &JobRow) -> Option<(ErrorKind, String)> {
    let ours = !matches!(job.cancel, CancelState::None | CancelState::Refused);
    if state == BatchState::Done || (state == BatchState::Revoked && ours) {
        return None;
    }
    let text = format!("the vendor ended the task as {}", job.status);
    Some((ErrorKind::JobFailed, text))
}
