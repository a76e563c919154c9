//! The archive's file, and numbers read from it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::error::{self, Result};

use super::refused;

/// A file read at given places, so that threads can share it.
#[derive(Debug, Clone)]
pub(super) struct SharedFile {
    file: Arc<File>,
    pub(super) len: u64,
}

impl SharedFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        // Without NONBLOCK a named pipe in the archive's place would hang the run.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .map_err(|e| error::io("open", path, e))?;
        let about = file.metadata().map_err(|e| error::io("read", path, e))?;
        if !about.is_file() {
            return Err(refused("the archive is not a regular file"));
        }
        Ok(Self {
            file: Arc::new(file),
            len: about.len(),
        })
    }

    /// Reads exactly this range; a range outside the file means a damaged archive.
    pub(super) fn read_range(&self, at: u64, len: u64) -> Result<Vec<u8>> {
        let end = at.checked_add(len).filter(|end| *end <= self.len);
        let (Some(_), Ok(len)) = (end, usize::try_from(len)) else {
            return Err(refused(
                "the archive points outside itself: it may be cut off",
            ));
        };
        let mut bytes = vec![0; len];
        self.file
            .read_exact_at(&mut bytes, at)
            .map_err(|e| refused("the archive cannot be read").with_source(e))?;
        Ok(bytes)
    }

    pub(super) fn read_exactly(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

/// Little-endian numbers from a slice, each read checked.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, tail) = self
            .0
            .split_at_checked(len)
            .ok_or_else(|| refused("a header of the archive is cut off"))?;
        self.0 = tail;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| refused("a header of the archive is cut off"))?;
        self.0 = tail;
        Ok(*head)
    }
    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }
    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
