//! A journal on a PostgreSQL server, which several machines can reach.
//!
//! One process at a time works with it, by a lease (`lease.rs`); all others read, and one of them
//! takes over when the lease has run out. The key file lies on each machine, never at the server;
//! beside it lie the rescue files of this machine's processes, and by default the archives.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rows::{
    ArtifactRow, AttemptRow, BatchRow, Change, DeliveryRow, JobRow, NewEvent, OrphanRow,
    ProjectRow, Rescued, RunRow,
};
use super::rules::{self, Intake};
use super::sql::{Rows, read, tables, write};
use super::{Journal, NewBatch, files};
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::model::event::Event;
use address::Address;
use lease::{Claimed, Lease, since_start};
use link::Link;
use rescue::Rescues;
use session::{Ended, Prelude, Session, Tx};

mod address;
mod failure;
mod late;
mod lease;
mod link;
mod open;
mod rescue;
mod session;
mod tls;

/// A journal in one schema of a PostgreSQL database.
pub struct PostgresJournal {
    // Dropped in this order: connections (a panic in a transaction drops its own) before their thread.
    session: Mutex<Session>,
    lease: Arc<Lease>,
    link: Arc<Link>,
    rescues: Rescues,
    key: [u8; 32],
    key_file: PathBuf,
}

impl PostgresJournal {
    /// Opens the journal of a URL such as
    /// `postgresql://dsr@db.example/dsr?dsrkit_key_file=/etc/dsrkit/journal.key`, or makes it.
    /// Works with it if nobody else does; otherwise reads, until the other has ended.
    pub fn open(url: &str) -> Result<Self> {
        let address = Address::parse(url)?;
        let link = Arc::new(Link::start(&address)?);
        let prelude = Prelude::new(&address.schema);
        let lease = Arc::new(Lease::new(address.lease));
        let mut session = Session::new(Arc::clone(&link), prelude.clone(), lease.margin());
        let key = open::open(&mut session, &address)?;
        link.spawn(lease::beat(Arc::clone(&lease), link.connector(), prelude));
        Ok(Self {
            session: Mutex::new(session),
            lease,
            link,
            rescues: Rescues::new(&address.key_file),
            key,
            key_file: address.key_file,
        })
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.session().read(work)
    }

    fn epoch(&self) -> Result<i64> {
        self.lease.epoch().ok_or_else(|| {
            Error::new(
                ErrorKind::Journal,
                "the journal is open for reading only: another process works with it",
            )
            .retry(RetryAdvice::After(None))
        })
    }

    /// One transaction of this process' term. `None`: the term is over, nothing was written.
    /// `work` fences itself, so that it holds the journal's row no longer than it must.
    fn write<T>(
        &self,
        epoch: i64,
        again: bool,
        mut work: impl FnMut(&Tx<'_>) -> Result<Option<(i64, T)>>,
    ) -> Result<Option<T>> {
        let mut session = self.session();
        loop {
            let (number, value, error) = match session.transact(again, &mut work)? {
                Ended::Committed(done) => {
                    if done.is_none() {
                        self.lease.lose(epoch);
                    }
                    return Ok(done.map(|(_, value)| value));
                }
                Ended::Unknown(None, _) => continue,
                Ended::Unknown(Some((number, value)), error) => (number, value, error),
            };
            match session.read(|tx| Lease::wrote(tx, epoch, number)) {
                Ok(true) => return Ok(Some(value)),
                Ok(false) if again => {}
                Ok(false) => return Err(error),
                Err(_) => {
                    // A new term sees whatever this write has become.
                    self.lease.lose(epoch);
                    return Err(error);
                }
            }
        }
    }

    /// A write that can be done again; `None`: the term is over.
    fn fenced_in<T>(
        &self,
        epoch: i64,
        mut work: impl FnMut(&Tx<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.write(epoch, true, |tx| match self.lease.fence(tx, epoch)? {
            Some(number) => Ok(Some((number, work(tx)?))),
            None => Ok(None),
        })
    }

    fn fenced<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.fenced_in(self.epoch()?, work)?.ok_or_else(over)
    }

    fn renew(&self) -> Result<()> {
        let epoch = self.epoch()?;
        let asked = since_start();
        if self.read(|tx| self.lease.renew(tx, epoch))? {
            self.lease.renewed(epoch, asked);
        } else {
            self.lease.lose(epoch);
        }
        Ok(())
    }
}

impl Drop for PostgresJournal {
    fn drop(&mut self) {
        let Some(epoch) = self.lease.epoch().filter(|_| self.link.is_here()) else {
            return;
        };
        let session = self.session.get_mut();
        let session = session.unwrap_or_else(PoisonError::into_inner);
        session.be_quick();
        let _ = session.read(|tx| Lease::release(tx, epoch));
    }
}

impl std::fmt::Debug for PostgresJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresJournal")
            .field("key_file", &self.key_file)
            .field("read_only", &self.lease.epoch().is_none())
            .finish_non_exhaustive()
    }
}

