//! The journal on a real PostgreSQL server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use dsrkit::journal::postgres::PostgresJournal;
use dsrkit::journal::{CancelState, Change, JobOrigin, JobRow, Journal, NewEvent, conformance};
use dsrkit::{Error, ErrorKind, EventKind, JobStatus};

#[path = "support/postgres.rs"]
mod postgres;
use postgres::Server;
#[path = "postgres_workers.rs"]
mod workers;

fn place() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("dsrkit").tempdir().unwrap()
}

fn open(url: &str) -> PostgresJournal {
    let journal = PostgresJournal::open(url).unwrap();
    journal.claim().unwrap();
    journal
}

/// A journal with one run of three batches.
fn filled(url: &str) -> PostgresJournal {
    let journal = open(url);
    conformance::import(&journal, "r", 3).unwrap();
    journal
}

fn event(text: &str) -> Change {
    Change::Event(NewEvent {
        at: 1,
        run: "r".into(),
        kind: EventKind::Status,
        batch: None,
        task: None,
        text: text.into(),
    })
}

fn until(what: &str, there: impl FnMut() -> bool) {
    within(Duration::from_secs(20), what, there);
}

fn within(time: Duration, what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < time, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn conforms() {
    let server = Server::start();
    let place = place();
    conformance::run(&|| Box::new(open(&server.url(place.path()))));
    filled(&server.socket_url(place.path()));
}

/// A task that the vendor made.
fn task(task: &str) -> Change {
    Change::Job(JobRow {
        run: "r".into(),
        task: task.into(),
        batch: 0,
        origin: JobOrigin::Created,
        status: JobStatus::Pending,
        created_at: 9,
        polls: 0,
        missing_since: None,
        failures: 0,
        fetch_failures: 0,
        last_poll_at: None,
        next_poll_at: 0,
        ended_at: None,
        cancel: CancelState::None,
        dropped: false,
    })
}

fn assert_in_use(error: &Error) {
    let me = format!("in use by process {} on ", std::process::id());
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(
        error.is_retryable() && error.message().contains(&me),
        "{error}"
    );
    assert!(error.message().contains("reading works"), "{error}");
}

#[test]
fn a_second_worker_reads_and_takes_over_when_the_first_has_gone() {
    let server = Server::start();
    let place = place();
    let url = server.url(place.path());
    let first = filled(&url);
    let second = PostgresJournal::open(&url).unwrap();
    assert_in_use(&second.claim().unwrap_err());
    assert_eq!(second.key(), first.key());
    assert_eq!(second.runs().unwrap().len(), 1);
    assert_eq!(second.verify_events().unwrap(), 1);
    let refused = second.commit(&[event("no")]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Journal);
    assert_eq!(second.verify_events().unwrap(), 1);
    // An orderly end gives the journal free at once.
    drop(first);
    let term = second.claim().unwrap();
    assert_eq!((second.term(), second.claim().unwrap()), (Some(term), term));
    second.commit(&[event("mine")]).unwrap();
    assert_eq!(second.verify_events().unwrap(), 2);
}

#[test]
fn a_lease_lives_by_its_signs_and_ends_without_them() {
    let server = Server::start();
    let place = place();
    let url = format!("{}&dsrkit_lease_ms=1200", server.url(place.path()));
    let first = filled(&url);
    let second = PostgresJournal::open(&url).unwrap();
    // Much longer than a lease.
    std::thread::sleep(Duration::from_millis(2500));
    assert_in_use(&second.claim().unwrap_err());
    first.commit(&[event("alive")]).unwrap();
    first.may_send(Duration::from_millis(800)).unwrap();
    let long = first.may_send(Duration::from_secs(2)).unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Config);

    // Somebody takes over, as if this process had been away.
    server.psql(&format!(
        "UPDATE {s}.journal SET epoch = epoch + 1, until = clock_timestamp() + interval '1 h';
         INSERT INTO {s}.term SELECT epoch, 'other', 'process 1 on elsewhere', clock_timestamp(), 0
         FROM {s}.journal",
        s = "j0"
    ));
    let refused = first
        .commit(&[event("stale"), task("5001"), task("5001")])
        .unwrap_err();
    assert!(refused.message().contains("taken over"), "{refused}");
    assert!(refused.is_retryable());
    first.may_send(Duration::ZERO).unwrap_err();
    assert_eq!(first.term(), None);
    assert!(
        first
            .claim()
            .unwrap_err()
            .message()
            .contains("process 1 on elsewhere")
    );
    // Nothing of it is there but the task that the vendor made.
    assert!(second.jobs("r").unwrap().is_empty());
    let orphans = second.orphans("r").unwrap();
    assert_eq!(orphans.len(), 1);
    assert_eq!((orphans[0].task.as_str(), orphans[0].batch), ("5001", 0));
    let events = second.events("r", 0, 9).unwrap();
    let words: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(words, ["planned", "status", "orphan"]);
    assert_eq!(second.verify_events().unwrap(), 3);
}

