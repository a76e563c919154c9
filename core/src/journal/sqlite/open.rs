//! Opening and making a journal. What is not a whole journal of ours is refused and left as it
//! is; nothing is ever made over a file that is there.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use super::SqliteJournal;
use super::failure::sql;
use super::lock::OwnerLock;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::files::{self, beside, refused};
use crate::journal::rescue::Rescue;

const SCHEMA: &str = include_str!("../schema/sqlite.sql");
const APPLICATION_ID: i64 = 0x4453_5231;
const VERSION: i64 = 2;
/// Before this, a write-ahead log that was reset at the wrong moment could damage the database
/// (SQLite's release notes).
const SQLITE_MIN: i32 = 3_051_003;

/// How long another program's lock is waited for.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Harmless to any file. The cache is bounded so that a plan of any size stays small in memory:
/// what does not fit goes to the log before the commit. Temporary tables would lie in /tmp.
const GUARDS: &str = "
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA mmap_size = 0;
    PRAGMA cache_size = -8192;
    PRAGMA temp_store = MEMORY;
    PRAGMA foreign_keys = ON;
";

/// A commit is on the disk when it returns, and what is deleted is overwritten.
const DURABLE: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA secure_delete = ON;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = 1048576;
";

/// Opens or makes a journal, as its one runner.
pub(super) fn runner(path: &Path) -> Result<SqliteJournal> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(Error::new(
            ErrorKind::Journal,
            "the SQLite library is too old: 3.51.3 or later is needed",
        ));
    }
    let path = files::place(path)?;
    // Looked at before the lock, so that no lock file is left beside a file that is not ours.
    size(&path)?;
    let mut lock = OwnerLock::take(&beside(&path, ".lock"))?;
    let key_file = beside(&path, ".key");
    let made = size(&path)?.is_none();
    let key = if made {
        let key = files::make_key(&key_file)?;
        make(&path, &key)?;
        key
    } else {
        probe(&path)?; // a file that is not ours needs no key
        files::read_key(&key_file)?
    };
    let doubt = lock.mark(&path, made)?;
    let mut journal = journal(path, key, Some(lock))?;
    journal.doubt = doubt;
    Ok(journal)
}

/// Opens a journal that is there, for reading.
pub(super) fn reader(path: &Path) -> Result<SqliteJournal> {
    let path = files::place(path)?;
    if size(&path)?.is_none() {
        return Err(refused(&path, "there is no such file"));
    }
    probe(&path)?;
    let key = files::read_key(&beside(&path, ".key"))?;
    journal(path, key, None)
}

fn journal(path: PathBuf, key: [u8; 32], lock: Option<OwnerLock>) -> Result<SqliteJournal> {
    let conn = connect(&path, lock.is_some())?;
    check_key(&conn, &path, &key)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map_err(sql)?;
    let rescue = match lock {
        Some(_) => Some(Rescue::open(beside(&path, ".rescue"))?),
        None => None,
    };
    Ok(SqliteJournal {
        conn: Mutex::new(conn),
        read_only: lock.is_none().then(|| {
            (
                "the journal is open for reading only".to_owned(),
                "Open it to work with it, once nobody else does.".to_owned(),
            )
        }),
        _lock: lock,
        rescue,
        key,
        path,
        doubt: None,
    })
}

/// The size of the database file, if it is there. A journal gets its name when it is whole: an
/// empty file is not a journal that is being made.
fn size(path: &Path) -> Result<Option<u64>> {
    match files::check(path)? {
        Some(0) => Err(refused(
            path,
            "an empty file that dsrkit did not make; remove it or use another path",
        )),
        size => Ok(size),
    }
}

