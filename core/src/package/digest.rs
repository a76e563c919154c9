//! Writing a file of a package: private, new, hashed on the way.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::write::DataFile;

/// A file on its way to the disk.
pub(super) struct NewFile {
    path: String,
    out: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl NewFile {
    /// Creates `path` below `dir`; it must not exist yet.
    pub(super) fn create(dir: &Path, path: &str) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::with_capacity(64 << 10, new_file(&dir.join(path))?),
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    pub(super) fn finish(mut self, records: Option<u64>) -> io::Result<DataFile> {
        self.out.flush()?;
        Ok(DataFile {
            path: self.path,
            bytes: self.bytes,
            sha256: self.hash.finalize().into(),
            records,
        })
    }

    /// The whole file in one go.
    pub(super) fn whole(dir: &Path, path: &str, text: &[u8]) -> io::Result<DataFile> {
        let mut file = Self::create(dir, path)?;
        file.write_all(text)?;
        file.finish(None)
    }
}

impl Write for NewFile {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.out.write_all(piece)?;
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        Ok(piece.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file that nobody else may read and that did not exist.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
}
