//! What journals in SQL share: the columns of every table, rows from cells and cells from rows,
//! and each statement once. A database adds how it runs a statement.

use super::rows::{AttemptState, BatchRow, BatchState, CancelState, RunRow};
use super::rules::Stored;
use crate::error::Result;
use crate::model::job::JobStatus;
use cells::{Cell, Cells};

pub(super) mod cells;
pub(super) mod read;
pub(super) mod tables;
pub(super) mod write;

/// A database. Statements name their parameters `?1`, `?2` and so on.
pub(super) trait Sql {
    /// Gives each row that a statement finds.
    fn each(
        &self,
        statement: &str,
        params: Vec<Cell>,
        row: &mut dyn FnMut(Cells) -> Result<()>,
    ) -> Result<()>;

    /// Runs a statement; gives how many rows it changed.
    fn execute(&self, statement: &str, params: Vec<Cell>) -> Result<u64>;
}

/// The rows inside a transaction, for the rules.
pub(super) struct Rows<'a, S>(pub &'a S);

impl<S: Sql> Stored for Rows<'_, S> {
    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        read::run(self.0, id)
    }

    fn has_run(&self, id: &str) -> Result<bool> {
        read::has_run(self.0, id)
    }

    fn has_project(&self, fingerprint: &[u8; 32]) -> Result<bool> {
        read::has_project(self.0, fingerprint)
    }

    fn batch_states(&self, run: &str) -> Result<Vec<BatchState>> {
        read::batch_states(self.0, run)
    }

    fn batch(&self, run: &str, no: u32) -> Result<Option<BatchRow>> {
        read::batch(self.0, run, no)
    }

    fn attempt(&self, run: &str, batch: u32, n: u32) -> Result<Option<AttemptState>> {
        read::attempt(self.0, run, batch, n)
    }

    fn job(&self, run: &str, task: &str) -> Result<Option<(JobStatus, CancelState)>> {
        read::job(self.0, run, task)
    }
}
