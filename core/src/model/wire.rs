//! What travels between the engine, a vendor and a transport, without sockets: requests as the
//! vendor wants them, responses as they came, and what a vendor reads in them.

use std::fmt;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::action::{Kind, Terms};
use super::job::Job;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// One call of a vendor's API.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Make a task for these ids.
    Create {
        /// Kind, law, disclosure.
        terms: Terms,
        /// The exact JSON array of ids.
        ids_json: IdsJson,
        /// Our own name of this request, where the project has such names enabled: a lower-case
        /// UUID v4.
        request_id: Option<String>,
    },
    /// Ask how far a task is.
    Get {
        /// Kind of the task.
        kind: Kind,
        /// Its id.
        task: String,
        /// Which of the two forms of the path to use.
        form: PathForm,
    },
    /// Cancel a task.
    Cancel {
        /// Kind of the task.
        kind: Kind,
        /// Its id.
        task: String,
        /// Which of the two forms of the path to use.
        form: PathForm,
    },
}

/// The exact JSON array of ids in a request. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct IdsJson(pub String);

impl fmt::Debug for IdsJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdsJson({} bytes)", self.0.len())
    }
}

/// An item's path ends with a slash in the samples and in all working clients, and has none in
/// the OpenAPI document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathForm {
    /// `/{id}/`, tried first.
    #[default]
    Slash,
    /// `/{id}`, the fall-back after a 404 or a redirect.
    Bare,
}

impl Operation {
    /// Whether the call changes something at the vendor; such a call is never blindly repeated.
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Get { .. })
    }

    /// The official operation id, for logs and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { terms, .. } => match terms.kind {
                Kind::Retrieval => "create-retrieval",
                Kind::Deletion => "create-deletion",
            },
            Self::Get {
                kind: Kind::Retrieval,
                ..
            } => "get-retrieval",
            Self::Get {
                kind: Kind::Deletion,
                ..
            } => "get-deletion",
            Self::Cancel {
                kind: Kind::Retrieval,
                ..
            } => "delete-retrieval",
            Self::Cancel {
                kind: Kind::Deletion,
                ..
            } => "delete-deletion",
        }
    }

    /// Whether it is an item call without the last slash.
    pub fn is_bare(&self) -> bool {
        matches!(
            self,
            Self::Get {
                form: PathForm::Bare,
                ..
            } | Self::Cancel {
                form: PathForm::Bare,
                ..
            }
        )
    }

    /// Whether it is about one task.
    pub fn is_item(&self) -> bool {
        !matches!(self, Self::Create { .. })
    }

    /// The same call with this form of the path, where it has one.
    #[must_use]
    pub fn in_form(&self, wanted: PathForm) -> Self {
        let mut same = self.clone();
        if let Self::Get { form, .. } | Self::Cancel { form, .. } = &mut same {
            *form = wanted;
        }
        same
    }
}

/// How a request shows who sends it.
#[derive(Debug, Clone)]
pub enum Auth {
    /// `Authorization: Bearer <token>`.
    Bearer(Secret),
    /// A header of the vendor's own with the secret as its value, such as `X-Api-Key`.
    Header(HeaderName, Secret),
}

impl Auth {
    /// The header. Its value is marked as sensitive.
    pub fn header(&self) -> Result<(HeaderName, HeaderValue)> {
        let (name, value) = match self {
            Self::Bearer(token) => {
                let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
                (AUTHORIZATION, value)
            }
            Self::Header(name, secret) => (name.clone(), HeaderValue::try_from(secret.expose())),
        };
        let mut value =
            value.map_err(|_| Error::new(ErrorKind::Config, "the credential cannot be sent"))?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// What a vendor's credential is called, and what helps when it is refused: for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Such as "OAuth token".
    pub name: &'static str,
    /// What to do when the vendor does not accept it (401), in one sentence.
    pub renew: &'static str,
    /// What to do when its owner may not do this (403), in one sentence.
    pub permit: &'static str,
}

impl Default for Credential {
    fn default() -> Self {
        Self {
            name: "credential",
            renew: ErrorKind::Unauthenticated.hint(),
            permit: ErrorKind::PermissionDenied.hint(),
        }
    }
}

/// A request, ready to be sent. `Debug` shows neither the query nor the body.
#[derive(Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Scheme, host and path.
    pub url: url::Url,
    /// The query, kept apart because it holds the project token.
    pub query: Secret,
    /// Who sends it.
    pub auth: Auth,
    /// JSON body.
    pub body: Option<Bytes>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.path())
    }
}

