//! The journal cannot be written: before a request is sent, or just when its answer has come.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use dsrkit::journal as j;
use dsrkit::{Client, Error, ErrorKind, Event, IdSource, Result};
use serde_json::json;

#[path = "support/mod.rs"]
mod support;
use support::sandbox;

/// Which commits fail.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// What says that a request is about to be sent.
    Intent,
    /// What an answer brings.
    Answer,
}

struct Flaky {
    inner: dsrkit::journal::memory::MemoryJournal,
    when: When,
    failures: AtomicU32,
    rescued: Mutex<Vec<j::Rescued>>,
}

fn flaky(when: When, failures: u32) -> Arc<Flaky> {
    Arc::new(Flaky {
        inner: dsrkit::journal::memory::MemoryJournal::new(),
        when,
        failures: AtomicU32::new(failures),
        rescued: Mutex::default(),
    })
}
impl j::Journal for Flaky {
    fn key(&self) -> &[u8; 32] {
        self.inner.key()
    }
    fn default_archives(&self) -> Option<std::path::PathBuf> {
        None
    }
    fn put_project(&self, p: &j::ProjectRow) -> Result<()> {
        self.inner.put_project(p)
    }
    fn import(
        &self,
        b: &mut dyn Iterator<Item = Result<j::NewBatch>>,
        f: &mut dyn FnMut() -> Result<(j::RunRow, Vec<j::NewEvent>)>,
    ) -> Result<()> {
        self.inner.import(b, f)
    }
    fn commit(&self, c: &[j::Change]) -> Result<Vec<Event>> {
        let fails = c.iter().any(|change| match change {
            j::Change::Job(_) => self.when == When::Answer,
            j::Change::Attempt(attempt) => {
                self.when == When::Intent && attempt.state == j::AttemptState::Sending
            }
            _ => false,
        });
        let left = self.failures.load(Ordering::Relaxed);
        if fails && left > 0 {
            self.failures.store(left - 1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Journal, "the disk is full"));
        }
        self.inner.commit(c)
    }
    fn rescue(&self, answer: &j::Rescued) -> Result<()> {
        self.rescued.lock().unwrap().push(answer.clone());
        Ok(())
    }
    fn rescued(&self) -> Result<Vec<j::Rescued>> {
        Ok(self.rescued.lock().unwrap().clone())
    }
    fn clear_rescued(&self) -> Result<()> {
        self.rescued.lock().unwrap().clear();
        Ok(())
    }
    fn runs(&self) -> Result<Vec<j::RunRow>> {
        self.inner.runs()
    }
    fn run(&self, id: &str) -> Result<Option<j::RunRow>> {
        self.inner.run(id)
    }
    fn batches(&self, r: &str) -> Result<Vec<j::BatchRow>> {
        self.inner.batches(r)
    }
    fn batch_ids(&self, r: &str, n: u32) -> Result<String> {
        self.inner.batch_ids(r, n)
    }
    fn batch_macs(&self, r: &str, n: u32) -> Result<Vec<u8>> {
        self.inner.batch_macs(r, n)
    }
    fn deliveries(&self, r: &str) -> Result<Vec<j::DeliveryRow>> {
        self.inner.deliveries(r)
    }
    fn attempts(&self, r: &str) -> Result<Vec<j::AttemptRow>> {
        self.inner.attempts(r)
    }
    fn jobs(&self, r: &str) -> Result<Vec<j::JobRow>> {
        self.inner.jobs(r)
    }
    fn learnt(&self, p: &[u8; 32]) -> Result<Option<String>> {
        self.inner.learnt(p)
    }
    fn orphans(&self, run: &str) -> Result<Vec<j::OrphanRow>> {
        self.inner.orphans(run)
    }
    fn artifacts(&self, r: &str) -> Result<Vec<j::ArtifactRow>> {
        self.inner.artifacts(r)
    }
    fn events(&self, r: &str, a: u64, l: usize) -> Result<Vec<Event>> {
        self.inner.events(r, a, l)
    }
    fn verify_events(&self) -> Result<u64> {
        self.inner.verify_events()
    }
}
/// The answer is tried to be written for a minute; then the caller gets the task's id, and the
/// answer is written as soon as there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_id_survives_a_full_disk() {
    for (failures, told) in [(1, false), (30, false), (100, true)] {
        let sandbox = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let store = flaky(When::Answer, failures);
        let client = Client::builder(sandbox.mixpanel().build().unwrap())
            .journal(dsrkit::Journal::custom(store.clone()))
            .build()
            .unwrap();
        let ids = IdSource::iter(["a", "b"]);
        let run = client
            .retrieve(ids)
            .archives(place.path().join("archives"))
            .start()
            .await
            .unwrap();
        let report = match run.wait().await {
            Err(error) if told => {
                assert_eq!(error.kind(), ErrorKind::Journal);
                assert_eq!(error.task_ids().len(), 1, "the id of the task is not lost");
                store.failures.store(0, Ordering::Relaxed);
                run.wait().await.unwrap()
            }
            other => other.unwrap(),
        };
        assert_eq!(report.counts.get("done"), Some(&2), "{failures}");
        assert_eq!(
            sandbox.summary()["tasks"]["create_retrieval"],
            1,
            "made once"
        );
        assert!(report.ambiguous.is_empty());
    }
}

