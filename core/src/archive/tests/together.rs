//! Small ZipCrypto members, which are decrypted side by side: what is wrong with one of them is found
//! as it is alone, and told as that one's.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::super::zipcrypto::ZipCrypto;
use super::super::{Keep, Limits, Member, unpack, verify};
use super::Scene;
use super::builder::{Part, build, crc32};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

const SECRET: &str = "archive-secret";
/// More than one thread takes at a time, and of very different sizes.
const SIZES: [usize; 14] = [
    500, 0, 90_000, 1, 700_000, 3_000, 40, 11, 262_144, 7_000, 7_001, 1_000, 2, 64,
];

fn plain(n: usize) -> Vec<u8> {
    (0..SIZES[n])
        .map(|at| b'a' + u8::try_from((at * at + n) % 23).expect("small"))
        .collect()
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut out = DeflateEncoder::new(Vec::new(), Compression::fast());
    out.write_all(plain).expect("in memory");
    out.finish().expect("in memory")
}

/// A member that holds `packed`, which the headers say is `plain`.
fn part(n: usize, plain: &[u8], packed: &[u8], secret: &str) -> Part {
    let crc = crc32(plain);
    let data = ZipCrypto::new(secret.as_bytes()).encrypt(crc, packed);
    let len = u32::try_from(data.len()).expect("small");
    Part::new(&format!("m{n}.jsonl"), plain)
        .both(|h| (h.flags, h.method, h.packed) = (h.flags | 1, 8, len))
        .change(|p| p.data = data)
}

fn parts() -> Vec<Part> {
    let one = |n| part(n, &plain(n), &deflated(&plain(n)), SECRET);
    (0..SIZES.len()).map(one).collect()
}

fn run(parts: &[Part], threads: usize) -> Result<Vec<Vec<u8>>, Error> {
    let scene = Scene::new(&build(parts));
    let limits = Limits {
        threads,
        ..Limits::default()
    };
    let secrets = [Secret::new(SECRET)];
    let (archive, target) = (scene.archive(), scene.target());
    let done = unpack(&archive, &secrets, &limits, true, &target, Keep::Scratch);
    let verified = verify(&archive, &secrets, &limits, true);
    assert_eq!(done.is_ok(), verified.is_ok());
    if done.is_err() {
        assert_eq!(scene.visible(), ["a.zip"]);
    }
    let read = |member: Member| fs::read(member.path).expect("member");
    Ok(done?.into_iter().map(read).collect())
}

#[test]
fn each_is_what_it_is_alone() {
    for threads in [1, 3] {
        let found = run(&parts(), threads).expect("sound");
        assert_eq!(found.len(), SIZES.len());
        for (n, found) in found.iter().enumerate() {
            assert!(*found == plain(n), "{n}");
        }
    }
}

type Lie = fn(usize, Part) -> Part;

/// Everything that a member can lie about behind its headers.
const LIES: [(&str, Lie); 7] = [
    ("claims less than comes out", |_, part| {
        part.both(|h| h.size -= 1)
    }),
    ("claims more than comes out", |_, part| {
        part.both(|h| h.size += 1)
    }),
    ("another checksum", |_, part| {
        // The check in front of the data looks at the highest byte.
        part.both(|h| h.crc ^= 1)
    }),
    ("another byte", |_, part| {
        // Behind the twelve bytes in front. It changes how all others are decrypted.
        part.change(|p| p.data[12] ^= 0x10)
    }),
    ("cut off", |n, _| {
        let packed = deflated(&plain(n));
        part(n, &plain(n), &packed[..packed.len() - 1], SECRET)
    }),
    ("bytes behind the data", |n, _| {
        let packed = [&deflated(&plain(n))[..], b"x"].concat();
        part(n, &plain(n), &packed, SECRET)
    }),
    ("another secret", |n, _| {
        part(n, &plain(n), &deflated(&plain(n)), "another")
    }),
];

#[test]
fn a_lie_of_one_is_found_among_the_others() {
    for (label, lie) in LIES {
        for n in 0..SIZES.len() {
            if SIZES[n] == 0 {
                continue;
            }
            let mut parts = parts();
            parts[n] = lie(n, parts[n].clone());
            let error = run(&parts, 1).map(drop).expect_err(label);
            assert_eq!(error.kind(), ErrorKind::Archive, "{label} {n}: {error:?}");
            let told = ("entry", n.to_string());
            assert!(error.context().contains(&told), "{label} {n}: {error:?}");
        }
    }
}

#[test]
fn of_several_lies_the_first_ones_is_told() {
    let mut parts = parts();
    for n in [9, 4, 3] {
        parts[n] = parts[n].clone().both(|h| h.crc ^= 1);
    }
    let error = run(&parts, 1).map(drop).expect_err("damaged");
    assert!(error.context().contains(&("entry", "3".to_owned())));
}
