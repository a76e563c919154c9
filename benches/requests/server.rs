//! A vendor that answers every request at once with the same small JSON, in a process of its own.
#![allow(dead_code)] // not every bench starts its own

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The task that every answer is about.
pub const TASK: &str = "1583792934719392965";
/// Fits a create as well as a look.
const ANSWER: &str =
    r#"{"status":"ok","results":{"task_id":"1583792934719392965","status":"PENDING","result":""}}"#;

/// This program again, as the vendor; gives its address, too.
pub fn start() -> (Child, String) {
    let mut vendor = Command::new(std::env::current_exe().unwrap())
        .arg("vendor")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut out = std::io::BufReader::new(vendor.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut address).unwrap();
    (vendor, address.trim().to_owned())
}

/// Ends it.
pub fn stop(mut vendor: Child) {
    drop(vendor.stdin.take());
    let _ = vendor.wait();
}

/// Answers until its input is closed.
pub async fn vendor() {
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
    let _ = stream.set_nodelay(true);
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

/// Seconds of CPU of this process.
pub fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// The most memory that this process has had.
pub fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
