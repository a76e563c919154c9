//! A vendor, a folder, the processes that live there with their journal in it or on a server, and
//! what must hold at the end.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dsrkit::journal::sqlite::SqliteJournal;
use dsrkit::journal::{AttemptState, BatchState, Journal};
use dsrkit::sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::child::{ORDER, RUNS, open};
use super::disk::{Disk, Loss, Op};
use super::postgres::Server;
use super::room::Room;
use super::shim::{Call, Strike};

/// How a process ended.
pub enum Ended {
    Done,
    Killed,
    /// With an error, as it says.
    Refused(String),
}

/// What it came to.
pub struct Account {
    pub ambiguous: usize,
    /// Ids that are in a second task.
    pub repeated: usize,
}

pub struct Scene {
    sandbox: Sandbox,
    place: tempfile::TempDir,
    /// Where the journal is, if not in the folder.
    server: Option<(Arc<Server>, String)>,
}

/// A folder in memory, where there is such a place: a kill does not ask what the disk is made of.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}

impl Scene {
    /// With or without the vendor's 409 for people who are being deleted already.
    pub fn new(guard: bool) -> Self {
        let sandbox = Sandbox::start(SandboxOptions {
            vendor: json!({
                "data_groups": 665,
                "dialect": {"conflict_guard": guard},
                "events_per_subject": [0, 2],
                "job_ms": {"pending": [30_000, 60_000], "staging": [30_000, 60_000], "started": [30_000, 60_000]},
            }),
            ..SandboxOptions::default()
        });
        Self {
            sandbox: sandbox.unwrap(),
            place: folder(),
            server: None,
        }
    }

    /// The same, with its journal in a schema of its own on a server.
    pub fn on(server: &Arc<Server>, guard: bool) -> Self {
        let mut scene = Self::new(guard);
        let url = server.url(scene.place.path());
        scene.server = Some((Arc::clone(server), url));
        scene
    }

    /// Its folder is a disk of so many KiB from here on, if such a one may be made.
    pub fn small(&self, kib: usize) -> Result<Room, String> {
        Room::new(self.place.path(), kib)
    }

    fn url(&self) -> Option<&str> {
        self.server.as_ref().map(|(_, url)| url.as_str())
    }

    fn command(&self, strike: &Strike, acks: bool) -> Command {
        let known = self.sandbox.credentials();
        let order = json!({
            "folder": self.place.path(),
            "server": self.url(),
            "base_url": known["base_url"],
            "token": known["project_token"],
            "oauth": known["oauth_token"],
            "secret": known["archive_secret"],
            "now": self.sandbox.clock().now(),
            "acks": acks,
        });
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(ORDER, order.to_string())
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        strike.apply(&mut command, self.place.path());
        command
    }

    /// One process, to its end.
    pub fn process(&self, strike: &Strike) -> Ended {
        let ended = run(self.command(strike, false), strike);
        if let (Ended::Killed, Some((server, url))) = (&ended, &self.server) {
            // The lease of the dead runs out.
            server.expire(url);
        }
        ended
    }

    /// The calls of a run without any trouble.
    pub fn calls(&self) -> Vec<Call> {
        self.logged(false)
    }

    pub fn disk_calls(&self) -> Vec<Call> {
        self.logged(true)
    }

    fn logged(&self, disk: bool) -> Vec<Call> {
        let place = folder();
        let log = place.path().join("log");
        let mut command = self.command(&Strike::none(), false);
        command.env("SHIM_LOG", &log);
        if disk {
            command.env("SHIM_DISK", "1");
        }
        assert!(matches!(run(command, &Strike::none()), Ended::Done));
        let text = std::fs::read_to_string(log).unwrap();
        text.lines().map(Call::read).collect()
    }

    /// Everything that a run without any trouble writes, in order.
    pub fn record(&self) -> Vec<Op> {
        let place = folder();
        let record = place.path().join("record");
        let mut command = self.command(&Strike::none(), true);
        command.env("SHIM_RECORD", &record).env("SHIM_DISK", "1");
        assert!(matches!(run(command, &Strike::none()), Ended::Done));
        Op::read(&std::fs::read(record).unwrap())
    }

    fn journal(&self) -> std::path::PathBuf {
        self.place.path().join("dsr.sqlite3")
    }

    /// I4: every create that the vendor saw has its attempt in the journal. Gives how many it saw.
    pub fn nothing_unwritten(&self) -> usize {
        let creates = self.creates().len();
        let attempts = match SqliteJournal::open_read_only(&self.journal()) {
            Ok(journal) => {
                let runs = journal.runs().unwrap();
                runs.iter()
                    .map(|run| journal.attempts(&run.id).unwrap().len())
                    .sum()
            }
            Err(_) if !self.journal().exists() => 0,
            Err(error) => panic!("with room again the journal does not open: {error}"),
        };
        assert!(creates <= attempts, "{creates} creates, {attempts} intents");
        creates
    }

    fn creates(&self) -> Vec<Value> {
        let ledger = self.sandbox.ledger();
        let create = |entry: &&Value| entry["operation"].as_str().unwrap().starts_with("create_");
        let entries = ledger.as_array().unwrap().iter();
        entries.filter(create).cloned().collect()
    }

