//! Rows out.

use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::failure::sql;
use super::tables;
use crate::error::{ErrorKind, Result};
use crate::journal::chain::{Chain, Hash};
use crate::journal::rows::{
    ArtifactRow, AttemptRow, AttemptState, BatchRow, BatchState, CancelState, DeliveryRow,
    JobOrigin, JobRow, OrphanRow, RunRow,
};
use crate::journal::rules::Stored;
use crate::model::Millis;
use crate::model::action::{Compliance, Disclosure, Kind, Terms};
use crate::model::event::{Event, EventKind};
use crate::model::job::JobStatus;
use crate::model::run::RunState;

type Read<T> = rusqlite::Result<T>;

/// The columns of a row, one after the other, in the order of [`tables`].
struct Fields<'a, 's> {
    row: &'a Row<'s>,
    at: usize,
}

impl Fields<'_, '_> {
    fn get<T: FromSql>(&mut self) -> Read<T> {
        let value = self.row.get(self.at)?;
        self.at += 1;
        Ok(value)
    }

    /// A word of a fixed list.
    fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Read<T> {
        let word: String = self.get()?;
        parse(&word).ok_or_else(unreadable)
    }

    fn maybe_word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Read<Option<T>> {
        let word: Option<String> = self.get()?;
        word.map(|word| parse(&word).ok_or_else(unreadable))
            .transpose()
    }

    fn number(&mut self) -> Read<u64> {
        self.get().map(i64::cast_unsigned)
    }
}

/// A row of one column.
fn only<T: FromSql>(fields: &mut Fields<'_, '_>) -> Read<T> {
    fields.get()
}

fn unreadable() -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "not a word of the list".into())
}

fn all<T>(
    conn: &Connection,
    statement: &str,
    params: impl Params,
    read: fn(&mut Fields<'_, '_>) -> Read<T>,
) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(statement).map_err(sql)?;
    let rows = statement
        .query_map(params, |row| read(&mut Fields { row, at: 0 }))
        .map_err(sql)?;
    rows.collect::<Read<Vec<T>>>().map_err(sql)
}

fn one<T>(
    conn: &Connection,
    statement: &str,
    params: impl Params,
    read: fn(&mut Fields<'_, '_>) -> Read<T>,
) -> Result<Option<T>> {
    let mut statement = conn.prepare_cached(statement).map_err(sql)?;
    statement
        .query_row(params, |row| read(&mut Fields { row, at: 0 }))
        .optional()
        .map_err(sql)
}

pub(super) fn runs(conn: &Connection) -> Result<Vec<RunRow>> {
    all(conn, &tables::RUN.select("ORDER BY seq"), [], run_row)
}

pub(super) fn run(conn: &Connection, id: &str) -> Result<Option<RunRow>> {
    one(conn, &tables::RUN.select("WHERE id = ?1"), [id], run_row)
}

pub(super) fn has_run(conn: &Connection, id: &str) -> Result<bool> {
    let found = one(conn, "SELECT 1 FROM run WHERE id = ?1", [id], only::<i64>)?;
    Ok(found.is_some())
}

pub(super) fn has_project(conn: &Connection, fingerprint: &[u8; 32]) -> Result<bool> {
    let statement = "SELECT 1 FROM project WHERE fingerprint = ?1";
    let found = one(conn, statement, [fingerprint], only::<i64>)?;
    Ok(found.is_some())
}

pub(super) fn learnt(conn: &Connection, fingerprint: &[u8; 32]) -> Result<Option<String>> {
    let statement = "SELECT learnt FROM project WHERE fingerprint = ?1";
    let found = one(conn, statement, [fingerprint], only::<Option<String>>)?;
    Ok(found.flatten())
}

pub(super) fn batches(conn: &Connection, run: &str) -> Result<Vec<BatchRow>> {
    let statement = tables::BATCH.select("WHERE run = ?1 ORDER BY no");
    all(conn, &statement, [run], batch_row)
}

/// When a batch was sealed, and its ids.
pub(super) fn batch_ids(
    conn: &Connection,
    run: &str,
    no: u32,
) -> Result<Option<(Option<Millis>, String)>> {
    let statement = "SELECT sealed_at, ids FROM batch WHERE run = ?1 AND no = ?2";
    one(conn, statement, params![run, no], |fields| {
        Ok((fields.get()?, fields.get()?))
    })
}

pub(super) fn batch_macs(conn: &Connection, run: &str, no: u32) -> Result<Option<Vec<u8>>> {
    let statement = "SELECT ifnull(macs, x'') FROM batch WHERE run = ?1 AND no = ?2";
    one(conn, statement, params![run, no], only)
}

