//! The file behind a vendor that survives its process: one JSON line per thing that happened.
//!
//! A line is in the operating system's hands before the answer goes out, which outlives a kill of
//! this process. It is not synced to the disk: a simulation does not have to outlive a power cut.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::options::Options;
use crate::seen::Seen;

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(tag = "log", rename_all = "snake_case")]
pub(crate) enum Line {
    Start { format: u32, options: Box<Options> },
    Request(Box<Seen>),
    Faults { at_ms: i64, faults: Vec<Fault> },
    Now { at_ms: i64 },
    Called { at_ms: i64 },
    Answered { call: String, status: u16 },
}

pub(crate) struct Log {
    file: File,
}

impl Log {
    pub fn open(path: &Path, options: &Options) -> io::Result<(Self, Vec<Line>)> {
        let mut file = private(path)?;
        // Two vendors appending to one file would tell two stories.
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                "another process has the sandbox's state file open",
            ),
            TryLockError::Error(error) => error,
        })?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        file.set_len(whole as u64)?;
        file.seek(io::SeekFrom::End(0))?;
        text.truncate(whole);

        let mut lines = Vec::new();
        for (number, line) in text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .enumerate()
        {
            lines.push(serde_json::from_slice(line).map_err(|_| damaged(number + 1))?);
        }
        let mut log = Self { file };
        match lines.first() {
            None => log.append(&Line::Start {
                format: FORMAT,
                options: Box::new(options.clone()),
            })?,
            Some(Line::Start {
                format: FORMAT,
                options: written,
            }) if **written == *options => {}
            Some(Line::Start { format: FORMAT, .. }) => {
                return Err(invalid(
                    "the sandbox's state file was written with other options",
                ));
            }
            Some(_) => return Err(invalid("not a state file of this version of the sandbox")),
        }
        Ok((log, lines))
    }

    pub fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }
}

fn private(path: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = how.mode(0o600).open(path)?;
        // It holds the ids of whoever was sent: an older, wider mode is taken back.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    how.open(path)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn damaged(line: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("line {line} of the sandbox's state file is damaged"),
    )
}
