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

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dsrkit::{Client, Mixpanel, Network, Settings};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &str = r#"{"status":"ok","results":{"status":"PENDING","result":""}}"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "vendor" => runtime.block_on(vendor()),
        [projects, seconds] => {
            let (projects, seconds) = (projects.parse().unwrap(), seconds.parse().unwrap());
            runtime.block_on(measure(projects, seconds));
        }
        _ => eprintln!("usage: projects PROJECTS SECONDS"),
    }
}

async fn measure(projects: usize, seconds: u64) {
    let mut vendor = Command::new(std::env::current_exe().unwrap())
        .arg("vendor")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut out = std::io::BufReader::new(vendor.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut address).unwrap();
    let out = address.trim();
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
            let mut late = Vec::new();
            let mut due: Option<Instant> = None;
            while Instant::now() < until {
                client.get_deletion("1234567890123456789").await.unwrap();
                let now = Instant::now();
                late.extend(due.map(|due| now.saturating_duration_since(due)));
                due = Some(now + Duration::from_millis(1001));
            }
            late
        }));
    }
    let before = cpu();
    let begun = Instant::now();
    let mut late = Vec::new();
    for task in tasks {
        late.extend(task.await.unwrap());
    }
    let (wall, used) = (begun.elapsed(), cpu() - before);
    drop(vendor.stdin.take());
    let _ = vendor.wait();
    late.sort_unstable();
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!("projects          {projects}");
    println!("built in          {:.2} s", built.as_secs_f64());
    println!(
        "calls             {} in {:.1} s",
        late.len() + projects,
        wall.as_secs_f64()
    );
    println!("cores             {:.2}", used / wall.as_secs_f64());
    println!("peak memory       {} MiB", peak_kib() / 1024);
    println!(
        "due to done       median {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// Seconds of CPU of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Answers until its input is closed.
async fn vendor() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    let closed = tokio::task::spawn_blocking(|| {
        let mut rest = String::new();
        std::io::stdin().read_line(&mut rest)
    });
    let _ = closed.await;
}

async fn answer(stream: TcpStream) {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        if input.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            let mut body = vec![0; length];
            let _ = input.read_exact(&mut body).await;
            length = 0;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
                ANSWER.len()
            );
            if output.write_all(head.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