/// A response as it came. `Debug` does not show the body: a status answer echoes all ids.
#[derive(Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most 16 MiB.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// What a vendor reads in a response, whatever its status.
#[derive(Debug)]
pub enum Reading {
    /// A task was made (several ids are possible in one documented form).
    Created(Vec<String>),
    /// A task's status.
    Status(Box<Job>),
    /// A cancel was taken.
    Cancelled,
    /// The vendor refuses, and says so in its error form.
    Refused(Refusal),
    /// Nothing that is documented; says what was seen instead, without quoting it.
    Unreadable(&'static str),
}

/// A refusal as read.
#[derive(Debug, Default)]
pub struct Refusal {
    /// What the text is about, as far as it is known.
    pub about: Subject,
    /// The two lists of a 409.
    pub conflict: Option<Conflict>,
}

/// What a refusal's text is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subject {
    /// Not known.
    #[default]
    Unknown,
    /// The pace of one request a second.
    Rate,
    /// Too many ids, or an id that is not valid.
    Ids,
    /// A quota that is used up: waiting does not help.
    Quota,
}

/// The running deletions that a 409 names. Not documented as paired by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conflict {
    /// Ids of people that are being deleted already.
    pub ids: Vec<super::subject::DistinctId>,
    /// The tasks that do it.
    pub tasks: Vec<String>,
}

/// A successful answer.
#[derive(Debug)]
pub enum Answer {
    /// Task ids; at least one.
    Created(Vec<String>),
    /// A task's status.
    Status(Box<Job>),
    /// The cancel was taken.
    Cancelled,
}

/// A call that did not succeed, with what the engine needs to go on. The public face is the
/// error inside.
#[derive(Debug)]
pub struct Failure {
    /// Kind, message, retry advice, what the vendor may have seen.
    pub error: crate::error::Error,
    /// More precise than the kind.
    pub class: FailureClass,
}

/// What a failure means for the request that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureClass {
    /// Certainly not carried out: no connection, or refused for the pace.
    NotCreated,
    /// A retrieval, certainly not carried out: refused although the project had been quiet. The
    /// vendor's limit on outstanding scans, as far as is known.
    OverBudget,
    /// A retrieval, certainly not carried out: refused for its pace or for the limit on
    /// outstanding scans; the text does not tell which.
    Unclear,
    /// A fault of this side: nothing was sent, and nothing will be by trying again.
    Local,
    /// Redirected; not followed. The name of the host it pointed to.
    Redirected(String),
    /// May have been carried out.
    Ambiguous,
    /// A success answer without a usable task id: carried out, but which task is not known.
    CreatedUntracked,
    /// 401 or 403: the credentials do not serve.
    Credentials,
    /// 409.
    Conflict(Conflict),
    /// The vendor does not know this path or task (404, or a redirect of an item's path).
    Missing,
    /// 405.
    TooLate,
    /// Refused for the ids or their number.
    Ids,
    /// Refused for good.
    Rejected,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_header_that_is_not_shown() {
        let bearer = Auth::Bearer(Secret::new("canary"));
        let own = Auth::Header(HeaderName::from_static("x-api-key"), Secret::new("canary"));
        for (auth, name, value) in [
            (bearer, "authorization", "Bearer canary"),
            (own, "x-api-key", "canary"),
        ] {
            let header = auth.header().expect("fit to be sent");
            assert_eq!(
                (header.0.as_str(), header.1.as_bytes()),
                (name, value.as_bytes())
            );
            assert!(header.1.is_sensitive());
            assert!(!format!("{auth:?} {header:?}").contains("canary"));
        }
        let split = Auth::Header(AUTHORIZATION, Secret::new("canary\r\nx: y"));
        let error = split.header().expect_err("a line end");
        assert!(!format!("{error:?}").contains("canary"));
    }
}
