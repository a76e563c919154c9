//! `dsr_report`: the account of a run at one moment.

use std::ffi::{CStr, CString, c_char};

use dsrkit::{Outcome, ReportData};

use crate::guard::{free, get};
use crate::handle::{find, handle};
use crate::text::{c_text, kind_word, pointer, state_word};

/// The account of a run at one moment; it never changes. Any thread may read it.
pub struct dsr_report {
    _number: (),
}
handle!(dsr_report => ReportTexts);

pub struct ReportTexts {
    data: ReportData,
    problems: Vec<ProblemTexts>,
    missing_texts: Vec<CString>,
    packages: Option<CString>,
    json: CString,
    text: CString,
}

struct ProblemTexts {
    kind: CString,
    message: CString,
    hint: CString,
    task_id: Option<CString>,
}

impl ReportTexts {
    pub fn new(data: ReportData) -> Self {
        let problems = data
            .problems
            .iter()
            .map(|problem| ProblemTexts {
                kind: c_text(&problem.kind),
                message: c_text(&problem.message),
                hint: c_text(&problem.hint),
                task_id: problem.task_id.as_deref().map(c_text),
            })
            .collect();
        Self {
            problems,
            missing_texts: data.missing_texts.iter().map(|slot| c_text(slot)).collect(),
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

fn read<T>(report: *const dsr_report, otherwise: T, look: impl FnOnce(&ReportTexts) -> T) -> T {
    get(otherwise, || {
        find(report, "report").ok().map(|report| look(&report))
    })
}

fn problem(
    report: *const dsr_report,
    index: usize,
    look: impl FnOnce(&ProblemTexts) -> *const c_char,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        report.problems.get(index).map_or(std::ptr::null(), look)
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

/// Requests whose answer was lost, however they ended; the JSON has each.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_ambiguous(report: *const dsr_report) -> u64 {
    read(report, 0, |report| report.data.ambiguous.len() as u64)
}

/// Rows of the input that were left out (skip_bad); the JSON says which and why.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_refused(report: *const dsr_report) -> u64 {
    read(report, 0, |report| report.data.refused.total)
}

/// Vendor tasks; the JSON has each.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_jobs(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.data.jobs.len())
}

/// What a person must look at: how many problems, counted from 0 below.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_problems(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.problems.len())
}

/// A problem's kind of error, such as "Conflict"; NULL past the last problem.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_problem_kind(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    problem(report, index, |problem| problem.kind.as_ptr())
}

/// One line that says what is wrong; NULL past the last problem.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_problem_message(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    problem(report, index, |problem| problem.message.as_ptr())
}

/// One line that says what to do; NULL past the last problem.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_problem_hint(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    problem(report, index, |problem| problem.hint.as_ptr())
}

/// The vendor task that the problem is about; NULL for none, and past the last problem.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_problem_task_id(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    problem(report, index, |problem| pointer(problem.task_id.as_ref()))
}

/// After dsr_run_collect: how many of the texts that Art. 15(1) wants from you the packages name as
/// not filled in.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_missing_texts(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.missing_texts.len())
}

/// Such a text, by its slot ("purposes", "recipients" ...); NULL past the last one.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_missing_text(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        pointer(report.missing_texts.get(index))
    })
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
