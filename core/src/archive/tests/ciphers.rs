//! Real archives of every cipher, right and wrong secrets, damage.

use std::fs;
use std::io::{Cursor, Write};

use zip::unstable::write::FileOptionsExt;
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, ZipWriter};

use super::super::{Keep, Limits, Member, check_structure, unpack, verify};
use super::{Random, Scene};
use crate::error::{ErrorKind, Result};
use crate::secret::Secret;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[derive(Debug, Clone, Copy)]
enum With {
    Nothing,
    ZipCrypto,
    Aes(AesMode),
}

const ALL: [With; 5] = [
    With::Nothing,
    With::ZipCrypto,
    With::Aes(AesMode::Aes128),
    With::Aes(AesMode::Aes192),
    With::Aes(AesMode::Aes256),
];

/// Sizes around the buffers, and one large enough for two threads.
fn contents(count: usize) -> Vec<(String, Vec<u8>)> {
    let sizes = [20, 0, 70_000, 300_000, 5 << 20];
    let mut random = Random(7);
    (0..count)
        .map(|n| {
            let size = sizes[n % sizes.len()];
            let words = ["event", "properties", "{}", "\n", "distinct_id", "é"];
            let mut data = Vec::with_capacity(size + 16);
            while data.len() < size {
                data.extend(words[random.below(words.len())].as_bytes());
                data.extend(random.below(99_999).to_string().as_bytes());
            }
            data.truncate(size);
            (format!("d{}/m{n}.jsonl", n % 3), data)
        })
        .collect()
}

fn pack(files: &[(String, Vec<u8>)], with: With, method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    let options = match with {
        With::Nothing => options,
        With::ZipCrypto => options
            .with_deprecated_encryption(SECRET.as_bytes())
            .expect("not empty"),
        With::Aes(mode) => options.with_aes_encryption(mode, SECRET),
    };
    for (name, data) in files {
        zip.start_file(name.as_str(), options).expect("start");
        zip.write_all(data).expect("write");
    }
    zip.finish().expect("finish").into_inner()
}

fn run(scene: &Scene, secrets: &[&str]) -> Result<Vec<Member>> {
    let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new(*s)).collect();
    let limits = Limits {
        threads: 3,
        ..Limits::default()
    };
    let done = unpack(
        &scene.archive(),
        &secrets,
        &limits,
        true,
        &scene.target(),
        Keep::Scratch,
    );
    let verified = verify(&scene.archive(), &secrets, &limits, true);
    match (&done, &verified) {
        (Ok(members), Ok(verified)) => {
            assert_eq!(verified.members, members.len() as u64);
            assert_eq!(verified.bytes, members.iter().map(|m| m.bytes).sum::<u64>());
        }
        (Err(one), Err(other)) => assert_eq!(one.kind(), other.kind()),
        _ => panic!("verify and unpack disagree: {done:?} {verified:?}"),
    }
    if done.is_err() {
        assert_eq!(scene.visible(), ["a.zip"]);
    }
    done
}

#[test]
fn every_cipher_and_method_is_read() {
    let files = contents(10);
    for with in ALL {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let scene = Scene::new(&pack(&files, with, method));
            let about = check_structure(&scene.archive(), &Limits::default()).expect("sound");
            assert_eq!(about.encrypted, !matches!(with, With::Nothing));
            let members =
                run(&scene, &["wrong", SECRET]).unwrap_or_else(|e| panic!("{with:?}: {e:?}"));
            assert_eq!(members.len(), files.len());
            for (member, (name, data)) in members.iter().zip(&files) {
                assert_eq!(&member.name, name);
                assert_eq!(member.path, scene.target().join(name));
                assert!(
                    &fs::read(&member.path).expect("member") == data,
                    "{with:?} {name}"
                );
            }
        }
    }
}

#[test]
fn a_wrong_secret_is_told_from_damage() {
    let files = contents(4);
    for with in &ALL[1..] {
        let scene = Scene::new(&pack(&files, *with, CompressionMethod::Deflated));
        for secrets in [&[][..], &["canary"], &["canary", "other", ""]] {
            let error = run(&scene, secrets).expect_err("wrong");
            assert_eq!(error.kind(), ErrorKind::Decrypt, "{with:?}");
            assert!(!format!("{error:?}").contains("canary"));
        }
        // The last bytes of the largest member.
        let mut damaged = pack(&files, *with, CompressionMethod::Stored);
        let place = damaged.len() - 10_000;
        damaged[place] ^= 1;
        let error = run(&Scene::new(&damaged), &["wrong", SECRET]).expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::Archive, "{with:?}: {error:?}");
    }
}

/// One in 256 wrong secrets passes the only check that ZipCrypto has in front of the data.
#[test]
fn wrong_secrets_that_pass_the_first_check_do_not_end_the_search() {
    let files = [(
        "a.jsonl".to_owned(),
        b"{\"distinct_id\":\"a\"}\n".repeat(50),
    )];
    let scene = Scene::new(&pack(&files, With::ZipCrypto, CompressionMethod::Deflated));
    let wrong: Vec<String> = (0..2_000).map(|n| format!("wrong-{n}")).collect();
    let mut secrets: Vec<&str> = wrong.iter().map(String::as_str).collect();
    assert_eq!(
        run(&scene, &secrets).expect_err("wrong").kind(),
        ErrorKind::Decrypt
    );
    secrets.push(SECRET);
    assert_eq!(run(&scene, &secrets).expect("right").len(), 1);
}

#[test]
fn a_damaged_aes_code_is_damage_also_with_one_member() {
    let files = [("a.jsonl".to_owned(), b"{\"a\":1}\n".repeat(9))];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let sound = pack(&files, With::Aes(AesMode::Aes256), method);
        let table = sound
            .windows(4)
            .position(|w| w == b"PK\x01\x02")
            .expect("table");
        // The data, and each byte of the code behind it.
        for back in 1..=12 {
            let mut damaged = sound.clone();
            damaged[table - back] ^= 0x80;
            let error = run(&Scene::new(&damaged), &[SECRET]).expect_err("damaged");
            assert_eq!(error.kind(), ErrorKind::Archive, "{back}");
        }
    }
}

/// Whatever byte is wrong, nothing wrong becomes visible.
#[test]
fn no_flipped_byte_goes_unnoticed() {
    let files = contents(2);
    for with in ALL {
        let sound = pack(&files, with, CompressionMethod::Deflated);
        for at in 0..sound.len() {
            let mut flipped = sound.clone();
            flipped[at] ^= 0x55;
            let scene = Scene::new(&flipped);
            // Times, versions and attributes may differ; names and contents may not.
            if let Ok(members) = run(&scene, &[SECRET]) {
                for (member, (name, data)) in members.iter().zip(&files) {
                    assert!(member.name == *name, "{with:?} {at}");
                    assert!(
                        fs::read(&member.path).expect("member") == *data,
                        "{with:?} {at}"
                    );
                }
            }
        }
    }
}
