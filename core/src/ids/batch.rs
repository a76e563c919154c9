//! Batches of ids as they will stand in a request's body.

use super::dedupe::{Distinct, lost};
use crate::error::{Error, ErrorKind, Result};

/// So many ids, ready for one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    /// How many ids it holds.
    pub n: u32,
    /// The JSON array of the ids: the very bytes that will stand in the request's body.
    pub ids_json: String,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("n", &self.n)
            .finish_non_exhaustive()
    }
}

/// The distinct ids of an import in batches, in the order they were given. Ends after an error.
pub struct Batches {
    distinct: Distinct,
    size: u32,
    left: u64,
}

impl Batches {
    pub(super) fn new(distinct: Distinct, size: usize) -> Self {
        Self {
            left: distinct.found.subjects,
            size: u32::try_from(size).unwrap_or(u32::MAX).max(1),
            distinct,
        }
    }

    fn read(&mut self, n: u32) -> Result<Batch> {
        let mut json = Vec::with_capacity(40 * n.min(4096) as usize);
        self.distinct.read(n, |id, plain| {
            json.extend_from_slice(if json.is_empty() { b"[\"" } else { b"\",\"" });
            encode(id, plain, &mut json);
        })?;
        json.extend_from_slice(b"\"]");
        let ids_json = String::from_utf8(json).map_err(|_| lost())?;
        Ok(Batch { n, ids_json })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let n = u32::try_from(self.left).unwrap_or(u32::MAX).min(self.size);
        if n == 0 {
            return None;
        }
        let batch = self.read(n);
        self.left = if batch.is_ok() {
            self.left - u64::from(n)
        } else {
            0
        };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let batches =
            usize::try_from(self.left.div_ceil(u64::from(self.size))).unwrap_or(usize::MAX);
        (0, Some(batches))
    }
}

/// Appends an id as the inside of a JSON string. Only what JSON demands is escaped, so that every other byte
/// travels as it was given; `plain` says that nothing is.
fn encode(id: &[u8], plain: bool, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    if plain {
        out.extend_from_slice(id);
        return;
    }
    for &byte in id {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend(
                    [byte >> 4, byte & 15]
                        .iter()
                        .filter_map(|&digit| HEX.get(usize::from(digit))),
                );
            }
            _ => out.push(byte),
        }
    }
}

/// The ids of a batch again, as they were given.
pub fn decode(ids_json: &str) -> Result<Vec<String>> {
    // The parser's own message could quote what it read.
    serde_json::from_str(ids_json).map_err(|error| {
        Error::new(
            ErrorKind::Journal,
            "the stored ids of a batch cannot be read",
        )
        .with("byte", error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::super::scan::Made;
    use super::*;

    #[test]
    fn every_character_comes_back() {
        let ids: Vec<String> = (1..=0x0010_ffff)
            .filter_map(char::from_u32)
            .filter(|&c| (c as u32) < 0x3000 || (c as u32).is_multiple_of(97))
            .map(|c| format!("a{c}b"))
            .collect();
        let mut json = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            json.extend_from_slice(if at == 0 { b"[\"" } else { b"\",\"" });
            encode(id.as_bytes(), Made::of(id.as_bytes()).is_plain, &mut json);
        }
        json.extend_from_slice(b"\"]");
        let json = String::from_utf8(json).expect("text");
        assert_eq!(decode(&json).expect("decoded"), ids);
    }

    #[test]
    fn only_what_json_demands_is_escaped() {
        let mut out = Vec::new();
        encode("a/é\u{7f}\u{2028}\"\\\n\u{1f}".as_bytes(), false, &mut out);
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "a/é\u{7f}\u{2028}\\\"\\\\\\u000a\\u001f"
        );
    }

    #[test]
    fn a_damaged_batch_is_not_shown() {
        let error = decode("[\"canary\", 5]").expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}
