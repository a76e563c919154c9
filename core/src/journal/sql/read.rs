//! Rows out.

use super::cells::{Cell, Cells, readable};
use super::{Sql, tables};
use crate::error::{ErrorKind, Result};
use crate::journal::chain::{Chain, Hash};
use crate::journal::rows::{
    ArtifactRow, AttemptRow, AttemptState, BatchRow, BatchState, CancelState, DeliveryRow,
    JobOrigin, JobRow, OrphanRow, RunRow,
};
use crate::model::action::{Compliance, Disclosure, Kind, Terms};
use crate::model::event::{Event, EventKind};
use crate::model::job::JobStatus;
use crate::model::run::RunState;

type Read<T> = fn(&mut Cells) -> Option<T>;

fn all<T>(db: &impl Sql, statement: &str, params: Vec<Cell>, read: Read<T>) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    db.each(statement, params, &mut |mut cells| {
        rows.push(readable(read(&mut cells))?);
        Ok(())
    })?;
    Ok(rows)
}

fn one<T>(db: &impl Sql, statement: &str, params: Vec<Cell>, read: Read<T>) -> Result<Option<T>> {
    Ok(all(db, statement, params, read)?.into_iter().next())
}

pub(in crate::journal) fn runs(db: &impl Sql) -> Result<Vec<RunRow>> {
    all(db, &tables::RUN.select("ORDER BY seq"), Vec::new(), run_row)
}

pub(in crate::journal) fn run(db: &impl Sql, id: &str) -> Result<Option<RunRow>> {
    one(
        db,
        &tables::RUN.select("WHERE id = ?1"),
        vec![id.into()],
        run_row,
    )
}

pub(in crate::journal) fn has_run(db: &impl Sql, id: &str) -> Result<bool> {
    let statement = "SELECT id FROM run WHERE id = ?1";
    let found = one(db, statement, vec![id.into()], Cells::get::<String>)?;
    Ok(found.is_some())
}

pub(in crate::journal) fn has_project(db: &impl Sql, fingerprint: &[u8; 32]) -> Result<bool> {
    let statement = "SELECT fingerprint FROM project WHERE fingerprint = ?1";
    let found = one(
        db,
        statement,
        vec![(*fingerprint).into()],
        Cells::get::<Hash>,
    )?;
    Ok(found.is_some())
}

pub(in crate::journal) fn batches(db: &impl Sql, run: &str) -> Result<Vec<BatchRow>> {
    let statement = tables::BATCH.select("WHERE run = ?1 ORDER BY no");
    all(db, &statement, vec![run.into()], batch_row)
}

pub(in crate::journal) fn batch(db: &impl Sql, run: &str, no: u32) -> Result<Option<BatchRow>> {
    let statement = tables::BATCH.select("WHERE run = ?1 AND no = ?2");
    one(db, &statement, vec![run.into(), no.into()], batch_row)
}

/// When a batch was sealed, and its ids.
pub(in crate::journal) fn batch_ids(
    db: &impl Sql,
    run: &str,
    no: u32,
) -> Result<Option<(Option<i64>, String)>> {
    let statement = "SELECT sealed_at, ids FROM batch WHERE run = ?1 AND no = ?2";
    one(db, statement, vec![run.into(), no.into()], |fields| {
        Some((fields.get()?, fields.get()?))
    })
}

pub(in crate::journal) fn batch_macs(db: &impl Sql, run: &str, no: u32) -> Result<Option<Vec<u8>>> {
    let statement = "SELECT macs FROM batch WHERE run = ?1 AND no = ?2";
    one(db, statement, vec![run.into(), no.into()], |fields| {
        Some(fields.get::<Option<Vec<u8>>>()?.unwrap_or_default())
    })
}

pub(in crate::journal) fn runs_with_ids(db: &impl Sql) -> Result<Vec<String>> {
    let statement = "SELECT id FROM run WHERE id IN (
        SELECT run FROM batch WHERE sealed_at IS NULL AND state <> 'SPLIT') ORDER BY seq";
    all(db, statement, Vec::new(), Cells::get)
}

pub(in crate::journal) fn cipher(db: &impl Sql) -> Result<Option<String>> {
    let statement = "SELECT cipher FROM journal";
    one(db, statement, Vec::new(), Cells::get).map(Option::flatten)
}

/// Every batch's state, for the rules.
pub(in crate::journal) fn batch_states(db: &impl Sql, run: &str) -> Result<Vec<BatchState>> {
    let statement = "SELECT state FROM batch WHERE run = ?1";
    all(db, statement, vec![run.into()], |fields| {
        fields.word(BatchState::parse)
    })
}

pub(in crate::journal) fn learnt(db: &impl Sql, fingerprint: &[u8; 32]) -> Result<Option<String>> {
    let statement = "SELECT learnt FROM project WHERE fingerprint = ?1";
    let found = one(db, statement, vec![(*fingerprint).into()], Cells::get)?;
    Ok(found.flatten())
}

