//! The archive of a finished retrieval: an encrypted zip whose bytes follow from the options and
//! the task alone.
//!
//! That the archive is a zip encrypted with the project's API secret is documented; the cipher is
//! inferred from what public clients can read; names and formats of the members are NOT public, so
//! the layout here is the sandbox's own, in the nearest documented formats.

mod people;
mod zipcrypto;

use std::io::{Cursor, Write as _};

use zip::result::ZipResult;
use zip::unstable::write::FileOptionsExt as _;
use zip::write::SimpleFileOptions;
use zip::{AesMode, AesSalt, CompressionMethod, DateTime, ZipWriter};

use crate::draw::Draw;
use crate::options::{Cipher, Options};
use crate::task::Task;

const README: &str = "This archive was made by a simulated vendor. The real vendor does not document \
the names and formats inside its archives; this layout is the simulation's own: events*.jsonl holds \
one event a line, profiles.jsonl one profile a line.\n";

pub(crate) fn make(options: &Options, task: &Task, secret: &str) -> ZipResult<Vec<u8>> {
    let mut draw = Draw::new(options.seed, "archive", task.id.as_bytes());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members(options, task) {
        let plain = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        let how = match options.archive_cipher {
            Cipher::None => plain,
            Cipher::ZipCrypto => plain.with_deprecated_encryption(secret.as_bytes())?,
            Cipher::Aes128 => plain
                .with_aes_encryption_and_salt(secret.as_bytes(), salt(AesMode::Aes128, &mut draw)?),
            Cipher::Aes192 => plain
                .with_aes_encryption_and_salt(secret.as_bytes(), salt(AesMode::Aes192, &mut draw)?),
            Cipher::Aes256 => plain
                .with_aes_encryption_and_salt(secret.as_bytes(), salt(AesMode::Aes256, &mut draw)?),
        };
        zip.start_file(name, how)?;
        zip.write_all(&bytes)?;
    }
    let mut bytes = zip.finish()?.into_inner();
    if options.archive_cipher == Cipher::ZipCrypto {
        zipcrypto::settle(&mut bytes, secret.as_bytes(), &mut draw)?;
    }
    Ok(bytes)
}

fn salt(mode: AesMode, draw: &mut Draw) -> ZipResult<AesSalt> {
    let mut salt = vec![0; mode.salt_length()];
    draw.fill(&mut salt);
    Ok(AesSalt::try_new(mode, &salt)?)
}

fn members(options: &Options, task: &Task) -> Vec<(String, Vec<u8>)> {
    let files = options.archive_layout.event_files;
    let mut events = vec![Vec::new(); files];
    let mut profiles = Vec::new();
    let mut at = 0;
    for id in &task.order.ids {
        let person = people::person(options, id, task.created_ms);
        for line in person.events {
            if let Some(file) = events.get_mut(at) {
                file.extend_from_slice(line.as_bytes());
                file.push(b'\n');
            }
            at = (at + 1) % files.max(1);
        }
        profiles.extend_from_slice(person.profile.as_bytes());
        profiles.push(b'\n');
    }
    let name = |at: usize| {
        if files == 1 {
            "events.jsonl".to_owned()
        } else {
            format!("events-{:04}.jsonl", at + 1)
        }
    };
    let mut members: Vec<_> = events
        .into_iter()
        .enumerate()
        .map(|(at, bytes)| (name(at), bytes))
        .collect();
    if options.archive_layout.profiles {
        members.push(("profiles.jsonl".to_owned(), profiles));
    }
    if options.archive_layout.readme {
        members.push(("README.txt".to_owned(), README.as_bytes().to_vec()));
    }
    members
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;
    use crate::task::{Order, TaskKind};

    fn task(options: &Options, ids: usize) -> Task {
        let order = Order {
            version: crate::task::Version::V3,
            kind: TaskKind::Retrieval,
            ids: (0..ids).map(|n| format!("user-{n}")).collect(),
            compliance: "GDPR",
            disclosure: None,
            subject_request_id: None,
            callback_urls: Vec::new(),
        };
        Task::new(options, 1, order, 1_700_000_000_000, 0)
    }

    #[test]
    fn each_cipher_opens_with_the_secret_and_is_the_same_every_time() {
        for cipher in [
            Cipher::None,
            Cipher::ZipCrypto,
            Cipher::Aes128,
            Cipher::Aes192,
            Cipher::Aes256,
        ] {
            let mut options = Options {
                archive_cipher: cipher,
                ..Options::default()
            };
            options.archive_layout.event_files = 2;
            let task = task(&options, 3);
            let bytes = make(&options, &task, "secret").unwrap();
            assert_eq!(
                bytes,
                make(&options, &task, "secret").unwrap(),
                "{cipher:?}"
            );
            assert!(
                !bytes.windows(6).any(|w| w == b"user-1"),
                "{cipher:?}: deflated at least"
            );

            let mut zip = ZipArchive::new(Cursor::new(&bytes)).unwrap();
            let names: Vec<String> = zip
                .file_names()
                .map(|name| name.unwrap().into_owned())
                .collect();
            assert_eq!(
                names,
                [
                    "events-0001.jsonl",
                    "events-0002.jsonl",
                    "profiles.jsonl",
                    "README.txt"
                ]
            );
            for (index, name) in names.iter().enumerate() {
                let mut text = String::new();
                zip.by_index_decrypt(index, b"secret")
                    .unwrap()
                    .read_to_string(&mut text)
                    .unwrap();
                if name == "profiles.jsonl" {
                    assert_eq!(text.lines().count(), 3);
                    assert!(text.contains(r#""$distinct_id":"user-2""#));
                }
            }
            if cipher != Cipher::None {
                let mut text = Vec::new();
                let wrong = zip
                    .by_index_decrypt(0, b"wrong")
                    .and_then(|mut f| Ok(f.read_to_end(&mut text)?));
                assert!(wrong.is_err(), "{cipher:?}");
            }
        }
    }

    #[test]
    fn two_thousand_subjects_are_quick() {
        let options = Options::default();
        let task = task(&options, 2_000);
        let start = std::time::Instant::now();
        make(&options, &task, "secret").unwrap();
        assert!(start.elapsed().as_millis() < 1_000, "{:?}", start.elapsed());
    }
}