    /// What must hold whatever happened, once both runs are done.
    pub fn check(&self) -> Account {
        if self.server.is_none() {
            whole(&self.journal());
        }
        let journal = open(self.url(), self.place.path()).unwrap();
        journal.verify_events().unwrap();
        let runs = journal.runs().unwrap();
        assert_eq!(runs.len(), RUNS.len(), "a plan is lost, or there twice");
        let mut account = Account {
            ambiguous: 0,
            repeated: 0,
        };
        let (mut times, mut made) = (BTreeMap::<String, usize>::new(), Vec::new());
        for create in self.creates() {
            if create["processed"] == json!(true) {
                made.push(create["task_id"].as_str().unwrap().to_owned());
                for id in create["ids"].as_array().unwrap() {
                    *times.entry(id.as_str().unwrap().to_owned()).or_default() += 1;
                }
            }
        }
        let mut known = Vec::new();
        for run in &runs {
            let attempts = journal.attempts(&run.id).unwrap();
            let unsure = |no: u32| {
                let lost = |state| {
                    matches!(
                        state,
                        AttemptState::Ambiguous | AttemptState::CreatedUntracked
                    )
                };
                let of = attempts.iter().filter(|row| row.batch == no);
                of.filter(|row| lost(row.state)).count()
            };
            let (mut ids, mut waits) = (Vec::new(), false);
            for batch in journal.batches(&run.id).unwrap() {
                // A retrieval whose answer was lost twice waits for a person, and the account says so.
                let held = batch.state == BatchState::Held
                    && run.terms.kind == dsrkit::Kind::Retrieval
                    && unsure(batch.no) >= 2;
                assert!(
                    held || batch.state == BatchState::Done,
                    "batch {}",
                    batch.no
                );
                waits |= held;
                account.ambiguous += unsure(batch.no);
                let json = journal.batch_ids(&run.id, batch.no).unwrap_or_default();
                let of_batch: Vec<String> = serde_json::from_str(&json).unwrap_or_default();
                for id in &of_batch {
                    let times = times.get(id).copied().unwrap_or(0);
                    assert!(held || times >= 1, "an id is lost");
                    assert!(times <= 1 + unsure(batch.no), "repeated, and not on record");
                    account.repeated += usize::from(times > 1);
                }
                ids.extend(of_batch);
            }
            let (_, name, people) = RUNS
                .into_iter()
                .find(|(_, name, _)| run.reference.as_deref() == Some(*name))
                .unwrap();
            // A deletion that is done keeps no ids.
            let sealed = ids.is_empty() && run.terms.kind == dsrkit::Kind::Deletion;
            let ordered: Vec<_> = (0..people).map(|n| format!("{name}-{n}")).collect();
            assert!(sealed || ids == ordered, "I1");
            for id in ordered {
                assert!(waits || times.contains_key(&id), "an id is lost");
            }
            known.extend(
                journal
                    .jobs(&run.id)
                    .unwrap()
                    .into_iter()
                    .map(|row| row.task),
            );
            known.extend(
                journal
                    .orphans(&run.id)
                    .unwrap()
                    .into_iter()
                    .map(|row| row.task),
            );
            for archive in journal.artifacts(&run.id).unwrap() {
                let bytes = std::fs::metadata(&archive.path).map(|found| found.len());
                assert_eq!(bytes.ok(), Some(archive.bytes), "I12");
            }
        }
        let lost = made.iter().filter(|task| !known.contains(task)).count();
        assert!(lost <= account.ambiguous, "a task is lost");
        let summary = self.sandbox.summary();
        let gap = summary["min_gap_ms"].as_i64().unwrap_or(1000);
        assert!(gap >= 1000, "G9: {gap} ms");
        assert_eq!(summary["too_many_requests"], json!(0), "G9");
        account
    }

    /// After a loss of power: everything that was committed is there. Gives whether there is a
    /// journal already.
    pub fn survived(&self, place: &Path, disk: &Disk, loss: &Loss) -> bool {
        let path = place.join("dsr.sqlite3");
        let committed = disk.acknowledged();
        if !path.exists() {
            assert_eq!(committed, None, "{loss:?}: the journal has gone");
            return false;
        }
        let journal =
            SqliteJournal::open(&path).unwrap_or_else(|error| panic!("{loss:?}: {error}"));
        let events = journal.verify_events().unwrap();
        let least = committed.unwrap_or(0);
        assert!(events >= least, "{loss:?}: {events} of {least} events");
        for run in journal.runs().unwrap() {
            for archive in journal.artifacts(&run.id).unwrap() {
                let inside = Path::new(&archive.path).strip_prefix(self.place.path());
                let bytes = std::fs::read(place.join(inside.unwrap())).unwrap_or_default();
                let there = *Sha256::digest(&bytes) == archive.sha256;
                assert!(
                    there,
                    "{loss:?}: I12: an archive is not what the journal says"
                );
            }
        }
        drop(journal);
        whole(&path);
        true
    }
}

/// SQLite's own word on the file.
fn whole(path: &Path) {
    let conn = rusqlite::Connection::open(path).unwrap();
    let said: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok");
}

fn run(mut command: Command, strike: &Strike) -> Ended {
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed() > Duration::from_secs(60) => {
                child.kill().unwrap();
                panic!("{strike:?}: the process hangs");
            }
            None => std::thread::sleep(Duration::from_micros(500)),
        }
    };
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    match (status.code(), status.success()) {
        (None, _) => Ended::Killed,
        (_, true) => Ended::Done,
        (Some(3), _) => {
            let error = said.lines().find_map(|line| line.split("error=").nth(1));
            Ended::Refused(error.unwrap_or("no error").to_owned())
        }
        _ => {
            let stderr = &mut child.stderr.take().unwrap();
            stderr.read_to_string(&mut said).unwrap();
            panic!("{strike:?}: {status}: {said}")
        }
    }
}
