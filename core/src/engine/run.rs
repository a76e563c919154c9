//! The runs of one project in one journal: opening, starting, looking at them. What moves them is
//! in `drive.rs`.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Notify};

use super::book::{Book, RunBook};
use super::due::{self, Due};
use super::plan::{self, PlanOptions};
use super::project::{Project, project_row};
use super::seal::Unscrubbed;
use super::step::Answered;
use super::{Estimate, collect, forecast, recover, report, schedule};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::IdSource;
use crate::journal::{BatchState, Change, RunRow};
use crate::model::Millis;
use crate::model::action::{Kind, Terms};
use crate::model::event::{Event, EventKind, WaitReason};
use crate::model::report::{ReportData, SubjectOutcome};
use crate::model::run::RunState;
use crate::pace::learnt::Learnt;

/// All runs of one project in one journal.
pub(crate) struct Engine {
    pub project: Project,
    book: Mutex<Book>,
    pub(super) driver: Arc<AsyncMutex<()>>,
    pub(super) changed: Notify,
    /// Answers of the vendor that could not be written yet. They hold task ids.
    pub(super) unrecorded: Mutex<Vec<Answered>>,
    pub(super) unscrubbed: Unscrubbed,
    /// The claim on the journal that the book was read under; none while another process carries
    /// the journal's runs.
    pub(super) term: Mutex<Option<u64>>,
    /// Whether somebody chose where runs are kept.
    chosen: bool,
    pid: u32,
}

impl Engine {
    /// Opens the journal for this project: recovers what a dead process left, unless another
    /// process is at work.
    pub fn open(project: Project, chosen: bool) -> Result<Arc<Self>> {
        let row = project_row(project.vendor.as_ref(), project.journal.as_ref());
        if let Some(other) = project
            .journal
            .runs()?
            .iter()
            .find(|run| run.project != row.fingerprint)
        {
            return Err(Error::new(
                ErrorKind::Config,
                "the journal belongs to another project, region or API version; use a journal for each",
            )
            .with("run", &other.id));
        }
        let engine = Arc::new(Self {
            project,
            book: Mutex::default(),
            driver: Arc::new(AsyncMutex::new(())),
            changed: Notify::new(),
            unrecorded: Mutex::new(Vec::new()),
            term: Mutex::new(None),
            unscrubbed: Unscrubbed::default(),
            chosen,
            pid: std::process::id(),
        });
        match engine.take_over() {
            Err(error) if error.kind() == ErrorKind::Journal && error.is_retryable() => {
                let learnt = engine.project.journal.learnt(&row.fingerprint)?;
                let mut book = engine.book();
                book.learnt = Learnt::read(learnt.as_deref());
                recover::recover(&engine.project, &mut book, false)?;
                schedule::resume(&engine.project, &mut book);
                engine.project.pacer.start_late();
            }
            result => result?,
        }
        if let Err(error) = engine.seal_due() {
            // Tried again with every tick, and when the client is closed.
            tracing::warn!(target: "dsrkit", kind = error.kind().as_str(), "sealing failed");
        }
        Ok(engine)
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to work in a forked child: the runtime's threads and the journal's lock stayed in
    /// the parent.
    pub fn check(&self) -> Result<()> {
        if std::process::id() == self.pid {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Fork,
            "this client was made before fork(); create a client in the child process",
        ))
    }

    /// Freezes a plan. Blocks while the ids are read.
    pub fn freeze(&self, source: IdSource, terms: Terms, options: &PlanOptions) -> Result<RunRow> {
        self.check_writer()?;
        if !self.chosen {
            return Err(Error::new(
                ErrorKind::Config,
                "a run needs a journal: give the client a file, or choose memory knowingly (then a run is lost with the process)",
            ));
        }
        plan::freeze(&self.project, source, terms, options)
    }

