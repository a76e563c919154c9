//! Opening and making a journal. What is there and is not a journal of ours is left as it is.

use super::address::Address;
use super::failure;
use super::session::{Ended, Session, Tx};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::files;
use crate::journal::sql::Sql as _;
use crate::journal::sql::cells::{Cells, unreadable};

const SCHEMA: &str = include_str!("../schema/postgres.sql");
const FORMAT: i64 = 2;

/// Finds the journal, or makes it; gives its key.
pub(super) fn open(session: &mut Session, address: &Address) -> Result<[u8; 32]> {
    session.read(durable)?;
    if !session.read(|tx| is_there(tx, &address.schema))? {
        let key = files::make_key(&address.key_file)?;
        make(session, address, &key)?;
    }
    let (format, check) = session.read(marks)?;
    match format {
        FORMAT => {}
        newer if newer > FORMAT => {
            return Err(refused(&format!(
                "written by a newer dsrkit (format {newer}, this one reads {FORMAT}); update dsrkit"
            )));
        }
        _ => return Err(refused("of a format that this dsrkit does not know")),
    }
    let key = files::read_key(&address.key_file).map_err(|error| {
        error.with_hint("Copy the journal's key file from the machine where the journal was made.")
    })?;
    if check != files::key_check(&key) {
        return Err(files::refused(
            &address.key_file,
            "the key file belongs to another journal; put the right one there",
        ));
    }
    Ok(key)
}

/// A server that forgets what it said was written is no place for a journal.
fn durable(tx: &Tx<'_>) -> Result<()> {
    let mut fsync = None;
    tx.each(
        "SELECT current_setting('fsync')",
        Vec::new(),
        &mut |mut row| {
            fsync = row.get::<String>();
            Ok(())
        },
    )?;
    match fsync.as_deref() {
        Some("on") => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Journal,
            "the PostgreSQL server runs with fsync=off: what it takes may be lost; switch it on",
        )),
    }
}

fn is_there(tx: &Tx<'_>, schema: &str) -> Result<bool> {
    let mut may = None;
    let statement = "SELECT CAST(has_schema_privilege(schemaname, 'USAGE') AS TEXT)
         FROM pg_catalog.pg_tables WHERE schemaname = ?1 AND tablename = 'journal'";
    tx.each(statement, vec![schema.into()], &mut |mut row| {
        may = row.get::<String>();
        Ok(())
    })?;
    // Without it the tables seem to be missing.
    match may.as_deref() {
        None => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(failure::may_not()),
    }
}

fn marks(tx: &Tx<'_>) -> Result<(i64, [u8; 32])> {
    fn read(row: &mut Cells) -> Option<(i64, [u8; 32])> {
        Some((row.get()?, row.get()?))
    }
    let mut found = None;
    let statement = "SELECT format, key_check FROM journal WHERE id = 1";
    tx.each(statement, Vec::new(), &mut |mut row| {
        found = read(&mut row);
        Ok(())
    })?;
    found.ok_or_else(unreadable)
}

/// Makes the tables, all or none. Another process may do so just now: then its journal counts.
fn make(session: &mut Session, address: &Address, key: &[u8; 32]) -> Result<()> {
    let schema = &address.schema;
    let made = session.transact(true, &mut |tx| {
        tx.batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
        tx.batch(SCHEMA)?;
        tx.execute(
            "INSERT INTO journal (id, format, created_at, key_check, events, head, epoch, until)
             VALUES (1, ?1, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT), ?2, 0,
               ?3, 0, clock_timestamp())",
            vec![FORMAT.into(), files::key_check(key).into(), [0; 32].into()],
        )?;
        Ok(())
    });
    match made {
        Ok(Ended::Committed(()) | Ended::Unknown((), _)) => Ok(()),
        Err(error) => match session.read(|tx| is_there(tx, schema)) {
            Ok(true) => Ok(()),
            _ => Err(error),
        },
    }
}

fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::Journal,
        format!("the journal on PostgreSQL: {why}"),
    )
}
