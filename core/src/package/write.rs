//! Puts the parts of an archive into place, one package a person.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{self, Error, ErrorKind, Result};

use super::folder::{create_private, exchange, folder_name, sync, sync_folder};
use super::manifest::{Manifest, Origin, same_content, same_tasks};

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
    /// Its path in the package: `data/events.jsonl` or `data/profile.jsonl`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: [u8; 32],
    /// How many events or profiles it holds.
    pub records: u64,
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

/// Writes a package for each part: `<out>/subjects/<folder>/`. Each appears complete or not at
/// all; it can be repeated. A package that another task wrote is not touched: then nothing is
/// written for anybody, and the message says so.
pub fn write_all(out: &Path, origin: &Origin, parts: Vec<Part>) -> Result<Vec<Written>> {
    let subjects = out.join("subjects");
    create_private(&subjects)?;
    let mut plans = Vec::with_capacity(parts.len());
    for part in parts {
        plans.push(plan(&subjects, origin, part)?);
    }
    // Everything is on the disk before anything gets its name.
    sync(out).map_err(|e| error::io("write", out, e))?;
    let written = plans
        .into_iter()
        .map(|plan| plan.carry_out(&subjects))
        .collect::<Result<Vec<_>>>()?;
    sync_folder(&subjects)?;
    Ok(written)
}

struct Plan {
    dir: PathBuf,
    target: PathBuf,
    written: Written,
}

/// Decides what becomes of a package and completes its folder in the workspace.
fn plan(subjects: &Path, origin: &Origin, part: Part) -> Result<Plan> {
    let name = folder_name(&part.subject);
    let target = subjects.join(&name);
    let manifest = Manifest::new(origin, &part.subject, &part.files);
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
        Ok(_) => match read_manifest(&target) {
            Some((old, old_text)) if same_content(&old, &new) && is_sound(&target, &part.files) => {
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
                .with_hint("Collect into another folder, or move the old packages away."));
            }
        },
    };
    if state != State::Kept {
        write_new(&part.dir.join("manifest.json"), &text)
            .map_err(|e| error::io("write a manifest in", subjects, e))?;
    }
    let count = |field: &str| {
        new.pointer(field)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    Ok(Plan {
        dir: part.dir,
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
            exchange(&self.dir, &self.target)
                .map_err(|e| error::io("create a package in", subjects, e))?;
        }
        Ok(self.written)
    }
}

fn read_manifest(package: &Path) -> Option<(Value, Vec<u8>)> {
    let text = fs::read(package.join("manifest.json")).ok()?;
    Some((serde_json::from_slice(&text).ok()?, text))
}

