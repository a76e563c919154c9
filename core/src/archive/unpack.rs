//! Reading a whole archive: to check it, or to unpack it into a new folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use sha2::{Digest, Sha256};

use crate::error::{self, Error, ErrorKind, Result};
use crate::secret::Secret;

use super::decrypt::{Fault, Key, Opened, Zip, read_member, with_key};
use super::directory::Entry;
use super::limits::{Limits, check_space};
use super::tree::{Tree, create_private, exists, parent_of};

const BUFFER: usize = 256 << 10;
/// From this size on, one thread decodes a member while another hashes and writes it.
const PIPELINE_FROM: u64 = 4 << 20;

/// What a whole archive was found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Files in it; folders are not counted.
    pub members: u64,
    /// Their size together, unpacked.
    pub bytes: u64,
    /// Whether a secret was needed.
    pub encrypted: bool,
}

/// One unpacked file.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name in the archive, parts joined by `/`.
    pub name: String,
    /// Where it lies now.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: [u8; 32],
}

impl std::fmt::Debug for Member {
    // A name may hold an id.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// Whether unpacked members must outlive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// They are what the caller wants.
    Durable,
    /// They are an intermediate step; the archive is still there to begin again with.
    Scratch,
}

/// Checks everything that can be checked without a secret. A download that was cut off fails
/// here.
pub fn check_structure(path: &Path, limits: &Limits) -> Result<Verified> {
    Opened::open(path, limits).map(|opened| summary(&opened))
}

/// Reads every byte of the archive and verifies it, and writes nothing.
pub fn verify(
    path: &Path,
    secrets: &[Secret],
    limits: &Limits,
    allow_plain: bool,
) -> Result<Verified> {
    let opened = Opened::open(path, limits)?;
    with_key(&opened, secrets, allow_plain, |key| {
        for_each_entry(&opened, limits, |worker, index, entry| {
            read_member(
                &mut worker.zip,
                index,
                entry,
                key,
                &mut worker.buffer,
                |_| Ok(()),
            )
        })
    })?;
    Ok(summary(&opened))
}

/// Unpacks the archive into the folder `into`, which must not exist yet. It appears complete, or
/// not at all; the members are listed in the archive's order.
///
/// It works in a hidden folder beside `into`; what an interrupted call left there is removed.
pub fn unpack(
    path: &Path,
    secrets: &[Secret],
    limits: &Limits,
    allow_plain: bool,
    into: &Path,
    keep: Keep,
) -> Result<Vec<Member>> {
    let opened = Opened::open(path, limits)?;
    if into.symlink_metadata().is_ok() {
        return Err(exists(into));
    }
    let parent = parent_of(into);
    create_private(parent, true)?;
    check_space(parent, summary(&opened).bytes)?;
    let name = into.file_name().ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            "the folder to unpack into has no name",
        )
    })?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".unpacking");
    let hidden = parent.join(hidden);

    let (tree, members) = with_key(&opened, secrets, allow_plain, |key| {
        let tree = Tree::create(hidden.clone()).map_err(Fault::Other)?;
        let members = for_each_entry(&opened, limits, |worker, index, entry| {
            if entry.is_dir {
                tree.create_folder(&entry.name).map_err(Fault::Other)?;
                // Nothing is in it, but even nothing has a checksum that can be wrong.
                read_member(
                    &mut worker.zip,
                    index,
                    entry,
                    key,
                    &mut worker.buffer,
                    |_| Ok(()),
                )?;
                return Ok(None);
            }
            let mut out = Out::create(&tree, entry).map_err(Fault::Other)?;
            if entry.size >= PIPELINE_FROM {
                out = pipeline(&mut worker.zip, index, entry, key, out)?;
            } else {
                read_member(
                    &mut worker.zip,
                    index,
                    entry,
                    key,
                    &mut worker.buffer,
                    |piece| out.write(piece),
                )?;
            }
            Ok(Some(Member {
                name: entry.name.clone(),
                path: into.join(&entry.name),
                bytes: entry.size,
                sha256: out.hash.finalize().into(),
            }))
        })?;
        Ok((tree, members))
    })?;
    tree.publish(into, keep == Keep::Durable)?;
    Ok(members.into_iter().flatten().collect())
}

