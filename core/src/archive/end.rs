//! The records at the end of a zip file, which say where its table of contents is.

use crate::error::Result;

use super::file::{Bytes, SharedFile};
use super::refused;

const END_LEN: u64 = 22;

/// Where the table of contents lies and how many entries it has.
pub(super) struct Table {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) count: u64,
}

/// Finds the one end record and, through it, the table that ends right before it.
pub(super) fn find_table(file: &SharedFile) -> Result<Table> {
    let tail_len = file.len.min(END_LEN + u64::from(u16::MAX));
    let tail_start = file.len - tail_len;
    let tail = file.read_range(tail_start, tail_len)?;
    // The record holds the length of the comment behind it, so it says itself whether it is last.
    let mut ends = (0..tail.len()).filter(|&at| {
        let Some(record) = tail.get(at..) else {
            return false;
        };
        let comment = record.get(20..22).and_then(|l| l.first_chunk());
        record.starts_with(b"PK\x05\x06")
            && comment.is_some_and(|l| record.len() == 22 + usize::from(u16::from_le_bytes(*l)))
    });
    let at = ends.next().ok_or_else(|| {
        refused("the archive is cut off, has something behind its end, or is not a zip file")
    })?;
    if ends.next().is_some() {
        return Err(refused("the archive has two end records"));
    }
    let end_start = tail_start + at as u64;

    let mut end = Bytes(tail.get(at..).unwrap_or_default());
    end.take(4)?;
    let disks = [end.u16()?, end.u16()?];
    let (count_here, count) = (end.u16()?, end.u16()?);
    let (len, start) = (end.u32()?, end.u32()?);
    let wide = wide_table(file, end_start)?;
    let (table, table_end) = match wide {
        Some((wide, wide_start)) => {
            let agrees = (count == u16::MAX || u64::from(count) == wide.count)
                && (len == u32::MAX || u64::from(len) == wide.len)
                && (start == u32::MAX || u64::from(start) == wide.start);
            if !agrees {
                return Err(refused("the archive's two end records disagree"));
            }
            (wide, wide_start)
        }
        None if disks == [0, 0] && count_here == count => {
            let table = Table {
                start: start.into(),
                len: len.into(),
                count: count.into(),
            };
            (table, end_start)
        }
        None => return Err(refused("the archive is one part of several")),
    };
    if table.start.checked_add(table.len) != Some(table_end) {
        return Err(refused(
            "the archive has something before its start or around its table of contents",
        ));
    }
    Ok(table)
}

/// The zip64 end record, when there is one right before the end record.
fn wide_table(file: &SharedFile, end_start: u64) -> Result<Option<(Table, u64)>> {
    let Some(locator_start) = end_start.checked_sub(20) else {
        return Ok(None);
    };
    let locator = file.read_range(locator_start, 20)?;
    let mut locator = Bytes(&locator);
    if locator.take(4)? != b"PK\x06\x07" {
        return Ok(None);
    }
    let disk = locator.u32()?;
    let start = locator.u64()?;
    let disks = locator.u32()?;
    if disk != 0 || disks > 1 {
        return Err(refused("the archive is one part of several"));
    }
    // Version 1 of the record; version 2 describes an encrypted table, which nobody can check.
    let record = file.read_range(start, 56)?;
    let mut record = Bytes(&record);
    if record.take(4)? != b"PK\x06\x06" || record.u64()? != 44 || start + 56 != locator_start {
        return Err(refused(
            "the archive's zip64 end record is not as the format demands",
        ));
    }
    record.take(4)?;
    let disks = [record.u32()?, record.u32()?];
    let (count_here, count) = (record.u64()?, record.u64()?);
    let (len, table_start) = (record.u64()?, record.u64()?);
    if disks != [0, 0] || count_here != count {
        return Err(refused("the archive is one part of several"));
    }
    let table = Table {
        start: table_start,
        len,
        count,
    };
    Ok(Some((table, start)))
}
