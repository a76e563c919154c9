//! What `through_c.c` does, called directly in Rust: the same work, the same figures.

use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{Client, Compliance, IdSource, Journal, RunHandle, Settings};
use std::hint::black_box;

const PEOPLE: u32 = 20_000;
const CALLS: u32 = 1_000_000;
const STATES: u32 = 20_000;

/// CPU seconds of the process: what other programs do at the same time does not count.
fn now() -> f64 {
    let mut at = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `at` is this function's own.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut at) };
    at.tv_sec as f64 + at.tv_nsec as f64 / 1e9
}

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
    let per_s = |count: u32, from: f64| f64::from(count) / (now() - from);
    let ns = |count: u32, from: f64| (now() - from) * 1e9 / f64::from(count);

    let from = now();
    let plan = client
        .plan_deletion(IdSource::iter(ids))
        .compliance(Compliance::Gdpr)
        .freeze()
        .await?;
    let plan_ids_per_s = per_s(PEOPLE, from);
    let run = plan.start(plan.confirm()).await?;
    let from = now();
    let events = follow(&run).await?;
    let driven_events_per_s = per_s(events, from);
    let again = client.run(run.id())?;
    let from = now();
    let read_events_per_s = per_s(follow(&again).await?, from);
    let from = now();
    let (mut batch, mut outcomes) = (0, 0);
    while let Some(list) = run.outcomes(batch)? {
        for outcome in list {
            black_box(outcome.id.len());
            outcomes += 1;
        }
        batch += 1;
    }
    let outcomes_per_s = per_s(outcomes, from);
    let from = now();
    for _ in 0..CALLS {
        black_box(black_box(&plan).subjects());
    }
    let getter_ns = ns(CALLS, from);
    let from = now();
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
