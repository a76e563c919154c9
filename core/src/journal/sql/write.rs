//! Rows in. The rules were asked before; the schema's own checks stand behind them.

use super::cells::{Cell, number};
use super::{Sql, tables};
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
pub(in crate::journal) fn project(db: &impl Sql, row: &ProjectRow) -> Result<()> {
    db.execute(
        "INSERT INTO project (fingerprint, vendor, base_url) VALUES (?1, ?2, ?3)
         ON CONFLICT (fingerprint) DO NOTHING",
        vec![
            row.fingerprint.into(),
            text(&row.vendor),
            text(&row.base_url),
        ],
    )?;
    Ok(())
}

/// Remembers how ids are encrypted; `false` when it is too late for that.
pub(in crate::journal) fn cipher(db: &impl Sql, cipher: &str) -> Result<bool> {
    let set = "UPDATE journal SET cipher = ?1
         WHERE cipher IS NULL AND NOT EXISTS (SELECT 1 FROM run)";
    Ok(db.execute(set, vec![text(cipher)])? == 1)
}

/// A batch of a plan that is coming in; `insert` is the statement.
pub(in crate::journal) fn new_batch(db: &impl Sql, insert: &str, batch: NewBatch) -> Result<()> {
    let mut values = batch_values(&batch.row);
    values.push(batch.ids_json.into());
    execute(db, insert, values)
}

/// The run of a plan that came in.
pub(in crate::journal) fn new_run(db: &impl Sql, row: &RunRow) -> Result<()> {
    execute(db, &tables::RUN.insert(&[]), run_values(row)?)
}

/// One change; gives the event if it was one.
pub(in crate::journal) fn change(
    db: &impl Sql,
    chain: &mut Chain,
    change: &Change,
) -> Result<Option<Event>> {
    match change {
        Change::Run(row) => execute(db, &tables::RUN.update(), run_values(row)?)?,
        Change::Batch(row) => {
            execute(db, &tables::BATCH.update(), batch_values(row))?;
            if row.state == BatchState::Split {
                // Its children have them; an id stands in one place only.
                let empty = "UPDATE batch SET ids = '[]' WHERE run = ?1 AND no = ?2";
                execute(db, empty, vec![text(&row.run), row.no.into()])?;
            }
        }
        Change::Child(row, ids) => {
            let mut values = batch_values(row);
            values.push(text(&ids.0));
            execute(db, &tables::BATCH.insert(&["ids"]), values)?;
        }
        Change::Attempt(row) => execute(db, &tables::ATTEMPT.put(), attempt_values(row))?,
        Change::Job(row) => execute(db, &tables::JOB.put(), job_values(row))?,
        Change::Artifact(row) => execute(db, &tables::ARTIFACT.put(), artifact_values(row))?,
        Change::Orphan(row) => execute(db, &tables::ORPHAN.put(), orphan_values(row))?,
        Change::Delivery(row) => execute(db, &tables::DELIVERY.put(), delivery_values(row))?,
        Change::Seal(row) => {
            let seal =
                "UPDATE batch SET sealed_at = ?3, ids = '[]', macs = ?4 WHERE run = ?1 AND no = ?2";
            let macs = Cell::Blob(row.macs.clone());
            let values = vec![text(&row.run), row.batch.into(), row.at.into(), macs];
            execute(db, seal, values)?;
        }
        Change::Purge { run, at } => purge(db, run, *at)?,
        Change::Event(row) => return event(db, chain, row).map(Some),
        Change::Learnt(row) => {
            let learnt = "UPDATE project SET learnt = ?2 WHERE fingerprint = ?1";
            execute(db, learnt, vec![blob(row.project), text(&row.text)])?;
        }
    }
    Ok(None)
}

/// Removes every trace of a run's people.
fn purge(db: &impl Sql, run: &str, at: Millis) -> Result<()> {
    let empty = "UPDATE batch SET sealed_at = coalesce(sealed_at, ?2), ids = '[]', macs = NULL
         WHERE run = ?1 AND state <> 'SPLIT'";
    db.execute(empty, vec![text(run), at.into()])?;
    let values = vec![text(run), at.into()];
    execute(db, "UPDATE run SET purged_at = ?2 WHERE id = ?1", values)
}

/// Appends an event.
pub(in crate::journal) fn event(db: &impl Sql, chain: &mut Chain, new: &NewEvent) -> Result<Event> {
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
    execute(db, &tables::EVENT.insert(&[]), values)?;
    Ok(event)
}

/// Where the events end now.
pub(in crate::journal) fn chain(db: &impl Sql, chain: &Chain) -> Result<()> {
    execute(
        db,
        "UPDATE journal SET events = ?1, head = ?2",
        vec![number(chain.seq), blob(chain.head)],
    )
}

/// Writes exactly one row.
fn execute(db: &impl Sql, statement: &str, values: Vec<Cell>) -> Result<()> {
    match db.execute(statement, values)? {
        1 => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Internal,
            "a row that should be in the journal is not",
        )),
    }
}

fn run_values(row: &RunRow) -> Result<Vec<Cell>> {
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
        row.approved_digest.map_or(Cell::Null, blob),
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

fn batch_values(row: &BatchRow) -> Vec<Cell> {
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

fn attempt_values(row: &AttemptRow) -> Vec<Cell> {
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

fn job_values(row: &JobRow) -> Vec<Cell> {
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

fn orphan_values(row: &OrphanRow) -> Vec<Cell> {
    vec![
        text(&row.run),
        text(&row.task),
        row.batch.into(),
        row.at.into(),
        text(&row.why),
    ]
}

fn delivery_values(row: &DeliveryRow) -> Vec<Cell> {
    vec![
        text(&row.run),
        text(&row.task),
        text(&row.folder),
        row.at.into(),
    ]
}

fn artifact_values(row: &ArtifactRow) -> Vec<Cell> {
    vec![
        text(&row.run),
        text(&row.task),
        text(&row.path),
        number(row.bytes),
        blob(row.sha256),
        row.at.into(),
    ]
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn maybe(text: Option<impl AsRef<str>>) -> Cell {
    text.map_or(Cell::Null, |text| Cell::Text(text.as_ref().to_owned()))
}

fn blob(bytes: [u8; 32]) -> Cell {
    Cell::Blob(bytes.to_vec())
}
