//! Splitting a batch: the vendor refuses its size or one of its ids, or deletes some of its people
//! already. Children are disjoint and hold all of their parent's ids; nothing is guessed.

use std::collections::BTreeSet;

use super::answer::Next;
use super::ends::problem;
use super::plan::batch_digest;
use super::project::Project;
use crate::error::Error;
use crate::ids::decode;
use crate::journal::{AttemptState, BatchRow, BatchState, Change, JobOrigin, JobRow};
use crate::model::action::Kind;
use crate::model::event::EventKind;
use crate::model::job::JobStatus;
use crate::model::subject::DistinctId;
use crate::model::wire::{Conflict, IdsJson, Operation};

/// Some of a batch's ids, and the task that is deleting them already, if one is.
pub(super) struct Part {
    pub(super) ids: Vec<String>,
    pub(super) task: Option<String>,
}

impl Part {
    fn unsent(ids: Vec<String>) -> Self {
        Self { ids, task: None }
    }
}

fn sent_ids(operation: &Operation) -> Vec<String> {
    match operation {
        Operation::Create { ids_json, .. } => decode(&ids_json.0).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn halves(mut ids: Vec<String>) -> Vec<Part> {
    let second = ids.split_off(ids.len().div_ceil(2));
    vec![Part::unsent(ids), Part::unsent(second)]
}

impl Next<'_> {
    /// The vendor refuses the number of ids, or one of them without saying which: each half is
    /// sent by itself, down to the single id that is refused.
    pub(super) fn too_many(&mut self, project: &Project, operation: &Operation, error: &Error) {
        let ids = sent_ids(operation);
        // An earlier attempt may have been carried out, before the limit moved. A vendor with a
        // guard says so about each half; without one nothing more is sent.
        let guarded = self.book.row.terms.kind == Kind::Deletion
            && project.vendor.capabilities().conflict_guard;
        if ids.len() < 2 || (self.batch.ambiguous > 0 && !guarded) {
            return self.rejected(error);
        }
        let doubt = self.batch.ambiguous;
        self.split(project, halves(ids), doubt, error);
    }

    /// 409: another running deletion names some of our ids, so the whole batch was refused. What
    /// one task covers follows that task; the rest is sent again.
    pub(super) fn conflict(
        &mut self,
        project: &Project,
        operation: &Operation,
        conflict: &Conflict,
        error: &Error,
    ) {
        let ids = sent_ids(operation);
        let named: BTreeSet<&str> = conflict.ids.iter().map(DistinctId::as_str).collect();
        let (covered, rest): (Vec<String>, Vec<String>) =
            ids.into_iter().partition(|id| named.contains(id.as_str()));
        let tasks: BTreeSet<&String> = conflict.tasks.iter().collect();
        let Some(task) = tasks.first().filter(|_| !covered.is_empty()) else {
            return self.held(AttemptState::Rejected, error);
        };
        // The run saw this task end: nothing would look at it any more.
        let over = |job: &JobRow| tasks.contains(&job.task) && job.status.is_terminal();
        if self.book.jobs.iter().any(over) {
            return self.held(AttemptState::Rejected, error);
        }
        let foreign = named.len() > covered.len();
        let parts = match (tasks.len(), rest.is_empty()) {
            (1, true) if !foreign => return self.adopt(project, task, error),
            (1, _) => {
                let mut parts = vec![Part {
                    ids: covered,
                    task: Some((*task).clone()),
                }];
                parts.extend((!rest.is_empty()).then(|| Part::unsent(rest)));
                parts
            }
            // The ids and the tasks are not documented as paired: smaller requests tell.
            (_, true) if covered.len() > 1 => halves(covered),
            (_, true) => return self.held(AttemptState::Rejected, error),
            (_, false) => vec![Part::unsent(covered), Part::unsent(rest)],
        };
        self.split(project, parts, 0, error);
    }

    /// Exactly our ids and one task: it does what we asked for. After a lost answer it is ours.
    fn adopt(&mut self, project: &Project, task: &str, error: &Error) {
        let origin = if self.batch.ambiguous > 0 {
            JobOrigin::Adopted
        } else {
            JobOrigin::Elsewhere
        };
        self.carried_by(project, task, origin);
        self.attempt.http = error.http_status();
        self.batch.ambiguous = 0;
        self.finish(AttemptState::Adopted, None);
        let n = self.batch.n;
        let text = format!("batch of {n} is being deleted already: task adopted");
        self.event(EventKind::Adopted, Some(task), text);
    }

    /// `doubt`: attempts of this batch that may have been carried out, as its children inherit them.
    fn split(&mut self, project: &Project, parts: Vec<Part>, doubt: u32, error: &Error) {
        if self.book.row.cancel_at.is_some() {
            return self.held(AttemptState::Rejected, error);
        }
        self.batch.state = BatchState::Split;
        self.finish(AttemptState::Rejected, Some(error));
        let text = format!("{}; split into {}", error.message(), sizes(&parts));
        self.event(EventKind::Split, None, text);
        self.children(project, parts, doubt);
    }

    /// Some of a batch's people are in running deletions of other runs: those follow their tasks,
    /// and the batch is never sent as it is (an id may stand in one running deletion only).
    pub(super) fn covered(&mut self, project: &Project, parts: Vec<Part>) {
        self.batch.state = BatchState::Split;
        self.changes.push(Change::Batch(self.batch.clone()));
        let text = format!(
            "people of this batch are in running deletions of other runs; split into {}",
            sizes(&parts)
        );
        self.event(EventKind::Split, None, text);
        self.children(project, parts, 0);
    }

    fn children(&mut self, project: &Project, parts: Vec<Part>, doubt: u32) {
        let parent = self.batch.clone();
        let first = u32::try_from(self.book.batches.len()).unwrap_or(u32::MAX);
        for (no, part) in (first..).zip(parts) {
            let Ok(ids_json) = serde_json::to_string(&part.ids) else {
                continue; // a list of texts can always be written
            };
            let body = project.vendor.create_body(self.book.row.terms, &ids_json);
            let child = BatchRow {
                no,
                parent: Some(parent.no),
                n: u32::try_from(part.ids.len()).unwrap_or(u32::MAX),
                digest: batch_digest(project.journal.as_ref(), &body),
                state: match part.task {
                    Some(_) => BatchState::Submitted,
                    None => BatchState::Ready,
                },
                attempts: 0,
                ambiguous: if part.task.is_some() { 0 } else { doubt },
                failures: 0,
                not_before: self.now,
                first_sent_at: None,
                task: part.task.clone(),
                problem: None,
                ..parent.clone()
            };
            self.changes
                .push(Change::Child(child.clone(), IdsJson(ids_json)));
            if let Some(task) = part.task {
                self.batch = child;
                self.follow(project, &task, JobOrigin::Elsewhere);
                let text = format!(
                    "{} people are being deleted by another task",
                    part.ids.len()
                );
                self.event(EventKind::Adopted, Some(&task), text);
                self.ended_already(&task);
            }
        }
    }

    /// Runs look at a task in turn: this one may have seen the end that the other has not seen yet,
    /// and would not look again.
    fn ended_already(&mut self, task: &str) {
        let mut jobs = self.book.jobs.iter();
        let Some(job) = jobs.find(|job| job.task == task && job.status.is_terminal()) else {
            return;
        };
        self.batch.state = match job.status {
            JobStatus::Success => BatchState::Done,
            JobStatus::Failure => BatchState::Failed,
            _ => BatchState::Revoked,
        };
        self.batch.problem = problem(self.batch.state, job);
        self.changes.push(Change::Batch(self.batch.clone()));
    }
}

fn sizes(parts: &[Part]) -> String {
    let sizes: Vec<String> = parts
        .iter()
        .map(|part| part.ids.len().to_string())
        .collect();
    sizes.join(" and ")
}
