//! Members to people: every record of every member to the person it names, or to `unassigned`.
//!
//! Records are never merged or guessed at: what is not beyond doubt is nobody's. That includes ids
//! that the data itself claims to be another name of somebody: whoever can send events could claim
//! it. Memory does not grow with the archive.
//!
//! One thread reads and cuts (`cut.rs`), others look into the records (`judge.rs`), and the caller's
//! thread puts them away in the archive's order (`spool.rs`, `rest.rs`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use flate2::bufread::MultiGzDecoder;

use crate::error::{self, Error, ErrorKind, Result};

use super::cut::{Block, Fate, cut};
use super::form::{Form, HEAD, begin};
use super::judge::{Judged, judge};
use super::limits::Limits;
use super::rest::{Rest, opened_name};
use super::spool::Spool;
use super::tree::create_private;
use super::unpack::Member;

const GZIP: &[u8] = b"\x1f\x8b";

/// The outcome of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// One for each subject, in the order given, also for those of whom nothing was found.
    pub shares: Vec<Share>,
    /// What fits nobody, one for each member that has any.
    pub unassigned: Vec<Unassigned>,
    /// Where `unassigned` lies, when there is any.
    pub unassigned_dir: Option<PathBuf>,
    /// Lines and rows that hold only blanks, left out of both.
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
    /// The member's name.
    pub member: String,
    /// The file's, below [`Split::unassigned_dir`]: the same, unless it was taken out of a
    /// compressed member.
    pub file: String,
    /// Records in it; 1 for a member kept whole.
    pub lines: u64,
    /// Its size.
    pub bytes: u64,
    /// The member has no form we know and was kept as it is.
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
pub fn split(
    members: &[Member],
    subjects: &[String],
    limits: &Limits,
    into: &Path,
) -> Result<Split> {
    create_private(into, false)?;
    let mut people = HashMap::with_capacity(subjects.len());
    for (n, id) in subjects.iter().enumerate() {
        if people.insert(id.as_str(), n).is_some() {
            return Err(Error::new(ErrorKind::Internal, "a subject is listed twice"));
        }
    }
    let spool = Spool::new(subjects.len(), into, limits.threads)?;
    let unassigned_dir = into.join("unassigned");
    let sink = Sink {
        spool,
        root: unassigned_dir.clone(),
        rest: None,
        unassigned: Vec::new(),
        blank: 0,
    };
    let sink = run(members, &people, limits, sink)?;
    Ok(Split {
        shares: sink.spool.finish()?,
        unassigned_dir: (!sink.unassigned.is_empty()).then_some(unassigned_dir),
        unassigned: sink.unassigned,
        blank_lines: sink.blank,
    })
}

/// What goes from thread to thread, numbered in the archive's order.
enum Load {
    /// A member begins: its name, the name of its rest, and whether it stays whole.
    Member(String, String, bool),
    Block(Block, Form),
}

/// The same, looked into.
enum Done {
    Member(String, String, bool),
    Block(Judged),
}

fn run(
    members: &[Member],
    people: &HashMap<&str, usize>,
    limits: &Limits,
    mut sink: Sink,
) -> Result<Sink> {
    let workers = limits.threads.max(1);
    // So many blocks are under way at most; each is given back when it was put away.
    let under_way = workers * 3;
    let (give_back, rights) = sync_channel::<()>(under_way);
    for _ in 0..under_way {
        let _ = give_back.send(());
    }
    let (loads, waiting) = sync_channel::<(usize, Load)>(under_way);
    let (done, results) = sync_channel::<(usize, Done)>(under_way);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read_members(members, limits, &rights, &loads));
        for _ in 0..workers {
            let (done, waiting) = (done.clone(), &waiting);
            scope.spawn(move || work(waiting, people, &done));
        }
        drop(done);
        let mut early = BTreeMap::new();
        let mut next = 0;
        let mut put_away = || -> Result<()> {
            for (number, result) in &results {
                early.insert(number, result);
                while let Some(result) = early.remove(&next) {
                    next += 1;
                    sink.take(result)?;
                    // The reader may have finished.
                    let _ = give_back.send(());
                }
            }
            Ok(())
        };
        let put = put_away();
        // After a failure nobody waits for anybody any more.
        drop((results, give_back));
        let read = reader.join().unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Internal,
                "a thread that splits was lost",
            ))
        });
        put.and(read)
    })?;
    sink.end_member()?;
    Ok(sink)
}

