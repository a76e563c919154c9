//! What a crash, a lost process, new credentials or a second process do to a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use dsrkit::{Client, ErrorKind, Journal, Kind, Mixpanel, RunState};
use serde_json::json;

#[path = "support/capture.rs"]
mod capture;
#[path = "support/mod.rs"]
mod support;
use support::{Hangs, client, client_over, plan, sandbox, submissions};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Ends the process' part in a run at its `at`-th call, then carries the run on with a new client
/// on the same journal. Gives whether there was such a call.
fn crash_and_go_on(kind: Kind, at: u32, after: bool) -> bool {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("dsr.sqlite3");
    let first = runtime();
    let transport = Arc::new(Hangs::new(at, after));
    let (id, hung) = first.block_on(async {
        let client = client_over(&sandbox, &journal, transport.clone()).unwrap();
        let plan = plan(&client, kind, 4500);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let hung = tokio::select! {
            () = transport.hung.notified() => true,
            report = run.wait() => { report.unwrap(); false }
        };
        (run.id().to_owned(), hung)
    });
    // All tasks of the runtime end here, in the middle of their call: as in a killed process.
    first.shutdown_timeout(Duration::from_secs(5));

    let second = runtime();
    second.block_on(async {
        let client = client(&sandbox, &journal).unwrap();
        let report = client.run(&id).unwrap().wait().await.unwrap();
        assert_eq!(
            report.state,
            RunState::Finished,
            "{kind} {at} {after}: {report:?}"
        );
        assert_eq!(
            report.counts.get("done"),
            Some(&4500),
            "{kind} {at} {after}"
        );
        let (most, ids) = submissions(&sandbox);
        assert_eq!(ids, 4500);
        let repeats = report.ambiguous.len() as u64;
        match kind {
            // The vendor's 409 tells about a deletion; nothing can tell about a retrieval.
            Kind::Deletion => assert_eq!(most, 1, "{at} {after}"),
            Kind::Retrieval => assert!(most <= 1 + repeats, "{at} {after}: {most} {repeats}"),
        }
        assert!(
            sandbox.summary()["min_gap_ms"].as_i64().unwrap() >= 1000,
            "{kind} {at} {after}"
        );
    });
    second.shutdown_timeout(Duration::from_secs(5));
    hung
}

#[test]
fn a_run_survives_a_crash_at_every_call() {
    for kind in [Kind::Deletion, Kind::Retrieval] {
        let mut at = 1;
        while crash_and_go_on(kind, at, false) && crash_and_go_on(kind, at, true) {
            // Every create, and some of the many looks that follow (all of them in `make soak`).
            let every = at < 6 || std::env::var_os("DSRKIT_SOAK").is_some();
            at += if every { 1 } else { 17 };
        }
        assert!(at > 6, "the run had no calls to crash at");
    }
}

#[test]
fn a_new_token_goes_on_where_the_old_one_was_refused() {
    let runtime = runtime();
    runtime.block_on(async {
        let sandbox = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let journal = place.path().join("dsr.sqlite3");
        let expired = Mixpanel::builder("sandbox-project-token", "expired")
            .base_url(sandbox.base_url())
            .clock(sandbox.clock())
            .build()
            .unwrap();
        let id = {
            let client = Client::builder(expired)
                .journal(Journal::sqlite(&journal).unwrap())
                .build()
                .unwrap();
            let plan = plan(&client, Kind::Deletion, 3);
            let run = plan.start(Some(&plan.confirm()), false).unwrap();
            let error = run.wait().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated);
            assert!(error.hint().contains("token"));
            assert_eq!(run.state().unwrap(), RunState::Paused);
            assert_eq!(run.counts().unwrap().get("pending"), Some(&3));
            run.id().to_owned()
        };
        let client = client(&sandbox, &journal).unwrap();
        let report = client.run(&id).unwrap().wait().await.unwrap();
        assert_eq!(report.counts.get("done"), Some(&3));
        assert_eq!(submissions(&sandbox), (1, 3));
    });
}

#[test]
fn without_a_connection_nothing_was_created_and_waiting_goes_on() {
    let runtime = runtime();
    runtime.block_on(async {
        // A port that was free a moment ago, with nobody behind it.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let sandbox = sandbox(json!({}), &json!([]));
        let vendor = Mixpanel::builder("p", "o")
            .base_url(format!("http://127.0.0.1:{port}/api/app"))
            .clock(sandbox.clock())
            .build()
            .unwrap();
        let client = Client::builder(vendor).seed(3).build().unwrap();
        let plan = plan(&client, Kind::Deletion, 3);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let start = client.now_ms();
        let mut events = run.events_after(0);
        let mut refusals = 0;
        while client.now_ms() - start < 6 * 3_600_000 {
            let event = events.next().await.unwrap().unwrap();
            refusals += u32::from(event.kind.as_str() == "backoff");
        }
        // Six hours of outage: the waits grow to ten minutes and stay there.
        assert!((36..100).contains(&refusals), "{refusals}");
        let report = run.report().unwrap();
        assert_eq!(report.counts.get("pending"), Some(&3));
        assert!(report.ambiguous.is_empty() && report.problems.is_empty());
    });
}

