//! The journal of one process: it dies with the process, what is on the disk does not.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dsrkit::journal as j;
use dsrkit::journal::Journal;
use dsrkit::{Error, ErrorKind, Event, Millis, Result};

use super::invariants;
use super::lease::{Lease, keep_late, refused};
use super::time::START;
use super::world::World;

pub struct Mortal {
    world: Arc<World>,
    process: u32,
    inner: Arc<dyn Journal>,
}

impl Mortal {
    pub fn new(world: &Arc<World>, process: u32) -> Self {
        Self {
            world: Arc::clone(world),
            process,
            inner: Arc::clone(&world.state().journal),
        }
    }

    fn living(&self) -> Result<&dyn Journal> {
        match self.world.alive(self.process) {
            true => Ok(self.inner.as_ref()),
            false => Err(broken("the process is dead")),
        }
    }

    /// The lease, if several processes work with this journal.
    fn lease<T>(&self, ask: impl FnOnce(&mut Lease, Millis) -> T) -> Option<T> {
        let now = self.world.time.now();
        let leased = self.world.case.workers > 1;
        leased.then(|| ask(&mut self.world.state().lease, now))
    }

    /// Whether this process has the right to write.
    fn mine(&self) -> Result<()> {
        match self.lease(|lease, _| lease.takes(self.process)) {
            Some(false) => Err(refused("another process has taken over the journal")),
            _ => Ok(()),
        }
    }

    /// A step that stands still here lets nobody of this machine do anything meanwhile: somebody on
    /// another one comes and goes.
    fn step(&self, what: &str) -> bool {
        let before = self.world.stalled(self.process);
        let lives = self.world.step(self.process, || what.to_owned());
        let stalled = self.world.stalled(self.process);
        if let Some(until) = stalled.filter(|_| stalled != before) {
            self.world.time.stand(until);
            self.lease(|lease, now| lease.overtake(self.process, now));
        }
        lives
    }

    /// One transaction: the process may die before it or after it, and the disk may be full.
    fn write<T>(&self, what: &str, work: impl FnOnce(&dyn Journal) -> Result<T>) -> Result<T> {
        if !self.step(what) {
            return Err(broken("the process is dead"));
        }
        if !self.world.room() {
            return Err(broken("the disk is full"));
        }
        let done = work(self.inner.as_ref());
        if let Err(error) = &done
            && error.kind() == ErrorKind::Internal
        {
            // The journal's own rules were asked to let something through that must not be.
            let what = format!("the journal refused a change: {error}");
            self.world.violated(what);
        }
        if done.is_ok() {
            let checked = {
                let now = START + self.world.time.now();
                let state = &mut self.world.state();
                let one = state.lease.check(self.world.time.now());
                one.and_then(|()| invariants::after_a_commit(state, now))
            };
            if let Err(what) = checked {
                self.world.violated(what);
            }
        }
        if !self.step("written") {
            return Err(broken("the process is dead"));
        }
        done
    }
}

fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Journal, why)
}

/// What a commit is about, without ids.
fn words(changes: &[j::Change]) -> String {
    let words: Vec<String> = changes
        .iter()
        .map(|change| match change {
            j::Change::Run(row) => format!(
                "run {} cancel={} paused={}",
                row.state,
                row.cancel_at.is_some(),
                row.paused.is_some()
            ),
            j::Change::Batch(row) | j::Change::Child(row, _) => {
                format!("batch {} {}", row.no, row.state)
            }
            j::Change::Attempt(row) => format!("attempt {}.{} {}", row.batch, row.n, row.state),
            j::Change::Job(row) => {
                format!("job {} {} cancel={}", row.task, row.status, row.cancel)
            }
            j::Change::Artifact(row) => format!("archive of {}", row.task),
            j::Change::Event(event) => format!("\"{}: {}\"", event.kind, event.text),
            _ => "something else".to_owned(),
        })
        .collect();
    format!("commit: {}", words.join("; "))
}