/// Between a journal and its server: cuts the connection at a COMMIT.
struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
}

const PASS: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_AFTER: u8 = 2;
const CUT_AND_CLOSE: u8 = 3;
const CLOSED: u8 = 4;

impl Proxy {
    fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicU8::new(PASS));
        let mode = Arc::clone(&cut);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if mode.load(Ordering::SeqCst) == CLOSED {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let (back_from, back_to) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap());
                let mode = Arc::clone(&mode);
                std::thread::spawn(move || forth(client, server, &mode));
                std::thread::spawn(move || back(back_from, back_to));
            }
        });
        Self { port, cut }
    }

    fn cut(&self, mode: u8) {
        self.cut.store(mode, Ordering::SeqCst);
    }
}

fn back(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn forth(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8) {
    let mut bytes = [0; 65536];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        let commit = bytes[..n].windows(7).any(|part| part == b"COMMIT\0");
        // The signs of life have their COMMIT in a line of others; they are let through.
        let alone = commit && n < 20;
        match mode.load(Ordering::SeqCst) {
            CUT_BEFORE if alone => {
                mode.store(PASS, Ordering::SeqCst);
                break;
            }
            now @ (CUT_AFTER | CUT_AND_CLOSE) if alone => {
                let next = if now == CUT_AFTER { PASS } else { CLOSED };
                mode.store(next, Ordering::SeqCst);
                // The answer is not let back: the server has it, the journal cannot know.
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.write_all(&bytes[..n]);
                std::thread::sleep(Duration::from_millis(50));
                break;
            }
            CLOSED => break,
            _ => {}
        }
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up() {
    let server = Server::start();
    let place = place();
    let proxy = Proxy::start(server.port);
    let url = server.url_of(place.path(), "cut", proxy.port);
    let journal = filled(&url);
    let term = journal.term();
    let mut events = 1;
    for round in 0..10 {
        for mode in [CUT_BEFORE, CUT_AFTER] {
            proxy.cut(mode);
            let written = journal.commit(&[event("once"), task("7001")]).unwrap();
            events += 1;
            assert_eq!(written[0].seq, events, "{round} {mode}");
            assert_eq!(journal.verify_events().unwrap(), events, "{round} {mode}");
        }
    }
    assert_eq!(journal.term(), term, "it was never in doubt");
    assert_eq!(journal.jobs("r").unwrap().len(), 1);
    assert!(journal.orphans("r").unwrap().is_empty());
}

#[test]
fn while_the_server_is_away_nothing_is_lost_and_then_it_goes_on() {
    let server = Server::start();
    let place = place();
    let proxy = Proxy::start(server.port);
    let url = server.url_of(place.path(), "away", proxy.port) + "&dsrkit_lease_ms=3000";
    let journal = filled(&url);
    let first = journal.claim().unwrap();
    // Lost at the COMMIT, and no way to look: what was written is told by a new claim only.
    proxy.cut(CUT_AND_CLOSE);
    let error = journal.commit(&[event("in doubt")]).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert_eq!(journal.term(), None);
    assert!(journal.runs().unwrap_err().is_retryable());
    assert!(journal.claim().unwrap_err().is_retryable());
    let answer = dsrkit::journal::Rescued {
        run: "r".into(),
        batch: 0,
        attempt: 1,
        tasks: vec!["8001".into()],
    };
    journal.rescue(&answer).unwrap();
    proxy.cut(PASS);
    let second = journal.claim().unwrap();
    assert_ne!(first, second, "the caller is told to read anew");
    assert_eq!(
        journal.verify_events().unwrap(),
        2,
        "it was written after all"
    );
    assert_eq!(journal.rescued().unwrap(), [answer]);

    // A crash of the server itself.
    server.down(true);
    assert!(journal.commit(&[event("down")]).unwrap_err().is_retryable());
    server.up();
    journal.claim().unwrap();
    journal.commit(&[event("up")]).unwrap();
    assert_eq!(journal.verify_events().unwrap(), 3);
}

#[test]
fn rescued_answers_of_a_dead_process_are_found_by_the_next() {
    let server = Server::start();
    let place = place();
    let url = server.url(place.path());
    let answer = |batch| dsrkit::journal::Rescued {
        run: "r".into(),
        batch,
        attempt: 1,
        tasks: vec!["8001".into()],
    };
    let first = filled(&url);
    let second = PostgresJournal::open(&url).unwrap();
    first.rescue(&answer(1)).unwrap();
    second.rescue(&answer(2)).unwrap();
    assert_eq!(first.rescued().unwrap(), [answer(1)], "each has its own");
    drop(first);
    second.claim().unwrap();
    assert_eq!(second.rescued().unwrap(), [answer(2), answer(1)]);
    second.clear_rescued().unwrap();
    drop(second);
    assert!(open(&url).rescued().unwrap().is_empty());
}

#[test]
fn keys_servers_and_schemas_that_do_not_fit_are_refused() {
    let server = Server::start();
    let place = place();
    let url = server.url(place.path());
    let key = place.path().join("j0.key");
    let refused = |words: &str| {
        let error = PostgresJournal::open(&url).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.is_retryable());
    };
    drop(filled(&url));
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, [1; 32]).unwrap();
    refused("another journal");
    std::fs::remove_file(&key).unwrap();
    refused("key file is missing");
    assert!(!key.exists(), "never a new key");
    std::fs::write(&key, right).unwrap();
    server.psql("UPDATE j0.journal SET format = 3");
    refused("newer dsrkit");
    server.psql("UPDATE j0.journal SET format = 2");
    let journal = open(&url);
    // As docs/OPERATIONS.md asks who has the lease.
    let page = include_str!("../../docs/OPERATIONS.md");
    let (_, rest) = page.split_once("```sql\n").unwrap();
    let (question, _) = rest.split_once("```").unwrap();
    let held = server.psql(&question.replace("dsrkit.", "j0."));
    assert_eq!(held.split('|').count(), 3, "name, since, until");
    server.psql("UPDATE j0.event SET text = 'x' WHERE seq = 1");
    let error = journal.verify_events().unwrap_err();
    assert!(error.to_string().contains("event: 1"), "{error}");
    let id = server.psql("SELECT id FROM j0.subject WHERE batch = 2 AND pos = 1");
    assert_eq!(id, "b2");

    server.psql("CREATE ROLE guest LOGIN PASSWORD 'hunter2'");
    for (url, kind, words) in [
        (
            url.replace("dsr@", "guest:hunter2@"),
            ErrorKind::Journal,
            "may not do that",
        ),
        (
            url.replace("/postgres?", "/none?"),
            ErrorKind::Config,
            "no such database",
        ),
        (
            url.replace("dsr@", "nobody:hunter2@"),
            ErrorKind::Config,
            "refuses this user",
        ),
    ] {
        let error = PostgresJournal::open(&url).err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(!format!("{journal:?}").contains("dsr@"));
}

#[test]
fn an_encrypted_way_leads_to_the_right_server_only() {
    let server = Server::start();
    let place = place();
    let authority = server.encrypt();
    let plain = server.url(place.path());
    let named = plain.replace("127.0.0.1", "localhost") + "&sslmode=require";
    let trusting = |url: &str| format!("{url}&sslrootcert={}", authority.to_str().unwrap());
    until("the server speaks TLS", || {
        PostgresJournal::open(&trusting(&named)).is_ok()
    });
    let _journal = open(&trusting(&named));
    let encrypted = server.psql(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE application_name = 'dsrkit'",
    );
    assert_eq!(encrypted, "t");
    let unnamed = trusting(&named).replace("localhost", "127.0.0.1");
    for url in [named.as_str(), &unnamed] {
        let error = PostgresJournal::open(url).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.message().contains("certificate"), "{error}");
    }
}
