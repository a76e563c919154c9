//! What the rules are shown.

use super::State;
use crate::error::Result;
use crate::journal::rows::{
    AttemptState, BatchRow, BatchState, CancelState, Change, JobRow, RunRow,
};
use crate::journal::rules::Stored;
use crate::model::job::JobStatus;

/// The rows as they will stand after the earlier changes of a commit.
pub(super) struct View<'a> {
    pub state: &'a State,
    pub earlier: &'a [Change],
}

impl View<'_> {
    fn earlier<T>(&self, pick: impl Fn(&Change) -> Option<T>) -> Option<T> {
        self.earlier.iter().rev().find_map(pick)
    }
}

impl Stored for View<'_> {
    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        let earlier = self.earlier(|change| match change {
            Change::Run(row) if row.id == id => Some(row.clone()),
            _ => None,
        });
        let purged = self.earlier(|change| match change {
            Change::Purge { run, at } if run == id => Some(*at),
            _ => None,
        });
        let row = earlier.or_else(|| self.state.kept(id).map(|kept| kept.row.clone()));
        Ok(row.map(|row| RunRow {
            purged_at: purged.or(row.purged_at),
            ..row
        }))
    }

    fn has_run(&self, id: &str) -> Result<bool> {
        Ok(self.state.places.contains_key(id))
    }

    fn has_project(&self, fingerprint: &[u8; 32]) -> Result<bool> {
        Ok(self.state.knows_project(fingerprint))
    }

    fn batch(&self, run: &str, no: u32) -> Result<Option<BatchRow>> {
        let earlier = self.earlier(|change| match change {
            Change::Batch(row) | Change::Child(row, _) if row.no == no && row.run == run => {
                Some(row.clone())
            }
            _ => None,
        });
        let sealed = self.earlier(|change| match change {
            Change::Seal(row) if row.batch == no && row.run == run => Some(row.at),
            _ => None,
        });
        let row = earlier.or_else(|| {
            let batch = self.state.kept(run)?.batches.get(no as usize)?;
            Some(batch.row.clone())
        });
        Ok(row.map(|row| BatchRow {
            sealed_at: sealed.or(row.sealed_at),
            ..row
        }))
    }

    fn attempt(&self, run: &str, batch: u32, n: u32) -> Result<Option<AttemptState>> {
        let earlier = self.earlier(|change| match change {
            Change::Attempt(row) if (row.batch, row.n) == (batch, n) && row.run == run => {
                Some(row.state)
            }
            _ => None,
        });
        Ok(earlier.or_else(|| {
            let attempt = self.state.kept(run)?.attempts.get(&(batch, n))?;
            Some(attempt.state)
        }))
    }

    fn job(&self, run: &str, task: &str) -> Result<Option<(JobStatus, CancelState)>> {
        let state = |row: &JobRow| (row.status.clone(), row.cancel);
        let earlier = self.earlier(|change| match change {
            Change::Job(row) if row.task == task && row.run == run => Some(state(row)),
            _ => None,
        });
        Ok(earlier.or_else(|| {
            let kept = self.state.kept(run)?;
            kept.jobs.iter().find(|job| job.task == task).map(state)
        }))
    }

    fn batch_states(&self, run: &str) -> Result<Vec<BatchState>> {
        let Some(kept) = self.state.kept(run) else {
            return Ok(Vec::new());
        };
        let mut states = Vec::new();
        for batch in &kept.batches {
            states.extend(self.batch(run, batch.row.no)?.map(|row| row.state));
        }
        let children = self.earlier.iter().filter_map(|change| match change {
            Change::Child(row, _) if row.run == run => Some(row.state),
            _ => None,
        });
        states.extend(children);
        Ok(states)
    }
}
