//! Keeps the picture of docs/ARCHITECTURE.md true: which room of the core may use which, how long
//! files may be, and that the simulated vendor shares nothing with the core.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dsrkit::journal::{
    ATTEMPT_TRANSITIONS, BATCH_TRANSITIONS, CANCEL_TRANSITIONS, JOB_TRANSITIONS,
};

/// Who may use whom, by the first segment after `crate::`. Every room may use the ground floor.
const GROUND: &[&str] = &["model", "settings", "error", "secret", "VERSION"];
const MIDDLE: &[&str] = &[
    "ids", "vendor", "http", "pace", "journal", "archive", "package",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}

/// The rooms that a file names, outside comments.
fn used(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for line in text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
    {
        for part in line.split("crate::").skip(1) {
            let name: String = part
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            rooms.push(name);
        }
    }
    rooms
}

#[test]
fn rooms_use_only_the_floors_below() {
    let core = root().join("core/src");
    let mut found = Vec::new();
    files(&core, "rs", &mut found);
    assert!(found.len() > 50, "the core's files were not found");
    for file in found {
        let inside = file.strip_prefix(&core).expect("below core");
        let room = inside
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_string_lossy();
        let room = room.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&file).expect("readable");
        for other in used(&text) {
            let name = other.as_str();
            let allowed = match room.as_str() {
                room if MIDDLE.contains(&room) => name == room || GROUND.contains(&name),
                room if GROUND.contains(&room) => GROUND.contains(&name),
                "engine" => MIDDLE.contains(&name) || GROUND.contains(&name) || name == "engine",
                _ => true,
            };
            let known = MIDDLE.contains(&name) || GROUND.contains(&name) || name == "engine";
            assert!(
                allowed || (!known && other.starts_with(char::is_uppercase)),
                "{} uses crate::{other}",
                inside.display()
            );
        }
    }
}

#[test]
fn the_simulated_vendor_shares_nothing_with_the_core() {
    let manifest = fs::read_to_string(root().join("sandbox/Cargo.toml")).expect("manifest");
    assert!(
        !manifest
            .lines()
            .any(|line| line.trim_start().starts_with("dsrkit"))
    );
}

#[test]
fn files_stay_short() {
    let mut found = Vec::new();
    for (folder, ending) in [
        ("core/src", "rs"),
        ("sandbox/src", "rs"),
        ("py/src", "rs"),
        ("ffi/src", "rs"),
        ("py/python", "py"),
        ("tests/python", "py"),
        ("tests/c", "c"),
        ("include", "hpp"),
    ] {
        files(&root().join(folder), ending, &mut found);
    }
    for file in found {
        let lines = fs::read_to_string(&file).expect("readable").lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
    }
}

/// The last row of the first table of docs/FAULTS.md.
const LAST_ROW: u32 = 71;

/// The rows of docs/FAULTS.md in both of its tables, by their cells.
fn rows() -> Vec<Vec<String>> {
    let table = fs::read_to_string(root().join("docs/FAULTS.md")).expect("table");
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::to_owned).collect())
        .filter(|row: &Vec<String>| row.last().is_none_or(|cell| cell != "shown by"))
        .collect()
}

#[test]
fn every_row_of_the_table_of_faults_is_there_once() {
    let numbers: Vec<u32> = rows()
        .iter()
        .filter_map(|row| row.first()?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=LAST_ROW).collect::<Vec<_>>());
}

#[test]
fn every_test_that_the_table_of_faults_names_exists() {
    let rows = rows();
    let wrong: Vec<_> = rows.iter().filter(|row| row.len() > 4).collect();
    assert!(wrong.is_empty(), "a row with a bar in a cell: {wrong:?}");
    assert_eq!(rows.iter().filter(|row| row.len() == 3).count(), 16);
    for row in rows {
        let shown = row.last().expect("a last column");
        if let Some(why) = shown.strip_prefix("later: ") {
            println!("row {} has no test yet: {why}", row[0]);
            continue;
        }
        let tests: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row:?}");
        for test in tests {
            let (file, name) = match test.strip_prefix("scenario ") {
                Some(scenario) => (format!("tests/scenarios/{scenario}.toml"), "title".into()),
                None => match test.split_once("::") {
                    Some((file, name)) if file.ends_with(".py") => {
                        (file.to_owned(), format!("def {name}("))
                    }
                    Some((file, name)) => (file.to_owned(), format!("fn {name}(")),
                    None => (test.to_owned(), "main".to_owned()),
                },
            };
            let text = fs::read_to_string(root().join(&file))
                .unwrap_or_else(|_| panic!("{test}: no such file"));
            assert!(text.contains(&name), "{test}: not in the file");
        }
    }
}

/// The arrows of the picture under a heading of docs/DESIGN.md.
fn arrows(text: &str, heading: &str) -> BTreeSet<(String, String)> {
    let section = text.split(heading).nth(1).expect("the heading");
    let picture = section
        .split("```mermaid")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a picture under the heading");
    let arrows = picture.lines().filter_map(|line| line.split_once("-->"));
    arrows
        .map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()))
        .collect()
}

fn legal<S: ToString>(table: &[(S, &[S])]) -> BTreeSet<(String, String)> {
    let pairs = |(from, next): &(S, &[S])| {
        let from = from.to_string();
        next.iter()
            .map(|to| (from.clone(), to.to_string()))
            .collect::<Vec<_>>()
    };
    table.iter().flat_map(pairs).collect()
}

#[test]
fn the_pictures_of_the_design_are_the_tables() {
    let text = fs::read_to_string(root().join("docs/DESIGN.md")).expect("the page");
    let shown = |heading| arrows(&text, heading);
    assert_eq!(shown("### A batch"), legal(BATCH_TRANSITIONS));
    assert_eq!(shown("### An attempt"), legal(ATTEMPT_TRANSITIONS));
    assert_eq!(shown("### A job"), legal(JOB_TRANSITIONS));
    assert_eq!(shown("### The cancelling"), legal(CANCEL_TRANSITIONS));
}

/// The log is the only thing that calls back: on a thread of the caller, and holding nothing. Events
/// are asked for.
#[test]
fn the_c_surface_calls_back_for_the_log_alone() {
    let header = fs::read_to_string(root().join("include/dsrkit.h")).expect("header");
    let code: String = header
        .lines()
        .filter(|line| !line.trim_start().starts_with(['/', '*']))
        .collect();
    assert!(code.contains("dsr_run_next_event("));
    assert_eq!(code.matches("(*").count(), 1, "a function pointer");
    assert!(code.contains("(*dsr_log_callback)("));
}
