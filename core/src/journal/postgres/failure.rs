//! PostgreSQL's errors as ours. The only place.

use std::error::Error as _;

use tokio_postgres::error::SqlState;

use crate::error::{Error, ErrorKind, RetryAdvice};

/// What an error of the server, or of the way to it, means. Only its code is kept: its text may
/// quote values, and values may be ids of people.
#[expect(clippy::needless_pass_by_value, reason = "goes into map_err")]
pub(super) fn pg(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(state) => of_state(state),
        None if is_tls(&error) => Error::new(
            ErrorKind::Config,
            "the PostgreSQL server's certificate is not trusted, or names another host",
        )
        .with_hint("Name its authority with sslrootcert=, and the host as the certificate does."),
        None => away("the PostgreSQL server of the journal cannot be reached"),
    }
}

/// Whether the two could not agree on encryption, or the server is not who it should be.
fn is_tls(error: &tokio_postgres::Error) -> bool {
    let source = error
        .source()
        .and_then(<dyn std::error::Error>::downcast_ref::<std::io::Error>);
    match source.and_then(std::io::Error::get_ref) {
        Some(inner) => inner.is::<rustls::Error>(),
        None => false,
    }
}

/// Something that passes by itself.
pub(super) fn away(message: &str) -> Error {
    Error::new(ErrorKind::Journal, message)
        .retry(RetryAdvice::After(None))
        .with_hint("Nothing is lost: see that the server runs, and go on.")
}

/// The user has not the right.
pub(super) fn may_not() -> Error {
    Error::new(
        ErrorKind::Journal,
        "this user of the PostgreSQL server may not do that with the journal",
    )
    .with_hint("The user needs to own the journal's schema, or CREATE on the database to make it.")
}

fn of_state(state: &SqlState) -> Error {
    let said = |message: &str| Error::new(ErrorKind::Journal, message);
    let code = state.code();
    let error = match code {
        "53100" => {
            said("the disk of the PostgreSQL server is full; nothing of this step was written")
                .with_hint("Free space on the server's disk and go on; the journal is whole.")
        }
        "25006" => away("the PostgreSQL server is a standby, or read-only"),
        "55P03" | "57014" => away("the journal is locked by another program"),
        "28000" | "28P01" => Error::new(
            ErrorKind::Config,
            "the PostgreSQL server refuses this user or password",
        ),
        "3D000" => Error::new(
            ErrorKind::Config,
            "the PostgreSQL server has no such database; create it first",
        ),
        "42501" => may_not(),
        _ => match code.get(..2) {
            // Connection, resources, shutting down or starting up, a transaction rolled back.
            Some("08" | "53" | "57" | "40") => away("the PostgreSQL server cannot work just now"),
            Some("22" | "23") => Error::new(ErrorKind::Internal, "the journal refused a row"),
            Some("42" | "3F") => {
                said("the journal's tables are not as they should be; they were left as they are")
                    .with_hint("Put the journal back from a backup, or give it another schema.")
            }
            Some("58" | "XX") => said("the PostgreSQL server failed, or its data is damaged"),
            _ => said("the PostgreSQL server refused a statement"),
        },
    };
    error.with("sqlstate", code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_worth_trying_again() {
        for (code, kind, retry) in [
            ("57P01", ErrorKind::Journal, true),
            ("40P01", ErrorKind::Journal, true),
            ("25006", ErrorKind::Journal, true),
            ("28P01", ErrorKind::Config, false),
            ("53100", ErrorKind::Journal, false),
            ("23505", ErrorKind::Internal, false),
            ("42P01", ErrorKind::Journal, false),
        ] {
            let error = of_state(&SqlState::from_code(code));
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (kind, retry),
                "{code}"
            );
        }
    }
}
