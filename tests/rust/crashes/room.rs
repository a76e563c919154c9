//! A small disk of a folder's own, which is really full when it is.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Over a folder, until dropped.
pub struct Room(PathBuf);

impl Room {
    /// So many KiB. Why not, if this user may not mount anything.
    pub fn new(folder: &Path, kib: usize) -> Result<Self, String> {
        let options = format!("size={kib}k,mode=0700");
        system("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"], folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// There is space again.
    pub fn more(&self) {
        system("mount", &["-o", "remount,size=64m"], &self.0).unwrap();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = system("umount", &[], &self.0);
    }
}

fn system(program: &str, words: &[&str], folder: &Path) -> Result<(), String> {
    let done = Command::new(program).args(words).arg(folder).output();
    let done = done.map_err(|error| format!("{program}: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
    }
}
