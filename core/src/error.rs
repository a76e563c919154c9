//! The one error of dsrkit.
//!
//! Every failure is an [`Error`]: a small [`ErrorKind`] to branch on, one line that says what to
//! do, advice on retrying, and whether the vendor may have seen the request. Tokens, signed URLs
//! and distinct ids are never part of an error.

use std::fmt;
use std::time::Duration;

/// What the vendor may have seen of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Not one byte of the request's body reached the vendor.
    No,
    /// The request may have been carried out; its answer is lost. Recorded as ambiguous and never
    /// blindly repeated.
    Maybe,
    /// The vendor saw the request and answered.
    Yes,
}

impl Sent {
    /// `"no"`, `"maybe"` or `"yes"`: the word every surface uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Maybe => "maybe",
            Self::Yes => "yes",
        }
    }
}

/// Whether trying the same call again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// The same call will fail the same way.
    Never,
    /// Try again, not before this long has passed when a time is given.
    After(Option<Duration>),
    /// It was tried again as often as allowed.
    Exhausted,
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $variant:ident = $code:literal ),* $(,)?) => {
        /// The kinds of failure. Codes are given by hand and never reused; they are the same
        /// numbers as the C status codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $( $(#[$doc])* $variant = $code ),* }

        impl ErrorKind {
            /// Every kind, in the order of its code.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// The kind's name, as every surface spells it: `"RateLimited"`.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant) ),* }
            }
        }
    };
}

kinds! {
    /// An id, a file or an argument cannot be used: nothing was sent (`sent` says "no"). Or the
    /// vendor refused the request: it was sent ("yes"), and nothing of it was carried out.
    InvalidInput = 1,
    /// The set-up is wrong: a token with a blank in it, a journal of another project, an option
    /// that this vendor does not have. Correct the set-up and call again.
    Config = 2,
    /// 401: the vendor does not accept the credential (Mixpanel's OAuth token lives one year). Make a
    /// new one in the vendor's account settings and go on with it: nothing is lost.
    Unauthenticated = 3,
    /// 403: the credential's user may not do this. Mixpanel's must be an owner or admin of the project.
    PermissionDenied = 4,
    /// The vendor, or this journal, knows nothing by that id.
    NotFound = 5,
    /// 429: too many requests, or too many outstanding scans. The engine waits by itself; a
    /// single call says when to try again.
    RateLimited = 6,
    /// The vendor could not be reached, or answered 5xx. Try again later.
    Unavailable = 7,
    /// The time the caller allowed has passed. The work itself stands in the journal.
    Deadline = 8,
    /// The vendor's answer is not as documented. Look at the task in the vendor's own interface
    /// before sending the request again.
    Protocol = 9,
    /// 409: another running deletion already names one of these ids.
    Conflict = 10,
    /// The vendor ended the task as FAILURE or REVOKED. Check its ids and make a new request.
    JobFailed = 11,
    /// 405: the vendor has started the task, it cannot be cancelled any more.
    TooLate = 12,
    /// A deletion without its confirmation, or with one of another plan. Nothing was sent. Look
    /// at the plan and pass exactly its `confirm`.
    NotConfirmed = 13,
    /// The caller cancelled.
    Cancelled = 14,
    /// The journal cannot be opened, read or written. Nothing is sent without its journal entry.
    Journal = 15,
    /// No secret that was given opens the archive. Pass the project's API secret.
    Decrypt = 16,
    /// The archive is damaged, or not safe to unpack. Nothing of it was made visible.
    Archive = 17,
    /// A file or folder cannot be read or written.
    Io = 18,
    /// The request was sent, its answer was lost, and it cannot be told whether it was carried
    /// out. Check before repeating it.
    Ambiguous = 19,
    /// Used in a forked child. Create the client in the child instead.
    Fork = 20,
    /// A bug in dsrkit. Please report it.
    Internal = 99,
}

