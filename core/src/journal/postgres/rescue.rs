//! Rescue files beside the key file. Several processes of a machine may use one key file, and a
//! process whose term is over may still have an answer to save: each has a file of its own, and
//! takes in those that dead processes left.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::journal::files;
use crate::journal::rescue::Rescue;
use crate::journal::rows::Rescued;

/// More processes than this never share a machine and a journal.
const FILES: u32 = 256;

/// This process' file, and those it took over.
pub(super) struct Rescues {
    key_file: PathBuf,
    /// The first is for writing. Locked for as long as they are held.
    held: Mutex<Vec<Rescue>>,
}

impl Rescues {
    pub fn new(key_file: &Path) -> Self {
        Self {
            key_file: key_file.to_owned(),
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<Rescue>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: u32) -> PathBuf {
        files::beside(&self.key_file, &format!(".rescue-{number}"))
    }

    /// Takes a file for this process, so that there is room when it is needed, and those that
    /// nobody holds.
    pub fn open(&self) -> Result<()> {
        let mut held = self.held();
        for number in 0..FILES {
            let path = self.path(number);
            let there = files::check(&path)?.is_some();
            if !there && !held.is_empty() {
                break;
            }
            if held.iter().any(|mine| mine.path() == path) {
                continue;
            }
            held.extend(Rescue::open_alone(path)?);
        }
        if held.is_empty() {
            return Err(Error::new(
                ErrorKind::Journal,
                "too many processes of this machine work with the journal",
            ));
        }
        Ok(())
    }

    pub fn add(&self, answer: &Rescued) -> Result<()> {
        if self.held().is_empty() {
            self.open()?;
        }
        match self.held().first() {
            Some(own) => own.add(answer),
            None => Err(Error::new(ErrorKind::Internal, "there is no rescue file")),
        }
    }

    pub fn read(&self) -> Result<Vec<Rescued>> {
        let mut all = Vec::new();
        for file in self.held().iter() {
            all.extend(file.read()?);
        }
        Ok(all)
    }

    pub fn clear(&self) -> Result<()> {
        self.held().iter().try_for_each(Rescue::clear)
    }
}
