//! A package as one file that only a passphrase opens: a zip with AES-256, which the usual programs
//! open. Names and sizes of its files can be seen without the passphrase, and the tasks it comes from;
//! no name in it holds an id.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::secret::Secret;

use super::digest::new_file;
use super::manifest::Origin;
use super::write::DataFile;

/// From here on a member needs the wide form of its sizes.
const LARGE: u64 = 3 << 30;
const LOCKED: &str = "dsrkit-locked-1";

/// Packs `files` of `dir`, and its manifest. The zip's comment tells whose it is to those who have
/// to remove it without the passphrase.
pub(super) fn pack(
    dir: &Path,
    files: &[DataFile],
    origin: &Origin,
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
    let sources = origin.archives.iter();
    let sources: Vec<Value> = sources.map(|a| json!({ "task_id": a.task_id })).collect();
    zip.set_comment(json!({ "format": LOCKED, "sources": sources }).to_string())?;
    zip.finish()?.sync_all()
}

/// What the comment of a locked package says; `None` for any other file.
pub(super) fn label(package: &Path) -> Option<Value> {
    let zip = ZipArchive::new(io::BufReader::new(open(package).ok()?)).ok()?;
    let label: Value = serde_json::from_slice(zip.comment()).ok()?;
    (label.get("format")? == LOCKED).then_some(label)
}

fn open(package: &Path) -> io::Result<File> {
    // Without NONBLOCK a named pipe in the package's place would hang.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(package)
}

/// One file of a package. What was given before an error is not to be trusted.
pub(super) fn read(
    package: &Path,
    path: &str,
    passphrase: &Secret,
    into: &mut impl Write,
) -> io::Result<()> {
    let mut zip = ZipArchive::new(io::BufReader::new(open(package)?))?;
    let mut member = zip.by_name_decrypt(path, passphrase.expose().as_bytes())?;
    io::copy(&mut member, into).map(drop)
}
