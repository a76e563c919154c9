//! The world that the processes live in: the vendor, the disk, the time, and what goes wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use dsrkit::Millis;
use dsrkit::journal::{Journal, Rescued};
use dsrkit_sandbox as vendor;
use dsrkit_sandbox::{Fault, FaultKind, Host, Operation};
use tokio::sync::Notify;

use super::case::{Case, Outage, Trouble};
use super::draw::Draw;
use super::facts::{Facts, Post};
use super::invariants;
use super::lease::Lease;
use super::time::{START, Time};

/// No case that comes to rest takes more.
const STEPS_MAX: u32 = 60_000;

/// A program that runs.
#[derive(Default)]
pub struct Process {
    pub ended: Notify,
    pub cancels: Notify,
}

pub struct State {
    pub vendor: vendor::World,
    /// What the disk holds.
    pub journal: Arc<dyn Journal>,
    pub rescued: Vec<Rescued>,
    pub facts: Facts,
    /// The one that acts; those that live have the numbers from `first` on.
    pub process: u32,
    first: u32,
    dead: bool,
    pub lease: Lease,
    /// When somebody last had the turn.
    turn: Millis,
    /// Until when a process stands still.
    stalled: BTreeMap<u32, Millis>,
    pub steps: u32,
    pub commits: u32,
    /// Orders that somebody wants cancelled.
    pub cancels: Vec<usize>,
    /// When the last trouble struck.
    pub last_trouble: Millis,
    /// Calls that nobody answered because nobody listened: the time, and whether it was a create.
    pub refused: Vec<(Millis, bool)>,
    restart: Millis,
    pub violation: Option<String>,
    pub log: Option<Vec<String>>,
    /// Calls of ours, whatever came of them.
    pub calls: u64,
}

pub struct World {
    pub case: Case,
    pub time: Arc<Time>,
    pub place: tempfile::TempDir,
    state: Mutex<State>,
    current: Mutex<Arc<Process>>,
}

/// How long a client waits for an answer.
pub const PATIENCE: Millis = 60_000;

/// What came of a call.
pub enum Arrival {
    Answered(vendor::Reply),
    Refused,
    Lost,
}

