//! The deadline of a run: said aloud before it is missed.

use super::book::{Book, RunBook};
use super::plan::counted;
use super::project::Project;
use crate::error::Result;
use crate::journal::{BatchState, Change};
use crate::model::Millis;
use crate::model::event::EventKind;

const DAY: Millis = 86_400_000;
/// How long before the deadline each warning is given.
const WARNINGS: [Millis; 3] = [7 * DAY, DAY, 0];

/// When the next warning about a run is due.
pub(super) fn next(run: &RunBook) -> Option<Millis> {
    let before = WARNINGS.get(run.row.warned as usize)?;
    Some(run.row.deadline_at.saturating_sub(*before))
}

/// People whose request is not answered: under way, or waiting for a person.
pub(super) fn unanswered(run: &RunBook) -> u64 {
    let unanswered = |state| {
        matches!(
            state,
            BatchState::Ready
                | BatchState::Sending
                | BatchState::Ambiguous
                | BatchState::Submitted
                | BatchState::Held
        )
    };
    run.batches
        .iter()
        .filter(|batch| unanswered(batch.state))
        .map(|batch| u64::from(batch.n))
        .sum()
}

/// "in 3 days", "in 5 hours", "passed 2 days ago".
pub(super) fn distance(deadline: Millis, now: Millis) -> String {
    let left = deadline - now;
    let (count, unit) = match left.unsigned_abs() / 3_600_000 {
        hours @ 0..48 => (hours, "hour"),
        hours => (hours / 24, "day"),
    };
    let many = if count == 1 { "" } else { "s" };
    if left > 0 {
        format!("in {count} {unit}{many}")
    } else {
        format!("passed {count} {unit}{many} ago")
    }
}

/// Gives the warning that is due; those that were missed meanwhile are not made up for.
pub(super) fn warn(project: &Project, book: &mut Book, run: &str) -> Result<()> {
    let now = project.now();
    let book_of_run = book.run(run)?;
    let mut row = book_of_run.row.clone();
    let due = |before: &&Millis| now >= row.deadline_at.saturating_sub(**before);
    let passed = WARNINGS.iter().filter(due).count();
    row.warned = u32::try_from(passed).unwrap_or(u32::MAX);
    let text = format!(
        "the legal deadline {}: {} without an answer",
        match distance(row.deadline_at, now) {
            passed if passed.starts_with("passed") => passed,
            soon => format!("is {soon}"),
        },
        counted(unanswered(book_of_run), "person")
    );
    let event = book_of_run.event(now, EventKind::Deadline, None, None, text);
    book.commit(project.journal.as_ref(), run, vec![Change::Run(row), event])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_said_in_hours_then_days() {
        let hour = 3_600_000;
        for (left, text) in [
            (1, "in 0 hours"),
            (0, "passed 0 hours ago"),
            (hour, "in 1 hour"),
            (47 * hour, "in 47 hours"),
            (48 * hour, "in 2 days"),
            (7 * DAY, "in 7 days"),
            (-hour, "passed 1 hour ago"),
            (-3 * DAY, "passed 3 days ago"),
        ] {
            assert_eq!(distance(left, 0), text);
        }
    }
}
