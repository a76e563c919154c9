//! The account in plain words, for people who were not there: a lawyer, an auditor, the person who
//! asked.

use std::fmt::{self, Write as _};

use super::Millis;
use super::action::{Compliance, Kind};
use super::report::{Outcome, ReportData};
use super::run::RunState;

/// Entries of a list that are written out; the rest is counted.
const SHOWN: usize = 50;

impl fmt::Display for ReportData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(self, f)?;
        outcomes(self, f)?;
        work(self, f)?;
        problems(self, f)?;
        f.write_str(LIMITS)
    }
}

/// What the account cannot say, whatever the vendor answers.
const LIMITS: &str = "
What this account does not say
  That a task ended well is the vendor's word. Data that was exported to a warehouse or given to
  anybody else is not reached. The vendor may also include an id that one of these ids is an alias
  of. Erasing somebody does not stop an application from collecting data about them again.
";

fn head(report: &ReportData, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (what, article) = match (report.kind, report.compliance) {
        (Kind::Deletion, Compliance::Gdpr) => ("erasure", "GDPR Art. 17"),
        (Kind::Retrieval, Compliance::Gdpr) => ("access", "GDPR Art. 15 and 20"),
        (Kind::Deletion, Compliance::Ccpa) => ("deletion", "CCPA 1798.105"),
        (Kind::Retrieval, Compliance::Ccpa) => ("access", "CCPA 1798.100 and 1798.110"),
    };
    writeln!(f, "Account of a request for {what} ({article})\n")?;
    let mut line = |name: &str, value: &str| writeln!(f, "  {name:<12} {value}");
    if let Some(reference) = &report.reference {
        line("Reference", reference)?;
    }
    line("Run", &report.run_id)?;
    line("As of", &time(report.at_ms))?;
    line("Received", &time(report.received_at_ms))?;
    let mut due = time(report.deadline_ms);
    if report.at_ms > report.deadline_ms && report.state != RunState::Finished {
        due.push_str(": passed");
    }
    line("Due", &due)?;
    line("State", state(report.state))?;
    let mut people = count(report.subjects);
    if report.duplicates > 0 {
        let _ = write!(
            people,
            "; {} repeated one of them",
            several(report.duplicates, "row")
        );
    }
    if report.refused.total > 0 {
        let _ = write!(
            people,
            "; {} left out",
            several(report.refused.total, "row")
        );
    }
    line("People", &people)
}

fn outcomes(report: &ReportData, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\nWhat became of them")?;
    for outcome in Outcome::ALL {
        if let Some(people) = report.counts.get(outcome.as_str()) {
            writeln!(f, "  {:>10}  {}", count(*people), said(*outcome, report))?;
        }
    }
    let sum: u64 = report.counts.values().sum();
    writeln!(f, "  {:>10}  in all, each of them once", count(sum))
}

fn work(report: &ReportData, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\nHow it was done")?;
    let looks: u64 = report.jobs.iter().map(|job| job.polls).sum();
    writeln!(
        f,
        "  {} at the vendor, asked about {}.",
        several(report.jobs.len() as u64, "task"),
        several(looks, "time")
    )?;
    let cancelled = |word: &str| {
        let is = |job: &&super::report::JobReport| job.cancel.as_deref() == Some(word);
        report.jobs.iter().filter(is).count()
    };
    for (word, text) in [
        ("cancelled", "cancelled before the vendor began"),
        ("too late", "could not be cancelled any more"),
        (
            "unknown",
            "were to be cancelled, and it is not known whether they were",
        ),
        (
            "not ours",
            "were not cancelled because they are not this run's alone",
        ),
    ] {
        if cancelled(word) > 0 {
            writeln!(f, "  {} {text}.", several(cancelled(word) as u64, "task"))?;
        }
    }
    if report.ambiguous.is_empty() {
        writeln!(f, "  No request was repeated, and no answer was lost.")?;
    } else {
        writeln!(
            f,
            "  {} without a usable answer; each may have been carried out:",
            several(report.ambiguous.len() as u64, "request")
        )?;
        for attempt in report.ambiguous.iter().take(SHOWN) {
            writeln!(
                f,
                "    batch {}, attempt {}, {}: {}",
                attempt.batch,
                attempt.attempt,
                time(attempt.sent_at_ms),
                attempt.seen
            )?;
        }
        rest(report.ambiguous.len(), f)?;
    }
    if let Some(at) = report.purged_at_ms {
        let at = time(at);
        return writeln!(
            f,
            "  What was delivered was removed from this machine on {at}."
        );
    }
    match &report.packages {
        Some(folder) => writeln!(
            f,
            "  The packages are in {}; packages.jsonl there names each person's.",
            folder.display()
        ),
        None => Ok(()),
    }
}

fn problems(report: &ReportData, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if report.problems.is_empty() {
        return writeln!(f, "\nNothing waits for a person.");
    }
    writeln!(f, "\nWhat a person must look at")?;
    for problem in report.problems.iter().take(SHOWN) {
        let whom = match problem.ids {
            0 => String::new(),
            1 => "1 person: ".to_owned(),
            ids => format!("{} people: ", count(ids)),
        };
        writeln!(f, "  {whom}{}.", problem.message.trim_end_matches('.'))?;
        let place = match (problem.batch, &problem.task_id) {
            (Some(batch), Some(task)) => format!(" (batch {batch}, task {task})"),
            (Some(batch), None) => format!(" (batch {batch})"),
            (None, Some(task)) => format!(" (task {task})"),
            (None, None) => String::new(),
        };
        writeln!(f, "    {}{place}", problem.hint)?;
    }
    rest(report.problems.len(), f)
}

