//! What only the file can get wrong.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::SqliteJournal;
use crate::error::ErrorKind;
use crate::journal::conformance::{self, batch, event, import, row};
use crate::journal::files::beside;
use crate::journal::{Change, Journal};

mod crash;
mod places;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Whatever the umask: a folder that everybody may write to is refused.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }
    fn db(&self) -> PathBuf {
        self.folder.path().join("dsr.sqlite3")
    }
    fn open(&self) -> SqliteJournal {
        SqliteJournal::open(&self.db()).unwrap()
    }
    /// A closed journal with one run of three batches.
    fn filled() -> Self {
        let place = Self::new();
        import(&place.open(), "r", 3).unwrap();
        place
    }
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
    /// Opening fails both ways, with this in the message, and changes nothing.
    fn refuses(&self, words: &str) {
        let before = fs::read(self.db()).ok();
        for open in [SqliteJournal::open, SqliteJournal::open_read_only] {
            let error = open(&self.db()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Journal);
            assert!(!error.is_retryable(), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(fs::read(self.db()).ok(), before);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn conforms() {
    let places = std::cell::RefCell::new(Vec::new());
    conformance::run(&|| {
        let place = Place::new();
        let journal = place.open();
        places.borrow_mut().push(place);
        Box::new(journal)
    });
}

#[test]
fn every_file_is_for_its_owner_only() {
    let place = Place::new();
    let journal = place.open();
    import(&journal, "r", 3).unwrap();
    let names = place.names();
    for suffix in ["", "-shm", "-wal", ".key", ".lock", ".rescue"] {
        assert!(names.contains(&format!("dsr.sqlite3{suffix}")), "{names:?}");
    }
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        assert_eq!(mode(&place.folder.path().join(&name)), 0o600, "{name}");
    }
    assert_eq!(
        fs::read(beside(&place.db(), ".key")).unwrap(),
        journal.key()
    );
    assert_eq!(
        journal.default_archives(),
        Some(beside(journal.path(), ".archives"))
    );
    drop(journal);
    assert_eq!(
        place.names(),
        [
            "dsr.sqlite3",
            "dsr.sqlite3.key",
            "dsr.sqlite3.lock",
            "dsr.sqlite3.rescue"
        ]
    );
}

#[test]
fn files_open_to_others_are_closed_to_them() {
    let place = Place::filled();
    for suffix in ["", ".key", ".lock"] {
        let wide = Permissions::from_mode(0o644);
        fs::set_permissions(beside(&place.db(), suffix), wide).unwrap();
    }
    let _journal = place.open();
    for name in place.names() {
        assert_eq!(mode(&place.folder.path().join(&name)), 0o600, "{name}");
    }
}

#[test]
fn all_of_it_is_there_after_opening_again() {
    let place = Place::filled();
    let key = *place.open().key();
    let journal = place.open();
    assert_eq!(*journal.key(), key);
    assert_eq!(journal.runs().unwrap(), [row("r", 3)]);
    assert_eq!(journal.batch_ids("r", 2).unwrap(), batch("r", 2).ids_json);
    assert_eq!(journal.verify_events().unwrap(), 1);
    // The events go on where they ended.
    let events = journal
        .commit(&[Change::Event(event("r", "more"))])
        .unwrap();
    assert_eq!(events.first().unwrap().seq, 2);
    assert_eq!(journal.verify_events().unwrap(), 2);
}

#[test]
fn the_settings_are_on_and_ids_are_rows_for_people() {
    let place = Place::filled();
    let journal = place.open();
    let conn = journal.reader();
    let pragma = |name| {
        conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(pragma("secure_delete"), 1);
    assert_eq!(pragma("synchronous"), 2);
    assert_eq!(pragma("foreign_keys"), 1);
    assert_eq!(pragma("trusted_schema"), 0);
    assert_eq!(pragma("cell_size_check"), 1);
    assert_eq!(pragma("busy_timeout"), 5000);
    assert_eq!(pragma("cache_size"), -8192);
    let mode: String = conn
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let id: String = conn
        .query_row(
            "SELECT id FROM subject WHERE batch = 2 AND pos = 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(id, "b2");
}

#[test]
fn a_second_runner_is_told_who_the_first_is_and_may_read() {
    let place = Place::new();
    let journal = place.open();
    for _ in 0..20 {
        let start = Instant::now();
        let error = SqliteJournal::open(&place.db()).unwrap_err();
        assert!(start.elapsed() < Duration::from_millis(100));
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.is_retryable());
        let pid = format!("in use by process {} since 20", std::process::id());
        assert!(error.message().contains(&pid), "{error}");
        assert!(error.message().contains("reading works"), "{error}");
    }
    let second = SqliteJournal::open_or_read(&place.db()).unwrap();
    let error = second.claim().unwrap_err();
    assert!(error.hint().contains("already"), "{}", error.hint());
    let reader = SqliteJournal::open_read_only(&place.db()).unwrap();
    import(&journal, "r", 1).unwrap();
    assert_eq!(reader.runs().unwrap(), [row("r", 1)]);
    assert_eq!(reader.verify_events().unwrap(), 1);
    let refused = reader
        .commit(&[Change::Event(event("r", "no"))])
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Journal);
    drop(journal);
    drop(place.open());
    assert_eq!(reader.runs().unwrap().len(), 1);
}

#[test]
fn a_changed_event_shows() {
    for (change, at) in [
        ("UPDATE event SET text = 'x' WHERE seq = 2", "event: 2"),
        ("UPDATE event SET at = at + 1 WHERE seq = 3", "event: 3"),
        ("DELETE FROM event WHERE seq = 2", "event: 2"),
        ("DELETE FROM event WHERE seq = 4", "event: 4"),
        ("DELETE FROM event", "event: 1"),
    ] {
        let place = Place::filled();
        let journal = place.open();
        for text in ["a", "b", "c"] {
            journal.commit(&[Change::Event(event("r", text))]).unwrap();
        }
        assert_eq!(journal.verify_events().unwrap(), 4);
        Connection::open(place.db())
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let error = journal.verify_events().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.to_string().contains(at), "{change}: {error}");
    }
}

#[test]
fn what_is_not_a_whole_journal_is_refused_and_left_as_it_is() {
    let place = Place::filled();
    let whole = fs::read(place.db()).unwrap();
    fs::write(place.db(), b"").unwrap();
    place.refuses("an empty file");
    for garbage in [
        vec![b'x'],
        vec![0; 8192],
        whole.iter().map(|byte| !byte).collect(),
    ] {
        fs::write(place.db(), garbage).unwrap();
        place.refuses("left as it is");
    }
    let len = whole.len();
    for length in [50, 100, 600, 4096, 5000, 8192, len - 4096, len - 1] {
        fs::write(place.db(), whole.get(..length).unwrap()).unwrap();
        place.refuses("left as it is");
    }
    // A page in the middle turned to zeros.
    let mut holed = whole.clone();
    holed.get_mut(8192..12288).unwrap().fill(0);
    fs::write(place.db(), holed).unwrap();
    place.refuses("left as it is");
    fs::write(place.db(), whole).unwrap();
    assert_eq!(place.open().runs().unwrap().len(), 1);
}

#[test]
fn other_databases_and_newer_formats_are_refused() {
    let place = Place::filled();
    let change = |statement: &str| {
        Connection::open(place.db())
            .unwrap()
            .execute_batch(statement)
            .unwrap();
    };
    change("PRAGMA user_version = 3");
    place.refuses("newer dsrkit");
    change("PRAGMA user_version = 1");
    place.refuses("first release");
    change("PRAGMA user_version = 0");
    place.refuses("left as it is");
    change("PRAGMA user_version = 2; PRAGMA application_id = 1");
    place.refuses("another program");
    change("PRAGMA application_id = 0x44535231");
    drop(place.open());

    // Another program's database whose log waits to be written back: that is its own affair.
    let other = Place::new();
    let conn = Connection::open(other.db()).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)")
        .unwrap();
    fs::write(beside(&other.db(), ".key"), [0; 32]).unwrap();
    other.refuses("another program");
}

