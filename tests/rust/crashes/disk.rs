//! A model of a disk: what was written lies in a cache, and only what was flushed is sure to be
//! there after the power has gone. Of the rest any part may be there, in any order, names too.

use std::collections::BTreeMap;
use std::path::Path;

use crate::draw::Draw;

/// One thing that a process did to the disk.
#[derive(Debug)]
pub struct Op {
    what: What,
    inode: u64,
    name: String,
    offset: usize,
    bytes: Vec<u8>,
}

#[derive(Debug, PartialEq)]
enum What {
    Write,
    Cut,
    Sync,
    /// A file gets a name.
    Name,
    Unlink,
    /// A name that is in a directory that is flushed next.
    Entry,
}

impl Op {
    /// What `tests/disk/shim.c` recorded.
    pub fn read(mut record: &[u8]) -> Vec<Self> {
        let mut ops = Vec::new();
        while let Some(end) = record.iter().position(|byte| *byte == b'\n') {
            let head = std::str::from_utf8(&record[..end]).unwrap();
            let words: Vec<&str> = head.split(' ').collect();
            let number = |at: usize| words[at].parse::<usize>().unwrap();
            let bytes = number(4);
            record = &record[end + 1..];
            ops.push(Self {
                what: match words[0] {
                    "write" => What::Write,
                    "cut" => What::Cut,
                    "sync" => What::Sync,
                    "name" => What::Name,
                    "unlink" => What::Unlink,
                    "entry" => What::Entry,
                    other => panic!("{other}"),
                },
                inode: number(1) as u64,
                name: words[2].to_owned(),
                offset: number(3),
                bytes: record[..bytes].to_vec(),
            });
            record = &record[bytes..];
        }
        // Shared memory is gone with the power, and what a test says is no part of the disk.
        ops.retain(|op| !op.name.ends_with("-shm"));
        ops
    }

    pub fn is_sync(&self) -> bool {
        self.what == What::Sync
    }
}

/// When the power goes, and what goes with it.
#[derive(Clone, Debug)]
pub struct Loss {
    pub at: usize,
    /// `None`: everything that was not flushed.
    seed: Option<u64>,
}

impl Loss {
    pub fn everything(at: usize) -> Self {
        Self { at, seed: None }
    }
    /// Half of it, chosen by the seed.
    pub fn some(at: usize, seed: u64) -> Self {
        Self {
            at,
            seed: Some(seed),
        }
    }
}

#[derive(Clone, Default)]
struct File {
    flushed: Vec<u8>,
    cached: Vec<(bool, usize, Vec<u8>)>,
}

impl File {
    fn apply(bytes: &mut Vec<u8>, (cut, offset, written): &(bool, usize, Vec<u8>)) {
        if *cut {
            bytes.resize(*offset, 0);
            return;
        }
        let end = offset + written.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[*offset..end].copy_from_slice(written);
    }
}

/// The disk as it follows a process.
#[derive(Default)]
pub struct Disk {
    files: BTreeMap<u64, File>,
    /// Names as they are for sure, and what was done to them since: a name and its file.
    names: BTreeMap<String, u64>,
    unsure: Vec<(String, Option<u64>)>,
    listed: Vec<(String, u64)>,
    acks: String,
}

impl Disk {
    pub fn follow(&mut self, op: &Op) {
        if op.name == "acks" {
            self.acks.push_str(&String::from_utf8_lossy(&op.bytes));
            return;
        }
        let known = |name: &str, inode| {
            let latest = self.unsure.iter().rev().find(|(other, _)| other == name);
            latest.map_or(self.names.get(name).copied(), |(_, now)| *now) == Some(inode)
        };
        match op.what {
            What::Write | What::Cut => {
                // Made by an open that nobody saw.
                if !known(&op.name, op.inode) {
                    self.unsure.push((op.name.clone(), Some(op.inode)));
                }
                let write = (op.what == What::Cut, op.offset, op.bytes.clone());
                self.files.entry(op.inode).or_default().cached.push(write);
            }
            What::Entry => self.listed.push((op.name.clone(), op.inode)),
            What::Sync if !self.files.contains_key(&op.inode) => {
                // A directory: what it lists is what there is.
                let folder = op.name.trim_start_matches('.');
                let inside = |name: &str| match name.rsplit_once('/') {
                    Some((of, _)) => of == folder,
                    None => folder.is_empty(),
                };
                self.names.retain(|name, _| !inside(name));
                self.unsure.retain(|(name, _)| !inside(name));
                self.names.extend(self.listed.drain(..));
            }
            What::Sync => {
                if let Some(file) = self.files.get_mut(&op.inode) {
                    for write in file.cached.drain(..) {
                        File::apply(&mut file.flushed, &write);
                    }
                }
            }
            What::Name => self.unsure.push((op.name.clone(), Some(op.inode))),
            What::Unlink => self.unsure.push((op.name.clone(), None)),
        }
    }

    /// How many events the process knew to be committed; `None` before its first call.
    pub fn acknowledged(&self) -> Option<u64> {
        self.acks.lines().last()?.parse().ok()
    }

    /// Writes what is there when the power is back.
    pub fn after(&self, loss: &Loss, draw: &mut Draw, place: &Path) {
        let mut draw = loss.seed.map(|seed| Draw::new(draw.next() ^ seed, "loss"));
        let mut kept = || draw.as_mut().is_some_and(|draw| draw.chance(50));
        let mut names = self.names.clone();
        // A directory is a journal of its own in every file system that is in use: in order.
        for (name, inode) in self.unsure.iter().take_while(|_| kept()) {
            match inode {
                Some(inode) => _ = names.insert(name.clone(), *inode),
                None => _ = names.remove(name),
            }
        }
        for (name, inode) in names {
            let file = self.files.get(&inode).cloned().unwrap_or_default();
            let mut bytes = file.flushed;
            for (cut, offset, mut written) in file.cached {
                // Sectors are whole, writes are not.
                let mut from = 0;
                if cut {
                    if kept() {
                        File::apply(&mut bytes, &(true, offset, written));
                    }
                    continue;
                }
                while !written.is_empty() {
                    let rest = written.split_off(written.len().min(512));
                    let part = (false, offset + from, std::mem::replace(&mut written, rest));
                    from += part.2.len();
                    if kept() {
                        File::apply(&mut bytes, &part);
                    }
                }
            }
            let path = place.join(name);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).unwrap();
            }
            std::fs::write(&path, bytes).unwrap();
            let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, owner_only).unwrap();
        }
    }
}
