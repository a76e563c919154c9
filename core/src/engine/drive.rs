//! Moving runs on.
//!
//! Nothing moves unless somebody waits for a run, reads its events or ticks: there is no thread
//! in the background that a notebook could forget. Whoever waits drives all runs of the project,
//! one call at a time. A call that was begun is finished and recorded even when the waiting is
//! given up (Ctrl-C), because it runs in a task of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cancel;
use super::due::Due;
use super::pause::{pause_text, unpaused_error};
use super::run::Engine;
use super::step::action_run;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Change;
use crate::model::Millis;
use crate::model::event::{Event, EventKind, WaitReason};
use crate::model::report::ReportData;

/// How far a reader of events has read.
#[derive(Default)]
pub(crate) struct Cursor {
    seq: u64,
    ready: VecDeque<Event>,
    waiting: Option<(Millis, WaitReason)>,
    done: bool,
}

impl Cursor {
    /// Starts after this event.
    pub fn after(seq: u64) -> Self {
        Self {
            seq,
            ..Self::default()
        }
    }
}

impl Engine {
    /// Asks for a cancel and waits until each job's answer is known.
    pub async fn cancel(self: &Arc<Self>, id: &str) -> Result<ReportData> {
        self.own().await?;
        {
            // Not while a call is between its intent and its answer.
            let _driver = self.driver.lock().await;
            let mut book = self.book();
            self.load(&mut book, id)?;
            cancel::request(&self.project, &mut book, id)?;
        }
        self.changed.notify_waiters();
        self.resume_paused(id)?;
        loop {
            let now = self.project.now();
            let asked = self.with_run(id, |run, _| {
                Ok(run.jobs.iter().any(|job| {
                    // Whatever the vendor answered, a look at the status tells what it did.
                    job.cancel.is_open()
                        || (job.cancel != crate::journal::CancelState::None
                            && !job.status.is_terminal()
                            && run.job_open(job)
                            && job.next_poll_at <= now)
                }))
            })?;
            if !asked {
                self.finish(id)?;
                return self.report(id);
            }
            self.advance(id).await?;
        }
    }

    /// The next event of a run, driving it as needed; `None` when nothing more can happen without
    /// a person. May be dropped at any time.
    pub async fn next_event(
        self: &Arc<Self>,
        id: &str,
        cursor: &mut Cursor,
    ) -> Result<Option<Event>> {
        self.resume_paused(id)?;
        loop {
            self.check()?;
            if let Some(event) = cursor.ready.pop_front() {
                cursor.seq = cursor.seq.max(event.seq);
                return Ok(Some(event));
            }
            let stored = self.project.journal.events(id, cursor.seq, 256)?;
            if !stored.is_empty() {
                cursor.ready.extend(stored);
                continue;
            }
            let (state, approved, paused) = self.with_run(id, |run, state| {
                Ok((state, run.row.approved_at.is_some(), run.row.paused.clone()))
            })?;
            if state.is_settled() {
                if cursor.done || !self.finish(id)? {
                    return Ok(None);
                }
                cursor.done = true;
                continue;
            }
            if let Some(reason) = paused {
                return Err(unpaused_error(&reason));
            }
            if !approved {
                return Err(
                    Error::new(ErrorKind::Config, "this run's plan was not started").with_hint(
                        "Start the plan of this run first, a deletion with its confirm value.",
                    ),
                );
            }
            self.own().await?;
            let before = self.next_due(id)?;
            let wait = before.filter(|(at, _)| *at > self.project.now());
            if let Some(wait) = wait.filter(|wait| cursor.waiting != Some(*wait)) {
                cursor.waiting = Some(wait);
                return Ok(Some(self.waiting_event(id, wait)));
            }
            self.advance(id).await?;
        }
    }

    /// Waits until nothing more can happen without a person.
    pub async fn wait(self: &Arc<Self>, id: &str) -> Result<ReportData> {
        let mut cursor = Cursor::after(u64::MAX >> 1);
        while self.next_event(id, &mut cursor).await?.is_some() {}
        self.report(id)
    }

    /// Waits until no call is between its intent and its answer.
    pub async fn idle(&self) {
        drop(self.driver.lock().await);
    }

