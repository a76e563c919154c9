//! Puts the parts of an archive into place, one package a person.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{self, Error, ErrorKind, Result};
use crate::secret::Secret;

use super::compose::{About, Maker};
use super::digest::new_file;
use super::folder::{create_private, exchange, folder_name, sync, sync_folder};
use super::manifest::{Manifest, Origin, same_content, same_tasks};
use super::protect;

/// One person's finished files, in the workspace.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The person's id.
    pub subject: String,
    /// The folder that holds `files`. It becomes the package.
    pub dir: PathBuf,
    /// What is in it; empty for a person of whom nothing was found.
    pub files: Vec<DataFile>,
}

impl std::fmt::Debug for Part {
    // The id is personal data, and the folder may be named for it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Its path in the package, parts joined by `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: [u8; 32],
    /// How many events or profiles it holds; `None` for a file that is no data.
    pub records: Option<u64>,
}

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was not there before.
    New,
    /// It was there, with the same data of the same archives, and was left as it is.
    Kept,
    /// It was there, from the same tasks but not the same or not sound, and was replaced.
    Replaced,
}

/// A package in its place, for the index of the whole run.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// The person's id.
    pub subject: String,
    /// The package's path below the output folder, parts joined by `/`.
    pub folder: String,
    /// What became of it.
    pub state: State,
    /// Its events.
    pub events: u64,
    /// Its profiles.
    pub profiles: u64,
    /// The hash of its `manifest.json`, which holds the hashes of everything else.
    pub manifest_sha256: [u8; 32],
}

impl std::fmt::Debug for Written {
    // The id is personal data, and the folder may be named for it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Written")
            .field("state", &self.state)
            .field("events", &self.events)
            .field("profiles", &self.profiles)
            .finish_non_exhaustive()
    }
}

/// Writes a package for each part: `<out>/subjects/<folder>/`, or a zip of that name. Each appears
/// complete or not at all; it can be repeated. A package that another task wrote is not touched:
/// then nothing is written for anybody, and the message says so.
pub fn write_all(
    out: &Path,
    origin: &Origin,
    parts: Vec<Part>,
    maker: &Maker,
) -> Result<Vec<Written>> {
    let subjects = out.join("subjects");
    create_private(&subjects)?;
    let plans = in_parallel(parts, |mut part| {
        let about = maker.compose(origin, &mut part)?;
        plan(&subjects, origin, part, &about, maker)
    })?;
    // Everything is on the disk before anything gets its name.
    sync(out).map_err(|e| error::io("write", out, e))?;
    let written = plans
        .into_iter()
        .map(|plan| plan.carry_out(&subjects))
        .collect::<Result<Vec<_>>>()?;
    sync_folder(&subjects)?;
    Ok(written)
}

/// Runs `job` on every part, on all cores. Of several errors the first part's is told.
fn in_parallel<T: Send>(
    parts: Vec<Part>,
    job: impl Fn(Part) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let threads = thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let threads = threads.clamp(1, parts.len().max(1));
    let waiting = Mutex::new(parts.into_iter().enumerate());
    let work = || {
        let mut done = Vec::new();
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next();
            let Some((n, part)) = next else {
                return done;
            };
            let result = job(part);
            if result.is_err() {
                // Nobody begins another one.
                waiting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .by_ref()
                    .for_each(drop);
            }
            done.push((n, result));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            let lost = |_| {
                Error::new(
                    ErrorKind::Internal,
                    "a thread that writes packages was lost",
                )
            };
            done.extend(other.join().map_err(lost)?);
        }
        Ok::<_, Error>(done)
    })?;
    done.sort_unstable_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}

struct Plan {
    /// The folder or zip in the workspace that becomes the package.
    made: PathBuf,
    target: PathBuf,
    written: Written,
}

