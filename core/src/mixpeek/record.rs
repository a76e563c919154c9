//! Requests about an organisation in a journal: the rows of a run with one batch, whose one subject
//! is the organisation. So the same rules hold: the intent is on disk before the first byte leaves,
//! and what was under way when a process died is unknown, never unsent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use super::rows;
use crate::engine::plan::{batch_digest, run_id};
use crate::engine::project::keyed;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{
    AttemptRow, AttemptState, BatchRow, BatchState, Change, Journal, NewBatch, ProjectRow, RunRow,
};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::dsar::{DsarKind, DsarRecord, DsarRequest, DsarState};
use crate::model::event::EventKind;
use crate::model::job::JobStatus;
use crate::model::run::RunState;

const VENDOR: &str = "mixpeek";

/// The requests of one organisation.
pub(super) struct Records {
    journal: Arc<dyn Journal>,
    fingerprint: [u8; 32],
    /// Requests that a call of this client is at work on. Locked while one is planned.
    live: Arc<Mutex<BTreeSet<String>>>,
}

/// A request under way. When its call is given up, it is nobody's.
pub(super) struct Sending {
    run: RunRow,
    batch: BatchRow,
    attempt: Option<AttemptRow>,
    live: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        lock(&self.live).remove(&self.run.id);
    }
}

