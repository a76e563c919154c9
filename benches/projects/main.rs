//! Many projects in one process: each asks for a task once a second, all on one current-thread
//! runtime and one network. Prints CPU, memory, and how late the answers came.
//!
//! ```sh
//! cargo run --release -p dsrkit --example projects -- 10000 20
//! ```
//!
//! The vendor is a second process of the same program on 127.0.0.1 that answers every request with
//! the same small JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dsrkit::{Client, Mixpanel, Network, Settings};

#[path = "../requests/server.rs"]
mod server;

/// How many answers came so many tenths of a millisecond late: the measurement takes no memory per call.
static LATE: [AtomicU32; 50_000] = [const { AtomicU32::new(0) }; 50_000];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "vendor" => runtime.block_on(server::vendor()),
        [projects, seconds] => {
            let (projects, seconds) = (projects.parse().unwrap(), seconds.parse().unwrap());
            runtime.block_on(measure(projects, seconds));
        }
        _ => eprintln!("usage: projects PROJECTS SECONDS"),
    }
}

async fn measure(projects: usize, seconds: u64) {
    let (vendor, out) = server::start();
    let url = format!("http://{out}/api/app");
    let started = Instant::now();
    let project = |n: usize| {
        Mixpanel::builder(format!("project-{n}"), "token")
            .base_url(&url)
            .build()
            .unwrap()
    };
    let settings = Settings::default();
    let network = Network::new(&settings, &project(0)).unwrap();
    let clients: Vec<Client> = (0..projects)
        .map(|n| {
            Client::builder(project(n))
                .network(&network)
                .build()
                .unwrap()
        })
        .collect();
    let built = started.elapsed();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for (n, client) in clients.into_iter().enumerate() {
        tasks.push(tokio::spawn(async move {
            // Spread over the first second, as projects that live apart would be.
            let spread = Duration::from_micros(1_000_000 * n as u64 / projects as u64);
            tokio::time::sleep(spread).await;
            let (mut calls, mut due) = (0_usize, None::<Instant>);
            while Instant::now() < until {
                client.get_deletion(server::TASK).await.unwrap();
                let now = Instant::now();
                calls += 1;
                if let Some(due) = due {
                    let tenths = now.saturating_duration_since(due).as_micros() / 100;
                    LATE[(tenths as usize).min(LATE.len() - 1)].fetch_add(1, Ordering::Relaxed);
                }
                due = Some(now + Duration::from_millis(1001));
            }
            calls
        }));
    }
    let before = server::cpu();
    let begun = Instant::now();
    let mut calls = 0;
    for task in tasks {
        calls += task.await.unwrap();
    }
    let (wall, used) = (begun.elapsed(), server::cpu() - before);
    server::stop(vendor);
    let late: Vec<u32> = LATE.iter().map(|n| n.load(Ordering::Relaxed)).collect();
    let all: u32 = late.iter().sum();
    let at = |share: f64| {
        let mut left = (f64::from(all) * share) as u32;
        let tenths = late.iter().position(|&n| {
            let here = n > left;
            left = left.saturating_sub(n);
            here
        });
        tenths
            .or_else(|| late.iter().rposition(|&n| n > 0))
            .unwrap_or(0) as f64
            / 10.0
    };
    println!("projects          {projects}");
    println!("built in          {:.2} s", built.as_secs_f64());
    println!("calls             {} in {:.1} s", calls, wall.as_secs_f64());
    println!("cores             {:.2}", used / wall.as_secs_f64());
    println!("peak memory       {} MiB", server::peak_kib() / 1024);
    println!(
        "due to done       median {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
