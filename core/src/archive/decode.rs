//! One member's plain bytes with every check, on one thread or on three.

use std::ops::Range;
use std::sync::mpsc;
use std::thread;

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use crate::error::{Error, ErrorKind, Result};

use super::decrypt::{DAMAGED, Packed};
use super::directory::{Cipher, DEFLATE, Entry};
use super::file::SharedFile;
use super::keys::{Fault, Key};
use super::refused;
use super::zipcrypto::{Lane, decrypt_together};

/// A multiple of what ciphers work on.
const BUFFER: usize = 256 << 10;
/// Pieces under way from one thread to the next.
const UNDER_WAY: usize = 4;

/// So many packed bytes are decrypted together at most.
pub(super) const TOGETHER: u64 = 2 << 20;

/// What a thread needs to decode members.
pub(super) struct Worker {
    packed: Vec<u8>,
    plain: Vec<u8>,
    inflate: Decompress,
    /// Members that are decrypted already, one behind the other, and where each lies.
    ready: Vec<u8>,
    places: Vec<(usize, Range<usize>)>,
}

impl Worker {
    pub(super) fn new() -> Self {
        Self {
            packed: vec![0; BUFFER],
            plain: vec![0; BUFFER],
            inflate: Decompress::new(false),
            ready: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Decrypts several small ZipCrypto members at once, numbered from `first` on; `read` finds them
    /// ready. What cannot be prepared is left to `read`, which tells why.
    pub(super) fn prepare(
        &mut self,
        file: &SharedFile,
        first: usize,
        entries: &[Entry],
        key: Key<'_>,
    ) {
        self.places.clear();
        if entries.len() < 2 {
            return;
        }
        let sum: u64 = entries.iter().map(|entry| entry.packed).sum();
        self.ready.resize(usize::try_from(sum).unwrap_or(0), 0);
        let mut rest = self.ready.as_mut_slice();
        let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(entries.len());
        let mut at = 0;
        for (index, entry) in (first..).zip(entries) {
            let Ok(Some(packed)) = Packed::open(file, index, entry, key.secret()) else {
                continue;
            };
            let len = usize::try_from(packed.left()).unwrap_or(usize::MAX);
            let (bytes, behind) = std::mem::take(&mut rest)
                .split_at_mut_checked(len)
                .unwrap_or_default();
            rest = behind;
            if let Some(cipher) = packed.encrypted(bytes) {
                self.places.push((index, at..at + len));
                lanes.push((cipher, bytes));
            }
            at += len;
        }
        decrypt_together(&mut lanes);
    }

    /// Gives a member's plain bytes to `sink`, piece by piece. They are to be trusted only once this
    /// has returned `Ok`: then the size, and the checksum or the authentication code, were right.
    pub(super) fn read(
        &mut self,
        file: &SharedFile,
        index: usize,
        entry: &Entry,
        key: Key<'_>,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<(), Fault> {
        let mut plain = Plain::new(index, entry, &mut self.inflate);
        let mut sink = |buffer: &mut Vec<u8>, len| sink(buffer.get(..len).unwrap_or_default());
        if let Some((_, place)) = self.places.iter().find(|(ready, _)| *ready == index) {
            let piece = self.ready.get(place.clone()).unwrap_or_default();
            if !piece.is_empty() {
                plain.feed(piece, &mut self.plain, &mut sink)?;
            }
            return plain.finish();
        }
        let mut packed = open(file, index, entry, key)?;
        loop {
            let len = packed.fill(&mut self.packed)?;
            if len == 0 {
                return plain.finish();
            }
            let piece = self.packed.get(..len).unwrap_or_default();
            plain.feed(piece, &mut self.plain, &mut sink)?;
        }
    }
}

/// The same for one large member: a thread decrypts, this one inflates, a third one runs `sink`.
pub(super) fn read_in_parallel(
    file: &SharedFile,
    index: usize,
    entry: &Entry,
    key: Key<'_>,
    mut sink: impl FnMut(&[u8]) -> Result<()> + Send,
) -> Result<(), Fault> {
    let mut packed = open(file, index, entry, key)?;
    let mut inflate = Decompress::new(false);
    let mut plain = Plain::new(index, entry, &mut inflate);
    thread::scope(|scope| {
        let (decrypted, pieces) = mpsc::sync_channel::<(Vec<u8>, usize)>(UNDER_WAY);
        let (used_packed, spare_packed) = mpsc::channel::<Vec<u8>>();
        let reader = scope.spawn(move || -> Result<(), Fault> {
            loop {
                let mut buffer = spare(&spare_packed);
                let len = packed.fill(&mut buffer)?;
                // Nobody takes it any more when the inflating failed; that has its own reason.
                if len == 0 || decrypted.send((buffer, len)).is_err() {
                    return Ok(());
                }
            }
        });
        let (inflated, results) = mpsc::sync_channel::<(Vec<u8>, usize)>(UNDER_WAY);
        let (used_plain, spare_plain) = mpsc::channel::<Vec<u8>>();
        let writer = scope.spawn(move || -> Result<()> {
            for (buffer, len) in results {
                sink(buffer.get(..len).unwrap_or_default())?;
                let _ = used_plain.send(buffer);
            }
            Ok(())
        });
        let mut output = vec![0; BUFFER];
        let inflate = || -> Result<(), Fault> {
            for (piece, len) in pieces {
                let hand_on = |buffer: &mut Vec<u8>, len| {
                    let full = std::mem::replace(buffer, spare(&spare_plain));
                    inflated.send((full, len)).map_err(|_| lost_thread())
                };
                plain.feed(piece.get(..len).unwrap_or_default(), &mut output, hand_on)?;
                let _ = used_packed.send(piece);
            }
            Ok(())
        };
        let done = inflate();
        drop(inflated);
        // A failed write ends the inflating, and damaged data ends it before the code behind the
        // data was looked at: the first of the three in the order of causes is the one to tell.
        let lost = |_| Err(Fault::Other(lost_thread()));
        writer
            .join()
            .unwrap_or_else(|_| Err(lost_thread()))
            .map_err(Fault::Other)?;
        reader.join().unwrap_or_else(lost)?;
        done?;
        plain.finish()
    })
}

fn spare(buffers: &mpsc::Receiver<Vec<u8>>) -> Vec<u8> {
    buffers.try_recv().unwrap_or_else(|_| vec![0; BUFFER])
}

pub(super) fn lost_thread() -> Error {
    Error::new(ErrorKind::Internal, "a thread that unpacks was lost")
}

fn open<'a>(
    file: &'a SharedFile,
    index: usize,
    entry: &Entry,
    key: Key<'_>,
) -> Result<Packed<'a>, Fault> {
    Packed::open(file, index, entry, key.secret())?.ok_or_else(|| {
        Fault::Data(
            refused("a member does not open with the secret that opens the others")
                .with("entry", index),
        )
    })
}