impl Journal for Mortal {
    fn key(&self) -> &[u8; 32] {
        self.inner.key()
    }
    fn default_archives(&self) -> Option<PathBuf> {
        Some(self.world.place.path().join("archives"))
    }
    fn claim(&self) -> Result<u64> {
        self.living()?;
        match self.lease(|lease, now| lease.claim(self.process, now)) {
            None => Ok(0),
            Some(Some(term)) => Ok(term),
            Some(None) => Err(refused("the journal is in use by another process")),
        }
    }
    fn term(&self) -> Option<u64> {
        self.lease(|lease, now| lease.term(self.process, now))
            .unwrap_or_else(|| self.claim().ok())
    }
    fn may_send(&self, takes: Duration) -> Result<()> {
        let takes = Millis::try_from(takes.as_millis()).unwrap();
        match self.lease(|lease, now| lease.may_send(self.process, now, takes)) {
            Some(false) => Err(refused("another process has taken over the journal")),
            _ => Ok(()),
        }
    }
    fn put_project(&self, project: &j::ProjectRow) -> Result<()> {
        self.write("commit: project", |inner| {
            self.mine()?;
            inner.put_project(project)
        })
    }
    fn import(
        &self,
        batches: &mut dyn Iterator<Item = Result<j::NewBatch>>,
        finish: &mut dyn FnMut() -> Result<(j::RunRow, Vec<j::NewEvent>)>,
    ) -> Result<()> {
        self.write("commit: plan", |inner| {
            self.mine()?;
            inner.import(batches, finish)
        })
    }
    fn commit(&self, changes: &[j::Change]) -> Result<Vec<Event>> {
        let recorded = self.world.state().log.is_some();
        let what = if recorded {
            words(changes)
        } else {
            String::new()
        };
        self.write(&what, |inner| match self.mine() {
            Ok(()) => inner.commit(changes),
            Err(over) => {
                keep_late(inner, changes)?;
                Err(over)
            }
        })
    }
    fn rescue(&self, answer: &j::Rescued) -> Result<()> {
        self.living()?;
        if !self.world.case.rescue {
            return Err(broken("no place"));
        }
        self.world.state().rescued.push(answer.clone());
        self.world
            .step(self.process, || "rescued".to_owned())
            .then_some(())
            .ok_or_else(|| broken("the process is dead"))
    }
    fn rescued(&self) -> Result<Vec<j::Rescued>> {
        self.living()?;
        Ok(self.world.state().rescued.clone())
    }
    fn clear_rescued(&self) -> Result<()> {
        self.living()?;
        self.world.state().rescued.clear();
        Ok(())
    }
    fn runs(&self) -> Result<Vec<j::RunRow>> {
        self.living()?.runs()
    }
    fn run(&self, id: &str) -> Result<Option<j::RunRow>> {
        self.living()?.run(id)
    }
    fn batches(&self, run: &str) -> Result<Vec<j::BatchRow>> {
        self.living()?.batches(run)
    }
    fn batch_ids(&self, run: &str, no: u32) -> Result<String> {
        self.living()?.batch_ids(run, no)
    }
    fn attempts(&self, run: &str) -> Result<Vec<j::AttemptRow>> {
        self.living()?.attempts(run)
    }
    fn jobs(&self, run: &str) -> Result<Vec<j::JobRow>> {
        self.living()?.jobs(run)
    }
    fn batch_macs(&self, run: &str, no: u32) -> Result<Vec<u8>> {
        self.living()?.batch_macs(run, no)
    }
    fn deliveries(&self, run: &str) -> Result<Vec<j::DeliveryRow>> {
        self.living()?.deliveries(run)
    }
    fn learnt(&self, project: &[u8; 32]) -> Result<Option<String>> {
        self.living()?.learnt(project)
    }
    fn scrub(&self) -> Result<bool> {
        self.living()?.scrub()
    }
    fn cipher(&self) -> Result<Option<String>> {
        self.living()?.cipher()
    }
    fn orphans(&self, run: &str) -> Result<Vec<j::OrphanRow>> {
        self.living()?.orphans(run)
    }
    fn artifacts(&self, run: &str) -> Result<Vec<j::ArtifactRow>> {
        self.living()?.artifacts(run)
    }
    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.living()?.events(run, after, limit)
    }
    fn verify_events(&self) -> Result<u64> {
        self.living()?.verify_events()
    }
}
