//! Archives over a real connection: one that stalls, and one that is larger than what may be kept
//! in memory (the peak is the process', so nothing else large belongs here).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dsrkit::Secret;
use dsrkit::archive::{
    Budget, HostRules, HttpStore, HttpStoreOptions, Keep, Limits, fetch, unpack, verify,
};

#[path = "support/wire.rs"]
mod wire;
use wire::Wire;

fn store(stall_timeout: Duration) -> HttpStore {
    HttpStore::new(&HttpStoreOptions {
        loopback: true,
        stall_timeout,
        ..HttpStoreOptions::default()
    })
    .unwrap()
}

async fn fetched(store: &HttpStore, server: &Wire, target: &Path) -> u64 {
    let link = Secret::new(format!("http://{}/archive.zip?sig=canary", server.address));
    let rules = HostRules::mixpanel(&[], true).unwrap();
    let budget = Budget {
        max_bytes: 1 << 30,
        replace: false,
    };
    let fetched = fetch(store, &link, &rules, target, budget).await;
    fetched.map_err(dsrkit::Error::from).unwrap().bytes
}

/// Row 59. A transfer in which nothing arrives any more is given up, and gone on with where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stalled_transfer_is_given_up_and_gone_on_with() {
    let content: Arc<Vec<u8>> = Arc::new((0..200_000_u32).map(|n| (n % 251) as u8).collect());
    let whole = Arc::clone(&content);
    let server = Wire::serve(None, move |request, stream| {
        let from = request
            .lines()
            .find_map(|line| line.strip_prefix("range: bytes="))
            .map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
        let range = match from {
            0 => "200 OK\r\n".to_owned(),
            from => format!("206 Partial\r\ncontent-range: bytes {from}-199999/200000\r\n"),
        };
        let head = format!(
            "HTTP/1.1 {range}etag: \"1\"\r\ncontent-length: {}\r\n\r\n",
            200_000 - from
        );
        let _ = stream.write_all(head.as_bytes());
        let end = if from == 0 { 100_000 } else { 200_000 };
        let _ = stream.write_all(&whole[from..end]);
        // Then nothing, until the other side has had enough.
        let _ = stream.read(&mut [0]);
    });
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("a.zip");
    let bytes = fetched(&store(Duration::from_millis(200)), &server, &target).await;
    assert_eq!(bytes, 200_000);
    assert!(std::fs::read(&target).unwrap() == *content);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].contains("range: bytes=100000-"), "{requests:?}");
    assert_eq!(
        HttpStoreOptions::default().stall_timeout,
        Duration::from_secs(20)
    );
}

#[cfg(target_os = "linux")]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<u64>().unwrap() / 1024
}

/// An archive of 128 MiB is fetched, verified and unpacked within a fraction of that.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_archive_is_never_in_memory_as_a_whole() {
    const MIB: u64 = 128;
    let place = tempfile::tempdir().unwrap();
    let served = place.path().join("served.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&served).unwrap());
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .with_aes_encryption(zip::AesMode::Aes256, "canary-secret");
    let piece: Vec<u8> = (0..1_u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for member in 0..4 {
        zip.start_file(format!("{member}.jsonl"), options).unwrap();
        for _ in 0..MIB / 4 {
            zip.write_all(&piece).unwrap();
        }
    }
    zip.finish().unwrap();
    let size = std::fs::metadata(&served).unwrap().len();
    let server = Wire::serve(None, move |_, stream| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        let _ = std::io::copy(&mut std::fs::File::open(&served).unwrap(), stream);
    });
    let before = peak_mib();
    let target = place.path().join("a.zip");
    let bytes = fetched(&store(Duration::from_secs(20)), &server, &target).await;
    assert_eq!(bytes, size);
    let secrets = [Secret::new("canary-secret")];
    let limits = Limits::default();
    assert_eq!(
        verify(&target, &secrets, &limits, false).unwrap().members,
        4
    );
    let into = place.path().join("out");
    let members = unpack(&target, &secrets, &limits, false, &into, Keep::Scratch).unwrap();
    assert_eq!(members.iter().map(|m| m.bytes).sum::<u64>(), MIB << 20);
    let grown = peak_mib() - before;
    println!("an archive of {MIB} MiB took {grown} MiB of memory");
    assert!(grown < MIB / 2, "{grown} MiB");
}
