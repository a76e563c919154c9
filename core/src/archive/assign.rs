//! What a split makes of one member, in memory and on this thread, for tests that ask it of
//! millions.

use std::collections::HashMap;

use super::cut::{Fate, cut};
use super::form::{HEAD, begin};
use super::judge::judge;

/// Where the records of a member go.
#[derive(Default)]
pub struct Assigned {
    /// The line that a person's file gets, and whose file.
    pub owned: Vec<(usize, Vec<u8>)>,
    /// What fits nobody, as it came; a table's first line is not among it.
    pub rest: Vec<Vec<u8>>,
    /// Records that hold only blanks.
    pub blank: u64,
    /// The member was cut at line ends and nowhere else.
    pub lines: bool,
}

/// Takes a member apart.
pub fn assign(content: &[u8], subjects: &[&str]) -> Assigned {
    let people: HashMap<&str, usize> = subjects.iter().copied().zip(0..).collect();
    let (head, input) = content.split_at(content.len().min(HEAD));
    let (form, head) = begin(head.to_vec());
    let mut found = Assigned {
        lines: matches!(form, super::form::Form::Lines),
        ..Assigned::default()
    };
    let read = cut(&form, head, input, |block| {
        let judged = judge(block, &form, &people);
        found.blank += judged.blank;
        for piece in judged.pieces {
            let record = judged.data.get(piece.from..piece.to).unwrap_or_default();
            match piece.owner {
                Some((person, _)) => found.owned.push((person, record.to_vec())),
                None if judged.fate == Fate::Header => {}
                None => found.rest.push(record.to_vec()),
            }
        }
        Ok(())
    });
    // Reading from memory cannot fail.
    debug_assert!(read.is_ok());
    found
}