/// Inflates and counts.
struct Plain<'a> {
    inflate: Option<&'a mut Decompress>,
    /// The end of the deflated data was seen.
    ended: bool,
    crc: Option<(Hasher, u32)>,
    left: u64,
    index: usize,
}

impl<'a> Plain<'a> {
    fn new(index: usize, entry: &Entry, inflate: &'a mut Decompress) -> Self {
        // With the second form of AES the checksum is left out, so that it tells nothing of the
        // content; the authentication code takes its place.
        let without = matches!(
            entry.cipher,
            Cipher::Aes {
                checksum: false,
                ..
            }
        );
        inflate.reset(false);
        Self {
            inflate: (entry.method == DEFLATE).then_some(inflate),
            ended: false,
            crc: (!without).then(|| (Hasher::new(), entry.crc)),
            left: entry.size,
            index,
        }
    }

    fn fault(&self, reason: &str) -> Fault {
        Fault::Data(refused(reason).with("entry", self.index))
    }

    /// `sink` may take the buffer away if it leaves another one.
    fn feed(
        &mut self,
        mut piece: &[u8],
        buffer: &mut Vec<u8>,
        mut sink: impl FnMut(&mut Vec<u8>, usize) -> Result<()>,
    ) -> Result<(), Fault> {
        loop {
            let (used, made) = self.step(piece, buffer)?;
            piece = piece.get(used..).unwrap_or_default();
            let full = made == buffer.len();
            self.give(made, buffer, &mut sink)?;
            // What did not fit into the buffer comes out without further input.
            if piece.is_empty() && !full {
                return Ok(());
            }
        }
    }

    /// How many bytes were used, and how many came out of them.
    fn step(&mut self, piece: &[u8], buffer: &mut [u8]) -> Result<(usize, usize), Fault> {
        let Some(inflate) = &mut self.inflate else {
            let len = piece.len().min(buffer.len());
            let (into, from) = (buffer.get_mut(..len), piece.get(..len));
            into.unwrap_or_default()
                .copy_from_slice(from.unwrap_or_default());
            return Ok((len, len));
        };
        if self.ended {
            return if piece.is_empty() {
                Ok((0, 0))
            } else {
                Err(self.fault("something hides behind a member's data"))
            };
        }
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(piece, buffer, FlushDecompress::None);
        let count = |now: u64, before: u64| usize::try_from(now - before).unwrap_or_default();
        let used = count(inflate.total_in(), before.0);
        let made = count(inflate.total_out(), before.1);
        self.ended = matches!(status, Ok(Status::StreamEnd));
        let stuck = used == 0 && made == 0 && !piece.is_empty() && !self.ended;
        if stuck || status.is_err() {
            return Err(self.fault(DAMAGED));
        }
        Ok((used, made))
    }

    fn give(
        &mut self,
        made: usize,
        buffer: &mut Vec<u8>,
        sink: &mut impl FnMut(&mut Vec<u8>, usize) -> Result<()>,
    ) -> Result<(), Fault> {
        if made == 0 {
            return Ok(());
        }
        self.left = self
            .left
            .checked_sub(made as u64)
            .ok_or_else(|| self.fault("a member is larger than it claims"))?;
        if let Some((crc, _)) = &mut self.crc {
            crc.update(buffer.get(..made).unwrap_or_default());
        }
        sink(buffer, made).map_err(Fault::Other)
    }

    fn finish(self) -> Result<(), Fault> {
        if self.left != 0 {
            return Err(self.fault("a member is smaller than it claims"));
        }
        let begun = |inflate: &&mut Decompress| inflate.total_in() > 0;
        if self.inflate.as_ref().is_some_and(begun) && !self.ended {
            return Err(self.fault("a member is cut off"));
        }
        if self
            .crc
            .as_ref()
            .is_some_and(|(crc, right)| crc.clone().finalize() != *right)
        {
            return Err(self.fault(DAMAGED));
        }
        Ok(())
    }
}