pub(super) fn runs_with_ids(conn: &Connection) -> Result<Vec<String>> {
    let statement = "SELECT id FROM run WHERE id IN (
        SELECT run FROM batch WHERE sealed_at IS NULL AND state <> 'SPLIT') ORDER BY seq";
    all(conn, statement, [], only)
}

pub(super) fn cipher(conn: &Connection) -> Result<Option<String>> {
    one(conn, "SELECT cipher FROM journal", [], only).map(Option::flatten)
}

pub(super) fn attempts(conn: &Connection, run: &str) -> Result<Vec<AttemptRow>> {
    let statement = tables::ATTEMPT.select("WHERE run = ?1 ORDER BY batch, n");
    all(conn, &statement, [run], attempt_row)
}

pub(super) fn jobs(conn: &Connection, run: &str) -> Result<Vec<JobRow>> {
    let statement = tables::JOB.select("WHERE run = ?1 ORDER BY seq");
    all(conn, &statement, [run], job_row)
}

pub(super) fn orphans(conn: &Connection, run: &str) -> Result<Vec<OrphanRow>> {
    let statement = tables::ORPHAN.select("WHERE run = ?1 ORDER BY seq");
    all(conn, &statement, [run], orphan_row)
}

pub(super) fn artifacts(conn: &Connection, run: &str) -> Result<Vec<ArtifactRow>> {
    let statement = tables::ARTIFACT.select("WHERE run = ?1 ORDER BY seq");
    all(conn, &statement, [run], artifact_row)
}

pub(super) fn deliveries(conn: &Connection, run: &str) -> Result<Vec<DeliveryRow>> {
    let statement = tables::DELIVERY.select("WHERE run = ?1 ORDER BY seq");
    all(conn, &statement, [run], delivery_row)
}

pub(super) fn events(conn: &Connection, run: &str, after: u64, limit: usize) -> Result<Vec<Event>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let statement = tables::EVENT.select("WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    all(conn, &statement, params![run, after, limit], event_row)
}

/// Where the events end, as the journal says.
pub(super) fn chain(conn: &Connection) -> Result<Chain> {
    let found = one(conn, "SELECT events, head FROM journal", [], |fields| {
        Ok(Chain {
            seq: fields.number()?,
            head: fields.get()?,
        })
    })?;
    found.ok_or_else(|| sql(rusqlite::Error::QueryReturnedNoRows))
}

pub(super) fn verify_events(conn: &Connection) -> Result<u64> {
    let statement = tables::EVENT.select("ORDER BY seq");
    let mut statement = conn.prepare_cached(&statement).map_err(sql)?;
    let mut rows = statement.query([]).map_err(sql)?;
    let mut found = Chain::default();
    while let Some(row) = rows.next().map_err(sql)? {
        let mut fields = Fields { row, at: 0 };
        let event = event_row(&mut fields).map_err(sql)?;
        let hash: Hash = fields.get().map_err(sql)?;
        found.follow(&event, &hash)?;
    }
    found.ends_at(&chain(conn)?)
}

/// The rows inside a transaction, for the rules.
pub(super) struct Rows<'a>(pub &'a Connection);

impl Stored for Rows<'_> {
    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        run(self.0, id)
    }

    fn has_run(&self, id: &str) -> Result<bool> {
        has_run(self.0, id)
    }

    fn has_project(&self, fingerprint: &[u8; 32]) -> Result<bool> {
        has_project(self.0, fingerprint)
    }

    fn batch(&self, run: &str, no: u32) -> Result<Option<BatchRow>> {
        let statement = tables::BATCH.select("WHERE run = ?1 AND no = ?2");
        one(self.0, &statement, params![run, no], batch_row)
    }

    fn attempt(&self, run: &str, batch: u32, n: u32) -> Result<Option<AttemptState>> {
        let statement = "SELECT state FROM attempt WHERE run = ?1 AND batch = ?2 AND n = ?3";
        one(self.0, statement, params![run, batch, n], |fields| {
            fields.word(AttemptState::parse)
        })
    }

    fn job(&self, run: &str, task: &str) -> Result<Option<(JobStatus, CancelState)>> {
        let statement = "SELECT status, cancel FROM job WHERE run = ?1 AND task = ?2";
        one(self.0, statement, params![run, task], |fields| {
            let status = fields.word(|word| Some(JobStatus::parse(word)))?;
            Ok((status, fields.word(CancelState::parse)?))
        })
    }

    fn batch_states(&self, run: &str) -> Result<Vec<BatchState>> {
        let statement = "SELECT state FROM batch WHERE run = ?1";
        all(self.0, statement, [run], |fields| {
            fields.word(BatchState::parse)
        })
    }
}