fn lock(live: &Mutex<BTreeSet<String>>) -> MutexGuard<'_, BTreeSet<String>> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Records {
    /// What was under way when a process died is unknown from now on.
    pub fn open(journal: Arc<dyn Journal>, base_url: &Url, now: Millis) -> Result<Self> {
        let mut url = base_url.clone();
        if crate::vendor::is_loopback(&url) {
            let _ = url.set_port(None);
        }
        let parts: [&[u8]; 3] = [b"project", VENDOR.as_bytes(), url.as_str().as_bytes()];
        let fingerprint = keyed(journal.key(), &parts);
        let runs = journal.runs()?;
        if runs.iter().any(|run| run.project != fingerprint) {
            return Err(Error::new(
                ErrorKind::Config,
                "the journal belongs to another vendor; use a journal for each",
            ));
        }
        let records = Self {
            journal,
            fingerprint,
            live: Arc::default(),
        };
        if records.journal.claim().is_ok() {
            records.journal.put_project(&ProjectRow {
                fingerprint,
                vendor: VENDOR.to_owned(),
                base_url: url.into(),
            })?;
            records.sweep(&lock(&records.live), now)?;
        }
        Ok(records)
    }

    /// Requests that are under way on record, but not in this process, have lost their answers.
    fn sweep(&self, live: &BTreeSet<String>, now: Millis) -> Result<()> {
        for run in self.journal.runs()? {
            if !live.contains(&run.id) {
                self.orphaned(run, now)?;
            }
        }
        Ok(())
    }

    fn batch(&self, run: &str) -> Result<BatchRow> {
        let found = self.journal.batches(run)?.into_iter().next();
        found.ok_or_else(|| Error::new(ErrorKind::Journal, "a request without its row"))
    }

    fn orphaned(&self, run: RunRow, now: Millis) -> Result<()> {
        let batch = self.batch(&run.id)?;
        if batch.state != BatchState::Sending {
            return Ok(());
        }
        let attempt = self.journal.attempts(&run.id)?.pop();
        let mut sending = Sending {
            run,
            batch,
            attempt,
            live: Arc::default(),
        };
        let error = Error::new(
            ErrorKind::Ambiguous,
            "given up before the answer was recorded",
        );
        self.unknown(&mut sending, &error, now)
    }

    /// Puts a request on record, before its intent. Refuses a deletion while it is not known what
    /// became of an earlier one.
    pub fn plan(&self, kind: DsarKind, now: Millis) -> Result<Sending> {
        let mut live = lock(&self.live);
        self.journal.claim()?;
        self.sweep(&live, now)?;
        let unsure = |record: &DsarRecord| {
            record.kind == DsarKind::Deletion && record.state == DsarState::Unknown
        };
        if kind == DsarKind::Deletion && self.all()?.iter().any(unsure) {
            return Err(Error::new(
                ErrorKind::Ambiguous,
                "an earlier deletion of the organisation may have been carried out; nothing was sent",
            )
            .with_hint("Ask the vendor whether it arrived, then settle the request that is on record."));
        }
        let id = run_id(now)?;
        let digest = batch_digest(self.journal.as_ref(), kind.name());
        let batch = rows::batch(&id, digest);
        let mut run = rows::run(&id, self.fingerprint, kind, now);
        let text = format!("{} of the whole organisation", kind.as_str());
        let mut rows = std::iter::once(Ok(NewBatch {
            row: batch.clone(),
            ids_json: rows::SUBJECT.to_owned(),
        }));
        let planned = rows::event(&run, now, EventKind::Planned, None, text);
        self.journal
            .import(&mut rows, &mut || Ok((run.clone(), vec![planned.clone()])))?;
        run.approved_at = Some(now);
        run.approved_digest = Some(run.plan_digest);
        run.state = RunState::Running;
        live.insert(id);
        drop(live);
        let mut sending = Sending {
            run,
            batch,
            attempt: None,
            live: Arc::clone(&self.live),
        };
        sending.batch.state = BatchState::Ready;
        self.journal.commit(&[
            Change::Run(sending.run.clone()),
            Change::Batch(sending.batch.clone()),
        ])?;
        Ok(sending)
    }

    /// Commits the intent. What fails here was not sent.
    pub fn intend(&self, sending: &mut Sending, now: Millis) -> Result<()> {
        sending.batch.state = BatchState::Sending;
        sending.batch.attempts += 1;
        sending.batch.first_sent_at.get_or_insert(now);
        let attempt = AttemptRow {
            run: sending.run.id.clone(),
            batch: 0,
            n: sending.batch.attempts,
            state: AttemptState::Sending,
            sending_at: now,
            done_at: None,
            http: None,
            seen: None,
            task: None,
        };
        self.journal.commit(&[
            Change::Batch(sending.batch.clone()),
            Change::Attempt(attempt.clone()),
        ])?;
        sending.attempt = Some(attempt);
        Ok(())
    }

    pub fn accepted(&self, sending: &Sending, answer: &DsarRequest, now: Millis) -> Result<()> {
        let (mut batch, mut run) = (sending.batch.clone(), sending.run.clone());
        let task = answer.request_id.clone();
        batch.state = BatchState::Submitted;
        batch.task = Some(task.clone());
        batch.problem = None;
        run.state = RunState::Waiting;
        let status = match JobStatus::parse(&answer.status) {
            status if status.is_observation() || status.as_str().is_empty() => JobStatus::Pending,
            status => status,
        };
        let job = rows::job(&run.id, &task, status, now);
        let text = "accepted; the vendor has no way to ask how far it is".to_owned();
        let submitted = rows::event(&run, now, EventKind::Submitted, Some(task.clone()), text);
        let mut changes = vec![Change::Batch(batch), Change::Run(run), Change::Job(job)];
        changes.extend(rows::end(
            sending.attempt.as_ref(),
            AttemptState::Accepted,
            None,
            Some(task),
            now,
        ));
        changes.push(Change::Event(submitted));
        self.journal.commit(&changes)?;
        Ok(())
    }

    /// Sent, and nobody can tell what came of it: a person must find out.
    pub fn unknown(&self, sending: &mut Sending, error: &Error, now: Millis) -> Result<()> {
        let (batch, run) = (&mut sending.batch, &mut sending.run);
        batch.state = BatchState::Held;
        batch.ambiguous += 1;
        batch.problem = Some((error.kind(), error.message().to_owned()));
        run.state = RunState::Held;
        self.ended(
            sending,
            AttemptState::Ambiguous,
            EventKind::Held,
            error,
            now,
        )
    }

    pub fn not_carried_out(
        &self,
        sending: &mut Sending,
        error: &Error,
        again: bool,
        now: Millis,
    ) -> Result<()> {
        let refused = error.http_status().is_some() && !error.is_retryable();
        let batch = &mut sending.batch;
        batch.problem = Some((error.kind(), error.message().to_owned()));
        batch.failures += 1;
        let (state, attempt, told) = if refused {
            (
                BatchState::Rejected,
                AttemptState::Rejected,
                EventKind::Rejected,
            )
        } else {
            (
                BatchState::Ready,
                AttemptState::NotCreated,
                EventKind::Backoff,
            )
        };
        batch.state = state;
        if refused {
            sending.run.state = RunState::Finished;
        }
        self.ended(sending, attempt, told, error, now)?;
        if again || refused {
            return Ok(());
        }
        sending.batch.state = BatchState::Cancelled;
        sending.run.state = RunState::Cancelled;
        self.journal.commit(&[
            Change::Batch(sending.batch.clone()),
            Change::Run(sending.run.clone()),
        ])?;
        Ok(())
    }

    fn ended(
        &self,
        sending: &Sending,
        state: AttemptState,
        told: EventKind,
        error: &Error,
        now: Millis,
    ) -> Result<()> {
        let text = error.message().to_owned();
        let mut changes = vec![
            Change::Batch(sending.batch.clone()),
            Change::Run(sending.run.clone()),
            Change::Event(rows::event(&sending.run, now, told, None, text)),
        ];
        changes.extend(rows::end(
            sending.attempt.as_ref(),
            state,
            Some(error),
            None,
            now,
        ));
        self.journal.commit(&changes)?;
        Ok(())
    }

    /// What a person found out.
    pub fn settle(&self, id: &str, carried_out: bool, now: Millis) -> Result<()> {
        let live = lock(&self.live);
        self.journal.claim()?;
        self.sweep(&live, now)?;
        let mut run = self
            .journal
            .run(id)?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "the journal has no such request"))?;
        let mut batch = self.batch(id)?;
        if batch.state != BatchState::Held {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "it is known what became of this request",
            ));
        }
        batch.ambiguous = 0;
        let text = if carried_out {
            batch.state = BatchState::Submitted;
            run.state = RunState::Waiting;
            "carried out, as a person found"
        } else {
            batch.state = BatchState::Cancelled;
            run.state = RunState::Cancelled;
            "not carried out, as a person found"
        };
        let decided = rows::event(&run, now, EventKind::Decided, None, text.to_owned());
        self.journal.commit(&[
            Change::Batch(batch),
            Change::Run(run),
            Change::Event(decided),
        ])?;
        Ok(())
    }

    /// Oldest first.
    pub fn all(&self) -> Result<Vec<DsarRecord>> {
        let mut found = Vec::new();
        for run in self.journal.runs()? {
            let batch = self.batch(&run.id)?;
            found.push(DsarRecord {
                kind: match run.terms.kind {
                    Kind::Retrieval => DsarKind::Export,
                    Kind::Deletion => DsarKind::Deletion,
                },
                state: match batch.state {
                    BatchState::Submitted => DsarState::Accepted,
                    BatchState::Held | BatchState::Sending | BatchState::Ambiguous => {
                        DsarState::Unknown
                    }
                    _ => DsarState::NotCarriedOut,
                },
                at_ms: run.created_at,
                request_id: batch.task,
                problem: batch.problem.map(|(_, text)| text),
                id: run.id,
            });
        }
        Ok(found)
    }
}
