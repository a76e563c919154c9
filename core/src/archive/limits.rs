//! What an archive may cost.

use std::path::Path;

use crate::error::{self, Error, ErrorKind, Result};

use super::refused;

/// Budgets for opening one archive. All of them are our assumption: the vendor documents nothing
/// about the size or the shape of its archives.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Members and folders together.
    pub entries: u64,
    /// Bytes of one member's name.
    pub name_bytes: usize,
    /// Folders above a member.
    pub depth: usize,
    /// Bytes of the whole table of contents; it is the only part held in memory.
    pub directory_bytes: u64,
    /// Bytes of all members together, once unpacked.
    pub bytes: u64,
    /// How many times larger than packed all members together may be.
    pub ratio: u64,
    /// Unpacked bytes below which the ratio is not looked at.
    pub ratio_after: u64,
    /// Threads that decode members at the same time.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            name_bytes: 1_024,
            depth: 16,
            directory_bytes: 16 << 20,
            bytes: 50 << 30,
            ratio: 200,
            ratio_after: 10 << 20,
            threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(8)),
        }
    }
}

impl Limits {
    /// Checks what the members claim to need. A claim is as good as the truth here, because
    /// reading a member stops where its claim ends.
    pub(super) fn check_claims(&self, packed: u64, unpacked: u64) -> Result<()> {
        if unpacked > self.bytes {
            return Err(refused("the archive is larger than allowed once unpacked")
                .with("bytes", unpacked)
                .with("allowed", self.bytes)
                .with_hint("Raise archive_max_bytes if an archive of this size is expected."));
        }
        if unpacked > self.ratio_after && unpacked > packed.saturating_mul(self.ratio) {
            return Err(
                refused("the archive expands more than any honest archive does")
                    .with("packed", packed)
                    .with("unpacked", unpacked),
            );
        }
        Ok(())
    }
}

/// Refuses to write more than nine tenths of what is free where `folder` is.
pub(super) fn check_space(folder: &Path, needed: u64) -> Result<()> {
    let space = rustix::fs::statvfs(folder)
        .map_err(|e| error::io("ask for the free space of", folder, e.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if needed > free / 10 * 9 {
        return Err(Error::new(
            ErrorKind::Io,
            format!("not enough free space in {}", folder.display()),
        )
        .with("needed", needed)
        .with("free", free));
    }
    Ok(())
}