/// The process dies before there is room again: the next one finds the task in the rescue file.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_id_survives_a_full_disk_and_the_end_of_the_process() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let store = flaky(When::Answer, u32::MAX);
    let open = || {
        let journal = dsrkit::Journal::custom(store.clone());
        let vendor = sandbox.mixpanel().build().unwrap();
        Client::builder(vendor).journal(journal).build().unwrap()
    };
    let id = {
        let ids = IdSource::iter(["a", "b"]);
        let archives = place.path().join("archives");
        let run = open()
            .retrieve(ids)
            .archives(archives)
            .start()
            .await
            .unwrap();
        run.wait().await.unwrap_err();
        run.id().to_owned()
    };
    store.failures.store(0, Ordering::Relaxed);
    let report = open().run(&id).unwrap().wait().await.unwrap();
    assert_eq!(report.counts.get("done"), Some(&2));
    assert_eq!(
        sandbox.summary()["tasks"]["create_retrieval"],
        1,
        "made once"
    );
    assert!(report.ambiguous.is_empty());
    assert!(store.rescued.lock().unwrap().is_empty());
}

/// An answer that is found when its run is at its end: what the run knows is left alone, and what it
/// does not know is kept as an orphan, told once, and not lost with the rescue file.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rescued_tasks_of_a_run_at_its_end_are_kept_as_orphans() {
    for held in [false, true] {
        let faults = match held {
            false => json!([]),
            true => json!([{"on": "create_deletion", "kind": "conflict_empty", "times": 9}]),
        };
        let sandbox = sandbox(json!({}), &faults);
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("dsr.sqlite3");
        let (id, known) = {
            let client = support::client(&sandbox, &path).unwrap();
            let plan = support::plan(&client, dsrkit::Kind::Deletion, 3);
            let run = plan.start(Some(&plan.confirm()), false).unwrap();
            let report = run.wait().await.unwrap();
            let ended = if held { "held" } else { "done" };
            assert_eq!(report.counts.get(ended), Some(&3));
            let known = report.jobs.into_iter().map(|job| job.task_id);
            (run.id().to_owned(), known.collect::<Vec<_>>())
        };
        let asked = sandbox.ledger();
        {
            let store = j::sqlite::SqliteJournal::open_or_read(&path).unwrap();
            let tasks = [known, vec!["4711".to_owned(), "4712".to_owned()]].concat();
            let answer = j::Rescued {
                run: id.clone(),
                batch: 0,
                attempt: 1,
                tasks,
            };
            j::Journal::rescue(&store, &answer).unwrap();
        }
        // The first opening takes the file in and empties it; the second finds it all the same.
        for _ in 0..2 {
            let client = support::client(&sandbox, &path).unwrap();
            let report = client.run(&id).unwrap().wait().await.unwrap();
            let ended = if held { "held" } else { "done" };
            assert_eq!(report.counts.get(ended), Some(&3), "nothing else changed");
            let orphans = report
                .problems
                .iter()
                .filter(|problem| problem.message.contains("fits no batch"))
                .map(|problem| problem.task_id.as_deref().unwrap());
            assert_eq!(orphans.collect::<Vec<_>>(), ["4711", "4712"]);
            drop(client);
            let store = j::sqlite::SqliteJournal::open_or_read(&path).unwrap();
            assert_eq!(j::Journal::rescued(&store).unwrap(), []);
            let events = j::Journal::events(&store, &id, 0, 1000).unwrap();
            let told = events
                .iter()
                .filter(|event| event.kind.as_str() == "orphan");
            assert_eq!(told.count(), 2);
        }
        assert_eq!(sandbox.ledger(), asked, "the vendor was asked for nothing");
    }
}

/// Row 40. A request that cannot be written down first is not sent; with room again the run goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_is_sent_that_could_not_be_written_down_before() {
    for kind in [dsrkit::Kind::Deletion, dsrkit::Kind::Retrieval] {
        let sandbox = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let store = flaky(When::Intent, u32::MAX);
        let client = Client::builder(sandbox.mixpanel().build().unwrap())
            .journal(dsrkit::Journal::custom(store.clone()))
            .build()
            .unwrap();
        let options = dsrkit::PlanOptions {
            archives: Some(place.path().join("archives")),
            ..dsrkit::PlanOptions::default()
        };
        let ids = IdSource::iter(["a", "b"]);
        let plan = client.freeze(ids, support::terms(kind), &options).unwrap();
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        for _ in 0..3 {
            let error = run.wait().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Journal, "{error:?}");
            assert!(error.to_string().contains("the disk is full"), "{error}");
        }
        assert_eq!(client.tick().await.unwrap_err().kind(), ErrorKind::Journal);
        assert_eq!(sandbox.ledger(), json!([]), "something was sent");
        assert_eq!(run.counts().unwrap().get("pending"), Some(&2));
        store.failures.store(0, Ordering::Relaxed);
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&2), "{kind}");
        assert!(report.ambiguous.is_empty());
        assert_eq!(sandbox.summary()["max_per_id"], 1);
    }
}

/// Row 42. One changed letter in a planned id: another person would be erased.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_changed_id_in_the_journal_is_never_sent() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("dsr.sqlite3");
    let id = {
        let client = support::client(&sandbox, &path).unwrap();
        let plan = support::plan(&client, dsrkit::Kind::Deletion, 3);
        plan.start(Some(&plan.confirm()), false).unwrap();
        plan.id().to_owned()
    };
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(6).position(|part| part == b"user-1").unwrap();
    bytes[at + 5] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let client = support::client(&sandbox, &path).unwrap();
    let error = client.run(&id).unwrap().wait().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal, "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("changed or damaged; nothing was sent"),
        "{text}"
    );
    assert!(!text.contains("user-"), "{text}");
    assert_eq!(sandbox.ledger(), json!([]));
}