    /// Starts a frozen plan. A deletion needs its confirmation. Starting twice is starting once.
    pub fn start(&self, id: &str, confirm: Option<&str>, count_is_enough: bool) -> Result<()> {
        self.check_writer()?;
        let mut book = self.book();
        self.load(&mut book, id)?;
        let run = book.run(id)?;
        let mut row = run.row.clone();
        if row.terms.kind == Kind::Deletion {
            plan::check_confirmation(&row, confirm, count_is_enough)?;
        }
        if row.cancel_at.is_some() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "this plan was cancelled; make a new one",
            )
            .with_hint("A cancelled plan stays cancelled."));
        }
        if row.approved_at.is_some() {
            return Ok(());
        }
        let now = self.project.now();
        row.approved_at = Some(now);
        row.approved_digest = Some(row.plan_digest);
        row.state = RunState::Running;
        let hold_for = row.hold_for_ms;
        let mut changes = vec![Change::Run(row)];
        for batch in &run.batches {
            let mut batch = batch.clone();
            batch.state = BatchState::Ready;
            batch.not_before = now;
            changes.push(Change::Batch(batch));
        }
        let text = match hold_for {
            0 => "started".to_owned(),
            hold => format!("started; nothing is sent for {} s (hold_for)", hold / 1000),
        };
        changes.push(run.event(now, EventKind::Started, None, None, text));
        book.commit(self.project.journal.as_ref(), id, changes)?;
        book.run_mut(id)?.hold(&self.project);
        drop(book);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Reads a run into memory unless it is there. A reader beside another process always reads
    /// anew.
    pub(super) fn load(&self, book: &mut Book, id: &str) -> Result<()> {
        if self.owns() && book.runs.contains_key(id) {
            return Ok(());
        }
        let run = RunBook::load(&self.project, id)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "this journal has no run of that id")
                .with_hint("Check the run's id and the journal's name; the client lists its runs.")
        })?;
        book.runs.insert(id.to_owned(), run);
        Ok(())
    }

    /// Events of a run as the journal has them, without moving anything.
    pub fn history(&self, id: &str, after: u64, limit: u32) -> Result<Vec<Event>> {
        self.with_run(id, |_, _| Ok(()))?;
        self.project.journal.events(id, after, limit as usize)
    }

    /// Looks at a run.
    pub fn with_run<T>(
        &self,
        id: &str,
        look: impl FnOnce(&RunBook, RunState) -> Result<T>,
    ) -> Result<T> {
        self.check()?;
        let mut book = self.book();
        self.load(&mut book, id)?;
        let due = due::next(
            &book,
            &self.project.settings,
            self.project.times(),
            Some(id),
        );
        let run = book.run(id)?;
        look(run, run.state(matches!(due, Due::Now(_))))
    }

    /// When something of a run is due next.
    pub fn next_due(&self, id: &str) -> Result<Option<(Millis, WaitReason)>> {
        self.check()?;
        let mut book = self.book();
        self.load(&mut book, id)?;
        let now = self.project.now();
        Ok(
            match due::next(
                &book,
                &self.project.settings,
                self.project.times(),
                Some(id),
            ) {
                Due::Now(_) => Some((now, WaitReason::Rate)),
                Due::Later { at, reason } => Some((at, reason)),
                Due::Nothing => None,
            },
        )
    }

    /// What carrying a plan out will take.
    pub fn forecast(&self, row: &RunRow) -> Estimate {
        forecast::estimate(&self.project, &self.book(), row)
    }

    /// The account of a run.
    pub fn report(&self, id: &str) -> Result<ReportData> {
        let now = self.project.now();
        self.with_run(id, |run, state| Ok(report::report(run, state, now)))
    }

    /// The outcomes of one batch's ids; `None` past the last batch.
    pub fn outcomes(&self, id: &str, batch: u32) -> Result<Option<Vec<SubjectOutcome>>> {
        let journal = Arc::clone(&self.project.journal);
        self.with_run(id, |run, _| {
            if batch as usize >= run.batches.len() {
                return Ok(None);
            }
            report::outcomes_of(journal.as_ref(), run, batch).map(Some)
        })
    }

    /// All runs of the journal.
    pub fn runs(&self) -> Result<Vec<RunRow>> {
        self.check()?;
        self.project.journal.runs()
    }

    /// Downloads what is missing, unpacks, splits, writes packages.
    pub async fn collect(
        self: &Arc<Self>,
        id: &str,
        into: &Path,
        options: &collect::CollectOptions,
    ) -> Result<ReportData> {
        self.own().await?;
        let plan = self.with_run(id, collect::prepare)?;
        let outcome = collect::collect(&self.project, plan, into, options).await?;
        let mut book = self.book();
        if outcome.written {
            collect::record(&self.project, &mut book, id, into, &outcome.tasks)?;
        }
        let state = book.run(id)?.state(false);
        let mut report = report::report(book.run(id)?, state, self.project.now());
        report.problems.extend(outcome.problems);
        report.missing_texts = outcome.missing_texts;
        Ok(report)
    }

    /// Writes the end of a run, once. Gives whether it did so now.
    pub(super) fn finish(&self, id: &str) -> Result<bool> {
        if !self.owns() {
            return Ok(false);
        }
        let mut book = self.book();
        let run = book.run(id)?;
        let state = run.state(false);
        if !state.is_settled() || run.row.state == state {
            return Ok(false);
        }
        let mut row = run.row.clone();
        row.state = state;
        let counts: Vec<String> = report::counts(run)
            .into_iter()
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let text = format!("{state}: {}", counts.join(", "));
        let event = run.event(self.project.now(), EventKind::Finished, None, None, text);
        book.commit(
            self.project.journal.as_ref(),
            id,
            vec![Change::Run(row), event],
        )?;
        Ok(true)
    }
}
