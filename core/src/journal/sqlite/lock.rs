//! One runner for each journal. The lock belongs to the open file, so the kernel frees it however
//! the process ends; the file itself stays, and tells people who has it.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, RetryAdvice};
use crate::journal::files;

/// Held as long as this lives.
pub(super) struct OwnerLock {
    file: File,
    /// Whom the file named before.
    before: Option<Owner>,
}

/// What the lock file says.
#[derive(Serialize, Deserialize)]
struct Owner {
    pid: u32,
    since: String,
    /// The machine, its current start, and the journal's file on it. They tell a journal that is
    /// carried on from a copy of it.
    #[serde(default)]
    host: String,
    #[serde(default)]
    boot: String,
    #[serde(default)]
    file: u64,
}

impl Owner {
    fn now(file: u64) -> Self {
        let host = rustix::system::uname();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        Self {
            pid: std::process::id(),
            since: now(),
            host: host.nodename().to_string_lossy().into_owned(),
            boot: boot.unwrap_or_default().trim().to_owned(),
            file,
        }
    }

    /// Why a journal that this owner had before may be a copy. A machine that was started anew
    /// keeps its name, and a container with a new name runs on the same start of its machine.
    fn doubt(&self, now: &Self) -> Option<&'static str> {
        let known = |one: &str, other: &str| !one.is_empty() && !other.is_empty();
        let same_boot = known(&self.boot, &now.boot) && self.boot == now.boot;
        if known(&self.host, &now.host) && self.host != now.host && !same_boot {
            return Some("it was last used on another machine");
        }
        if same_boot && self.file != 0 && self.file != now.file {
            return Some("its file is another one than last time");
        }
        None
    }
}

impl OwnerLock {
    /// Takes the lock, or says who has it. Does not wait.
    pub fn take(path: &Path) -> Result<Self> {
        let failed = |error| files::failed("write", path, error);
        files::check(path)?;
        let mut file = files::open_or_create(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(in_use(file)),
            Err(error) => return Err(files::failed("lock", path, error.into())),
        }
        let mut text = String::new();
        let _ = (&mut file).take(1024).read_to_string(&mut text);
        let mut lock = Self {
            file,
            before: serde_json::from_str(&text).ok(),
        };
        lock.write(&Owner::now(0)).map_err(failed)?;
        Ok(lock)
    }

    /// Notes which file the lock is for. Gives why that file may be a copy of the one before.
    pub fn mark(&mut self, journal: &Path, made: bool) -> Result<Option<&'static str>> {
        let failed = |error| files::failed("examine", journal, error);
        let file = std::fs::symlink_metadata(journal).map_err(failed)?.ino();
        let owner = Owner::now(file);
        self.write(&owner).map_err(failed)?;
        Ok(match &self.before {
            _ if made => None,
            Some(before) => before.doubt(&owner),
            None => Some("it came without its lock file"),
        })
    }

    fn write(&mut self, owner: &Owner) -> std::io::Result<()> {
        let text = serde_json::to_string(owner)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

/// Retryable, and the only such error of opening besides a locked database: a caller may read
/// meanwhile.
fn in_use(file: File) -> Error {
    let mut text = String::new();
    let _ = file.take(1024).read_to_string(&mut text);
    let mut hint = "Wait for that process to end, or let it do the work; reading works meanwhile.";
    let owner = match serde_json::from_str::<Owner>(&text) {
        Ok(Owner { pid, since, .. }) if pid == std::process::id() => {
            hint = "Use the client that this program has open already, or close it first.";
            format!("process {pid} since {since}, which is this one")
        }
        Ok(Owner { pid, since, .. }) => format!("process {pid} since {since}"),
        // It has the lock and has not written its name yet.
        Err(_) => "another process".to_owned(),
    };
    Error::new(
        ErrorKind::Journal,
        format!("the journal is in use by {owner}; reading works"),
    )
    .retry(RetryAdvice::After(None))
    .with_hint(hint)
}

/// For people only, so it may come from the system's clock.
fn now() -> String {
    let now = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(now).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(host: &str, boot: &str, file: u64) -> Owner {
        Owner {
            pid: 1,
            since: String::new(),
            host: host.into(),
            boot: boot.into(),
            file,
        }
    }

    #[test]
    fn a_copy_is_told_from_a_new_start() {
        for (before, now, doubted) in [
            (owner("a", "1", 7), owner("a", "1", 7), false),
            // Started anew; file systems may number their files anew with it.
            (owner("a", "1", 7), owner("a", "2", 8), false),
            // A container of another name on the same machine.
            (owner("a", "1", 7), owner("b", "1", 7), false),
            (owner("a", "1", 7), owner("b", "2", 7), true),
            (owner("a", "1", 7), owner("a", "1", 8), true),
            // Where there is no number of the start, the name has to do.
            (owner("a", "", 7), owner("b", "", 7), true),
            (owner("a", "", 7), owner("a", "", 8), false),
            // Written before these were, or cut short.
            (owner("", "", 0), owner("b", "2", 7), false),
            (owner("a", "1", 0), owner("a", "1", 8), false),
        ] {
            assert_eq!(before.doubt(&now).is_some(), doubted);
        }
    }
}
