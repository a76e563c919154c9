//! One vendor call each: no journal, the project's pace, repeated only where that is safe.

use bytes::Bytes;
use http::Method;

use crate::engine::plan::{counted, purpose};
use crate::engine::project::{Project, uuid_v4};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdSource, IntakeOptions, take_in};
use crate::model::action::{Kind, Terms};
use crate::model::job::{Job, JobStatus};
use crate::model::wire::{Answer, Failure, FailureClass, IdsJson, Operation, PathForm, Response};
use crate::pace::backoff;

/// Tries of a call that certainly did nothing.
const TRIES: u32 = 3;
/// A single call does not wait longer than this between two tries; a run does.
const PATIENCE_MS: i64 = 60_000;

/// Creates one task for at most one request's worth of ids.
pub(crate) async fn create(project: &Project, source: IdSource, terms: Terms) -> Result<Job> {
    project.vendor.check(terms)?;
    let intake = take_in(source, &IntakeOptions::new(purpose(terms.kind)))?;
    let limit = project.vendor.max_ids(terms.kind);
    if intake.subjects > limit as u64 {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "one {} request holds at most {}, {} were given; plan a run for more",
                terms.kind,
                counted(limit as u64, "id"),
                intake.subjects
            ),
        ));
    }
    let batch = intake
        .into_batches(limit)
        .next()
        .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "no ids"))??;
    let operation = Operation::Create {
        terms,
        ids_json: IdsJson(batch.ids_json),
        request_id: project
            .vendor
            .capabilities()
            .request_ids
            .then(|| uuid_v4(project.dice.bytes())),
    };
    match call(project, &operation).await? {
        Answer::Created(mut tasks) if tasks.len() == 1 => Ok(Job {
            id: tasks.remove(0),
            kind: terms.kind,
            status: JobStatus::Pending,
            download_url: None,
            requested_at: None,
            request_id: None,
            distinct_ids: None,
        }),
        Answer::Created(tasks) => Err(Error::new(
            ErrorKind::Protocol,
            "the vendor made several tasks for one request; get each by its id",
        )
        .with_tasks(tasks)),
        _ => Err(another_question()),
    }
}

/// Asks for a task.
pub(crate) async fn get(project: &Project, kind: Kind, task: &str) -> Result<Job> {
    project.vendor.check_task(task)?;
    let operation = Operation::Get {
        kind,
        task: task.to_owned(),
        form: PathForm::Slash,
    };
    match call(project, &operation).await? {
        Answer::Status(job) => Ok(*job),
        _ => Err(another_question()),
    }
}

/// Cancels a task.
pub(crate) async fn cancel(project: &Project, kind: Kind, task: &str) -> Result<()> {
    let capabilities = project.vendor.capabilities();
    let offered = match kind {
        Kind::Deletion => capabilities.cancel_deletion,
        Kind::Retrieval => capabilities.cancel_retrieval,
    };
    if !offered {
        return Err(Error::new(
            ErrorKind::Config,
            format!("{} documents no cancel of a {kind}", project.vendor.name()),
        ));
    }
    project.vendor.check_task(task)?;
    let operation = Operation::Cancel {
        kind,
        task: task.to_owned(),
        form: PathForm::Slash,
    };
    match call(project, &operation).await? {
        Answer::Cancelled => Ok(()),
        _ => Err(another_question()),
    }
}

/// Makes a call that only the vendor knows.
pub(crate) async fn raw(
    project: &Project,
    method: &str,
    path: &str,
    json: Option<String>,
) -> Result<Response> {
    let Ok(method) = Method::from_bytes(method.as_bytes()) else {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "no such method of HTTP",
        ));
    };
    let request = project.vendor.raw(&method, path, json.map(Bytes::from))?;
    project.send("raw", request).await
}

fn another_question() -> Error {
    Error::new(ErrorKind::Protocol, "an answer to another question")
}

/// Calls; tries again when the call certainly did nothing and the wait is short.
async fn call(project: &Project, operation: &Operation) -> Result<Answer> {
    let mut failures = 0;
    loop {
        let Failure { error, class } = match project.call(operation).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        failures += 1;
        let error = match operation {
            Operation::Get { task, .. } | Operation::Cancel { task, .. } => {
                error.with_job(task.clone())
            }
            Operation::Create { .. } => error,
        };
        let wait = backoff::wait(
            &project.settings,
            &project.dice,
            failures,
            error.retry_after(),
        );
        let unsent = matches!(
            class,
            FailureClass::NotCreated | FailureClass::OverBudget | FailureClass::Unclear
        );
        let again = unsent && error.is_retryable();
        if !again || failures >= TRIES || wait > PATIENCE_MS {
            return Err(error);
        }
        let until = project.clock.monotonic().saturating_add(wait);
        project.clock.sleep_until(until).await;
    }
}
