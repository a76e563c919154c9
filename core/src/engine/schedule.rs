//! What the runs teach the schedule, and what it makes of that: when a job is looked at, and when
//! room in the scan budget is tried for. The arithmetic is in `pace`.

use std::time::Duration;

use super::book::{Book, Gate, RunBook};
use super::due;
use super::project::Project;
use crate::error::Result;
use crate::journal::{
    AttemptState, BatchRow, BatchState, CancelState, Change, JobOrigin, JobRow, LearntRow,
};
use crate::model::Millis;
use crate::model::action::{Compliance, Kind, Terms};
use crate::model::event::WaitReason;
use crate::model::job::JobStatus;
use crate::pace::learnt::Learnt;
use crate::pace::scans::{QUIET, Running};
use crate::pace::{hazard, scans};
use crate::settings::{Settings, ms};

/// The jobs of a kind that run, over all runs, with their batches. One that somebody else made is as
/// old as nobody here knows.
fn jobs(book: &Book, kind: Kind) -> impl Iterator<Item = (&RunBook, &BatchRow, &JobRow)> {
    book.runs
        .values()
        .filter(move |run| run.row.terms.kind == kind)
        .flat_map(|run| {
            run.jobs.iter().filter_map(move |job| {
                let batch = run.batch(job.batch).ok()?;
                let runs = job.origin == JobOrigin::Created
                    && !job.status.is_terminal()
                    && batch.state == BatchState::Submitted;
                runs.then_some((run, batch, job))
            })
        })
}

/// The ages of those jobs.
pub(super) fn running(book: &Book, kind: Kind, now: Millis) -> Vec<Millis> {
    jobs(book, kind).map(|(_, _, job)| job.age(now)).collect()
}

/// The retrievals that count for the scan budget: one for each request.
pub(super) fn retrievals(book: &Book, now: Millis) -> Vec<Running> {
    jobs(book, Kind::Retrieval)
        .filter(|(_, batch, job)| batch.task.as_ref() == Some(&job.task))
        .map(|(run, _, job)| Running {
            compliance: run.row.terms.compliance,
            age: job.age(now),
            seen_at: seen_at(job),
        })
        .collect()
}

/// The places that running jobs take, in jobs of these terms.
pub(super) fn taken_by_others(project: &Project, book: &Book, terms: Terms) -> f64 {
    let now = project.now();
    match terms.kind {
        #[allow(clippy::cast_precision_loss)] // a count
        Kind::Deletion => running(book, terms.kind, now).len() as f64,
        Kind::Retrieval => {
            scans::sum(&project.settings, &retrievals(book, now))
                / scans::weight(&project.settings, terms.compliance)
        }
    }
}

/// When a job was last seen to be there. A look that failed showed nothing.
fn seen_at(job: &JobRow) -> Millis {
    let looked_at = job.last_poll_at.filter(|_| job.failures == 0);
    looked_at.unwrap_or(job.created_at)
}

/// How long until the next look at a job of this age.
pub(super) fn look(project: &Project, book: &Book, kind: Kind, age: Millis) -> Millis {
    let running = running(book, kind, project.now());
    let hazard = book.learnt.jobs(kind).hazard(age, &running);
    hazard::interval(&project.settings, hazard)
}

/// What an accepted create of a retrieval means for the next one.
pub(super) fn taken(
    project: &Project,
    book: &Book,
    learnt: &mut Learnt,
    compliance: Compliance,
    before: Gate,
) -> Gate {
    let now = project.now();
    let settings = &project.settings;
    let mut running = retrievals(book, now);
    // One that costs less went by while others wait: that says nothing about their room.
    let beside = before.reason == Some(WaitReason::ScanBudget)
        && whole_waits(settings, book)
        && scans::weight(settings, compliance) < before.room;
    if !beside {
        learnt.scans.accepted(settings, now, compliance, &running);
    }
    running.push(Running {
        compliance,
        age: 0,
        seen_at: now,
    });
    let gate = gate(project, book, learnt, &running, now);
    if beside {
        let room = gate.room;
        return Gate { room, ..before };
    }
    gate
}

/// Whether a retrieval of the whole project waits to be sent.
fn whole_waits(settings: &Settings, book: &Book) -> bool {
    book.runs.values().any(|run| {
        let terms = run.row.terms;
        terms.kind == Kind::Retrieval
            && scans::weight(settings, terms.compliance) >= 1.0
            && due::wants_to_send(run)
    })
}

/// What a refusal for the scan budget means for the next create of a retrieval.
pub(super) fn refused(
    project: &Project,
    book: &Book,
    learnt: &mut Learnt,
    compliance: Compliance,
    asked: Option<Duration>,
) -> Gate {
    let now = project.now();
    let running = retrievals(book, now);
    let scans = &mut learnt.scans;
    scans.refused(&project.settings, now, compliance, &running);
    let asked = asked.map_or(now, |asked| now.saturating_add(ms(asked)));
    gate(project, book, learnt, &running, asked)
}

