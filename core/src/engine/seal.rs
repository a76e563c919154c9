//! Sealing: ids leave the journal when nobody needs them any more, and keyed digests take their
//! place. Ids that must stay are pointed at instead.
//!
//! Never in the middle of a wait: whoever ran a run may read its account per id until the client
//! is closed, ticks, or the journal is opened anew.

use std::sync::atomic::{AtomicBool, Ordering};

use super::book::{Book, RunBook};
use super::plan::counted;
use super::project::{Project, keyed};
use super::run::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::decode;
use crate::journal::{BatchRow, BatchState, Change, Journal, MAC_BYTES, SealRow};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::report::Problem;
use crate::settings::{Settings, ms};

/// Ids that stay longer than this after the end of their batch are pointed at.
const FLAG_AFTER: Millis = 30 * 86_400_000;
/// How that event begins; it is given once for a run.
const FLAG: &str = "the time to keep ids has passed";
/// Batches per transaction: a run of any size is sealed in little memory.
const AT_ONCE: usize = 64;

/// What is still to be done about removed ids that the disk may hold.
pub(crate) struct Unscrubbed(AtomicBool);

impl Default for Unscrubbed {
    /// The process before this one may have ended between removing and scrubbing.
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Unscrubbed {
    /// Something was removed.
    pub fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Scrubs if there is anything to scrub.
    pub fn scrub(&self, journal: &dyn Journal) -> Result<()> {
        if self.0.load(Ordering::Relaxed) && journal.scrub()? {
            self.0.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The keyed digest of an id: tells whether it was here, and nothing to those without the key.
pub(crate) fn mac(journal: &dyn Journal, id: &str) -> [u8; MAC_BYTES] {
    let full = keyed(journal.key(), &[b"subject", id.as_bytes()]);
    let mut mac = [0; MAC_BYTES];
    mac.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    mac
}

/// When the last thing happened to a batch, as far as the journal tells.
pub(crate) fn ended_at(book: &RunBook, batch: &BatchRow) -> Millis {
    let started = book.row.approved_at.unwrap_or(book.row.created_at);
    let cancelled = book
        .row
        .cancel_at
        .filter(|_| batch.state == BatchState::Cancelled);
    let answered = book
        .attempts
        .iter()
        .filter(|attempt| attempt.batch == batch.no)
        .filter_map(|attempt| attempt.done_at);
    let tasks = book.tasks_of(batch).filter_map(|job| job.ended_at);
    let of_batch = book.tasks_of(batch);
    let archived = of_batch.filter_map(|job| book.archived_at(&job.task));
    let times = cancelled.into_iter().chain(answered).chain(tasks);
    times.chain(archived).fold(started, Millis::max)
}

/// When packages of all archives of a run were there, if they are.
pub(crate) fn delivered_at(book: &RunBook) -> Option<Millis> {
    let of = |task: &str| {
        let there = book.deliveries.iter().filter(|row| row.task == task);
        there.map(|row| row.at).max()
    };
    let times: Option<Vec<Millis>> = book.artifacts.iter().map(|row| of(&row.task)).collect();
    times?.into_iter().max()
}

/// Since when a batch's ids are needed for nothing. A retrieval's are for its packages.
fn needless_since(book: &RunBook, batch: &BatchRow) -> Option<Millis> {
    use BatchState::{Cancelled, Done, Revoked};
    match (batch.state, book.row.terms.kind) {
        (Done, Kind::Retrieval) => delivered_at(book).filter(|_| book.settled()),
        (Done | Revoked | Cancelled, _) => Some(ended_at(book, batch)),
        _ => None,
    }
}

/// The batches whose time to be kept is over.
fn due(settings: &Settings, book: &RunBook, now: Millis) -> Vec<u32> {
    let keep = ms(match book.row.terms.kind {
        Kind::Deletion => settings.keep_deleted_for,
        Kind::Retrieval => settings.keep_retrieved_for,
    });
    let over = |since: Millis| now.saturating_sub(since) >= keep;
    book.batches
        .iter()
        .filter(|batch| batch.has_ids() && needless_since(book, batch).is_some_and(over))
        .map(|batch| batch.no)
        .collect()
}

/// Batches at rest whose ids nobody decided about for long, and that are not sealed by themselves.
fn overdue(book: &RunBook, now: Millis) -> impl Iterator<Item = &BatchRow> {
    book.batches.iter().filter(move |batch| {
        let waits = match batch.state {
            BatchState::Failed | BatchState::Rejected | BatchState::Held => true,
            BatchState::Done => needless_since(book, batch).is_none(),
            _ => false,
        };
        waits && batch.has_ids() && now.saturating_sub(ended_at(book, batch)) > FLAG_AFTER
    })
}

/// The same as a line of the report.
pub(crate) fn problem(book: &RunBook, now: Millis) -> Option<Problem> {
    let ids = people(overdue(book, now));
    let first = match book.row.terms.kind {
        Kind::Deletion => "Decide about the problems of this run",
        Kind::Retrieval => "Decide about the problems of this run and collect its packages",
    };
    (ids > 0).then(|| Problem {
        batch: None,
        task_id: None,
        kind: ErrorKind::Deadline.as_str().to_owned(),
        message: "the ids of these people stay in the journal, more than 30 days after the end of their batches".to_owned(),
        hint: format!("{first}; then seal or purge it."),
        ids,
    })
}

/// How many people some batches name.
fn people<'a>(batches: impl Iterator<Item = &'a BatchRow>) -> u64 {
    batches.map(|batch| u64::from(batch.n)).sum()
}

/// Seals batches of one run, some at a time.
fn seal(project: &Project, book: &mut Book, run: &str, batches: &[u32]) -> Result<u64> {
    let journal = project.journal.as_ref();
    let mut sealed = 0;
    for some in batches.chunks(AT_ONCE) {
        let at = project.now();
        let mut changes = Vec::with_capacity(some.len() + 1);
        let mut ids = 0;
        for batch in some {
            let mut macs: Vec<_> = decode(&journal.batch_ids(run, *batch)?)?
                .iter()
                .map(|id| mac(journal, id))
                .collect();
            macs.sort_unstable();
            ids += macs.len() as u64;
            changes.push(Change::Seal(SealRow {
                run: run.to_owned(),
                batch: *batch,
                at,
                macs: macs.concat(),
            }));
        }
        let text = format!(
            "the ids of {} were removed; keyed digests of them stay",
            counted(ids, "person")
        );
        let event = book
            .run(run)?
            .event(at, EventKind::Sealed, None, None, text);
        changes.push(event);
        book.commit(journal, run, changes)?;
        sealed += ids;
    }
    Ok(sealed)
}

/// Says once that ids stay longer than they should.
fn flag(project: &Project, book: &mut Book, run: &str) -> Result<()> {
    let now = project.now();
    let current = book.run(run)?;
    let ids = people(overdue(current, now));
    if ids == 0 {
        return Ok(());
    }
    let journal = project.journal.as_ref();
    let told = |event: &crate::model::event::Event| {
        event.kind == EventKind::Anomaly && event.text.starts_with(FLAG)
    };
    if journal.events(run, 0, usize::MAX)?.iter().any(told) {
        return Ok(());
    }
    let text = format!(
        "{FLAG}, and the ids of {} stay: a person must decide",
        counted(ids, "person")
    );
    let event = current.event(now, EventKind::Anomaly, None, None, text);
    book.commit(journal, run, vec![event])
}

impl Engine {
    /// Seals what is due over all runs, and points at what stays.
    pub(crate) fn seal_due(&self) -> Result<()> {
        if !self.owns() {
            return Ok(());
        }
        for run in self.project.journal.runs_with_ids()? {
            self.briefly(&run, |project, book| {
                let batches = due(&project.settings, book.run(&run)?, project.now());
                if seal(project, book, &run, &batches)? > 0 {
                    self.unscrubbed.mark();
                }
                flag(project, book, &run)
            })?;
        }
        self.unscrubbed.scrub(self.project.journal.as_ref())
    }

    /// Seals all batches of a run that are at their end, now. Gives how many ids went.
    pub(crate) fn seal_now(&self, run: &str) -> Result<u64> {
        use BatchState::{Cancelled, Done, Failed, Revoked};
        self.check_writer()?;
        let sealed = self.briefly(run, |project, book| {
            let current = book.run(run)?;
            let kind = current.row.terms.kind;
            let uncollected = delivered_at(current).is_none() && !current.artifacts.is_empty();
            if kind == Kind::Retrieval && uncollected {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "the archives of this run were not all collected; without its ids they cannot be",
                )
                .with_hint("Collect the packages first, or purge the run with its archives."));
            }
            let ended = |batch: &&BatchRow| {
                batch.has_ids() && matches!(batch.state, Done | Failed | Revoked | Cancelled)
            };
            let batches: Vec<u32> = current.batches.iter().filter(ended).map(|b| b.no).collect();
            seal(project, book, run, &batches)
        })?;
        self.unscrubbed.mark();
        self.unscrubbed.scrub(self.project.journal.as_ref())?;
        Ok(sealed)
    }

    /// Works on a run that need not be in memory, and leaves it there only if it was before.
    pub(super) fn briefly<T>(
        &self,
        run: &str,
        work: impl FnOnce(&Project, &mut Book) -> Result<T>,
    ) -> Result<T> {
        let mut book = self.book();
        let known = book.runs.contains_key(run);
        self.load(&mut book, run)?;
        let result = work(&self.project, &mut book);
        if !known {
            book.runs.remove(run);
        }
        result
    }
}
