//! The hidden folder in which one archive is taken apart.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use crate::error::{self, Error, ErrorKind, Result};

use super::folder::{create_private, folder_name};

/// `<out>/.dsrkit-<task>`: private, empty at first, locked against other processes, and removed
/// when dropped. It lies in the output folder so that what is finished can be renamed into place.
#[derive(Debug)]
pub struct Workspace {
    path: PathBuf,
    /// The lock lasts as long as this is open, and ends with the process whatever happens to it.
    _lock: File,
}

impl Workspace {
    /// Creates it; what an interrupted run left in it is removed.
    pub fn open(out: &Path, task_id: &str) -> Result<Self> {
        let path = out.join(format!(".dsrkit-{}", folder_name(task_id)));
        create_private(out)?;
        let lock = loop {
            create_private(&path)?;
            let failed = |e| error::io("open", &path, e);
            let folder = File::options()
                .read(true)
                .custom_flags((OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed())
                .open(&path)
                .map_err(failed)?;
            match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    let busy = format!("another process is collecting into {}", out.display());
                    return Err(Error::new(ErrorKind::Io, busy)
                        .with_hint("Wait for it, or collect into another folder."));
                }
                Err(e) => return Err(failed(e.into())),
            }
            // Its last owner may have removed it between the opening and the locking.
            let inode = folder.metadata().map_err(failed)?.ino();
            if fs::symlink_metadata(&path).is_ok_and(|there| there.ino() == inode) {
                break folder;
            }
        };
        let workspace = Self { path, _lock: lock };
        workspace.clear()?;
        Ok(workspace)
    }

    /// A place in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn clear(&self) -> Result<()> {
        let clear = || -> std::io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        clear().map_err(|e| error::io("clear", &self.path, e))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // Whatever stays is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_empty_exclusive_and_gone_afterwards() {
        let dir = tempfile::tempdir().expect("temp dir");
        let out = dir.path().join("out");
        let first = Workspace::open(&out, "1/../2").expect("open");
        fs::write(first.path("left"), "x").expect("file");
        let error = Workspace::open(&out, "1/../2").expect_err("busy");
        assert_eq!(error.kind(), ErrorKind::Io);
        let other = Workspace::open(&out, "other").expect("another task");
        assert!(first.path("left").exists());

        // A crash: the lock is gone, the content is not.
        let path = first.path.clone();
        drop(other);
        drop(first);
        assert_eq!(fs::read_dir(&out).expect("out").count(), 0);
        fs::create_dir_all(path.join("members/x")).expect("leftover");
        let again = Workspace::open(&out, "1/../2").expect("open");
        assert_eq!(fs::read_dir(&again.path).expect("workspace").count(), 0);
    }
}
