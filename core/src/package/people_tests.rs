//! Whole packages, from lines to pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Archive, DataFile, Maker, Origin, Part, Wish, Workspace, Written, write_all};
use crate::error::Result;
use crate::secret::Secret;

struct Scene {
    out: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            out: tempfile::tempdir().expect("temp dir"),
        }
    }

    fn make(&self, wish: &Wish, events: &str, profiles: &str) -> Result<(PathBuf, Written)> {
        let out = self.out.path();
        let work = Workspace::open(out, "t1").expect("workspace");
        let dir = work.path("1");
        fs::create_dir_all(dir.join("data")).expect("folder");
        let files = [
            ("data/events.jsonl", events),
            ("data/profile.jsonl", profiles),
        ];
        let files = files.into_iter().filter(|(_, text)| !text.is_empty());
        let files = files.map(|(path, text)| {
            fs::write(dir.join(path), text).expect("file");
            DataFile {
                path: path.into(),
                bytes: text.len() as u64,
                sha256: Sha256::digest(text).into(),
                records: Some(text.lines().count() as u64),
            }
        });
        let part = Part {
            subject: "ann@example.com".into(),
            dir: dir.clone(),
            files: files.collect(),
        };
        let origin = Origin {
            vendor: "mixpanel".into(),
            archives: vec![Archive {
                task_id: "t1".into(),
                bytes: 9,
                sha256: [1; 32],
            }],
            times: [("received_at".to_owned(), "2026-06-30T12:00:00Z".to_owned())].into(),
        };
        let written = write_all(out, &origin, vec![part], &Maker::new(wish)?)?.remove(0);
        Ok((out.join(&written.folder), written))
    }
}

fn html() -> Wish {
    Wish {
        html: true,
        ..Wish::default()
    }
}

fn event(n: i64, name: &str, more: Value) -> String {
    let mut properties = json!({"time": n, "distinct_id": "ann@example.com"});
    let map = properties.as_object_mut().expect("object");
    map.extend(more.as_object().cloned().unwrap_or_default());
    format!("{}\n", json!({"event": name, "properties": properties}))
}

fn read(package: &Path, path: &str) -> String {
    let text = fs::read_to_string(package.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.replace("&#x2f;", "/")
}

const JUNE: i64 = 1_780_315_200;

#[test]
fn a_person_can_read_it_and_a_program_too() {
    let scene = Scene::new();
    let events = [
        event(
            JUNE,
            "Purchase",
            json!({"$city": "Berlin", "price": 9.90, "$device_id": "d-1"}),
        ),
        event(JUNE - 86_400 * 100, "Page View", json!({})),
    ];
    let profile = "{\"$distinct_id\":\"ann@example.com\",\"$properties\":{\"$email\":\"ann@example.com\",\"plan\":\"pro\"}}\n";
    let (package, written) = scene
        .make(&html(), &events.concat(), profile)
        .expect("package");
    assert_eq!((written.events, written.profiles), (2, 1));
    let page = read(&package, "index.html");
    for shown in [
        "We hold 2 events from February to June 2026 under 2 identifiers. We also hold a profile of you with 3 values.",
        "Berlin",
        "City, estimated from the internet address",
        "not described",
        "1 June 2026",
        "title=\"2026-06-01 12:00:00 UTC\"",
        "(c) Who receives it",
        "Not filled in",
        "lang=\"en\" dir=\"ltr\"",
        "From Mixpanel, received on 30 June 2026",
        "<title>June 2026: 1</title>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    for never in ["<script", "style=", "http://", "https://", "src="] {
        assert!(!page.contains(never), "{never}");
    }
    let profiles: Value = serde_json::from_str(&read(&package, "data/profile.json")).expect("json");
    assert_eq!(profiles[0]["$properties"]["plan"], "pro");
    assert_eq!(read(&package, "data/events.jsonl"), events.concat());
    assert!(read(&package, "data/events.csv").contains("Berlin"));
    assert!(read(&package, "README.txt").contains("index.html"));
    let manifest: Value = serde_json::from_str(&read(&package, "manifest.json")).expect("json");
    assert_eq!(manifest["identifiers"], json!(["d-1"]));
    assert_eq!(manifest["missing_texts"].as_array().expect("list").len(), 8);
    let listed: BTreeSet<String> = manifest["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| {
            let path = file["path"].as_str().expect("path");
            let text = fs::read(package.join(path)).expect("file");
            assert_eq!(file["bytes"], text.len(), "{path}");
            let hash = super::write::hex(&Sha256::digest(&text));
            assert_eq!(file["sha256"], hash, "{path}");
            path.to_owned()
        })
        .collect();
    let expected = [
        "README.txt",
        "data/events.csv",
        "data/events.jsonl",
        "data/profile.json",
        "index.html",
    ];
    assert_eq!(listed, expected.map(str::to_owned).into());
    assert!(!package.join("data/profile.jsonl").exists());
}

