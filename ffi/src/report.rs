//! `dsr_report`: the account of a run at one moment.

use std::ffi::{CStr, CString, c_char};

use dsrkit::{Outcome, ReportData};

use crate::guard::{free, get};
use crate::handle::{find, handle};
use crate::report_rows::Rows;
use crate::text::{c_text, kind_word, law_word, pointer, state_word};

/// The account of a run at one moment; it never changes.
/// Owner: you; dsr_report_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_report {
    _number: (),
}
handle!(dsr_report => ReportTexts);

pub struct ReportTexts {
    pub data: ReportData,
    pub rows: Rows,
    run_id: CString,
    reference: Option<CString>,
    packages: Option<CString>,
    json: CString,
    text: CString,
}

impl ReportTexts {
    pub fn new(data: ReportData) -> Self {
        Self {
            rows: Rows::new(&data),
            run_id: c_text(&data.run_id),
            reference: data.reference.as_deref().map(c_text),
            packages: data
                .packages
                .as_ref()
                .map(|path| c_text(&path.to_string_lossy())),
            text: c_text(&data.to_string()),
            json: c_text(&serde_json::to_string(&data).unwrap_or_default()),
            data,
        }
    }
}

/// Looks at a report.
pub fn read<T>(report: *const dsr_report, otherwise: T, look: impl FnOnce(&ReportTexts) -> T) -> T {
    get(otherwise, || {
        find(report, "report").ok().map(|report| look(&report))
    })
}

/// Frees a report. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_free(report: *mut dsr_report) {
    free(report);
}

/// Where the run stood: a word of dsr_run_state.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_state(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        state_word(report.data.state).as_ptr()
    })
}

/// "retrieval" or "deletion".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_kind(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        kind_word(report.data.kind).as_ptr()
    })
}

/// The run's id.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_run_id(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| report.run_id.as_ptr())
}

/// "GDPR" or "CCPA".
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_compliance(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        law_word(report.data.compliance).as_ptr()
    })
}

/// Your own case number; NULL for none.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_reference(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        pointer(report.reference.as_ref())
    })
}

/// How many ids have this outcome (a word of dsr_outcome_word, "done" for example); the counts of
/// all words add up to dsr_report_subjects. -1 for any other word, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_report_count(report: *const dsr_report, word: *const c_char) -> i64 {
    read(report, -1, |report| {
        // SAFETY: the caller keeps the header's rules.
        let caller = unsafe { crate::guard::Caller::trusted(std::ptr::null_mut()) };
        let word = caller.text(word, "word").ok().and_then(Outcome::parse);
        word.map_or(-1, |word| {
            let count = report.data.counts.get(word.as_str()).copied().unwrap_or(0);
            i64::try_from(count).unwrap_or(i64::MAX)
        })
    })
}

/// How many people the plan names.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_subjects(report: *const dsr_report) -> u64 {
    read(report, 0, |report| report.data.subjects)
}

/// Rows of the input that repeated an id.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_duplicates(report: *const dsr_report) -> u64 {
    read(report, 0, |report| report.data.duplicates)
}

/// Rows of the input that were left out (skip_bad).
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_refused(report: *const dsr_report) -> u64 {
    read(report, 0, |report| report.data.refused.total)
}

/// When the request reached you, in milliseconds since 1970 (UTC).
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_received_at_ms(report: *const dsr_report) -> i64 {
    read(report, -1, |report| report.data.received_at_ms)
}

/// When the law wants the answer, in milliseconds since 1970 (UTC).
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_deadline_ms(report: *const dsr_report) -> i64 {
    read(report, -1, |report| report.data.deadline_ms)
}

/// When this account was made, in milliseconds since 1970 (UTC).
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_at_ms(report: *const dsr_report) -> i64 {
    read(report, -1, |report| report.data.at_ms)
}

/// When the ids and what was delivered were removed (dsr_client_purge), in milliseconds since 1970
/// (UTC); -1 when they were not.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_purged_at_ms(report: *const dsr_report) -> i64 {
    read(report, -1, |report| report.data.purged_at_ms.unwrap_or(-1))
}

/// The folder of packages, after dsr_run_collect; NULL before. dsr_outcome_package has each
/// person's.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_packages(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        pointer(report.packages.as_ref())
    })
}

/// The whole report as one JSON object. Holds no id of a person.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_json(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        CStr::as_ptr(&report.json)
    })
}

/// The whole report in plain words, several lines, for people who were not there. Holds no id of a
/// person.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_text(report: *const dsr_report) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        CStr::as_ptr(&report.text)
    })
}