/// Decides what becomes of a package and completes its folder in the workspace.
fn plan(
    subjects: &Path,
    origin: &Origin,
    part: Part,
    about: &About,
    maker: &Maker,
) -> Result<Plan> {
    let mut name = folder_name(&part.subject);
    let protect = maker.protect.as_ref();
    if protect.is_some() {
        name.push_str(".zip");
    }
    let target = subjects.join(&name);
    let missing = maker.missing_texts();
    let manifest = Manifest::new(origin, &part.subject, &part.files, about, &missing);
    let (new, mut text) = manifest
        .to_value()
        .and_then(|value| Ok((value, serde_json::to_vec_pretty(&manifest)?)))
        .map_err(|e| {
            Error::new(ErrorKind::Internal, "a manifest cannot be written").with_source(e)
        })?;
    text.push(b'\n');
    let state = match fs::symlink_metadata(&target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => State::New,
        // The name of the folder may show an id, so messages name the one above it.
        Err(e) => return Err(error::io("read a package in", subjects, e)),
        Ok(_) => match read_manifest(&target, protect) {
            Some((old, old_text))
                if same_content(&old, &new) && is_sound(&target, protect, &part.files) =>
            {
                text = old_text;
                State::Kept
            }
            Some((old, _)) if same_tasks(&old, &new) => State::Replaced,
            _ => {
                return Err(Error::new(
                    ErrorKind::Io,
                    format!(
                        "a package in {} is not from this task and is not overwritten",
                        subjects.display()
                    ),
                )
                .with_hint(match protect {
                    None => "Collect into another folder, or move the old packages away.",
                    Some(_) => {
                        "Collect with the passphrase of last time, or into another folder, or move the old packages away."
                    }
                }));
            }
        },
    };
    let mut made = part.dir.clone();
    if state != State::Kept {
        write_new(&part.dir.join("manifest.json"), &text)
            .map_err(|e| error::io("write a manifest in", subjects, e))?;
        if let Some(passphrase) = protect {
            made.as_mut_os_string().push(".zip");
            protect::pack(&part.dir, &part.files, origin, passphrase, &made)
                .map_err(|e| error::io("write a package in", subjects, e))?;
        }
    }
    let count = |field: &str| {
        new.pointer(field)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    Ok(Plan {
        made,
        target,
        written: Written {
            subject: part.subject,
            folder: format!("subjects/{name}"),
            state,
            events: count("/counts/events"),
            profiles: count("/counts/profiles"),
            manifest_sha256: Sha256::digest(&text).into(),
        },
    })
}

impl Plan {
    fn carry_out(self, subjects: &Path) -> Result<Written> {
        if self.written.state != State::Kept {
            exchange(&self.made, &self.target)
                .map_err(|e| error::io("create a package in", subjects, e))?;
        }
        Ok(self.written)
    }
}

fn read_manifest(package: &Path, protect: Option<&Secret>) -> Option<(Value, Vec<u8>)> {
    let text = match protect {
        None => fs::read(package.join("manifest.json")).ok()?,
        Some(passphrase) => {
            let mut text = Vec::new();
            protect::read(package, "manifest.json", passphrase, &mut text).ok()?;
            text
        }
    };
    Some((serde_json::from_slice(&text).ok()?, text))
}

/// Whether the files are there with the content they should have.
fn is_sound(package: &Path, protect: Option<&Secret>, files: &[DataFile]) -> bool {
    files.iter().all(|file| {
        let hash = || -> io::Result<[u8; 32]> {
            let mut hash = Sha256::new();
            let mut into = Hashing(&mut hash);
            match protect {
                None => {
                    io::copy(&mut File::open(package.join(&file.path))?, &mut into)?;
                }
                Some(passphrase) => protect::read(package, &file.path, passphrase, &mut into)?,
            }
            Ok(hash.finalize().into())
        };
        hash().is_ok_and(|hash| hash == file.sha256)
    })
}

struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.update(piece);
        Ok(piece.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    new_file(path)?.write_all(text)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