pub(in crate::journal) fn deliveries(db: &impl Sql, run: &str) -> Result<Vec<DeliveryRow>> {
    let statement = tables::DELIVERY.select("WHERE run = ?1 ORDER BY seq");
    all(db, &statement, vec![run.into()], delivery_row)
}

pub(in crate::journal) fn attempts(db: &impl Sql, run: &str) -> Result<Vec<AttemptRow>> {
    let statement = tables::ATTEMPT.select("WHERE run = ?1 ORDER BY batch, n");
    all(db, &statement, vec![run.into()], attempt_row)
}

pub(in crate::journal) fn attempt(
    db: &impl Sql,
    run: &str,
    batch: u32,
    n: u32,
) -> Result<Option<AttemptState>> {
    let statement = "SELECT state FROM attempt WHERE run = ?1 AND batch = ?2 AND n = ?3";
    let params = vec![run.into(), batch.into(), n.into()];
    one(db, statement, params, |fields| {
        fields.word(AttemptState::parse)
    })
}

pub(in crate::journal) fn jobs(db: &impl Sql, run: &str) -> Result<Vec<JobRow>> {
    let statement = tables::JOB.select("WHERE run = ?1 ORDER BY seq");
    all(db, &statement, vec![run.into()], job_row)
}

pub(in crate::journal) fn job(
    db: &impl Sql,
    run: &str,
    task: &str,
) -> Result<Option<(JobStatus, CancelState)>> {
    let statement = "SELECT status, cancel FROM job WHERE run = ?1 AND task = ?2";
    one(db, statement, vec![run.into(), task.into()], |fields| {
        let status = fields.word(|word| Some(JobStatus::parse(word)))?;
        Some((status, fields.word(CancelState::parse)?))
    })
}

pub(in crate::journal) fn orphans(db: &impl Sql, run: &str) -> Result<Vec<OrphanRow>> {
    let statement = tables::ORPHAN.select("WHERE run = ?1 ORDER BY seq");
    all(db, &statement, vec![run.into()], orphan_row)
}

pub(in crate::journal) fn artifacts(db: &impl Sql, run: &str) -> Result<Vec<ArtifactRow>> {
    let statement = tables::ARTIFACT.select("WHERE run = ?1 ORDER BY seq");
    all(db, &statement, vec![run.into()], artifact_row)
}

pub(in crate::journal) fn events(
    db: &impl Sql,
    run: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<Event>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let statement = tables::EVENT.select("WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    all(
        db,
        &statement,
        vec![run.into(), after.into(), limit.into()],
        event_row,
    )
}

/// Where the events end, as the journal says.
pub(in crate::journal) fn chain(db: &impl Sql) -> Result<Chain> {
    let found = one(
        db,
        "SELECT events, head FROM journal",
        Vec::new(),
        |fields| {
            Some(Chain {
                seq: fields.number()?,
                head: fields.get()?,
            })
        },
    )?;
    readable(found)
}

/// Inside one transaction: a runner may append between the events and their end.
pub(in crate::journal) fn verify_events(db: &impl Sql) -> Result<u64> {
    let mut found = Chain::default();
    db.each(
        &tables::EVENT.select("ORDER BY seq"),
        Vec::new(),
        &mut |mut fields| {
            let event = readable(event_row(&mut fields))?;
            let hash: Hash = readable(fields.get())?;
            found.follow(&event, &hash)
        },
    )?;
    found.ends_at(&chain(db)?)
}

fn run_row(fields: &mut Cells) -> Option<RunRow> {
    Some(RunRow {
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

fn batch_row(fields: &mut Cells) -> Option<BatchRow> {
    Some(BatchRow {
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

fn attempt_row(fields: &mut Cells) -> Option<AttemptRow> {
    Some(AttemptRow {
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

fn job_row(fields: &mut Cells) -> Option<JobRow> {
    Some(JobRow {
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

fn orphan_row(fields: &mut Cells) -> Option<OrphanRow> {
    Some(OrphanRow {
        run: fields.get()?,
        task: fields.get()?,
        batch: fields.get()?,
        at: fields.get()?,
        why: fields.get()?,
    })
}

fn artifact_row(fields: &mut Cells) -> Option<ArtifactRow> {
    Some(ArtifactRow {
        run: fields.get()?,
        task: fields.get()?,
        path: fields.get()?,
        bytes: fields.number()?,
        sha256: fields.get()?,
        at: fields.get()?,
    })
}

fn delivery_row(fields: &mut Cells) -> Option<DeliveryRow> {
    Some(DeliveryRow {
        run: fields.get()?,
        task: fields.get()?,
        folder: fields.get()?,
        at: fields.get()?,
    })
}

fn event_row(fields: &mut Cells) -> Option<Event> {
    Some(Event {
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
