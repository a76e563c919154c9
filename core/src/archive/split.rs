//! Members to people: every line of every member to the person it names, or to `unassigned`.
//!
//! Lines are never changed, merged or guessed at. Memory does not grow with the archive.

use std::collections::HashMap;
use std::fs::{DirBuilder, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{self, Error, ErrorKind, Result};

use super::lines::{Kind, owner};
use super::tree::create_private;
use super::unpack::Member;

/// A longer line is not read as JSON, it goes to `unassigned` piece by piece.
const LINE: u64 = 4 << 20;
/// Lines waiting to be written, over all people. A file is opened only to append what waits for
/// it, so that the number of open files stays one, whatever the number of people.
const WAITING: usize = 8 << 20;

/// The outcome of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// One for each subject, in the order given, also for those of whom nothing was found.
    pub shares: Vec<Share>,
    /// What fits nobody, one for each member that has any.
    pub unassigned: Vec<Unassigned>,
    /// Where `unassigned` lies, when there is any.
    pub unassigned_dir: Option<PathBuf>,
    /// Lines that hold only blanks, left out of both.
    pub blank_lines: u64,
}

/// One person's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The folder that holds the files; it exists also without any.
    pub dir: PathBuf,
    /// `data/events.jsonl` and `data/profile.jsonl`, as far as there is something in them.
    pub files: Vec<ShareFile>,
}

/// A file of one person's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareFile {
    /// Its path below [`Share::dir`].
    pub name: &'static str,
    /// How many records it holds, one a line.
    pub lines: u64,
    /// Its size.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: [u8; 32],
}

/// What of one member fits nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Unassigned {
    /// The member's name; the file has the same below [`Split::unassigned_dir`].
    pub member: String,
    /// Lines in it; 1 for a member kept whole.
    pub lines: u64,
    /// Its size.
    pub bytes: u64,
    /// The member is not JSON lines at all and was kept as it is.
    pub whole: bool,
}

impl std::fmt::Debug for Unassigned {
    // A name may hold an id.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unassigned")
            .field("lines", &self.lines)
            .field("bytes", &self.bytes)
            .field("whole", &self.whole)
            .finish_non_exhaustive()
    }
}

/// Splits `members` to `subjects`, whose ids are compared byte for byte, into the private folder
/// `into`, which must not exist yet: `subjects/<n>/data/events.jsonl` and `profile.jsonl`, and
/// `unassigned/<member>`. The caller owns `into` and removes it after a failure.
pub fn split(members: &[Member], subjects: &[String], into: &Path) -> Result<Split> {
    create_private(into, false)?;
    let mut spool = Spool::new(subjects, into)?;
    let unassigned_dir = into.join("unassigned");
    let mut unassigned = Vec::new();
    let mut blank_lines = 0;
    for member in members {
        let mut rest = Rest::new(&unassigned_dir, &member.name);
        blank_lines += split_member(member, &mut spool, &mut rest)?;
        unassigned.extend(rest.finish()?);
    }
    Ok(Split {
        shares: spool.finish()?,
        unassigned_dir: (!unassigned.is_empty()).then_some(unassigned_dir),
        unassigned,
        blank_lines,
    })
}

fn split_member(member: &Member, spool: &mut Spool<'_>, rest: &mut Rest<'_>) -> Result<u64> {
    // A member's name may hold an id, so failures do not name it.
    let reading = |e| error::io("read a member in", spool_root(member), e);
    let file = File::open(&member.path).map_err(reading)?;
    let mut input = BufReader::with_capacity(256 << 10, file);
    if input
        .fill_buf()
        .map_err(reading)?
        .starts_with(b"\xef\xbb\xbf")
    {
        input.consume(3);
        rest.mark = b"\xef\xbb\xbf";
    }
    let first = input.fill_buf().map_err(reading)?;
    if first.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        if member.bytes > 0 {
            rest.whole = true;
            rest.lines = 1;
        }
        loop {
            let piece = input.fill_buf().map_err(reading)?;
            if piece.is_empty() {
                return Ok(0);
            }
            let n = piece.len();
            rest.write(piece)?;
            input.consume(n);
        }
    }
    let mut blank = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = (&mut input)
            .take(LINE)
            .read_until(b'\n', &mut line)
            .map_err(reading)?;
        if n == 0 {
            return Ok(blank);
        }
        let whole = n as u64 != LINE || line.ends_with(b"\n");
        if whole && line.iter().all(u8::is_ascii_whitespace) {
            blank += 1;
        } else if let Some((kind, subject)) = whole.then(|| spool.owner(&line)).flatten() {
            spool.add(subject, kind, &line)?;
        } else {
            rest.lines += 1;
            rest.write(&line)?;
            while !line.ends_with(b"\n") {
                line.clear();
                let n = (&mut input)
                    .take(LINE)
                    .read_until(b'\n', &mut line)
                    .map_err(reading)?;
                if n == 0 {
                    break;
                }
                rest.write(&line)?;
            }
        }
    }
}

