//! Reading a whole archive: to check it, or to unpack it into a new folder.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::{self, Error, ErrorKind, Result};
use crate::secret::Secret;

use super::decode::{TOGETHER, Worker, lost_thread, read_in_parallel};
use super::directory::{Cipher, Entry};
use super::keys::{Fault, Key, Opened, with_key};
use super::limits::{Limits, check_space};
use super::tree::{Tree, create_private, exists, parent_of};
use super::zipcrypto::SIDE_BY_SIDE;

/// From this size on, one member is worth several threads.
const PARALLEL_FROM: u64 = 4 << 20;

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
        for_each_entry(&opened, limits, key, |worker, index, entry| {
            worker.read(&opened.file, index, entry, key, |_| Ok(()))
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
        let members = for_each_entry(&opened, limits, key, |worker, index, entry| {
            if entry.is_dir {
                tree.create_folder(&entry.name).map_err(Fault::Other)?;
                // Nothing is in it, but even nothing has a checksum that can be wrong.
                worker.read(&opened.file, index, entry, key, |_| Ok(()))?;
                return Ok(None);
            }
            let mut out = tree.create_file(&entry.name).map_err(Fault::Other)?;
            let write = |piece: &[u8]| {
                out.write_all(piece)
                    .map_err(|e| error::io("write in", tree.path(), e))
            };
            if entry.size >= PARALLEL_FROM {
                read_in_parallel(&opened.file, index, entry, key, write)?;
            } else {
                worker.read(&opened.file, index, entry, key, write)?;
            }
            Ok(Some(Member {
                name: entry.name.clone(),
                path: into.join(&entry.name),
                bytes: entry.size,
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

/// Runs `job` on every entry, on several threads, each taking the next turn that is left. Of
/// several faults the one of the first entry is told, so that the same archive fails alike.
fn for_each_entry<T: Send>(
    opened: &Opened,
    limits: &Limits,
    key: Key<'_>,
    job: impl Fn(&mut Worker, usize, &Entry) -> Result<T, Fault> + Sync,
) -> Result<Vec<T>, Fault> {
    let entries = &opened.directory.entries;
    let turns = turns(entries);
    let next = AtomicUsize::new(0);
    let first_fault: Mutex<Option<(usize, Fault)>> = Mutex::new(None);
    let work = || {
        let mut worker = Worker::new();
        let mut done = Vec::new();
        loop {
            let turn = turns.get(next.fetch_add(1, Ordering::Relaxed));
            let Some((first, some)) = turn else {
                return done;
            };
            worker.prepare(&opened.file, *first, some, key);
            for (index, entry) in (*first..).zip(*some) {
                match job(&mut worker, index, entry) {
                    Ok(result) => done.push((index, result)),
                    Err(fault) => {
                        next.store(turns.len(), Ordering::Relaxed);
                        let mut first = first_fault.lock().unwrap_or_else(PoisonError::into_inner);
                        if first.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
                            *first = Some((index, fault));
                        }
                        return done;
                    }
                }
            }
        }
    };
    let threads = limits.threads.clamp(1, turns.len().max(1));
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

/// Entries that one thread takes at a time, and the number of the first: one, or several small ones
/// that are decrypted side by side.
fn turns(entries: &[Entry]) -> Vec<(usize, &[Entry])> {
    let mut turns = Vec::new();
    let mut at = 0;
    while let Some(rest) = entries.get(at..).filter(|rest| !rest.is_empty()) {
        let mut sum = 0;
        let fits = |entry: &&Entry| {
            sum += entry.packed;
            entry.cipher == Cipher::ZipCrypto && entry.size < PARALLEL_FROM && sum <= TOGETHER
        };
        let count = rest.iter().take(SIDE_BY_SIDE).take_while(fits).count();
        let turn = rest.get(..count.max(1)).unwrap_or_default();
        turns.push((at, turn));
        at += turn.len();
    }
    turns
}