fn work(
    waiting: &Mutex<Receiver<(usize, Load)>>,
    people: &HashMap<&str, usize>,
    done: &SyncSender<(usize, Done)>,
) {
    loop {
        let load = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok((number, load)) = load else {
            return;
        };
        let result = match load {
            Load::Member(name, rest, whole) => Done::Member(name, rest, whole),
            Load::Block(block, form) => Done::Block(judge(block, &form, people)),
        };
        if done.send((number, result)).is_err() {
            return;
        }
    }
}

fn read_members(
    members: &[Member],
    limits: &Limits,
    rights: &Receiver<()>,
    loads: &SyncSender<(usize, Load)>,
) -> Result<()> {
    let taken: HashSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut number = 0;
    let mut send = |load: Load| -> io::Result<()> {
        let gone = || io::Error::other("the split was given up");
        rights.recv().map_err(|_| gone())?;
        loads.send((number, load)).map_err(|_| gone())?;
        number += 1;
        Ok(())
    };
    for member in members {
        // A member's name may hold an id, so failures do not name it.
        read_member(member, limits, &taken, &mut send)
            .map_err(|e| error::io("read a member in", root_of(member), e))?;
    }
    Ok(())
}

fn read_member(
    member: &Member,
    limits: &Limits,
    taken: &HashSet<&str>,
    send: &mut impl FnMut(Load) -> io::Result<()>,
) -> io::Result<()> {
    let mut input = File::open(&member.path)?;
    let head = read_head(&mut input)?;
    let gzip = || File::open(&member.path).map(|file| BufReader::with_capacity(256 << 10, file));
    if head.starts_with(GZIP) && is_sound(gzip()?, member.bytes, limits) {
        let mut input = MultiGzDecoder::new(gzip()?);
        let (form, head) = begin(read_head(&mut input)?);
        if !matches!(form, Form::Unknown) {
            let name = opened_name(&member.name, taken);
            return give_member(member, name, &form, head, input, send);
        }
    }
    let (form, head) = begin(head);
    give_member(member, member.name.clone(), &form, head, input, send)
}

fn give_member(
    member: &Member,
    rest: String,
    form: &Form,
    head: Vec<u8>,
    input: impl Read,
    send: &mut impl FnMut(Load) -> io::Result<()>,
) -> io::Result<()> {
    let whole = matches!(form, Form::Unknown);
    send(Load::Member(member.name.clone(), rest, whole))?;
    cut(form, head, input, |block| {
        send(Load::Block(block, form.clone()))
    })
}

fn read_head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a compressed member opens to its end, and to no more than an honest one would.
fn is_sound(input: impl io::BufRead, packed: u64, limits: &Limits) -> bool {
    let ratio = packed.saturating_mul(limits.ratio).max(limits.ratio_after);
    let most = ratio.min(limits.bytes);
    let mut unpacked = MultiGzDecoder::new(input).take(most + 1);
    io::copy(&mut unpacked, &mut io::sink()).is_ok_and(|bytes| bytes <= most)
}

fn root_of(member: &Member) -> &Path {
    let depth = member.name.split('/').count();
    member.path.ancestors().nth(depth).unwrap_or(Path::new(""))
}

/// Where everything ends up.
struct Sink {
    spool: Spool,
    root: PathBuf,
    rest: Option<Rest>,
    unassigned: Vec<Unassigned>,
    blank: u64,
}

impl Sink {
    fn take(&mut self, done: Done) -> Result<()> {
        let judged = match done {
            Done::Member(name, file, whole) => {
                self.end_member()?;
                self.rest = Some(Rest::new(&self.root, &name, file, whole));
                return Ok(());
            }
            Done::Block(judged) => judged,
        };
        self.blank += judged.blank;
        let Some(rest) = &mut self.rest else {
            return Err(Error::new(ErrorKind::Internal, "a record without a member"));
        };
        match judged.fate {
            Fate::Header => {
                rest.header(judged.data);
                return Ok(());
            }
            Fate::Keep => rest.begin()?,
            Fate::KeepOn | Fate::Judge => {}
        }
        for piece in judged.pieces.iter().filter(|piece| piece.owner.is_none()) {
            let record = judged.data.get(piece.from..piece.to).unwrap_or_default();
            if judged.fate == Fate::Judge {
                rest.begin()?;
            }
            rest.write(record)?;
        }
        self.spool.add(judged)
    }

    fn end_member(&mut self) -> Result<()> {
        if let Some(rest) = self.rest.take() {
            self.unassigned.extend(rest.finish()?);
        }
        Ok(())
    }
}
