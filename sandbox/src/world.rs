//! The vendor as a pure state machine: no sockets, no clock, no threads.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

use crate::fault::{self, Armed, Fault};
use crate::ledger::{self, Entry, Operation, Summary};
use crate::log::{Line, Log};
use crate::message::{Host, Reply, Request, Wire};
use crate::mixpanel;
use crate::mixpeek;
use crate::options::Options;
use crate::seen::Seen;
use crate::store;
use crate::task::Task;

/// The simulated vendor.
///
/// The same options and the same requests at the same times give the same answers, byte for byte.
pub struct World {
    pub(crate) options: Options,
    pub(crate) store_base: String,
    pub(crate) now_ms: i64,
    pub(crate) tasks: Vec<Task>,
    pub(crate) by_id: HashMap<String, usize>,
    /// The last deletion that holds an id.
    pub(crate) deletions: HashMap<String, usize>,
    /// The last few archives made; any other is made again, byte for byte.
    pub(crate) archives: VecDeque<(store::Which, Vec<u8>)>,
    /// Callbacks that were made: when each is due again, unless it was taken.
    pub(crate) called: HashMap<String, Option<i64>>,
    faults: Vec<Armed>,
    last_call_ms: Option<i64>,
    ledger: Vec<Entry>,
    log: Option<Log>,
}

/// What a request asks for, found from its method and path alone.
pub(crate) struct Route {
    pub operation: Operation,
    pub task_id: Option<String>,
    pub action: Action,
}

