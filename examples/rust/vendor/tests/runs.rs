//! A vendor from outside carries whole runs, at its own pace, within its own limits, and with its
//! own credential and words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use dsrkit::model::time::Clock;
use dsrkit::{Client, CollectOptions, Compliance, ErrorKind, Journal, RunState, Settings};
use formbox::Formbox;
use formbox::world::World;

fn with(world: &World, place: &Path, key: &str, settings: Settings) -> Client {
    let url = "https://api.formbox.example/privacy";
    let clock: Arc<dyn Clock> = world.clock.clone();
    Client::builder(Formbox::new(url, "acme", key, Some(clock)).unwrap())
        .journal(Journal::sqlite(place.join("dsr.sqlite3")).unwrap())
        .settings(settings)
        .transport(Arc::new(world.clone()))
        .store(Arc::new(world.clone()))
        .seed(1)
        .build()
        .unwrap()
}

fn client(world: &World, place: &Path) -> Client {
    with(world, place, "formbox-key", Settings::default())
}

fn people(count: u32) -> Vec<String> {
    (0..count)
        .map(|number| format!("person-{number}"))
        .collect()
}

/// The least time between two calls, none of which may be what Formbox does not have.
fn least_gap(world: &World) -> i64 {
    let calls = world.calls();
    for (_, call) in &calls {
        let known =
            call == "POST /privacy/requests" || call.starts_with("GET /privacy/requests/t-");
        assert!(known && !call.ends_with('/'), "{call}");
    }
    let gaps = calls.windows(2).map(|pair| pair[1].0 - pair[0].0);
    gaps.min().unwrap()
}

#[tokio::test]
async fn it_carries_runs_of_any_size() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    let client = client(&world, place.path());
    let run = client.retrieve(people(25)).start().await.unwrap();
    let report = run.clone().await.unwrap();
    assert_eq!(
        (report.state, report.counts["done"]),
        (RunState::Finished, 25)
    );
    assert_eq!(report.jobs.len(), 3, "ten people a request");
    let options = CollectOptions {
        allow_plain: true,
        ..CollectOptions::default()
    };
    let out = place.path().join("out");
    let report = run.collect(&out, &options).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(std::fs::read_dir(out.join("subjects")).unwrap().count(), 25);

    let plan = client.plan_deletion(people(250)).freeze().await.unwrap();
    let run = plan.start(plan.confirm()).await.unwrap();
    let report = run.await.unwrap();
    assert_eq!((report.counts["done"], report.jobs.len()), (250, 3));
    assert_eq!(world.people("erase").len(), 250);
    assert!(least_gap(&world) >= 2000);
}

#[tokio::test]
async fn its_own_pace_is_kept_unless_the_settings_name_one() {
    for (named, least) in [(None, 2000), (Some(0.2), 5000), (Some(1.0), 1000)] {
        let (world, place) = (World::new(), tempfile::tempdir().unwrap());
        let settings = Settings {
            requests_per_second: named,
            ..Settings::default()
        };
        let client = with(&world, place.path(), "formbox-key", settings);
        let plan = client.plan_deletion(people(500)).freeze().await.unwrap();
        let report = plan.start(plan.confirm()).await.unwrap().await.unwrap();
        // Faster than it allows on somebody's word: refused, waited for, and done all the same.
        assert_eq!(report.counts["done"], 500);
        let gap = least_gap(&world);
        assert!((least..least + 100).contains(&gap), "{named:?}: {gap}");
        assert_eq!(world.refused() == 0, named != Some(1.0));
    }
}

#[tokio::test]
async fn without_a_guard_a_lost_answer_is_resolved_by_repeating() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    world.lose(1);
    let client = client(&world, place.path());
    let plan = client.plan_deletion(people(5)).freeze().await.unwrap();
    let report = plan.start(plan.confirm()).await.unwrap().await.unwrap();
    assert_eq!((report.counts["done"], report.ambiguous.len()), (5, 1));
    assert_eq!(world.people("erase").len(), 10, "twice, and known to be");
    assert!(least_gap(&world) >= 2000);
}

#[tokio::test]
async fn what_it_cannot_do_is_not_tried() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    let client = client(&world, place.path());
    let single = client.cancel_deletion("t-1").await.unwrap_err();
    assert_eq!(single.kind(), ErrorKind::Config);
    let many = client.create_deletion(people(101), Compliance::Gdpr).await;
    assert_eq!(many.unwrap_err().kind(), ErrorKind::InvalidInput);
    let other = client.create_deletion(people(1), Compliance::Ccpa).await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Config);
    assert!(world.calls().is_empty());

    let plan = client.plan_deletion(people(150)).freeze().await.unwrap();
    let run = plan.start(plan.confirm()).await.unwrap();
    let mut events = run.events();
    while events.next().await.unwrap().unwrap().kind.as_str() != "submitted" {}
    let report = run.cancel().await.unwrap();
    assert_eq!(report.counts["cancelled"], 50, "{:?}", report.counts);
    let late = |job: &dsrkit::JobReport| job.cancel.as_deref() == Some("too late");
    assert!(report.jobs.iter().all(late));
    assert!(least_gap(&world) >= 2000);
}

#[tokio::test]
async fn a_refused_credential_is_called_by_its_own_name() {
    let (world, place) = (World::new(), tempfile::tempdir().unwrap());
    let client = with(&world, place.path(), "an-old-key", Settings::default());
    let error = client.get_deletion("t-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let said = format!("{error} {}", error.hint());
    assert!(
        said.contains("Formbox key") && said.contains("Privacy"),
        "{said}"
    );
    assert!(
        !said.contains("OAuth") && !said.contains("an-old-key"),
        "{said}"
    );
}
