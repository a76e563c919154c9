//! The files of a journal: where they may lie, and that only their owner can read them.
//!
//! The database itself is never opened here: closing it would drop the locks that SQLite holds on
//! it elsewhere in this process (POSIX locks belong to the process, not to the open file).

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// The path with this at its end.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut text = OsString::from(path);
    text.push(suffix);
    PathBuf::from(text)
}

/// Something that cannot be done with a file of the journal.
pub(super) fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    refused(path, &format!("cannot {doing} it: {error}")).with_source(error)
}

/// A file that is not taken, and why.
pub(super) fn refused(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Journal,
        format!("the journal's {}: {why}", path.display()),
    )
}

/// The journal's absolute path, once its folder is found fit.
pub(super) fn place(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(refused(path, "not the path of a file"));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refused(folder, "there is no such folder; create it first"),
        _ => failed("enter", folder, error),
    })?;
    let found = fs::metadata(&folder).map_err(|error| failed("enter", &folder, error))?;
    if !found.is_dir() {
        return Err(refused(&folder, "not a folder"));
    }
    // Whoever may write here may replace the files; the sticky bit (as on /tmp) prevents that.
    if found.mode() & 0o1002 == 0o002 {
        return Err(refused(
            &folder,
            "everybody may write to this folder; use one of your own (chmod o-w)",
        ));
    }
    if let Some(name) = network(&folder)? {
        return Err(refused(
            &folder,
            &format!(
                "this folder is on {name}, where SQLite's locks are not safe; use a local disk"
            ),
        ));
    }
    Ok(folder.join(name))
}

#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Result<Option<&'static str>> {
    let found =
        rustix::fs::statfs(folder).map_err(|error| failed("examine", folder, error.into()))?;
    Ok(network_name(i128::from(found.f_type)))
}

#[cfg(not(target_os = "linux"))]
fn network(_folder: &Path) -> Result<Option<&'static str>> {
    Ok(None)
}

/// The magic numbers of statfs(2).
#[cfg(target_os = "linux")]
fn network_name(magic: i128) -> Option<&'static str> {
    // The type of the field differs from platform to platform; the number has 32 bits.
    Some(match magic & 0xffff_ffff {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "an SMB share",
        0x0102_1997 => "9p",
        0x6573_5546 => "FUSE",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        _ => return None,
    })
}

/// Looks at a file without opening it: `None` when there is none, its size otherwise. A file that
/// others may read is closed to them when it is ours, and refused when it is not.
pub(super) fn check(path: &Path) -> Result<Option<u64>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("examine", path, error)),
    };
    if found.is_symlink() {
        return Err(refused(
            path,
            "a symbolic link; give the path of the file itself",
        ));
    }
    if !found.is_file() {
        return Err(refused(path, "not a regular file"));
    }
    if found.mode() & 0o077 != 0 {
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(refused(
                path,
                "open to others, and it belongs to another user",
            ));
        }
        fs::set_permissions(path, Permissions::from_mode(0o600))
            .map_err(|error| failed("close to others", path, error))?;
    }
    Ok(Some(found.len()))
}

/// Makes a file that is not there yet, for its owner only.
pub(super) fn create(path: &Path) -> Result<File> {
    open(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, "create")
}

/// Opens a file for writing, and makes it when it is not there.
pub(super) fn open_or_create(path: &Path) -> Result<File> {
    open(path, OFlags::RDWR | OFlags::CREATE, "open")
}

fn open(path: &Path, flags: OFlags, doing: &str) -> Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|error| failed(doing, path, error.into()))
}

/// Gives a finished file its name, which nothing has yet, and makes that last.
pub(super) fn publish(made: &Path, name: &Path) -> Result<()> {
    // A link, unlike a rename, never takes the place of a file.
    fs::hard_link(made, name).map_err(|error| failed("create", name, error))?;
    fs::remove_file(made).map_err(|error| failed("remove", made, error))?;
    let folder = name.parent().unwrap_or(Path::new("/"));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("write", folder, error))
}

/// Removes what an earlier process left half made.
pub(super) fn discard(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

/// Makes the key file, or takes the one that a process left that ended before the journal was
/// there.
pub(super) fn make_key(path: &Path) -> Result<[u8; 32]> {
    if check(path)?.is_some() {
        return read_key(path);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| failed("make", path, io::Error::other(error.to_string())))?;
    let made = beside(path, ".new");
    discard(&made)?;
    let mut file = create(&made)?;
    file.write_all(&key)
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("write", &made, error))?;
    publish(&made, path)?;
    Ok(key)
}

/// Reads the key file.
pub(super) fn read_key(path: &Path) -> Result<[u8; 32]> {
    match check(path)? {
        None => Err(refused(
            path,
            "the key file is missing; put it back from where the journal came from",
        )),
        Some(32) => {
            let mut key = [0; 32];
            let mut file = open(path, OFlags::RDONLY, "open")?;
            file.read_exact(&mut key)
                .map_err(|error| failed("read", path, error))?;
            Ok(key)
        }
        Some(_) => Err(refused(
            path,
            "the key file is damaged: it must have 32 bytes",
        )),
    }
}

/// What of a key may stand in the journal: tells a wrong key file from the right one.
pub(super) fn key_check(key: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"dsrkit journal key");
    hash.update(key);
    hash.finalize().into()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_however_the_field_is_signed() {
        for (magic, name) in [
            (0x6969, "NFS"),
            (0x517b, "an SMB share"),
            (0xfe53_4d42, "an SMB share"),
            (0x0102_1997, "9p"),
            (0x6573_5546, "FUSE"),
        ] {
            assert_eq!(network_name(magic), Some(name));
        }
        assert_eq!(
            network_name(i128::from(0xff53_4d42_u32)),
            Some("an SMB share")
        );
        assert_eq!(
            network_name(i128::from(0xff53_4d42_u32.cast_signed())),
            Some("an SMB share")
        );
        // ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS
        for magic in [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x0102_1994,
            0x794c_7630,
            0x2fc1_2fc1,
        ] {
            assert_eq!(network_name(magic), None);
        }
    }
}
