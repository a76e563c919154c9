//! The table of contents of a zip file, read by our own code and never trusted.
//!
//! The layout demanded is stricter than the format's: members from the first byte on, one after
//! another, then the table, then its end record, and nothing else. Two readers can then not see
//! two different archives in one file.

use crate::error::Result;

use super::end::find_table;
use super::file::{Bytes, SharedFile};
use super::limits::Limits;
use super::names::{check_distinct, safe_name};
use super::{local, refused};

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATE: u16 = 8;
const AES: u16 = 99;

pub(super) const FLAG_ENCRYPTED: u16 = 1;
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;
/// The two bits between say how hard deflate tried.
const FLAGS_KNOWN: u16 = FLAG_ENCRYPTED | 0b110 | FLAG_DESCRIPTOR | FLAG_UTF8;

/// How a member is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    None,
    ZipCrypto,
    Aes {
        key_bytes: usize,
        /// The checksum is given as well; the second form leaves it out.
        checksum: bool,
    },
}

/// One member or folder, after all checks that need no secret.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_dir: bool,
    pub(super) cipher: Cipher,
    /// Stored or deflated, below the encryption.
    pub(super) method: u16,
    pub(super) time: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) header_start: u64,
    pub(super) data_start: u64,
    pub(super) has_descriptor: bool,
}

impl Entry {
    pub(super) fn is_encrypted(&self) -> bool {
        self.cipher != Cipher::None
    }
}

/// The checked table of contents.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
}

/// The extra fields that change how a member is read.
#[derive(Default)]
pub(super) struct Extra<'a> {
    pub(super) zip64: Option<&'a [u8]>,
    pub(super) aes: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    pub(super) fn parse(raw: &'a [u8], name: &[u8]) -> Result<Self> {
        let mut bytes = Bytes(raw);
        let mut found = Self::default();
        while !bytes.0.is_empty() {
            let id = bytes.u16()?;
            let len = bytes.u16()?;
            let data = bytes.take(len.into())?;
            let slot = match id {
                0x0001 => &mut found.zip64,
                0x9901 => &mut found.aes,
                // A second name, behind a version byte and a checksum: some readers prefer it.
                0x7075 if data.get(5..) != Some(name) => {
                    return Err(refused("a member has two different names"));
                }
                // PKWARE's Unix field: what follows its 12 bytes is the target of a link.
                0x000d if len > 12 => return Err(refused("a member is a link or a device")),
                _ => continue,
            };
            if slot.replace(data).is_some() {
                return Err(refused("a header of the archive repeats a field"));
            }
        }
        Ok(found)
    }
}

impl Directory {
    /// Reads and checks the whole structure; only the members' data is left unread.
    pub(super) fn read(file: &SharedFile, limits: &Limits) -> Result<Self> {
        let table = find_table(file)?;
        if table.count > limits.entries {
            return Err(refused("the archive has too many members")
                .with("members", table.count)
                .with("allowed", limits.entries));
        }
        if table.len > limits.directory_bytes {
            return Err(refused("the archive's table of contents is too large"));
        }
        let raw = file.read_range(table.start, table.len)?;
        let mut bytes = Bytes(&raw);
        let mut entries = Vec::new();
        for index in 0..table.count {
            let entry = read_entry(file, &mut bytes, limits).map_err(|e| e.with("entry", index))?;
            entries.push(entry);
        }
        if !bytes.0.is_empty() {
            return Err(refused(
                "the archive's table of contents has more than it counts",
            ));
        }
        check_distinct(entries.iter().map(|e| (e.name.as_str(), e.is_dir)))?;
        local::check_layout(file, &entries, table.start)?;
        let sum = |of: fn(&Entry) -> u64| entries.iter().map(of).fold(0, u64::saturating_add);
        limits.check_claims(sum(|e| e.packed), sum(|e| e.size))?;
        Ok(Self { entries })
    }
}

