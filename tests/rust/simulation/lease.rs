//! The lease of a journal on a server, for processes that work side by side. By the rules of
//! `core/src/journal/postgres/lease.rs`, which are the only ones that the engine knows; here on the
//! one true time. I14 is checked here.

use std::collections::BTreeMap;

use dsrkit::journal as j;
use dsrkit::journal::Journal;
use dsrkit::{Error, ErrorKind, EventKind, Millis, Result};

use super::invariants::Verdict;

/// How long a term lasts without a sign of life, and how often that comes.
const LENGTH: Millis = 120_000;
pub const BEAT: Millis = LENGTH / 4;
const MARGIN: Millis = LENGTH / 12;
/// Why a task that was told too late is an orphan.
pub const LATE: &str = "the answer came after another process had taken over";

/// The row at the server, and what each process knows of its own term.
#[derive(Default)]
pub struct Lease {
    epoch: u64,
    owner: u32,
    until: Millis,
    held: BTreeMap<u32, Held>,
}

#[derive(Clone, Copy)]
struct Held {
    epoch: u64,
    until: Millis,
}

impl Lease {
    /// The term of a process for so long at least, as far as it knows.
    fn lasts(&self, process: u32, now: Millis, time: Millis) -> Option<u64> {
        let held = self.held.get(&process)?;
        (now + time < held.until).then_some(held.epoch)
    }

    pub fn term(&self, process: u32, now: Millis) -> Option<u64> {
        self.lasts(process, now, 0)
    }

    /// A sign of life; it finds out as well that the term is over.
    pub fn renew(&mut self, process: u32, now: Millis) {
        let Some(held) = self.held.get_mut(&process) else {
            return;
        };
        if held.epoch == self.epoch {
            self.until = now + LENGTH;
            held.until = self.until;
        } else {
            self.held.remove(&process);
        }
    }

    /// Begins a term or goes on with it; `None` while another process has one.
    pub fn claim(&mut self, process: u32, now: Millis) -> Option<u64> {
        if self.term(process, now).is_none() {
            self.renew(process, now);
        }
        if let Some(epoch) = self.term(process, now) {
            return Some(epoch);
        }
        if self.until > now && self.owner != process {
            return None;
        }
        self.epoch += 1;
        self.owner = process;
        self.until = now + LENGTH;
        let (epoch, until) = (self.epoch, self.until);
        self.held.insert(process, Held { epoch, until });
        Some(epoch)
    }

    pub fn may_send(&mut self, process: u32, now: Millis, takes: Millis) -> bool {
        let needs = takes + MARGIN;
        if self.lasts(process, now, needs).is_none() {
            self.renew(process, now);
        }
        self.lasts(process, now, needs).is_some()
    }

    /// Whether the server takes a write of this process.
    pub fn takes(&mut self, process: u32) -> bool {
        let mine = self.held.get(&process).map(|held| held.epoch) == Some(self.epoch);
        if !mine {
            self.held.remove(&process);
        }
        mine
    }

    /// While this process stood still, its term ran out, and another one came and went.
    pub fn overtake(&mut self, process: u32, now: Millis) {
        if self.owner == process && self.until <= now {
            (self.epoch, self.owner, self.until) = (self.epoch + 1, 0, now);
        }
    }

    /// An orderly end gives the journal to whoever comes next.
    pub fn release(&mut self, process: u32, now: Millis) {
        if self.owner == process {
            self.until = self.until.min(now);
        }
        self.held.remove(&process);
    }

    /// How many terms there were.
    pub fn terms(&self) -> u64 {
        self.epoch
    }

    /// I14: never do two processes believe that the journal is theirs.
    pub fn check(&self, now: Millis) -> Verdict {
        let believe = |held: &&Held| now < held.until;
        let many = self.held.values().filter(believe).count();
        match many > 1 {
            true => Err(format!("I14: the journal belongs to {many} processes")),
            false => Ok(()),
        }
    }

    /// I14: a call leaves only if nobody can take over before its answer is due.
    pub fn may_leave(&self, process: u32, now: Millis, takes: Millis) -> Verdict {
        let mine = self.owner == process && now + takes < self.until;
        match mine && self.term(process, now) == Some(self.epoch) {
            true => Ok(()),
            false => Err("I14: a call without the lease for it".to_owned()),
        }
    }
}

/// What a process is told that has no right to write.
pub fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Journal, why).retry(dsrkit::RetryAdvice::After(None))
}

/// The tasks in a refused write are kept as orphans, whoever may write.
pub fn keep_late(journal: &dyn Journal, changes: &[j::Change]) -> Result<()> {
    for change in changes {
        let (run, task, batch, at) = match change {
            j::Change::Job(row) if row.origin != j::JobOrigin::Elsewhere => {
                (&row.run, &row.task, row.batch, row.created_at)
            }
            j::Change::Orphan(row) => (&row.run, &row.task, row.batch, row.at),
            _ => continue,
        };
        let known = journal.jobs(run)?.iter().any(|row| row.task == *task)
            || journal.orphans(run)?.iter().any(|row| row.task == *task);
        if known {
            continue;
        }
        let orphan = j::OrphanRow {
            run: run.clone(),
            task: task.clone(),
            batch,
            at,
            why: LATE.to_owned(),
        };
        let event = j::NewEvent {
            at,
            run: run.clone(),
            kind: EventKind::Orphan,
            batch: Some(batch),
            task: Some(task.clone()),
            text: LATE.to_owned(),
        };
        journal.commit(&[j::Change::Orphan(orphan), j::Change::Event(event)])?;
    }
    Ok(())
}
