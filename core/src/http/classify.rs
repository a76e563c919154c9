//! From an HTTP answer to a result or an error. This is the only place where a status becomes an
//! error kind.

use http::{HeaderMap, StatusCode};

use super::asked::pace;
pub use super::asked::{Asked, Limits};
use super::retry_after::retry_after;
use crate::error::{Error, ErrorKind, RetryAdvice, Sent};
use crate::model::Millis;
use crate::model::wire::{
    Answer, Failure, FailureClass, Operation, Reading, Refusal, Response, Subject,
};

/// Tells what an answer means. `now` serves to read a Retry-After that is a date.
pub fn classify(
    operation: &Operation,
    response: &Response,
    reading: Reading,
    limits: Limits,
    now: Millis,
) -> Result<Answer, Failure> {
    let status = response.status;
    if status.is_success() {
        return match reading {
            Reading::Created(tasks) => Ok(Answer::Created(tasks)),
            Reading::Status(job) => Ok(Answer::Status(job)),
            Reading::Cancelled => Ok(Answer::Cancelled),
            Reading::Refused(refusal) => {
                Err(refused_with_success(operation, status, &refusal, limits))
            }
            Reading::Unreadable(what) => Err(unreadable(operation, status, what)),
        };
    }
    let refusal = match reading {
        Reading::Refused(refusal) => refusal,
        _ => Refusal::default(),
    };
    let asked = Asked::of(operation, limits);
    let mut failure = failure(asked, response, refusal, now);
    if limits.quiet && failure.class == FailureClass::Unclear {
        failure.class = FailureClass::OverBudget;
    }
    Err(failure)
}

/// What an answer without a success status means.
pub fn failure(asked: Asked, response: &Response, refusal: Refusal, now: Millis) -> Failure {
    if response.status.is_redirection() {
        return redirected(asked.name, response);
    }
    refused(asked, response.status, &response.headers, refusal, now)
}

fn refused(
    asked: Asked,
    status: StatusCode,
    headers: &HeaderMap,
    refusal: Refusal,
    now: Millis,
) -> Failure {
    let Asked {
        name,
        credential,
        pace,
        ..
    } = asked;
    let number = status.as_u16();
    let (kind, class, message) = match number {
        401 => (
            ErrorKind::Unauthenticated,
            FailureClass::Credentials,
            format!("the vendor does not accept the {} (401)", credential.name),
        ),
        403 if refusal.about == Subject::Quota => (
            ErrorKind::PermissionDenied,
            FailureClass::Rejected,
            "the quota at the vendor is used up (403)".to_owned(),
        ),
        403 => (
            ErrorKind::PermissionDenied,
            FailureClass::Credentials,
            format!("the {}'s user may not do this (403)", credential.name),
        ),
        404 => (
            ErrorKind::NotFound,
            FailureClass::Missing,
            format!("the vendor knows nothing there ({name}: 404)"),
        ),
        405 if asked.cancel => (
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
            // How the vendor words the limit on scans is not known.
            let (class, text) = match (refusal.about, asked.scans) {
                (Subject::Rate, _) | (_, false) => (
                    FailureClass::NotCreated,
                    format!("the vendor allows {pace} (429)"),
                ),
                (_, true) => (
                    FailureClass::Unclear,
                    "the vendor refuses for now: its pace, or too many outstanding scans (429)"
                        .to_owned(),
                ),
            };
            (ErrorKind::RateLimited, class, text)
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
        500..=599 if asked.write => (
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
            if asked.write {
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
    match number {
        401 => error = error.with_hint(credential.renew),
        403 if class == FailureClass::Rejected => {
            error =
                error.with_hint("A used-up quota is the vendor's to raise; waiting does not help.");
        }
        403 => error = error.with_hint(credential.permit),
        _ if kind == ErrorKind::InvalidInput => {
            error = error.with_hint(
                "It was sent, and the vendor refused it: nothing of it was carried out. Correct what it refuses.",
            );
        }
        _ => {}
    }
    if error.is_retryable() {
        error = error.retry(RetryAdvice::After(retry_after(headers, now)));
    }
    Failure { error, class }
}

/// A success status whose body says "error": only a known wording tells that nothing was done.
fn refused_with_success(
    operation: &Operation,
    status: StatusCode,
    refusal: &Refusal,
    limits: Limits,
) -> Failure {
    let number = status.as_u16();
    let name = operation.name();
    let (kind, class, message) = match refusal.about {
        Subject::Rate => (
            ErrorKind::RateLimited,
            FailureClass::NotCreated,
            format!(
                "the vendor allows {} (said in a success answer)",
                pace(limits.interval)
            ),
        ),
        Subject::Ids => (
            ErrorKind::InvalidInput,
            FailureClass::Ids,
            format!("the vendor refuses the ids or their number ({name}: {number} with an error)"),
        ),
        Subject::Unknown | Subject::Quota if operation.is_write() => (
            ErrorKind::Ambiguous,
            FailureClass::Ambiguous,
            format!("a success status with an error inside ({name}: {number})"),
        ),
        Subject::Unknown | Subject::Quota => (
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
fn redirected(name: &str, response: &Response) -> Failure {
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
        format!("a redirect to {host} that was not followed ({name}: {number})"),
    )
    .with_http_status(number)
    .sent(Sent::No)
    .with_hint("Check base_url and region: the API itself never redirects these calls.");
    Failure {
        error,
        class: FailureClass::Redirected(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_429s_are_told_apart() {
        use crate::model::action::{Compliance, Kind, Terms};
        use crate::model::wire::{Credential, IdsJson, PathForm};
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
        let class_with = |scan_budget, operation: &Operation, about, quiet| {
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
            let limits = Limits {
                scan_budget,
                quiet,
                interval: std::time::Duration::from_secs(1),
                credential: Credential::default(),
            };
            let failure = classify(operation, &response, reading, limits, 0).expect_err("429");
            assert_eq!(failure.error.kind(), ErrorKind::RateLimited);
            failure.class
        };
        let class = |operation: &Operation, about, quiet| class_with(true, operation, about, quiet);
        let retrieval = create(Kind::Retrieval);
        let unknown = Subject::Unknown;
        assert_eq!(class(&retrieval, unknown, true), FailureClass::OverBudget);
        assert_eq!(class(&retrieval, unknown, false), FailureClass::Unclear);
        let pace = FailureClass::NotCreated;
        assert_eq!(class(&retrieval, Subject::Rate, true), pace);
        assert_eq!(class_with(false, &retrieval, unknown, true), pace);
        for other in [
            create(Kind::Deletion),
            get(Kind::Retrieval),
            get(Kind::Deletion),
        ] {
            assert_eq!(class(&other, unknown, true), pace, "never the budget");
        }
    }
}