fn spool_root(member: &Member) -> &Path {
    let depth = member.name.split('/').count();
    member.path.ancestors().nth(depth).unwrap_or(Path::new(""))
}

/// What of one member fits nobody. The file is created with the first byte.
struct Rest<'a> {
    root: &'a Path,
    member: &'a str,
    file: Option<BufWriter<File>>,
    /// The byte order mark of a member kept in part is no part of any line.
    mark: &'static [u8],
    whole: bool,
    lines: u64,
    bytes: u64,
}

impl<'a> Rest<'a> {
    fn new(root: &'a Path, member: &'a str) -> Self {
        Self {
            root,
            member,
            file: None,
            mark: b"",
            whole: false,
            lines: 0,
            bytes: 0,
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<()> {
        // Not with the member's name: it may hold an id.
        let failed = |e| error::io("write in", self.root, e);
        if self.file.is_none() {
            let path = self.root.join(self.member);
            create_private_below(path.parent().unwrap_or(self.root)).map_err(failed)?;
            self.file = Some(BufWriter::new(append(&path).map_err(failed)?));
            if self.whole {
                self.write(self.mark)?;
            }
        }
        if let Some(file) = &mut self.file {
            file.write_all(piece).map_err(failed)?;
            self.bytes += piece.len() as u64;
        }
        Ok(())
    }

    fn finish(self) -> Result<Option<Unassigned>> {
        let Some(mut file) = self.file else {
            return Ok(None);
        };
        file.flush()
            .map_err(|e| error::io("write in", self.root, e))?;
        Ok(Some(Unassigned {
            member: self.member.to_owned(),
            lines: self.lines,
            bytes: self.bytes,
            whole: self.whole,
        }))
    }
}

/// Creates a folder and those above it.
fn create_private_below(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn append(path: &Path) -> std::io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
}

/// The lines of all people on their way to the files.
struct Spool<'a> {
    by_id: HashMap<&'a str, usize>,
    root: PathBuf,
    people: Vec<[Pile; 2]>,
    waiting: usize,
}

#[derive(Default)]
struct Pile {
    waiting: Vec<u8>,
    lines: u64,
    bytes: u64,
    hash: Sha256,
}

const FILES: [&str; 2] = ["data/events.jsonl", "data/profile.jsonl"];

impl<'a> Spool<'a> {
    fn new(subjects: &'a [String], into: &Path) -> Result<Self> {
        let root = into.join("subjects");
        create_private(&root, false)?;
        let mut by_id = HashMap::with_capacity(subjects.len());
        let mut people = Vec::with_capacity(subjects.len());
        for (n, id) in subjects.iter().enumerate() {
            if by_id.insert(id.as_str(), n).is_some() {
                return Err(Error::new(ErrorKind::Internal, "a subject is listed twice"));
            }
            create_private(&root.join(n.to_string()), false)?;
            people.push(Default::default());
        }
        Ok(Self {
            by_id,
            root,
            people,
            waiting: 0,
        })
    }

    fn owner(&self, line: &[u8]) -> Option<(Kind, usize)> {
        let (kind, id) = owner(line)?;
        self.by_id.get(&*id).map(|subject| (kind, *subject))
    }

    fn add(&mut self, subject: usize, kind: Kind, line: &[u8]) -> Result<()> {
        let [events, profile] = self
            .people
            .get_mut(subject)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a subject without a place"))?;
        let pile = match kind {
            Kind::Event => events,
            Kind::Profile => profile,
        };
        pile.lines += 1;
        pile.waiting.extend_from_slice(line);
        self.waiting += line.len();
        if !line.ends_with(b"\n") {
            // The last line of a member; without this the next member's first would join it.
            pile.waiting.push(b'\n');
            self.waiting += 1;
        }
        if self.waiting >= WAITING {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<()> {
        for (n, piles) in self.people.iter_mut().enumerate() {
            for (name, pile) in FILES.iter().zip(piles) {
                if pile.waiting.is_empty() {
                    continue;
                }
                let dir = self.root.join(n.to_string());
                let data = dir.join("data");
                if pile.bytes == 0 && !data.exists() {
                    create_private(&data, false)?;
                }
                append(&dir.join(name))
                    .and_then(|mut file| file.write_all(&pile.waiting))
                    .map_err(|e| error::io("write in", &dir, e))?;
                pile.hash.update(&pile.waiting);
                pile.bytes += pile.waiting.len() as u64;
                // Not kept for reuse: one very long line would stay in memory for every person.
                pile.waiting = Vec::new();
            }
        }
        self.waiting = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Share>> {
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
