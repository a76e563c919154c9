//! A journal in one SQLite file, which operators can read with `sqlite3`.
//!
//! Beside `<journal>` lie `<journal>.key` (32 random bytes; without them the journal is of no
//! use), `<journal>.lock` (who runs it), `<journal>.rescue` (answers that a full disk kept out), SQLite's own `-wal` and `-shm`, and by default
//! `<journal>.archives`. All are for the owner only.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::rescue::Rescue;
use super::rows::{
    ArtifactRow, AttemptRow, BatchRow, Change, DeliveryRow, JobRow, NewEvent, OrphanRow,
    ProjectRow, Rescued, RunRow,
};
use super::rules::{self, Intake};
use super::sql::{Rows, read, tables, write};
use super::{Journal, NewBatch, files};
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::model::event::Event;
use failure::sql;
use lock::OwnerLock;

mod failure;
mod lock;
mod open;
mod statement;
#[cfg(test)]
mod tests;

/// A journal in one SQLite file.
pub struct SqliteJournal {
    // Dropped in this order: the file is closed before the next runner may have it.
    conn: Mutex<Connection>,
    _lock: Option<OwnerLock>,
    rescue: Option<Rescue>,
    key: [u8; 32],
    path: PathBuf,
    doubt: Option<&'static str>,
    /// Why it is open for reading only, if it is, and what to do about it.
    read_only: Option<(String, String)>,
}

impl SqliteJournal {
    /// Opens a journal to work with it, or makes a new one if there is no such file. Only one
    /// process at a time may; for another the error is retryable, says which process it is, and
    /// [`SqliteJournal::open_read_only`] works.
    pub fn open(path: &Path) -> Result<Self> {
        open::runner(path)
    }

    /// Opens a journal for reading, also while another process works with it.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        open::reader(path)
    }

    /// Opens a journal to work with it, or for reading while another process does.
    pub fn open_or_read(path: &Path) -> Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == ErrorKind::Journal && error.is_retryable() => {
                let mut journal = Self::open_read_only(path)?;
                journal.read_only = Some((error.to_string(), error.hint().to_owned()));
                Ok(journal)
            }
            result => result,
        }
    }

    /// The file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction has rolled it back on its way out.
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> Result<MutexGuard<'_, Connection>> {
        self.claim()?;
        Ok(self.reader())
    }
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal")
            .field("path", &self.path)
            .field("read_only", &self.read_only.is_some())
            .finish_non_exhaustive()
    }
}

fn begin(conn: &mut Connection) -> Result<Transaction<'_>> {
    // Immediate: a lock that another program holds is found before anything is done.
    conn.transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sql)
}

impl Journal for SqliteJournal {
    fn key(&self) -> &[u8; 32] {
        &self.key
    }

    fn default_archives(&self) -> Option<PathBuf> {
        Some(files::beside(&self.path, ".archives"))
    }

