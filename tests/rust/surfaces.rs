//! Keeps docs/SURFACES.md whole: everything public in Python, Rust and C has a row there, every row
//! names what is there, and where one surface lacks what another has, the row says why. C++ has a
//! method for every C function.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Names = BTreeSet<String>;

/// What of the crate's root is no operation: words, parts of others, and what only Rust needs to name.
const PLUMBING: &[&str] = &[
    "Action",
    "AmbiguityPolicy",
    "Bound",
    "CallbackStatus",
    "Compliance",
    "DELETE_ORGANISATION",
    "Deletion",
    "Disclosure",
    "DistinctId",
    "DsarKind",
    "DsarState",
    "ErrorKind",
    "EventKind",
    "Heard",
    "JobStatus",
    "Kind",
    "Millis",
    "Outcome",
    "Result",
    "Retrieval",
    "RetryAdvice",
    "RunState",
    "Secret",
    "Sent",
    "Standing",
    "Terms",
    "WaitReason",
];

/// C functions that C++ has no method for: it uses their twins, it knows the code from the status, or
/// they tell about the library.
const NOT_IN_CPP: &[&str] = &[
    "dsr_abi_version",
    "dsr_client_create_deletion",
    "dsr_client_create_retrieval",
    "dsr_client_delete",
    "dsr_client_deletion_flow",
    "dsr_client_plan_deletion",
    "dsr_client_plan_retrieval",
    "dsr_client_retrieval_flow",
    "dsr_client_retrieve",
    "dsr_error_code",
    "dsr_version",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|_| panic!("{}: not readable", path.display()))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn python() -> Names {
    let folder = root().join("py/python/dsrkit");
    let init = read(&folder.join("__init__.py"));
    let list = init.split("__all__ = [").nth(1).expect("__all__");
    let exported: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    let counts = |name: &str| exported.contains(name) && !name.starts_with("Async");
    let mut names: Names = exported
        .iter()
        .filter(|name| !name.ends_with("Error") && !name.starts_with('_') && counts(name))
        .filter(|name| !["errors", "types"].contains(name))
        .map(|name| (*name).to_owned())
        .collect();
    for file in files(&folder, "py") {
        let (mut class, mut quoted) = (None, false);
        for line in read(&file).lines() {
            // A text of several lines is no code.
            let inside = quoted;
            quoted ^= line.matches("\"\"\"").count() % 2 == 1;
            if inside || line.is_empty() {
                continue;
            }
            if !line.starts_with([' ', ')']) {
                let name = line.strip_prefix("class ").map(word);
                let name = name.map(|name| name.strip_suffix("Base").unwrap_or(name));
                // Each kind of error has one class; what it can tell is the base's.
                let told = |name: &&str| !name.ends_with("Error") || *name == "DsrError";
                class = name
                    .filter(|name| counts(name))
                    .filter(told)
                    .map(str::to_owned);
            }
            let Some(member) = line.strip_prefix("    ") else {
                continue;
            };
            let member = member.strip_prefix("async ").unwrap_or(member);
            let member = match member.strip_prefix("def ") {
                Some(method) => word(method),
                None => Some(word(member))
                    .filter(|name| member[name.len()..].starts_with([':', ' ']))
                    .filter(|name| member[name.len()..].trim_start().starts_with([':', '=']))
                    .unwrap_or_default(),
            };
            if let Some(class) = &class
                && member.starts_with(|c: char| c.is_ascii_lowercase())
            {
                names.insert(format!("{class}.{member}"));
            }
        }
    }
    names
}

