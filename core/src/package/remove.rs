//! Removing packages again: the files that a manifest of ours names, and no stranger beside them;
//! and the zips that say they are ours.

use std::fs;
use std::io;
use std::path::{Component, Path};

use serde_json::Value;

use crate::error::{self, Result};

use super::folder::folder_name;
use super::protect;

/// Removes what the run's collecting wrote to `out` for these tasks; gives how many files went.
/// Packages that hold data of other tasks too stay. Can be repeated.
pub fn remove(out: &Path, run: &str, tasks: &[&str]) -> Result<u64> {
    let mut removed = 0;
    if !is_folder(out) {
        return Ok(0);
    }
    let subjects = out.join("subjects");
    if is_folder(&subjects) {
        let entries = fs::read_dir(&subjects).map_err(|e| error::io("read", &subjects, e))?;
        for entry in entries {
            let package = entry.map_err(|e| error::io("read", &subjects, e))?.path();
            // The name of the folder may show an id, so messages name the one above it.
            removed += remove_package(&package, tasks)
                .map_err(|e| error::io("remove a package in", &subjects, e))?;
        }
    }
    // Folders that collecting makes whole and names by the task.
    for (above, task) in ["unassigned", "archives"]
        .into_iter()
        .flat_map(|above| tasks.iter().map(move |task| (above, task)))
    {
        let above = out.join(above);
        removed += remove_tree(&above.join(folder_name(task)))
            .map_err(|e| error::io("remove a folder in", &above, e))?;
        let _ = fs::remove_dir(&above);
    }
    let _ = fs::remove_dir(&subjects);
    let index = out.join("manifest.json");
    let ours = read(&index)
        .is_some_and(|manifest| manifest.get("run_id").and_then(Value::as_str) == Some(run));
    if ours {
        // The manifest last: it is what tells that the others are ours.
        for path in [out.join("packages.jsonl"), index] {
            removed += remove_file(&path).map_err(|e| error::io("remove", &path, e))?;
        }
    }
    Ok(removed)
}

fn remove_package(package: &Path, tasks: &[&str]) -> io::Result<u64> {
    if !is_folder(package) {
        let ours = || protect::label(package).is_some_and(|label| is_of(&label, tasks));
        let zip = package.extension().is_some_and(|ending| ending == "zip");
        return if zip && ours() {
            remove_file(package)
        } else {
            Ok(0)
        };
    }
    let manifest = package.join("manifest.json");
    let Some(found) = read(&manifest).filter(|found| is_of(found, tasks)) else {
        return Ok(0);
    };
    let mut removed = 0;
    let files = found.get("files").and_then(Value::as_array);
    let names = files.into_iter().flatten();
    for name in names.filter_map(|file| file.get("path")?.as_str()) {
        let name = Path::new(name);
        let inside = name
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let folders = name
            .ancestors()
            .skip(1)
            .filter(|part| *part != Path::new(""));
        let folders = folders.map(|part| package.join(part)).collect::<Vec<_>>();
        if !inside || !folders.iter().all(|folder| is_folder(folder)) {
            continue;
        }
        removed += remove_file(&package.join(name))?;
        // The innermost first; one that holds something else stays.
        for folder in folders {
            let _ = fs::remove_dir(folder);
        }
    }
    removed += remove_file(&manifest)?;
    let _ = fs::remove_dir(package);
    Ok(removed)
}

/// Whether a package is made of these tasks only.
fn is_of(manifest: &Value, tasks: &[&str]) -> bool {
    let Some(sources) = manifest.get("sources").and_then(Value::as_array) else {
        return false;
    };
    !sources.is_empty()
        && sources.iter().all(|source| {
            source
                .get("task_id")
                .and_then(Value::as_str)
                .is_some_and(|id| tasks.contains(&id))
        })
}

fn remove_tree(folder: &Path) -> io::Result<u64> {
    if !is_folder(folder) {
        return Ok(0);
    }
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_tree(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    fs::remove_dir(folder)?;
    Ok(removed)
}

/// A file; never what a link leads to.
fn remove_file(path: &Path) -> io::Result<u64> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(0);
    }
    fs::remove_file(path)?;
    Ok(1)
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn read(manifest: &Path) -> Option<Value> {
    let there = fs::symlink_metadata(manifest).ok()?.is_file();
    let text = there.then(|| fs::read(manifest).ok())??;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    fn package(out: &Path, name: &str, task: &str, file: &str) {
        let folder = out.join("subjects").join(name);
        put(&folder.join("data/events.jsonl"), "{}");
        let text =
            format!(r#"{{"sources":[{{"task_id":"{task}"}}],"files":[{{"path":"{file}"}}]}}"#);
        put(&folder.join("manifest.json"), &text);
    }

    #[test]
    fn what_a_manifest_names_goes_and_strangers_stay() {
        let dir = tempfile::tempdir().expect("temp dir");
        let out = dir.path().join("out");
        let outside = dir.path().join("outside");
        put(&outside, "x");
        package(&out, "ann", "t1", "data/events.jsonl");
        package(&out, "bob", "t2", "data/events.jsonl");
        package(&out, "eve", "t1", "../../../outside");
        package(&out, "ida", "t1", "data/events.jsonl");
        put(&out.join("subjects/ida/notes.txt"), "a stranger");
        put(
            &out.join("unassigned").join(folder_name("t1")).join("x/y"),
            "{}",
        );
        put(
            &out.join("unassigned").join(folder_name("t2")).join("x"),
            "{}",
        );
        put(
            &out.join("archives").join(folder_name("t1")).join("x"),
            "{}",
        );
        put(&out.join("packages.jsonl"), "{}");
        put(&out.join("manifest.json"), r#"{"run_id":"r"}"#);
        put(&out.join("letter.txt"), "a stranger");
        let linked = dir.path().join("linked");
        fs::create_dir(&linked).expect("folder");
        package(&linked, "x", "t1", "data/events.jsonl");
        std::os::unix::fs::symlink(linked.join("subjects/x"), out.join("subjects/link"))
            .expect("a link");

        assert_eq!(remove(&out, "other run", &["t3"]).expect("nothing"), 0);
        let removed = remove(&out, "r", &["t1"]).expect("removed");
        assert_eq!(
            removed,
            2 + 1 + 2 + 2 + 2,
            "ann, eve's manifest, ida, folders, index"
        );
        assert!(!out.join("subjects/ann").exists());
        assert!(out.join("subjects/bob/data/events.jsonl").exists());
        assert!(out.join("subjects/ida/notes.txt").exists());
        assert!(!out.join("subjects/ida/data").exists());
        assert!(outside.exists() && out.join("letter.txt").exists());
        assert!(linked.join("subjects/x/data/events.jsonl").exists());
        assert!(!out.join("archives").exists());
        assert!(out.join("unassigned").join(folder_name("t2")).exists());
        assert_eq!(remove(&out, "r", &["t1"]).expect("again"), 0);
        assert_eq!(
            remove(&dir.path().join("none"), "r", &["t1"]).expect("gone"),
            0
        );
    }
}
