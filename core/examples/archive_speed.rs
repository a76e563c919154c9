//! Times of the way from an archive to packages, and the memory it took, as one JSON line.
//!
//! `archive_speed make FILE MIB PEOPLE MEMBERS none|zipcrypto|aes256`
//! `archive_speed run FILE PEOPLE OUT unpack|split|data|html`: up to that step. OUT must not exist.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dsrkit::Secret;
use dsrkit::archive::{Keep, Limits, split, unpack};
use dsrkit::package::{Archive, DataFile, Maker, Origin, Part, Wish, write_all};

#[path = "../../tests/rust/support/big_archive.rs"]
mod big_archive;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.get(1..).unwrap_or_default() {
        ["make", file, mib, people, members, cipher] => {
            let plan = big_archive::Plan {
                bytes: mib.parse::<u64>()? << 20,
                people: people.parse()?,
                members: members.parse()?,
                cipher: (*cipher).to_owned(),
            };
            println!("{} events", big_archive::write(Path::new(file), &plan)?);
            Ok(())
        }
        ["run", file, people, out, step] => {
            run(Path::new(file), people.parse()?, Path::new(out), step)
        }
        _ => Err("see the head of this example".into()),
    }
}

fn run(file: &Path, people: u64, out: &Path, step: &str) -> Result<(), Box<dyn Error>> {
    let subjects = big_archive::subjects(people);
    let limits = Limits::default();
    let secrets = [Secret::new(big_archive::SECRET)];
    let mut times = Vec::new();
    let mut clock = Instant::now();
    let mut lap = |name: &str| {
        times.push(format!("\"{name}\": {:.3}", clock.elapsed().as_secs_f64()));
        clock = Instant::now();
    };
    fs::create_dir(out)?;
    let members_dir = out.join("members");
    let members = unpack(file, &secrets, &limits, true, &members_dir, Keep::Scratch)?;
    lap("unpack");
    if step != "unpack" {
        let split = split(&members, &subjects, &limits, &out.join("split"))?;
        lap("split");
        if step != "split" {
            let parts = subjects.iter().zip(split.shares);
            let parts = parts.map(|(subject, share)| Part {
                subject: subject.clone(),
                dir: share.dir,
                files: share
                    .files
                    .into_iter()
                    .map(|file| DataFile {
                        path: file.name.to_owned(),
                        bytes: file.bytes,
                        sha256: file.sha256,
                        records: Some(file.lines),
                    })
                    .collect(),
            });
            let origin = Origin {
                vendor: "mixpanel".into(),
                archives: vec![Archive {
                    task_id: "1".into(),
                    bytes: 0,
                    sha256: [0; 32],
                }],
                times: Default::default(),
            };
            let maker = Maker::new(&Wish {
                html: step == "html",
                ..Wish::default()
            })?;
            let written = write_all(&PathBuf::from(out), &origin, parts.collect(), &maker)?;
            lap("packages");
            assert_eq!(written.len() as u64, people);
        }
    }
    println!("{{{}, \"peak_mib\": {}}}", times.join(", "), peak_mib());
    Ok(())
}

/// The most memory this process ever had.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
