//! What a journal looks like after its process, or its disk, gave up.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::{Place, beside};
use crate::error::{Error, ErrorKind};
use crate::journal::conformance::{batch, event, import, row};
use crate::journal::rows::{BatchRow, BatchState};
use crate::journal::sqlite::{SqliteJournal, begin};
use crate::journal::{Change, Journal};

#[test]
fn a_start_that_was_cut_short_is_made_good() {
    let place = Place::new();
    fs::write(beside(&place.db(), ".new"), b"half a database").unwrap();
    fs::write(beside(&place.db(), ".new-wal"), b"half a log").unwrap();
    fs::write(beside(&place.db(), ".key"), [5; 32]).unwrap();
    fs::write(beside(&place.db(), ".key.new"), [6; 8]).unwrap();
    let journal = place.open();
    assert_eq!(*journal.key(), [5; 32], "the key was there first");
    assert!(!place.names().contains(&"dsr.sqlite3.new".to_owned()));
}

#[test]
fn what_was_not_committed_is_not_there_after_a_crash() {
    let place = Place::filled();
    let journal = place.open();
    journal
        .commit(&[Change::Event(event("r", "committed"))])
        .unwrap();
    {
        let mut conn = journal.reader();
        let tx = begin(&mut conn).unwrap();
        tx.execute_batch("DELETE FROM event; UPDATE batch SET state = 'DONE'")
            .unwrap();
        tx.execute_batch("PRAGMA cache_size = 1; UPDATE batch SET ids = hex(zeroblob(99999))")
            .unwrap();
        // As the disk looks in the middle of the transaction.
        for suffix in ["", "-wal", ".key"] {
            let copy = beside(&place.folder.path().join("copy"), suffix);
            fs::copy(beside(&place.db(), suffix), copy).unwrap();
        }
    }
    for name in ["copy", "dsr.sqlite3"] {
        let reopened;
        let journal = if name == "copy" {
            reopened = SqliteJournal::open(&place.folder.path().join(name)).unwrap();
            &reopened
        } else {
            &journal
        };
        assert_eq!(journal.verify_events().unwrap(), 2);
        let expected: Vec<_> = (0..3).map(|no| batch("r", no).row).collect();
        assert_eq!(journal.batches("r").unwrap(), expected);
        assert_eq!(journal.batch_ids("r", 0).unwrap(), batch("r", 0).ids_json);
    }
}

#[test]
fn an_import_that_panics_leaves_a_journal_that_works() {
    let place = Place::filled();
    let journal = place.open();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut batches = (0..3).map(|no| {
            if no == 2 {
                panic!("in the iterator")
            } else {
                Ok(batch("q", no))
            }
        });
        journal.import(&mut batches, &mut || {
            Err(Error::new(ErrorKind::Internal, "-"))
        })
    }));
    assert!(caught.is_err());
    assert!(journal.batches("q").unwrap().is_empty());
    import(&journal, "q", 3).unwrap();
    assert_eq!(journal.verify_events().unwrap(), 2);
}

/// Set for the process that is to be killed: the journal it opens.
const VICTIM: &str = "DSRKIT_TEST_VICTIM";

/// Not a test by itself: the process that [`a_killed_runner_gives_the_journal_free`] starts.
#[test]
fn victim() {
    let Some(path) = std::env::var_os(VICTIM) else {
        return;
    };
    let journal = SqliteJournal::open(path.as_ref()).unwrap();
    let ready = BatchRow {
        state: BatchState::Ready,
        ..batch("r", 0).row
    };
    let changes = [Change::Batch(ready), Change::Event(event("r", "committed"))];
    journal.commit(&changes).unwrap();
    let mut conn = journal.reader();
    let tx = begin(&mut conn).unwrap();
    tx.execute_batch("DELETE FROM event").unwrap();
    // Past the harness, which keeps what is printed to itself.
    writeln!(std::io::stderr(), "in the middle").unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_runner_gives_the_journal_free() {
    let place = Place::filled();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "journal::sqlite::tests::crash::victim",
            "--nocapture",
        ])
        .env(VICTIM, place.db())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let said = stderr
        .lines()
        .map(Result::unwrap)
        .find(|line| line == "in the middle");
    let second = SqliteJournal::open(&place.db());
    let seen = SqliteJournal::open_read_only(&place.db()).map(|reader| reader.verify_events());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.is_some(), "the other process did not get there");
    let error = second.unwrap_err();
    let pid = format!("process {} since", child.id());
    assert!(error.message().contains(&pid), "{error}");
    assert_eq!(seen.unwrap().unwrap(), 2);

    let reader = SqliteJournal::open_read_only(&place.db()).unwrap();
    assert_eq!(reader.verify_events().unwrap(), 2);
    drop(reader);
    let journal = place.open();
    assert_eq!(journal.verify_events().unwrap(), 2);
    let first = journal.batches("r").unwrap().remove(0);
    assert_eq!(first.state, BatchState::Ready);
}

#[test]
fn a_full_disk_takes_nothing_and_breaks_nothing() {
    let place = Place::filled();
    let journal = place.open();
    let pages = |limit: i64| {
        let limit = format!("PRAGMA max_page_count = {limit}");
        journal.reader().execute_batch(&limit).unwrap();
    };
    pages(1);
    let long = "x".repeat(10_000);
    let changes = [
        Change::Event(event("r", "short")),
        Change::Event(event("r", &long)),
    ];
    let error = journal.commit(&changes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.message().contains("the disk is full"), "{error}");
    let error = import(&journal, "q", 1000).unwrap_err();
    assert!(error.message().contains("the disk is full"), "{error}");
    assert_eq!(journal.runs().unwrap(), [row("r", 3)]);
    assert_eq!(journal.verify_events().unwrap(), 1);
    pages(1 << 30);
    journal.commit(&changes).unwrap();
    import(&journal, "q", 1000).unwrap();
    assert_eq!(journal.verify_events().unwrap(), 4);
}

#[test]
fn the_log_of_a_damaged_file_is_not_written_into_it() {
    let place = Place::filled();
    let journal = place.open();
    journal
        .commit(&[Change::Event(event("r", "in the log"))])
        .unwrap();
    let copy = Place::new();
    for suffix in ["", "-wal", ".key"] {
        fs::copy(beside(&place.db(), suffix), beside(&copy.db(), suffix)).unwrap();
    }
    let root: u32 = journal
        .reader()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'batch'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let root = usize::try_from(root).unwrap();
    let mut bytes = fs::read(copy.db()).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0);
    fs::write(copy.db(), bytes).unwrap();
    let log = fs::read(beside(&copy.db(), "-wal")).unwrap();
    assert!(!log.is_empty());
    copy.refuses("left as it is");
    assert_eq!(fs::read(beside(&copy.db(), "-wal")).unwrap(), log);
}
