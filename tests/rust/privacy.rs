//! What the journal keeps of people, and for how long. Figures are printed: `--nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use dsrkit::sandbox::Sandbox;
use dsrkit::{
    Client, CollectOptions, ErrorKind, EventKind, IdSource, Journal, Kind, Outcome, PlanHandle,
    PlanOptions, RunHandle, Settings,
};
use serde_json::json;

#[path = "privacy/place.rs"]
mod place;
#[path = "support/mod.rs"]
mod support;
use place::{KEY, Place};

const DAY: i64 = 86_400_000;

async fn deletion(client: &Client, ids: &[String]) -> RunHandle {
    let plan = place::plan(client, Kind::Deletion, ids);
    let run = plan.start(Some(&plan.confirm()), false).unwrap();
    run.wait().await.unwrap();
    run
}

fn outcomes(run: &RunHandle) -> Vec<(String, Outcome)> {
    let mut rows = Vec::new();
    let mut batch = 0;
    while let Some(some) = run.outcomes(batch).unwrap() {
        rows.extend(some.into_iter().map(|row| (row.id, row.outcome)));
        batch += 1;
    }
    rows
}

fn kinds(run: &RunHandle, kind: EventKind) -> usize {
    place::events(run)
        .into_iter()
        .filter(|event| event.kind == kind)
        .count()
}

/// G19: after the seal, no byte of an id is left in any file of the journal's folder, however the
/// batch came to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn after_the_seal_no_id_is_in_any_file() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({"data_groups": 4, "fail_tasks": [7]}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), None);
    let ids = |name: &str, count: usize| -> Vec<String> {
        (0..count).map(|no| format!("canary-{name}-{no}")).collect()
    };
    // Split, because the vendor takes fewer at once.
    let split = deletion(&client, &ids("split", 900)).await;
    let cancelled = place::plan(&client, Kind::Deletion, &ids("cancelled", 50));
    let cancelled = cancelled.start(Some(&cancelled.confirm()), false).unwrap();
    cancelled.cancel().await.unwrap();
    let never = place::plan(&client, Kind::Deletion, &ids("never", 50));
    client.run(never.id()).unwrap().cancel().await.unwrap();
    let mut failed = deletion(&client, &ids("failed", 50)).await;
    while !failed.counts().unwrap().contains_key("failed") {
        failed = deletion(&client, &ids("failed", 50)).await;
    }

    assert!(kinds(&split, EventKind::Split) > 0);
    let before = place.search(b"canary-");
    assert!(before.hits > 0);
    // The account of a run that just ended is there per id, for whoever ran it.
    let rows = outcomes(&split);
    assert_eq!(rows.len(), 900);
    assert!(
        rows.iter()
            .all(|(id, outcome)| id.starts_with("canary-split") && *outcome == Outcome::Done)
    );
    let counts = split.counts().unwrap();

    client.close().await.unwrap();
    assert!(place.search(b"canary-split").hits == 0);
    assert!(place.search(b"canary-cancelled").hits == 0);
    assert!(place.search(b"canary-never").hits == 0);
    assert!(
        place.search(b"canary-failed").hits > 0,
        "what failed is not forgotten by itself"
    );
    assert_eq!(client.seal(failed.id()).unwrap(), 50);
    let after = place.search(b"canary-");
    println!(
        "G19: {} hits before, {} after, in {} files of {} bytes",
        before.hits, after.hits, after.files, after.bytes
    );
    assert_eq!(after.hits, 0);
    assert_eq!(fs::metadata(place.beside("-wal")).unwrap().len(), 0);

    assert_eq!(split.counts().unwrap(), counts, "the account stays");
    let sealed = outcomes(&split);
    assert_eq!(sealed.len(), 900);
    for (id, outcome) in &sealed {
        let digits = id.strip_prefix("sealed:").unwrap();
        assert!(digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(*outcome, Outcome::Done);
    }
    assert!(kinds(&split, EventKind::Sealed) > 0);
    drop((client, split, cancelled, never, failed));
    assert_eq!(place.search(b"canary-").hits, 0, "closed");
}

