//! What one answer to a create changes: attempt, batch, job and event, gathered so that they are
//! committed together.

use super::book::RunBook;
use super::cancel;
use super::due;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{
    AttemptRow, AttemptState, BatchRow, BatchState, CancelState, Change, JobOrigin, JobRow,
};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::job::JobStatus;
use crate::pace::backoff;
use crate::settings::{AmbiguityPolicy, Settings, ms};

/// How long to wait before the identical deletion is sent to find out about a lost answer: soon at
/// first, then over hours, so that an outage does not use up the tries.
const RESOLVE_AFTER: [Millis; 5] = [5_000, 60_000, 600_000, 3_600_000, 6 * 3_600_000];
/// How often an ambiguous batch is sent again before a person must decide.
const AMBIGUOUS_MAX: u32 = 5;
/// How long after a lost answer a deletion may be sent again.
const AMBIGUOUS_WINDOW: Millis = 24 * 3_600_000;

/// How long after another run's request was to be resolved its people are looked for again.
const AFTER_ANOTHER: Millis = 5_000;

/// How long after its creation a job is looked at first, where nothing is known.
const FIRST_LOOK: Millis = 10_000;

/// Whether it is too late to find out about a lost answer by sending the request again: an id may
/// have been registered anew meanwhile, and that person must not be erased.
pub(super) fn too_old(kind: Kind, lost_at: Millis, now: Millis) -> bool {
    kind == Kind::Deletion && now - lost_at > AMBIGUOUS_WINDOW
}

/// The changes that one answer brings, under way.
pub(super) struct Next<'a> {
    pub(super) book: &'a RunBook,
    pub(super) batch: BatchRow,
    pub(super) attempt: AttemptRow,
    pub(super) now: Millis,
    /// How long after its creation a job is looked at first.
    pub(super) first_look: Millis,
    pub(super) changes: Vec<Change>,
}

