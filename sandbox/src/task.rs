//! A task of the vendor: a retrieval or a deletion on its way.

use crate::draw::Draw;
use crate::options::{Options, ScansFreed, TaskIdKind};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskKind {
    Retrieval,
    Deletion,
}

/// The version of the API that a task was made with. The other one does not know it (our
/// assumption; version 2.0 of the documents never mentions version 3.0).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V2,
    V3,
}

/// The documented words; the observations NOT_FOUND and UNKNOWN are not states of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Staging,
    Started,
    Success,
    Failure,
    Revoked,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Staging => "STAGING",
            Self::Started => "STARTED",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Revoked => "REVOKED",
        }
    }

    pub fn is_running(self) -> bool {
        matches!(self, Self::Pending | Self::Staging | Self::Started)
    }

    pub fn is_cancellable(self) -> bool {
        matches!(self, Self::Pending | Self::Staging)
    }
}

/// What a create asked for.
pub(crate) struct Order {
    pub version: Version,
    pub kind: TaskKind,
    pub ids: Vec<String>,
    /// Upper case.
    pub compliance: &'static str,
    pub disclosure: Option<String>,
    pub subject_request_id: Option<String>,
    /// Where the status is told to.
    pub callback_urls: Vec<String>,
}

pub(crate) struct Task {
    pub id: String,
    pub order: Order,
    pub created_ms: i64,
    staging_ms: i64,
    started_ms: i64,
    end_ms: i64,
    end: State,
    revoked_ms: Option<i64>,
    /// Event-days it makes the vendor read.
    pub scans: u64,
    pub polls: u64,
}

impl Task {
    /// `number` counts all tasks from 1.
    pub fn new(options: &Options, number: u64, order: Order, now_ms: i64, scans: u64) -> Self {
        let mut draw = Draw::new(options.seed, "task", &number.to_le_bytes());
        let kind = match order.version {
            Version::V2 => TaskIdKind::Uuid, // documented
            Version::V3 => options.dialect.task_id_kind,
        };
        let id = task_id(kind, now_ms, number, &mut draw);
        let [pending, staging, started] = match &options.job_lognormal {
            None => {
                let job = &options.job_ms;
                [job.pending, job.staging, job.started].map(|range| draw.within(range))
            }
            Some(drawn) => {
                let whole = draw.lognormal(drawn.median_ms, drawn.sigma);
                [whole / 20, whole / 10, whole - whole / 20 - whole / 10]
            }
        };
        let staging_ms = now_ms.saturating_add_unsigned(pending);
        let started_ms = staging_ms.saturating_add_unsigned(staging);
        let end_ms = started_ms.saturating_add_unsigned(started);
        let end = if options.fail_tasks.contains(&number) {
            State::Failure
        } else {
            State::Success
        };
        let revoked_ms = options.revoke_tasks.contains(&number).then_some(started_ms);
        Self {
            id,
            order,
            created_ms: now_ms,
            staging_ms,
            started_ms,
            end_ms,
            end,
            revoked_ms,
            scans,
            polls: 0,
        }
    }

    pub fn state(&self, now_ms: i64) -> State {
        if self.revoked_ms.is_some_and(|at| now_ms >= at) {
            State::Revoked
        } else if now_ms >= self.end_ms {
            self.end
        } else if now_ms >= self.started_ms {
            State::Started
        } else if now_ms >= self.staging_ms {
            State::Staging
        } else {
            State::Pending
        }
    }

    /// The states it has been in by now, and since when.
    pub fn states(&self, now_ms: i64) -> Vec<(i64, State)> {
        let path = [
            (self.created_ms, State::Pending),
            (self.staging_ms, State::Staging),
            (self.started_ms, State::Started),
            (self.end_ms, self.end),
        ];
        let revoked = self.revoked_ms.map(|at| (at, State::Revoked));
        let before = |at: i64| at <= now_ms && self.revoked_ms.is_none_or(|revoked| at < revoked);
        path.into_iter()
            .filter(|(at, _)| before(*at))
            .chain(revoked.filter(|(at, _)| *at <= now_ms))
            .collect()
    }

    /// Milliseconds from its creation to its end.
    pub fn duration_ms(&self) -> i64 {
        self.end_ms.saturating_sub(self.created_ms)
    }

    /// The scans that are outstanding at this time.
    pub fn outstanding(&self, freed: ScansFreed, now_ms: i64) -> u64 {
        if !self.state(now_ms).is_running() {
            return 0;
        }
        match freed {
            ScansFreed::AtEnd => self.scans,
            ScansFreed::Gradually => {
                let whole = self.duration_ms().max(1).unsigned_abs();
                let left = self.end_ms.saturating_sub(now_ms).max(0).unsigned_abs();
                // Up, so that a day counts until it has been read.
                u64::try_from(
                    (u128::from(self.scans) * u128::from(left)).div_ceil(u128::from(whole)),
                )
                .unwrap_or(self.scans)
            }
        }
    }

    pub fn revoke(&mut self, now_ms: i64) {
        self.revoked_ms = Some(now_ms);
    }
}

/// Nanoseconds of the Unix time are the documented sample; the low digits hold the task's number,
/// so that two tasks of one millisecond differ.
fn task_id(kind: TaskIdKind, now_ms: i64, number: u64, draw: &mut Draw) -> String {
    if kind == TaskIdKind::Uuid {
        let (high, low) = (draw.next(), draw.next());
        return format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        );
    }
    let nanoseconds = u64::try_from(now_ms)
        .unwrap_or(0)
        .saturating_mul(1_000_000)
        .saturating_add(number % 1_000_000);
    // A virtual clock may start at zero; an id has 19 digits all the same.
    let floor = 1_500_000_000_000_000_000;
    if nanoseconds < floor {
        nanoseconds + floor
    } else {
        nanoseconds
    }
    .to_string()
}
