//! Bringing a finished retrieval's archive to this disk, at once: its link dies after 14 days.

use std::path::PathBuf;

use super::book::Book;
use super::project::Project;
use super::watch::{ends, hold};
use crate::archive::{Budget, Fetched, Limits, check_structure, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::journal::{ArtifactRow, Change};
use crate::model::Millis;
use crate::model::event::EventKind;
use crate::pace::backoff;
use crate::secret::Secret;

/// Downloads of a damaged archive before a person must look.
const FETCH_TRIES: u32 = 5;
/// How long the vendor keeps an archive (callback page: 14 days from completion).
const ARCHIVE_LIFE: Millis = 14 * 86_400_000;

/// What is to be fetched, and where to.
pub(crate) struct Order {
    link: Secret,
    target: PathBuf,
}

/// Looks up what a download needs.
pub(crate) fn order(book: &Book, run: &str, task: &str) -> Result<Order> {
    let run = book.run(run)?;
    let link = run.links.get(task).cloned();
    let folder = run.row.archives.as_ref();
    match (link, folder) {
        (Some(link), Some(folder)) => {
            let target = PathBuf::from(folder)
                .join(&run.row.id)
                .join(format!("{task}.zip"));
            Ok(Order { link, target })
        }
        _ => Err(Error::new(
            ErrorKind::Internal,
            "a download without a link or a folder",
        )),
    }
}

/// Downloads and checks. An archive that the secrets at hand do not open is kept all the same:
/// the right secret may come later, the link will not.
pub(crate) async fn fetch(project: &Project, order: &Order) -> Result<Fetched> {
    let budget = Budget {
        max_bytes: project.settings.archive_max_bytes,
        replace: true,
    };
    let fetched = crate::archive::fetch(
        project.store.as_ref(),
        &order.link,
        &project.hosts,
        &order.target,
        budget,
    )
    .await?;
    let path = fetched.path.clone();
    let limits = limits(project);
    let secrets = project.vendor.archive_secrets().to_vec();
    let checked = blocking(move || {
        check_structure(&path, &limits)?;
        if secrets.is_empty() {
            return Ok(());
        }
        match verify(&path, &secrets, &limits, true) {
            Err(error) if error.kind() == ErrorKind::Decrypt => Ok(()),
            result => result.map(drop),
        }
    })
    .await;
    if let Err(error) = checked {
        let _ = std::fs::remove_file(&fetched.path);
        return Err(error);
    }
    Ok(fetched)
}

/// The limits of unpacking that the settings ask for.
pub(crate) fn limits(project: &Project) -> Limits {
    Limits {
        bytes: project.settings.archive_max_bytes,
        ..Limits::default()
    }
}

/// Runs blocking work beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(
            ErrorKind::Internal,
            "work on a file failed unexpectedly",
        )),
    }
}

/// Commits what came of it.
pub(crate) fn settle(
    project: &Project,
    book: &mut Book,
    run: &str,
    task: &str,
    result: Result<Fetched>,
) -> Result<()> {
    let now = project.now();
    // A link serves once: another try asks the vendor for a fresh one.
    book.run_mut(run)?.links.remove(task);
    let current = book.run(run)?;
    let mut job = current.job(task)?.clone();
    let mut changes = Vec::new();
    match result {
        Ok(fetched) => {
            job.fetch_failures = 0;
            changes.push(Change::Artifact(ArtifactRow {
                run: run.to_owned(),
                task: task.to_owned(),
                path: fetched.path.to_string_lossy().into_owned(),
                bytes: fetched.bytes,
                sha256: fetched.sha256,
                at: now,
            }));
            changes.extend(ends(current, &job, true));
            let text = format!("archive of {} bytes on this disk", fetched.bytes);
            changes.push(current.event(now, EventKind::Archived, None, Some(task), text));
        }
        Err(error) => {
            job.fetch_failures += 1;
            let wait = backoff::wait(&project.settings, &project.dice, job.fetch_failures, None);
            job.next_poll_at = now + wait;
            let text = format!("archive not fetched: {}", error.message());
            changes.push(current.event(now, EventKind::ArchiveFailed, None, Some(task), text));
            // A damaged archive stays damaged; an outage, a full disk or an expired link pass, and
            // are tried again for as long as the vendor keeps the archive.
            let damaged = error.kind() == ErrorKind::Archive && job.fetch_failures >= FETCH_TRIES;
            let gone = now - job.ended_at.unwrap_or(now) > ARCHIVE_LIFE;
            if damaged || gone {
                let problem = (error.kind(), error.message().to_owned());
                changes.extend(hold(current, task, &problem, now));
            }
        }
    }
    changes.push(Change::Job(job));
    book.commit(project.journal.as_ref(), run, changes)
}
