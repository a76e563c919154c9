//! Rows in. The rules were asked before; the schema's own checks stand behind them.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::failure::sql;
use super::tables;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::NewBatch;
use crate::journal::chain::Chain;
use crate::journal::rows::{
    ArtifactRow, AttemptRow, BatchRow, BatchState, Change, DeliveryRow, JobRow, NewEvent,
    OrphanRow, ProjectRow, RunRow,
};
use crate::model::Millis;
use crate::model::action::Disclosure;
use crate::model::event::Event;

/// Remembers a project.
pub(super) fn project(conn: &Connection, row: &ProjectRow) -> Result<()> {
    conn.execute(
        "INSERT INTO project (fingerprint, vendor, base_url) VALUES (?1, ?2, ?3)
         ON CONFLICT (fingerprint) DO NOTHING",
        params![row.fingerprint, row.vendor, row.base_url],
    )
    .map_err(sql)?;
    Ok(())
}

/// A batch of a plan that is coming in; `insert` is the statement.
pub(super) fn new_batch(conn: &Connection, insert: &str, batch: NewBatch) -> Result<()> {
    let mut values = batch_values(&batch.row);
    values.push(batch.ids_json.into());
    execute(conn, insert, values)
}

/// The run of a plan that came in.
pub(super) fn new_run(conn: &Connection, row: &RunRow) -> Result<()> {
    execute(conn, &tables::RUN.insert(&[]), run_values(row)?)
}

/// One change; gives the event if it was one.
pub(super) fn change(
    conn: &Connection,
    chain: &mut Chain,
    change: &Change,
) -> Result<Option<Event>> {
    match change {
        Change::Run(row) => execute(conn, &tables::RUN.update(), run_values(row)?)?,
        Change::Batch(row) => {
            execute(conn, &tables::BATCH.update(), batch_values(row))?;
            if row.state == BatchState::Split {
                // Its children have them; an id stands in one place only.
                let empty = "UPDATE batch SET ids = '[]' WHERE run = ?1 AND no = ?2";
                execute(conn, empty, vec![text(&row.run), row.no.into()])?;
            }
        }
        Change::Child(row, ids) => {
            let mut values = batch_values(row);
            values.push(text(&ids.0));
            execute(conn, &tables::BATCH.insert(&["ids"]), values)?;
        }
        Change::Attempt(row) => execute(conn, &tables::ATTEMPT.put(), attempt_values(row))?,
        Change::Job(row) => execute(conn, &tables::JOB.put(), job_values(row))?,
        Change::Artifact(row) => execute(conn, &tables::ARTIFACT.put(), artifact_values(row))?,
        Change::Orphan(row) => execute(conn, &tables::ORPHAN.put(), orphan_values(row))?,
        Change::Delivery(row) => execute(conn, &tables::DELIVERY.put(), delivery_values(row))?,
        Change::Seal(row) => {
            let seal =
                "UPDATE batch SET sealed_at = ?3, ids = '[]', macs = ?4 WHERE run = ?1 AND no = ?2";
            let macs = Value::Blob(row.macs.clone());
            let values = vec![text(&row.run), row.batch.into(), row.at.into(), macs];
            execute(conn, seal, values)?;
        }
        Change::Purge { run, at } => purge(conn, run, *at)?,
        Change::Event(row) => return event(conn, chain, row).map(Some),
        Change::Learnt(row) => {
            let learnt = "UPDATE project SET learnt = ?2 WHERE fingerprint = ?1";
            execute(conn, learnt, vec![blob(row.project), text(&row.text)])?;
        }
    }
    Ok(None)
}

/// Removes every trace of a run's people.
fn purge(conn: &Connection, run: &str, at: Millis) -> Result<()> {
    conn.execute(
        "UPDATE batch SET sealed_at = ifnull(sealed_at, ?2), ids = '[]', macs = NULL
         WHERE run = ?1 AND state <> 'SPLIT'",
        params![run, at],
    )
    .map_err(sql)?;
    let values = vec![text(run), at.into()];
    execute(conn, "UPDATE run SET purged_at = ?2 WHERE id = ?1", values)
}

/// Appends an event.
pub(super) fn event(conn: &Connection, chain: &mut Chain, new: &NewEvent) -> Result<Event> {
    let event = chain.append(new);
    let values = vec![
        number(event.seq),
        event.at_ms.into(),
        text(&event.run_id),
        text(event.kind.as_str()),
        event.batch.into(),
        maybe(event.task_id.as_ref()),
        text(&event.text),
        blob(chain.head),
    ];
    execute(conn, &tables::EVENT.insert(&[]), values)?;
    Ok(event)
}

