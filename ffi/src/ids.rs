//! Arrays of ids. They are copied into one block of text, so nothing of the caller is read after
//! the function has returned.

use std::ffi::c_char;

use dsrkit::IdSource;

use crate::guard::{Caller, Failure, Result, bad_utf8};

/// Ids that end with NUL.
pub fn terminated(c: &Caller, ids: *const *const c_char, n: usize) -> Result<IdSource> {
    let mut block = Block::new(n);
    for (index, id) in c.array(ids, n, "ids")?.iter().enumerate() {
        block.add(c.text(*id, format_args!("ids[{index}]"))?);
    }
    Ok(block.source())
}

/// Ids with their lengths in bytes, which may hold anything.
pub fn measured(
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
