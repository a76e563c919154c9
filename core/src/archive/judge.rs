//! What becomes of the records of one block. Runs on several threads; nothing is written here.

use std::collections::HashMap;

use super::cut::{Block, Fate, RECORD};
use super::form::Form;
use super::lines::{Kind, owner};

/// A block, and the place of each piece of it.
pub(super) struct Judged {
    pub(super) data: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
    pub(super) blank: u64,
    pub(super) fate: Fate,
}

/// Some bytes of a block, for one place.
pub(super) struct Piece {
    pub(super) from: usize,
    pub(super) to: usize,
    /// A person and the kind of record, or nobody.
    pub(super) owner: Option<(usize, Kind)>,
}

/// Looks at every record. Bytes that are to be written differently are put behind the block's own.
pub(super) fn judge(block: Block, form: &Form, people: &HashMap<&str, usize>) -> Judged {
    let mut data = block.data;
    let mut judged = Vec::new();
    let mut added = Vec::new();
    let (mut blank, len) = (0, data.len());
    if block.fate != Fate::Judge {
        judged.push(Piece {
            from: 0,
            to: len,
            owner: None,
        });
        return Judged {
            data,
            pieces: judged,
            blank,
            fate: block.fate,
        };
    }
    // Looked at once for all records. Bytes that are no text would make a person's files unreadable.
    let all = std::str::from_utf8(&data).ok();
    let mut look = |from: usize, to: usize| {
        let record = data.get(from..to).unwrap_or_default();
        let text = || match all {
            Some(all) => all.get(from..to),
            None => std::str::from_utf8(record).ok(),
        };
        if record.iter().all(u8::is_ascii_whitespace) {
            blank += 1;
            return;
        }
        let nobody = Piece {
            from,
            to,
            owner: None,
        };
        if record.len() > RECORD {
            judged.push(nobody);
            return;
        }
        let mut piece = nobody;
        if let Form::Rows(header) = form {
            if let Some((kind, id, line)) = header.owner(record)
                && let Some(person) = people.get(id.as_str())
            {
                piece = add(&mut added, len, &line, (*person, kind));
            }
        } else if let Some((kind, id)) = text().and_then(owner)
            && let Some(person) = people.get(&*id)
        {
            let whole = (*person, kind);
            // Outside texts, and there alone JSON allows them, line ends mean nothing.
            let inner = record.trim_ascii();
            piece = if memchr::memchr2(b'\n', b'\r', inner).is_some() {
                let mut line = inner.to_vec();
                line.iter_mut()
                    .filter(|b| matches!(b, b'\n' | b'\r'))
                    .for_each(|b| *b = b' ');
                add(&mut added, len, &line, whole)
            } else {
                Piece {
                    from,
                    to,
                    owner: Some(whole),
                }
            };
        }
        judged.push(piece);
    };
    if let Some(records) = &block.records {
        for (from, to) in records {
            look(*from, *to);
        }
    } else {
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', &data) {
            look(from, at + 1);
            from = at + 1;
        }
        if from < len {
            look(from, len);
        }
    }
    data.append(&mut added);
    if data.len() < data.capacity() / 2 {
        // It waits for its turn, and with it the room that was made for a longer member.
        data.shrink_to_fit();
    }
    Judged {
        data,
        pieces: judged,
        blank,
        fate: block.fate,
    }
}

fn add(added: &mut Vec<u8>, len: usize, line: &[u8], owner: (usize, Kind)) -> Piece {
    let from = len + added.len();
    added.extend_from_slice(line);
    Piece {
        from,
        to: from + line.len(),
        owner: Some(owner),
    }
}
