//! Pausing: the vendor refuses the credentials, so nothing moves, and nothing fails.

use super::book::Book;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Change;
use crate::model::event::EventKind;

/// The vendor refuses the credentials: every run of the project pauses, nothing fails.
pub(super) fn pause(project: &Project, book: &mut Book, error: &Error) -> Result<()> {
    let now = project.now();
    let ids: Vec<String> = book.runs.keys().cloned().collect();
    for id in ids {
        let run = book.run(&id)?;
        if run.row.approved_at.is_none() || run.row.paused.is_some() || run.settled() {
            continue;
        }
        let mut row = run.row.clone();
        row.paused = Some(pause_text(error));
        let text = format!("paused: {}", error.message());
        let event = run.event(now, EventKind::Paused, None, None, text);
        book.commit(project.journal.as_ref(), &id, vec![Change::Run(row), event])?;
    }
    Ok(())
}

pub(super) fn pause_text(error: &Error) -> String {
    format!("{}: {}", error.kind(), error.message())
}

/// The error that a pause was made of.
pub(super) fn unpaused_error(reason: &str) -> Error {
    let (kind, message) = reason.split_once(": ").unwrap_or(("", reason));
    let kind = ErrorKind::ALL
        .iter()
        .find(|known| known.as_str() == kind)
        .copied()
        .unwrap_or(ErrorKind::Unauthenticated);
    Error::new(kind, message)
}
