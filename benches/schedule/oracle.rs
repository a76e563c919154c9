//! The earliest possible end: every create reaches the vendor at the first instant it fits, one a
//! second, and every end is known at once.

use dsrkit::Kind;
use dsrkit_sandbox::{Host, Request, World};

use super::vendor::Scenario;

const BUDGET: i64 = 1826;

/// The durations that this vendor draws, in the order of creation.
pub fn durations(scenario: &Scenario, seed: u64) -> Vec<i64> {
    let mut options = scenario.options(seed);
    (options.rate_interval_ms, options.scan_budget_days) = (0, 0);
    options.scan_budget_moves.clear();
    let mut world = World::new(options);
    for n in 0..scenario.jobs {
        let reply = world.handle(Host::Api, &create(scenario, &world, n), 0);
        assert_eq!(reply.status, 201);
    }
    world.durations_ms()
}

/// A create as any client sends it.
pub fn create(scenario: &Scenario, world: &World, n: usize) -> Request {
    let what = match scenario.kind {
        Kind::Retrieval => "data-retrievals",
        Kind::Deletion => "data-deletions",
    };
    Request {
        method: "POST".to_owned(),
        path: format!("/api/app/{what}/v3.0/"),
        body: format!("{{\"distinct_ids\":[\"person-{n}\"]}}").into_bytes(),
        ..call(world)
    }
}

/// Credentials.
pub fn call(world: &World) -> Request {
    let options = world.options();
    Request {
        query: format!("token={}", options.project_token),
        headers: vec![(
            "authorization".to_owned(),
            format!("Bearer {}", options.oauth_token),
        )],
        ..Request::default()
    }
}

/// In milliseconds.
pub fn makespan(scenario: &Scenario, seed: u64) -> i64 {
    let capped = scenario.kind == Kind::Retrieval;
    let age = i64::try_from(scenario.age_days).unwrap();
    let mut jobs: Vec<(i64, i64)> = Vec::new();
    let mut at = 0;
    for duration in durations(scenario, seed) {
        let fits = |at: i64, jobs: &[(i64, i64)]| {
            let left = |&(start, duration): &(i64, i64)| {
                let left = (start + duration - at).max(0);
                if left == 0 || !scenario.gradually {
                    i64::from(left > 0) * age
                } else {
                    (age * left + duration - 1) / duration
                }
            };
            let outstanding: i64 = jobs.iter().map(left).sum();
            let moved = scenario.moved.filter(|(after, _)| at >= *after);
            let budget = moved.map_or(BUDGET, |(_, days)| days as i64);
            outstanding == 0 || outstanding + age <= budget
        };
        if capped && !fits(at, &jobs) {
            // What is outstanding only falls: halve the time until it fits for certain, before the
            // limit moves or after.
            let ends = jobs.iter().map(|(start, duration)| start + duration);
            let (mut no, mut yes) = (at, ends.max().unwrap_or(at));
            match scenario.moved.map(|(after, _)| after) {
                Some(after) if at < after && after < yes && fits(after - 1, &jobs) => {
                    yes = after - 1;
                }
                Some(after) if at < after && after < yes && fits(after, &jobs) => {
                    (no, yes) = (after - 1, after);
                }
                Some(after) if at < after && after < yes => no = after,
                _ => {}
            }
            while yes - no > 1 {
                let middle = i64::midpoint(no, yes);
                if fits(middle, &jobs) {
                    yes = middle;
                } else {
                    no = middle;
                }
            }
            at = yes;
        }
        jobs.push((at, duration));
        at += 1000;
    }
    jobs.iter()
        .map(|(start, duration)| start + duration)
        .max()
        .unwrap_or(0)
}