    /// Does what is due now over all runs. Gives when something is due next.
    pub async fn tick(self: &Arc<Self>) -> Result<Option<Millis>> {
        self.own().await?;
        let ids: Vec<String> = self.book().runs.keys().cloned().collect();
        for id in &ids {
            self.resume_paused(id)?;
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let driver = Arc::clone(&self.driver).lock_owned().await;
            let next = self.look()?;
            if let Due::Now(action) = next {
                let run = action_run(&action).to_owned();
                if let Err(error) = self.perform(action, driver).await {
                    // The other runs go on; this one's trouble is told when it is asked for.
                    self.set_aside(&run, &error)?;
                    if matches!(
                        error.kind(),
                        ErrorKind::Journal
                            | ErrorKind::Unauthenticated
                            | ErrorKind::PermissionDenied
                    ) {
                        return Err(error);
                    }
                }
                continue;
            }
            drop(driver);
            if !self.book().fetching.is_empty() {
                changed.await;
                continue;
            }
            for id in &ids {
                self.finish(id)?;
            }
            self.seal_due()?;
            return Ok(match next {
                Due::Later { at, .. } => Some(at),
                _ => None,
            });
        }
    }

    /// Does one thing, or sleeps until one is due or something changed.
    async fn advance(self: &Arc<Self>, id: &str) -> Result<()> {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let driver = Arc::clone(&self.driver).lock_owned().await;
        match self.look()? {
            Due::Now(action) => {
                let own = action_run(&action) == id;
                match self.perform(action.clone(), driver).await {
                    // Another run's trouble is told to whoever waits for that run.
                    Err(error) if !own => self.set_aside(action_run(&action), &error),
                    result => result,
                }
            }
            Due::Later { at, .. } => {
                drop(driver);
                let clock = &self.project.clock;
                let until = clock.monotonic().saturating_add(at - clock.now());
                // In a fixed order, so that a simulation can repeat itself.
                tokio::select! { biased;
                    () = changed => {}
                    () = clock.sleep_until(until) => {}
                }
                Ok(())
            }
            Due::Nothing => {
                drop(driver);
                if !self.book().fetching.is_empty() {
                    changed.await;
                    return Ok(());
                }
                // Every open run has something due. A run that somebody else who waits just
                // brought to its end has not, nor has one that was paused meanwhile.
                let (settled, paused) =
                    self.with_run(id, |run, _| Ok((run.settled(), run.row.paused.clone())))?;
                match (settled, paused) {
                    (_, Some(reason)) => Err(unpaused_error(&reason)),
                    (true, None) => Ok(()),
                    (false, None) => Err(Error::new(
                        ErrorKind::Internal,
                        "a run is open but nothing of it is due",
                    )),
                }
            }
        }
    }

    fn waiting_event(&self, id: &str, (at, reason): (Millis, WaitReason)) -> Event {
        let now = self.project.now();
        Event {
            seq: 0,
            at_ms: now,
            run_id: id.to_owned(),
            kind: EventKind::Waiting,
            batch: None,
            task_id: None,
            text: format!("waiting: {reason}, next try {}", clock_text(at)),
            next_due_ms: Some(at),
        }
    }

    /// A person waits for a paused run again: the credentials may be in order now.
    fn resume_paused(&self, id: &str) -> Result<()> {
        if !self.owns() {
            return Ok(());
        }
        let mut book = self.book();
        self.load(&mut book, id)?;
        let run = book.run(id)?;
        if run.row.paused.is_none() {
            return Ok(());
        }
        let mut row = run.row.clone();
        row.paused = None;
        let event = run.event(
            self.project.now(),
            EventKind::Resumed,
            None,
            None,
            "tried again after a pause",
        );
        book.commit(
            self.project.journal.as_ref(),
            id,
            vec![Change::Run(row), event],
        )
    }

    pub(super) fn set_aside(&self, id: &str, error: &Error) -> Result<()> {
        let mut book = self.book();
        let run = book.run(id)?;
        if run.row.paused.is_some() {
            return Ok(());
        }
        let mut row = run.row.clone();
        row.paused = Some(pause_text(error));
        book.commit(self.project.journal.as_ref(), id, vec![Change::Run(row)])
    }
}

/// A time of day for people, in UTC.
pub(crate) fn clock_text(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(
        |_| "later".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
