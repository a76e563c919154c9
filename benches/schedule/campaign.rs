//! One campaign by the real engine on the virtual clock, judged beside the oracle.

use std::sync::{Arc, Mutex};

use dsrkit::model::time::Clock;
use dsrkit::pace::clock::VirtualClock;
use dsrkit::{Client, Compliance, IdSource, Journal, Kind, Mixpanel, PlanOptions, Settings, Terms};
use dsrkit_sandbox::{Entry, World};

use super::oracle;
use super::vendor::{Line, OneEach, Scenario};

/// Any day.
pub const START: i64 = 1_767_603_600_000;

/// What a campaign came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Its length over the oracle's.
    pub ratio: f64,
    /// Requests for each job.
    pub requests: f64,
    /// Creates that were refused, for each job.
    pub refused: f64,
    /// Refusals for the pace, for each job.
    pub too_fast: f64,
    /// The least time between two calls, as the vendor saw it.
    pub min_gap_ms: i64,
}

impl Figures {
    pub fn of(scenario: &Scenario, seed: u64, world: &World, took_ms: i64) -> Self {
        let jobs = scenario.jobs as f64;
        let ledger = world.ledger();
        let gaps = || ledger.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms);
        let refused = |entry: &&Entry| entry.status == Some(429) && entry.operation.is_create();
        // A refusal for the pace is one that came too early; the vendor's words are not read.
        let mut too_fast = 0;
        let mut last: Option<i64> = None;
        for entry in ledger {
            if last.is_some_and(|last| entry.at_ms - last < 1000) {
                too_fast += 1;
            } else {
                last = Some(entry.at_ms);
            }
        }
        Self {
            ratio: took_ms as f64 / oracle::makespan(scenario, seed) as f64,
            requests: ledger.len() as f64 / jobs,
            refused: ledger.iter().filter(refused).count() as f64 / jobs,
            too_fast: f64::from(too_fast) / jobs,
            min_gap_ms: gaps().min().unwrap_or(i64::MAX),
        }
    }
}

/// Carries it out.
pub fn run(scenario: &Scenario, seed: u64, settings: Settings) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let clock = Arc::new(VirtualClock::new(START));
    let world = Arc::new(Mutex::new(World::new(scenario.options(seed))));
    let took = runtime.block_on(async {
        let options = world.lock().unwrap().options().clone();
        let vendor = Mixpanel::builder(options.project_token, options.oauth_token)
            .base_url("http://127.0.0.1:1/api/app")
            .clock(clock.clone())
            .build()
            .unwrap();
        let client = Client::builder(OneEach(vendor))
            .journal(Journal::memory())
            .settings(settings)
            .seed(seed)
            .transport(Arc::new(Line {
                world: world.clone(),
                clock: clock.clone(),
                shorter: scenario.shorter,
            }))
            .build()
            .unwrap();
        let terms = Terms {
            kind: scenario.kind,
            compliance: Compliance::Gdpr,
            disclosure: None,
        };
        let ids = (0..scenario.jobs).map(|n| format!("person-{n}"));
        let plan = client
            .freeze(
                IdSource::iter(ids),
                terms,
                &PlanOptions {
                    archives: (scenario.kind == Kind::Retrieval).then(|| "archives".into()),
                    ..PlanOptions::default()
                },
            )
            .unwrap();
        let confirm = plan.confirm();
        let before = clock.monotonic();
        let run = plan.start(Some(&confirm), false).unwrap();
        let report = run.wait().await.unwrap();
        assert_eq!(report.counts.get("failed"), Some(&(scenario.jobs as u64)));
        clock.monotonic() - before
    });
    let world = world.lock().unwrap();
    Figures::of(scenario, seed, &world, took)
}

/// The middle one, and the largest.
pub fn middle_and_worst(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[values.len() - 1])
}
