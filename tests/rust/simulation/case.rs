//! What a seed stands for: a vendor, some orders, and a list of troubles. A failing case is told,
//! and made smaller, trouble by trouble.

use std::fmt;
use std::time::Duration;

use dsrkit::{AmbiguityPolicy, Kind, Millis};
use dsrkit_sandbox::{Fault, Options};

/// One plan that somebody wants carried out.
#[derive(Clone)]
pub struct Order {
    pub kind: Kind,
    pub ids: Vec<String>,
    pub hold_for: Duration,
    /// When it comes in.
    pub at: Millis,
}

/// How the program of a process drives its runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Waits for each run, all at once.
    Wait,
    /// Reads each run's events.
    Events,
    /// Ticks, and sleeps in between.
    Tick,
    /// Waits, gives up again and again, and waits anew.
    Impatient,
}

/// How an outage looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Nobody listens.
    Refused,
    /// Requests go in, and nothing comes out.
    Silent,
    /// A gateway says 503.
    Gateway,
}

/// One thing that goes wrong. Steps count everything that a process does to the world: the two
/// ends of a call, the two ends of a commit, a wait.
#[derive(Clone)]
pub enum Trouble {
    Vendor(Fault),
    Outage {
        from: Millis,
        to: Millis,
        how: Outage,
    },
    /// The process dies, and the next one starts so much later.
    Crash {
        step: u32,
        later: Millis,
    },
    /// So many commits from this one on cannot be written.
    DiskFull {
        commit: u32,
        times: u32,
    },
    /// The wall clock jumps.
    Jump {
        step: u32,
        by: Millis,
    },
    /// The process stands still, and does not know it.
    Stall {
        step: u32,
        ms: Millis,
    },
    /// Somebody cancels an order.
    Cancel {
        step: u32,
        order: usize,
    },
    /// Other people's deletion of these ids comes in.
    Others {
        step: u32,
        ids: Vec<String>,
    },
    /// The first so many processes have a token that has expired.
    OldToken {
        processes: u32,
    },
    /// The vendor refuses this id.
    BadId(String),
    /// The n-th task fails.
    FailTask(u64),
    /// The n-th task is revoked by the vendor.
    RevokeTask(u64),
    /// The first looks at each task find nothing.
    Lag(u64),
    /// The looks after that say these words.
    Words(Vec<String>),
    /// The vendor takes fewer ids than it says.
    LowLimit(usize),
    /// So many retrievals at a time.
    Budget(u64),
    /// A person decides about what is held: to send it again, or to give it up.
    Decides {
        again: bool,
    },
}

#[derive(Clone)]
pub struct Case {
    pub seed: u64,
    pub orders: Vec<Order>,
    pub vendor: Options,
    /// Ids in a request.
    pub batch: usize,
    /// Whether the client believes in the vendor's 409.
    pub trusts_guard: bool,
    pub policy: AmbiguityPolicy,
    /// Whether requests carry a name of ours.
    pub request_ids: bool,
    pub sqlite: bool,
    /// Whether ids of deletions leave the journal at their end.
    pub seals: bool,
    /// Whether the journal has a place for answers that it cannot take.
    pub rescue: bool,
    /// So many processes at once, each with all orders; the journal has a lease if there are several.
    pub workers: u32,
    /// Whether they give signs of life when they have nothing to write.
    pub beats: bool,
    /// By process, over and over.
    pub manners: Vec<Manner>,
    pub troubles: Vec<Trouble>,
}

impl Case {
    /// What one process does, from 0.
    pub fn manner(&self, process: u32) -> Manner {
        self.manners[process as usize % self.manners.len()]
    }

    /// The vendor, with those troubles that lie in its nature.
    pub fn vendor_options(&self) -> Options {
        let mut options = self.vendor.clone();
        for trouble in &self.troubles {
            match trouble {
                Trouble::BadId(id) => options.bad_ids.push(id.clone()),
                Trouble::FailTask(number) => options.fail_tasks.push(*number),
                Trouble::RevokeTask(number) => options.revoke_tasks.push(*number),
                Trouble::Lag(polls) => options.lag_not_found_polls = *polls,
                Trouble::Words(words) => options.status_words.clone_from(words),
                Trouble::LowLimit(limit) => {
                    options.data_groups = 0;
                    options.deletion_limit = *limit;
                    options.retrieval_limit = *limit;
                }
                Trouble::Budget(tasks) => {
                    options.project_age_days = 100;
                    options.scan_budget_days = 100 * tasks;
                }
                _ => {}
            }
        }
        options
    }

