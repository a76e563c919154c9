//! The header in front of each member, and how the members lie in the file.

use crate::error::Result;

use super::directory::{Entry, Extra, FLAG_DESCRIPTOR};
use super::file::{Bytes, SharedFile};
use super::refused;

/// What the table of contents says about a member.
pub(super) struct Claim<'a> {
    pub(super) raw_name: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) aes: Option<&'a [u8]>,
}

/// Compares a member's own header with the table of contents. Returns where its data starts.
pub(super) fn check_header(file: &SharedFile, start: u64, claim: &Claim<'_>) -> Result<u64> {
    let fixed = file.read_range(start, 30)?;
    let mut bytes = Bytes(&fixed);
    if bytes.take(4)? != b"PK\x03\x04" {
        return Err(refused("a member is not where the table of contents says"));
    }
    bytes.take(2)?; // version needed
    let flags = bytes.u16()?;
    let method = bytes.u16()?;
    bytes.take(4)?; // time and date
    let crc = bytes.u32()?;
    let (packed, size) = (bytes.u32()?, bytes.u32()?);
    let name_len = bytes.u16()?;
    let extra_len = bytes.u16()?;
    let variable_len = u64::from(name_len) + u64::from(extra_len);
    let variable = file.read_range(start + 30, variable_len)?;
    let mut variable = Bytes(&variable);
    let raw_name = variable.take(name_len.into())?;
    let extra = Extra::parse(variable.0, raw_name)?;

    let (size, packed) = match (extra.zip64, size, packed) {
        // Here the wide field always holds both sizes.
        (Some(wide), u32::MAX, _) | (Some(wide), _, u32::MAX) => {
            let mut wide = Bytes(wide);
            (wide.u64()?, wide.u64()?)
        }
        _ => (size.into(), packed.into()),
    };
    // Behind a descriptor flag the sizes were not known yet when the header was written.
    let later = flags & FLAG_DESCRIPTOR != 0;
    let unknown = |value: u64| later && (value == 0 || value == u64::from(u32::MAX));
    let same = raw_name == claim.raw_name
        && flags == claim.flags
        && method == claim.method
        && extra.aes == claim.aes
        && (crc == claim.crc || (later && crc == 0))
        && (packed == claim.packed || unknown(packed))
        && (size == claim.size || unknown(size));
    if !same {
        return Err(refused(
            "a member's own header contradicts the table of contents",
        ));
    }
    Ok(start + 30 + variable_len)
}

/// Demands that the members fill the file from its first byte to the table of contents, without
/// overlap and without a gap in which something could hide.
pub(super) fn check_layout(file: &SharedFile, entries: &[Entry], table_start: u64) -> Result<()> {
    let mut in_order: Vec<&Entry> = entries.iter().collect();
    in_order.sort_unstable_by_key(|entry| entry.header_start);
    let mut free = 0;
    let mut following = in_order.iter().skip(1).map(|entry| entry.header_start);
    for entry in &in_order {
        let next = following.next().unwrap_or(table_start);
        if entry.header_start != free {
            return Err(refused("members overlap, or something hides between them"));
        }
        let end = entry
            .data_start
            .checked_add(entry.packed)
            .filter(|end| *end <= next)
            .ok_or_else(|| refused("members overlap"))?;
        if entry.has_descriptor {
            check_descriptor(file, entry, end, next - end)?;
            free = next;
        } else {
            free = end;
        }
    }
    if free != table_start {
        return Err(refused("something hides before the table of contents"));
    }
    Ok(())
}

/// The descriptor behind a member: with or without its mark, with narrow or wide sizes. Only its
/// length and content tell which.
fn check_descriptor(file: &SharedFile, entry: &Entry, start: u64, len: u64) -> Result<()> {
    let mismatch = || refused("a member's descriptor contradicts the table of contents");
    if !matches!(len, 12 | 16 | 20 | 24) {
        return Err(mismatch());
    }
    let found = file.read_range(start, len)?;
    let marked = matches!(len, 16 | 24);
    let mut bytes = Bytes(&found);
    if marked && bytes.take(4)? != b"PK\x07\x08" {
        return Err(mismatch());
    }
    let crc = bytes.u32()?;
    let (packed, size) = if matches!(len, 12 | 16) {
        (bytes.u32()?.into(), bytes.u32()?.into())
    } else {
        (bytes.u64()?, bytes.u64()?)
    };
    if (crc, packed, size) != (entry.crc, entry.packed, entry.size) {
        return Err(mismatch());
    }
    Ok(())
}
