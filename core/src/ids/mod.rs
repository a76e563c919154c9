//! Taking ids in: reading, guarding, deduplicating, cutting into batches.
//!
//! An id is used byte for byte as it was given. All problems of an import are told in one error,
//! with the numbers of the rows and never with a value. Memory stays bounded however many ids
//! there are.

mod batch;
mod blocks;
mod dedupe;
mod guard;
mod read_csv;
mod read_jsonl;
mod read_text;
mod resident;
mod scan;
mod source;
mod spill;
mod table;

use crate::error::{Error, ErrorKind, Result};

pub use batch::{Batch, Batches, decode};
use dedupe::{Distinct, Found, Gathered};
use scan::Made;
pub use source::IdSource;
use source::Sink;

/// How many refused rows are kept with their numbers; beyond that they are only counted.
pub const MAX_LISTED: usize = 100;
/// Below so many rows the share of duplicates says nothing: such a list is read by eye, and the
/// plan shows both the count to confirm and how many were merged.
const FEWEST_ROWS_FOR_SHARES: u64 = 20;

/// What the ids are for. Deletions cannot be taken back, so more is refused for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The data of these ids will be handed out.
    Retrieval,
    /// The data of these ids will be deleted.
    Deletion,
}

/// How to take ids in.
#[derive(Debug, Clone)]
pub struct IntakeOptions {
    /// What the ids are for.
    pub purpose: Purpose,
    /// Accept ids and lists that look like mistakes but may be meant.
    pub allow_unusual: bool,
    /// Retrievals only: leave refused rows out and list them, instead of refusing the import.
    pub skip_bad: bool,
    /// The longest id; 255 unless there is a reason (at most 65,535).
    pub max_id_bytes: usize,
    /// Deletions only: the most distinct ids that one plan may hold.
    pub max_ids: Option<u64>,
    /// About how many bytes may stay in memory before ids go to a temporary file.
    pub memory_budget: usize,
}

impl IntakeOptions {
    /// The usual options for this purpose.
    pub fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            allow_unusual: false,
            skip_bad: false,
            max_id_bytes: 255,
            max_ids: match purpose {
                Purpose::Deletion => Some(10_000),
                Purpose::Retrieval => None,
            },
            memory_budget: 48 << 20,
        }
    }
}

/// A row that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The line of a file, counted from 1, or the position in an iterator, counted from 0.
    pub row: u64,
    /// Why, without the value.
    pub reason: &'static str,
}

/// What was taken in.
pub struct Intake {
    /// Distinct ids.
    pub subjects: u64,
    /// Rows merged with an earlier row of the same id.
    pub duplicates: u64,
    /// The first [`MAX_LISTED`] rows that `skip_bad` left out.
    pub refused: Vec<Refused>,
    /// How many rows `skip_bad` left out.
    pub refused_total: u64,
    /// `"line"` or `"position"`: what a row's number counts.
    pub place: &'static str,
    /// What the user should know before going on.
    pub warnings: Vec<String>,
    distinct: Distinct,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake")
            .field("subjects", &self.subjects)
            .field("duplicates", &self.duplicates)
            .field("refused_total", &self.refused_total)
            .finish_non_exhaustive()
    }
}

impl Intake {
    /// The distinct ids in first order, `size` in each batch.
    pub fn into_batches(self, size: usize) -> Batches {
        Batches::new(self.distinct, size)
    }
}

/// Reads a source to its end and keeps its distinct ids, or nothing of it.
pub fn take_in(source: IdSource, options: &IntakeOptions) -> Result<Intake> {
    if options.skip_bad && options.purpose == Purpose::Deletion {
        return Err(Error::new(
            ErrorKind::Config,
            "skip_bad is for retrievals; a deletion is taken in whole or not at all",
        ));
    }
    if !(1..=dedupe::MAX_ID_BYTES).contains(&options.max_id_bytes) {
        return Err(Error::new(
            ErrorKind::Config,
            "max_id_bytes must be between 1 and 65535",
        ));
    }
    let place = source.0.place();
    let mut import = Import {
        options,
        place,
        gathered: Gathered::new(options.memory_budget),
        table: source.0.is_table(),
        rows: 0,
        shapes: Default::default(),
        refused: Vec::new(),
        refused_total: 0,
        any_unusual: false,
    };
    source.0.read(&mut import)?;
    import.finish()
}

struct Import<'a> {
    options: &'a IntakeOptions,
    place: &'static str,
    gathered: Gathered,
    rows: u64,
    /// The ids stand in a column or key of their own.
    table: bool,
    /// For each shape: how many accepted rows have it, and the first few that have not.
    shapes: [(u64, Vec<u64>); guard::Shape::ALL.len()],
    refused: Vec<Refused>,
    refused_total: u64,
    any_unusual: bool,
}

impl Sink for Import<'_> {
    #[inline]
    fn id(&mut self, row: u64, id: &str, made: Made) -> Result<()> {
        let usual = self.rows > 0 && guard::is_usual(id, made, self.options.max_id_bytes);
        if !usual && let Some(problem) = self.problem(id, made) {
            self.any_unusual |= problem.unusual;
            return self.bad(row, problem.reason);
        }
        self.rows += 1;
        if self.options.purpose == Purpose::Deletion {
            self.count_shape(row, id);
        }
        if self.refused_total > 0 && !self.options.skip_bad {
            return Ok(());
        }
        self.gathered.push(id, made)
    }

    fn bad(&mut self, row: u64, reason: &'static str) -> Result<()> {
        self.rows += 1;
        self.refused_total += 1;
        if self.refused.len() < MAX_LISTED {
            self.refused.push(Refused { row, reason });
        }
        Ok(())
    }
}

