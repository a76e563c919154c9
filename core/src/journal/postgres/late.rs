//! What a process still has to say whose term is over: the tasks that the vendor made for it. They
//! are kept as orphans, without the lease; everything else of its write is refused.

use super::session::Tx;
use crate::error::Result;
use crate::journal::rows::{Change, JobOrigin, JobRow, NewEvent, OrphanRow};
use crate::journal::sql::{Sql as _, read, write};
use crate::model::event::EventKind;

const WHY: &str = "the answer came after another process had taken over";

/// Keeps the tasks of a refused write that the journal does not know.
pub(super) fn keep(tx: &Tx<'_>, changes: &[Change]) -> Result<()> {
    let made = changes.iter().filter_map(|change| match change {
        Change::Job(row) if row.origin != JobOrigin::Elsewhere => Some(orphan(row)),
        Change::Orphan(row) => Some(row.clone()),
        _ => None,
    });
    let mut late: Vec<OrphanRow> = Vec::new();
    for row in made {
        let known = !read::has_run(tx, &row.run)? || read::job(tx, &row.run, &row.task)?.is_some();
        if !known {
            late.push(row);
        }
    }
    if late.is_empty() {
        return Ok(());
    }
    // The events are a chain: whoever appends holds its end.
    tx.execute(
        "SELECT epoch FROM journal WHERE id = 1 FOR UPDATE",
        Vec::new(),
    )?;
    let mut chain = read::chain(tx)?;
    for row in late {
        let there = read::orphans(tx, &row.run)?;
        if there.iter().any(|old| old.task == row.task) {
            continue;
        }
        let event = NewEvent {
            at: row.at,
            run: row.run.clone(),
            kind: EventKind::Orphan,
            batch: Some(row.batch),
            task: Some(row.task.clone()),
            text: row.why.clone(),
        };
        write::change(tx, &mut chain, &Change::Orphan(row))?;
        write::event(tx, &mut chain, &event)?;
    }
    write::chain(tx, &chain)
}

fn orphan(row: &JobRow) -> OrphanRow {
    OrphanRow {
        run: row.run.clone(),
        task: row.task.clone(),
        batch: row.batch,
        at: row.created_at,
        why: WHY.to_owned(),
    }
}