/// A reader keeps the log, and the ids in it, alive: it is not waited for, but tried again; and the
/// next process does what this one had no time for.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_seal_that_was_cut_short_is_finished_later() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), None);
    let run = deletion(&client, &["canary-1".into(), "canary-2".into()]).await;
    let reader = rusqlite::Connection::open(place.beside("")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = |sql: &str| {
        reader
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM subject"), 2);
    client.close().await.unwrap();
    assert_eq!(kinds(&run, EventKind::Sealed), 1);
    assert!(place.search(b"canary-").hits > 0, "the reader's");

    let copy = Place::new();
    for suffix in ["", "-wal", ".key", ".rescue"] {
        fs::copy(place.beside(suffix), copy.beside(suffix)).unwrap();
    }
    assert!(copy.search(b"canary-").hits > 0);
    let next = copy.client(&sandbox, Settings::default(), None);
    assert_eq!(copy.search(b"canary-").hits, 0);
    assert_eq!(next.was_processed("canary-1").unwrap().len(), 1);

    assert_eq!(count("SELECT count(*) FROM subject"), 2, "as it was");
    reader.execute_batch("COMMIT").unwrap();
    client.tick().await.unwrap();
    assert_eq!(place.search(b"canary-").hits, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ids_are_kept_as_long_as_the_settings_say() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({}), &json!([]));
    let settings = Settings {
        keep_deleted_for: Duration::from_secs(3 * 86_400),
        ..Settings::default()
    };
    let client = place.client(&sandbox, settings, None);
    let run = deletion(&client, &["canary-1".into()]).await;
    for (days, sealed) in [(2, false), (2, true)] {
        sandbox.advance(days * DAY).unwrap();
        client.tick().await.unwrap();
        let (id, _) = outcomes(&run).remove(0);
        assert_eq!(id.starts_with("sealed:"), sealed);
    }
}

/// A retrieval's ids are needed to make its packages: kept until a week after that, pointed at
/// when nobody collects.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_retrieval_is_sealed_a_week_after_its_packages() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), None);
    let plan = place::plan(&client, Kind::Retrieval, &["canary-1".into()]);
    let run = plan.start(None, false).unwrap();
    run.wait().await.unwrap();
    let early = client.seal(run.id()).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidInput);
    for _ in 0..2 {
        sandbox.advance(20 * DAY).unwrap();
        client.tick().await.unwrap();
    }
    client.tick().await.unwrap();
    assert!(place.search(b"canary-1").hits > 0);
    assert_eq!(kinds(&run, EventKind::Anomaly), 1, "said once");
    let problems = run.report().unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].hint.contains("collect"), "{problems:?}");

    let out = place.folder().join("out");
    let report = run.collect(&out, &CollectOptions::default()).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    sandbox.advance(6 * DAY).unwrap();
    client.tick().await.unwrap();
    run.collect(&out, &CollectOptions::default()).await.unwrap();
    sandbox.advance(6 * DAY).unwrap();
    client.tick().await.unwrap();
    assert_eq!(kinds(&run, EventKind::Sealed), 0, "collected again");
    sandbox.advance(2 * DAY).unwrap();
    client.tick().await.unwrap();
    assert_eq!(kinds(&run, EventKind::Sealed), 1);
    assert!(outcomes(&run)[0].0.starts_with("sealed:"));
    let again = run.collect(&out, &CollectOptions::default()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(out.join("packages.jsonl").exists());
}

