//! Freezing a plan: the ids, guarded, deduplicated and cut, in the journal, with a digest that a
//! confirmation can name. Nothing is sent.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::project::{Project, keyed, project_url};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{IdSource, IntakeOptions, Purpose, take_in};
use crate::journal::{BatchRow, BatchState, Journal, NewBatch, NewEvent, RunRow};
use crate::model::Millis;
use crate::model::action::{Kind, Terms};
use crate::model::event::EventKind;
use crate::model::report::{RefusedRow, RefusedRows};
use crate::model::run::RunState;
use crate::settings::ms;
use crate::vendor::Vendor;

/// What a plan says besides its ids.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The caller's own case number. Kept in the journal and in reports, never sent.
    pub reference: Option<String>,
    /// When the request reached the company, in milliseconds since 1970. Default: now.
    pub received_at: Option<Millis>,
    /// When the answer is due. Default by law: 30 days (GDPR), 45 days (CCPA).
    pub deadline: Option<Millis>,
    /// Retrievals: leave ids out that cannot be used, and report them.
    pub skip_bad: bool,
    /// Accept ids that look like mistakes ("null", blanks at the ends, header words).
    pub allow_unusual: bool,
    /// Deletions: wait this long after the start before anything is sent.
    pub hold_for: Duration,
    /// Retrievals: the folder for archives as received. Default: `<journal>.archives`.
    pub archives: Option<PathBuf>,
}

/// Writes the plan, whole or not at all.
pub(crate) fn freeze(
    project: &Project,
    source: IdSource,
    terms: Terms,
    options: &PlanOptions,
) -> Result<RunRow> {
    project.vendor.check(terms)?;
    check(terms, options)?;
    check_times(options, project.now())?;
    let archives = archives(project, terms.kind, options)?;
    let intake = take_in(source, &intake_options(project, terms.kind, options))?;
    let (subjects, duplicates) = (intake.subjects, intake.duplicates);
    let refused = RefusedRows {
        total: intake.refused_total,
        rows: intake
            .refused
            .iter()
            .map(|refused| RefusedRow {
                row: refused.row,
                reason: refused.reason.to_owned(),
            })
            .collect(),
    };
    let warnings = intake.warnings.clone();
    let now = project.now();
    let id = run_id(now)?;
    let fingerprint =
        super::project::project_row(project.vendor.as_ref(), project.journal.as_ref()).fingerprint;
    let digest = RefCell::new(plan_digest(project.vendor.as_ref(), terms));
    let count = RefCell::new(0_u32);
    let mut batches = intake
        .into_batches(project.vendor.max_ids(terms.kind))
        .map(|batch| {
            let batch = batch?;
            let body = project.vendor.create_body(terms, &batch.ids_json);
            digest.borrow_mut().update(Sha256::digest(body.as_bytes()));
            let no = *count.borrow();
            *count.borrow_mut() += 1;
            Ok(NewBatch {
                row: BatchRow {
                    run: id.clone(),
                    no,
                    parent: None,
                    n: batch.n,
                    digest: batch_digest(project.journal.as_ref(), &body),
                    state: BatchState::Frozen,
                    attempts: 0,
                    ambiguous: 0,
                    failures: 0,
                    not_before: 0,
                    first_sent_at: None,
                    task: None,
                    problem: None,
                    sealed_at: None,
                },
                ids_json: batch.ids_json,
            })
        });
    let mut row = None;
    project.journal.import(&mut batches, &mut || {
        let frozen = RunRow {
            id: id.clone(),
            project: fingerprint,
            terms,
            reference: options.reference.clone(),
            state: RunState::Planned,
            subjects,
            duplicates,
            refused: refused.clone(),
            batches: *count.borrow(),
            plan_digest: digest.borrow().clone().finalize().into(),
            approved_digest: None,
            approved_at: None,
            created_at: now,
            received_at: options.received_at.unwrap_or(now),
            deadline_at: deadline(terms, options, now),
            hold_for_ms: ms(options.hold_for),
            warned: 0,
            cancel_at: None,
            paused: None,
            archives: archives.clone(),
            packages: None,
            purged_at: None,
        };
        let mut texts = vec![format!(
            "{} of {} in {} frozen; nothing sent",
            terms.kind,
            counted(subjects, "person"),
            counted(u64::from(frozen.batches), "batch")
        )];
        texts.extend(warnings.iter().cloned());
        let events = texts
            .into_iter()
            .map(|text| NewEvent {
                at: now,
                run: id.clone(),
                kind: EventKind::Planned,
                batch: None,
                task: None,
                text,
            })
            .collect();
        row = Some(frozen.clone());
        Ok((frozen, events))
    })?;
    row.ok_or_else(|| Error::new(ErrorKind::Internal, "the journal did not take the plan"))
}

fn check(terms: Terms, options: &PlanOptions) -> Result<()> {
    let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidInput, message));
    if terms.kind == Kind::Deletion && options.skip_bad {
        return refuse(
            "skip_bad is for retrievals: a deletion with unusable ids must be looked at first",
        );
    }
    if terms.kind == Kind::Retrieval && !options.hold_for.is_zero() {
        return refuse("hold_for is for deletions");
    }
    if options.hold_for > Duration::from_secs(60 * 86_400) {
        return refuse("hold_for is longer than 60 days, past every legal time limit");
    }
    if options
        .reference
        .as_ref()
        .is_some_and(|text| text.len() > 200)
    {
        return refuse("reference is longer than 200 bytes");
    }
    Ok(())
}

