//! One step: choosing it, doing it, and writing down what came of it.

use std::sync::{Arc, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::due::{self, Action, Due};
use super::run::Engine;
use super::{cancel, fetch, schedule, submit, warn, watch};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{BatchState, Rescued};
use crate::model::Millis;
use crate::model::wire::{Answer, Failure, FailureClass, Operation};

/// How long an answer is tried to be written down before the caller is told.
const RECORD_FOR: Millis = 60_000;

/// The vendor's answer to a create.
pub(crate) struct Answered {
    run: String,
    batch: u32,
    operation: Operation,
    result: Result<Answer, Failure>,
}

impl Answered {
    /// The tasks it names: not secret, and not to be lost.
    fn tasks(&self) -> Vec<String> {
        match &self.result {
            Ok(Answer::Created(tasks)) => tasks.clone(),
            Err(Failure {
                class: FailureClass::Conflict(conflict),
                ..
            }) => conflict.tasks.clone(),
            _ => Vec::new(),
        }
    }

    /// The tasks that it made: what a rescue is for. (A conflict is found again by asking again.)
    fn made(&self) -> Vec<String> {
        match &self.result {
            Ok(Answer::Created(tasks)) => tasks.clone(),
            _ => Vec::new(),
        }
    }

    /// The error of a refusal that pauses everything.
    fn credentials(self) -> Result<()> {
        match self.result {
            Err(Failure {
                error,
                class: FailureClass::Credentials,
            }) => Err(error),
            _ => Ok(()),
        }
    }
}

/// A download under way; says so in the book for as long as it lives.
struct Fetching {
    engine: Arc<Engine>,
    key: (String, String),
    // A simulated clock stands still from the decision to download until its outcome is recorded.
    _busy: Box<dyn Send + Sync>,
}

impl Fetching {
    fn begin(engine: Arc<Engine>, run: String, task: String) -> Self {
        let key = (run, task);
        engine.book().fetching.insert(key.clone());
        let busy = engine.project.clock.busy();
        Self {
            engine,
            key,
            _busy: busy,
        }
    }

    async fn fetch(self, order: fetch::Order) {
        let (run, task) = &self.key;
        let project = &self.engine.project;
        let result = fetch::fetch(project, &order).await;
        let settled = fetch::settle(project, &mut self.engine.book(), run, task, result);
        if let Err(error) = settled {
            // Not written down: it is fetched again. Whoever waits for the run is told.
            let _ = self.engine.set_aside(run, &error);
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.engine.book().fetching.remove(&self.key);
        self.engine.changed.notify_waiters();
    }
}

impl Engine {
    /// What is due. Called with the driver's lock held, so a batch that is SENDING here has no
    /// call under way: its answer could not be recorded.
    pub(super) fn look(&self) -> Result<Due> {
        loop {
            let answered = self.unrecorded().pop();
            let Some(answered) = answered else { break };
            if let Err(error) = self.try_record(&answered) {
                self.unrecorded().push(answered);
                return Err(error);
            }
        }
        let mut book = self.book();
        let stuck: Vec<(String, u32)> = book
            .runs
            .values()
            .flat_map(|run| {
                run.batches
                    .iter()
                    .filter(|batch| batch.state == BatchState::Sending)
                    .map(|batch| (run.row.id.clone(), batch.no))
            })
            .collect();
        for (id, no) in stuck {
            let changes = submit::orphaned(&self.project, book.run(&id)?, no)?;
            book.commit(self.project.journal.as_ref(), &id, changes)?;
        }
        Ok(due::next(
            &book,
            &self.project.settings,
            self.project.times(),
            None,
        ))
    }

    /// Does one thing in a task of its own, which ends even if nobody waits for it any more. A
    /// download does not hold up the rest.
    pub(super) async fn perform(
        self: &Arc<Self>,
        action: Action,
        driver: OwnedMutexGuard<()>,
    ) -> Result<()> {
        let engine = Arc::clone(self);
        if let Action::Fetch { run, task } = action {
            let order = fetch::order(&self.book(), &run, &task)?;
            let fetching = Fetching::begin(engine, run, task);
            tokio::spawn(async move { fetching.fetch(order).await });
            return Ok(());
        }
        let task = tokio::spawn(async move {
            let result = engine.act(&action).await;
            drop(driver);
            engine.changed.notify_waiters();
            result
        });
        match task.await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                ErrorKind::Internal,
                "a step of the engine failed",
            )),
        }
    }

    async fn act(&self, action: &Action) -> Result<()> {
        match action {
            Action::Submit { run, batch } => {
                let quiet = schedule::quiet(&self.book(), run)?;
                let slot = self.project.pacer.slot_after(quiet).await;
                let intent = submit::intend(&self.project, &mut self.book(), run, *batch)?;
                let Some(operation) = intent else {
                    return Ok(());
                };
                let result = self.project.call_in(slot, &operation).await;
                let (run, batch) = (run.clone(), *batch);
                self.record(Answered {
                    run,
                    batch,
                    operation,
                    result,
                })
                .await
            }
            Action::Poll { run, task } => {
                let kind = self.book().run(run)?.row.terms.kind;
                let operation = watch::ask(kind, task);
                let result = self.project.call(&operation).await;
                watch::settle(&self.project, &mut self.book(), run, task, result)
            }
            Action::Cancel { run, task } => {
                let operation = cancel::ask(&self.book(), run, task)?;
                let result = self.project.call(&operation).await;
                cancel::settle(&self.project, &mut self.book(), run, task, result)
            }
            Action::Warn { run } => warn::warn(&self.project, &mut self.book(), run),
            // Begun in `perform`, where nobody waits for it.
            Action::Fetch { .. } => Ok(()),
        }
    }

    /// Writes an answer down, and keeps trying for a minute: it may hold the only trace of a task.
    async fn record(&self, answered: Answered) -> Result<()> {
        let clock = &self.project.clock;
        let until = clock.monotonic().saturating_add(RECORD_FOR);
        let mut rescued = false;
        loop {
            let error = match self.try_record(&answered) {
                Err(error) if error.kind() == ErrorKind::Journal => error,
                Err(error) => return Err(error),
                Ok(()) => {
                    if rescued {
                        self.project.journal.clear_rescued()?;
                    }
                    return answered.credentials();
                }
            };
            if !rescued && !answered.made().is_empty() {
                // The process may die before there is room again.
                rescued = self.rescue(&answered).is_ok();
            }
            if !self.owns() {
                let safe = rescued || answered.made().is_empty();
                match self.take_over() {
                    // What is not in the journal yet was taken from the rescue file.
                    Ok(()) if safe => return answered.credentials(),
                    // Whoever works with it now finds a request without an answer; the journal has
                    // its task as an orphan, or gets it from the rescue file.
                    Err(error) if safe => {
                        self.unrecorded().push(answered);
                        return Err(error);
                    }
                    _ => {}
                }
            }
            let now = clock.monotonic();
            if now >= until {
                let tasks = answered.tasks();
                self.unrecorded().push(answered);
                return Err(error.with_tasks(tasks).with_hint(
                    "The vendor's answer is in memory only: make room, and wait for the run again in this process; task_ids names the tasks.",
                ));
            }
            clock.sleep_until(now + 1000).await;
        }
    }

    fn rescue(&self, answered: &Answered) -> Result<()> {
        let attempt = self
            .book()
            .run(&answered.run)?
            .batch(answered.batch)?
            .attempts;
        self.project.journal.rescue(&Rescued {
            run: answered.run.clone(),
            batch: answered.batch,
            attempt,
            tasks: answered.made(),
        })
    }

    /// Moves answers that could not be written to where recovery finds them.
    pub(super) fn rescue_unrecorded(&self) -> Result<()> {
        loop {
            let Some(answered) = self.unrecorded().pop() else {
                return Ok(());
            };
            if answered.made().is_empty() {
                continue; // it is found again by asking again
            }
            if let Err(error) = self.rescue(&answered) {
                self.unrecorded().push(answered);
                return Err(error);
            }
        }
    }

    fn try_record(&self, answered: &Answered) -> Result<()> {
        submit::settle(
            &self.project,
            &mut self.book(),
            &answered.run,
            answered.batch,
            &answered.operation,
            &answered.result,
        )
    }

    fn unrecorded(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.unrecorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The run that a step belongs to.
pub(super) fn action_run(action: &Action) -> &str {
    match action {
        Action::Cancel { run, .. }
        | Action::Submit { run, .. }
        | Action::Fetch { run, .. }
        | Action::Poll { run, .. }
        | Action::Warn { run } => run,
    }
}
