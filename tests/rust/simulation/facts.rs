//! What the world knows, whatever the engine believes: the orders, every request of ours, and the
//! rows as they were on the disk.

use std::collections::{BTreeMap, BTreeSet};

use dsrkit::journal::{
    ArtifactRow, AttemptRow, AttemptState, BatchRow, BatchState, JobRow, Journal, OrphanRow, RunRow,
};
use dsrkit::{Kind, Millis, Result};

use super::case::Case;

/// A create of ours that reached the vendor.
#[derive(Clone, Default)]
pub struct Post {
    pub run: String,
    pub batch: u32,
    pub attempt: u32,
    pub ids: Vec<String>,
    pub process: u32,
    /// The task, if the vendor made one.
    pub task: Option<String>,
    /// Whether the answer that names it was whole.
    pub told: bool,
}

/// The rows of one run.
pub struct Rows {
    pub row: RunRow,
    pub batches: Vec<BatchRow>,
    pub ids: Vec<Vec<String>>,
    pub attempts: Vec<AttemptRow>,
    pub jobs: Vec<JobRow>,
    pub orphans: Vec<OrphanRow>,
    pub artifacts: Vec<ArtifactRow>,
}

impl Rows {
    /// Reads them; ids that were read before do not change.
    pub fn read(journal: &dyn Journal, row: RunRow, before: Option<&Self>) -> Result<Self> {
        let id = row.id.clone();
        let batches = journal.batches(&id)?;
        let known = |no: u32| before.and_then(|rows| rows.ids.get(no as usize).cloned());
        let ids = batches
            .iter()
            .map(|batch| match known(batch.no) {
                Some(ids) => Ok(ids),
                None => Ok(serde_json::from_str(&journal.batch_ids(&id, batch.no)?).unwrap()),
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            attempts: journal.attempts(&id)?,
            jobs: journal.jobs(&id)?,
            orphans: journal.orphans(&id)?,
            artifacts: journal.artifacts(&id)?,
            row,
            batches,
            ids,
        })
    }

    /// Batches that hold ids, with them.
    pub fn live(&self) -> impl Iterator<Item = (&BatchRow, &Vec<String>)> {
        self.batches
            .iter()
            .zip(&self.ids)
            .filter(|(batch, _)| batch.state != BatchState::Split)
    }

    pub fn job(&self, task: &str) -> Option<&JobRow> {
        self.jobs.iter().find(|job| job.task == task)
    }

    pub fn attempt(&self, batch: u32, n: u32) -> Option<&AttemptRow> {
        self.attempts
            .iter()
            .find(|attempt| attempt.batch == batch && attempt.n == n)
    }

    /// A batch, the one it was split from, and so on.
    pub fn line(&self, no: u32) -> Vec<u32> {
        let mut line = vec![no];
        while let Some(parent) = line
            .last()
            .and_then(|no| self.batches.get(*no as usize))
            .and_then(|batch| batch.parent)
        {
            line.push(parent);
        }
        line
    }

    /// Attempts of a batch, and of those it was split from, that may have been carried out although
    /// nobody knows.
    pub fn unsure(&self, no: u32) -> usize {
        let line = self.line(no);
        self.attempts
            .iter()
            .filter(|attempt| {
                line.contains(&attempt.batch)
                    && matches!(
                        attempt.state,
                        AttemptState::Ambiguous | AttemptState::CreatedUntracked
                    )
            })
            .count()
    }
}

/// What the checks go by.
pub struct Facts {
    pub orders: Vec<(Kind, BTreeSet<String>)>,
    pub posts: Vec<Post>,
    pub rows: BTreeMap<String, Rows>,
    /// When each run was started, in true time.
    pub started: BTreeMap<String, Millis>,
    /// What a person decided about a batch: to send it so often again, or to give it up (0).
    pub again: BTreeMap<(String, u32), usize>,
    last_call: Option<Millis>,
    /// The least time between two calls, as the vendor saw it.
    pub gap: Option<Millis>,
}

impl Facts {
    pub fn new(case: &Case) -> Self {
        Self {
            orders: case
                .orders
                .iter()
                .map(|order| (order.kind, order.ids.iter().cloned().collect()))
                .collect(),
            posts: Vec::new(),
            rows: BTreeMap::new(),
            started: BTreeMap::new(),
            again: BTreeMap::new(),
            last_call: None,
            gap: None,
        }
    }

    /// How long ago the vendor saw a call of ours.
    pub fn since_last_call(&self, at: Millis) -> Option<Millis> {
        self.last_call.map(|last| at - last)
    }

    pub fn called(&mut self, at: Millis) {
        let gap = self.since_last_call(at);
        self.gap = [self.gap, gap].into_iter().flatten().min();
        self.last_call = Some(at);
    }

    /// The ids that the order of this run names.
    pub fn ordered(&self, row: &RunRow) -> &BTreeSet<String> {
        let order: usize = row.reference.as_ref().unwrap().parse().unwrap();
        &self.orders[order].1
    }

    /// The creates of a run that made a task.
    pub fn made<'a>(&'a self, run: &'a str) -> impl Iterator<Item = (&'a Post, &'a String)> {
        self.posts
            .iter()
            .filter(move |post| post.run == run)
            .filter_map(|post| Some((post, post.task.as_ref()?)))
    }
}
