//! The records of all people on their way to the files.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use sha2::{Digest, Sha256};

use crate::error::{self, Error, ErrorKind, Result};

use super::judge::Judged;
use super::lines::Kind;
use super::split::{Share, ShareFile};
use super::tree::create_private;

/// Bytes waiting to be written, over all people. A file is opened only to append what waits for
/// it, so that the number of open files stays small, whatever the number of people.
const WAITING: usize = 64 << 20;
pub(super) const FILES: [&str; 2] = ["data/events.jsonl", "data/profile.jsonl"];

pub(super) struct Spool {
    root: PathBuf,
    people: Vec<[Pile; 2]>,
    /// Blocks that piles refer to, and the bytes in them.
    blocks: Vec<Vec<u8>>,
    waiting: usize,
    threads: usize,
}

#[derive(Default)]
struct Pile {
    /// Block, from, to.
    waiting: Vec<(u32, u32, u32)>,
    lines: u64,
    bytes: u64,
    hash: Sha256,
}

impl Spool {
    pub(super) fn new(people: usize, into: &Path, threads: usize) -> Result<Self> {
        let root = into.join("subjects");
        create_private(&root, false)?;
        for n in 0..people {
            create_private(&root.join(n.to_string()), false)?;
        }
        Ok(Self {
            root,
            people: (0..people).map(|_| Default::default()).collect(),
            blocks: Vec::new(),
            waiting: 0,
            threads,
        })
    }

    /// Takes what belongs to people; the rest of the block was dealt with.
    pub(super) fn add(&mut self, judged: Judged) -> Result<()> {
        let lost = || Error::new(ErrorKind::Internal, "a record without a place");
        let block = u32::try_from(self.blocks.len()).map_err(|_| lost())?;
        let mut any = false;
        for piece in &judged.pieces {
            let Some((person, kind)) = piece.owner else {
                continue;
            };
            let [events, profile] = self.people.get_mut(person).ok_or_else(lost)?;
            let pile = match kind {
                Kind::Event => events,
                Kind::Profile => profile,
            };
            let (Ok(from), Ok(to)) = (u32::try_from(piece.from), u32::try_from(piece.to)) else {
                return Err(lost());
            };
            pile.lines += 1;
            pile.waiting.push((block, from, to));
            // What is remembered of a record weighs something as well.
            self.waiting += 12;
            any = true;
        }
        if any {
            self.waiting += judged.data.len();
            self.blocks.push(judged.data);
        }
        if self.waiting >= WAITING {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let (blocks, root) = (&self.blocks, &self.root);
        let each = self.people.len().div_ceil(self.threads.max(1)).max(1);
        let parts = self.people.chunks_mut(each).enumerate();
        thread::scope(|scope| {
            let writers: Vec<_> = parts
                .map(|(n, part)| scope.spawn(move || write(part, n * each, root, blocks)))
                .collect();
            writers.into_iter().try_for_each(|writer| {
                let lost = || {
                    Err(Error::new(
                        ErrorKind::Internal,
                        "a thread that splits was lost",
                    ))
                };
                writer.join().unwrap_or_else(|_| lost())
            })
        })?;
        self.blocks.clear();
        self.waiting = 0;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<Share>> {
        self.flush()?;
        let root = self.root;
        let share = |(n, piles): (usize, [Pile; 2])| Share {
            dir: root.join(n.to_string()),
            files: FILES
                .iter()
                .zip(piles)
                .filter(|(_, pile)| pile.lines > 0)
                .map(|(name, pile)| ShareFile {
                    name,
                    lines: pile.lines,
                    bytes: pile.bytes,
                    sha256: pile.hash.finalize().into(),
                })
                .collect(),
        };
        Ok(self.people.into_iter().enumerate().map(share).collect())
    }
}

/// Appends what waits for these people, who are numbered from `first` on.
fn write(people: &mut [[Pile; 2]], first: usize, root: &Path, blocks: &[Vec<u8>]) -> Result<()> {
    let mut together = Vec::new();
    for (n, piles) in people.iter_mut().enumerate() {
        for (name, pile) in FILES.iter().zip(piles) {
            if pile.waiting.is_empty() {
                continue;
            }
            together.clear();
            for (block, from, to) in pile.waiting.drain(..) {
                let block = blocks.get(block as usize).map_or(&[][..], Vec::as_slice);
                together
                    .extend_from_slice(block.get(from as usize..to as usize).unwrap_or_default());
                if !together.ends_with(b"\n") {
                    // The last line of a member; without this the next member's first would join it.
                    together.push(b'\n');
                }
            }
            pile.waiting.shrink_to(64);
            let dir = root.join((first + n).to_string());
            if pile.bytes == 0 && !dir.join("data").exists() {
                create_private(&dir.join("data"), false)?;
            }
            append(&dir.join(name))
                .and_then(|mut file| file.write_all(&together))
                .map_err(|e| error::io("write in", &dir, e))?;
            pile.hash.update(&together);
            pile.bytes += together.len() as u64;
            // One very long line would stay in memory.
            together.shrink_to(1 << 20);
        }
    }
    Ok(())
}

pub(super) fn append(path: &Path) -> std::io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
}
