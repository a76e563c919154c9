//! Putting a journal in order that another process left behind.

use super::book::{Book, RunBook};
use super::project::Project;
use super::submit;
use crate::error::Result;
use crate::journal::BatchState;
use crate::model::event::EventKind;
use crate::model::run::RunState;

/// Loads every run that is not at its end, takes in answers from the rescue file, and turns
/// requests without an answer into ambiguous ones.
pub(crate) fn recover(project: &Project, book: &mut Book, write: bool) -> Result<()> {
    let rescued = project.journal.rescued()?;
    for row in project.journal.runs()? {
        let late = rescued.iter().any(|found| found.run == row.id);
        let over = matches!(row.state, RunState::Finished | RunState::Planned);
        if (over && !late) || row.approved_at.is_none() {
            continue;
        }
        let Some(run) = RunBook::load(project, &row.id)? else {
            continue;
        };
        let open = !run.settled();
        book.runs.insert(row.id.clone(), run);
        if !write {
            continue;
        }
        if open {
            warn_of_a_copy(project, book, &row.id)?;
        }
        for found in rescued.iter().filter(|found| found.run == row.id) {
            let changes = submit::rescued(project, book.run(&row.id)?, found)?;
            book.commit(project.journal.as_ref(), &row.id, changes)?;
        }
        if open {
            adopt_orphans(project, book, &row.id)?;
        }
    }
    if write && !rescued.is_empty() {
        project.journal.clear_rescued()?;
    }
    Ok(())
}

/// Two copies of a journal that are both carried on send everything twice. No copy can know of the
/// other, so the person is told before anything is sent.
fn warn_of_a_copy(project: &Project, book: &mut Book, id: &str) -> Result<()> {
    let Some(doubt) = project.journal.doubt() else {
        return Ok(());
    };
    let text = format!(
        "this journal may be a copy ({doubt}): carry on only one of them, or requests are sent twice"
    );
    let event = book
        .run(id)?
        .event(project.now(), EventKind::Anomaly, None, None, text);
    book.commit(project.journal.as_ref(), id, vec![event])
}

/// One transaction for a run: every SENDING becomes AMBIGUOUS (or is held, by policy).
fn adopt_orphans(project: &Project, book: &mut Book, id: &str) -> Result<()> {
    let run = book.run(id)?;
    let mut changes = Vec::new();
    for batch in run
        .batches
        .iter()
        .filter(|batch| batch.state == BatchState::Sending)
    {
        changes.extend(submit::orphaned(project, run, batch.no)?);
    }
    let text = match changes.len() {
        0 => "carried on in a new process",
        _ => "carried on in a new process; requests without an answer are ambiguous",
    };
    changes.push(run.event(project.now(), EventKind::Resumed, None, None, text));
    book.commit(project.journal.as_ref(), id, changes)
}