/// The term ended while this process believed in it.
fn over() -> Error {
    Error::new(
        ErrorKind::Journal,
        "another process has taken over the journal; nothing of this step was written",
    )
    .retry(RetryAdvice::After(None))
    .with_hint("This process was away for longer than its lease. Wait for the run again: it is followed here, or carried on when the other process ends.")
}

impl Journal for PostgresJournal {
    fn key(&self) -> &[u8; 32] {
        &self.key
    }

    fn default_archives(&self) -> Option<PathBuf> {
        Some(files::beside(&self.key_file, ".archives"))
    }

    fn claim(&self) -> Result<u64> {
        if let Some(epoch) = self.lease.sure() {
            return Ok(epoch.cast_unsigned());
        }
        if self.lease.epoch().is_some() {
            self.renew()?;
            if let Some(epoch) = self.lease.sure() {
                return Ok(epoch.cast_unsigned());
            }
        }
        self.rescues.open()?;
        let claimed = {
            let mut session = self.session();
            match session.transact(true, &mut |tx| self.lease.claim(tx))? {
                Ended::Committed(claimed) => claimed,
                Ended::Unknown(_, error) => return Err(error),
            }
        };
        match claimed {
            Claimed::Mine { epoch, until } => {
                self.lease.begin(epoch, until);
                Ok(epoch.cast_unsigned())
            }
            Claimed::ByAnother(error) => Err(error),
        }
    }

    fn term(&self) -> Option<u64> {
        self.lease.sure().map(i64::cast_unsigned)
    }

    fn may_send(&self, takes: Duration) -> Result<()> {
        let needs = takes + self.lease.margin();
        if self.lease.lasts(needs).is_some() {
            return Ok(());
        }
        if needs >= self.lease.length() {
            return Err(Error::new(
                ErrorKind::Config,
                "request_timeout is too long for the journal's lease; nothing was sent",
            )
            .with("lease in s", self.lease.length().as_secs()));
        }
        self.renew()?;
        match self.lease.lasts(needs) {
            Some(_) => Ok(()),
            None => Err(over()),
        }
    }

    fn put_project(&self, project: &ProjectRow) -> Result<()> {
        self.fenced(|tx| write::project(tx, project))
    }