impl<'a> Next<'a> {
    pub(super) fn new(book: &'a RunBook, no: u32, now: Millis) -> Result<Self> {
        let batch = book.batch(no)?.clone();
        let attempt = book
            .attempts
            .iter()
            .rev()
            .find(|attempt| attempt.batch == no && attempt.n == batch.attempts)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "an answer without its attempt"))?;
        Ok(Self {
            book,
            batch,
            attempt,
            now,
            first_look: FIRST_LOOK,
            changes: Vec::new(),
        })
    }

    /// A batch that is not sent now: there is no answer, and no attempt is touched.
    pub(super) fn unsent(book: &'a RunBook, no: u32, now: Millis) -> Result<Self> {
        let batch = book.batch(no)?.clone();
        Ok(Self {
            book,
            attempt: AttemptRow {
                run: batch.run.clone(),
                batch: no,
                n: 0,
                state: AttemptState::NotCreated,
                sending_at: now,
                done_at: None,
                http: None,
                seen: None,
                task: None,
            },
            batch,
            now,
            first_look: FIRST_LOOK,
            changes: Vec::new(),
        })
    }

    pub(super) fn finish(&mut self, state: AttemptState, error: Option<&Error>) {
        self.attempt.state = state;
        self.attempt.done_at = Some(self.now);
        if let Some(error) = error {
            self.attempt.http = error.http_status();
            self.attempt.seen = Some(error.message().to_owned());
            self.batch.problem = Some((error.kind(), error.message().to_owned()));
        }
        self.changes.push(Change::Attempt(self.attempt.clone()));
        self.changes.push(Change::Batch(self.batch.clone()));
    }

    pub(super) fn event(&mut self, kind: EventKind, task: Option<&str>, text: String) {
        let event = self
            .book
            .event(self.now, kind, Some(self.batch.no), task, text);
        self.changes.push(event);
    }

    pub(super) fn carried_by(&mut self, project: &Project, task: &str, origin: JobOrigin) {
        self.batch.state = BatchState::Submitted;
        self.batch.task = Some(task.to_owned());
        self.batch.failures = 0;
        self.batch.problem = None;
        self.attempt.task = Some(task.to_owned());
        self.follow(project, task, origin);
    }

    pub(super) fn follow(&mut self, project: &Project, task: &str, origin: JobOrigin) {
        if let Some(known) = self.book.jobs.iter().find(|job| job.task == task) {
            if known.dropped {
                // Sent again by a person, and the vendor names the task that was dropped for that.
                let at = self.now + self.first_look;
                let again = self.book.again(task, self.batch.no, at);
                self.changes.extend(again.map(Change::Job));
            }
            return;
        }
        self.changes.push(Change::Job(JobRow {
            run: self.batch.run.clone(),
            task: task.to_owned(),
            batch: self.batch.no,
            origin,
            status: JobStatus::Pending,
            created_at: self.now,
            polls: 0,
            missing_since: None,
            failures: 0,
            fetch_failures: 0,
            last_poll_at: None,
            next_poll_at: self.now + self.first_look,
            ended_at: None,
            cancel: match self.book.row.cancel_at {
                // Asked while the request was under way.
                Some(_) => cancel::wish(project, self.book, origin, false),
                None => CancelState::None,
            },
            dropped: false,
        }));
    }

    pub(super) fn accepted(&mut self, project: &Project, tasks: &[String]) {
        let Some((first, more)) = tasks.split_first() else {
            return;
        };
        self.carried_by(project, first, JobOrigin::Created);
        for task in more {
            self.follow(project, task, JobOrigin::Created);
        }
        self.batch.ambiguous = 0;
        self.finish(AttemptState::Accepted, None);
        let text = format!("batch of {} accepted", self.batch.n);
        self.event(EventKind::Submitted, Some(first), text);
        if !more.is_empty() {
            let text = format!(
                "the vendor answered with {} tasks for one request",
                tasks.len()
            );
            self.event(EventKind::Anomaly, Some(first), text);
        }
    }

    /// Certainly not created by this attempt. An earlier one that is still ambiguous stays so.
    pub(super) fn not_created(&mut self, error: &Error, not_before: Millis) {
        let unresolved = self.batch.ambiguous > 0;
        self.batch.state = if unresolved {
            BatchState::Ambiguous
        } else {
            BatchState::Ready
        };
        self.batch.failures += 1;
        self.batch.not_before = not_before;
        self.finish(AttemptState::NotCreated, Some(error));
        let seconds = (not_before - self.now + 999) / 1000;
        let text = format!("{}; next try in {seconds} s", error.message());
        self.event(EventKind::Backoff, None, text);
        self.cancelled_meanwhile(unresolved);
    }

    /// Refused because the project has no room: nothing is wrong with this batch, and the gate says
    /// when another is tried. One event for as long as it lasts.
    pub(super) fn no_room(&mut self, error: &Error, first: bool) {
        let unresolved = self.batch.ambiguous > 0;
        self.batch.state = if unresolved {
            BatchState::Ambiguous
        } else {
            BatchState::Ready
        };
        self.batch.not_before = self.now;
        self.finish(AttemptState::NotCreated, Some(error));
        if first {
            let text = "the vendor takes no more retrievals for now (429, scan budget); tried again until it does";
            self.event(EventKind::Backoff, None, text.to_owned());
        }
        self.cancelled_meanwhile(unresolved);
    }

    fn cancelled_meanwhile(&mut self, unresolved: bool) {
        if self.book.row.cancel_at.is_some() {
            // Asked while the call was under way: nothing will be sent any more. What an earlier
            // attempt did is not known.
            self.batch.state = if unresolved || self.book.may_have_been_sent(self.batch.no) {
                BatchState::Held
            } else {
                BatchState::Cancelled
            };
            self.changes.push(Change::Batch(self.batch.clone()));
        }
    }

    /// Another run's request about some of the same people has no answer yet.
    pub(super) fn waits_for_another(&mut self, settings: &Settings, until: Millis) {
        // When the clock was set back, whoever is waited for is due now: let them go first.
        let far = until - self.now > due::longest(settings, self.book);
        let until = if far { self.now } else { until.max(self.now) };
        self.batch.not_before = until.saturating_add(AFTER_ANOTHER);
        self.changes.push(Change::Batch(self.batch.clone()));
        let text = "some of these people are in a request of another run whose answer is lost";
        self.event(EventKind::Backoff, None, text.to_owned());
    }

    /// Redirects in a row that this batch has met before this one.
    pub(super) fn redirects(&self) -> usize {
        self.book
            .attempts
            .iter()
            .rev()
            .filter(|attempt| attempt.batch == self.batch.no && attempt.n < self.batch.attempts)
            .take_while(|attempt| {
                attempt
                    .http
                    .is_some_and(|status| (300..400).contains(&status))
            })
            .count()
    }

    pub(super) fn held(&mut self, attempt: AttemptState, error: &Error) {
        self.batch.state = BatchState::Held;
        self.finish(attempt, Some(error));
        let text = format!("batch of {} held: {}", self.batch.n, error.message());
        self.event(EventKind::Held, None, text);
    }

    pub(super) fn rejected(&mut self, error: &Error) {
        if self.batch.ambiguous > 0 || self.book.may_have_been_sent(self.batch.no) {
            // An earlier attempt may have been carried out: a refusal now does not undo it.
            return self.held(AttemptState::Rejected, error);
        }
        self.batch.state = BatchState::Rejected;
        self.finish(AttemptState::Rejected, Some(error));
        let text = format!("batch of {} rejected: {}", self.batch.n, error.message());
        self.event(EventKind::Rejected, None, text);
    }

    pub(super) fn ambiguous(&mut self, project: &Project, state: AttemptState, error: &Error) {
        self.batch.ambiguous += 1;
        self.batch.failures += 1;
        let Some(wait) = self.ambiguity_wait(project) else {
            return self.held(state, error);
        };
        self.batch.state = BatchState::Ambiguous;
        self.batch.not_before = self.now + wait;
        self.finish(state, Some(error));
        let text = format!("{}; it may have been carried out", error.message());
        self.event(EventKind::Ambiguous, None, text);
    }

    /// How long until an ambiguous batch is sent again; `None` if a person must decide.
    fn ambiguity_wait(&self, project: &Project) -> Option<Millis> {
        let settings = &project.settings;
        let first = self
            .book
            .unsure_since(self.batch.no)
            .unwrap_or(self.attempt.sending_at);
        let kind = self.book.row.terms.kind;
        let spent = self.batch.ambiguous > AMBIGUOUS_MAX || too_old(kind, first, self.now);
        if spent || self.book.row.cancel_at.is_some() {
            return None;
        }
        let guarded = project.vendor.capabilities().conflict_guard;
        let step = || backoff::wait(settings, &project.dice, self.batch.failures, None);
        match (settings.on_ambiguous, self.book.row.terms.kind) {
            (AmbiguityPolicy::Hold, _) => None,
            (AmbiguityPolicy::Resolve, Kind::Deletion) if guarded => {
                let tries = self.batch.ambiguous.saturating_sub(1) as usize;
                RESOLVE_AFTER.get(tries).copied()
            }
            // Every retrieval costs scans and makes a copy of personal data: once more, no oftener.
            (AmbiguityPolicy::Resolve, Kind::Retrieval) => {
                (self.batch.ambiguous == 1).then(|| ms(settings.ambiguous_retry_after))
            }
            (AmbiguityPolicy::Resolve | AmbiguityPolicy::Resubmit, _) => Some(step()),
        }
    }
}
