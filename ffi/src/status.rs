//! The status codes, and what can be asked without any handle.

use std::ffi::{c_char, c_int};

use crate::guard::get;

/// The library's binary interface. It grows by one, with the soname, when a program that was
/// built before would break.
pub const DSR_ABI_VERSION: u32 = 0;

/// What a function returns. 1 to 99 are kinds of error, the same numbers on every surface; 100 and
/// above exist in C only. New numbers may be added: treat one you do not know as an error.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum dsr_status {
    /// It worked.
    DSR_OK = 0,
    /// An id, a file or an argument cannot be used. Nothing was sent.
    DSR_INVALID_INPUT = 1,
    /// The set-up is wrong: a token with a blank in it, a journal of another project.
    DSR_CONFIG = 2,
    /// 401: the vendor does not accept the OAuth token (it lives one year).
    DSR_UNAUTHENTICATED = 3,
    /// 403: the token's user must be an owner or admin of the project.
    DSR_PERMISSION_DENIED = 4,
    /// The vendor, or this journal, knows nothing by that id.
    DSR_NOT_FOUND = 5,
    /// 429: see dsr_error_retry_after_ms. Runs wait by themselves.
    DSR_RATE_LIMITED = 6,
    /// The vendor could not be reached, or answered 5xx. Runs try again by themselves.
    DSR_UNAVAILABLE = 7,
    /// The time you allowed has passed. The work stands in the journal; wait again.
    DSR_DEADLINE = 8,
    /// The vendor's answer is not as documented.
    DSR_PROTOCOL = 9,
    /// 409: a running deletion already names one of these ids.
    DSR_CONFLICT = 10,
    /// The vendor ended the task as FAILURE or REVOKED.
    DSR_JOB_FAILED = 11,
    /// 405: the vendor has started the task, it cannot be cancelled any more.
    DSR_TOO_LATE = 12,
    /// A deletion without exactly its confirmation. Nothing was sent.
    DSR_NOT_CONFIRMED = 13,
    /// Cancelled by you.
    DSR_CANCELLED = 14,
    /// The journal cannot be opened, read or written.
    DSR_JOURNAL = 15,
    /// No archive secret that was given opens the archive.
    DSR_DECRYPT = 16,
    /// The archive is damaged, or not safe to unpack.
    DSR_ARCHIVE = 17,
    /// A file or folder cannot be read or written.
    DSR_IO = 18,
    /// Sent, no answer, and it cannot be told whether it was carried out.
    DSR_AMBIGUOUS = 19,
    /// A handle from before fork(). Make a new one in the child.
    DSR_FORK = 20,
    /// A bug in dsrkit; please report it.
    DSR_INTERNAL = 99,
    /// A pointer that must not be NULL was NULL.
    DSR_NULL_POINTER = 100,
    /// A text is not UTF-8.
    DSR_BAD_UTF8 = 101,
    /// No error: nothing happened within the time-out, or dsr_run_wakeup was called.
    DSR_NO_EVENT = 102,
    /// A handle that was freed, is of another kind, or whose client was freed.
    DSR_BAD_STATE = 103,
    /// No error: there is no further event or outcome.
    DSR_END = 104,
    /// A bug in dsrkit that was caught at the border; please report it.
    DSR_PANIC = 199,
}

#[allow(clippy::enum_glob_use)] // the table below names each
use dsr_status::*;