/// Open where there may be room; else shut until the next try, counted from the last one.
fn gate(
    project: &Project,
    book: &Book,
    learnt: &Learnt,
    running: &[Running],
    asked: Millis,
) -> Gate {
    let settings = &project.settings;
    let Some(mut room) = learnt.scans.room(settings, running) else {
        return Gate::default();
    };
    if whole_waits(settings, book) {
        room = room.min(learnt.scans.beside(settings, running));
    }
    let last = learnt.scans.last().unwrap_or_else(|| project.now());
    let jobs = learnt.jobs(Kind::Retrieval);
    let wait = learnt.scans.wait(settings, last, jobs, running);
    let not_before = asked.max(last.saturating_add(wait));
    Gate {
        not_before,
        expected: learnt.scans.expects(not_before),
        reason: Some(WaitReason::ScanBudget),
        asked,
        // What the vendor asks for, it asks for all.
        room: if asked > last { 0.0 } else { room },
        ..Gate::default()
    }
}

/// Takes up where an earlier process stopped, so that the first act of this one is not a create
/// that is sure to be refused.
pub(super) fn resume(project: &Project, book: &mut Book) {
    let (mut accepted, mut refused): (Option<Millis>, Vec<Millis>) = (None, Vec::new());
    let retrievals_only = |run: &&RunBook| run.row.terms.kind == Kind::Retrieval;
    for run in book.runs.values().filter(retrievals_only) {
        for attempt in &run.attempts {
            match (attempt.state, attempt.http, attempt.done_at) {
                (AttemptState::Accepted, _, done) => accepted = accepted.max(done),
                (AttemptState::NotCreated, Some(429), Some(done)) => refused.push(done),
                _ => {}
            }
        }
    }
    refused.retain(|at| Some(*at) > accepted);
    let span = refused
        .iter()
        .min()
        .copied()
        .zip(refused.iter().max().copied());
    book.learnt.scans.resume(accepted, span);
    let Some(last) = book.learnt.scans.last() else {
        return;
    };
    let running = retrievals(book, last);
    let gate = gate(project, book, &book.learnt, &running, last);
    book.gates.insert(Kind::Retrieval, gate);
}

/// Whether the scan budget holds back creates under this law. One that costs less may still fit.
pub(super) fn held_back(settings: &Settings, gate: &Gate, compliance: Compliance) -> bool {
    gate.reason != Some(WaitReason::ScanBudget) || scans::weight(settings, compliance) >= gate.room
}

/// How long the project must have been quiet before a create, so that its refusal tells something.
pub(super) fn quiet(book: &Book, run: &str) -> Result<Millis> {
    let kind = book.run(run)?.row.terms.kind;
    let unclear = book.gates.get(&kind).is_some_and(|gate| gate.unclear);
    Ok(if unclear { QUIET } else { 0 })
}

/// A job ended between its last look and this one.
pub(super) fn ended(
    project: &Project,
    book: &mut Book,
    terms: Terms,
    before: &JobRow,
    end: &JobStatus,
    now: Millis,
) {
    let kind = terms.kind;
    if kind == Kind::Retrieval {
        there_may_be_room(project, book, terms.compliance, before, now);
    }
    let ours = before.origin == JobOrigin::Created && before.cancel == CancelState::None;
    if !ours || *end == JobStatus::Revoked {
        return;
    }
    let looked_at = before.last_poll_at.unwrap_or(before.created_at);
    let jobs = book.learnt.jobs_mut(kind);
    // Nobody looked when a look was due, or the clock was set back: the job may have ended long ago.
    let due = before.next_poll_at;
    if now < looked_at || now.saturating_sub(due) > due.saturating_sub(looked_at).max(60_000) {
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

/// A retrieval ended: the next create need not wait, unless the vendor asked it to.
fn there_may_be_room(
    project: &Project,
    book: &mut Book,
    compliance: Compliance,
    before: &JobRow,
    now: Millis,
) {
    let mut left = retrievals(book, now);
    let own = before.age(now);
    let seen_at = seen_at(before);
    // The one that ended is still in the book as running.
    let same = |job: &Running| job.age == own && job.seen_at == seen_at;
    if let Some(at) = left.iter().position(same) {
        left.swap_remove(at);
    }
    let scans = &mut book.learnt.scans;
    let try_now = scans.ended(&project.settings, compliance, seen_at, &left);
    if let Some(gate) = book.gates.get_mut(&Kind::Retrieval)
        && gate.reason == Some(WaitReason::ScanBudget)
        && try_now
    {
        gate.not_before = gate.not_before.min(gate.asked.max(now));
    }
}
