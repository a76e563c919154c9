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
            assert!(middle <= 1.025);
            assert!(worst <= 1.045);
            assert!(requests <= if minutes { 20.0 } else { 95.0 });
        }
    }
    let (middle, ..) = measure(&scenarios::request_bound(), 0..1);
    assert!(middle <= 1.15);
}

/// A limit that moves while a campaign runs is found anew, upwards and downwards.
#[test]
fn a_limit_that_moves_is_followed() {
    for gradually in [false, true] {
        for scenario in &scenarios::capped(gradually)[1..3] {
            let after = (5.0 * scenario.median_ms) as i64;
            for days in [365 * 2, 365 * 12] {
                let scenario = Scenario {
                    moved: Some((after, days)),
                    ..*scenario
                };
                let (middle, worst, _) = measure(&scenario, 0..3);
                assert!(middle <= 1.03 && worst <= 1.05);
            }
        }
    }
}

/// What somebody set about the project's age and the vendor's limit is never believed over a try:
/// wrong or missing, a campaign ends when it ends with the right ones.
#[test]
fn wrong_settings_cost_nothing() {
    let scenario = scenarios::capped(false)[1];
    let with = |project_age_days, scan_budget_days| {
        let settings = Settings {
            project_age_days,
            scan_budget_days,
            ..Settings::default()
        };
        campaign::run(&scenario, 1, settings).ratio
    };
    let right = with(Some(scenario.age_days as u32), 1826);
    for age in [None, Some(1), Some(20), Some(1826), Some(50_000)] {
        for budget in [1, 100, 1826, 1_000_000] {
            assert!(with(age, budget) <= right * 1.001, "{age:?} {budget}");
        }
    }
}
