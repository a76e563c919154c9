//! The two published workflows for this API (Arazzo: `gdpr-retrieval-flow`, `gdpr-deletion-flow`):
//! create a task, look at it, tell three things about it.
//!
//! Taken literally they end after one look, call 201 an error, read the link under a name that the
//! vendor does not use, and call a task that failed "pending". Here the inputs and outputs are the
//! published ones, every documented answer is understood, and the look is repeated if asked.

use crate::engine::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::IdSource;
use crate::model::Millis;
use crate::model::action::{Kind, Terms};
use crate::model::job::{Job, JobStatus};
use crate::pace::{backoff, hazard};
use crate::secret::Secret;
use crate::settings::ms;
use crate::single;

/// Looks at a finished retrieval that shows no link before it is told without one.
const LINKLESS_MAX: u32 = 5;

/// What a flow tells: the published outputs.
#[derive(Debug, Clone)]
pub struct FlowOutcome {
    /// The vendor's task.
    pub task_id: String,
    /// Its status at the last look.
    pub task_status: JobStatus,
    /// The signed link of a finished retrieval's archive. Treat it as a secret.
    pub download_url: Option<Secret>,
}

impl FlowOutcome {
    fn new(task_id: String, task_status: JobStatus, download_url: Option<Secret>) -> Self {
        Self {
            task_id,
            task_status,
            download_url,
        }
    }
}

/// Creates a task and looks at it, once or until it has ended. What fails after the task was made
/// names it.
pub(crate) async fn run(
    project: &Project,
    source: IdSource,
    terms: Terms,
    wait: bool,
) -> Result<FlowOutcome> {
    let task = single::create(project, source, terms).await?.id;
    let created = project.clock.monotonic();
    let mut linkless = 0;
    let mut failures = 0;
    let mut missing_since = None;
    loop {
        let seen = look(project, terms.kind, &task).await;
        let now = project.clock.monotonic();
        let pause = match seen {
            Err(error) if wait && error.is_retryable() => {
                failures += 1;
                backoff::wait(
                    &project.settings,
                    &project.dice,
                    failures,
                    error.retry_after(),
                )
            }
            Err(error) => return Err(error.with_job(task)),
            Ok((status, link)) => {
                failures = 0;
                missing(project, &status, now, &mut missing_since)
                    .map_err(|error| error.with_job(task.as_str()))?;
                let no_link =
                    terms.kind == Kind::Retrieval && status == JobStatus::Success && link.is_none();
                linkless += u32::from(no_link);
                let again = no_link && linkless < LINKLESS_MAX;
                if !wait || (status.is_terminal() && !again) {
                    return Ok(FlowOutcome::new(task, status, link));
                }
                hazard::idle_interval(&project.settings, now.saturating_sub(created))
            }
        };
        project.clock.sleep_until(now.saturating_add(pause)).await;
    }
}

/// One look. That a task is not seen is an observation, in whichever form it comes.
async fn look(project: &Project, kind: Kind, task: &str) -> Result<(JobStatus, Option<Secret>)> {
    match single::get(project, kind, task).await {
        Ok(Job {
            status,
            download_url,
            ..
        }) => Ok((status, download_url)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((JobStatus::NotFound, None)),
        Err(error) => Err(error),
    }
}

/// NOT_FOUND and UNKNOWN pass, or else the task is lost.
fn missing(
    project: &Project,
    status: &JobStatus,
    now: Millis,
    since: &mut Option<Millis>,
) -> Result<()> {
    if !status.is_observation() {
        *since = None;
        return Ok(());
    }
    let first = *since.get_or_insert(now);
    if now.saturating_sub(first) < ms(project.settings.lost_after) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotFound,
        format!(
            "the vendor has said {status} for {} hours: the task is lost",
            now.saturating_sub(first) / 3_600_000
        ),
    ))
}