#[test]
fn hostile_values_stay_text() {
    let scene = Scene::new();
    let hostile = "<img src=x onerror=alert(1)></style><script>alert(2)</script>{{ 7*7 }}{% raw %}&amp;\u{202e}\u{0}";
    let events = event(JUNE, hostile, json!({hostile: hostile, "alias": hostile}));
    let profile = format!(
        "{}\n",
        json!({"$distinct_id": "ann@example.com", hostile: hostile})
    );
    let (package, _) = scene.make(&html(), &events, &profile).expect("package");
    let page = read(&package, "index.html");
    for never in [
        "<img",
        "<script",
        "onerror=alert(1)>",
        "\u{202e}",
        "\0",
        "{{ 49",
        ">49<",
    ] {
        assert!(!page.contains(never), "{never:?}");
    }
    assert!(page.contains("&lt;img"));
    assert!(page.contains("\\u{202e}\\u{0}"));
    assert!(page.contains("{{ 7*7 }}"));
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn the_policy_names_exactly_this_style() {
    use base64::Engine as _;
    let scene = Scene::new();
    let (package, _) = scene.make(&html(), "", "").expect("package");
    let page = read(&package, "index.html");
    assert!(page.contains("We found nothing under 1 identifier."));
    let style = page
        .split("<style>")
        .nth(1)
        .and_then(|p| p.split("</style>").next());
    let hash = Sha256::digest(style.expect("style"));
    let hash = base64::engine::general_purpose::STANDARD.encode(hash);
    let policy = format!(
        "content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\""
    );
    assert!(page.contains(&policy), "{policy}");
}

#[test]
fn a_long_timeline_has_pages() {
    let scene = Scene::new();
    let events: String = (0..5_200)
        .map(|n| event(JUNE - n * 3_600 * 3, "View", json!({"n": n})))
        .collect();
    let (package, _) = scene.make(&html(), &events, "").expect("package");
    let index = read(&package, "index.html");
    assert!(
        index.contains("href=\"pages/2026.html\"") && index.contains("href=\"pages/2025.html\"")
    );
    assert!(index.len() < 200_000, "{}", index.len());
    let pages: Vec<String> = ["2026", "2025", "2024"]
        .iter()
        .map(|year| read(&package, &format!("pages/{year}.html")))
        .collect();
    let shown: usize = pages
        .iter()
        .map(|page| page.matches("class=\"event\"").count())
        .sum();
    assert_eq!(shown, 5_200);
    assert!(pages[1].contains("href=\"2026.html\"") && pages[1].contains("href=\"2024.html\""));
    assert_eq!(read(&package, "data/events.csv").lines().count(), 5_201);
}

#[test]
fn the_same_again_is_the_same_and_another_language_replaces() {
    let scene = Scene::new();
    let events = event(JUNE, "Purchase", json!({}));
    let make = |language: &str, timezone: &str| {
        let wish = Wish {
            language: Some(language.into()),
            timezone: Some(timezone.into()),
            ..html()
        };
        scene.make(&wish, &events, "").expect("package")
    };
    let (package, first) = make("en", "UTC");
    assert_eq!(first.state, super::State::New);
    assert_eq!(make("en", "UTC").1.state, super::State::Kept);
    assert_eq!(make("de", "Europe/Berlin").1.state, super::State::Replaced);
    let page = read(&package, "index.html");
    assert!(page.contains("Uns liegen 1 Ereignis aus Juni 2026 unter 1 Kennung vor."));
    assert!(page.contains("1. Juni 2026") && page.contains("14:00:00"));
    for (language, timezone) in [("xx", "UTC"), ("en", "Mars/Olympus")] {
        let wish = Wish {
            language: Some(language.into()),
            timezone: Some(timezone.into()),
            ..html()
        };
        let error = scene.make(&wish, &events, "").expect_err("unknown");
        assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
    }
}

#[test]
fn a_company_brings_its_own_words() {
    let folder = tempfile::tempdir().expect("temp dir");
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
    put(
        "slots.toml",
        "controller = \"Example GmbH\"\npurposes = \"To <run> the shop.\\n\\nAnd more.\"\n",
    );
    put("style.css", "body{color:#123}");
    put(
        "base.html",
        "<html lang=\"{{ page.lang }}\">{{ page.controller }}{% block main %}{% endblock %}</html>",
    );
    let wish = Wish {
        templates: Some(folder.path().into()),
        ..html()
    };
    let scene = Scene::new();
    let (package, _) = scene.make(&wish, "", "").expect("package");
    let page = read(&package, "index.html");
    assert!(page.starts_with("<html lang=\"en\">Example GmbH"), "{page}");
    assert!(
        page.contains("<p><bdi>To &lt;run&gt; the shop.</bdi></p>\n<p><bdi>And more.</bdi></p>")
    );
    assert_eq!(page.matches("class=\"gap\"").count(), 7);
    let missing = Maker::new(&wish)
        .map(|maker| maker.missing_texts())
        .expect("maker");
    assert!(
        !missing.contains(&"purposes".to_owned()) && missing.contains(&"recipients".to_owned())
    );

    put("base.html", "{{ nothing_of_that_name }}");
    let error = scene.make(&wish, "", "").expect_err("undefined");
    assert!(error.to_string().contains("base.html"), "{error}");
    put(
        "base.html",
        "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}{% endfor %}{% endfor %}{% endfor %}",
    );
    scene.make(&wish, "", "").expect_err("without end");
    put("base.html", "{% if %}");
    scene.make(&wish, "", "").expect_err("no template");
    put("base.html", "");
    put("style.css", "</style><script>");
    scene.make(&wish, "", "").expect_err("a style that is none");
    put("style.css", "");
    put("slots.toml", "purpose = \"x\"");
    scene.make(&wish, "", "").expect_err("no such slot");
}

#[test]
fn a_passphrase_closes_the_package() {
    let scene = Scene::new();
    let wish = |passphrase: &str| Wish {
        protect: Some(Secret::new(passphrase)),
        ..html()
    };
    let events = event(JUNE, "Purchase", json!({"secret": "canary"}));
    let (package, first) = scene
        .make(&wish("correct horse"), &events, "")
        .expect("package");
    assert_eq!(package.extension().and_then(|e| e.to_str()), Some("zip"));
    let bytes = fs::read(&package).expect("zip");
    assert!(!bytes.windows(6).any(|w| w == b"canary" || w == b"ann@ex"));
    let mut page = Vec::new();
    let secret = Secret::new("correct horse");
    super::protect::read(&package, "index.html", &secret, &mut page).expect("opens");
    assert!(
        String::from_utf8(page)
            .expect("text")
            .contains("We hold 1 event")
    );
    let wrong = Secret::new("wrong");
    super::protect::read(&package, "index.html", &wrong, &mut Vec::new()).expect_err("wrong");
    let subjects = fs::read_dir(scene.out.path().join("subjects")).expect("subjects");
    assert_eq!(subjects.count(), 1, "no folder beside it");

    let again = scene
        .make(&wish("correct horse"), &events, "")
        .expect("again")
        .1;
    assert_eq!(
        (again.state, again.manifest_sha256),
        (super::State::Kept, first.manifest_sha256)
    );
    scene
        .make(&wish("another"), &events, "")
        .expect_err("another passphrase");
    assert_eq!(fs::read(&package).expect("zip"), bytes, "left as it was");
    assert!(Maker::new(&wish("")).is_err());

    // It goes by what it says of itself; nobody knows the passphrase any more.
    let out = scene.out.path();
    let stranger = out.join("subjects/holiday.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&stranger).expect("file"));
    zip.set_comment("{\"sources\":[{\"task_id\":\"t1\"}]}")
        .expect("comment");
    zip.finish().expect("zip");
    fs::write(out.join("subjects/notes.zip"), "no zip").expect("file");
    assert_eq!(super::remove(out, "run", &["t2"]).expect("nothing"), 0);
    assert!(package.exists());
    assert_eq!(
        super::remove(out, "run", &["t1", "t2"]).expect("removed"),
        1
    );
    assert!(!package.exists() && stranger.exists());
}
