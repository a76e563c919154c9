//! Who may work with the journal: one term at a time, numbered, with an end by the database's
//! clock that a sign of life moves on. Every write names its term, and the database refuses those
//! of a term that is over. No lock of a session: poolers would give it to somebody else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_postgres::{Client, SimpleQueryMessage};

use super::failure::pg;
use super::link::Connector;
use super::session::{Prelude, Tx};
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::journal::sql::Sql as _;
use crate::journal::sql::cells::{Cells, unreadable};

/// What came of a claim.
pub(super) enum Claimed {
    /// Once it is committed.
    Mine { epoch: i64, until: Duration },
    /// Why not: retryable.
    ByAnother(Error),
}

/// What this process knows of its own term.
pub(super) struct Lease {
    /// Tells this journal object from all others.
    owner: String,
    name: String,
    length: Duration,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    epoch: Option<i64>,
    /// Until when, by this machine's clock since its start. Counted from before the database was
    /// asked, so never later than by the database's.
    until: Duration,
    /// Number of the last write that was tried.
    writes: i64,
}

impl Lease {
    pub fn new(length: Duration) -> Self {
        Self {
            owner: uuid::Uuid::new_v4().to_string(),
            name: name(),
            length,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The term of this process, as far as it knows.
    pub fn epoch(&self) -> Option<i64> {
        self.held().epoch
    }

    /// The same, while nobody else can have taken over.
    pub fn sure(&self) -> Option<i64> {
        self.lasts(Duration::ZERO)
    }

    /// The same, if nobody else can take over for so long.
    pub fn lasts(&self, time: Duration) -> Option<i64> {
        let held = self.held();
        held.epoch.filter(|_| since_start() + time < held.until)
    }

    /// What the clocks of two machines, and this process, may lose on a lease.
    pub fn margin(&self) -> Duration {
        (self.length / 12).min(Duration::from_secs(10))
    }

    pub fn length(&self) -> Duration {
        self.length
    }

    /// The term is over, or cannot be told to be this process'.
    pub fn lose(&self, epoch: i64) {
        let mut held = self.held();
        if held.epoch == Some(epoch) {
            held.epoch = None;
        }
    }

    /// Locks the journal's row and numbers a write. `None`: the term is over, nothing may be
    /// written. The lock keeps a successor waiting until the write is done.
    pub fn fence(&self, tx: &Tx<'_>, epoch: i64) -> Result<Option<i64>> {
        let write = {
            let mut held = self.held();
            held.writes += 1;
            held.writes
        };
        let statement = "WITH held AS
               (SELECT epoch FROM journal WHERE id = 1 AND epoch = ?1 FOR UPDATE)
             UPDATE term SET writes = ?2 FROM held WHERE term.epoch = held.epoch";
        let mine = tx.execute(statement, vec![epoch.into(), write.into()])? == 1;
        Ok(mine.then_some(write))
    }

    /// Whether a write is there. Waits for one that is still under way at the server.
    pub fn wrote(tx: &Tx<'_>, epoch: i64, write: i64) -> Result<bool> {
        tx.execute(
            "SELECT epoch FROM journal WHERE id = 1 FOR UPDATE",
            Vec::new(),
        )?;
        let statement = "SELECT epoch FROM term WHERE epoch = ?1 AND writes = ?2";
        let mut found = false;
        tx.each(statement, vec![epoch.into(), write.into()], &mut |_| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    /// Begins a term, if no other runs; says who has it otherwise.
    pub fn claim(&self, tx: &Tx<'_>) -> Result<Claimed> {
        let asked = since_start();
        // Its own last term, whose end it could not make sure of, holds nobody up.
        let statement = "UPDATE journal SET epoch = epoch + 1,
               until = clock_timestamp() + ?1 * interval '1 millisecond'
             WHERE id = 1 AND (until <= clock_timestamp() OR EXISTS
               (SELECT 1 FROM term WHERE term.epoch = journal.epoch AND term.owner = ?2))
             RETURNING epoch";
        let mut epoch = None;
        let params = vec![millis(self.length).into(), self.owner.as_str().into()];
        tx.each(statement, params, &mut |mut row| {
            epoch = row.get::<i64>();
            Ok(())
        })?;
        let Some(epoch) = epoch else {
            return Ok(Claimed::ByAnother(other(tx)?));
        };
        tx.execute(
            "INSERT INTO term (epoch, owner, name, since, writes)
             VALUES (?1, ?2, ?3, clock_timestamp(), 0)",
            vec![
                epoch.into(),
                self.owner.as_str().into(),
                self.name.as_str().into(),
            ],
        )?;
        Ok(Claimed::Mine {
            epoch,
            until: asked + self.length,
        })
    }

    /// A claim that is committed.
    pub fn begin(&self, epoch: i64, until: Duration) {
        *self.held() = Held {
            epoch: Some(epoch),
            until,
            writes: 0,
        };
    }

    /// The statement that moves the end on. It changes no row once the term is over.
    fn renewal(&self, epoch: i64) -> String {
        format!(
            "UPDATE journal SET until = clock_timestamp() + {} * interval '1 millisecond'
             WHERE id = 1 AND epoch = {epoch}",
            self.length.as_millis()
        )
    }

    /// Moves the end on; `false` when the term is over. Counts once it is committed.
    pub fn renew(&self, tx: &Tx<'_>, epoch: i64) -> Result<bool> {
        Ok(tx.execute(&self.renewal(epoch), Vec::new())? == 1)
    }

    /// A renewal that was asked for at this time is committed.
    pub fn renewed(&self, epoch: i64, asked: Duration) {
        let mut held = self.held();
        if held.epoch == Some(epoch) {
            held.until = held.until.max(asked + self.length);
        }
    }

    /// Gives the journal to whoever comes next.
    pub fn release(tx: &Tx<'_>, epoch: i64) -> Result<()> {
        let statement = "UPDATE journal SET until = clock_timestamp() WHERE id = 1 AND epoch = ?1";
        tx.execute(statement, vec![epoch.into()]).map(|_| ())
    }
}

/// The signs of life, on a connection of their own: for as long as the thread lives.
pub(super) async fn beat(lease: Arc<Lease>, connector: Connector, prelude: Prelude) {
    let often = lease.length / 4;
    let mut client = None;
    let mut pause = often;
    loop {
        tokio::time::sleep(pause).await;
        pause = often;
        let Some(epoch) = lease.epoch() else {
            client = None;
            continue;
        };
        let pulse = pulse(&lease, &connector, &prelude, epoch, &mut client);
        let done = tokio::time::timeout(often, pulse).await;
        if !matches!(done, Ok(Ok(()))) {
            client = None;
            pause = often / 10;
        }
    }
}

async fn pulse(
    lease: &Lease,
    connector: &Connector,
    prelude: &Prelude,
    epoch: i64,
    kept: &mut Option<Client>,
) -> Result<()> {
    let client = match kept.take().filter(|client| !client.is_closed()) {
        Some(client) => client,
        None => connector.connect().await?,
    };
    let asked = since_start();
    let statements = format!("{} {}; COMMIT", prelude.as_str(), lease.renewal(epoch));
    let answers = client.simple_query(&statements).await.map_err(pg)?;
    // The last two: the renewal's, and the COMMIT's.
    let renewed = answers
        .iter()
        .rev()
        .nth(1)
        .is_some_and(|answer| matches!(answer, SimpleQueryMessage::CommandComplete(1)));
    if renewed {
        lease.renewed(epoch, asked);
    } else {
        lease.lose(epoch);
    }
    *kept = Some(client);
    Ok(())
}

/// Who has the journal, for people.
fn other(tx: &Tx<'_>) -> Result<Error> {
    let statement = "SELECT term.name,
           to_char(term.since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
           CAST(ceil(extract(epoch FROM journal.until - clock_timestamp())) AS BIGINT)
         FROM journal JOIN term ON term.epoch = journal.epoch";
    let mut found = None;
    tx.each(statement, Vec::new(), &mut |mut row| {
        found = read_other(&mut row);
        Ok(())
    })?;
    let (name, since, left) = found.ok_or_else(unreadable)?;
    let left = Duration::from_secs(u64::try_from(left.max(0)).unwrap_or(0));
    Ok(Error::new(
        ErrorKind::Journal,
        format!("the journal is in use by {name} since {since}; reading works"),
    )
    .retry(RetryAdvice::After(Some(left)))
    .with_hint("Wait for that process to end, or let it do the work; reading works meanwhile. If it died, its lease runs out by itself."))
}

fn read_other(row: &mut Cells) -> Option<(String, String, i64)> {
    Some((row.get()?, row.get()?, row.get()?))
}

/// This process, as people find it.
fn name() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    format!("process {} on {host}", std::process::id())
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Time since this machine was started, sleep included: a lease runs out while a machine sleeps.
pub(super) fn since_start() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}
