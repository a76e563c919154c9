//! What fits nobody: kept byte for byte, a file for each member that has any.

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::{self, Result};

use super::split::Unassigned;
use super::spool::append;

/// The rest of one member. The file is created with the first byte.
pub(super) struct Rest {
    root: PathBuf,
    /// Where it is written, below the root.
    file_name: String,
    member: String,
    file: Option<BufWriter<File>>,
    /// The first line of a table, which goes before the first row that is kept.
    header: Vec<u8>,
    /// The member is kept as it is.
    whole: bool,
    /// What was written last has no line end.
    open_end: bool,
    lines: u64,
    bytes: u64,
}

impl Rest {
    pub(super) fn new(root: &Path, member: &str, file_name: String, whole: bool) -> Self {
        Self {
            root: root.to_owned(),
            file_name,
            member: member.to_owned(),
            file: None,
            header: Vec::new(),
            whole,
            open_end: false,
            lines: 0,
            bytes: 0,
        }
    }

    pub(super) fn header(&mut self, line: Vec<u8>) {
        self.header = line;
    }

    /// Another record that is kept. It does not join the one before it.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.lines += 1;
        if std::mem::take(&mut self.open_end) {
            self.put(b"\n")?;
        }
        Ok(())
    }

    /// Bytes of it.
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<()> {
        if self.file.is_none() {
            self.create()?;
            let header = std::mem::take(&mut self.header);
            self.put(&header)?;
        }
        self.open_end = !piece.ends_with(b"\n");
        self.put(piece)
    }

    fn create(&mut self) -> Result<()> {
        let path = self.root.join(&self.file_name);
        let parent = path.parent().unwrap_or(&self.root);
        let mut folder = DirBuilder::new();
        let created = folder.recursive(true).mode(0o700).create(parent);
        // Not with the member's name: it may hold an id.
        let file = created
            .and_then(|()| append(&path))
            .map_err(|e| error::io("write in", &self.root, e))?;
        self.file = Some(BufWriter::new(file));
        Ok(())
    }

    fn put(&mut self, piece: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(piece)
                .map_err(|e| error::io("write in", &self.root, e))?;
            self.bytes += piece.len() as u64;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Option<Unassigned>> {
        let Some(mut file) = self.file else {
            return Ok(None);
        };
        file.flush()
            .map_err(|e| error::io("write in", &self.root, e))?;
        Ok(Some(Unassigned {
            member: self.member,
            file: self.file_name,
            lines: self.lines,
            bytes: self.bytes,
            whole: self.whole,
        }))
    }
}

/// A name for what was taken out of a compressed member: its own would promise the compressed form.
pub(super) fn opened_name(member: &str, taken: &HashSet<&str>) -> String {
    let mut name = format!("{member}.txt");
    while taken.contains(name.as_str()) {
        name.push('_');
    }
    name
}
