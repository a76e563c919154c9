//! Opening members: which secret fits, and one member's plain bytes with every check.

use std::io::{self, Read};
use std::path::Path;

use zip::read::ZipReadOptions;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

use super::directory::{Cipher, DEFLATE, Directory, Entry};
use super::file::SharedFile;
use super::limits::Limits;
use super::refused;

pub(super) type Zip = ZipArchive<SharedFile>;

/// How many members a secret is tried on before it is chosen. AES costs 1,000 rounds of hashing
/// for each.
const PROBES: usize = 16;

/// An archive whose structure has passed every check.
pub(super) struct Opened {
    pub(super) directory: Directory,
    pub(super) zip: Zip,
}

impl Opened {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let file = SharedFile::open(path)?;
        let directory = Directory::read(&file, limits)?;
        let zip = ZipArchive::new(file).map_err(|e| damaged(&e.into()))?;
        // Members are decoded by the zip crate: it must see exactly the archive we checked.
        let same = zip.len() == directory.entries.len()
            && zip.offset() == 0
            && zip.central_directory_start() == directory.start;
        if !same {
            return Err(refused("the archive can be read in two ways"));
        }
        Ok(Self { directory, zip })
    }
}

/// What members are opened with.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    secret: Option<&'a Secret>,
    /// The checks passed so far cannot be chance: if data does not verify, it is damaged.
    certain: bool,
}

/// Why a member could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The secret does not fit, or the data is damaged.
    Data(Error),
    /// Anything that another secret would not change.
    Other(Error),
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Data(error) | Self::Other(error) => error,
        }
    }
}

/// Runs `attempt` with each key that may fit, in the order given, until one reads everything.
pub(super) fn with_key<T>(
    opened: &Opened,
    secrets: &[Secret],
    allow_plain: bool,
    mut attempt: impl FnMut(Key<'_>) -> Result<T, Fault>,
) -> Result<T> {
    let mut wrong = Error::new(
        ErrorKind::Decrypt,
        if secrets.is_empty() {
            "the archive is encrypted and no secret was given"
        } else {
            "none of the secrets opens the archive"
        },
    )
    .with("secrets", secrets.len());
    for key in keys(opened, secrets, allow_plain)? {
        match attempt(key) {
            Ok(done) => return Ok(done),
            // One wrong secret in 256 passes the check of a single ZipCrypto member, and then
            // reads nonsense. With so little to go by, the next one has its turn.
            Err(Fault::Data(error)) if !key.certain => {
                wrong = Error::new(
                    ErrorKind::Decrypt,
                    "none of the secrets opens the archive, or its only member is damaged",
                )
                .with("secrets", secrets.len())
                .with_source(error);
            }
            Err(fault) => return Err(fault.into_error()),
        }
    }
    Err(wrong)
}

fn keys<'a>(opened: &Opened, secrets: &'a [Secret], allow_plain: bool) -> Result<Vec<Key<'a>>> {
    // Some tools leave folders and empty files unencrypted; there is nothing in them to forge.
    let full = |e: &&Entry| !e.is_dir && e.size > 0;
    let entries = &opened.directory.entries;
    let encrypted = entries.iter().any(Entry::is_encrypted);
    let plain = entries.iter().filter(full).any(|e| !e.is_encrypted());
    match (encrypted, plain) {
        (true, true) => Err(refused("some members are encrypted and some are not")),
        (false, _) if allow_plain => Ok(vec![Key {
            secret: None,
            certain: true,
        }]),
        (false, _) => Err(refused("the archive is not encrypted")),
        (true, false) => Ok(secrets.iter().filter_map(|s| probe(opened, s)).collect()),
    }
}

/// Tries a secret on the headers of some members. It may be the right one if most headers accept
/// it: then the others are damaged.
fn probe<'a>(opened: &Opened, secret: &'a Secret) -> Option<Key<'a>> {
    let mut zip = opened.zip.clone();
    let (mut tried, mut passed, mut evidence_bits) = (0, 0, 0);
    let encrypted = opened.directory.entries.iter().enumerate();
    for (index, entry) in encrypted.filter(|(_, e)| e.is_encrypted()).take(PROBES) {
        tried += 1;
        let options = ZipReadOptions::new().password(Some(secret.expose().as_bytes()));
        if zip.by_index_with_options(index, options).is_ok() {
            passed += 1;
            evidence_bits += if entry.cipher == Cipher::Aes { 16 } else { 8 };
        }
    }
    (passed * 2 > tried).then_some(Key {
        secret: Some(secret),
        certain: evidence_bits >= 16,
    })
}

/// Gives a member's plain bytes to `sink`, piece by piece. They are to be trusted only once this
/// has returned `Ok`: then the size, and the checksum or the authentication code, were right.
pub(super) fn read_member(
    zip: &mut Zip,
    index: usize,
    entry: &Entry,
    key: Key<'_>,
    buffer: &mut [u8],
    mut sink: impl FnMut(&[u8]) -> Result<()>,
) -> Result<(), Fault> {
    let data = |e: &io::Error| fault(e, index);
    let encrypted = entry.is_encrypted();
    let password = key
        .secret
        .filter(|_| encrypted)
        .map(|s| s.expose().as_bytes());
    let options = ZipReadOptions::new().password(password);
    let mut file = zip
        .by_index_with_options(index, options)
        .map_err(|e| match e {
            ZipError::InvalidPassword => Fault::Data(
                refused("a member does not open with the secret that opens the others")
                    .with("entry", index),
            ),
            other => data(&other.into()),
        })?;
    let method = match entry.method {
        DEFLATE => CompressionMethod::Deflated,
        _ => CompressionMethod::Stored,
    };
    let same = file.header_start() == entry.header_start
        && file.data_start() == Some(entry.data_start)
        && file.compressed_size() == entry.packed
        && file.size() == entry.size
        && file.crc32() == entry.crc
        && file.compression() == method
        && file.encrypted() == encrypted;
    if !same {
        return Err(Fault::Other(
            refused("a member can be read in two ways").with("entry", index),
        ));
    }
    let mut left = entry.size;
    loop {
        let n = match file.read(buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(data(&e)),
        };
        // The checksum is compared by the read that finds the end.
        if n == 0 {
            break;
        }
        left = left.checked_sub(n as u64).ok_or_else(|| {
            Fault::Data(refused("a member is larger than it claims").with("entry", index))
        })?;
        sink(buffer.get(..n).unwrap_or_default()).map_err(Fault::Other)?;
    }
    if left != 0 {
        return Err(Fault::Data(
            refused("a member is smaller than it claims").with("entry", index),
        ));
    }
    Ok(())
}

fn fault(e: &io::Error, index: usize) -> Fault {
    if e.raw_os_error().is_some() {
        let read = Error::new(ErrorKind::Io, format!("cannot read the archive: {e}"));
        return Fault::Other(read);
    }
    Fault::Data(damaged(e).with("entry", index))
}

/// The zip crate's own words are not passed on: some of them quote a member's name.
fn damaged(e: &io::Error) -> Error {
    let reason = match e.kind() {
        io::ErrorKind::UnexpectedEof => "the archive is cut off",
        io::ErrorKind::Unsupported => "the archive needs a feature that is not supported",
        _ => "the archive is damaged: its content does not fit its checksums",
    };
    refused(reason)
}
