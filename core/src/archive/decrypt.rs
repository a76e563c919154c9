//! The packed bytes of one member, decrypted piece by piece: ZipCrypto and WinZip's AES.
//!
//! Written here rather than taken from a library so that one reader decides what an archive holds,
//! and so that decrypting, inflating and writing can run on different threads.

use aes::cipher::{Array, Block, BlockCipherEncrypt, KeyInit as _};
use aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, Mac as _};
use secrecy::zeroize::Zeroizing;
use sha1::Sha1;

use crate::secret::Secret;

use super::directory::{Cipher, Entry};
use super::file::SharedFile;
use super::keys::Fault;
use super::refused;
use super::stretch::stretch;
use super::zipcrypto::ZipCrypto;

const ZIPCRYPTO_HEADER: usize = 12;
const AES_CHECK: usize = 2;
const AES_CODE: usize = 10;

/// The packed bytes of a member, on their way.
pub(super) struct Packed<'a> {
    file: &'a SharedFile,
    at: u64,
    left: u64,
    cipher: Stream,
    index: usize,
}

enum Stream {
    Plain,
    ZipCrypto(ZipCrypto),
    Aes(Box<Aes>),
    /// The code was right, or there is none; nothing follows.
    Ended,
}

impl<'a> Packed<'a> {
    /// `None`: the secret is not this member's.
    pub(super) fn open(
        file: &'a SharedFile,
        index: usize,
        entry: &Entry,
        secret: Option<&Secret>,
    ) -> Result<Option<Self>, Fault> {
        let mut packed = Self {
            file,
            at: entry.data_start,
            left: entry.packed,
            cipher: Stream::Plain,
            index,
        };
        let secret = secret.map_or(&[][..], |secret| secret.expose().as_bytes());
        let cipher = match entry.cipher {
            Cipher::None => Some(Stream::Plain),
            Cipher::ZipCrypto => {
                let mut header = [0; ZIPCRYPTO_HEADER];
                packed.take(&mut header)?;
                let mut cipher = ZipCrypto::new(secret);
                cipher.decrypt(&mut header);
                // The last byte of the checksum, or of the time when that was not known yet.
                let check = if entry.has_descriptor {
                    entry.time.to_be_bytes().first().copied()
                } else {
                    entry.crc.to_be_bytes().first().copied()
                };
                (header.last().copied() == check).then_some(Stream::ZipCrypto(cipher))
            }
            Cipher::Aes { key_bytes, .. } => {
                let mut salt = vec![0; key_bytes / 2];
                let mut check = [0; AES_CHECK];
                packed.take(&mut salt)?;
                packed.take(&mut check)?;
                packed.left = packed
                    .left
                    .checked_sub(AES_CODE as u64)
                    .ok_or_else(|| packed.fault("a member is shorter than its encryption needs"))?;
                Aes::new(secret, &salt, check, key_bytes).map(|aes| Stream::Aes(Box::new(aes)))
            }
        };
        Ok(cipher.map(|cipher| Self { cipher, ..packed }))
    }

    /// Fills as much of `buffer`, whose length is a multiple of a block's, as the member still has;
    /// 0 at its end. The last piece is given only when the authentication code fits.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let piece = buffer.get_mut(..wanted).unwrap_or_default();
        self.take(piece)?;
        match &mut self.cipher {
            Stream::Plain | Stream::Ended => {}
            Stream::ZipCrypto(cipher) => cipher.decrypt(piece),
            Stream::Aes(aes) => aes.decrypt(piece),
        }
        if self.left == 0
            && let Stream::Aes(aes) = std::mem::replace(&mut self.cipher, Stream::Ended)
        {
            let mut code = [0; AES_CODE];
            self.left = AES_CODE as u64;
            self.take(&mut code)?;
            aes.mac
                .verify_truncated_left(&code)
                .map_err(|_| self.fault(DAMAGED))?;
        }
        Ok(wanted)
    }

    /// All that is left of a ZipCrypto member, still encrypted, and what decrypts it.
    pub(super) fn encrypted(mut self, into: &mut [u8]) -> Option<ZipCrypto> {
        let all = self.left == into.len() as u64;
        match self.take(into) {
            Ok(()) if all => match self.cipher {
                Stream::ZipCrypto(cipher) => Some(cipher),
                _ => None,
            },
            _ => None,
        }
    }

    /// How many packed bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    fn take(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        let len = into.len() as u64;
        self.left = self
            .left
            .checked_sub(len)
            .ok_or_else(|| self.fault("a member is shorter than its encryption needs"))?;
        self.file.read_exactly(into, self.at).map_err(|e| {
            if e.raw_os_error().is_some() {
                Fault::Other(crate::error::Error::new(
                    crate::error::ErrorKind::Io,
                    format!("cannot read the archive: {e}"),
                ))
            } else {
                self.fault("the archive is cut off")
            }
        })?;
        self.at += len;
        Ok(())
    }

    fn fault(&self, reason: &str) -> Fault {
        Fault::Data(refused(reason).with("entry", self.index))
    }
}

pub(super) const DAMAGED: &str = "the archive is damaged: its content does not fit its checksums";

struct Aes {
    cipher: AesKey,
    counter: u128,
    mac: Hmac<Sha1>,
}

enum AesKey {
    Short(Aes128),
    Middle(Aes192),
    Long(Aes256),
}

/// So many blocks are encrypted at once, which the processor does side by side.
const SIDE_BY_SIDE: usize = 32;
const BLOCK: usize = 16;

impl Aes {
    /// `None`: the secret does not fit, or the strength is none.
    fn new(secret: &[u8], salt: &[u8], check: [u8; AES_CHECK], key_bytes: usize) -> Option<Self> {
        let mut derived = Zeroizing::new(vec![0; 2 * key_bytes + AES_CHECK]);
        stretch(secret, salt, &mut derived)?;
        let (key, rest) = derived.split_at_checked(key_bytes)?;
        let (mac, found) = rest.split_at_checked(key_bytes)?;
        // It is no secret: whoever has the archive can read both sides of it, or guess one in 65,536.
        if found != check {
            return None;
        }
        Some(Self {
            cipher: match key_bytes {
                16 => AesKey::Short(Aes128::new_from_slice(key).ok()?),
                24 => AesKey::Middle(Aes192::new_from_slice(key).ok()?),
                _ => AesKey::Long(Aes256::new_from_slice(key).ok()?),
            },
            counter: 1,
            mac: Hmac::new_from_slice(mac).ok()?,
        })
    }

    /// A piece whose length is no multiple of a block's must be the last one.
    fn decrypt(&mut self, bytes: &mut [u8]) {
        self.mac.update(bytes);
        for piece in bytes.chunks_mut(SIDE_BY_SIDE * BLOCK) {
            let mut mask: [Block<Aes256>; SIDE_BY_SIDE] = [Array([0; BLOCK]); SIDE_BY_SIDE];
            let count = piece.len().div_ceil(BLOCK);
            let used = mask.get_mut(..count).unwrap_or_default();
            for block in used.iter_mut() {
                *block = Array(self.counter.to_le_bytes());
                self.counter = self.counter.wrapping_add(1);
            }
            match &self.cipher {
                AesKey::Short(key) => key.encrypt_blocks(used),
                AesKey::Middle(key) => key.encrypt_blocks(used),
                AesKey::Long(key) => key.encrypt_blocks(used),
            }
            for (part, block) in piece.chunks_mut(BLOCK).zip(used) {
                part.iter_mut().zip(block.iter()).for_each(|(a, b)| *a ^= b);
            }
        }
    }
}
