//! From an HTTP answer to a result or an error. This is the only place where a status becomes an
//! error kind.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::error::{Error, ErrorKind, RetryAdvice, Sent};
use crate::model::Millis;
use crate::model::action::Kind;
use crate::model::wire::{
    Answer, Failure, FailureClass, Operation, Reading, Refusal, Response, Subject,
};

/// The shortest and the longest wait that a Retry-After header is believed. The vendor documents
/// none; a proxy in between may send anything.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3600);

/// Tells what an answer means. `quiet` says that no call was made for a while before this one: a
/// refusal is not about the pace then. `now` serves to read a Retry-After that is a date.
pub fn classify(
    operation: &Operation,
    response: &Response,
    reading: Reading,
    quiet: bool,
    now: Millis,
) -> Result<Answer, Failure> {
    let status = response.status;
    if status.is_success() {
        return match reading {
            Reading::Created(tasks) => Ok(Answer::Created(tasks)),
            Reading::Status(job) => Ok(Answer::Status(job)),
            Reading::Cancelled => Ok(Answer::Cancelled),
            Reading::Refused(refusal) => Err(refused_with_success(operation, status, &refusal)),
            Reading::Unreadable(what) => Err(unreadable(operation, status, what)),
        };
    }
    if status.is_redirection() {
        return Err(redirected(operation, response));
    }
    let refusal = match reading {
        Reading::Refused(refusal) => refusal,
        _ => Refusal::default(),
    };
    let mut failure = refused(operation, status, &response.headers, refusal, now);
    if quiet && failure.class == FailureClass::Unclear {
        failure.class = FailureClass::OverBudget;
    }
    Err(failure)
}

fn refused(
    operation: &Operation,
    status: StatusCode,
    headers: &HeaderMap,
    refusal: Refusal,
    now: Millis,
) -> Failure {
    let name = operation.name();
    let number = status.as_u16();
    let (kind, class, message) = match number {
        401 => (
            ErrorKind::Unauthenticated,
            FailureClass::Credentials,
            "the vendor does not accept the OAuth token (401)".to_owned(),
        ),
        403 => (
            ErrorKind::PermissionDenied,
            FailureClass::Credentials,
            "the OAuth token's user may not do this (403)".to_owned(),
        ),
        404 => (
            ErrorKind::NotFound,
            FailureClass::Missing,
            format!("the vendor knows nothing there ({name}: 404)"),
        ),
        405 if matches!(operation, Operation::Cancel { .. }) => (
            ErrorKind::TooLate,
            FailureClass::TooLate,
            "the vendor has started this task, it cannot be cancelled any more (405)".to_owned(),
        ),
        // Said by a proxy that passed nothing on.
        407 => {
            let error = Error::new(ErrorKind::Unavailable, "the proxy wants credentials (407)")
                .with_http_status(number)
                .with_hint("Check proxy, with its user and password if it wants them.")
                .sent(Sent::No);
            return Failure {
                error,
                class: FailureClass::NotCreated,
            };
        }
        409 => {
            let conflict = refusal.conflict.unwrap_or_default();
            let message = format!(
                "another running deletion names {} of these ids (409)",
                if conflict.ids.is_empty() {
                    "some".to_owned()
                } else {
                    conflict.ids.len().to_string()
                }
            );
            let error = Error::new(ErrorKind::Conflict, message)
                .with_tasks(conflict.tasks.clone())
                .with_http_status(number)
                .sent(Sent::Yes);
            return Failure {
                error,
                class: FailureClass::Conflict(conflict),
            };
        }
        429 => {
            // Only creates of retrievals make scans. How the vendor words that is not known.
            let scans = matches!(operation, Operation::Create { terms, .. } if terms.kind == Kind::Retrieval);
            let (class, text) = match (refusal.about, scans) {
                (Subject::Rate, _) | (_, false) => (
                    FailureClass::NotCreated,
                    "the vendor allows one request a second (429)",
                ),
                (_, true) => (
                    FailureClass::Unclear,
                    "the vendor refuses for now: its pace, or too many outstanding scans (429)",
                ),
            };
            (ErrorKind::RateLimited, class, text.to_owned())
        }
        400 | 413 | 422 if refusal.about == Subject::Ids || number == 413 => (
            ErrorKind::InvalidInput,
            FailureClass::Ids,
            format!("the vendor refuses the ids or their number ({name}: {number})"),
        ),
        400..=499 => (
            ErrorKind::InvalidInput,
            FailureClass::Rejected,
            format!("the vendor refuses the request ({name}: {number})"),
        ),
        500..=599 if operation.is_write() => (
            ErrorKind::Ambiguous,
            FailureClass::Ambiguous,
            format!(
                "the vendor failed while working on {name} ({number}); it may have been carried out"
            ),
        ),
        500..=599 => (
            ErrorKind::Unavailable,
            FailureClass::NotCreated,
            format!("the vendor fails ({name}: {number})"),
        ),
        _ => (
            ErrorKind::Protocol,
            if operation.is_write() {
                FailureClass::Ambiguous
            } else {
                FailureClass::NotCreated
            },
            format!("an answer that is not documented ({name}: {number})"),
        ),
    };
    let sent = if class == FailureClass::Ambiguous {
        Sent::Maybe
    } else {
        Sent::Yes
    };
    let mut error = Error::new(kind, message)
        .with_http_status(number)
        .sent(sent);
    if error.is_retryable() {
        error = error.retry(RetryAdvice::After(retry_after(headers, now)));
    }
    Failure { error, class }
}

