//! The reader of archives. The first byte says whether one without encryption is accepted; the rest
//! is the file.

use std::cell::OnceCell;
use std::path::Path;

use dsrkit::Secret;
use dsrkit::archive::{Keep, Limits, check_structure, unpack, verify};

use super::{folder, said};

pub fn run(data: &[u8]) {
    let Some((&choice, content)) = data.split_first() else {
        return;
    };
    thread_local! {
        static PLACE: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
    }
    let place = PLACE.with(|place| place.get_or_init(folder).path().to_owned());
    let (file, into) = (place.join("a.zip"), place.join("out"));
    std::fs::write(&file, content).expect("written");
    let limits = Limits {
        entries: 1_000,
        bytes: 1 << 20,
        threads: 1,
        ..Limits::default()
    };
    let secrets = [Secret::new("wrong"), Secret::new("secret")];
    let plain = choice & 1 != 0;
    let structure = check_structure(&file, &limits);
    let verified = verify(&file, &secrets, &limits, plain);
    for error in [&structure, &verified]
        .into_iter()
        .filter_map(|r| r.as_ref().err())
    {
        let text = said(error);
        assert!(!text.contains("canary"), "a name is quoted: {text}");
    }
    // Unpacking is slow; it has nothing new to say of what is refused by its structure.
    let Ok(structure) = structure else {
        assert!(verified.is_err());
        return;
    };
    let unpacked = unpack(&file, &secrets, &limits, plain, &into, Keep::Scratch);
    assert_eq!(verified.is_ok(), unpacked.is_ok());
    assert_eq!(into.exists(), unpacked.is_ok(), "complete or absent");
    if let Ok(members) = unpacked {
        assert_eq!(Some(structure), verified.ok());
        assert_eq!(structure.members, members.len() as u64);
        let bytes: u64 = members.iter().map(|member| member.bytes).sum();
        assert_eq!((structure.bytes, structure.members), (bytes, files(&into)));
        std::fs::remove_dir_all(&into).expect("removed");
    }
    let left = std::fs::read_dir(&place).expect("the folder").count();
    assert_eq!(left, 1, "nothing beside the archive");
}

fn files(folder: &Path) -> u64 {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let kind = entry
            .as_ref()
            .expect("an entry")
            .file_type()
            .expect("a kind");
        assert!(
            kind.is_dir() || kind.is_file(),
            "neither a link nor a device"
        );
        count += match kind.is_dir() {
            true => files(&entry.expect("an entry").path()),
            false => 1,
        };
    }
    count
}
