//! Archives that other programs wrote: 7-Zip, Info-ZIP, libarchive and pyzipper, with every cipher.
//! The secret is `secret`.

use std::fs;
use std::path::Path;

use super::super::{Keep, Limits, unpack};
use super::Scene;
use crate::error::ErrorKind;
use crate::secret::Secret;

#[test]
fn archives_of_other_programs_are_read() {
    let visit =
        "{\"event\":\"Visit\",\"properties\":{\"distinct_id\":\"ann\",\"time\":1700000000}}\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/archives");
    let mut count = 0;
    for file in fs::read_dir(folder).expect("fixtures") {
        let file = file.expect("a fixture").path();
        let label = file.display();
        let scene = Scene::new(&fs::read(&file).expect("an archive"));
        let open = |secret: &str| {
            let secrets = [Secret::new(secret)];
            let limits = Limits::default();
            let (from, into) = (scene.archive(), scene.target());
            unpack(&from, &secrets, &limits, false, &into, Keep::Scratch)
        };
        let error = open("Secret").expect_err("a wrong secret");
        assert_eq!(error.kind(), ErrorKind::Decrypt, "{label}");
        let members = open("secret").unwrap_or_else(|e| panic!("{label}: {e}"));
        for (name, content) in [
            ("d/events.jsonl", visit.repeat(40)),
            ("short.jsonl", "{\"$distinct_id\":\"bob\"}\n".to_owned()),
        ] {
            let member = members.iter().find(|member| member.name == name);
            let path = &member.expect("a member").path;
            assert_eq!(fs::read_to_string(path).expect("text"), content, "{label}");
        }
        count += 1;
    }
    assert_eq!(count, 8);
}