impl World {
    pub fn new(case: &Case, record: bool) -> Arc<Self> {
        let mut vendor = vendor::World::new(case.vendor_options());
        vendor.set_store_base_url("http://127.0.0.1:2");
        let faults = case.troubles.iter().filter_map(|trouble| match trouble {
            Trouble::Vendor(fault) => Some(fault.clone()),
            _ => None,
        });
        vendor.add_faults(faults.collect()).unwrap();
        let journal = dsrkit::journal::memory::MemoryJournal::with_key([7; 32]);
        let state = State {
            vendor,
            journal: Arc::new(journal),
            rescued: Vec::new(),
            facts: Facts::new(case),
            process: 0,
            first: 1,
            dead: true,
            lease: Lease::default(),
            turn: -1,
            stalled: BTreeMap::new(),
            steps: 0,
            commits: 0,
            cancels: Vec::new(),
            last_trouble: 0,
            refused: Vec::new(),
            restart: 0,
            violation: None,
            log: record.then(Vec::new),
            calls: 0,
        };
        Arc::new(Self {
            case: case.clone(),
            time: Arc::default(),
            place: super::run::folder(),
            state: Mutex::new(state),
            current: Mutex::default(),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn process(&self) -> Arc<Process> {
        Arc::clone(&self.current.lock().unwrap())
    }

    /// A new process begins, or several; gives the first one's number.
    pub fn begin(&self, journal: Option<Arc<dyn Journal>>) -> u32 {
        *self.current.lock().unwrap() = Arc::default();
        let mut state = self.state();
        if state.process > 0 {
            state.first += self.case.workers;
        }
        state.process = state.first;
        state.dead = false;
        state.stalled.clear();
        if let Some(journal) = journal {
            state.journal = journal;
        }
        state.process
    }

    /// The process has ended, one way or another: nothing of it counts from here on. Gives how
    /// much later the next one starts.
    pub fn end(&self) -> Millis {
        let mut state = self.state();
        state.dead = true;
        std::mem::take(&mut state.restart)
    }

    pub fn alive(&self, process: u32) -> bool {
        let state = self.state();
        (state.first..state.first + self.case.workers).contains(&process) && !state.dead
    }

    pub fn note(&self, line: impl FnOnce() -> String) {
        let now = self.time.now();
        let mut state = self.state();
        let (process, step) = (state.process, state.steps);
        if let Some(log) = &mut state.log {
            log.push(format!("{now:>12} p{process} #{step:<4} {}", line()));
        }
    }

    /// Something is not as it must be. The first such thing counts, and ends the process.
    pub fn violated(&self, what: String) {
        let mut state = self.state();
        state.violation.get_or_insert(what);
        state.dead = true;
        drop(state);
        self.process().ended.notify_one();
    }

    /// One step of a process: troubles strike here. Gives whether it lives on.
    pub fn step(&self, process: u32, what: impl FnOnce() -> String) -> bool {
        if !self.alive(process) {
            return false;
        }
        let step = {
            let mut state = self.state();
            state.steps += 1;
            state.process = process;
            state.steps
        };
        self.note(what);
        if step > STEPS_MAX {
            self.violated("I15: it does not come to rest".to_owned());
            return false;
        }
        for trouble in &self.case.troubles {
            match trouble {
                Trouble::Crash { step: at, later } if *at == step => {
                    self.strike(trouble);
                    let mut state = self.state();
                    state.dead = true;
                    state.restart = *later;
                    drop(state);
                    self.process().ended.notify_one();
                }
                Trouble::Jump { step: at, by } if *at == step => {
                    self.strike(trouble);
                    self.time.jump(*by);
                }
                Trouble::Stall { step: at, ms } if *at == step => {
                    self.strike(trouble);
                    let until = self.time.now() + ms;
                    let mut state = self.state();
                    state.stalled.insert(process, until);
                    state.last_trouble = until;
                }
                Trouble::Cancel { step: at, order } if *at == step => {
                    self.strike(trouble);
                    self.state().cancels.push(*order);
                    // Each worker hears of it.
                    self.process().cancels.notify_waiters();
                    self.process().cancels.notify_one();
                }
                Trouble::Others { step: at, ids } if *at == step => {
                    self.strike(trouble);
                    self.others(ids);
                }
                _ => {}
            }
        }
        self.alive(process)
    }

    /// One in each millisecond.
    pub fn turn(&self) -> bool {
        let now = self.time.now();
        std::mem::replace(&mut self.state().turn, now) != now
    }

    /// Until when a process stands still, if it does.
    pub fn stalled(&self, process: u32) -> Option<Millis> {
        let until = self.state().stalled.get(&process).copied();
        until.filter(|until| *until > self.time.now())
    }

    /// Goes on when the process does, and the others meanwhile.
    pub async fn stand_still(&self, process: u32, on_its_way: bool) {
        while let Some(until) = self.stalled(process) {
            self.time.sleep(until, on_its_way).await;
        }
    }

    fn strike(&self, trouble: &Trouble) {
        self.note(|| format!("!! {trouble}"));
        self.struck();
    }

    fn struck(&self) {
        self.state().last_trouble = self.time.now();
    }

    /// Whether a commit can be written now.
    pub fn room(&self) -> bool {
        let commit = {
            let mut state = self.state();
            state.commits += 1;
            state.commits
        };
        let full = self.case.troubles.iter().any(|trouble| {
            matches!(trouble, Trouble::DiskFull { commit: at, times }
                if (*at..at + times).contains(&commit))
        });
        if full {
            self.struck();
            self.note(|| "the disk is full".to_owned());
        }
        !full
    }

    /// How long the next call is on its way, there and back.
    pub fn way(&self) -> (Millis, Millis) {
        let mut state = self.state();
        state.calls += 1;
        let mut draw = Draw::new(self.case.seed.wrapping_add(state.calls << 20), "way");
        let slow = if draw.chance(5) { 20_000 } else { 300 };
        (draw.within(1, slow), draw.within(1, slow))
    }

    /// A request of ours leaves: what must hold of it is checked here, for a process may stand still
    /// at any time after this. Gives what is known of a create.
    pub fn leaves(
        &self,
        process: u32,
        host: Host,
        request: &vendor::Request,
    ) -> Result<Option<Post>, ()> {
        let now = self.time.now();
        let checked = {
            let state = self.state();
            let leased = match (self.case.workers, host) {
                (2.., Host::Api) => state.lease.may_leave(process, now, PATIENCE),
                _ => Ok(()),
            };
            leased.and_then(|()| {
                invariants::before_a_call(&state, &self.case, host, request, START + now)
            })
        };
        checked.map_err(|what| self.violated(what))
    }

    /// A request of ours arrives. Late is one whose process stood still on the way: nobody keeps
    /// the pace with it.
    pub fn arrives(
        &self,
        process: u32,
        host: Host,
        request: &vendor::Request,
        post: Option<Post>,
        late: bool,
    ) -> Arrival {
        let now = self.time.now();
        let create = request.method == "POST";
        let outage = self.case.troubles.iter().find_map(|trouble| match trouble {
            Trouble::Outage { from, to, how } if (*from..*to).contains(&now) => Some((*to, *how)),
            _ => None,
        });
        let mut state = self.state();
        if let Some((to, _)) = outage {
            state.last_trouble = to;
        }
        if let Some((_, Outage::Refused)) = outage {
            state.refused.push((now, create));
            drop(state);
            self.note(|| format!("{} nobody listens", request.method));
            return Arrival::Refused;
        }
        if host == Host::Api && !late {
            let paced = invariants::i8(&state.facts, START + now);
            if let Err(what) = paced {
                drop(state);
                self.violated(what);
                return Arrival::Lost;
            }
            state.facts.called(START + now);
        }
        match outage {
            Some((_, Outage::Silent)) => ambush(&mut state.vendor, FaultKind::DropBefore),
            Some((_, Outage::Gateway)) => ambush(&mut state.vendor, FaultKind::Status),
            _ => {}
        }
        let reply = state.vendor.handle(host, request, START + now);
        let entry = state.vendor.ledger().last().cloned().unwrap();
        if entry.fault.is_some() {
            state.last_trouble = state.last_trouble.max(now);
        }
        if let Some(post) = post {
            let carried_out = entry.processed.then(|| entry.task_id.clone()).flatten();
            let post = Post {
                process,
                task: carried_out,
                told: entry.fault.is_none() && entry.wire == "normal",
                ..post
            };
            state.facts.posts.push(post);
        }
        drop(state);
        self.note(|| {
            let status = entry
                .status
                .map_or("no answer".to_owned(), |s| s.to_string());
            let fault = entry.fault.map_or("", FaultKind::as_str);
            let task = entry.task_id.unwrap_or_default();
            let n = entry.ids.len();
            format!(
                "{} of {n} {task} -> {status} {fault}",
                entry.operation.as_str()
            )
        });
        match reply.wire {
            vendor::Wire::DropBeforeProcessing | vendor::Wire::DropAfterProcessing => Arrival::Lost,
            _ => Arrival::Answered(reply),
        }
    }
}

fn ambush(vendor: &mut vendor::World, kind: FaultKind) {
    let fault = Fault::new(Operation::Any, kind);
    let fault = match kind {
        FaultKind::Status => fault.status(503),
        _ => fault,
    };
    vendor.add_faults(vec![fault]).unwrap();
}
