//! Takes in N synthetic ids, 20 % of them duplicates, and prints how much memory and time it took.
//!
//! `cargo run --release --example intake_memory -- [N] [FILE] [BUDGET]`: without a file the ids
//! come from an iterator; with one (`.txt`, `.csv` or `.jsonl`, column `distinct_id`) from that
//! file, which is written first when it does not exist. The budget is in MiB. Instead of it, a word
//! tells what to do with the file: `plan` freezes a plan of it in a journal in memory; `read` only
//! reads it, `copy` writes its lines as batches without looking for duplicates, and `obvious` does all
//! with a set of strings: what other ways cost, and below which cost there is none.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use dsrkit::ids::{IdSource, IntakeOptions, Purpose, take_in};
use dsrkit::{Client, Journal, Mixpanel};

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn id(at: u64) -> String {
    let random = mix(at);
    let at = if at > 0 && random.is_multiple_of(5) {
        random % at
    } else {
        at
    };
    let (a, b) = (mix(at ^ 0xabcd), mix(at ^ 0x1234_5678));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xffff,
        b >> 48,
        b & 0xffff_ffff_ffff
    )
}

fn write(path: &Path, n: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => {
            writeln!(out, "row,email,\"distinct_id\",country,\"notes\"")?;
            for at in 0..n {
                let notes = match at % 20 {
                    3 => "said \"\"yes\"\" twice",
                    7 => "first line\nsecond line",
                    _ => "nothing to say",
                };
                writeln!(
                    out,
                    "{at},user{at}@example.org,\"{}\",DE,\"{notes}\"",
                    id(at)
                )?;
            }
        }
        Some("jsonl") => {
            for at in 0..n {
                writeln!(out, "{{\"row\":{at},\"distinct_id\":\"{}\"}}", id(at))?;
            }
        }
        _ => {
            for at in 0..n {
                writeln!(out, "{}", id(at))?;
            }
        }
    }
    out.flush()
}

/// The most memory this process has had, in MiB.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

type Done = Result<(), Box<dyn std::error::Error>>;

/// The words: other ways, and floors.
fn beside(word: &str, path: PathBuf) -> Done {
    let file = std::fs::File::open(&path)?;
    let mut bytes = 0;
    match word {
        "read" => {
            let (mut file, mut block) = (file, vec![0; 256 << 10]);
            loop {
                match file.read(&mut block)? {
                    0 => break,
                    count => bytes += count,
                }
            }
        }
        "copy" => {
            let (mut file, mut batch, mut line) = (
                BufReader::with_capacity(256 << 10, file),
                Vec::new(),
                Vec::new(),
            );
            let mut n = 0;
            while file.read_until(b'\n', &mut line)? > 0 {
                batch.push(b'"');
                batch.extend_from_slice(line.trim_ascii_end());
                batch.extend_from_slice(b"\",");
                line.clear();
                n += 1;
                if n % 2_000 == 0 {
                    bytes += batch.len();
                    batch.clear();
                }
            }
        }
        "obvious" => {
            let (mut seen, mut ids) = (HashSet::new(), Vec::new());
            for line in BufReader::new(file).lines() {
                let line = line?;
                if seen.insert(line.clone()) {
                    ids.push(line);
                }
            }
            for batch in ids.chunks(2_000) {
                bytes += serde_json::to_string(batch)?.len();
            }
        }
        "plan" => {
            let client = Client::builder(Mixpanel::builder("project", "oauth").build()?)
                .journal(Journal::memory())
                .build()?;
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let plan = client.plan_retrieval(IdSource::file(path));
            bytes = usize::try_from(
                runtime
                    .block_on(plan.archives(std::env::temp_dir()).freeze())?
                    .subjects(),
            )?;
        }
        _ => return Err("see the head of this example".into()),
    }
    println!("{word}: {bytes}");
    Ok(())
}

fn main() -> Done {
    let mut arguments = std::env::args().skip(1);
    let n: u64 = arguments.next().map_or(Ok(10_000_000), |n| n.parse())?;
    let file = arguments.next().map(PathBuf::from);
    if let Some(path) = file.as_deref().filter(|path| !path.exists()) {
        write(path, n)?;
    }
    let mut options = IntakeOptions::new(Purpose::Retrieval);
    if let Some(mib) = arguments.next() {
        if let (Err(_), Some(path)) = (mib.parse::<usize>(), &file) {
            return beside(&mib, path.clone());
        }
        options.memory_budget = mib.parse::<usize>()? << 20;
    }
    let start = Instant::now();
    let source = match file {
        Some(path) => IdSource::file(path),
        None => IdSource::iter((0..n).map(id)),
    };
    let intake = take_in(source, &options)?;
    let (subjects, duplicates, read) = (intake.subjects, intake.duplicates, start.elapsed());
    let (mut ids, mut bytes) = (0, 0);
    for batch in intake.into_batches(2_000) {
        let batch = batch?;
        ids += u64::from(batch.n);
        bytes += batch.ids_json.len();
    }
    if ids != subjects {
        return Err(format!("{subjects} ids were taken in, {ids} came out").into());
    }
    println!(
        "ids={ids} duplicates={duplicates} body_bytes={bytes} peak_mib={:.1} take_in_s={:.2} seconds={:.2}",
        peak().unwrap_or(f64::NAN),
        read.as_secs_f64(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