/// A success status whose body says "error": only a known wording tells that nothing was done.
fn refused_with_success(operation: &Operation, status: StatusCode, refusal: &Refusal) -> Failure {
    let number = status.as_u16();
    let name = operation.name();
    let (kind, class, message) = match refusal.about {
        Subject::Rate => (
            ErrorKind::RateLimited,
            FailureClass::NotCreated,
            "the vendor allows one request a second (said in a success answer)".to_owned(),
        ),
        Subject::Ids => (
            ErrorKind::InvalidInput,
            FailureClass::Ids,
            format!("the vendor refuses the ids or their number ({name}: {number} with an error)"),
        ),
        Subject::Unknown if operation.is_write() => (
            ErrorKind::Ambiguous,
            FailureClass::Ambiguous,
            format!("a success status with an error inside ({name}: {number})"),
        ),
        Subject::Unknown => (
            ErrorKind::Protocol,
            FailureClass::NotCreated,
            format!("a success status with an error inside ({name}: {number})"),
        ),
    };
    let sent = if class == FailureClass::Ambiguous {
        Sent::Maybe
    } else {
        Sent::Yes
    };
    Failure {
        error: Error::new(kind, message)
            .with_http_status(number)
            .sent(sent),
        class,
    }
}

fn unreadable(operation: &Operation, status: StatusCode, what: &'static str) -> Failure {
    let number = status.as_u16();
    let message = format!("{what} ({}: {number})", operation.name());
    let (kind, class, sent) = match operation {
        Operation::Create { .. } => (
            ErrorKind::Ambiguous,
            FailureClass::CreatedUntracked,
            Sent::Maybe,
        ),
        Operation::Cancel { .. } => (ErrorKind::Ambiguous, FailureClass::Ambiguous, Sent::Maybe),
        Operation::Get { .. } => (ErrorKind::Protocol, FailureClass::NotCreated, Sent::Yes),
    };
    Failure {
        error: Error::new(kind, message)
            .with_http_status(number)
            .sent(sent),
        class,
    }
}

/// Redirects are never followed: following one would carry the token and the ids to another
/// place, or turn a POST into a GET. The host it points to is named, nothing else of it.
fn redirected(operation: &Operation, response: &Response) -> Failure {
    let number = response.status.as_u16();
    let host = response
        .headers
        .get(http::header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| match url::Url::parse(text) {
            Ok(url) => url.host_str().map(str::to_owned),
            Err(_) => Some("the same host".to_owned()),
        })
        .unwrap_or_else(|| "nowhere".to_owned());
    let error = Error::new(
        ErrorKind::Unavailable,
        format!(
            "a redirect to {host} that was not followed ({}: {number})",
            operation.name()
        ),
    )
    .with_http_status(number)
    .sent(Sent::No)
    .with_hint("Check base_url and region: the API itself never redirects these calls.");
    Failure {
        error,
        class: FailureClass::Redirected(host),
    }
}

/// Reads Retry-After: whole seconds, or a date. Zero, negative, past and unreadable values count
/// as absent; the rest is clamped.
pub(crate) fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(text)
            .ok()?
            .timestamp()
            .as_millisecond();
        Duration::from_millis(u64::try_from(date.checked_sub(now)?).ok()?)
    };
    (!wait.is_zero()).then(|| wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_two_429s_are_told_apart() {
        use crate::model::action::{Compliance, Terms};
        use crate::model::wire::{IdsJson, PathForm};
        let create = |kind| Operation::Create {
            terms: Terms {
                kind,
                compliance: Compliance::Gdpr,
                disclosure: None,
            },
            ids_json: IdsJson("[]".into()),
            request_id: None,
        };
        let get = |kind| Operation::Get {
            kind,
            task: "1".into(),
            form: PathForm::Slash,
        };
        let class = |operation: &Operation, about, quiet| {
            let response = Response {
                status: StatusCode::TOO_MANY_REQUESTS,
                headers: HeaderMap::new(),
                body: bytes::Bytes::new(),
            };
            let refusal = Refusal {
                about,
                conflict: None,
            };
            let reading = Reading::Refused(refusal);
            let failure = classify(operation, &response, reading, quiet, 0).expect_err("429");
            assert_eq!(failure.error.kind(), ErrorKind::RateLimited);
            failure.class
        };
        let retrieval = create(Kind::Retrieval);
        let unknown = Subject::Unknown;
        assert_eq!(class(&retrieval, unknown, true), FailureClass::OverBudget);
        assert_eq!(class(&retrieval, unknown, false), FailureClass::Unclear);
        let pace = FailureClass::NotCreated;
        assert_eq!(class(&retrieval, Subject::Rate, true), pace);
        for other in [
            create(Kind::Deletion),
            get(Kind::Retrieval),
            get(Kind::Deletion),
        ] {
            assert_eq!(class(&other, unknown, true), pace, "never the budget");
        }
    }

    #[test]
    fn retry_after_is_honoured_and_clamped() {
        let now = jiff::Timestamp::from_second(1_792_000_000).expect("time");
        let date = |offset: i64| {
            let at = jiff::Timestamp::from_second(now.as_second() + offset).expect("time");
            jiff::fmt::rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).expect("text")
        };
        let future = date(90);
        let past = date(-90);
        let cases = [
            ("30", Some(30)),
            ("0", None),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("315360000", Some(6 * 3600)),
            ("99999999999999999999999", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None),
            (future.as_str(), Some(90)),
            (past.as_str(), None),
        ];
        for (text, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(
                http::header::RETRY_AFTER,
                HeaderValue::from_str(text).expect("value"),
            );
            let found = retry_after(&headers, now.as_millisecond());
            assert_eq!(found, expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), 0), None);
    }
}
