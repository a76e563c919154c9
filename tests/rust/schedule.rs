//! How close to the earliest possible end a campaign comes, by the real engine on the virtual clock.
//! The whole table is `benches/schedule`; here a part of it, with room around the figures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::indexing_slicing
)]

#[path = "../../benches/schedule/campaign.rs"]
mod campaign;
#[path = "../../benches/schedule/oracle.rs"]
mod oracle;
#[path = "../../benches/schedule/scenarios.rs"]
mod scenarios;
#[path = "../../benches/schedule/vendor.rs"]
mod vendor;

use dsrkit::Settings;
use vendor::Scenario;

fn measure(scenario: &Scenario, seeds: std::ops::Range<u64>) -> (f64, f64, f64) {
    let found: Vec<_> = seeds
        .map(|seed| campaign::run(scenario, seed, Settings::default()))
        .collect();
    let (middle, worst) = campaign::middle_and_worst(found.iter().map(|one| one.ratio));
    let (requests, _) = campaign::middle_and_worst(found.iter().map(|one| one.requests));
    let (refused, _) = campaign::middle_and_worst(found.iter().map(|one| one.refused));
    let how = if scenario.gradually {
        "gradually"
    } else {
        "at the end"
    };
    println!(
        "{:22} freed {how:10}: {middle:.3} of the oracle, worst {worst:.3}, {requests:.1} requests per job, {refused:.1} refused",
        scenario.name
    );
    for one in &found {
        assert!(one.min_gap_ms >= 1000 && one.too_fast == 0.0, "{one:?}");
    }
    (middle, worst, requests)
}

/// The bounds of the table, a little wider: three seeds instead of twenty-one.
#[test]
fn campaigns_end_near_the_oracle() {
    for gradually in [false, true] {
        for scenario in scenarios::capped(gradually) {
            let (middle, worst, requests) = measure(&scenario, 0..3);
            let minutes = scenario.median_ms < 3_600_000.0;
            // Ten jobs of a minute at once want more requests than there are.
            let rate_bound = gradually && scenario.median_ms <= 60_000.0;
            assert!(middle <= if rate_bound { 1.04 } else { 1.02 });
            assert!(worst <= 1.045);
            assert!(requests <= if minutes { 20.0 } else { 95.0 });
        }
    }
    let (middle, ..) = measure(&scenarios::request_bound(), 0..1);
    assert!(middle <= 1.15);
}