    pub fn jumps(&self) -> impl Iterator<Item = Millis> {
        self.troubles.iter().filter_map(|trouble| match trouble {
            Trouble::Jump { by, .. } => Some(*by),
            _ => None,
        })
    }
}

impl fmt::Display for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "wait",
            Self::Events => "read events",
            Self::Tick => "tick",
            Self::Impatient => "wait, give up, wait again",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for order in &self.orders {
            let n = order.ids.len();
            write!(f, "A {} of {n}", order.kind)?;
            if order.at > 0 {
                write!(f, ", {}", after(order.at))?;
            }
            if !order.hold_for.is_zero() {
                write!(f, ", held for {} s", order.hold_for.as_secs())?;
            }
            writeln!(f, ".")?;
        }
        let (guard, trust) = (self.vendor.dialect.conflict_guard, self.trusts_guard);
        writeln!(
            f,
            "Batches of {}, policy {}; the vendor {} a second deletion, the client {} so; journal in {}; the programs {}.",
            self.batch,
            self.policy,
            if guard { "refuses" } else { "takes" },
            if trust == guard {
                "knows"
            } else {
                "does not know"
            },
            if self.sqlite { "SQLite" } else { "memory" },
            self.manners
                .iter()
                .map(Manner::to_string)
                .collect::<Vec<_>>()
                .join("; then "),
        )?;
        match (self.workers, self.beats) {
            (0 | 1, _) => Ok(()),
            (n, true) => writeln!(f, "{n} processes side by side."),
            (n, false) => writeln!(f, "{n} processes side by side, without signs of life."),
        }
    }
}

/// "2 h 3 min later"
fn after(ms: Millis) -> String {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let (s, rest) = (ms / 1000, ms % 1000);
    let text = match (s / 86_400, s / 3600 % 24, s / 60 % 60, s % 60) {
        (0, 0, 0, 0) => format!("{rest} ms"),
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, min, s) => format!("{min} min {s} s"),
        (0, h, min, _) => format!("{h} h {min} min"),
        (d, h, _, _) => format!("{d} d {h} h"),
    };
    format!("{sign}{text} later")
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vendor(fault) => {
                write!(f, "call {} of {}", fault.nth, fault.on.as_str())?;
                if fault.times > 1 {
                    write!(f, " and the {} after it", fault.times - 1)?;
                }
                write!(f, ": {}", fault.kind.as_str())?;
                if let Some(status) = fault.status {
                    write!(f, " {status}")?;
                }
                if fault.processed {
                    write!(f, ", carried out all the same")?;
                }
                f.write_str(".")
            }
            Self::Outage { from, to, how } => {
                let how = match how {
                    Outage::Refused => "nobody listens",
                    Outage::Silent => "requests go in and nothing comes out",
                    Outage::Gateway => "a gateway says 503",
                };
                let (from, to) = (after(*from), after(*to - *from));
                write!(f, "Outage: {from} {how}; back {to}.")
            }
            Self::Crash { step, later } => {
                write!(
                    f,
                    "The process dies at step {step}; the next one starts {}.",
                    after(*later)
                )
            }
            Self::DiskFull { commit, times } => {
                write!(
                    f,
                    "The disk is full from commit {commit} on, for {times} commits."
                )
            }
            Self::Jump { step, by } => {
                write!(f, "The wall clock jumps at step {step}: {}.", after(*by))
            }
            Self::Stall { step, ms } => {
                write!(
                    f,
                    "The process that takes step {step} stands still and goes on {}.",
                    after(*ms)
                )
            }
            Self::Cancel { step, order } => {
                write!(f, "Somebody cancels order {order} at step {step}.")
            }
            Self::Others { step, ids } => {
                let n = ids.len();
                write!(
                    f,
                    "At step {step} other people ask for the deletion of {n} ids."
                )
            }
            Self::OldToken { processes } => {
                write!(
                    f,
                    "The token of the first {processes} processes is no good."
                )
            }
            Self::BadId(_) => write!(f, "The vendor refuses one of the ids."),
            Self::FailTask(number) => write!(f, "The vendor's task {number} fails."),
            Self::RevokeTask(number) => write!(f, "The vendor revokes its task {number}."),
            Self::Lag(polls) => write!(f, "The first {polls} looks at a task find nothing."),
            Self::Words(words) => write!(f, "Then the looks say {}.", words.join(", ")),
            Self::LowLimit(limit) => write!(f, "The vendor takes {limit} ids in a request."),
            Self::Decides { again: true } => write!(f, "What is held is sent again by a person."),
            Self::Decides { again: false } => write!(f, "What is held is given up by a person."),
            Self::Budget(tasks) => write!(f, "The vendor takes {tasks} retrievals at a time."),
        }
    }
}
