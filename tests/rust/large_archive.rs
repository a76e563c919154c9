//! An archive much larger than the memory allowed. A test of its own program: its peak is the
//! process's.

use std::fs;

use dsrkit::Secret;
use dsrkit::archive::{Keep, Limits, split, unpack};
use dsrkit::package::{Archive, DataFile, Maker, Origin, Part, Wish, write_all};

#[path = "support/big_archive.rs"]
mod big_archive;

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("peak");
    line.split_whitespace()
        .next()
        .expect("number")
        .parse::<u64>()
        .expect("number")
        / 1024
}

/// 10 GiB and two thousand people with `DSRKIT_SOAK=1`.
#[test]
fn an_archive_needs_less_than_200_mib_of_memory() {
    let soak = std::env::var_os("DSRKIT_SOAK").is_some();
    let plan = big_archive::Plan {
        bytes: if soak { 10 << 30 } else { 64 << 20 },
        people: if soak { 2_000 } else { 300 },
        members: 3,
        cipher: "aes256".into(),
    };
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("a.zip");
    let events = big_archive::write(&file, &plan).expect("archive");
    let subjects = big_archive::subjects(plan.people);
    let limits = Limits::default();
    let secrets = [Secret::new(big_archive::SECRET)];
    let into = dir.path().join("members");
    let members = unpack(&file, &secrets, &limits, false, &into, Keep::Scratch).expect("unpacked");
    let split = split(&members, &subjects, &limits, &dir.path().join("split")).expect("split");
    fs::remove_dir_all(&into).expect("removed");
    let parts = subjects
        .iter()
        .zip(split.shares)
        .map(|(subject, share)| Part {
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
        html: true,
        ..Wish::default()
    })
    .expect("maker");
    let out = dir.path().join("out");
    fs::create_dir(&out).expect("out");
    let written = write_all(&out, &origin, parts.collect(), &maker).expect("packages");
    assert_eq!(written.iter().map(|w| w.events).sum::<u64>(), events);
    let peak = peak_mib();
    println!("{} MiB at most for {} MiB", peak, plan.bytes >> 20);
    assert!(peak < 200, "{peak} MiB");
}
