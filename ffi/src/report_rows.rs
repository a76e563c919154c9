//! What a report lists: vendor tasks, problems, lost answers, rows left out, texts not filled in.

use std::ffi::{CString, c_char};

use dsrkit::ReportData;

use crate::report::{dsr_report, read};
use crate::text::{c_text, pointer};

/// The texts of a report's lists.
pub struct Rows {
    jobs: Vec<JobTexts>,
    problems: Vec<ProblemTexts>,
    seen: Vec<CString>,
    reasons: Vec<CString>,
    missing_texts: Vec<CString>,
}

struct JobTexts {
    task_id: CString,
    status: CString,
    origin: CString,
    cancel: Option<CString>,
}

struct ProblemTexts {
    kind: CString,
    message: CString,
    hint: CString,
    task_id: Option<CString>,
}

impl Rows {
    pub fn new(data: &ReportData) -> Self {
        let jobs = data.jobs.iter().map(|job| JobTexts {
            task_id: c_text(&job.task_id),
            status: c_text(&job.status),
            origin: c_text(&job.origin),
            cancel: job.cancel.as_deref().map(c_text),
        });
        let problems = data.problems.iter().map(|problem| ProblemTexts {
            kind: c_text(&problem.kind),
            message: c_text(&problem.message),
            hint: c_text(&problem.hint),
            task_id: problem.task_id.as_deref().map(c_text),
        });
        let seen = data.ambiguous.iter().map(|each| c_text(&each.seen));
        let reasons = data.refused.rows.iter().map(|row| c_text(&row.reason));
        let missing = data.missing_texts.iter().map(|name| c_text(name));
        Self {
            jobs: jobs.collect(),
            problems: problems.collect(),
            seen: seen.collect(),
            reasons: reasons.collect(),
            missing_texts: missing.collect(),
        }
    }
}

/// A number of row `index`, -1 past the last.
fn number<T>(
    report: *const dsr_report,
    index: usize,
    rows: impl FnOnce(&ReportData) -> &[T],
    look: impl FnOnce(&T) -> Option<u64>,
) -> i64 {
    read(report, -1, |report| {
        let number = rows(&report.data).get(index).and_then(look);
        number.map_or(-1, |number| i64::try_from(number).unwrap_or(i64::MAX))
    })
}

fn job(
    report: *const dsr_report,
    index: usize,
    look: impl FnOnce(&JobTexts) -> *const c_char,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        report.rows.jobs.get(index).map_or(std::ptr::null(), look)
    })
}

fn problem(
    report: *const dsr_report,
    index: usize,
    look: impl FnOnce(&ProblemTexts) -> *const c_char,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        let problem = report.rows.problems.get(index);
        problem.map_or(std::ptr::null(), look)
    })
}

/// Vendor tasks: how many, counted from 0 below.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_jobs(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.data.jobs.len())
}

/// A task's id; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_job_task_id(report: *const dsr_report, index: usize) -> *const c_char {
    job(report, index, |job| job.task_id.as_ptr())
}

/// The last status word that was seen of it, as dsr_job_status; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_job_status(report: *const dsr_report, index: usize) -> *const c_char {
    job(report, index, |job| job.status.as_ptr())
}

/// "created" by this run, "adopted" after a 409, "elsewhere" (another's, that deletes our ids too)
/// or "manual" (named by dsr_run_decide); NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_job_origin(report: *const dsr_report, index: usize) -> *const c_char {
    job(report, index, |job| job.origin.as_ptr())
}

/// "requested", "cancelled", "too late", "unknown" or "not ours" once a cancel was asked for; NULL
/// before, and past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_job_cancel(report: *const dsr_report, index: usize) -> *const c_char {
    job(report, index, |job| pointer(job.cancel.as_ref()))
}

/// How many of the run's ids it carries; -1 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_job_ids(report: *const dsr_report, index: usize) -> i64 {
    number(report, index, |data| &data.jobs, |job| Some(job.ids))
}

/// How often its status was asked for; -1 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_job_polls(report: *const dsr_report, index: usize) -> i64 {
    number(report, index, |data| &data.jobs, |job| Some(job.polls))
}

/// What a person must look at: how many problems, counted from 0 below.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_problems(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.data.problems.len())
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

/// The batch that the problem is about, for dsr_run_decide; -1 for none, and past the last problem.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_problem_batch(report: *const dsr_report, index: usize) -> i64 {
    number(
        report,
        index,
        |data| &data.problems,
        |problem| problem.batch.map(u64::from),
    )
}

/// How many ids it concerns; -1 past the last problem.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_problem_ids(report: *const dsr_report, index: usize) -> i64 {
    number(
        report,
        index,
        |data| &data.problems,
        |problem| Some(problem.ids),
    )
}

/// Requests whose answer was lost, however they ended: how many, counted from 0 below.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_ambiguous(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.data.ambiguous.len())
}

/// The batch of such a request; -1 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_ambiguous_batch(report: *const dsr_report, index: usize) -> i64 {
    number(
        report,
        index,
        |data| &data.ambiguous,
        |each| Some(u64::from(each.batch)),
    )
}

/// Which attempt of its batch it was; -1 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_ambiguous_attempt(report: *const dsr_report, index: usize) -> i64 {
    number(
        report,
        index,
        |data| &data.ambiguous,
        |each| Some(u64::from(each.attempt)),
    )
}

/// When it was sent, in milliseconds since 1970 (UTC); -1 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_ambiguous_sent_at_ms(report: *const dsr_report, index: usize) -> i64 {
    read(report, -1, |report| {
        let each = report.data.ambiguous.get(index);
        each.map_or(-1, |each| each.sent_at_ms)
    })
}

/// What was seen instead of a usable answer; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_ambiguous_seen(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        pointer(report.rows.seen.get(index))
    })
}

/// Rows of the input that were left out (skip_bad): how many are told below, counted from 0: the
/// first hundred of dsr_report_refused.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_refused(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.data.refused.rows.len())
}

/// Such a row: a line of a file, from 1, or a position in an array, from 0; -1 past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_refused_row(report: *const dsr_report, index: usize) -> i64 {
    number(
        report,
        index,
        |data| &data.refused.rows,
        |row| Some(row.row),
    )
}

/// Why it was left out; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_refused_reason(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        pointer(report.rows.reasons.get(index))
    })
}

/// After dsr_run_collect: how many of the texts that Art. 15(1) wants from you the packages name as
/// not filled in, counted from 0 below.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_n_missing_texts(report: *const dsr_report) -> usize {
    read(report, 0, |report| report.rows.missing_texts.len())
}

/// Such a text, by its slot ("purposes", "recipients" ...); NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_report_missing_text(
    report: *const dsr_report,
    index: usize,
) -> *const c_char {
    read(report, std::ptr::null(), |report| {
        pointer(report.rows.missing_texts.get(index))
    })
}
