//! Names of folders, and putting a finished folder in its place.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::error::{self, Result};

use super::write::hex;

/// The name of a person's (or a task's) folder: some of the id, for the eye, and a piece of its
/// hash, which makes it unique on file systems that ignore case and normal forms too.
pub fn folder_name(id: &str) -> String {
    let readable: String = id
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let hash = hex(&Sha256::digest(id.as_bytes()));
    let hash: String = hash.chars().take(12).collect();
    if readable.is_empty() {
        hash
    } else {
        format!("{readable}-{hash}")
    }
}

/// The package of this person below an output folder, locked or not, if there is one.
pub fn find_package(out: &Path, id: &str) -> Option<PathBuf> {
    let open = out.join("subjects").join(folder_name(id));
    let locked = open.with_extension("zip");
    [open, locked]
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
}

/// Moves a finished folder of the workspace to its place below the output folder, whole or not at
/// all. What is there already is replaced in one step.
pub fn place(from: &Path, target: &Path) -> Result<()> {
    sync(from).map_err(|e| error::io("write", from, e))?;
    let parent = target.parent().unwrap_or(Path::new("."));
    create_private(parent)?;
    exchange(from, target).map_err(|e| error::io("create a folder in", parent, e))?;
    sync_folder(parent)
}

/// After this, `target` is what `from` was, and what `target` was is in `from` or gone.
pub(super) fn exchange(from: &Path, target: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => return Ok(()),
        Err(Errno::NOENT) => return fs::rename(from, target),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        Err(e) => return Err(e.into()),
    }
    // A file system that cannot exchange: for a moment there is neither.
    if target.symlink_metadata().is_err() {
        return fs::rename(from, target);
    }
    let mut aside = from.as_os_str().to_owned();
    aside.push(".old");
    fs::rename(target, &aside)?;
    fs::rename(from, target)
}

pub(super) fn create_private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| error::io("create the folder", path, e))
}

pub(super) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| error::io("write", path, e))
}

/// Makes everything below `root` durable. One call for the file system is far cheaper than one
/// for each of thousands of files.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn sync(root: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(root)?)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn sync(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(root)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_are_safe_and_unique() {
        let ids = [
            "a",
            "A",
            "a/b",
            "a\\b",
            "..",
            ".",
            "",
            " ",
            "nul",
            "CON",
            "é",
            "e\u{301}",
            "a\0",
            "$device:1",
            "ann@example.com",
            "ann_example.com",
        ];
        let mut names: Vec<String> = ids.iter().map(|id| folder_name(id)).collect();
        assert_eq!(
            names[14].split_at(16),
            ("ann_example_com-", &names[14][16..])
        );
        for name in &names {
            assert!(name.len() <= 53 && name.len() >= 12);
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
            );
        }
        names
            .iter_mut()
            .for_each(|name| name.make_ascii_lowercase());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ids.len());
        assert!(folder_name(&"é".repeat(1_000)).len() <= 53);
    }

    #[test]
    fn a_folder_is_placed_whole_and_again() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (from, target) = (dir.path().join("from"), dir.path().join("out/target"));
        for content in ["one", "two"] {
            let _ = fs::remove_dir_all(&from);
            fs::create_dir(&from).expect("from");
            fs::write(from.join(content), content).expect("file");
            place(&from, &target).expect("placed");
            let files: Vec<_> = fs::read_dir(&target).expect("target").collect();
            assert_eq!(files.len(), 1);
            assert_eq!(
                fs::read(target.join(content)).expect("file"),
                content.as_bytes()
            );
        }
    }
}
