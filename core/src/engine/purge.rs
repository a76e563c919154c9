//! Purging: what was delivered goes, and what the journal still knows of the people. The account
//! stays: how many, when, by which tasks.

use std::path::Path;

use super::book::RunBook;
use super::cancel;
use super::project::Project;
use super::run::Engine;
use super::seal::{delivered_at, ended_at};
use crate::archive;
use crate::error::Result;
use crate::journal::{BatchState, Change};
use crate::model::Millis;
use crate::model::event::EventKind;
use crate::model::run::RunState;
use crate::package;

impl Engine {
    /// Purges every run that ended longer ago than this, and every plan that was made longer ago
    /// and never started. Gives their ids.
    pub(crate) fn purge(&self, older_than: Millis) -> Result<Vec<String>> {
        self.check_writer()?;
        let mut purged = Vec::new();
        for row in self.project.journal.runs()? {
            if row.purged_at.is_some() {
                continue;
            }
            let done = self.briefly(&row.id, |project, book| {
                let current = book.run(&row.id)?;
                if !over(current, project.now(), older_than) {
                    return Ok(false);
                }
                // The files first: a purge that is cut short is found and done again.
                let files = remove_files(current)?;
                if current.row.approved_at.is_none() && current.row.cancel_at.is_none() {
                    cancel::request(project, book, &row.id)?;
                }
                let changes = removal(project, book.run(&row.id)?, files);
                book.commit(project.journal.as_ref(), &row.id, changes)?;
                Ok(true)
            })?;
            if done {
                self.unscrubbed.mark();
                purged.push(row.id);
            }
        }
        self.unscrubbed.scrub(self.project.journal.as_ref())?;
        Ok(purged)
    }
}

/// Whether a run's time is over. One that waits for a person is never purged.
fn over(run: &RunBook, now: Millis, older_than: Millis) -> bool {
    let ended = match run.state(false) {
        RunState::Finished | RunState::Cancelled => {
            let batches = run.batches.iter().map(|batch| ended_at(run, batch));
            batches.chain(delivered_at(run)).max()
        }
        RunState::Planned => Some(run.row.created_at),
        _ => None,
    };
    let open = run
        .batches
        .iter()
        .any(|batch| batch.state == BatchState::Held);
    !open && ended.is_some_and(|at| now.saturating_sub(at) >= older_than)
}

/// Removes archives and packages; gives how many files went.
fn remove_files(run: &RunBook) -> Result<u64> {
    let mut files = 0;
    for artifact in &run.artifacts {
        files += archive::remove(Path::new(&artifact.path))?;
    }
    let mut folders: Vec<&str> = run
        .deliveries
        .iter()
        .map(|row| row.folder.as_str())
        .collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        let there = run.deliveries.iter().filter(|row| row.folder == folder);
        let tasks: Vec<&str> = there.map(|row| row.task.as_str()).collect();
        files += package::remove(Path::new(folder), &run.row.id, &tasks)?;
    }
    Ok(files)
}

fn removal(project: &Project, run: &RunBook, files: u64) -> Vec<Change> {
    let at = project.now();
    let text = format!(
        "what was kept of {} people was removed, with {files} files",
        run.row.subjects
    );
    vec![
        Change::Purge {
            run: run.row.id.clone(),
            at,
        },
        run.event(at, EventKind::Purged, None, None, text),
    ]
}