#[test]
fn the_key_file_must_be_the_right_one() {
    let place = Place::filled();
    let key = beside(&place.db(), ".key");
    let right = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    place.refuses("key file is missing");
    assert!(!key.exists(), "never a new key");
    fs::write(&key, [1; 31]).unwrap();
    place.refuses("32 bytes");
    fs::write(&key, [1; 32]).unwrap();
    place.refuses("another journal");
    fs::write(&key, right).unwrap();
    drop(place.open());
}

#[test]
fn places_that_do_not_fit_are_refused() {
    let place = Place::filled();
    let refused = |path: &Path, words: &str| {
        let error = SqliteJournal::open(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.to_string().contains(words), "{error}");
    };
    let folder = place.folder.path();
    refused(&folder.join("none/dsr.sqlite3"), "create it");
    refused(&place.db().join("dsr.sqlite3"), "folder");
    refused(folder, "not a regular file");
    refused(Path::new("/"), "not the path of a file");
    refused(Path::new("/proc/dsr.sqlite3"), "dsr.sqlite3.lock");
    let link = folder.join("link");
    symlink(place.db(), &link).unwrap();
    refused(&link, "symbolic link");
    let open = Place::new();
    fs::set_permissions(open.folder.path(), Permissions::from_mode(0o777)).unwrap();
    refused(&open.db(), "everybody may write");
    assert!(open.names().is_empty());
    let missing = SqliteJournal::open_read_only(&folder.join("other")).unwrap_err();
    assert!(missing.to_string().contains("no such file"), "{missing}");
    // A folder may be reached through a link, and its name may hold anything.
    let odd = Place::new();
    let real = odd.folder.path().join("a b?c#d%41ü");
    fs::create_dir(&real).unwrap();
    fs::set_permissions(&real, Permissions::from_mode(0o700)).unwrap();
    symlink(&real, odd.folder.path().join("way")).unwrap();
    let journal = SqliteJournal::open(&odd.folder.path().join("way/j")).unwrap();
    assert_eq!(journal.path(), fs::canonicalize(real).unwrap().join("j"));
}

#[test]
fn deleted_ids_are_not_left_in_the_file() {
    let place = Place::filled();
    {
        let journal = place.open();
        let conn = journal.reader();
        conn.execute_batch("UPDATE batch SET ids = '[]'; PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
    }
    let file = fs::read(place.db()).unwrap();
    assert!(!file.windows(4).any(|bytes| bytes == b"\"b1\""));
}
