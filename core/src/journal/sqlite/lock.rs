//! One runner for each journal. The lock belongs to the open file, so the kernel frees it however
//! the process ends; the file itself stays, and tells people who has it.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::files;
use crate::error::{Error, ErrorKind, Result, RetryAdvice};

/// Held as long as this lives.
pub(super) struct OwnerLock {
    _file: File,
}

/// What the lock file says.
#[derive(Serialize, Deserialize)]
struct Owner {
    pid: u32,
    since: String,
}

impl OwnerLock {
    /// Takes the lock, or says who has it. Does not wait.
    pub fn take(path: &Path) -> Result<Self> {
        let failed = |error| files::failed("open", path, error);
        files::check(path)?;
        let mut file = files::open_or_create(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(in_use(file)),
            Err(error) => return Err(files::failed("lock", path, error.into())),
        }
        let owner = Owner {
            pid: std::process::id(),
            since: now(),
        };
        let text = serde_json::to_string(&owner).map_err(|error| failed(error.into()))?;
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Retryable, and the only such error of opening besides a locked database: a caller may read
/// meanwhile.
fn in_use(file: File) -> Error {
    let mut text = String::new();
    let _ = file.take(1024).read_to_string(&mut text);
    let owner = match serde_json::from_str::<Owner>(&text) {
        Ok(Owner { pid, since }) => format!("process {pid} since {since}"),
        // It has the lock and has not written its name yet.
        Err(_) => "another process".to_owned(),
    };
    Error::new(
        ErrorKind::Journal,
        format!("the journal is in use by {owner}; reading works"),
    )
    .retry(RetryAdvice::After(None))
    .with_hint("Wait for that process to end, or let it do the work; reading works meanwhile.")
}

/// For people only, so it may come from the system's clock.
fn now() -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}