fn run_row(fields: &mut Fields<'_, '_>) -> Read<RunRow> {
    Ok(RunRow {
        id: fields.get()?,
        project: fields.get()?,
        terms: Terms {
            kind: fields.word(kind)?,
            compliance: fields.word(|word| Compliance::parse(word).ok())?,
            disclosure: fields.maybe_word(|word| Disclosure::parse(word).ok())?,
        },
        reference: fields.get()?,
        state: fields.word(RunState::parse)?,
        subjects: fields.number()?,
        duplicates: fields.number()?,
        refused: fields.word(|json| serde_json::from_str(json).ok())?,
        batches: fields.get()?,
        plan_digest: fields.get()?,
        approved_digest: fields.get()?,
        approved_at: fields.get()?,
        created_at: fields.get()?,
        received_at: fields.get()?,
        deadline_at: fields.get()?,
        hold_for_ms: fields.get()?,
        warned: fields.get()?,
        cancel_at: fields.get()?,
        paused: fields.get()?,
        archives: fields.get()?,
        packages: fields.get()?,
        purged_at: fields.get()?,
    })
}

fn batch_row(fields: &mut Fields<'_, '_>) -> Read<BatchRow> {
    Ok(BatchRow {
        run: fields.get()?,
        no: fields.get()?,
        parent: fields.get()?,
        n: fields.get()?,
        digest: fields.get()?,
        state: fields.word(BatchState::parse)?,
        attempts: fields.get()?,
        ambiguous: fields.get()?,
        failures: fields.get()?,
        not_before: fields.get()?,
        first_sent_at: fields.get()?,
        task: fields.get()?,
        problem: fields.maybe_word(error_kind)?.zip(fields.get()?),
        sealed_at: fields.get()?,
    })
}

fn attempt_row(fields: &mut Fields<'_, '_>) -> Read<AttemptRow> {
    Ok(AttemptRow {
        run: fields.get()?,
        batch: fields.get()?,
        n: fields.get()?,
        state: fields.word(AttemptState::parse)?,
        sending_at: fields.get()?,
        done_at: fields.get()?,
        http: fields.get()?,
        seen: fields.get()?,
        task: fields.get()?,
    })
}

fn job_row(fields: &mut Fields<'_, '_>) -> Read<JobRow> {
    Ok(JobRow {
        run: fields.get()?,
        task: fields.get()?,
        batch: fields.get()?,
        origin: fields.word(JobOrigin::parse)?,
        status: fields.word(|word| Some(JobStatus::parse(word)))?,
        created_at: fields.get()?,
        polls: fields.number()?,
        missing_since: fields.get()?,
        failures: fields.get()?,
        fetch_failures: fields.get()?,
        last_poll_at: fields.get()?,
        next_poll_at: fields.get()?,
        ended_at: fields.get()?,
        cancel: fields.word(CancelState::parse)?,
        dropped: fields.get()?,
    })
}

fn orphan_row(fields: &mut Fields<'_, '_>) -> Read<OrphanRow> {
    Ok(OrphanRow {
        run: fields.get()?,
        task: fields.get()?,
        batch: fields.get()?,
        at: fields.get()?,
        why: fields.get()?,
    })
}

fn artifact_row(fields: &mut Fields<'_, '_>) -> Read<ArtifactRow> {
    Ok(ArtifactRow {
        run: fields.get()?,
        task: fields.get()?,
        path: fields.get()?,
        bytes: fields.number()?,
        sha256: fields.get()?,
        at: fields.get()?,
    })
}

fn delivery_row(fields: &mut Fields<'_, '_>) -> Read<DeliveryRow> {
    Ok(DeliveryRow {
        run: fields.get()?,
        task: fields.get()?,
        folder: fields.get()?,
        at: fields.get()?,
    })
}

fn event_row(fields: &mut Fields<'_, '_>) -> Read<Event> {
    Ok(Event {
        seq: fields.number()?,
        at_ms: fields.get()?,
        run_id: fields.get()?,
        kind: fields.word(EventKind::parse)?,
        batch: fields.get()?,
        task_id: fields.get()?,
        text: fields.get()?,
        next_due_ms: None,
    })
}

fn kind(word: &str) -> Option<Kind> {
    [Kind::Retrieval, Kind::Deletion]
        .into_iter()
        .find(|kind| kind.as_str() == word)
}

fn error_kind(word: &str) -> Option<ErrorKind> {
    ErrorKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.as_str() == word)
}
