//! What a script does instead. The same vendor, the same line, no engine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dsrkit::Kind;
use dsrkit_sandbox::{Host, Request, World};
use serde_json::Value;

use super::campaign::{Figures, START};
use super::oracle::{call, create, durations};
use super::vendor::{ROUND_TRIP_MS, Scenario};

const SPACING_MS: i64 = 1001;

struct Script<'a> {
    scenario: &'a Scenario,
    world: World,
    now: i64,
    /// The task of each job, once it has one.
    tasks: Vec<Option<String>>,
    open: usize,
}

impl<'a> Script<'a> {
    fn new(scenario: &'a Scenario, seed: u64) -> Self {
        Self {
            scenario,
            world: World::new(scenario.options(seed)),
            now: START,
            tasks: vec![None; scenario.jobs],
            open: scenario.jobs,
        }
    }

    fn send(&mut self, request: &Request) -> (u16, Value) {
        self.now += ROUND_TRIP_MS / 2;
        let reply = self.world.handle(Host::Api, request, self.now);
        self.now += ROUND_TRIP_MS / 2;
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        (reply.status, body)
    }

    /// The next call of a job; gives whether it was answered.
    fn step(&mut self, job: usize) -> bool {
        let Some(task) = self.tasks[job].clone() else {
            let request = create(self.scenario, &self.world, job);
            let (status, body) = self.send(&request);
            self.tasks[job] = body["results"]["task_id"].as_str().map(str::to_owned);
            return status == 201;
        };
        let what = match self.scenario.kind {
            Kind::Retrieval => "data-retrievals",
            Kind::Deletion => "data-deletions",
        };
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/api/app/{what}/v3.0/{task}/"),
            ..call(&self.world)
        };
        let (status, body) = self.send(&request);
        if body["results"]["status"] == "FAILURE" {
            self.open -= 1;
        }
        status == 200
    }

    fn figures(&self, seed: u64) -> Figures {
        Figures::of(self.scenario, seed, &self.world, self.now - START)
    }
}

/// One job after the other, looked at every second. Computed: it would be millions of calls.
pub fn serial(scenario: &Scenario, seed: u64) -> (f64, f64) {
    let step = SPACING_MS + ROUND_TRIP_MS;
    let looks: i64 = durations(scenario, seed)
        .iter()
        .map(|duration| duration / step + 1)
        .sum();
    let jobs = scenario.jobs as i64;
    let took = (looks + jobs) * step;
    (
        took as f64 / super::oracle::makespan(scenario, seed) as f64,
        (looks + jobs) as f64 / jobs as f64,
    )
}

/// Each job, and each refused create, again after a minute; one call a second.
pub fn every_minute(scenario: &Scenario, seed: u64) -> Figures {
    let mut script = Script::new(scenario, seed);
    let mut queue: BinaryHeap<_> = (0..scenario.jobs)
        .map(|job| Reverse((START, job)))
        .collect();
    while let Some(Reverse((at, job))) = queue.pop() {
        script.now = script.now.max(at);
        let open = script.open;
        script.step(job);
        if script.open == open {
            queue.push(Reverse((script.now + 60_000, job)));
        }
        if !queue.is_empty() {
            script.now += SPACING_MS;
        }
    }
    script.figures(seed)
}

/// Each job on its own: looks every minute, and backs off with full jitter, from a second to ten
/// minutes, when it is refused. Nobody paces them together.
pub fn each_on_its_own(scenario: &Scenario, seed: u64) -> Figures {
    let mut script = Script::new(scenario, seed);
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut queue: BinaryHeap<_> = (0..scenario.jobs)
        .map(|job| Reverse((START, job, 0_u32)))
        .collect();
    let mut end = START;
    while let Some(Reverse((at, job, refusals))) = queue.pop() {
        // Calls overlap: each starts when it is due, whatever the others do.
        script.now = at;
        let open = script.open;
        let answered = script.step(job);
        end = end.max(script.now);
        if script.open < open {
            continue;
        }
        let (wait, refusals) = if answered {
            (60_000, 0)
        } else {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let ceiling = (1000_u64 << refusals.min(20)).min(600_000);
            (i64::try_from(dice % ceiling).unwrap(), refusals + 1)
        };
        queue.push(Reverse((script.now + wait, job, refusals)));
    }
    script.now = end;
    script.figures(seed)
}
