//! Where a journal may lie, whose its files may be, and what a copy or damage of it shows.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use super::{Place, mode};
use crate::error::ErrorKind;
use crate::journal::conformance::{batch, import, row};
use crate::journal::sqlite::{SqliteJournal, files::beside};
use crate::journal::{Journal as _, memory::MemoryJournal};

fn refused(path: &Path, words: &str) {
    let error = SqliteJournal::open(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.to_string().contains(words), "{error}");
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Row 43.
#[test]
fn a_folder_that_cannot_be_written_is_refused_and_one_that_is_not_there_is_not_made() {
    let place = Place::new();
    refused(&place.folder.path().join("none/j"), "create it first");
    assert!(place.names().is_empty());
    // Not even root writes here.
    refused(Path::new("/proc/j"), "/proc/j.lock");
    if !root() {
        fs::set_permissions(place.folder.path(), Permissions::from_mode(0o500)).unwrap();
        refused(&place.db(), "dsr.sqlite3.lock");
        fs::set_permissions(place.folder.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(place.names().is_empty());
    }
}

/// Rows 43 and 44. Only root can make what this looks at.
#[test]
fn files_of_another_user_are_refused_and_left_as_they_are() {
    if !root() {
        return;
    }
    for suffix in ["", ".key", ".lock", ".rescue"] {
        let place = Place::filled();
        let theirs = beside(&place.db(), suffix);
        chown(&theirs, Some(12345), None).unwrap();
        fs::set_permissions(&theirs, Permissions::from_mode(0o644)).unwrap();
        refused(&place.db(), "belongs to another user");
        assert_eq!(mode(&theirs), 0o644, "{suffix}");
        let linked = Place::new();
        symlink(&theirs, beside(&linked.db(), suffix)).unwrap();
        refused(&linked.db(), "symbolic link");
        assert_eq!(mode(&theirs), 0o644, "{suffix}");
    }
}

/// Row 46.
#[test]
fn a_copy_is_doubted_and_the_journal_itself_is_not() {
    let place = Place::filled();
    assert_eq!(place.open().doubt(), None);
    assert_eq!(MemoryJournal::new().doubt(), None);
    let copy = Place::new();
    for suffix in ["", ".key", ".lock", ".rescue"] {
        fs::copy(beside(&place.db(), suffix), beside(&copy.db(), suffix)).unwrap();
    }
    if fs::exists("/proc/sys/kernel/random/boot_id").unwrap() {
        assert_eq!(
            copy.open().doubt(),
            Some("its file is another one than last time")
        );
    }
    // Told once: from now on the copy is the journal that was used here.
    assert_eq!(copy.open().doubt(), None);
    let elsewhere = r#"{"pid":1,"since":"","host":"elsewhere","boot":"another","file":1}"#;
    fs::write(beside(&copy.db(), ".lock"), elsewhere).unwrap();
    assert_eq!(
        copy.open().doubt(),
        Some("it was last used on another machine")
    );
    fs::remove_file(beside(&copy.db(), ".lock")).unwrap();
    assert_eq!(copy.open().doubt(), Some("it came without its lock file"));
}

/// Row 42. Whatever single bit is turned: the journal is refused, or what was changed is found
/// where it is read, or nothing of it was.
#[test]
fn a_turned_bit_is_refused_or_changes_nothing_that_is_believed() {
    let place = Place::new();
    let journal = place.open();
    import(&journal, "r", 3).unwrap();
    drop(journal);
    let whole = fs::read(place.db()).unwrap();
    let (mut refused, mut unchanged, mut changed) = (0, 0, 0);
    for at in (0..whole.len()).step_by(211) {
        let mut turned = whole.clone();
        turned[at] ^= 1 << (at % 8);
        fs::write(place.db(), &turned).unwrap();
        let same = SqliteJournal::open(&place.db()).and_then(|journal| {
            journal.verify_events()?;
            let rows = journal.runs()? == [row("r", 3)];
            let ids = (0..3).all(|no| {
                let found = journal.batch_ids("r", no).ok();
                found == Some(batch("r", no).ids_json)
            });
            Ok(rows && ids)
        });
        match same {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Journal, "{at}: {error}");
                refused += 1;
            }
            Ok(true) => unchanged += 1,
            // The digests of plan and batches are compared before anything is sent.
            Ok(false) => changed += 1,
        }
        for name in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&place.db(), name));
        }
    }
    println!(
        "turned bits: {refused} refused, {unchanged} meant nothing, {changed} for the digests"
    );
    assert!(refused > 0 && unchanged > 0);
    fs::write(place.db(), whole).unwrap();
    assert_eq!(place.open().runs().unwrap(), [row("r", 3)]);
}