#[test]
fn a_second_client_reads_and_does_not_carry_on() {
    let runtime = runtime();
    runtime.block_on(async {
        let sandbox = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let journal = place.path().join("dsr.sqlite3");
        let runner = client(&sandbox, &journal).unwrap();
        let plan = plan(&runner, Kind::Deletion, 3);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let reader = client(&sandbox, &journal).unwrap();
        let seen = reader.run(run.id()).unwrap();
        assert_eq!(seen.report().unwrap().counts.get("pending"), Some(&3));
        let error = seen.wait().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
        run.wait().await.unwrap();
        assert_eq!(seen.report().unwrap().counts.get("done"), Some(&3));
        assert_eq!(seen.wait().await.unwrap().state, RunState::Finished);
    });
}

#[test]
fn a_journal_belongs_to_one_project() {
    let sandbox = sandbox(json!({}), &json!([]));
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("dsr.sqlite3");
    plan(&client(&sandbox, &journal).unwrap(), Kind::Deletion, 3);
    let other = Mixpanel::builder("canary-project", "o").base_url(sandbox.base_url());
    let error = Client::builder(other.build().unwrap())
        .journal(Journal::sqlite(&journal).unwrap())
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("another project"), "{error}");
    assert!(!format!("{error:?}").contains("canary"));

    // Nor to one version of the API: its tasks are unknown to the other.
    for (version, fits) in [("2.0", false), ("3.0", true)] {
        let same = sandbox.mixpanel().api_version(version).build().unwrap();
        let opened = Client::builder(same)
            .journal(Journal::sqlite(&journal).unwrap())
            .build();
        assert_eq!(
            opened.err().map(|error| error.kind()),
            (!fits).then_some(ErrorKind::Config)
        );
    }
}

#[test]
fn a_plan_is_started_in_another_process_and_only_once() {
    let runtime = runtime();
    runtime.block_on(async {
        let sandbox = sandbox(json!({}), &json!([]));
        let place = tempfile::tempdir().unwrap();
        let journal = place.path().join("dsr.sqlite3");
        let (id, confirm) = {
            let plan = plan(&client(&sandbox, &journal).unwrap(), Kind::Deletion, 5);
            (plan.id().to_owned(), plan.confirm())
        };
        let client = client(&sandbox, &journal).unwrap();
        let found = client.run(&id).unwrap();
        assert_eq!(found.state().unwrap(), RunState::Planned);
        assert_eq!(found.wait().await.unwrap_err().kind(), ErrorKind::Config);
        let plan = found.plan().unwrap();
        let run = plan.start(Some(&confirm), false).unwrap();
        run.wait().await.unwrap();
        plan.start(Some(&confirm), false).unwrap();
        assert_eq!(run.wait().await.unwrap().state, RunState::Finished);
        assert_eq!(submissions(&sandbox), (1, 5));
    });
}

#[test]
fn giving_up_the_waiting_cuts_nothing() {
    let runtime = runtime();
    runtime.block_on(async {
        let slow =
            json!([{"on": "any", "times": 40, "kind": "slow_body", "chunk": 1000, "pause_ms": 1}]);
        let sandbox = sandbox(json!({}), &slow);
        let place = tempfile::tempdir().unwrap();
        let client = client(&sandbox, &place.path().join("dsr.sqlite3")).unwrap();
        let plan = plan(&client, Kind::Deletion, 4500);
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        let mut given_up = 0;
        let report = loop {
            match run.wait_for(Duration::from_micros(900)).await {
                Ok(report) => break report,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Deadline);
                    given_up += 1;
                }
            }
        };
        assert!(given_up > 5, "{given_up}");
        assert_eq!(report.counts.get("done"), Some(&4500));
        assert!(report.ambiguous.is_empty());
        assert_eq!(submissions(&sandbox), (1, 4500));
    });
}

/// Row 46. No copy can know of the other: the person is told before anything is sent.
#[test]
fn a_copied_journal_says_so_in_each_open_run() {
    let runtime = runtime();
    runtime.block_on(async {
        let sandbox = sandbox(json!({}), &json!([]));
        let (place, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = |place: &tempfile::TempDir, suffix| place.path().join(format!("j{suffix}"));
        {
            let client = client(&sandbox, &path(&place, "")).unwrap();
            let plan = plan(&client, Kind::Deletion, 3);
            plan.start(Some(&plan.confirm()), false).unwrap();
        }
        // As people copy: the files that look important.
        for suffix in ["", ".key"] {
            std::fs::copy(path(&place, suffix), path(&other, suffix)).unwrap();
        }
        for (place, told, logs) in [(&place, 0, 0), (&other, 1, 1), (&other, 1, 0)] {
            let open = || client(&sandbox, &path(place, "")).unwrap();
            let client = capture::listen_during(open);
            let logged = capture::heard();
            let warns = |line: &&str| {
                line.starts_with("WARN dsrkit") && line.contains("carry on only one of them")
            };
            assert_eq!(logged.lines().filter(warns).count(), logs, "{logged}");
            assert_eq!(sandbox.ledger(), json!([]));
            let run = client.runs().unwrap().pop().unwrap();
            let mut events = run.events_after(0);
            let mut warnings = 0;
            while let Some(event) = events.next().await.unwrap() {
                let warns = event.text.contains("carry on only one of them");
                warnings += usize::from(warns && event.kind.as_str() == "anomaly");
                if event.kind.as_str() == "resumed" {
                    break;
                }
            }
            assert_eq!(warnings, told);
        }
    });
}
