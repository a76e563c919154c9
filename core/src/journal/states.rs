//! The state machines, each as one table: what may follow what. Whatever is not here is a bug, and
//! no journal takes it. `docs/DESIGN.md` draws them; a test keeps the drawings true.

use std::fmt::Display;

use crate::error::{Error, ErrorKind, Result};
use crate::model::event::words;
use crate::model::job::JobStatus;

words! {
    /// Where a batch stands.
    BatchState {
        /// Planned, not started.
        Frozen = "FROZEN",
        /// To be sent.
        Ready = "READY",
        /// The intent to send is on disk; the answer is not.
        Sending = "SENDING",
        /// Sent; it cannot be told whether the vendor took it.
        Ambiguous = "AMBIGUOUS",
        /// The vendor has it.
        Submitted = "SUBMITTED",
        /// Ended well.
        Done = "DONE",
        /// The vendor's task failed.
        Failed = "FAILED",
        /// The vendor's task was cancelled.
        Revoked = "REVOKED",
        /// Cancelled before it was sent.
        Cancelled = "CANCELLED",
        /// Replaced by its children; never sent again.
        Split = "SPLIT",
        /// Waits for a person.
        Held = "HELD",
        /// Refused by the vendor for good.
        Rejected = "REJECTED",
    }
}

words! {
    /// How one POST ended.
    AttemptState {
        /// Intent committed, no answer committed yet.
        Sending = "SENDING",
        /// Answered with a task id.
        Accepted = "ACCEPTED",
        /// Answered 409 by exactly our ids.
        Adopted = "ADOPTED",
        /// Certainly not created.
        NotCreated = "NOT_CREATED",
        /// Refused for good.
        Rejected = "REJECTED",
        /// Cannot be told.
        Ambiguous = "AMBIGUOUS",
        /// A success answer without a usable task id.
        CreatedUntracked = "CREATED_UNTRACKED",
    }
}

words! {
    /// What became of cancelling a job.
    CancelState {
        /// Nobody asked.
        None = "NONE",
        /// Asked, of a task that was found and not made: its ids are looked at first.
        Wanted = "WANTED",
        /// Asked; committed before the call is sent.
        Requested = "REQUESTED",
        /// The vendor confirmed it.
        Revoked = "REVOKED",
        /// The vendor had started.
        TooLate = "TOO_LATE",
        /// No usable answer.
        Unknown = "UNKNOWN",
        /// Not sent: the task carries other people than ours.
        Refused = "REFUSED",
    }
}

impl CancelState {
    /// Whether a call is still to be made for it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Wanted | Self::Requested)
    }
}

words! {
    /// Where a job came from.
    JobOrigin {
        /// Created by a POST of this run.
        Created = "created",
        /// Found through a 409 after an answer of ours was lost.
        Adopted = "adopted",
        /// Found through a 409, or sent by another run; somebody else's.
        Elsewhere = "elsewhere",
        /// Named by a person for a held batch, and found to carry exactly its ids.
        Manual = "manual",
    }
}

/// A state machine: each state with those that may follow it.
pub type Table<S> = [(S, &'static [S])];

/// A batch.
pub const BATCH_TRANSITIONS: &Table<BatchState> = {
    use BatchState::{
        Ambiguous, Cancelled, Done, Failed, Frozen, Held, Ready, Rejected, Revoked, Sending, Split,
        Submitted,
    };
    &[
        (Frozen, &[Ready, Cancelled]),
        // SPLIT unsent: another run's task deletes some of its people already.
        (Ready, &[Sending, Split, Cancelled, Held]),
        // READY only when the request certainly created nothing.
        (
            Sending,
            &[Ready, Ambiguous, Submitted, Rejected, Split, Held],
        ),
        (Ambiguous, &[Sending, Submitted, Held]),
        // READY again only by a person's decision about a lost or unreadable job.
        (Submitted, &[Done, Failed, Revoked, Held]),
        // A person decides: send again, follow a task, or let it be (FAILED when a request of it
        // may have been carried out, CANCELLED when none was).
        (Held, &[Ready, Submitted, Failed, Cancelled]),
        (Rejected, &[Ready, Cancelled]),
        (Done, &[]),
        (Failed, &[]),
        (Revoked, &[]),
        (Cancelled, &[]),
        (Split, &[]),
    ]
};

/// One POST of a batch.
pub const ATTEMPT_TRANSITIONS: &Table<AttemptState> = {
    use AttemptState::{
        Accepted, Adopted, Ambiguous, CreatedUntracked, NotCreated, Rejected, Sending,
    };
    &[
        (
            Sending,
            &[
                Accepted,
                Adopted,
                NotCreated,
                Rejected,
                Ambiguous,
                CreatedUntracked,
            ],
        ),
        (Accepted, &[]),
        (Adopted, &[]),
        (NotCreated, &[]),
        (Rejected, &[]),
        // Once unknown, unknown in the account for ever: a later attempt or a look at a task
        // resolves the batch, not the attempt.
        (Ambiguous, &[]),
        (CreatedUntracked, &[]),
    ]
};

/// A vendor task, by its documented words. NOT_FOUND and UNKNOWN are observations and never a
/// state; a word that is not documented stands beside PENDING.
pub const JOB_TRANSITIONS: &Table<JobStatus> = {
    use JobStatus::{Failure, Pending, Revoked, Staging, Started, Success};
    &[
        (Pending, &[Staging, Started, Success, Failure, Revoked]),
        (Staging, &[Started, Success, Failure, Revoked]),
        (Started, &[Success, Failure, Revoked]),
        (Success, &[]),
        (Failure, &[]),
        (Revoked, &[]),
    ]
};

/// The cancelling of a job.
pub const CANCEL_TRANSITIONS: &Table<CancelState> = {
    use CancelState::{None, Refused, Requested, Revoked, TooLate, Unknown, Wanted};
    &[
        // Straight to TOO_LATE when the task has ended, or the vendor offers no cancel.
        (None, &[Wanted, Requested, TooLate]),
        // A task that was found, not made: its ids are compared with ours before it is touched.
        (Wanted, &[Requested, Refused, TooLate, Unknown]),
        (Requested, &[Revoked, TooLate, Unknown]),
        // The vendor said yes, and its status says no: the status is believed.
        (Revoked, &[TooLate]),
        (TooLate, &[]),
        (Unknown, &[]),
        (Refused, &[]),
    ]
};

/// Whether `to` may follow `from`. Staying is always allowed.
pub fn may_follow<S: PartialEq>(table: &Table<S>, from: &S, to: &S) -> bool {
    from == to
        || table
            .iter()
            .any(|(state, next)| state == from && next.contains(to))
}

/// Refuses a transition that is not in the table.
pub(super) fn check<S: PartialEq + Display>(
    what: &str,
    table: &Table<S>,
    from: &S,
    to: &S,
) -> Result<()> {
    if may_follow(table, from, to) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Internal,
        format!("{what} cannot go from {from} to {to}"),
    ))
}

/// A job's status as a state machine sees it: a word of its own stands beside PENDING.
pub(super) fn check_job(from: &JobStatus, to: &JobStatus) -> Result<()> {
    let plain = |status: &JobStatus| match status {
        JobStatus::Other(_) => JobStatus::Pending,
        status => status.clone(),
    };
    if to.is_observation() {
        return Err(Error::new(
            ErrorKind::Internal,
            "NOT_FOUND and UNKNOWN tell about the look-up, not about the task",
        ));
    }
    check("a task", JOB_TRANSITIONS, &plain(from), &plain(to))
}