fn summary(opened: &Opened) -> Verified {
    let entries = &opened.directory.entries;
    Verified {
        members: entries.iter().filter(|e| !e.is_dir).count() as u64,
        bytes: entries.iter().map(|e| e.size).sum(),
        encrypted: entries.iter().any(Entry::is_encrypted),
    }
}

/// A file being written, and the hash of what it holds.
struct Out<'a> {
    file: File,
    hash: Sha256,
    root: &'a Path,
}

impl<'a> Out<'a> {
    fn create(tree: &'a Tree, entry: &Entry) -> Result<Self> {
        Ok(Self {
            file: tree.create_file(&entry.name)?,
            hash: Sha256::new(),
            root: tree.path(),
        })
    }

    fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.hash.update(piece);
        self.file
            .write_all(piece)
            .map_err(|e| error::io("write in", self.root, e))
    }
}

/// Decodes here, hashes and writes in a second thread.
fn pipeline<'a>(
    zip: &mut Zip,
    index: usize,
    entry: &Entry,
    key: Key<'_>,
    mut out: Out<'a>,
) -> Result<Out<'a>, Fault> {
    thread::scope(|scope| {
        let (full, pieces) = mpsc::sync_channel::<Vec<u8>>(4);
        let (empty, spare) = mpsc::channel::<Vec<u8>>();
        let writer = scope.spawn(move || -> Result<Out<'a>> {
            for piece in pieces {
                out.write(&piece)?;
                // The reader may have finished already.
                let _ = empty.send(piece);
            }
            Ok(out)
        });
        let mut buffer = vec![0; BUFFER];
        let read = read_member(zip, index, entry, key, &mut buffer, |piece| {
            let mut copy = spare.try_recv().unwrap_or_default();
            copy.clear();
            copy.extend_from_slice(piece);
            full.send(copy).map_err(|_| lost_thread())
        });
        drop(full);
        // A failed write ends the reading too: then its reason is the one to tell.
        let out = writer
            .join()
            .unwrap_or_else(|_| Err(lost_thread()))
            .map_err(Fault::Other)?;
        read.map(|()| out)
    })
}

/// What a thread needs to decode members.
struct Worker {
    zip: Zip,
    buffer: Vec<u8>,
}

/// Runs `job` on every entry, on several threads, each taking the next one that is left. Of
/// several faults the one of the first entry is told, so that the same archive fails alike.
fn for_each_entry<T: Send>(
    opened: &Opened,
    limits: &Limits,
    job: impl Fn(&mut Worker, usize, &Entry) -> Result<T, Fault> + Sync,
) -> Result<Vec<T>, Fault> {
    let entries = &opened.directory.entries;
    let next = AtomicUsize::new(0);
    let first_fault: Mutex<Option<(usize, Fault)>> = Mutex::new(None);
    let work = || {
        let mut worker = Worker {
            zip: opened.zip.clone(),
            buffer: vec![0; BUFFER],
        };
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = entries.get(index) else {
                return done;
            };
            match job(&mut worker, index, entry) {
                Ok(result) => done.push((index, result)),
                Err(fault) => {
                    next.store(entries.len(), Ordering::Relaxed);
                    let mut first = first_fault.lock().unwrap_or_else(PoisonError::into_inner);
                    if first.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
                        *first = Some((index, fault));
                    }
                    return done;
                }
            }
        }
    };
    let threads = limits.threads.clamp(1, entries.len().max(1));
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(_) => return Err(Fault::Other(lost_thread())),
            }
        }
        Ok(done)
    })?;
    if let Some((_, fault)) = first_fault
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        return Err(fault);
    }
    done.sort_unstable_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

fn lost_thread() -> Error {
    Error::new(ErrorKind::Internal, "a thread that unpacks was lost")
}
