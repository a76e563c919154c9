//! What stands beside the packages of a run: who has which, and the sums.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Written;
use super::folder::create_private;
use crate::error::{Result, io};

/// `packages.jsonl`, a line per person, and `manifest.json`, the sums. Written as it goes, so that
/// a million people need no memory.
pub struct Index {
    out: PathBuf,
    lines: BufWriter<tempfile::NamedTempFile>,
    packages: u64,
    unassigned_lines: u64,
    tasks: Vec<String>,
}

impl Index {
    /// Begins in this folder.
    pub fn create(out: &Path) -> Result<Self> {
        create_private(out)?;
        let file =
            tempfile::NamedTempFile::new_in(out).map_err(|error| io("write in", out, error))?;
        Ok(Self {
            out: out.to_owned(),
            lines: BufWriter::new(file),
            packages: 0,
            unassigned_lines: 0,
            tasks: Vec::new(),
        })
    }

    /// The packages of one task.
    pub fn add(&mut self, task: &str, written: &[Written], unassigned_lines: u64) -> Result<()> {
        for package in written {
            let line = json!({
                "subject": package.subject,
                "folder": package.folder,
                "task_id": task,
                "events": package.events,
                "profiles": package.profiles,
            });
            writeln!(self.lines, "{line}").map_err(|error| io("write in", &self.out, error))?;
        }
        self.packages += written.len() as u64;
        self.unassigned_lines += unassigned_lines;
        self.tasks.push(task.to_owned());
        Ok(())
    }

    /// The tasks whose packages were added.
    pub fn tasks(&self) -> &[String] {
        &self.tasks
    }

    /// Puts both files in place.
    pub fn finish(self, run: &str, reference: Option<&str>, problems: usize) -> Result<()> {
        let failed = |error| io("write in", &self.out, error);
        let file = self
            .lines
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        keep(file, &self.out.join("packages.jsonl")).map_err(failed)?;
        let manifest = json!({
            "format": "dsrkit-run-1",
            "dsrkit": crate::VERSION,
            "run_id": run,
            "reference": reference,
            "packages": self.packages,
            "unassigned_lines": self.unassigned_lines,
            "tasks": self.tasks,
            "archives_with_problems": problems,
        });
        let mut file = tempfile::NamedTempFile::new_in(&self.out).map_err(failed)?;
        writeln!(file, "{manifest:#}").map_err(failed)?;
        keep(file, &self.out.join("manifest.json")).map_err(failed)
    }
}

/// Makes a temporary file (mode 0600) the file of that name, in one step.
pub(crate) fn keep(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
