//! A journal in memory: lost with the process. For tests, simulations and trying things out.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::chain::{Chain, Hash};
use super::rows::{
    ArtifactRow, AttemptRow, BatchRow, BatchState, Change, DeliveryRow, JobRow, NewEvent,
    OrphanRow, ProjectRow, RunRow,
};
use super::rules::{self, Intake};
use super::{Journal, NewBatch};
use crate::error::Result;
use crate::model::event::Event;
use view::View;

mod view;

/// A journal in memory.
pub struct MemoryJournal {
    key: [u8; 32],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    projects: Vec<ProjectRow>,
    learnt: HashMap<[u8; 32], String>,
    runs: Vec<Kept>,
    places: HashMap<String, usize>,
    events: Vec<(Event, Hash)>,
    chain: Chain,
    cipher: Option<String>,
}

/// What is kept of a run.
struct Kept {
    row: RunRow,
    batches: Vec<NewBatch>,
    attempts: BTreeMap<(u32, u32), AttemptRow>,
    jobs: Vec<JobRow>,
    orphans: Vec<OrphanRow>,
    artifacts: Vec<ArtifactRow>,
    deliveries: Vec<DeliveryRow>,
    macs: HashMap<u32, Vec<u8>>,
}

impl MemoryJournal {
    /// An empty journal with a random key.
    pub fn new() -> Self {
        let mut key = [0; 32];
        // The key guards digests that lie on a disk. Nothing of this journal ever does, so it may
        // go without when the system has no randomness to give.
        let _ = getrandom::fill(&mut key);
        Self::with_key(key)
    }

    /// An empty journal with this key, for simulations that must repeat themselves exactly.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self {
            key,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is checked before the first is applied: a panic leaves whole rows behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_run<T>(&self, run: &str, rows: impl FnOnce(&Kept) -> Vec<T>) -> Vec<T> {
        self.state().kept(run).map(rows).unwrap_or_default()
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryJournal").finish_non_exhaustive()
    }
}

impl Journal for MemoryJournal {
    fn key(&self) -> &[u8; 32] {
        &self.key
    }

    fn default_archives(&self) -> Option<PathBuf> {
        None
    }

    fn put_project(&self, project: &ProjectRow) -> Result<()> {
        let mut state = self.state();
        if !state.knows_project(&project.fingerprint) {
            state.projects.reserve_exact(1); // hardly ever a second one
            state.projects.push(project.clone());
        }
        Ok(())
    }

    fn learnt(&self, project: &[u8; 32]) -> Result<Option<String>> {
        Ok(self.state().learnt.get(project).cloned())
    }

    fn import(
        &self,
        batches: &mut dyn Iterator<Item = Result<NewBatch>>,
        finish: &mut dyn FnMut() -> Result<(RunRow, Vec<NewEvent>)>,
    ) -> Result<()> {
        let mut intake = Intake::default();
        let mut taken = Vec::new();
        for batch in batches {
            let batch = batch?;
            intake.take(&batch)?;
            taken.push(batch);
        }
        let (row, events) = finish()?;
        intake.finish(&row, &events)?;
        let mut state = self.state();
        if !state.knows_project(&row.project) {
            return Err(rules::unknown_project());
        }
        if state.places.contains_key(&row.id) {
            return Err(rules::known_run());
        }
        let place = state.runs.len();
        state.places.insert(row.id.clone(), place);
        state.runs.push(Kept {
            row,
            batches: taken,
            attempts: BTreeMap::new(),
            jobs: Vec::new(),
            orphans: Vec::new(),
            artifacts: Vec::new(),
            deliveries: Vec::new(),
            macs: HashMap::new(),
        });
        for event in &events {
            state.append(event);
        }
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Event>> {
        let mut state = self.state();
        rules::check_whole(changes)?;
        for (index, change) in changes.iter().enumerate() {
            let (earlier, _) = changes.split_at(index);
            let view = View {
                state: &state,
                earlier,
            };
            rules::check(&view, change)?;
        }
        let whole = View {
            state: &state,
            earlier: changes,
        };
        rules::check_ends(&whole, changes)?;
        Ok(changes
            .iter()
            .filter_map(|change| state.apply(change))
            .collect())
    }

    fn runs(&self) -> Result<Vec<RunRow>> {
        Ok(self
            .state()
            .runs
            .iter()
            .map(|kept| kept.row.clone())
            .collect())
    }

    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        Ok(self.state().kept(id).map(|kept| kept.row.clone()))
    }

    fn batches(&self, run: &str) -> Result<Vec<BatchRow>> {
        Ok(self.of_run(run, |kept| {
            kept.batches.iter().map(|batch| batch.row.clone()).collect()
        }))
    }

    fn batch_ids(&self, run: &str, no: u32) -> Result<String> {
        let state = self.state();
        let batch = state
            .kept(run)
            .and_then(|kept| kept.batches.get(no as usize));
        let batch = batch.ok_or_else(|| rules::no_batch(no))?;
        match batch.row.sealed_at {
            None => Ok(batch.ids_json.clone()),
            Some(_) => Err(rules::sealed(no)),
        }
    }

    fn batch_macs(&self, run: &str, no: u32) -> Result<Vec<u8>> {
        let state = self.state();
        let kept = state
            .kept(run)
            .filter(|kept| kept.batches.len() > no as usize);
        let kept = kept.ok_or_else(|| rules::no_batch(no))?;
        Ok(kept.macs.get(&no).cloned().unwrap_or_default())
    }

