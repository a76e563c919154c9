//! Removing an archive, once what it was fetched for is over.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use crate::error::{self, Result};

/// Removes an archive and what a download of it may have left; gives how many files went. The
/// folder of its run goes when nothing else is in it.
pub fn remove(archive: &Path) -> Result<u64> {
    let mut part = OsString::from(archive);
    part.push(".part");
    let mut removed = 0;
    for path in [archive, Path::new(&part)] {
        // Whatever else stands under that name is not what was put there.
        let ours = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        if !ours {
            continue;
        }
        match fs::remove_file(path) {
            Ok(()) => removed += 1,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(error::io("remove", path, e)),
        }
    }
    if let Some(folder) = archive.parent() {
        let _ = fs::remove_dir(folder);
    }
    Ok(removed)
}
