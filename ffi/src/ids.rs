//! The ids that a caller gives. Arrays are copied into one block of text, so nothing of the caller is
//! read after the function has returned.

use std::ffi::c_char;

use dsrkit::IdSource;

use crate::guard::{Caller, Failure, Result, bad_utf8};

/// The three ways to give ids: what differs between a function and its `_n` and `_file` twins.
#[derive(Clone, Copy)]
pub enum Given {
    /// Texts that end with NUL, and how many.
    Texts(*const *const c_char, usize),
    /// Texts with their lengths in bytes, and how many.
    Measured(*const *const c_char, *const usize, usize),
    /// The path of a file.
    File(*const c_char),
}

impl Given {
    pub fn source(self, c: &Caller) -> Result<IdSource> {
        match self {
            Self::Texts(ids, n) => terminated(c, ids, n),
            Self::Measured(ids, lengths, n) => measured(c, ids, lengths, n),
            Self::File(path) => Ok(IdSource::file(c.path(path, "path")?)),
        }
    }
}

/// Ids that end with NUL.
fn terminated(c: &Caller, ids: *const *const c_char, n: usize) -> Result<IdSource> {
    let mut block = Block::new(n);
    for (index, id) in c.array(ids, n, "ids")?.iter().enumerate() {
        block.add(c.text(*id, format_args!("ids[{index}]"))?);
    }
    Ok(block.source())
}

/// Ids with their lengths in bytes, which may hold anything.
fn measured(
    c: &Caller,
    ids: *const *const c_char,
    lengths: *const usize,
    n: usize,
) -> Result<IdSource> {
    let lengths = c.array(lengths, n, "lengths")?;
    let mut block = Block::new(n);
    for (index, (id, length)) in c.array(ids, n, "ids")?.iter().zip(lengths).enumerate() {
        if id.is_null() {
            return Err(Failure::null(format_args!("ids[{index}]")));
        }
        let bytes = c.array(id.cast::<u8>(), *length, "ids")?;
        let id = std::str::from_utf8(bytes);
        block.add(id.map_err(|error| bad_utf8(format_args!("ids[{index}]"), error.valid_up_to()))?);
    }
    Ok(block.source())
}

struct Block {
    text: String,
    ends: Vec<usize>,
}

impl Block {
    fn new(n: usize) -> Self {
        // `n` is only what the caller says; memory is taken as ids really come.
        Self {
            text: String::new(),
            ends: Vec::with_capacity(n.min(1 << 20)),
        }
    }

    fn add(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    fn source(self) -> IdSource {
        IdSource::each(move |give| {
            let mut from = 0;
            self.ends.iter().try_for_each(|end| {
                let id = self.text.get(from..*end).unwrap_or_default();
                from = *end;
                give(id)
            })
        })
    }
}