/// Row 68: what waits for a person is not sealed, and says so, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_held_is_not_sealed_but_pointed_at() {
    let place = Place::new();
    let sandbox = support::sandbox(
        json!({}),
        &json!([{"on": "create_deletion", "kind": "conflict_foreign"}]),
    );
    let client = place.client(&sandbox, Settings::default(), None);
    let run = deletion(&client, &["canary-1".into(), "canary-2".into()]).await;
    assert_eq!(run.report().unwrap().problems.len(), 1);
    let anomalies = kinds(&run, EventKind::Anomaly);
    for days in [29, 2, 40] {
        sandbox.advance(days * DAY).unwrap();
        client.tick().await.unwrap();
    }
    assert_eq!(kinds(&run, EventKind::Anomaly), anomalies + 1);
    let last = run.report().unwrap().problems.pop().unwrap();
    assert_eq!((last.kind.as_str(), last.ids), ("Deadline", 2));
    assert_eq!(client.seal(run.id()).unwrap(), 0);
    assert!(client.purge(Duration::ZERO).unwrap().is_empty());
    assert!(
        outcomes(&run)
            .iter()
            .all(|(id, _)| id.starts_with("canary-"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_person_is_found_over_all_runs() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), None);
    let first = deletion(&client, &["ann".into(), "bob".into()]).await;
    client.seal(first.id()).unwrap();
    let retrieval = place::plan(&client, Kind::Retrieval, &["ann".into()]);
    let second = retrieval.start(None, false).unwrap();
    second.wait().await.unwrap();
    let third = place::plan(&client, Kind::Deletion, &["ann".into()]);

    let found = client.was_processed("ann").unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|row| (row.run_id.as_str(), row.kind, row.outcome))
        .collect();
    assert_eq!(
        told,
        [
            (first.id(), Kind::Deletion, Outcome::Done),
            (second.id(), Kind::Retrieval, Outcome::Done),
            (third.id(), Kind::Deletion, Outcome::Pending),
        ]
    );
    assert!(found.is_sorted_by_key(|row| row.at_ms));
    assert_eq!(client.was_processed("bob").unwrap().len(), 1);
    for nobody in ["eve", "Ann", "ann ", ""] {
        assert!(client.was_processed(nobody).unwrap().is_empty());
    }
    let checked = client.verify_journal().unwrap();
    assert!(checked > 5, "{checked}");
    // Another process reads the same.
    let reader = place.client(&sandbox, Settings::default(), None);
    assert_eq!(reader.was_processed("ann").unwrap(), found);
    assert_eq!(reader.verify_journal().unwrap(), checked);
    assert_eq!(
        reader.seal(first.id()).unwrap_err().kind(),
        ErrorKind::Journal
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_purge_removes_people_and_leaves_the_account_and_strangers() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({"events_per_subject": [1, 3]}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), None);
    let plan = place::plan(
        &client,
        Kind::Retrieval,
        &["canary-1".into(), "canary-2".into()],
    );
    let run = plan.start(None, false).unwrap();
    run.wait().await.unwrap();
    let forgotten = place::plan(&client, Kind::Deletion, &["canary-3".into()]);
    let out = place.folder().join("out");
    let also = place.folder().join("also");
    for folder in [&out, &also] {
        let raw = CollectOptions {
            raw: true,
            ..CollectOptions::default()
        };
        run.collect(folder, &raw).await.unwrap();
    }
    let package = fs::read_dir(out.join("subjects"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::write(package.path().join("note.txt"), "a stranger").unwrap();
    fs::write(out.join("letter.txt"), "a stranger").unwrap();
    sandbox.advance(5 * DAY).unwrap();
    let week = Duration::from_secs(7 * 86_400);
    assert!(client.purge(week).unwrap().is_empty());
    sandbox.advance(3 * DAY).unwrap();
    let recent = deletion(&client, &["canary-4".into()]).await;
    let counts = run.counts().unwrap();

    let purged = client.purge(week).unwrap();
    assert_eq!(purged, [run.id(), forgotten.id()]);
    let left = place.search(b"canary-1");
    let files = place::files(place.folder());
    println!(
        "purged: {} hits left in {} files: {files:?}",
        left.hits, left.files
    );
    assert_eq!(left.hits + place.search(b"canary-3").hits, 0);
    assert!(place.search(b"canary-4").hits > 0);
    assert!(!also.join("subjects").exists() && !also.join("manifest.json").exists());
    assert!(package.path().join("note.txt").exists() && out.join("letter.txt").exists());
    assert!(
        !files.iter().any(|name| name.ends_with(".zip")),
        "{files:?}"
    );

    let report = run.report().unwrap();
    assert!(report.purged_at_ms.is_some());
    assert_eq!(report.counts, counts);
    assert!(outcomes(&run).is_empty());
    assert_eq!(kinds(&run, EventKind::Purged), 1);
    let gone = run.collect(&out, &CollectOptions::default()).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let late = forgotten.start(Some(&forgotten.confirm()), false);
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(client.was_processed("canary-1").unwrap().is_empty());
    assert!(client.purge(week).unwrap().is_empty(), "once");
    assert!(client.verify_journal().unwrap() > 0);
    drop(recent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_encrypted_journal_shows_nobody() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({"data_groups": 4}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), Some(&KEY));
    let ids: Vec<String> = (0..900).map(|no| format!("canary-{no}")).collect();
    let run = deletion(&client, &ids).await;
    let searched = place.search(b"canary-");
    println!(
        "encrypted: {} hits in {} bytes",
        searched.hits, searched.bytes
    );
    assert_eq!(searched.hits, 0, "not even before the seal");
    assert!(
        outcomes(&run)
            .iter()
            .all(|(id, _)| id.starts_with("canary-"))
    );
    assert_eq!(client.was_processed("canary-7").unwrap().len(), 1);
    let planned = place::plan(&client, Kind::Deletion, &ids[..2])
        .id()
        .to_owned();
    drop((client, run));

    for (key, words) in [
        (None, "open it with its journal key"),
        (Some(&[9_u8; 32][..]), "another key"),
        (Some(&KEY[..31]), "32 random bytes"),
    ] {
        let error = place.open(&sandbox, Settings::default(), key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(words), "{error}");
    }
    let client = place.client(&sandbox, Settings::default(), Some(&KEY));
    let plan = client.run(&planned).unwrap().plan().unwrap();
    plan.start(Some(&plan.confirm()), false)
        .unwrap()
        .wait()
        .await
        .unwrap();
    assert_eq!(client.was_processed("canary-1").unwrap().len(), 2);

    let plain = Place::new();
    drop(
        deletion(
            &plain.client(&sandbox, Settings::default(), None),
            &ids[2..4],
        )
        .await,
    );
    let error = plain
        .open(&sandbox, Settings::default(), Some(&KEY))
        .unwrap_err();
    assert!(error.message().contains("start a new journal"), "{error}");
}

/// Row 69: without the key file nothing tells whose journal it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lost_key_file_is_said_clearly() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({}), &json!([]));
    drop(
        deletion(
            &place.client(&sandbox, Settings::default(), None),
            &["ann".into()],
        )
        .await,
    );
    let key = fs::read(place.beside(".key")).unwrap();
    fs::remove_file(place.beside(".key")).unwrap();
    let error = place.open(&sandbox, Settings::default(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(
        error.message().contains("the key file is missing"),
        "{error}"
    );
    fs::write(place.beside(".key"), [1; 32]).unwrap();
    let error = place.open(&sandbox, Settings::default(), None).unwrap_err();
    assert!(error.message().contains("another journal"), "{error}");
    fs::write(place.beside(".key"), key).unwrap();
    let client = place.client(&sandbox, Settings::default(), None);
    assert_eq!(client.was_processed("ann").unwrap().len(), 1);
}

/// The umask of a process is the whole process's: a child works under each.
#[test]
fn files_are_for_their_owner_only_under_any_umask() {
    for mask in [0o000, 0o077] {
        let place = Place::new();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child_of_the_umask_test", "--nocapture"])
            .env("DSRKIT_TEST_UMASK", format!("{mask:o}"))
            .env("DSRKIT_TEST_FOLDER", place.folder())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{said}");
        let mut seen = (0, 0);
        for name in place::files(place.folder()) {
            let path = place.folder().join(&name);
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name} under {mask:o}");
            seen.0 += 1;
        }
        for name in place::folders(place.folder()) {
            let mode = fs::metadata(&name).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o700, "{} under {mask:o}", name.display());
            seen.1 += 1;
        }
        println!(
            "umask {mask:03o}: {} files 0600, {} folders 0700",
            seen.0, seen.1
        );
        assert!(seen.0 >= 6 && seen.1 >= 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_child_of_the_umask_test() {
    let Ok(mask) = std::env::var("DSRKIT_TEST_UMASK") else {
        return;
    };
    let folder = std::env::var("DSRKIT_TEST_FOLDER").unwrap();
    let mask = u32::from_str_radix(&mask, 8).unwrap();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
    let sandbox = support::sandbox(json!({}), &json!([]));
    let place = Place::at(folder.into());
    let client = place.client(&sandbox, Settings::default(), None);
    let plan = place::plan(&client, Kind::Retrieval, &["ann".into(), "bob".into()]);
    let run = plan.start(None, false).unwrap();
    run.wait().await.unwrap();
    let out = place.folder().join("out");
    run.collect(&out, &CollectOptions::default()).await.unwrap();
    // As after a crash: the log and its index stay.
    std::process::exit(0);
}

/// Files for a spreadsheet hold ids, and commas and quotes of theirs; a reader finds the rows again.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn files_for_a_spreadsheet_are_whole_and_their_owner_s() {
    let place = Place::new();
    let sandbox = support::sandbox(json!({}), &json!([]));
    let client = place.client(&sandbox, Settings::default(), None);
    let ids = ["plain", "a \"quoted\", id", "用户"].map(str::to_owned);
    let run = deletion(&client, &ids).await;

    let target = place.folder().join("rows.csv");
    run.outcomes_csv(&target).unwrap();
    let mode = fs::metadata(&target).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let text = fs::read_to_string(&target).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "id,outcome,batch,task_id,package");
    assert!(lines[1].starts_with("plain,done,0,") && lines[1].ends_with(','));
    assert!(lines[2].starts_with("\"a \"\"quoted\"\", id\",done,0,"));
    assert!(lines[3].starts_with("用户,done,0,"));
    assert_eq!((lines.len(), lines[4]), (5, ""));

    let before = place::events(&run).len();
    run.events_csv(&target).unwrap();
    let text = fs::read_to_string(&target).unwrap();
    assert!(text.starts_with("seq,at,kind,batch,task_id,text\r\n"));
    assert!(text.contains("+00:00,submitted,0,") && !text.contains("quoted"));
    assert_eq!(text.matches("\r\n").count(), before + 1);

    let nowhere = place.folder().join("no such folder").join("rows.csv");
    let refused = run.outcomes_csv(&nowhere).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Io);
    assert!(!nowhere.parent().unwrap().exists());
    let left = fs::read_dir(place.folder()).unwrap();
    let names = left.map(|each| each.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with(".tmp")));
}
