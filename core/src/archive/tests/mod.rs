//! Archives of every kind, honest and hostile.

mod builder;
mod ciphers;
mod fetching;
mod foreign;
mod forms;
mod generated;
mod hostile;
mod layout;
mod memory;
mod property;
mod splitting;
mod together;

use std::fs;
use std::path::{Path, PathBuf};

/// A folder with an archive in it.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new(archive: &[u8]) -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::write(dir.path().join("a.zip"), archive).expect("archive");
        Self { dir }
    }
    fn archive(&self) -> PathBuf {
        self.dir.path().join("a.zip")
    }
    fn target(&self) -> PathBuf {
        self.dir.path().join("out")
    }
    /// What lies in the folder, hidden or not.
    fn visible(&self) -> Vec<String> {
        names(self.dir.path())
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("folder")
        .map(|e| e.expect("entry").file_name().into_string().expect("name"))
        .collect();
    names.sort();
    names
}

/// xorshift64*: tests replay from their seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % n
    }
}
