//! A package as one file that only a passphrase opens: a zip with AES-256, which the usual programs
//! open. Names and sizes of its files can be seen without the passphrase; no name in it holds an id.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::secret::Secret;

use super::digest::new_file;
use super::write::DataFile;

/// From here on a member needs the wide form of its sizes.
const LARGE: u64 = 3 << 30;

/// Packs `files` of `dir`, and its manifest.
pub(super) fn pack(
    dir: &Path,
    files: &[DataFile],
    passphrase: &Secret,
    into: &Path,
) -> io::Result<()> {
    let mut zip = ZipWriter::new(new_file(into)?);
    let manifest = ("manifest.json", 0);
    let listed = files.iter().map(|file| (file.path.as_str(), file.bytes));
    for (path, bytes) in listed.chain([manifest]) {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o600)
            .large_file(bytes >= LARGE)
            .with_aes_encryption(AesMode::Aes256, passphrase.expose());
        zip.start_file(path, options)?;
        io::copy(&mut File::open(dir.join(path))?, &mut zip)?;
    }
    zip.finish()?.sync_all()
}

/// One file of a package. What was given before an error is not to be trusted.
pub(super) fn read(
    package: &Path,
    path: &str,
    passphrase: &Secret,
    into: &mut impl Write,
) -> io::Result<()> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file =
        std::os::unix::fs::OpenOptionsExt::custom_flags(File::options().read(true), no_follow)
            .open(package)?;
    let mut zip = ZipArchive::new(io::BufReader::new(file))?;
    let mut member = zip.by_name_decrypt(path, passphrase.expose().as_bytes())?;
    io::copy(&mut member, into).map(drop)
}
