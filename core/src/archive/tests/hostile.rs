//! Archives that must be refused whole, with nothing left behind.

use std::fs;
use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{AesMode, ZipWriter};

use super::super::{Keep, Limits, check_structure, unpack, verify};
use super::Scene;
use super::builder::{End, Part, Wide, build, build_with, crc32};
use crate::error::ErrorKind;
use crate::secret::Secret;

pub(super) fn a() -> Part {
    Part::new("a.jsonl", b"{\"a\":1}\n")
}
pub(super) fn b() -> Part {
    Part::new("d/b.jsonl", b"{\"b\":2}\n")
}
fn named(name: &str) -> Vec<u8> {
    build(&[a(), Part::new(name, b"x")])
}
fn with_mode(mode: u32) -> Vec<u8> {
    build(&[a(), b().change(|p| p.attributes = mode << 16)])
}
pub(super) fn field(id: u16, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).expect("short");
    [&id.to_le_bytes(), &len.to_le_bytes(), data].concat()
}

pub(super) fn refuse(label: &str, archive: &[u8]) {
    let scene = Scene::new(archive);
    let secrets = [Secret::new("canary-secret")];
    for secrets in [&secrets[..], &[]] {
        let error = unpack(
            &scene.archive(),
            secrets,
            &Limits::default(),
            true,
            &scene.target(),
            Keep::Durable,
        )
        .expect_err(label);
        assert_eq!(error.kind(), ErrorKind::Archive, "{label}: {error}");
        assert!(
            !format!("{error:?}").contains("canary"),
            "{label}: {error:?}"
        );
        verify(&scene.archive(), secrets, &Limits::default(), true).expect_err(label);
    }
    assert_eq!(scene.visible(), ["a.zip"], "{label}");
}

