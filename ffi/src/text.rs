//! Texts that go to C.

use std::ffi::{CStr, CString, c_char};

use crate::guard::{Failure, get};
use crate::handle;

/// A text for C. A NUL in the middle would cut it short; it is shown as the replacement character.
pub fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Its pointer, NULL for none. It is good as long as the object that holds the text.
pub fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |text| text.as_ptr())
}

/// The same word, in static memory, for words that are known beforehand.
macro_rules! c_words {
    ($word:expr, $($text:literal)*) => {
        match $word { $( $text => const { match ::std::ffi::CStr::from_bytes_with_nul(concat!($text, "\0").as_bytes()) { Ok(text) => text, Err(_) => c"" } }, )* _ => c"unknown" }
    };
}

/// The static text of a run's state.
pub fn state_word(state: dsrkit::RunState) -> &'static CStr {
    c_words!(state.as_str(), "planned" "running" "waiting" "paused" "held" "finished" "cancelled")
}

/// What a run waits for.
pub fn wait_word(reason: dsrkit::WaitReason) -> &'static CStr {
    c_words!(reason.as_str(), "rate" "scan budget" "back-off" "poll" "deadline" "hold_for")
}

/// What the end of a plan hangs on.
pub fn bound_word(bound: dsrkit::Bound) -> &'static CStr {
    c_words!(bound.as_str(), "rate" "scan budget" "not known")
}

/// The static text of a kind.
pub fn kind_word(kind: dsrkit::Kind) -> &'static CStr {
    c_words!(kind.as_str(), "retrieval" "deletion")
}

/// The static text of a law.
pub fn law_word(law: dsrkit::Compliance) -> &'static CStr {
    c_words!(law.as_str(), "GDPR" "CCPA")
}

/// A text that the caller owns and frees with `dsr_string_free`.
pub fn owned(text: &str) -> Result<*mut c_char, Failure> {
    handle::keep(c_text(text))
}

/// Frees a text that a function gave as `char **`. NULL, and a text that was freed before, are
/// ignored.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_string_free(text: *mut c_char) {
    get((), || {
        handle::forget(text);
        None
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_and_kind_has_its_static_word() {
        for state in dsrkit::RunState::ALL {
            assert_eq!(state_word(*state).to_str(), Ok(state.as_str()));
        }
        for reason in dsrkit::WaitReason::ALL {
            assert_eq!(wait_word(*reason).to_str(), Ok(reason.as_str()));
        }
        for law in [dsrkit::Compliance::Gdpr, dsrkit::Compliance::Ccpa] {
            assert_eq!(law_word(law).to_str(), Ok(law.as_str()));
        }
        for kind in [dsrkit::Kind::Retrieval, dsrkit::Kind::Deletion] {
            assert_eq!(kind_word(kind).to_str(), Ok(kind.as_str()));
        }
    }
}