fn read_entry(file: &SharedFile, bytes: &mut Bytes<'_>, limits: &Limits) -> Result<Entry> {
    if bytes.take(4)? != b"PK\x01\x02" {
        return Err(refused("the archive's table of contents is damaged"));
    }
    bytes.take(4)?; // made by, version needed
    let flags = bytes.u16()?;
    let method = bytes.u16()?;
    let time = bytes.u16()?;
    bytes.take(2)?; // date
    let crc = bytes.u32()?;
    let (packed, size) = (bytes.u32()?, bytes.u32()?);
    let name_len = usize::from(bytes.u16()?);
    let extra_len = usize::from(bytes.u16()?);
    let comment_len = usize::from(bytes.u16()?);
    let disk = bytes.u16()?;
    bytes.take(2)?; // internal attributes
    let attributes = bytes.u32()?;
    let header_start = bytes.u32()?;
    if name_len > limits.name_bytes {
        return Err(refused("a member's name is too long"));
    }
    let raw_name = bytes.take(name_len)?;
    let extra = Extra::parse(bytes.take(extra_len)?, raw_name)?;
    bytes.take(comment_len)?;

    if flags & !FLAGS_KNOWN != 0 {
        return Err(refused("a member needs a feature that is not supported").with("flags", flags));
    }
    // The wide field holds exactly the numbers that did not fit, in this order.
    let mut wide = Bytes(extra.zip64.unwrap_or_default());
    let mut widen = |narrow: u32| match narrow {
        u32::MAX if extra.zip64.is_some() => wide.u64(),
        _ => Ok(narrow.into()),
    };
    let (size, packed, header_start) = (widen(size)?, widen(packed)?, widen(header_start)?);
    if disk == u16::MAX && extra.zip64.is_some() {
        if wide.u32()? != 0 {
            return Err(refused("the archive is one part of several"));
        }
    } else if disk != 0 {
        return Err(refused("the archive is one part of several"));
    }
    if !wide.0.is_empty() {
        return Err(refused("a member's zip64 field holds more than it should"));
    }

    let name = safe_name(raw_name, flags & FLAG_UTF8 != 0, limits.depth)?;
    check_kind(attributes, name.is_dir)?;
    let (cipher, inner_method) = cipher(flags, method, extra.aes)?;
    if name.is_dir && size != 0 {
        return Err(refused("a folder of the archive claims to hold data"));
    }
    let claim = local::Claim {
        raw_name,
        flags,
        method,
        crc,
        packed,
        size,
        aes: extra.aes,
    };
    let data_start = local::check_header(file, header_start, &claim)?;
    if inner_method == STORED && cipher == Cipher::None && packed != size {
        return Err(refused("a member's two sizes disagree"));
    }
    Ok(Entry {
        name: name.text,
        is_dir: name.is_dir,
        cipher,
        method: inner_method,
        time,
        crc,
        packed,
        size,
        header_start,
        data_start,
        has_descriptor: flags & FLAG_DESCRIPTOR != 0,
    })
}

/// Only files and folders. The mode is looked at whatever system the archive says it comes from,
/// since readers differ in when they believe it.
fn check_kind(attributes: u32, is_dir: bool) -> Result<()> {
    let mode = attributes >> 16;
    let fits = match mode & 0o170_000 {
        0 => true,
        0o040_000 => is_dir,
        0o100_000 => !is_dir,
        _ => false,
    };
    let says_dir = attributes & 0x10 != 0;
    if !fits || (says_dir && !is_dir) {
        return Err(refused(
            "a member is neither a file nor a folder, or claims to be both",
        ));
    }
    if !is_dir && mode & 0o6000 != 0 {
        return Err(refused("a member wants to run with somebody else's rights"));
    }
    Ok(())
}

fn cipher(flags: u16, method: u16, aes: Option<&[u8]>) -> Result<(Cipher, u16)> {
    let encrypted = flags & FLAG_ENCRYPTED != 0;
    let (cipher, method) = match (encrypted, method, aes) {
        (true, AES, Some(field)) => {
            let mut field = Bytes(field);
            let version = field.u16()?;
            let vendor = field.take(2)?;
            let strength = field.take(1)?;
            let method = field.u16()?;
            let key_bytes = match strength {
                [1] => 16,
                [2] => 24,
                [3] => 32,
                _ => 0,
            };
            let known = matches!(version, 1 | 2) && vendor == b"AE" && field.0.is_empty();
            if !known || key_bytes == 0 {
                return Err(refused("a member is encrypted in an unknown way"));
            }
            let checksum = version == 1;
            let cipher = Cipher::Aes {
                key_bytes,
                checksum,
            };
            (cipher, method)
        }
        (true, method, None) => (Cipher::ZipCrypto, method),
        (false, method, None) => (Cipher::None, method),
        _ => return Err(refused("a member's encryption contradicts itself")),
    };
    if !matches!(method, STORED | DEFLATE) {
        return Err(
            refused("a member is packed in a way that is not supported").with("method", method)
        );
    }
    Ok((cipher, method))
}