/// How far ahead of this clock the one may go that told when a request came.
const AHEAD: Millis = 86_400_000;

/// Dates that cannot be meant.
fn check_times(options: &PlanOptions, now: Millis) -> Result<()> {
    let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidInput, message));
    let received = options.received_at.unwrap_or(now);
    if received < 0 || options.deadline.is_some_and(|at| at < 0) {
        return refuse("received_at and deadline are times after 1970");
    }
    if received > now.saturating_add(AHEAD) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "received_at lies in the future",
        )
        .with_hint("It is compared with the client's clock; a simulated vendor has a clock of its own."));
    }
    match options.deadline {
        Some(deadline) if deadline < received => {
            refuse("deadline is before received_at; a request whose deadline has passed needs both")
        }
        _ => Ok(()),
    }
}

fn deadline(terms: Terms, options: &PlanOptions, now: Millis) -> Millis {
    options.deadline.unwrap_or_else(|| {
        options
            .received_at
            .unwrap_or(now)
            .saturating_add(terms.compliance.time_limit_ms())
    })
}

fn intake_options(project: &Project, kind: Kind, options: &PlanOptions) -> IntakeOptions {
    IntakeOptions {
        allow_unusual: options.allow_unusual,
        skip_bad: options.skip_bad,
        max_ids: (kind == Kind::Deletion).then_some(project.settings.max_ids_per_deletion_plan),
        ..IntakeOptions::new(purpose(kind))
    }
}

/// What the guard is told.
pub(crate) fn purpose(kind: Kind) -> Purpose {
    match kind {
        Kind::Retrieval => Purpose::Retrieval,
        Kind::Deletion => Purpose::Deletion,
    }
}

/// A retrieval needs a place for its archives before anything is asked for: their links die.
fn archives(project: &Project, kind: Kind, options: &PlanOptions) -> Result<Option<String>> {
    if kind == Kind::Deletion {
        return Ok(None);
    }
    let path = options
        .archives
        .clone()
        .or_else(|| project.journal.default_archives());
    let path = path.ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "a retrieval needs a folder for its archives: set the option archives, or keep the journal in a file",
        )
    })?;
    let path =
        std::path::absolute(&path).map_err(|error| crate::error::io("find", &path, error))?;
    match path.to_str() {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Error::new(
            ErrorKind::Config,
            "the archives folder's name is not UTF-8",
        )),
    }
}

pub(crate) fn run_id(now: Millis) -> Result<String> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|_| Error::new(ErrorKind::Internal, "the system gives no random numbers"))?;
    let millis = u64::try_from(now).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string())
}

/// The digest that stands for a plan: the project, the terms, and every request body in order. The
/// same ids for the same project give the same digest, so a confirmation that was noted down
/// yesterday still fits today, unless anything changed.
fn plan_digest(vendor: &dyn Vendor, terms: Terms) -> Sha256 {
    let mut digest = Sha256::new();
    let url = project_url(vendor);
    for part in [
        vendor.name(),
        &url,
        vendor.project_key().expose(),
        terms.kind.as_str(),
    ] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest
}

/// The keyed digest of one request body, checked again before each POST.
pub(crate) fn batch_digest(journal: &dyn Journal, body: &str) -> [u8; 32] {
    keyed(journal.key(), &[b"batch", body.as_bytes()])
}

/// The confirmation of a plan: how many people, and the first eight digits of its digest.
pub(crate) fn confirmation(row: &RunRow) -> String {
    let [a, b, c, d, ..] = row.plan_digest;
    format!("{}:{:08x}", row.subjects, u32::from_be_bytes([a, b, c, d]))
}

/// Compares what the caller confirmed with the plan.
pub(crate) fn check_confirmation(
    row: &RunRow,
    given: Option<&str>,
    count_is_enough: bool,
) -> Result<()> {
    let expected = confirmation(row);
    let Some(given) = given.map(str::trim).filter(|text| !text.is_empty()) else {
        return Err(Error::new(
            ErrorKind::NotConfirmed,
            format!(
                "a deletion cannot be undone: start it with the confirmation \"{expected}\" after looking at the plan"
            ),
        ));
    };
    if given == expected || (count_is_enough && given == row.subjects.to_string()) {
        return Ok(());
    }
    let (count, digest) = given.split_once(':').unwrap_or((given, ""));
    let number =
        !count.is_empty() && count.len() <= 20 && count.bytes().all(|b| b.is_ascii_digit());
    let message = if !number {
        // Typed by people: whatever else it is, it is not repeated.
        "this is no confirmation: a plan's confirm value is its count, a colon and eight digits"
            .to_owned()
    } else if count != row.subjects.to_string() {
        format!(
            "the confirmation is for {count} people, the plan names {}",
            row.subjects
        )
    } else if digest.is_empty() {
        "the confirmation of a plan is its whole confirm value, count and digest".to_owned()
    } else {
        "this is the confirmation of another plan: its count fits, its ids or terms do not"
            .to_owned()
    };
    Err(Error::new(ErrorKind::NotConfirmed, message))
}

/// "1 request", "2 requests", "2 people".
pub(crate) fn counted(count: u64, what: &str) -> String {
    if what == "person" && count != 1 {
        return format!("{count} people");
    }
    let (stem, many) = match what.strip_suffix("ch") {
        Some(stem) => (format!("{stem}ch"), "es"),
        None => (what.to_owned(), "s"),
    };
    format!("{count} {stem}{}", if count == 1 { "" } else { many })
}