/// Whether the files are there with the content they should have.
fn is_sound(package: &Path, files: &[DataFile]) -> bool {
    files.iter().all(|file| {
        let hash = || -> io::Result<[u8; 32]> {
            let mut hash = Sha256::new();
            io::copy(
                &mut File::open(package.join(&file.path))?,
                &mut Hashing(&mut hash),
            )?;
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
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)?
        .write_all(text)
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
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::super::{Archive, Workspace};
    use super::*;

    fn origin(task_id: &str, archive: u8, collected_at: &str) -> Origin {
        Origin {
            vendor: "mixpanel".into(),
            archives: vec![Archive {
                task_id: task_id.into(),
                bytes: 9,
                sha256: [archive; 32],
            }],
            times: [("collected_at".to_owned(), collected_at.to_owned())].into(),
        }
    }

    /// Two people: one with an event, one of whom nothing was found.
    fn run(out: &Path, origin: &Origin, event: &str) -> Result<Vec<Written>> {
        let work = Workspace::open(out, &origin.archives[0].task_id)?;
        let parts = [("ann@x", Some(event)), ("bob", None)].map(|(subject, event)| {
            let dir = work.path(&folder_name(subject));
            create_private(&dir.join("data")).expect("folder");
            let files = event.map(|event| {
                write_new(&dir.join("data/events.jsonl"), event.as_bytes()).expect("file");
                DataFile {
                    path: "data/events.jsonl".into(),
                    bytes: event.len() as u64,
                    sha256: Sha256::digest(event).into(),
                    records: 1,
                }
            });
            Part {
                subject: subject.into(),
                dir,
                files: files.into_iter().collect(),
            }
        });
        write_all(out, origin, parts.into())
    }

    fn states(written: &[Written]) -> Vec<State> {
        written.iter().map(|w| w.state).collect()
    }

    #[test]
    fn a_package_is_complete_private_and_described() {
        let dir = tempfile::tempdir().expect("temp dir");
        let out = dir.path().join("out");
        let written = run(&out, &origin("t1", 1, "now"), "{}\n").expect("written");
        assert_eq!(states(&written), [State::New, State::New]);
        assert_eq!((written[0].events, written[0].profiles), (1, 0));
        assert_eq!((written[1].events, written[1].profiles), (0, 0));
        let package = out.join(&written[0].folder);
        let text = fs::read(package.join("manifest.json")).expect("manifest");
        assert_eq!(
            written[0].manifest_sha256,
            <[u8; 32]>::from(Sha256::digest(&text))
        );
        let manifest: Value = serde_json::from_slice(&text).expect("json");
        for (field, value) in [
            ("/format", "dsrkit-package-1"),
            ("/dsrkit", env!("CARGO_PKG_VERSION")),
            ("/vendor", "mixpanel"),
            ("/subject", "ann@x"),
            ("/sources/0/task_id", "t1"),
            ("/sources/0/archive_sha256", &"01".repeat(32)),
            ("/files/0/path", "data/events.jsonl"),
            ("/files/0/sha256", &hex(&Sha256::digest("{}\n"))),
            ("/times/collected_at", "now"),
        ] {
            assert_eq!(
                manifest.pointer(field).and_then(Value::as_str),
                Some(value),
                "{field}"
            );
        }
        let empty = fs::read(out.join(&written[1].folder).join("manifest.json")).expect("manifest");
        let empty: Value = serde_json::from_slice(&empty).expect("json");
        assert_eq!(
            empty["counts"],
            serde_json::json!({"events": 0, "profiles": 0})
        );
        assert_eq!(empty["files"], serde_json::json!([]));
        let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&out.join("subjects")), 0o700);
        assert_eq!(mode(&package), 0o700);
        assert_eq!(mode(&package.join("manifest.json")), 0o600);
        assert_eq!(
            fs::read_dir(&out).expect("out").count(),
            1,
            "no workspace is left"
        );
    }

    #[test]
    fn the_same_again_keeps_and_a_damaged_one_is_replaced() {
        let dir = tempfile::tempdir().expect("temp dir");
        let out = dir.path();
        let first = run(out, &origin("t1", 1, "now"), "{}\n").expect("written");
        let package = out.join(&first[0].folder);
        let inode = || fs::metadata(&package).expect("package").ino();
        let before = inode();
        let again = run(out, &origin("t1", 1, "later"), "{}\n").expect("again");
        assert_eq!(states(&again), [State::Kept, State::Kept]);
        assert_eq!(again[0].manifest_sha256, first[0].manifest_sha256);
        assert_eq!(inode(), before);

        fs::write(package.join("data/events.jsonl"), "[]\n").expect("damage");
        let repaired = run(out, &origin("t1", 1, "later"), "{}\n").expect("repaired");
        assert_eq!(states(&repaired), [State::Replaced, State::Kept]);
        assert_eq!(
            fs::read(package.join("data/events.jsonl")).expect("file"),
            b"{}\n"
        );
        // Fetched anew: another archive of the same task.
        let newer = run(out, &origin("t1", 2, "later"), "{ }\n").expect("newer");
        assert_eq!(states(&newer), [State::Replaced, State::Replaced]);
        assert_eq!(
            fs::read(package.join("data/events.jsonl")).expect("file"),
            b"{ }\n"
        );
        assert_eq!(fs::read_dir(out).expect("out").count(), 1);
    }

    #[test]
    fn what_another_task_or_person_put_there_is_not_touched() {
        let dir = tempfile::tempdir().expect("temp dir");
        let out = dir.path();
        let first = run(out, &origin("t1", 1, "now"), "{}\n").expect("written");
        let error = run(out, &origin("t2", 1, "now"), "{}\n").expect_err("another task");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(!error.to_string().contains("ann"), "{error}");
        let package = out.join(&first[0].folder);
        fs::remove_file(package.join("manifest.json")).expect("foreign");
        run(out, &origin("t1", 1, "now"), "{}\n").expect_err("no manifest");
        fs::remove_dir_all(&package).expect("removed");
        std::os::unix::fs::symlink("/nowhere", &package).expect("link");
        run(out, &origin("t1", 1, "now"), "{}\n").expect_err("a link");
    }
}
