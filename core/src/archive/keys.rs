//! Which secret opens an archive.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

use super::decrypt::Packed;
use super::directory::{Cipher, Directory, Entry};
use super::file::SharedFile;
use super::limits::Limits;
use super::refused;

/// How many members a secret is tried on before it is chosen. AES costs 1,000 rounds of hashing
/// for each.
const PROBES: usize = 16;

/// An archive whose structure has passed every check.
pub(super) struct Opened {
    pub(super) directory: Directory,
    pub(super) file: SharedFile,
}

impl Opened {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let file = SharedFile::open(path)?;
        let directory = Directory::read(&file, limits)?;
        Ok(Self { directory, file })
    }
}

/// What members are opened with.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    secret: Option<&'a Secret>,
    /// The checks passed so far cannot be chance: if data does not verify, it is damaged.
    certain: bool,
}

impl<'a> Key<'a> {
    pub(super) fn secret(self) -> Option<&'a Secret> {
        self.secret
    }
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
    let (mut tried, mut passed, mut evidence_bits) = (0, 0, 0);
    let encrypted = opened.directory.entries.iter().enumerate();
    for (index, entry) in encrypted.filter(|(_, e)| e.is_encrypted()).take(PROBES) {
        tried += 1;
        if let Ok(Some(_)) = Packed::open(&opened.file, index, entry, Some(secret)) {
            passed += 1;
            evidence_bits += match entry.cipher {
                Cipher::Aes { .. } => 16,
                _ => 8,
            };
        }
    }
    (passed * 2 > tried).then_some(Key {
        secret: Some(secret),
        certain: evidence_bits >= 16,
    })
}