    fn doubt(&self) -> Option<&'static str> {
        self.doubt
    }

    fn claim(&self) -> Result<u64> {
        match &self.read_only {
            None => Ok(0),
            Some((why, hint)) => Err(Error::new(ErrorKind::Journal, why)
                .retry(RetryAdvice::After(None))
                .with_hint(hint)),
        }
    }

    fn put_project(&self, project: &ProjectRow) -> Result<()> {
        write::project(&*self.writer()?, project)
    }

    fn learnt(&self, project: &[u8; 32]) -> Result<Option<String>> {
        read::learnt(&*self.reader(), project)
    }

    fn import(
        &self,
        batches: &mut dyn Iterator<Item = Result<NewBatch>>,
        finish: &mut dyn FnMut() -> Result<(RunRow, Vec<NewEvent>)>,
    ) -> Result<()> {
        let mut conn = self.writer()?;
        let tx = begin(&mut conn)?;
        let mut intake = Intake::default();
        let insert = tables::BATCH.insert(&["ids"]);
        for batch in batches {
            let batch = batch?;
            // The first batch tells the run; a run that is there already must not get more.
            if batch.row.no == 0 && read::has_run(&*tx, &batch.row.run)? {
                return Err(rules::known_run());
            }
            intake.take(&batch)?;
            write::new_batch(&*tx, &insert, batch)?;
        }
        let (row, events) = finish()?;
        intake.finish(&row, &events)?;
        if !read::has_project(&*tx, &row.project)? {
            return Err(rules::unknown_project());
        }
        write::new_run(&*tx, &row)?;
        let mut chain = read::chain(&*tx)?;
        for event in &events {
            write::event(&*tx, &mut chain, event)?;
        }
        write::chain(&*tx, &chain)?;
        tx.commit().map_err(sql)
    }

    fn rescue(&self, answer: &Rescued) -> Result<()> {
        match &self.rescue {
            Some(rescue) => rescue.add(answer),
            None => Err(Error::new(
                ErrorKind::Journal,
                "the journal is open for reading only",
            )),
        }
    }

    fn rescued(&self) -> Result<Vec<Rescued>> {
        self.rescue.as_ref().map_or(Ok(Vec::new()), Rescue::read)
    }

    fn clear_rescued(&self) -> Result<()> {
        self.rescue.as_ref().map_or(Ok(()), Rescue::clear)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Event>> {
        let mut conn = self.writer()?;
        let tx = begin(&mut conn)?;
        let before = read::chain(&*tx)?;
        let mut chain = before;
        let mut events = Vec::new();
        rules::check_whole(changes)?;
        for change in changes {
            rules::check(&Rows(&*tx), change)?;
            events.extend(write::change(&*tx, &mut chain, change)?);
        }
        rules::check_ends(&Rows(&*tx), changes)?;
        if chain != before {
            write::chain(&*tx, &chain)?;
        }
        tx.commit().map_err(sql)?;
        Ok(events)
    }

    fn runs(&self) -> Result<Vec<RunRow>> {
        read::runs(&*self.reader())
    }

    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        read::run(&*self.reader(), id)
    }

    fn batches(&self, run: &str) -> Result<Vec<BatchRow>> {
        read::batches(&*self.reader(), run)
    }

    fn batch_ids(&self, run: &str, no: u32) -> Result<String> {
        match read::batch_ids(&*self.reader(), run, no)? {
            Some((None, ids)) => Ok(ids),
            Some(_) => Err(rules::sealed(no)),
            None => Err(rules::no_batch(no)),
        }
    }

    fn batch_macs(&self, run: &str, no: u32) -> Result<Vec<u8>> {
        read::batch_macs(&*self.reader(), run, no)?.ok_or_else(|| rules::no_batch(no))
    }

    fn runs_with_ids(&self) -> Result<Vec<String>> {
        read::runs_with_ids(&*self.reader())
    }

    fn scrub(&self) -> Result<bool> {
        // The log still holds the pages as they were. A reader may need them: it is not waited for.
        let conn = self.writer()?;
        conn.busy_timeout(Duration::ZERO).map_err(sql)?;
        let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, i64>(0)
        });
        conn.busy_timeout(open::BUSY).map_err(sql)?;
        match busy.map_err(sql) {
            Ok(busy) => Ok(busy == 0),
            Err(error) if error.is_retryable() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn cipher(&self) -> Result<Option<String>> {
        read::cipher(&*self.reader())
    }

    fn set_cipher(&self, cipher: &str) -> Result<()> {
        if write::cipher(&*self.writer()?, cipher)? {
            return Ok(());
        }
        Err(rules::late_cipher())
    }

    fn attempts(&self, run: &str) -> Result<Vec<AttemptRow>> {
        read::attempts(&*self.reader(), run)
    }

    fn jobs(&self, run: &str) -> Result<Vec<JobRow>> {
        read::jobs(&*self.reader(), run)
    }

    fn orphans(&self, run: &str) -> Result<Vec<OrphanRow>> {
        read::orphans(&*self.reader(), run)
    }

    fn artifacts(&self, run: &str) -> Result<Vec<ArtifactRow>> {
        read::artifacts(&*self.reader(), run)
    }

    fn deliveries(&self, run: &str) -> Result<Vec<DeliveryRow>> {
        read::deliveries(&*self.reader(), run)
    }

    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Event>> {
        read::events(&*self.reader(), run, after, limit)
    }

    fn verify_events(&self) -> Result<u64> {
        // One transaction: a runner may append between the events and their end.
        let mut conn = self.reader();
        let tx = conn.transaction().map_err(sql)?;
        read::verify_events(&*tx)
    }
}