    fn import(
        &self,
        batches: &mut dyn Iterator<Item = Result<NewBatch>>,
        finish: &mut dyn FnMut() -> Result<(RunRow, Vec<NewEvent>)>,
    ) -> Result<()> {
        let epoch = self.epoch()?;
        // The ids come once, so it is done once. They may come slowly: until they are all there,
        // nothing is locked that others need.
        self.write(epoch, false, |tx| {
            tx.batch("SET LOCAL idle_in_transaction_session_timeout TO 0")?;
            let mut intake = Intake::default();
            let insert = tables::BATCH.insert(&["ids"]);
            for batch in &mut *batches {
                let batch = batch?;
                // The first batch tells the run; a run that is there already must not get more.
                if batch.row.no == 0 && read::has_run(tx, &batch.row.run)? {
                    return Err(rules::known_run());
                }
                intake.take(&batch)?;
                write::new_batch(tx, &insert, batch)?;
            }
            let (row, events) = finish()?;
            intake.finish(&row, &events)?;
            if !read::has_project(tx, &row.project)? {
                return Err(rules::unknown_project());
            }
            tx.batch("SET LOCAL idle_in_transaction_session_timeout TO '30s'")?;
            let Some(number) = self.lease.fence(tx, epoch)? else {
                return Err(over());
            };
            write::new_run(tx, &row)?;
            let mut chain = read::chain(tx)?;
            for event in &events {
                write::event(tx, &mut chain, event)?;
            }
            write::chain(tx, &chain)?;
            Ok(Some((number, ())))
        })?
        .ok_or_else(over)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Event>> {
        rules::check_whole(changes)?;
        let refused = match self.epoch() {
            Err(error) => error,
            Ok(epoch) => {
                let done = self.fenced_in(epoch, |tx| {
                    let before = read::chain(tx)?;
                    let mut chain = before;
                    let mut events = Vec::new();
                    for change in changes {
                        rules::check(&Rows(tx), change)?;
                        events.extend(write::change(tx, &mut chain, change)?);
                    }
                    rules::check_ends(&Rows(tx), changes)?;
                    if chain != before {
                        write::chain(tx, &chain)?;
                    }
                    Ok(events)
                })?;
                match done {
                    Some(events) => return Ok(events),
                    None => over(),
                }
            }
        };
        // A task that the vendor made is not lost, whoever may write.
        let mut session = self.session();
        while let Ended::Unknown((), _) =
            session.transact(true, &mut |tx| late::keep(tx, changes))?
        {}
        Err(refused)
    }

    fn rescue(&self, answer: &Rescued) -> Result<()> {
        self.rescues.add(answer)
    }

    fn rescued(&self) -> Result<Vec<Rescued>> {
        self.rescues.read()
    }

    fn clear_rescued(&self) -> Result<()> {
        self.rescues.clear()
    }

    fn runs(&self) -> Result<Vec<RunRow>> {
        self.read(|tx| read::runs(tx))
    }

    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        self.read(|tx| read::run(tx, id))
    }

    fn batches(&self, run: &str) -> Result<Vec<BatchRow>> {
        self.read(|tx| read::batches(tx, run))
    }

    fn batch_ids(&self, run: &str, no: u32) -> Result<String> {
        match self.read(|tx| read::batch_ids(tx, run, no))? {
            Some((None, ids)) => Ok(ids),
            Some(_) => Err(rules::sealed(no)),
            None => Err(rules::no_batch(no)),
        }
    }

    fn batch_macs(&self, run: &str, no: u32) -> Result<Vec<u8>> {
        self.read(|tx| read::batch_macs(tx, run, no))?
            .ok_or_else(|| rules::no_batch(no))
    }

    fn runs_with_ids(&self) -> Result<Vec<String>> {
        self.read(|tx| read::runs_with_ids(tx))
    }

    fn deliveries(&self, run: &str) -> Result<Vec<DeliveryRow>> {
        self.read(|tx| read::deliveries(tx, run))
    }

    fn learnt(&self, project: &[u8; 32]) -> Result<Option<String>> {
        self.read(|tx| read::learnt(tx, project))
    }

    fn cipher(&self) -> Result<Option<String>> {
        self.read(|tx| read::cipher(tx))
    }

    fn set_cipher(&self, cipher: &str) -> Result<()> {
        if self.fenced(|tx| write::cipher(tx, cipher))? {
            return Ok(());
        }
        Err(rules::late_cipher())
    }

    fn attempts(&self, run: &str) -> Result<Vec<AttemptRow>> {
        self.read(|tx| read::attempts(tx, run))
    }

    fn jobs(&self, run: &str) -> Result<Vec<JobRow>> {
        self.read(|tx| read::jobs(tx, run))
    }

    fn orphans(&self, run: &str) -> Result<Vec<OrphanRow>> {
        self.read(|tx| read::orphans(tx, run))
    }

    fn artifacts(&self, run: &str) -> Result<Vec<ArtifactRow>> {
        self.read(|tx| read::artifacts(tx, run))
    }

    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.read(|tx| read::events(tx, run, after, limit))
    }

    fn verify_events(&self) -> Result<u64> {
        // The runner may append between the events and their end.
        self.session().snapshot(|tx| read::verify_events(tx))
    }
}