/// Where the events end now.
pub(super) fn chain(conn: &Connection, chain: &Chain) -> Result<()> {
    execute(
        conn,
        "UPDATE journal SET events = ?1, head = ?2",
        vec![number(chain.seq), blob(chain.head)],
    )
}

/// Writes exactly one row.
fn execute(conn: &Connection, statement: &str, values: Vec<Value>) -> Result<()> {
    let mut statement = conn.prepare_cached(statement).map_err(sql)?;
    match statement.execute(params_from_iter(values)).map_err(sql)? {
        1 => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Internal,
            "a row that should be in the journal is not",
        )),
    }
}

fn run_values(row: &RunRow) -> Result<Vec<Value>> {
    let refused = serde_json::to_string(&row.refused)
        .map_err(|_| Error::new(ErrorKind::Internal, "refused rows cannot be written"))?;
    Ok(vec![
        text(&row.id),
        blob(row.project),
        text(row.terms.kind.as_str()),
        text(row.terms.compliance.as_str()),
        maybe(row.terms.disclosure.map(Disclosure::as_str)),
        maybe(row.reference.as_ref()),
        text(row.state.as_str()),
        number(row.subjects),
        number(row.duplicates),
        refused.into(),
        row.batches.into(),
        blob(row.plan_digest),
        row.approved_digest.map_or(Value::Null, blob),
        row.approved_at.into(),
        row.created_at.into(),
        row.received_at.into(),
        row.deadline_at.into(),
        row.hold_for_ms.into(),
        row.warned.into(),
        row.cancel_at.into(),
        maybe(row.paused.as_ref()),
        maybe(row.archives.as_ref()),
        maybe(row.packages.as_ref()),
        row.purged_at.into(),
    ])
}

fn batch_values(row: &BatchRow) -> Vec<Value> {
    let problem = row.problem.as_ref();
    vec![
        text(&row.run),
        row.no.into(),
        row.parent.into(),
        row.n.into(),
        blob(row.digest),
        text(row.state.as_str()),
        row.attempts.into(),
        row.ambiguous.into(),
        row.failures.into(),
        row.not_before.into(),
        row.first_sent_at.into(),
        maybe(row.task.as_ref()),
        maybe(problem.map(|(kind, _)| kind.as_str())),
        maybe(problem.map(|(_, line)| line)),
        row.sealed_at.into(),
    ]
}

fn attempt_values(row: &AttemptRow) -> Vec<Value> {
    vec![
        text(&row.run),
        row.batch.into(),
        row.n.into(),
        text(row.state.as_str()),
        row.sending_at.into(),
        row.done_at.into(),
        row.http.into(),
        maybe(row.seen.as_ref()),
        maybe(row.task.as_ref()),
    ]
}

fn job_values(row: &JobRow) -> Vec<Value> {
    vec![
        text(&row.run),
        text(&row.task),
        row.batch.into(),
        text(row.origin.as_str()),
        text(row.status.as_str()),
        row.created_at.into(),
        number(row.polls),
        row.missing_since.into(),
        row.failures.into(),
        row.fetch_failures.into(),
        row.last_poll_at.into(),
        row.next_poll_at.into(),
        row.ended_at.into(),
        text(row.cancel.as_str()),
        row.dropped.into(),
    ]
}

fn orphan_values(row: &OrphanRow) -> Vec<Value> {
    vec![
        text(&row.run),
        text(&row.task),
        row.batch.into(),
        row.at.into(),
        text(&row.why),
    ]
}

fn delivery_values(row: &DeliveryRow) -> Vec<Value> {
    vec![
        text(&row.run),
        text(&row.task),
        text(&row.folder),
        row.at.into(),
    ]
}

fn artifact_values(row: &ArtifactRow) -> Vec<Value> {
    vec![
        text(&row.run),
        text(&row.task),
        text(&row.path),
        number(row.bytes),
        blob(row.sha256),
        row.at.into(),
    ]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn maybe(text: Option<impl AsRef<str>>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.as_ref().to_owned()))
}

fn blob(bytes: [u8; 32]) -> Value {
    Value::Blob(bytes.to_vec())
}

/// SQLite's integers are signed: the upper half is kept as negative numbers, and read back so.
fn number(number: u64) -> Value {
    Value::Integer(number.cast_signed())
}
