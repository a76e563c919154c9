//! Which member names may become file names.

use std::fmt::Write;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::error::Result;

use super::refused;

/// A member's name that is safe to create below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SafeName {
    /// Components joined by `/`, without a trailing one.
    pub(super) text: String,
    /// The archive means a folder: the name ended in `/`.
    pub(super) is_dir: bool,
}

/// Checks one name. Bytes that are not UTF-8 are written as `%XX`, since the archive does not say
/// what they stand for and the member must still be kept.
pub(super) fn safe_name(raw: &[u8], says_utf8: bool, max_depth: usize) -> Result<SafeName> {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) if says_utf8 => return Err(refused("a member's name is not the UTF-8 it claims")),
        Err(_) => escaped(raw),
    };
    let (text, is_dir) = match text.strip_suffix('/') {
        Some(folder) => (folder.to_owned(), true),
        None => (text, false),
    };
    if text.contains('\\') || text.chars().any(char::is_control) {
        return Err(refused(
            "a member's name holds a backslash or a control character",
        ));
    }
    let mut start = text.chars();
    if let (Some(letter), Some(':')) = (start.next(), start.next())
        && letter.is_ascii_alphabetic()
    {
        return Err(refused("a member's name starts with a drive"));
    }
    let mut depth = 0;
    for part in text.split('/') {
        depth += 1;
        if let Some(reason) = unsafe_part(part) {
            return Err(refused(reason));
        }
    }
    if depth > max_depth {
        return Err(refused("a member lies in too many folders"));
    }
    Ok(SafeName { text, is_dir })
}

fn escaped(raw: &[u8]) -> String {
    raw.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn unsafe_part(part: &str) -> Option<&'static str> {
    if part.is_empty() {
        Some("a member's name is empty, absolute or has an empty part")
    } else if part == "." || part == ".." {
        Some("a member's name leads out of its folder")
    } else if part.ends_with('.') || part.ends_with(' ') {
        Some("a part of a member's name ends in a dot or a blank")
    } else if part.len() > 255 {
        Some("a part of a member's name is longer than file systems allow")
    } else if is_reserved(part) {
        Some("a member's name is that of a device on Windows")
    } else {
        None
    }
}

/// Windows opens the device whatever follows the first dot.
fn is_reserved(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let stem = stem.to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let number = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"));
    number.is_some_and(|number| {
        let mut digits = number.chars();
        matches!(digits.next(), Some('0'..='9' | '¹' | '²' | '³')) && digits.next().is_none()
    })
}

/// Refuses names that some file system would take for one another, and a file that another
/// member needs as a folder.
pub(super) fn check_distinct<'a>(names: impl Iterator<Item = (&'a str, bool)>) -> Result<()> {
    let mut keys: Vec<(String, bool)> =
        names.map(|(name, is_dir)| (folded(name), is_dir)).collect();
    keys.sort_unstable();
    for pair in keys.windows(2) {
        let [(first, first_is_dir), (second, _)] = pair else {
            continue;
        };
        if first == second {
            return Err(refused("two members have the same name"));
        }
        // '/' was folded to the lowest character, so what lies below `first` follows it at once.
        if !first_is_dir
            && second
                .strip_prefix(first.as_str())
                .is_some_and(|rest| rest.starts_with('\0'))
        {
            return Err(refused("a member is used as a file and as a folder"));
        }
    }
    Ok(())
}

/// Upper case first, so that letters with more than one lower-case form meet.
fn folded(name: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let upper: String = nfc
        .normalize(name)
        .chars()
        .flat_map(char::to_uppercase)
        .collect();
    let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
    nfc.normalize(&lower)
        .chars()
        .map(|c| if c == '/' { '\0' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_kept_as_they_are() {
        for name in [
            "events.jsonl",
            "a/b/c.json",
            "10:30.json",
            "Übung/é.json",
            "con-sole.txt",
            "com10",
            ".hidden",
        ] {
            let safe = safe_name(name.as_bytes(), true, 16).expect(name);
            assert_eq!((safe.text.as_str(), safe.is_dir), (name, false));
        }
        assert!(safe_name(b"folder/", true, 16).expect("folder").is_dir);
        assert_eq!(
            safe_name(b"caf\x82", false, 16).expect("cp437").text,
            "caf%82"
        );
    }

    #[test]
    fn dangerous_names_are_refused() {
        for name in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/.",
            "C:x",
            "c:/x",
            "a\\b",
            "\\\\host\\x",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            "nul",
            "NUL.txt",
            "a/Con.json",
            "com1",
            "LPT9.x",
            "com²",
            "CONIN$",
            "a.",
            "a ",
            "a./b",
            "con .txt",
        ] {
            assert!(safe_name(name.as_bytes(), true, 16).is_err(), "{name:?}");
        }
        assert!(safe_name(b"caf\x82", true, 16).is_err());
        assert!(safe_name("x".repeat(256).as_bytes(), true, 16).is_err());
        assert!(safe_name("d/".repeat(17).as_bytes(), true, 16).is_err());
    }

    #[test]
    fn names_that_meet_on_some_file_system_are_refused() {
        let check = |names: &[&str]| {
            check_distinct(
                names
                    .iter()
                    .map(|n| (n.trim_end_matches('/'), n.ends_with('/'))),
            )
        };
        assert!(check(&["a", "b", "a b", "a/", "c/d"]).is_err());
        assert!(check(&["a/x", "a/y", "a/", "b", "ab", "a.b"]).is_ok());
        for same in [
            ["a", "a"],
            ["A", "a"],
            ["é", "e\u{301}"],
            ["straße", "STRASSE"],
            ["σ", "ς"],
            ["a", "a/b"],
            ["A", "a/b"],
        ] {
            assert!(check(&same).is_err(), "{same:?}");
        }
    }
}
