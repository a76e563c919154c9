//! Hostile archives from a seeded generator: honest ones, changed in one of many ways.
//!
//! Whatever comes out: nothing is written outside the target, there are no links, and the target is
//! complete or absent. Kinds that no honest writer produces must also be refused.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{AesMode, ZipWriter};

use super::super::{Keep, Limits, Member, unpack};
use super::builder::{End, Part, Wide, build, build_with};
use super::hostile::field;
use super::{Random, Scene};
use crate::error::ErrorKind;
use crate::secret::Secret;

const SECRET: &str = "canary-secret";

/// What one kind does to the members, or to the finished bytes.
enum Kind {
    /// Must be refused.
    Parts(&'static str, fn(&mut Random, &mut Vec<Part>)),
    /// Must be refused.
    End(&'static str, fn(&mut Random, &mut End)),
    /// Must be refused.
    Bytes(&'static str, fn(&mut Random, &mut Vec<u8>)),
    /// May come out sound.
    Any(&'static str, fn(&mut Random, &mut Vec<u8>)),
}

fn rename(parts: &mut [Part], name: &[u8]) {
    if let Some(part) = parts.last_mut() {
        part.local.name = name.to_vec();
        part.central.name = name.to_vec();
    }
}

fn mode(parts: &mut [Part], mode: u32) {
    if let Some(part) = parts.last_mut() {
        part.attributes = mode << 16;
    }
}

fn both(parts: &mut [Part], change: impl Fn(&mut super::builder::Header)) {
    if let Some(part) = parts.last_mut() {
        change(&mut part.local);
        change(&mut part.central);
    }
}

fn last(parts: &mut [Part]) -> &mut Part {
    parts.last_mut().expect("a member")
}

fn one_of<'a>(random: &mut Random, names: &[&'a str]) -> &'a str {
    names[random.below(names.len())]
}

fn written(write: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    write(&mut zip);
    zip.finish().expect("finished").into_inner()
}

fn small(random: &mut Random) -> u16 {
    u16::try_from(1 + random.below(60_000)).expect("small")
}

const KINDS: &[Kind] = &[
    Kind::Parts("up", |r, p| {
        rename(
            p,
            format!("{}../x", "d/".repeat(r.below(3)))
                .replace("d/../", "../")
                .as_bytes(),
        );
    }),
    Kind::Parts("deep up", |r, p| {
        rename(
            p,
            format!("d/{}x", "../".repeat(2 + r.below(30))).as_bytes(),
        )
    }),
    Kind::Parts("absolute", |r, p| {
        rename(p, format!("{}tmp/x", "/".repeat(1 + r.below(3))).as_bytes())
    }),
    Kind::Parts("drive", |r, p| {
        rename(p, one_of(r, &["C:\\x", "c:x", "Z:/x"]).as_bytes())
    }),
    Kind::Parts("backslash", |r, p| {
        rename(p, one_of(r, &["..\\x", "d\\x", "\\\\h\\s\\x"]).as_bytes())
    }),
    Kind::Parts("stream", |r, p| {
        rename(p, one_of(r, &["x:y", "x::$DATA"]).as_bytes())
    }),
    Kind::Parts("nul", |_, p| rename(p, b"x\0y")),
    Kind::Parts("control", |r, p| {
        rename(
            p,
            &[b'x', 1 + u8::try_from(r.below(30)).expect("small"), b'y'],
        )
    }),
    Kind::Parts("reserved", |r, p| {
        rename(
            p,
            one_of(r, &["nul", "CON", "d/com1.txt", "LPT9"]).as_bytes(),
        )
    }),
    Kind::Parts("trailing", |r, p| {
        rename(p, one_of(r, &["x.", "x ", "d./x", "d /x"]).as_bytes())
    }),
    Kind::Parts("empty", |r, p| {
        rename(p, one_of(r, &["", ".", "./x", "d//x", "d/./x"]).as_bytes())
    }),
    Kind::Parts("long", |r, p| {
        rename(p, &vec![b'x'; 1_025 + r.below(60_000)])
    }),
    Kind::Parts("too deep", |r, p| {
        rename(p, "d/".repeat(17 + r.below(400)).as_bytes())
    }),
    Kind::Parts("not UTF-8", |_, p| rename(p, b"caf\x82")),
    Kind::Parts("twice", |_, p| {
        let again = p[0].clone();
        p.push(again);
    }),
    Kind::Parts("twice by case", |_, p| rename(p, b"M0.JSONL")),
    Kind::Parts("file as folder", |_, p| rename(p, b"m0.jsonl/x")),
    Kind::Parts("normal forms", |_, p| {
        p.push(Part::new("é", b""));
        p.push(Part::new("e\u{301}", b""));
    }),
    Kind::Parts("symlink", |_, p| mode(p, 0o120_777)),
    Kind::Parts("through a symlink", |_, p| {
        p.push(Part::new("l", b"/tmp").change(|p| p.attributes = 0o120_777 << 16));
        p.push(Part::new("l/x", b"y"));
    }),
    Kind::Parts("device", |r, p| mode(p, [0o020_666, 0o060_666][r.below(2)])),
    Kind::Parts("pipe or socket", |r, p| {
        mode(p, [0o010_666, 0o140_777][r.below(2)])
    }),
    Kind::Parts("setuid", |r, p| mode(p, [0o104_755, 0o102_755][r.below(2)])),
    Kind::Parts("hard link", |_, p| {
        let link = [&[0; 12][..], b"/etc/passwd"].concat();
        both(p, |h| h.extra = field(0x000d, &link));
    }),
    Kind::Parts("folder with data", |_, p| rename(p, b"d2/")),
    Kind::Parts("two names", |_, p| {
        let other = [&[1, 0, 0, 0, 0][..], b"other"].concat();
        both(p, |h| h.extra = field(0x7075, &other));
    }),
    Kind::Parts("repeated field", |_, p| {
        let twice = [field(1, &[0; 8]), field(1, &[0; 8])].concat();
        both(p, |h| h.extra.clone_from(&twice));
    }),
    Kind::Parts("broken field", |r, p| {
        let cut = field(9, &[0; 9])[..3 + r.below(9)].to_vec();
        both(p, |h| h.extra.clone_from(&cut));
    }),
    Kind::Parts("local name", |_, p| last(p).local.name = b"other".to_vec()),
    Kind::Parts("local method", |_, p| last(p).local.method = 8),
    Kind::Parts("local flags", |_, p| last(p).local.flags ^= 1),
    Kind::Parts("local size", |r, p| {
        last(p).local.size += u32::from(small(r))
    }),
    Kind::Parts("local packed", |r, p| {
        last(p).local.packed += u32::from(small(r))
    }),
    Kind::Parts("size lie", |r, p| {
        let more = u32::from(small(r));
        both(p, |h| h.size += more);
    }),
    Kind::Parts("method", |r, p| {
        let method = [1, 6, 9, 12, 14, 93, 95, 97][r.below(8)];
        both(p, |h| h.method = method);
    }),
    Kind::Parts("not deflate", |_, p| both(p, |h| h.method = 8)),
    Kind::Parts("strong encryption", |_, p| both(p, |h| h.flags |= 0x41)),
    Kind::Parts("masked headers", |_, p| both(p, |h| h.flags |= 0x2000)),
    Kind::Parts("checksum", |r, p| {
        let flip = 1 << r.below(32);
        both(p, |h| h.crc ^= flip);
    }),
    Kind::Parts("data", |r, p| {
        let part = last(p);
        let at = r.below(part.data.len());
        part.data[at] ^= 1 << r.below(8);
    }),
    Kind::Parts("overlap", |_, p| last(p).offset = Some(0)),
    Kind::Parts("elsewhere", |r, p| {
        last(p).offset = Some(u32::from(small(r)) + 7)
    }),
    Kind::Parts("another disk", |r, p| last(p).disk = small(r)),
    Kind::Parts("wide lie", |_, p| {
        both(p, |h| {
            (h.size, h.packed) = (u32::MAX, u32::MAX);
            h.extra = field(1, &[[0xff; 8], [0xff; 8]].concat());
        });
    }),
    Kind::End("count", |r, e| e.count = e.count.wrapping_add(small(r))),
    Kind::End("table size", |r, e| {
        e.size = e.size.wrapping_add(u32::from(small(r)))
    }),
    Kind::End("table start", |r, e| {
        e.start = e.start.wrapping_sub(u32::from(small(r)))
    }),
    Kind::End("disk", |r, e| e.disk = small(r)),
    Kind::End("wide count", |r, e| {
        e.wide = Some(Wide {
            count: u64::MAX - u64::from(small(r)),
            size: e.size.into(),
            start: e.start.into(),
        });
    }),
    Kind::Bytes("prepended", |r, b| {
        let junk: Vec<u8> = (0..1 + r.below(600)).map(|n| n as u8).collect();
        b.splice(0..0, junk);
    }),
    Kind::Bytes("appended", |r, b| {
        b.extend((0..1 + r.below(600)).map(|n| n as u8))
    }),
    Kind::Bytes("two archives", |_, b| {
        b.extend(build(&[Part::new("other", b"x")]))
    }),
    Kind::Bytes("cut", |r, b| b.truncate(r.below(b.len()))),
    Kind::Bytes("no zip", |r, b| {
        *b = (0..r.below(3_000)).map(|_| r.next() as u8).collect()
    }),
    Kind::Bytes("bomb", |r, b| {
        *b = written(|zip| {
            zip.start_file("zeros", SimpleFileOptions::default())
                .expect("start");
            zip.write_all(&vec![0; (11 << 20) + r.below(1 << 20)])
                .expect("write");
        });
    }),
    Kind::Bytes("mixed encryption", |_, b| {
        let aes = SimpleFileOptions::default().with_aes_encryption(AesMode::Aes256, SECRET);
        *b = written(|zip| {
            for (name, options) in [("a", aes), ("b", SimpleFileOptions::default())] {
                zip.start_file(name, options).expect("start");
                zip.write_all(b"data").expect("write");
            }
        });
    }),
    Kind::Bytes("authentication", |r, b| {
        let aes = SimpleFileOptions::default().with_aes_encryption(AesMode::Aes256, SECRET);
        *b = written(|zip| {
            zip.start_file("a", aes.compression_method(zip::CompressionMethod::Stored))
                .expect("start");
            zip.write_all(&[7; 900]).expect("write");
        });
        // Behind the header, the salt and the check of the password.
        let at = 70 + r.below(30);
        b[at] ^= 1 << r.below(8);
    }),
    Kind::Any("flipped bits", |r, b| {
        for _ in 0..1 + r.below(6) {
            let at = r.below(b.len());
            b[at] ^= 1 << r.below(8);
        }
    }),
    Kind::Any("moved bytes", |r, b| {
        let (from, to) = (r.below(b.len()), r.below(b.len()));
        let n = r.below(40).min(b.len() - from.max(to));
        let piece = b[from..from + n].to_vec();
        b[to..to + n].copy_from_slice(&piece);
    }),
    Kind::Any("lost bytes", |r, b| {
        let at = r.below(b.len());
        let n = (1 + r.below(20)).min(b.len() - at);
        b.drain(at..at + n);
    }),
    Kind::Any("large numbers", |r, b| {
        let at = r.below(b.len().saturating_sub(4).max(1));
        let n = 4.min(b.len() - at);
        b[at..at + n].fill(0xff);
    }),
    Kind::Any("nothing", |_, _| ()),
];

fn make(kind: &Kind, random: &mut Random) -> (String, Vec<u8>, bool) {
    let mut parts: Vec<Part> = (0..1 + random.below(4))
        .map(|n| {
            let data: Vec<u8> = (0..8 + random.below(400))
                .map(|_| random.next() as u8)
                .collect();
            let part = Part::new(&format!("m{n}.jsonl"), &data);
            if random.below(4) == 0 {
                part.streamed()
            } else {
                part
            }
        })
        .collect();
    match kind {
        Kind::Parts(name, change) => {
            // The member that lies says its sizes in its own header.
            parts.push(Part::new("d/last", b"some bytes of the last member"));
            change(random, &mut parts);
            ((*name).to_owned(), build(&parts), true)
        }
        Kind::End(name, change) => (
            (*name).to_owned(),
            build_with(&parts, |end| change(random, end)),
            true,
        ),
        Kind::Bytes(name, change) | Kind::Any(name, change) => {
            let mut bytes = build(&parts);
            change(random, &mut bytes);
            ((*name).to_owned(), bytes, matches!(kind, Kind::Bytes(..)))
        }
    }
}

/// Files below `root`, all of them plain and private.
fn count(root: &Path, label: &str) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(root).expect("folder") {
        let entry = entry.expect("entry");
        let kind = entry.file_type().expect("type");
        assert!(
            kind.is_file() || kind.is_dir(),
            "{label}: a link or a device"
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &entry.metadata().expect("facts").permissions(),
        );
        assert_eq!(mode & 0o7077, 0, "{label}: {mode:o}");
        files += if kind.is_dir() {
            count(&entry.path(), label)
        } else {
            1
        };
    }
    files
}

