//! Headers and layouts that show two readers two archives, or hide something from both.

use super::builder::{Header, Part, Wide, build, build_with};
use super::hostile::{a, b, field, refuse};

#[test]
fn headers_that_contradict_each_other() {
    type Change = fn(&mut Header);
    let changes: [(&str, Change); 9] = [
        ("name", |h| h.name = b"z.jsonl".to_vec()),
        ("flags", |h| h.flags = 0),
        ("method", |h| h.method = 8),
        ("crc", |h| h.crc ^= 1),
        ("packed", |h| h.packed -= 1),
        ("size", |h| h.size += 1),
        ("encrypted", |h| h.flags |= 1),
        ("streamed", |h| h.flags |= 8),
        ("aes", |h| {
            h.extra = field(0x9901, &[2, 0, b'A', b'E', 3, 0, 0])
        }),
    ];
    for (label, change) in changes {
        refuse(label, &build(&[a(), b().change(|p| change(&mut p.local))]));
        refuse(
            label,
            &build(&[a(), b().change(|p| change(&mut p.central))]),
        );
    }
    for at in [0, 4, 8, 12] {
        let lie = b().streamed().change(|p| {
            p.descriptor.as_mut().expect("streamed")[at] ^= 1;
        });
        refuse("descriptor", &build(&[a(), lie]));
    }
    refuse(
        "no descriptor",
        &build(&[a().streamed().change(|p| p.descriptor = None), b()]),
    );
    let two_names = [&[1, 0, 0, 0, 0][..], b"../x"].concat();
    refuse(
        "unicode name",
        &build(&[a().both(|h| h.extra = field(0x7075, &two_names))]),
    );
    refuse(
        "extra cut off",
        &build(&[a().both(|h| h.extra = vec![1, 0, 9, 0, 1])]),
    );
    let zip64 = field(1, &[0; 24]);
    refuse(
        "zip64 with nothing to widen",
        &build(&[a().change(|p| p.central.extra = zip64.clone())]),
    );
    let huge = u64::MAX.to_le_bytes();
    let lie = a()
        .both(|h| (h.size, h.packed) = (u32::MAX, u32::MAX))
        .both(|h| h.extra = field(1, &[huge, huge].concat()));
    refuse("zip64 size", &build(&[lie]));
    let twice = [field(1, &[0; 8]), field(1, &[0; 8])].concat();
    refuse(
        "zip64 twice",
        &build(&[a().both(|h| h.extra = twice.clone())]),
    );
}

#[test]
fn layouts_that_hide_something() {
    let sound = build(&[a(), b()]);
    let overlap = |p: &mut Part| p.offset = Some(0);
    refuse(
        "overlap",
        &build(&[
            a(),
            a().change(|p| p.local.name = b"a.jsonl".to_vec())
                .change(overlap),
        ]),
    );
    // The classic bomb: the first member's data contains the second member.
    let mut inner = Vec::new();
    inner.extend(build(&[b()]));
    let outer = Part::new("o", &inner);
    let mut second = b();
    second.offset = Some(31);
    let mut bomb = build(&[outer, second]);
    refuse("member inside a member", &bomb);
    bomb.truncate(bomb.len() - 1);
    refuse("cut off by one", &bomb);
    refuse(
        "offset outside",
        &build(&[a().change(|p| p.offset = Some(1 << 30))]),
    );
    refuse("prepended", &[b"#!/bin/sh\n", &sound[..]].concat());
    refuse("trailing", &[&sound[..], b"x"].concat());
    refuse("two archives", &[&sound[..], &sound[..]].concat());
    let gap = build(&[a().change(|p| p.data.extend(b"hidden")), b()]);
    refuse("gap", &gap);
    let comment = build(&[]);
    refuse(
        "two end records",
        &build_with(&[a()], |end| end.comment = comment),
    );
    for at in 0..sound.len() {
        refuse("truncated", &sound[..at]);
    }
    refuse(
        "count too small",
        &build_with(&[a(), b()], |end| end.count = 1),
    );
    refuse(
        "count too large",
        &build_with(&[a(), b()], |end| end.count = 3),
    );
    refuse(
        "table elsewhere",
        &build_with(&[a(), b()], |end| end.start -= 1),
    );
    refuse(
        "table too short",
        &build_with(&[a(), b()], |end| end.size -= 1),
    );
    refuse("several disks", &build_with(&[a()], |end| end.disk = 1));
    refuse(
        "member on another disk",
        &build(&[a().change(|p| p.disk = 1)]),
    );
    for lie in [
        |w: &mut Wide| w.count += 1,
        |w: &mut Wide| w.size += 1,
        |w: &mut Wide| w.start += 1,
        |w: &mut Wide| w.count = u64::MAX,
    ] {
        let archive = build_with(&[a(), b()], |end| {
            let mut wide = Wide {
                count: 2,
                size: end.size.into(),
                start: end.start.into(),
            };
            lie(&mut wide);
            end.wide = Some(wide);
        });
        refuse("zip64 end", &archive);
    }
    refuse("not a zip", b"<html>expired</html>");
}
