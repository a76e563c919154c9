//! The connection that works: one transaction at a time, again on a new connection when the old
//! one was lost.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_core::Stream as _;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres::{Client, Row};

use super::link::{Link, wait};
use crate::error::{Error, Result};
use crate::journal::sql::Sql;
use crate::journal::sql::cells::{Cell, Cells, unreadable};

/// One connection, made when it is needed.
pub(super) struct Session {
    link: Arc<Link>,
    client: Option<Client>,
    prelude: Prelude,
    /// How long a server that went away is waited for, before the caller is told.
    patience: Duration,
    snapshot: bool,
}

/// What every transaction begins with. All of it ends with the transaction, so that the journal
/// works behind a pooler which gives each one another connection.
#[derive(Clone)]
pub(super) struct Prelude {
    current: String,
    snapshot: String,
}

/// An open transaction.
pub(super) struct Tx<'a>(&'a Client);

/// How a transaction ended.
pub(super) enum Ended<T> {
    Committed(T),
    /// The connection was lost at the COMMIT: it may be there or not.
    Unknown(T, Error),
}

impl Prelude {
    pub fn new(schema: &str) -> Self {
        let prelude = |isolation| {
            format!(
                "BEGIN ISOLATION LEVEL {isolation};
                 SET LOCAL search_path TO {schema};
                 SET LOCAL statement_timeout TO '10s';
                 SET LOCAL idle_in_transaction_session_timeout TO '30s';
                 SELECT set_config('synchronous_commit',
                   CASE current_setting('synchronous_commit')
                   WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true);"
            )
        };
        Self {
            current: prelude("READ COMMITTED"),
            snapshot: prelude("REPEATABLE READ READ ONLY"),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.current
    }
}

impl Session {
    pub fn new(link: Arc<Link>, prelude: Prelude, patience: Duration) -> Self {
        Self {
            link,
            client: None,
            prelude,
            patience,
            snapshot: false,
        }
    }

    /// For the end of a process: one try.
    pub fn be_quick(&mut self) {
        self.patience = Duration::ZERO;
    }

    /// A transaction that is done again if the connection is lost before its end. Work that
    /// changes nothing may be done again after its COMMIT, too.
    pub fn read<T>(&mut self, mut work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        match self.transact(true, &mut work)? {
            Ended::Committed(value) | Ended::Unknown(value, _) => Ok(value),
        }
    }

    /// The same, all of it as the journal is at one moment.
    pub fn snapshot<T>(&mut self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.snapshot = true;
        let result = self.read(work);
        self.snapshot = false;
        result
    }

    /// A transaction. With `again`, it is done again if the connection is lost before its COMMIT.
    pub fn transact<T>(
        &mut self,
        again: bool,
        work: &mut dyn FnMut(&Tx<'_>) -> Result<T>,
    ) -> Result<Ended<T>> {
        let until = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(50);
        let mut begun = false;
        loop {
            let error = match self.once(&mut begun, work) {
                Ok(ended) => return Ok(ended),
                Err(error) => error,
            };
            // A rule that says no, or a server that is here and refuses, will do so again.
            let lost = self.client.is_none() && error.is_retryable();
            if !lost || (begun && !again) || Instant::now() + pause > until {
                return Err(error);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    fn once<T>(
        &mut self,
        begun: &mut bool,
        work: &mut dyn FnMut(&Tx<'_>) -> Result<T>,
    ) -> Result<Ended<T>> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.link.connect()?,
        };
        let prelude = if self.snapshot {
            &self.prelude.snapshot
        } else {
            &self.prelude.current
        };
        if let Err(error) = wait(client.batch_execute(prelude)) {
            self.keep_if_well(client);
            return Err(error);
        }
        *begun = true;
        // A panic in the work drops the connection, and the server rolls back.
        match work(&Tx(&client)) {
            Ok(value) => match wait(client.batch_execute("COMMIT")) {
                Ok(()) => {
                    self.client = Some(client);
                    Ok(Ended::Committed(value))
                }
                Err(error) if error.is_retryable() => Ok(Ended::Unknown(value, error)),
                Err(error) => {
                    self.keep_if_well(client);
                    Err(error)
                }
            },
            Err(error) => {
                self.keep_if_well(client);
                Err(error)
            }
        }
    }

    /// A connection is used again only once it is certain that no transaction is open on it.
    fn keep_if_well(&mut self, client: Client) {
        if wait(client.batch_execute("ROLLBACK")).is_ok() {
            self.client = Some(client);
        }
    }
}

impl Tx<'_> {
    /// Several statements without parameters.
    pub fn batch(&self, statements: &str) -> Result<()> {
        wait(self.0.batch_execute(statements))
    }
}

fn dollars(statement: &str) -> String {
    statement.replace('?', "$")
}

fn typed(params: &[Cell]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|cell| {
            let kind = match cell {
                Cell::Null => Type::UNKNOWN,
                Cell::Int(_) => Type::INT8,
                Cell::Text(_) => Type::TEXT,
                Cell::Blob(_) => Type::BYTEA,
            };
            (cell as &(dyn ToSql + Sync), kind)
        })
        .collect()
}

impl Sql for Tx<'_> {
    fn each(
        &self,
        statement: &str,
        params: Vec<Cell>,
        row: &mut dyn FnMut(Cells) -> Result<()>,
    ) -> Result<()> {
        // Unnamed statements: a pooler need not know them.
        let found = wait(self.0.query_typed_raw(&dollars(statement), typed(&params)))?;
        let mut found = pin!(found);
        while let Some(next) = wait(poll_fn(|cx| {
            found.as_mut().poll_next(cx).map(Option::transpose)
        }))? {
            row(cells(&next)?)?;
        }
        Ok(())
    }

    fn execute(&self, statement: &str, params: Vec<Cell>) -> Result<u64> {
        wait(self.0.execute_typed(&dollars(statement), &typed(&params)))
    }
}

fn cells(row: &Row) -> Result<Cells> {
    let cells = (0..row.len()).map(|column| match row.try_get::<_, Option<Cell>>(column) {
        Ok(cell) => Ok(cell.unwrap_or(Cell::Null)),
        Err(_) => Err(unreadable()),
    });
    Ok(Cells::new(cells.collect::<Result<_>>()?))
}

type Boxed = Box<dyn std::error::Error + Sync + Send>;

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Boxed> {
        Ok(match *kind {
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::TEXT => Self::Text(String::from_sql(kind, raw)?),
            _ => Self::Blob(raw.to_vec()),
        })
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }
}

impl ToSql for Cell {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Boxed> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Boxed> {
        self.to_sql(kind, out)
    }
}