fn check(kind: &Kind, seed: u64) {
    let (name, archive, hostile) = make(kind, &mut Random(seed));
    let label = format!("{name}, seed {seed}");
    let scene = Scene::new(&archive);
    let secrets = [Secret::new(SECRET)];
    let limits = Limits::default();
    let done = unpack(
        &scene.archive(),
        &secrets,
        &limits,
        true,
        &scene.target(),
        Keep::Scratch,
    );
    match done {
        Ok(members) => {
            assert!(!hostile, "{label}: accepted");
            assert_eq!(scene.visible(), ["a.zip", "out"], "{label}");
            assert_eq!(count(&scene.target(), &label), members.len(), "{label}");
            let bytes = |m: &Member| fs::read(&m.path).expect("member").len() as u64;
            assert!(members.iter().all(|m| bytes(m) == m.bytes), "{label}");
        }
        Err(error) => {
            assert_eq!(scene.visible(), ["a.zip"], "{label}");
            let fits = matches!(error.kind(), ErrorKind::Archive | ErrorKind::Decrypt);
            assert!(fits, "{label}: {error}");
            assert!(!format!("{error:?}").contains("canary"), "{label}");
        }
    }
}

#[test]
fn no_archive_reaches_beyond_its_folder() {
    assert!(KINDS.len() >= 40);
    let soak = std::env::var_os("DSRKIT_SOAK").is_some();
    let wanted = if soak { 10_000 } else { 500 };
    let seeds = (wanted / KINDS.len() as u64) + 1;
    for kind in KINDS {
        for seed in 1..=seeds {
            check(kind, seed);
        }
    }
}
