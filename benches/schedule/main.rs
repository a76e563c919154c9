//! The table of docs/SCHEDULE.md: how long campaigns take over the earliest possible end, by the
//! real engine on the virtual clock and by what scripts do. `cargo run --example schedule --features
//! sandbox`, or `make bench`. SEEDS sets how many seeds (default 21); with ALONE set, only dsrkit runs; ROWS=1,13 takes
//! only these scenarios of the table, so that it can be made bit by bit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::indexing_slicing
)]

mod campaign;
mod naive;
mod oracle;
mod scenarios;
mod vendor;

use campaign::{Figures, middle_and_worst};
use dsrkit::Settings;
use vendor::Scenario;

fn row(what: &str, found: &[Figures]) {
    let (middle, worst) = middle_and_worst(found.iter().map(|one| one.ratio));
    let one = |pick: fn(&Figures) -> f64| middle_and_worst(found.iter().map(pick)).0;
    println!(
        "| {what} | {middle:.3} | {worst:.3} | {:.1} | {:.1} | {:.2} |",
        one(|one| one.requests),
        one(|one| one.refused),
        one(|one| one.too_fast),
    );
}

fn engine(scenario: &Scenario, seeds: u64, settings: &Settings) -> Vec<Figures> {
    (0..seeds)
        .map(|seed| campaign::run(scenario, seed, settings.clone()))
        .inspect(|found| assert!(found.min_gap_ms >= 1000, "never closer than the limit"))
        .collect()
}

fn main() {
    let seeds: u64 = std::env::var("SEEDS").map_or(21, |text| text.parse().expect("SEEDS"));
    // Scripts vary little, and some make a million calls.
    let few = seeds.min(3);
    // Without the scripts and the variants: a minute.
    let alone = std::env::var("ALONE").is_ok();
    // The rows that are asked for, by their place.
    let rows = std::env::var("ROWS").ok();
    let asked = |place: usize| {
        let mut places = rows.iter().flat_map(|text| text.split(','));
        rows.is_none() || places.any(|text| text.parse() == Ok(place))
    };
    let header = "| policy | middle | worst | requests per job | creates refused per job | 429s for the pace per job |\n|---|---|---|---|---|---|";
    let mut all: Vec<Scenario> = Vec::new();
    for gradually in [false, true] {
        all.extend(scenarios::capped(gradually));
    }
    all.push(scenarios::request_bound());
    for (_, scenario) in (1..).zip(&all).filter(|(place, _)| asked(*place)) {
        let how = if scenario.gradually {
            "gradually"
        } else {
            "at the end"
        };
        println!("\n**{}**, days freed {how}\n\n{header}", scenario.name);
        row("dsrkit", &engine(scenario, seeds, &Settings::default()));
        if alone {
            continue;
        }
        let minute: Vec<_> = (0..few)
            .map(|seed| naive::every_minute(scenario, seed))
            .collect();
        row("everything again after 60 s, paced", &minute);
        if scenario.median_ms < 4e7 {
            let each: Vec<_> = (0..few)
                .map(|seed| naive::each_on_its_own(scenario, seed))
                .collect();
            row("one loop per job, full jitter", &each);
        }
        let serial: Vec<_> = (0..few).map(|seed| naive::serial(scenario, seed)).collect();
        let (middle, worst) = middle_and_worst(serial.iter().map(|one| one.0));
        let (requests, _) = middle_and_worst(serial.iter().map(|one| one.1));
        println!(
            "| one job after the other, every second | {middle:.1} | {worst:.1} | {requests:.0} | 0 | 0 |"
        );
    }

    if alone || rows.is_some() {
        return;
    }
    println!(
        "\nOther worths of a request, 1 h at the end and 1 day gradually; other spreads; an older project; calls 1.0 s apart from send to send\n\n{header}"
    );
    let (hour, day) = (all[2], all[10]);
    for worth in [3, 10, 100, 300] {
        let settings = Settings {
            request_worth: std::time::Duration::from_secs(worth),
            ..Settings::default()
        };
        row(&format!("1 h, {worth} s"), &engine(&hour, few, &settings));
        row(&format!("1 day, {worth} s"), &engine(&day, few, &settings));
    }
    for scenario in [all[1], hour, day] {
        let wide = Scenario {
            sigma: 1.0,
            ..scenario
        };
        row(
            &format!("{}, sigma 1.0", scenario.name),
            &engine(&wide, few, &Settings::default()),
        );
        let old = Scenario {
            age_days: 730,
            ..scenario
        };
        row(
            &format!("{}, two at a time", scenario.name),
            &engine(&old, few, &Settings::default()),
        );
    }
    // The line takes 150 ms: 851 ms after an answer is 1,001 ms after the request.
    let closer = Settings {
        requests_per_second: Some(1.0 / 0.85),
        ..Settings::default()
    };
    for scenario in [all[0], all[6], scenarios::request_bound()] {
        for shorter in [None, Some(300_000)] {
            let scenario = Scenario {
                shorter,
                ..scenario
            };
            let found: Vec<_> = (0..few)
                .map(|seed| campaign::run(&scenario, seed, closer.clone()))
                .collect();
            let gap = found.iter().map(|one| one.min_gap_ms).min();
            let line = shorter.map_or("", |_| ", then a shorter line");
            row(
                &format!("{}, send to send{line}: {gap:?} ms", scenario.name),
                &found,
            );
        }
    }
}
