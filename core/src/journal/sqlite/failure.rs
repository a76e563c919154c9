//! SQLite's errors as ours. The only place.

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind, RetryAdvice};

/// What an error of SQLite means. Only its code is kept: its text may quote values, and values
/// may be ids of people.
#[expect(clippy::needless_pass_by_value, reason = "goes into map_err")]
pub(super) fn sql(error: rusqlite::Error) -> Error {
    let Some(low) = error.sqlite_error().copied() else {
        return Error::new(
            ErrorKind::Journal,
            "a row of the journal cannot be read: it was changed or damaged",
        );
    };
    let said = |message: &str| Error::new(ErrorKind::Journal, message);
    let error = match low.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            said("the journal is locked by another program").retry(RetryAdvice::After(None))
        }
        ErrorCode::DiskFull => said("the disk is full; nothing of this step was written")
            .with_hint("Free space on the journal's disk and go on; the journal is whole."),
        ErrorCode::DatabaseCorrupt => said("the journal is damaged; it was left as it is")
            .with_hint("Put the journal and its key file back from a backup."),
        ErrorCode::NotADatabase => {
            said("the file is not a journal of dsrkit, or is damaged; it was left as it is")
        }
        ErrorCode::ReadOnly => said("the journal cannot be written: it is read-only"),
        ErrorCode::CannotOpen => said("the journal, or a file beside it, cannot be opened"),
        ErrorCode::PermissionDenied => said("the journal may not be opened by this user"),
        ErrorCode::SystemIoFailure => said("the disk failed while the journal was read or written"),
        ErrorCode::OutOfMemory => said("there is not enough memory to read the journal"),
        ErrorCode::ConstraintViolation | ErrorCode::ApiMisuse => {
            Error::new(ErrorKind::Internal, "the journal refused a row")
        }
        _ => said("SQLite failed"),
    };
    error
        .with("sqlite code", low.extended_code)
        .with_source(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> Error {
        let text = Some("UNIQUE failed: a@example.com".to_owned());
        sql(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(code),
            text,
        ))
    }

    #[test]
    fn only_locks_are_worth_trying_again() {
        for (code, retry) in [(5, true), (6, true), (11, false), (13, false), (26, false)] {
            let error = of(code);
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (ErrorKind::Journal, retry)
            );
        }
        assert!(of(13).message().contains("the disk is full"));
        assert_eq!(of(19).kind(), ErrorKind::Internal);
    }

    #[test]
    fn what_sqlite_quotes_is_not_repeated() {
        let bad = rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            "a@example.com".into(),
        );
        for error in [of(19), of(1), sql(bad)] {
            assert!(!format!("{error:?}").contains("example"), "{error:?}");
        }
    }
}