#[test]
fn the_builders_archives_are_sound_until_they_lie() {
    let wide = |end: &mut End| {
        end.wide = Some(Wide {
            count: 2,
            size: end.size.into(),
            start: end.start.into(),
        });
    };
    let dir = Part::new("d/", b"").change(|p| p.attributes = (0o040_755 << 16) | 0x10);
    let size = (8_u64).to_le_bytes();
    let wide_member = a()
        .both(|h| (h.size, h.packed) = (u32::MAX, u32::MAX))
        .both(|h| h.extra = field(1, &[size, size].concat()));
    for (label, archive) in [
        ("plain", build(&[a(), b()])),
        ("streamed", build(&[a().streamed(), b().streamed()])),
        ("with a folder", build(&[a(), dir, b()])),
        ("zip64 end", build_with(&[a(), b()], wide)),
        (
            "zip64 end, saturated",
            build_with(&[a(), b()], |end| {
                wide(end);
                (end.count, end.size, end.start) = (u16::MAX, u32::MAX, u32::MAX);
            }),
        ),
        ("zip64 member", build(&[wide_member, b()])),
        (
            "comment",
            build_with(&[a(), b()], |end| end.comment = b"hello".to_vec()),
        ),
        ("no mode", build(&[a().change(|p| p.attributes = 0), b()])),
        ("empty member", build(&[a(), b(), Part::new("empty", b"")])),
        (
            "a zip inside",
            build(&[a(), b(), Part::new("n.zip", &build(&[a()]))]),
        ),
        (
            "a name that is not UTF-8",
            build(&[
                a(),
                b(),
                Part::new("x", b"").both(|h| {
                    h.flags = 0;
                    h.name = b"caf\x82".to_vec();
                }),
            ]),
        ),
    ] {
        let scene = Scene::new(&archive);
        let members = unpack(
            &scene.archive(),
            &[],
            &Limits::default(),
            true,
            &scene.target(),
            Keep::Durable,
        )
        .unwrap_or_else(|e| panic!("{label}: {e}"));
        assert_eq!(
            fs::read(&members[0].path).expect("a"),
            b"{\"a\":1}\n",
            "{label}"
        );
        assert_eq!(
            fs::read(scene.target().join("d/b.jsonl")).expect("b"),
            b"{\"b\":2}\n"
        );
        assert_eq!(scene.visible(), ["a.zip", "out"], "{label}");
    }
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn names_that_lead_elsewhere() {
    for name in [
        "../x",
        "d/../../x",
        "/x",
        "//x",
        "C:\\x",
        "c:x",
        "..\\x",
        "d\\x",
        "\\\\host\\x",
        "x\0y",
        "x\ny",
        "nul",
        "d/COM1.txt",
        "x.",
        "x ",
        "",
        ".",
        "..",
        "d//x",
        "x\u{1b}[2J",
    ] {
        refuse(name, &named(name));
    }
    refuse("long name", &named(&"x".repeat(1_025)));
    refuse("64 KiB name", &named(&"x/".repeat(30_000)));
    refuse(
        "false UTF-8",
        &build(&[a().both(|h| h.name = b"caf\x82".to_vec())]),
    );
    for (label, name) in [
        ("same", "a.jsonl"),
        ("case", "A.JSONL"),
        ("file as folder", "a.jsonl/x"),
        ("folder as file", "a.jsonl/"),
    ] {
        refuse(label, &named(name));
    }
    refuse(
        "normal forms",
        &build(&[Part::new("é", b""), Part::new("e\u{301}", b"")]),
    );
}

#[test]
fn members_that_are_no_files() {
    for (label, mode) in [
        ("symlink", 0o120_777),
        ("character device", 0o020_666),
        ("block device", 0o060_666),
        ("pipe", 0o010_666),
        ("socket", 0o140_666),
        ("folder without its slash", 0o040_755),
        ("setuid", 0o104_755),
        ("setgid", 0o102_755),
    ] {
        refuse(label, &with_mode(mode));
    }
    refuse("file with a slash", &build(&[a(), Part::new("d/", b"")]));
    refuse("DOS folder", &build(&[a().change(|p| p.attributes = 0x10)]));
    refuse(
        "folder with data",
        &build(&[Part::new("d/", b"x").change(|p| p.attributes = 0)]),
    );
    let link = [&[0; 12][..], b"/etc/passwd"].concat();
    refuse(
        "hard link",
        &build(&[a().both(|h| h.extra = field(0x000d, &link))]),
    );
    let chained = [
        Part::new("link", b"/").change(|p| p.attributes = 0o120_777 << 16),
        Part::new("link/x", b"y"),
    ];
    refuse("chained symlink", &build(&chained));
}

#[test]
fn data_that_is_not_what_it_claims() {
    refuse("unknown method", &build(&[a().both(|h| h.method = 12)]));
    refuse("deflate64", &build(&[a().both(|h| h.method = 9)]));
    refuse("not deflate", &build(&[a().both(|h| h.method = 8)]));
    refuse(
        "strong encryption",
        &build(&[a().both(|h| h.flags |= 0x41)]),
    );
    refuse("crc", &build(&[a(), b().both(|h| h.crc ^= 1)]));
    refuse(
        "changed data",
        &build(&[a(), b().change(|p| p.data[0] ^= 1)]),
    );
    // "x", deflated, and behind its end something that no reader would show.
    let hidden = Part::new("x", &[0xab, 0x00, 0x00, b'h', b'i', b'd']).both(|h| {
        (h.method, h.size, h.crc) = (8, 1, 0x8cdc_1683);
    });
    refuse(
        "hidden behind the data",
        &build(std::slice::from_ref(&hidden)),
    );
    let shorter = |len: u32| hidden.clone().both(move |h| h.packed = len);
    let cut = shorter(2).change(|p| p.data.truncate(2));
    refuse("deflated data without its end", &build(&[cut]));
    let sound = shorter(3).change(|p| p.data.truncate(3));
    let sound = Scene::new(&build(&[sound]));
    verify(&sound.archive(), &[], &Limits::default(), true).expect("the same without either");
    refuse("stored sizes", &build(&[a().both(|h| h.size = 1 << 20)]));
    refuse(
        "unknown aes",
        &build(&[a().both(|h| {
            (h.flags, h.method) = (0x801, 99);
            h.extra = field(0x9901, &[2, 0, b'A', b'E', 9, 0, 0]);
        })]),
    );
}

fn written(write: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    write(&mut zip);
    zip.finish().expect("finished").into_inner()
}

#[test]
fn archives_that_cost_too_much() {
    let bomb = written(|zip| {
        zip.start_file("zeros", SimpleFileOptions::default())
            .expect("start");
        zip.write_all(&vec![0; 12 << 20]).expect("write");
    });
    refuse("bomb", &bomb);
    let scene = Scene::new(&build(&[a(), b()]));
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (label, limits) in [
        ("entries", limits(|l| l.entries = 1)),
        ("bytes", limits(|l| l.bytes = 15)),
        ("directory", limits(|l| l.directory_bytes = 50)),
        ("name", limits(|l| l.name_bytes = 8)),
        ("depth", limits(|l| l.depth = 1)),
        ("ratio", limits(|l| (l.ratio, l.ratio_after) = (0, 15))),
    ] {
        let error = check_structure(&scene.archive(), &limits).expect_err(label);
        assert_eq!(error.kind(), ErrorKind::Archive, "{label}");
    }
    let exact = limits(|l| (l.entries, l.bytes, l.name_bytes, l.depth, l.ratio) = (2, 16, 9, 2, 1));
    check_structure(&scene.archive(), &exact).expect("just fits");
}

#[test]
fn a_size_that_lies_inside_deflate() {
    let honest = written(|zip| {
        zip.start_file("zeros", SimpleFileOptions::default())
            .expect("start");
        zip.write_all(&[0; 100_000]).expect("write");
    });
    for claim in [99_999_u32, 100_001, 1] {
        let mut lie = honest.clone();
        let honest_size = 100_000_u32.to_le_bytes();
        let places: Vec<usize> = (0..lie.len() - 4)
            .filter(|&at| lie[at..at + 4] == honest_size)
            .collect();
        assert!(!places.is_empty());
        for at in places {
            lie[at..at + 4].copy_from_slice(&claim.to_le_bytes());
        }
        refuse("size", &lie);
    }
}

#[test]
fn plain_members_among_encrypted_ones() {
    let aes = SimpleFileOptions::default().with_aes_encryption(AesMode::Aes256, "canary-secret");
    let plain = SimpleFileOptions::default();
    for order in [[aes, plain], [plain, aes]] {
        let mixed = written(|zip| {
            for (name, options) in ["a", "b"].into_iter().zip(order) {
                zip.start_file(name, options).expect("start");
                zip.write_all(b"data").expect("write");
            }
        });
        refuse("mixed", &mixed);
    }
}

#[test]
fn an_existing_target_is_not_touched_and_leftovers_are_removed() {
    let scene = Scene::new(&build(&[a(), b()]));
    let run = || {
        unpack(
            &scene.archive(),
            &[],
            &Limits::default(),
            true,
            &scene.target(),
            Keep::Scratch,
        )
    };
    for make in [
        |t: &std::path::Path| fs::write(t, "mine"),
        |t: &std::path::Path| fs::create_dir(t),
        |t: &std::path::Path| std::os::unix::fs::symlink("/nowhere", t),
    ] {
        make(&scene.target()).expect("in the way");
        assert_eq!(run().expect_err("exists").kind(), ErrorKind::Io);
        assert_eq!(scene.visible(), ["a.zip", "out"]);
        let _ = fs::remove_dir(scene.target());
        let _ = fs::remove_file(scene.target());
    }
    let left = scene.dir.path().join(".out.unpacking");
    fs::create_dir(&left).expect("leftover");
    fs::write(left.join("a.jsonl"), "half").expect("leftover");
    assert_eq!(run().expect("unpacked").len(), 2);
    assert_eq!(scene.visible(), ["a.zip", "out"]);
    let error = unpack(
        &scene.archive(),
        &[],
        &Limits::default(),
        false,
        &scene.dir.path().join("other"),
        Keep::Scratch,
    )
    .expect_err("not encrypted");
    assert_eq!(error.kind(), ErrorKind::Archive);
}
