//! What the runs teach the schedule, and what it makes of that: when a job is looked at, and when
//! room in the scan budget is tried for. The arithmetic is in `pace`.

use super::book::{Book, Gate};
use super::project::Project;
use crate::error::Result;
use crate::journal::{BatchState, CancelState, Change, JobOrigin, JobRow, LearntRow};
use crate::model::Millis;
use crate::model::action::{Kind, Terms};
use crate::model::event::WaitReason;
use crate::model::job::JobStatus;
use crate::pace::hazard;
use crate::pace::learnt::Learnt;
use crate::pace::scans::QUIET;

/// The ages of the jobs of a kind that run, over all runs. One that somebody else made is as old as
/// nobody here knows.
pub(super) fn running(book: &Book, kind: Kind, now: Millis) -> Vec<Millis> {
    book.runs
        .values()
        .filter(|run| run.row.terms.kind == kind)
        .flat_map(|run| {
            run.jobs.iter().filter(|job| {
                job.origin == JobOrigin::Created
                    && !job.status.is_terminal()
                    && run
                        .batch(job.batch)
                        .is_ok_and(|batch| batch.state == BatchState::Submitted)
            })
        })
        .map(|job| now.saturating_sub(job.created_at))
        .collect()
}

/// How long until the next look at a job of this age.
pub(super) fn look(project: &Project, book: &Book, kind: Kind, age: Millis) -> Millis {
    let running = running(book, kind, project.now());
    let hazard = book.learnt.jobs(kind).hazard(age, &running);
    hazard::interval(&project.settings, hazard)
}

/// How long until room in the scan budget is tried for again, after a refusal.
pub(super) fn room(project: &Project, book: &Book, learnt: &mut Learnt, terms: Terms) -> Millis {
    let now = project.now();
    let outstanding = running(book, terms.kind, now);
    learnt
        .scans
        .refused(now, terms.compliance, outstanding.len());
    learnt.scans.wait(
        &project.settings,
        now,
        learnt.jobs(terms.kind),
        &outstanding,
    )
}

/// How long the project must have been quiet before a create, so that its refusal tells something.
pub(super) fn quiet(book: &Book, run: &str) -> Result<Millis> {
    let kind = book.run(run)?.row.terms.kind;
    let unclear = book.gates.get(&kind).is_some_and(|gate| gate.unclear);
    Ok(if unclear { QUIET } else { 0 })
}

/// A job ended between its last look and this one.
pub(super) fn ended(book: &mut Book, kind: Kind, before: &JobRow, end: &JobStatus, now: Millis) {
    if kind == Kind::Retrieval
        && let Some(gate) = book.gates.get_mut(&kind)
    {
        gate.there_may_be_room(now);
    }
    let ours = before.origin == JobOrigin::Created && before.cancel == CancelState::None;
    if !ours || *end == JobStatus::Revoked {
        return;
    }
    let looked_at = before.last_poll_at.unwrap_or(before.created_at);
    let jobs = book.learnt.jobs_mut(kind);
    // Nobody looked when a look was due: the job may have ended long ago.
    let due = before.next_poll_at;
    if now.saturating_sub(due) > due.saturating_sub(looked_at).max(60_000) {
        jobs.expose(looked_at.saturating_sub(before.created_at));
    } else {
        jobs.end(i64::midpoint(looked_at, now).saturating_sub(before.created_at));
    }
}

/// What was learnt, to be committed with what taught it.
pub(super) fn change(project: [u8; 32], learnt: &Learnt) -> Change {
    Change::Learnt(LearntRow {
        project,
        text: learnt.text(),
    })
}

impl Gate {
    /// A retrieval ended: the next create need not wait, unless the vendor asked it to.
    fn there_may_be_room(&mut self, now: Millis) {
        if self.reason == Some(WaitReason::ScanBudget) {
            self.not_before = self.not_before.min(self.asked.max(now));
        }
    }
}