impl Import<'_> {
    fn problem(&self, id: &str, made: Made) -> Option<guard::Problem> {
        let place = match (self.rows, self.table) {
            (0, false) => guard::Row::First,
            (0, true) => guard::Row::FirstOfTable,
            _ => guard::Row::Other,
        };
        guard::check(id, made, place, self.options.max_id_bytes)
            .filter(|problem| !(problem.unusual && self.options.allow_unusual))
    }

    fn count_shape(&mut self, row: u64, id: &str) {
        let found = guard::Shape::of(id);
        for (shape, (count, others)) in guard::Shape::ALL.into_iter().zip(&mut self.shapes) {
            if found == Some(shape) {
                *count += 1;
            } else if others.len() < 5 {
                others.push(row);
            }
        }
    }

    fn finish(self) -> Result<Intake> {
        if self.refused_total > 0 && !self.options.skip_bad {
            return Err(self.refusal());
        }
        let accepted = self.rows - self.refused_total;
        if accepted == 0 {
            return Err(wrong_list(match self.refused_total {
                0 => "no ids".to_owned(),
                all => format!("no ids: all {all} rows were refused"),
            }));
        }
        if self.options.purpose == Purpose::Deletion && !self.options.allow_unusual {
            self.check_shapes(accepted)?;
        }
        let distinct = self.gathered.finish()?;
        let found = &distinct.found;
        if found.subjects + found.duplicates != accepted {
            return Err(Error::new(
                ErrorKind::Internal,
                "ids were lost while duplicates were merged",
            ));
        }
        if self.options.purpose == Purpose::Deletion {
            check_counts(found, self.options)?;
        }
        let mut warnings = Vec::new();
        if found.lookalikes > 0 {
            warnings.push(format!(
                "{} ids differ from another id only in how accented characters are composed (Unicode NFC and NFD); all are kept as they are",
                found.lookalikes
            ));
        }
        Ok(Intake {
            subjects: found.subjects,
            duplicates: found.duplicates,
            refused: self.refused,
            refused_total: self.refused_total,
            place: self.place,
            warnings,
            distinct,
        })
    }

    /// The one error that tells every refused row.
    fn refusal(&self) -> Error {
        let listed: Vec<String> = self
            .refused
            .iter()
            .map(|refused| format!("{} {}: {}", self.place, refused.row, refused.reason))
            .collect();
        let mut message = format!(
            "{} of {} ids cannot be used: {}",
            self.refused_total,
            self.rows,
            listed.join("; ")
        );
        let unlisted = self.refused_total - self.refused.len() as u64;
        if unlisted > 0 {
            message.extend(["; and ", &unlisted.to_string(), " more"]);
        }
        let mut hint = String::from("Correct these rows; nothing was taken in.");
        if self.place == "line" && self.refused.iter().any(|bad| bad.reason == guard::HEADER) {
            hint.push_str(" A file with a header is a .csv: name the column with column=.");
        }
        if self.any_unusual {
            hint.push_str(" If they are meant, pass allow_unusual.");
        }
        if self.refused.iter().any(|bad| bad.reason == guard::TOO_LONG) {
            hint.extend([
                " An id has at most ",
                &self.options.max_id_bytes.to_string(),
                " bytes.",
            ]);
        }
        if self.options.purpose == Purpose::Retrieval {
            hint.push_str(" To leave them out, pass skip_bad.");
        }
        Error::new(ErrorKind::InvalidInput, message).with_hint(hint)
    }

    /// Nearly all of one shape, and some not: those may be of another column.
    fn check_shapes(&self, accepted: u64) -> Result<()> {
        for (shape, (count, others)) in guard::Shape::ALL.into_iter().zip(&self.shapes) {
            let odd = accepted - count;
            if odd == 0 || odd.saturating_mul(20) > accepted {
                continue;
            }
            let rows: Vec<String> = others
                .iter()
                .map(|row| format!("{} {row}", self.place))
                .collect();
            let more = if odd > rows.len() as u64 { ", ..." } else { "" };
            return Err(wrong_list(format!(
                "{odd} of {accepted} ids are not {} while all the others are: {}{more}; pass allow_unusual if they are meant",
                shape.plural(),
                rows.join(", ")
            )));
        }
        Ok(())
    }
}

fn wrong_list(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
        .with_hint("Check that the right file and column were given; nothing was sent.")
}

/// The whole-set checks of a deletion that need the duplicates to be known.
fn check_counts(found: &Found, options: &IntakeOptions) -> Result<()> {
    let (subjects, duplicates) = (found.subjects, found.duplicates);
    if let Some(most) = options.max_ids.filter(|&most| subjects > most) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{subjects} ids are more than max_ids_per_deletion_plan ({most})"),
        )
        .with_hint("Check that the right file and column were given; if so, raise max_ids_per_deletion_plan."));
    }
    let rows = subjects + duplicates;
    if rows >= FEWEST_ROWS_FOR_SHARES
        && duplicates.saturating_mul(5) > rows
        && !options.allow_unusual
    {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{duplicates} of {rows} rows repeat an earlier id, more than 20 %: is it the right column?"),
        )
        .with_hint("If it is the right one, pass allow_unusual; nothing was sent."));
    }
    Ok(())
}

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod tests;
