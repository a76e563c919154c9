//! Where each operation goes, the same way in every version of the API.
//!
//! The collection's path ends with a slash (samples, working clients); without it the host
//! answers other routes with a redirect, and following one would turn a POST into a GET.

use bytes::Bytes;
use http::Method;

use super::Mixpanel;
use crate::error::{Error, ErrorKind, Result};
use crate::model::action::Kind;
use crate::model::wire::{Auth, Operation, PathForm, Request};
use crate::secret::Secret;

/// The request of an operation with this body. The version is a part of the path and comes from the
/// project alone, so no task can be asked for on the paths of another version.
pub(super) fn request(
    project: &Mixpanel,
    operation: &Operation,
    body: Option<String>,
) -> Result<Request> {
    let (method, kind, item) = match operation {
        Operation::Create { terms, .. } => (Method::POST, terms.kind, None),
        Operation::Get { kind, task, form } => (Method::GET, *kind, Some((task, *form))),
        // No body: the overview's sample of a cancel, sent literally, would create a deletion.
        Operation::Cancel { kind, task, form } => (Method::DELETE, *kind, Some((task, *form))),
    };
    let collection = match kind {
        Kind::Retrieval => "data-retrievals",
        Kind::Deletion => "data-deletions",
    };
    let mut url = project.base_url.clone();
    {
        let mut path = url
            .path_segments_mut()
            .map_err(|()| Error::new(ErrorKind::Config, "base_url cannot hold a path"))?;
        path.extend([collection, project.version.path()]);
        match item {
            None => {
                path.push("");
            }
            Some((task, form)) => {
                path.push(checked_task(task)?);
                if form == PathForm::Slash {
                    path.push("");
                }
            }
        }
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", project.project_token.expose())
        .finish();
    Ok(Request {
        method,
        url,
        query: Secret::new(query),
        auth: Auth::Bearer(project.oauth_token.clone()),
        body: body.map(Bytes::from),
    })
}

/// A task id becomes a part of the path. An empty one would turn a cancel or a status call into a
/// call on the collection, so only what a vendor could have given is let through.
pub(super) fn checked_task(task: &str) -> Result<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let fine = !task.is_empty()
        && task.len() <= 128
        && task.chars().all(plain)
        && task.chars().any(|c| c.is_ascii_alphanumeric());
    if fine {
        return Ok(task);
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        "a task id is made of letters, digits and - _ . : and at most 128 long; pass the id as the vendor gave it",
    ))
}
