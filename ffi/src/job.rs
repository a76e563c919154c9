//! `dsr_job`: a vendor task as one answer showed it.

use std::ffi::{CString, c_char};

use crate::guard::{free, get};
use crate::handle::{find, handle};
use crate::text::{c_text, kind_word, pointer};

/// A vendor task as one answer showed it; it never changes.
/// Owner: you; dsr_job_free, which leaves the vendor's task alone.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_job {
    _number: (),
}
handle!(dsr_job => JobTexts);

pub struct JobTexts {
    kind: dsrkit::Kind,
    id: CString,
    status: CString,
    requested_at: Option<CString>,
    download_url: Option<CString>,
}

impl JobTexts {
    pub fn new(job: &dsrkit::Job) -> Self {
        Self {
            kind: job.kind,
            id: c_text(&job.id),
            status: c_text(job.status.as_str()),
            requested_at: job.requested_at.as_deref().map(c_text),
            download_url: job.download_url.as_ref().map(|url| c_text(url.expose())),
        }
    }
}

fn read(job: *const dsr_job, look: impl FnOnce(&JobTexts) -> *const c_char) -> *const c_char {
    get(std::ptr::null(), || {
        find(job, "job").ok().map(|job| look(&job))
    })
}

/// Frees a job; the vendor's task goes on. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_job_free(job: *mut dsr_job) {
    free(job);
}

/// The vendor's task id: opaque text, 19 digits or a UUID.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_job_id(job: *const dsr_job) -> *const c_char {
    read(job, |job| job.id.as_ptr())
}

/// "retrieval" or "deletion".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_job_kind(job: *const dsr_job) -> *const c_char {
    read(job, |job| kind_word(job.kind).as_ptr())
}

/// An upper-case word: PENDING, STAGING, STARTED, SUCCESS, FAILURE, REVOKED, NOT_FOUND, UNKNOWN,
/// or one that the vendor has not documented.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_job_status(job: *const dsr_job) -> *const c_char {
    read(job, |job| job.status.as_ptr())
}

/// When the vendor took the request (UTC), as it wrote it; NULL when it did not say.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_job_requested_at(job: *const dsr_job) -> *const c_char {
    read(job, |job| pointer(job.requested_at.as_ref()))
}

/// The signed link of a finished retrieval's archive, NULL otherwise. It opens without credentials
/// for 14 days: treat it as a secret.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_job_download_url(job: *const dsr_job) -> *const c_char {
    read(job, |job| pointer(job.download_url.as_ref()))
}
