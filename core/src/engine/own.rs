//! Who works with the journal. A file has one process for as long as it lives; a journal on a
//! server may pass from one to the other, and come back.

use std::sync::PoisonError;

use super::book::Book;
use super::project::project_row;
use super::recover;
use super::run::Engine;
use super::schedule;
use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::pace::learnt::Learnt;

impl Engine {
    /// Whether this process certainly may write, and what it remembers is what the journal says.
    pub(super) fn owns(&self) -> bool {
        let held = *self.term.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_some() && held == self.project.journal.term()
    }

    /// Refuses to work while another process does. Takes over when it has gone.
    pub(super) fn check_writer(&self) -> Result<()> {
        self.check()?;
        if self.owns() {
            return Ok(());
        }
        let Ok(_driver) = self.driver.try_lock() else {
            return Err(Error::new(
                ErrorKind::Journal,
                "a call is under way whose answer is still to be written; try again",
            )
            .retry(RetryAdvice::After(None)));
        };
        self.take_over()
    }

    /// The same, once no call is under way.
    pub(super) async fn own(&self) -> Result<()> {
        self.check()?;
        if self.owns() {
            return Ok(());
        }
        let _driver = self.driver.lock().await;
        self.take_over()
    }

    /// Begins to work, or goes on: as after a crash if somebody else may have worked meanwhile. No
    /// call of this process may be under way.
    pub(super) fn take_over(&self) -> Result<()> {
        let project = &self.project;
        let term = project.journal.claim()?;
        if *self.term.lock().unwrap_or_else(PoisonError::into_inner) == Some(term) {
            return Ok(());
        }
        project.journal.may_send(project.settings.request_timeout)?;
        let row = project_row(project.vendor.as_ref(), project.journal.as_ref());
        project.journal.put_project(&row)?;
        let learnt = project.journal.learnt(&row.fingerprint)?;
        // Answers of an earlier term go the way that those of a dead process go.
        self.rescue_unrecorded()?;
        let mut book = self.book();
        let mut fresh = Book {
            fetching: book.fetching.clone(),
            learnt: Learnt::read(learnt.as_deref()),
            ..Book::default()
        };
        recover::recover(project, &mut fresh, true)?;
        schedule::resume(project, &mut fresh);
        if !project.journal.runs()?.is_empty() {
            // The process before this one may have called a moment ago.
            project.pacer.start_late();
        }
        *book = fresh;
        *self.term.lock().unwrap_or_else(PoisonError::into_inner) = Some(term);
        Ok(())
    }
}
