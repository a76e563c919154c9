//! Writing below one folder and nowhere else.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{self, Error, ErrorKind, Result};

const OPEN_DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A new private folder. Everything is created relative to its handle, one part of the name at a
/// time and never through a link, so that no name can lead elsewhere. It is removed when dropped,
/// unless it was published.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    published: bool,
}

impl Tree {
    /// Creates the folder; one that an interrupted call left behind is removed first.
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(error::io("remove", &path, e));
            }
            _ => {}
        }
        create_private(&path, false)?;
        let root = rustix::fs::openat(CWD, &path, OPEN_DIR, Mode::empty())
            .map_err(|e| error::io("open", &path, e.into()))?;
        Ok(Self {
            root,
            path,
            published: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a folder and those above it. `None` stands for the root itself.
    fn folder(&self, name: &str) -> io::Result<Option<OwnedFd>> {
        let mut at: Option<OwnedFd> = None;
        for part in name.split('/').filter(|part| !part.is_empty()) {
            let parent = at.as_ref().unwrap_or(&self.root);
            match rustix::fs::mkdirat(parent, part, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
            let next = rustix::fs::openat(parent, part, OPEN_DIR, Mode::empty())?;
            at = Some(next);
        }
        Ok(at)
    }

    /// Creates a folder. A failure names the root only: a member's name may hold an id.
    pub(super) fn create_folder(&self, name: &str) -> Result<()> {
        self.folder(name)
            .map(drop)
            .map_err(|e| error::io("create a folder in", &self.path, e))
    }

    /// Creates a file that did not exist, and the folders above it.
    pub(super) fn create_file(&self, name: &str) -> Result<File> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let create = || -> io::Result<File> {
            let folder = self.folder(folder)?;
            let parent = folder.as_ref().unwrap_or(&self.root);
            let mode = Mode::RUSR | Mode::WUSR;
            Ok(rustix::fs::openat(parent, file, NEW_FILE, mode)?.into())
        };
        create().map_err(|e| error::io("create a file in", &self.path, e))
    }

    /// Gives the folder its final name. Nothing that has that name already is touched.
    pub(super) fn publish(mut self, target: &Path, durable: bool) -> Result<()> {
        if durable {
            sync_tree(&self.path).map_err(|e| error::io("write", &self.path, e))?;
        }
        rename_new(&self.path, target)?;
        self.published = true;
        if durable {
            sync_parent(target)?;
        }
        Ok(())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.published {
            // Whatever stays is removed by the next call.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Creates a folder that only this user may read.
pub(super) fn create_private(path: &Path, with_parents: bool) -> Result<()> {
    DirBuilder::new()
        .recursive(with_parents)
        .mode(0o700)
        .create(path)
        .map_err(|e| error::io("create the folder", path, e))
}

/// Renames without replacing.
pub(super) fn rename_new(from: &Path, target: &Path) -> Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST | Errno::NOTEMPTY) => Err(exists(target)),
        // A file system that cannot promise it.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if target.symlink_metadata().is_ok() {
                return Err(exists(target));
            }
            fs::rename(from, target).map_err(|e| error::io("create", target, e))
        }
        Err(e) => Err(error::io("create", target, e.into())),
    }
}

pub(super) fn exists(target: &Path) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("{} exists already and is not overwritten", target.display()),
    )
}

/// Makes the entry of `path` in its folder durable.
pub(super) fn sync_parent(path: &Path) -> Result<()> {
    let parent = parent_of(path);
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| error::io("write", parent, e))
}

/// The folder that holds `path`.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// One call for the whole file system is far cheaper than one per member.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sync_tree(root: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(root)?)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn sync_tree(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(root)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).expect("outside");
        let tree = Tree::create(dir.path().join("tree")).expect("tree");
        symlink(&outside, tree.path().join("link")).expect("link");
        symlink(outside.join("x"), tree.path().join("file")).expect("link");
        assert!(tree.create_file("link/x").is_err());
        assert!(tree.create_folder("link/x").is_err());
        assert!(tree.create_file("file").is_err());
        assert_eq!(fs::read_dir(&outside).expect("outside").count(), 0);
    }

    #[test]
    fn what_it_makes_is_private_and_removed_unless_published() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o7777;
        let tree = Tree::create(dir.path().join("tmp")).expect("tree");
        drop(tree.create_file("a/b").expect("file"));
        assert_eq!(mode(tree.path()), 0o700);
        assert_eq!(mode(&tree.path().join("a")), 0o700);
        assert_eq!(mode(&tree.path().join("a/b")), 0o600);
        drop(tree);
        assert!(!dir.path().join("tmp").exists());

        let target = dir.path().join("target");
        fs::create_dir(&target).expect("in the way");
        let tree = Tree::create(dir.path().join("tmp")).expect("tree");
        assert!(tree.publish(&target, true).is_err());
        assert_eq!(fs::read_dir(&target).expect("target").count(), 0);
        fs::remove_dir(&target).expect("out of the way");
        let tree = Tree::create(dir.path().join("tmp")).expect("tree");
        tree.publish(&target, true).expect("published");
        assert!(target.is_dir());
    }
}