pub(crate) enum Action {
    /// The operation itself.
    Carry,
    /// The other form of the path exists.
    MovedTo(String),
    /// Nothing here.
    Missing,
    /// Other methods are served here: these.
    WrongMethod(&'static str),
}

impl World {
    /// A vendor that forgets everything when it is dropped.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            store_base: "http://127.0.0.1".into(),
            now_ms: 0,
            tasks: Vec::new(),
            by_id: HashMap::new(),
            deletions: HashMap::new(),
            archives: VecDeque::new(),
            called: HashMap::new(),
            faults: Vec::new(),
            last_call_ms: None,
            ledger: Vec::new(),
            log: None,
        }
    }

    /// A vendor that survives its process: each request is in the file before its answer is given
    /// out, and opening the file again replays them. A line that was cut short by a kill is cut off.
    ///
    /// Fails when another process has the file open, or when it was written with other options.
    pub fn open(options: Options, path: &Path) -> io::Result<Self> {
        let (log, lines) = Log::open(path, &options)?;
        let mut world = Self::new(options);
        for line in lines {
            world.apply(line);
        }
        world.log = Some(log);
        Ok(world)
    }

    /// Where links of archives point to: scheme, host and port, without a slash at the end.
    pub fn set_store_base_url(&mut self, url: &str) {
        url.trim_end_matches('/').clone_into(&mut self.store_base);
    }

    /// As given.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// One request and its answer. Time never runs back: an earlier `now_ms` counts as the last one.
    pub fn handle(&mut self, host: Host, request: &Request, now_ms: i64) -> Reply {
        let seen = Seen::new(host, request, now_ms.max(self.now_ms), &self.options);
        match self.commit(Line::Request(Box::new(seen))) {
            Ok(Some(reply)) => reply,
            Ok(None) => Reply::empty(500),
            Err(_) => Reply::typed(
                500,
                "text/plain",
                b"the sandbox could not write its state file".to_vec(),
            ),
        }
    }

    /// Faults to come; calls are counted from now on.
    pub fn add_faults(&mut self, faults: Vec<Fault>) -> io::Result<()> {
        for fault in &faults {
            fault
                .check()
                .map_err(|text| io::Error::new(io::ErrorKind::InvalidInput, text))?;
        }
        self.commit(Line::Faults {
            at_ms: self.now_ms,
            faults,
        })
        .map(|_| ())
    }

    /// Records that it is now that late, so that [`World::last_now_ms`] knows after a restart.
    pub fn note_now(&mut self, now_ms: i64) -> io::Result<()> {
        self.commit(Line::Now {
            at_ms: now_ms.max(self.now_ms),
        })
        .map(|_| ())
    }

    /// The time of the last thing that happened; 0 when nothing has.
    pub fn last_now_ms(&self) -> i64 {
        self.now_ms
    }

    /// How long each task takes, in the order they were made, in milliseconds. For judging a client;
    /// no client can see it.
    pub fn durations_ms(&self) -> Vec<i64> {
        self.tasks.iter().map(Task::duration_ms).collect()
    }

    /// Every request that reached the vendor, in order.
    pub fn ledger(&self) -> &[Entry] {
        &self.ledger
    }

    /// The ledger in numbers.
    pub fn summary(&self) -> Summary {
        ledger::summary(&self.ledger)
    }

    /// Written first, then done: whoever is killed in between finds it done after the replay.
    pub(crate) fn commit(&mut self, line: Line) -> io::Result<Option<Reply>> {
        if let Some(log) = &mut self.log {
            log.append(&line)?;
        }
        Ok(self.apply(line))
    }

    pub(crate) fn apply(&mut self, line: Line) -> Option<Reply> {
        match line {
            Line::Called { at_ms } => {
                self.now_ms = at_ms;
                self.mark_called();
                None
            }
            Line::Answered { call, status } => {
                self.mark_answered(call, status);
                None
            }
            Line::Start { .. } => None,
            Line::Now { at_ms } => {
                self.now_ms = at_ms;
                None
            }
            Line::Faults { faults, .. } => {
                self.faults.extend(fault::arm(faults));
                None
            }
            Line::Request(seen) => Some(self.process(&seen)),
        }
    }

    fn process(&mut self, seen: &Seen) -> Reply {
        self.now_ms = seen.at_ms;
        let route = match seen.host {
            Host::Api if mixpeek::is_path(&seen.path) => mixpeek::route(&seen.method, &seen.path),
            Host::Api => mixpanel::route(&self.options.dialect, &seen.method, &seen.path),
            Host::Store => store::route(&seen.method, &seen.path),
        };
        let mut entry = self.entry(seen, &route);
        let paced = seen.host == Host::Api && !mixpeek::is_path(&seen.path);
        let reply = if paced && self.too_early() {
            self.too_many_requests(mixpanel::RATE_TEXT)
        } else {
            match fault::strike(&mut self.faults, route.operation) {
                None => self.carry_out(seen, &route, &mut entry, None),
                Some(fault) => {
                    entry.fault = Some(fault.kind);
                    self.carry_out_with(&fault, seen, &route, &mut entry)
                }
            }
        };
        let answered = !matches!(
            reply.wire,
            Wire::DropBeforeProcessing | Wire::DropAfterProcessing
        );
        entry.status = answered.then_some(reply.status);
        entry.wire = reply.wire.as_str();
        self.ledger.push(entry);
        reply
    }

    /// The limit is measured from the last call that was not itself refused for it, so a client that
    /// hammers is let through once an interval (our assumption).
    fn too_early(&mut self) -> bool {
        let early = self
            .last_call_ms
            .is_some_and(|last| self.now_ms - last < self.options.rate_interval_ms);
        if !early {
            self.last_call_ms = Some(self.now_ms);
        }
        early
    }

    /// The healthy way; the fault is only for what cannot be done to a finished answer.
    pub(crate) fn carry_out(
        &mut self,
        seen: &Seen,
        route: &Route,
        entry: &mut Entry,
        fault: Option<&Fault>,
    ) -> Reply {
        let reply = match (&route.action, seen.host) {
            (Action::Missing | Action::WrongMethod(_), _) if mixpeek::is_path(&seen.path) => {
                mixpeek::nothing(&route.action)
            }
            (Action::MovedTo(path), _) => Reply::redirect(301, path),
            (Action::Missing, _) => self.refuse(404, "Not found"),
            (Action::WrongMethod(allowed), _) => self
                .refuse(405, "Method not allowed")
                .with("allow", allowed),
            (Action::Carry, Host::Api) if mixpeek::is_path(&seen.path) => {
                self.dsar(seen, route, entry)
            }
            (Action::Carry, Host::Api) => self.call(seen, route, entry, fault),
            (Action::Carry, Host::Store) => self.download(seen, route, fault),
        };
        entry.processed = matches!(route.action, Action::Carry) && reply.is_success();
        reply
    }

    fn entry(&self, seen: &Seen, route: &Route) -> Entry {
        let asked = mixpanel::Asked::read(&seen.body());
        Entry {
            seq: self.ledger.len() as u64 + 1,
            at_ms: seen.at_ms,
            host: seen.host,
            operation: route.operation,
            method: seen.method.clone(),
            path: seen.path.clone(),
            status: None,
            wire: Wire::Normal.as_str(),
            fault: None,
            auth: seen.auth.as_ref().map(|c| c.fingerprint.clone()),
            token: seen.token.as_ref().map(|c| c.fingerprint.clone()),
            credentials: seen.credentials,
            header_names: seen.header_names.clone(),
            ids: asked.ids,
            compliance_type: asked.compliance_type,
            disclosure_type: asked.disclosure_type,
            task_id: route.task_id.clone(),
            processed: false,
        }
    }
}