/// What the crate's root shows, and what stands behind it under another path.
fn rust_types() -> BTreeSet<String> {
    let lib = read(&root().join("core/src/lib.rs"));
    let mut types: BTreeSet<String> = lib
        .split("pub use ")
        .skip(1)
        .flat_map(|import| {
            let import = import.split(';').next().unwrap_or_default();
            let list = import.rsplit("::").next().unwrap_or_default();
            let list = import.split_once('{').map_or(list, |(_, list)| list);
            list.trim_end_matches('}')
                .split(',')
                .map(str::trim)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|name| !name.is_empty())
        .collect();
    types.extend(["Builder", "Sandbox", "SandboxOptions"].map(str::to_owned));
    types
}

fn rust() -> Names {
    let types = rust_types();
    // Functions and constants of the crate's root stand there by their name alone.
    let functions = types
        .iter()
        .filter(|name| **name == name.to_lowercase() || **name == name.to_uppercase());
    let mut names: Names = functions.cloned().collect();
    for file in files(&root().join("core/src"), "rs") {
        let text = read(&file);
        let mut current = None;
        for line in text
            .split("#[cfg(test)]\nmod")
            .next()
            .unwrap_or_default()
            .lines()
        {
            if let Some(head) = line.strip_prefix("impl") {
                let head = match head.strip_prefix('<') {
                    Some(generic) => generic.split_once('>').map_or("", |(_, rest)| rest),
                    None => head,
                };
                current = (!head.contains(" for ")).then(|| word(head.trim_start()));
            } else if let Some(name) = line.strip_prefix("pub struct ") {
                current = Some(word(name));
            } else if line.starts_with('}') {
                current = None;
            }
            let Some(member) = line.strip_prefix("    pub ") else {
                continue;
            };
            let member = member.strip_prefix("async ").unwrap_or(member);
            let member = member.strip_prefix("const ").unwrap_or(member);
            let member = word(member.strip_prefix("fn ").unwrap_or(member));
            if let Some(name) = current
                && member != "struct"
                && types.contains(name)
                && !PLUMBING.contains(&name)
            {
                names.insert(format!("{name}::{member}"));
            }
        }
    }
    names
}

fn functions(text: &str) -> Names {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let mut names = Names::new();
    for line in code.filter(|line| !line.trim_start().starts_with(['*', '/'])) {
        for (at, _) in line.match_indices("dsr_") {
            let name = word(&line[at..]);
            let begins = at == 0 || !line.as_bytes()[at - 1].is_ascii_alphanumeric();
            if begins && line[at + name.len()..].starts_with('(') {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

fn c() -> Names {
    functions(&read(&root().join("include/dsrkit.h")))
}

/// The rows of the table: four cells each.
fn rows() -> Vec<Vec<String>> {
    read(&root().join("docs/SURFACES.md"))
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what |"))
        .map(|line| {
            line.trim_matches(['|', ' '])
                .split(" | ")
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

/// The names of one column; those in a cell that says why there is none do not count.
fn column(at: usize) -> Names {
    let cells = rows().into_iter().filter_map(|row| row.get(at).cloned());
    cells
        .filter(|cell| !cell.starts_with('–'))
        .flat_map(|cell| {
            cell.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn same(surface: &str, there: &Names, told: &Names) {
    let missing: Vec<_> = there.difference(told).collect();
    let gone: Vec<_> = told.difference(there).collect();
    assert!(
        missing.is_empty(),
        "{surface}: no row in docs/SURFACES.md for {missing:?}"
    );
    assert!(
        gone.is_empty(),
        "{surface}: docs/SURFACES.md names what is not there: {gone:?}"
    );
}

#[test]
fn everything_public_has_its_row() {
    let (python, rust, c) = (python(), rust(), c());
    assert!(python.len() > 150 && rust.len() > 180 && c.len() > 200);
    same("Python", &python, &column(1));
    same("Rust", &rust, &column(2));
    same("C", &c, &column(3));
}

#[test]
fn what_one_surface_lacks_has_a_reason() {
    for row in rows() {
        assert_eq!(row.len(), 4, "{row:?}");
        for cell in &row[1..] {
            let reason = cell.strip_prefix("– ").map(str::trim);
            assert!(
                reason.map_or(cell.starts_with('`'), |why| !why.is_empty()),
                "{row:?}"
            );
        }
    }
}

#[test]
fn every_type_of_the_crate_is_an_operation_or_plumbing() {
    let told = column(2);
    for name in rust_types()
        .iter()
        .filter(|name| !PLUMBING.contains(&name.as_str()))
    {
        let begins = format!("{name}::");
        assert!(
            told.contains(name) || told.iter().any(|row| row.starts_with(&begins)),
            "{name}: neither in docs/SURFACES.md nor in PLUMBING"
        );
    }
}

#[test]
fn every_c_function_is_documented_and_has_its_method_in_cpp() {
    let mut used = String::new();
    for file in files(&root().join("include/dsrkit"), "hpp") {
        used.push_str(&read(&file));
    }
    let used: BTreeSet<&str> = used
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    let known: BTreeSet<&str> = NOT_IN_CPP.iter().copied().collect();
    let left: Vec<String> = c()
        .into_iter()
        .filter(|name| !used.contains(name.as_str()))
        .collect();
    assert_eq!(
        left.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        known
    );

    let header = read(&root().join("include/dsrkit.h"));
    let mut before = "";
    for line in header.lines() {
        let declared = !line.starts_with([' ', '*', '/', '#']) && line.contains("dsr_");
        let begins = declared && (line.contains('(') || line.starts_with("typedef struct"));
        if begins && !line.starts_with('}') {
            assert!(before.starts_with("//"), "nothing is said of: {line}");
        }
        before = line;
    }
    for handle in header
        .lines()
        .filter_map(|line| line.strip_prefix("typedef struct "))
    {
        let above = header
            .split(&format!("typedef struct {handle}"))
            .next()
            .unwrap_or_default();
        let said = above.rsplit("\n\n").next().unwrap_or_default();
        for part in ["// Owner: ", "// Threads: ", "// Lifetime: "] {
            assert!(said.contains(part), "{handle} says nothing of {part}");
        }
    }
}