const NAMES: &[(dsr_status, &std::ffi::CStr)] = &[
    (DSR_OK, c"DSR_OK"),
    (DSR_INVALID_INPUT, c"DSR_INVALID_INPUT"),
    (DSR_CONFIG, c"DSR_CONFIG"),
    (DSR_UNAUTHENTICATED, c"DSR_UNAUTHENTICATED"),
    (DSR_PERMISSION_DENIED, c"DSR_PERMISSION_DENIED"),
    (DSR_NOT_FOUND, c"DSR_NOT_FOUND"),
    (DSR_RATE_LIMITED, c"DSR_RATE_LIMITED"),
    (DSR_UNAVAILABLE, c"DSR_UNAVAILABLE"),
    (DSR_DEADLINE, c"DSR_DEADLINE"),
    (DSR_PROTOCOL, c"DSR_PROTOCOL"),
    (DSR_CONFLICT, c"DSR_CONFLICT"),
    (DSR_JOB_FAILED, c"DSR_JOB_FAILED"),
    (DSR_TOO_LATE, c"DSR_TOO_LATE"),
    (DSR_NOT_CONFIRMED, c"DSR_NOT_CONFIRMED"),
    (DSR_CANCELLED, c"DSR_CANCELLED"),
    (DSR_JOURNAL, c"DSR_JOURNAL"),
    (DSR_DECRYPT, c"DSR_DECRYPT"),
    (DSR_ARCHIVE, c"DSR_ARCHIVE"),
    (DSR_IO, c"DSR_IO"),
    (DSR_AMBIGUOUS, c"DSR_AMBIGUOUS"),
    (DSR_FORK, c"DSR_FORK"),
    (DSR_INTERNAL, c"DSR_INTERNAL"),
    (DSR_NULL_POINTER, c"DSR_NULL_POINTER"),
    (DSR_BAD_UTF8, c"DSR_BAD_UTF8"),
    (DSR_NO_EVENT, c"DSR_NO_EVENT"),
    (DSR_BAD_STATE, c"DSR_BAD_STATE"),
    (DSR_END, c"DSR_END"),
    (DSR_PANIC, c"DSR_PANIC"),
];

impl dsr_status {
    /// The status of a kind of the core. The test below keeps the table whole, so `DSR_INTERNAL`
    /// is never a kind that was forgotten.
    pub fn of(kind: dsrkit::ErrorKind) -> Self {
        NAMES
            .iter()
            .map(|(status, _)| *status)
            .find(|status| *status as u32 == kind.code())
            .unwrap_or(DSR_INTERNAL)
    }
}

/// The library's version, such as "0.1.0". Never NULL, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_version() -> *const c_char {
    let version = concat_version().as_ptr();
    get(version, || Some(version))
}

fn concat_version() -> &'static std::ffi::CStr {
    const BYTES: &[u8] = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    std::ffi::CStr::from_bytes_with_nul(BYTES).unwrap_or(c"")
}

/// DSR_ABI_VERSION of the library that was loaded; compare it with the header's.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_abi_version() -> u32 {
    get(DSR_ABI_VERSION, || Some(DSR_ABI_VERSION))
}

/// The name of a status, such as "DSR_RATE_LIMITED"; "DSR_UNKNOWN" for a number that this library
/// does not know. Never NULL, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_status_name(status: c_int) -> *const c_char {
    get(c"DSR_UNKNOWN".as_ptr(), || {
        NAMES
            .iter()
            .find(|(known, _)| *known as c_int == status)
            .map(|(_, name)| name.as_ptr())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_core_has_its_status() {
        for kind in dsrkit::ErrorKind::ALL {
            let status = dsr_status::of(*kind);
            assert_eq!(status as u32, kind.code(), "{kind}");
            let mut name = String::from("DSR");
            for letter in kind.as_str().chars() {
                if letter.is_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            assert_eq!(name, format!("{status:?}"));
        }
    }

    #[test]
    fn names_are_the_names_and_numbers_are_unique() {
        for (status, name) in NAMES {
            assert_eq!(name.to_str(), Ok(format!("{status:?}").as_str()));
        }
        assert!(
            NAMES
                .windows(2)
                .all(|pair| (pair[0].0 as u32) < pair[1].0 as u32)
        );
        let shared = NAMES
            .iter()
            .filter(|(status, _)| (1..100).contains(&(*status as u32)))
            .count();
        assert_eq!(shared, dsrkit::ErrorKind::ALL.len());
    }

    #[test]
    fn the_version_is_the_core_s() {
        assert_eq!(concat_version().to_str(), Ok(dsrkit::VERSION));
    }
}