/// Reads the file's own marks with neither locks nor recovery, so that another program's database
/// is not touched, not even to close its log.
fn probe(path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    let escaped: Vec<_> = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let uri = format!("file:{}?immutable=1", escaped.concat());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags).map_err(sql)?;
    check_marks(&conn, path)?;
    // SQLite reads a last page that was cut as if it ended in zeros. With a log beside it, the
    // log has that page.
    let size = size(path)?.unwrap_or(0);
    let page = conn
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .map(i64::cast_unsigned)
        .map_err(sql)?;
    let log = files::check(&beside(path, "-wal"))?.unwrap_or(0);
    if log == 0 && !size.is_multiple_of(page) {
        return Err(damaged());
    }
    Ok(())
}

fn check_marks(conn: &Connection, path: &Path) -> Result<()> {
    let mark = |name| {
        conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(sql)
    };
    if mark("application_id")? != APPLICATION_ID {
        return Err(refused(
            path,
            "a database of another program; it was left as it is",
        ));
    }
    match mark("user_version")? {
        VERSION => Ok(()),
        newer if newer > VERSION => Err(refused(
            path,
            &format!(
                "written by a newer dsrkit (format {newer}, this one reads {VERSION}); update dsrkit"
            ),
        )),
        1 => Err(refused(
            path,
            "written by dsrkit 0.1 before its first release (format 1); finish its runs with that version",
        )),
        _ => Err(damaged()),
    }
}

fn connect(path: &Path, write: bool) -> Result<Connection> {
    let access = if write {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags).map_err(sql)?;
    // Until the file is found whole, closing it must not write the log into it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(sql)?;
    conn.busy_timeout(BUSY).map_err(sql)?;
    conn.execute_batch(GUARDS).map_err(sql)?;
    check_marks(&conn, path)?;
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(sql)?;
    if found != "ok" {
        return Err(damaged());
    }
    if write {
        conn.execute_batch(DURABLE).map_err(sql)?;
        let mode: String = conn
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .map_err(sql)?;
        if mode != "wal" {
            return Err(refused(
                path,
                "this disk cannot hold SQLite's write-ahead log; use a local disk",
            ));
        }
    }
    Ok(conn)
}

fn check_key(conn: &Connection, path: &Path, key: &[u8; 32]) -> Result<()> {
    let stored: [u8; 32] = conn
        .query_row("SELECT key_check FROM journal", [], |row| row.get(0))
        .map_err(sql)?;
    if stored == files::key_check(key) {
        return Ok(());
    }
    Err(refused(
        &beside(path, ".key"),
        "the key file belongs to another journal; put the right one back",
    ))
}

/// Makes the database under another name and names it when it is whole, so that a crash in
/// between leaves nothing that has to be cleared away by hand.
fn make(path: &Path, key: &[u8; 32]) -> Result<()> {
    let made = beside(path, ".new");
    for suffix in ["", "-wal", "-shm", "-journal"] {
        files::discard(&beside(&made, suffix))?;
    }
    // The log and its index get the mode of this file.
    drop(files::create(&made)?);
    fill(&made, key).inspect_err(|_| {
        for suffix in ["", "-wal", "-shm"] {
            let _ = files::discard(&beside(&made, suffix));
        }
    })?;
    files::publish(&made, path)
}

fn fill(made: &Path, key: &[u8; 32]) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(made, flags).map_err(sql)?;
    conn.execute_batch(DURABLE).map_err(sql)?;
    let tx = super::begin(&mut conn)?;
    tx.execute_batch(SCHEMA).map_err(sql)?;
    tx.execute(
        "INSERT INTO journal (id, created_at, key_check, events, head) VALUES (1, ?1, ?2, 0, ?3)",
        params![
            jiff::Timestamp::now().as_millisecond(),
            files::key_check(key),
            [0_u8; 32]
        ],
    )
    .map_err(sql)?;
    tx.commit().map_err(sql)?;
    // Closing moves the log into the file too, and keeps to itself when that fails; the file would
    // get its name without what is in it.
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(sql)?;
    conn.close().map_err(|(_, error)| sql(error))
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::Journal,
        "the journal is damaged; it was left as it is",
    )
    .with_hint("Put the journal and its key file back from a backup.")
}