    fn cipher(&self) -> Result<Option<String>> {
        Ok(self.state().cipher.clone())
    }

    fn set_cipher(&self, cipher: &str) -> Result<()> {
        let mut state = self.state();
        if state.cipher.is_some() || !state.runs.is_empty() {
            return Err(rules::late_cipher());
        }
        state.cipher = Some(cipher.to_owned());
        Ok(())
    }

    fn attempts(&self, run: &str) -> Result<Vec<AttemptRow>> {
        Ok(self.of_run(run, |kept| kept.attempts.values().cloned().collect()))
    }

    fn jobs(&self, run: &str) -> Result<Vec<JobRow>> {
        Ok(self.of_run(run, |kept| kept.jobs.clone()))
    }

    fn orphans(&self, run: &str) -> Result<Vec<OrphanRow>> {
        Ok(self.of_run(run, |kept| kept.orphans.clone()))
    }

    fn artifacts(&self, run: &str) -> Result<Vec<ArtifactRow>> {
        Ok(self.of_run(run, |kept| kept.artifacts.clone()))
    }

    fn deliveries(&self, run: &str) -> Result<Vec<DeliveryRow>> {
        Ok(self.of_run(run, |kept| kept.deliveries.clone()))
    }

    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Event>> {
        let state = self.state();
        // Event n stands at place n - 1.
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        let later = state.events.iter().skip(from).map(|(event, _)| event);
        Ok(later
            .filter(|event| event.run_id == run)
            .take(limit)
            .cloned()
            .collect())
    }

    fn verify_events(&self) -> Result<u64> {
        let state = self.state();
        let mut chain = Chain::default();
        for (event, hash) in &state.events {
            chain.follow(event, hash)?;
        }
        chain.ends_at(&state.chain)
    }
}

impl State {
    fn knows_project(&self, fingerprint: &[u8; 32]) -> bool {
        self.projects
            .iter()
            .any(|project| project.fingerprint == *fingerprint)
    }

    fn kept(&self, run: &str) -> Option<&Kept> {
        self.runs.get(*self.places.get(run)?)
    }

    fn kept_mut(&mut self, run: &str) -> Option<&mut Kept> {
        self.runs.get_mut(*self.places.get(run)?)
    }

    fn append(&mut self, new: &NewEvent) -> Event {
        let event = self.chain.append(new);
        self.events.push((event.clone(), self.chain.head));
        event
    }

    /// Applies a change that was checked; gives the event if it was one.
    fn apply(&mut self, change: &Change) -> Option<Event> {
        match change {
            Change::Event(new) => return Some(self.append(new)),
            Change::Run(row) => self.kept_mut(&row.id)?.row = row.clone(),
            Change::Batch(row) => {
                let batches = &mut self.kept_mut(&row.run)?.batches;
                let batch = batches.get_mut(row.no as usize)?;
                batch.row = row.clone();
                if row.state == BatchState::Split {
                    "[]".clone_into(&mut batch.ids_json);
                }
            }
            Change::Child(row, ids) => {
                let batches = &mut self.kept_mut(&row.run)?.batches;
                batches.push(NewBatch {
                    row: row.clone(),
                    ids_json: ids.0.clone(),
                });
            }
            Change::Attempt(row) => {
                let attempts = &mut self.kept_mut(&row.run)?.attempts;
                attempts.insert((row.batch, row.n), row.clone());
            }
            Change::Job(row) => {
                put(&mut self.kept_mut(&row.run)?.jobs, row, |old| {
                    old.task == row.task
                });
            }
            Change::Orphan(row) => {
                put(&mut self.kept_mut(&row.run)?.orphans, row, |old| {
                    old.task == row.task
                });
            }
            Change::Delivery(row) => {
                put(&mut self.kept_mut(&row.run)?.deliveries, row, |old| {
                    (&old.task, &old.folder) == (&row.task, &row.folder)
                });
            }
            Change::Seal(row) => {
                let kept = self.kept_mut(&row.run)?;
                let batch = kept.batches.get_mut(row.batch as usize)?;
                "[]".clone_into(&mut batch.ids_json);
                batch.row.sealed_at = Some(row.at);
                kept.macs.insert(row.batch, row.macs.clone());
            }
            Change::Purge { run, at } => {
                let kept = self.kept_mut(run)?;
                for batch in &mut kept.batches {
                    if batch.row.has_ids() {
                        "[]".clone_into(&mut batch.ids_json);
                        batch.row.sealed_at = Some(*at);
                    }
                }
                kept.macs.clear();
                kept.row.purged_at = Some(*at);
            }
            Change::Artifact(row) => {
                put(&mut self.kept_mut(&row.run)?.artifacts, row, |old| {
                    old.task == row.task
                });
            }
            Change::Learnt(row) => {
                self.learnt.insert(row.project, row.text.clone());
            }
        }
        None
    }
}

/// Replaces a row in its place, or adds it at the end.
fn put<T: Clone>(rows: &mut Vec<T>, row: &T, same: impl Fn(&T) -> bool) {
    match rows.iter_mut().find(|old| same(old)) {
        Some(old) => *old = row.clone(),
        None => rows.push(row.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::conformance;

    #[test]
    fn conforms() {
        conformance::run(&|| Box::new(MemoryJournal::new()));
    }
}