impl ErrorKind {
    /// The number of this kind, equal to its C status code.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// What the user can do about it, in one sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::InvalidInput => "Correct the input named in the message; nothing was sent.",
            Self::Config => "Correct the set-up named in the message; nothing was sent.",
            Self::Unauthenticated => {
                "Get a new credential from the vendor and open the client with it; the run goes on where it stopped."
            }
            Self::PermissionDenied => {
                "Use a credential that the vendor lets do this; the run goes on where it stopped."
            }
            Self::NotFound => "Check the id, the project and the region.",
            Self::RateLimited => "Wait as long as retry_after says, or let a run do the waiting.",
            Self::Unavailable => "Try again later; a run does so by itself.",
            Self::Deadline => "Call wait() again; the work stands in the journal.",
            Self::Protocol => "Check the task in the vendor's own interface before repeating.",
            Self::Conflict => "Wait for the named task to end, or use a run, which does so.",
            Self::JobFailed => "Check the ids of this job and make a new request.",
            Self::TooLate => "The vendor has started; it cannot be cancelled any more.",
            Self::NotConfirmed => "Look at the plan again and pass exactly its confirm value.",
            Self::Cancelled => "Start it again if that was not meant.",
            Self::Journal => "See the message; the journal's file was left as it is.",
            Self::Decrypt => "Pass the project's API secret in archive_secrets and collect again.",
            Self::Archive => "Collect again to fetch it anew; if it stays, ask the vendor.",
            Self::Io => "Check the path, its permissions and the free space.",
            Self::Ambiguous => "Check with the vendor whether the request arrived, then decide.",
            Self::Fork => "Create the client in the child process.",
            Self::Internal => "This is a bug in dsrkit; please report it.",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in one line, with advice.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    retry: RetryAdvice,
    sent: Sent,
    hint: Option<String>,
    http_status: Option<u16>,
    job_id: Option<String>,
    task_ids: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind. The message is one line and says what is wrong; it never holds an
    /// id, a token or a URL with its query.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable => RetryAdvice::After(None),
            _ => RetryAdvice::Never,
        };
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            context: Vec::new(),
            retry,
            sent: Sent::No,
            hint: None,
            http_status: None,
            job_id: None,
            task_ids: Vec::new(),
            source: None,
        }))
    }

    /// Adds one named fact, such as `("row", "17")`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Says what the vendor may have seen.
    #[must_use]
    pub fn sent(mut self, sent: Sent) -> Self {
        self.0.sent = sent;
        self
    }

    /// Says whether to try again.
    #[must_use]
    pub fn retry(mut self, retry: RetryAdvice) -> Self {
        self.0.retry = retry;
        self
    }

    /// Replaces the kind's general hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The HTTP status that the vendor answered.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// The vendor task this is about.
    #[must_use]
    pub fn with_job(mut self, id: impl Into<String>) -> Self {
        self.0.job_id = Some(id.into());
        self
    }

    /// The running tasks that a conflict names.
    #[must_use]
    pub fn with_tasks(mut self, ids: Vec<String>) -> Self {
        self.0.task_ids = ids;
        self
    }

    /// The error below this one.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind to branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
    /// The one-line message, without its context.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// Named facts, in the order they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }
    /// Whether trying again can help.
    pub fn retry_advice(&self) -> RetryAdvice {
        self.0.retry
    }
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.0.retry, RetryAdvice::After(_))
    }
    /// How long to wait before trying again, when that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.retry {
            RetryAdvice::After(after) => after,
            _ => None,
        }
    }
    /// What the vendor may have seen of the request.
    pub fn sent_state(&self) -> Sent {
        self.0.sent
    }
    /// What the user can do about it, in one sentence.
    pub fn hint(&self) -> &str {
        self.0.hint.as_deref().unwrap_or_else(|| self.0.kind.hint())
    }
    /// The HTTP status that the vendor answered, if it did.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }
    /// The vendor task this is about.
    pub fn job_id(&self) -> Option<&str> {
        self.0.job_id.as_deref()
    }
    /// The running tasks that a conflict names.
    pub fn task_ids(&self) -> &[String] {
        &self.0.task_ids
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (index, (name, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{name}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind)?;
        if let Some(source) = &self.0.source {
            write!(f, " <- {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Turns an I/O error into one that names the file, and what was being done to it.
pub(crate) fn io(doing: &str, path: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("cannot {doing} {}: {error}", path.display()),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ascending() {
        let codes: Vec<u32> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }

    #[test]
    fn display_is_one_line_with_its_context() {
        let error = Error::new(ErrorKind::InvalidInput, "an empty id")
            .with("row", 3)
            .with("column", "id");
        assert_eq!(error.to_string(), "an empty id (row: 3, column: id)");
    }
}
