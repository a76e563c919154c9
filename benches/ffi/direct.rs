//! What `through_c.c` does, called directly in Rust: the same work, the same figures.

use std::hint::black_box;
use std::time::Instant;

use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{Client, Compliance, IdSource, Journal, RunHandle, Settings};

const PEOPLE: u32 = 100_000;
const CALLS: u32 = 1_000_000;
const STATES: u32 = 20_000;

/// Reads the run's events to its end; gives how many.
async fn follow(run: &RunHandle) -> dsrkit::Result<u32> {
    let mut reader = run.events_after(0);
    let (mut events, mut bytes) = (0, 0);
    while let Some(event) = reader.next().await? {
        bytes += event.text.len();
        events += 1;
    }
    black_box(bytes);
    Ok(events)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> dsrkit::Result<()> {
    let sandbox = Sandbox::start(SandboxOptions::default())?;
    let settings = Settings {
        max_ids_per_deletion_plan: PEOPLE.into(),
        ..Settings::default()
    };
    let client = Client::builder(sandbox.mixpanel().build()?)
        .settings(settings)
        .journal(Journal::memory())
        .build()?;
    let ids: Vec<String> = (0..PEOPLE)
        .map(|number| format!("person-{number}"))
        .collect();
    let per_s = |count: u32, from: Instant| f64::from(count) / from.elapsed().as_secs_f64();
    let ns = |count: u32, from: Instant| from.elapsed().as_secs_f64() * 1e9 / f64::from(count);

    let from = Instant::now();
    let plan = client
        .plan_deletion(IdSource::iter(ids))
        .compliance(Compliance::Gdpr)
        .freeze()
        .await?;
    let plan_ids_per_s = per_s(PEOPLE, from);
    let run = plan.start(plan.confirm()).await?;
    let from = Instant::now();
    let events = follow(&run).await?;
    let driven_events_per_s = per_s(events, from);
    let again = client.run(run.id())?;
    let from = Instant::now();
    let read_events_per_s = per_s(follow(&again).await?, from);
    let from = Instant::now();
    let (mut batch, mut outcomes) = (0, 0);
    while let Some(list) = run.outcomes(batch)? {
        for outcome in list {
            black_box(outcome.id.len());
            outcomes += 1;
        }
        batch += 1;
    }
    let outcomes_per_s = per_s(outcomes, from);
    let from = Instant::now();
    for _ in 0..CALLS {
        black_box(black_box(&plan).subjects());
    }
    let getter_ns = ns(CALLS, from);
    let from = Instant::now();
    for _ in 0..STATES {
        black_box(run.state()?);
    }
    let state_ns = ns(STATES, from);
    println!(
        "{{\"plan_ids_per_s\": {plan_ids_per_s:.0}, \"events\": {events}, \"driven_events_per_s\": \
         {driven_events_per_s:.0}, \"read_events_per_s\": {read_events_per_s:.0}, \"outcomes_per_s\": \
         {outcomes_per_s:.0}, \"getter_ns\": {getter_ns:.1}, \"state_ns\": {state_ns:.0}}}"
    );
    Ok(())
}