fn rest(all: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match all.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "    and {more} more, in the report as JSON"),
    }
}

fn state(state: RunState) -> &'static str {
    match state {
        RunState::Planned => "planned; nothing was sent",
        RunState::Running | RunState::Waiting => "under way",
        RunState::Paused => "paused: the vendor refuses the credentials",
        RunState::Held => "waits for a person's decision",
        RunState::Finished => "finished",
        RunState::Cancelled => "cancelled",
    }
}

fn said(outcome: Outcome, report: &ReportData) -> &'static str {
    match (outcome, report.kind) {
        (Outcome::Done, Kind::Deletion) => "erased, as the vendor says",
        (Outcome::Done, Kind::Retrieval) if report.purged_at_ms.is_some() => {
            "retrieved: their data was here and was removed"
        }
        (Outcome::Done, Kind::Retrieval) => "retrieved: their data is on this machine",
        (Outcome::Pending, _) => "not sent yet, or sent without an answer so far",
        (Outcome::Submitted, _) => "taken by the vendor, which is at work",
        (Outcome::RunningElsewhere, _) => "being erased by a task of another request",
        (Outcome::Rejected, _) => "refused by the vendor",
        (Outcome::Failed, _) => "not done: the vendor's task failed, or was given up",
        (Outcome::Revoked, _) => "not done: the task was cancelled",
        (Outcome::Held, _) => "wait for a person's decision",
        (Outcome::Cancelled, _) => "cancelled before anything was sent",
    }
}

fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(
        |_| "an unknown time".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// 1234567 as 1,234,567.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn several(number: u64, what: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{} {what}{many}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{AmbiguousAttempt, JobReport, Problem, RefusedRows};

    #[test]
    fn an_account_reads_as_text() {
        let report = ReportData {
            run_id: "019b8d62-7a80-7356-84f2-2602e50e11e1".into(),
            kind: Kind::Deletion,
            compliance: Compliance::Gdpr,
            reference: Some("DSR-2026-0042".into()),
            state: RunState::Held,
            subjects: 1_234_567,
            duplicates: 12,
            refused: RefusedRows::default(),
            counts: [("done", 1_234_565), ("held", 2)].into(),
            jobs: vec![JobReport {
                task_id: "1767603600000000001".into(),
                status: "SUCCESS".into(),
                origin: "created".into(),
                ids: 1999,
                cancel: None,
                polls: 7,
            }],
            ambiguous: vec![AmbiguousAttempt {
                batch: 3,
                attempt: 1,
                sent_at_ms: 1_767_603_601_000,
                seen: "the connection broke".into(),
            }],
            problems: vec![Problem {
                batch: Some(3),
                task_id: None,
                kind: "Ambiguous".into(),
                message: "the connection broke.".into(),
                hint: "Decide.".into(),
                ids: 2,
            }],
            received_at_ms: 1_767_603_600_000,
            deadline_ms: 1_770_195_600_000,
            at_ms: 1_770_195_600_001,
            packages: Some("packages".into()),
            purged_at_ms: Some(1_770_195_600_000),
            missing_texts: Vec::new(),
        };
        let text = report.to_string();
        for part in [
            "request for erasure (GDPR Art. 17)",
            "Reference    DSR-2026-0042",
            "Due          2026-02-04 09:00:00 UTC: passed",
            "1,234,567; 12 rows repeated one of them",
            " 1,234,565  erased, as the vendor says",
            "         2  wait for a person's decision",
            "1 task at the vendor, asked about 7 times.",
            "batch 3, attempt 1, 2026-01-05 09:00:01 UTC: the connection broke",
            "What was delivered was removed from this machine on 2026-02-04 09:00:00 UTC.",
            "2 people: the connection broke.\n    Decide. (batch 3)",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }

    #[test]
    fn what_was_removed_is_not_said_to_be_here_and_one_is_one() {
        let mut report = ReportData {
            run_id: "019b8d62-7a80-7356-84f2-2602e50e11e1".into(),
            kind: Kind::Retrieval,
            compliance: Compliance::Gdpr,
            reference: None,
            state: RunState::Finished,
            subjects: 1,
            duplicates: 1,
            refused: RefusedRows {
                total: 1,
                rows: Vec::new(),
            },
            counts: [("done", 1)].into(),
            jobs: vec![JobReport {
                task_id: "1".into(),
                status: "SUCCESS".into(),
                origin: "created".into(),
                ids: 1,
                cancel: None,
                polls: 1,
            }],
            ambiguous: Vec::new(),
            problems: Vec::new(),
            received_at_ms: 0,
            deadline_ms: 1,
            at_ms: 0,
            packages: None,
            purged_at_ms: None,
            missing_texts: Vec::new(),
        };
        let text = report.to_string();
        for part in [
            "their data is on this machine",
            "1; 1 row repeated one of them; 1 row left out",
            "1 task at the vendor, asked about 1 time.",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        report.purged_at_ms = Some(1);
        let text = report.to_string();
        assert!(!text.contains("is on this machine"), "{text}");
        assert!(text.contains("was removed from this machine"), "{text}");
    }
}
