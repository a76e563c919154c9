//! One simulation from its first process to its last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dsrkit::Millis;
use dsrkit::journal::Journal;
use dsrkit::journal::memory::MemoryJournal;
use dsrkit::journal::sqlite::SqliteJournal;

use super::case::Case;
use super::chance::{DAY, SECOND};
use super::lease::{BEAT, LATE};
use super::operator::{self, End};
use super::truth;
use super::world::{PATIENCE, State, World};

/// What came of a case.
pub struct Outcome {
    pub violation: Option<String>,
    pub steps: u32,
    pub processes: u32,
    /// The least time between two calls, as the vendor saw it.
    pub gap: Option<Millis>,
    /// Creates that made a task, and those whose ids had been in one before.
    pub made: usize,
    pub repeated: usize,
    /// The states, words and faults that were met: what a simulation never meets it does not test.
    pub met: BTreeSet<String>,
    /// How many ids of cancelled runs ended how.
    pub cancelled: BTreeMap<String, u64>,
    /// How often the journal went from one process to another.
    pub terms: u64,
    pub log: Vec<String>,
}

enum Ended {
    Here(End),
    Killed,
    Stuck,
    Failed(String),
}

/// A folder of its own, in memory where there is such a place: nothing here outlives the test.
pub fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}

/// Lives through a case.
pub fn simulate(case: &Case, record: bool) -> Outcome {
    simulate_in(&World::new(case, record))
}

/// The same in a world that somebody else keeps.
pub fn simulate_in(world: &Arc<World>) -> Outcome {
    let case = &world.case;
    let (mut processes, mut settled) = (0, false);
    // The process after the last one finds everything done.
    while world.state().violation.is_none() {
        let journal = case.sqlite.then(|| sqlite(world));
        let process = world.begin(journal);
        processes += 1;
        let ended = one_process(world, process, settled);
        let later = world.end();
        if case.sqlite {
            // Lets go of the file.
            world.state().journal = Arc::new(MemoryJournal::with_key([7; 32]));
        }
        world.time.pass(later);
        match ended {
            Ended::Here(End::Settled) if settled => break,
            Ended::Here(End::Settled) => settled = true,
            Ended::Here(End::NewToken) => world.state().last_trouble = world.time.now(),
            Ended::Killed => {
                let now = world.time.now();
                let mut state = world.state();
                state.last_trouble = state.last_trouble.max(now);
            }
            Ended::Stuck => world.violated("I15: nothing is due and nothing is done".to_owned()),
            Ended::Failed(what) => world.violated(what),
        }
    }
    outcome(world, processes)
}

fn sqlite(world: &World) -> Arc<dyn Journal> {
    Arc::new(SqliteJournal::open(&world.place.path().join("dsr.sqlite3")).unwrap())
}

fn one_process(world: &Arc<World>, number: u32, settled: bool) -> Ended {
    world.note(|| "a process starts".to_owned());
    let time = Arc::clone(&world.time);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .on_thread_park(move || time.idle())
        .build()
        .unwrap();
    let process = world.process();
    runtime.block_on(async {
        tokio::select! { biased;
            () = process.ended.notified() => Ended::Killed,
            () = world.time.stuck() => Ended::Stuck,
            ended = life(world, number, settled) => ended,
        }
    })
    // Everything that the process had under way ends with its runtime.
}

async fn life(world: &Arc<World>, first: u32, settled: bool) -> Ended {
    let mut workers = Vec::new();
    let before = world.state().calls;
    for process in first..first + world.case.workers {
        let client = match operator::open(world, process).await {
            Ok(client) => client,
            Err(error) => return Ended::Failed(format!("no client: {error}")),
        };
        if world.case.workers > 1 && world.case.beats {
            tokio::spawn(beat(Arc::clone(world), process));
        }
        let (here, its) = (Arc::clone(world), client.clone());
        let work = tokio::spawn(async move {
            let end = operator::work(&here, process, &its).await;
            if here.case.workers > 1 {
                // Nobody ends with a call under way.
                let calls = here.time.now() + 2 * PATIENCE;
                here.time.sleep(calls, false).await;
                here.stand_still(process, false).await;
                here.state().lease.release(process, here.time.now());
            }
            end
        });
        workers.push((client, work));
    }
    let mut end = End::Settled;
    let mut clients = Vec::new();
    for (client, work) in workers {
        match work.await {
            Ok(End::Settled) => clients.push(client),
            Ok(End::NewToken) => end = End::NewToken,
            Err(error) => return Ended::Failed(format!("a panic: {error}")),
        }
    }
    if end == End::NewToken {
        return Ended::Here(end);
    }
    if settled && world.state().calls != before {
        return Ended::Failed("I9: all was done, and the next process called".to_owned());
    }
    if let (1, true, [client]) = (world.case.workers, settled, &clients[..]) {
        // Sealing that the disk refused is tried again when a program closes its client.
        while client.close().await.is_err() {
            operator::sleep(world, first, SECOND).await;
        }
    }
    // Whoever reads the journal gives the same account.
    let checked = clients
        .iter()
        .try_for_each(|client| truth::check(world, client))
        .and_then(|()| truth::told(world));
    match checked.and_then(|()| {
        if settled {
            truth::sealed(world)
        } else {
            Ok(())
        }
    }) {
        Ok(()) => Ended::Here(end),
        Err(what) => Ended::Failed(what),
    }
}

/// The signs of life of a process: they stand still when it does.
async fn beat(world: Arc<World>, process: u32) {
    while world.alive(process) {
        world.time.sleep(world.time.now() + BEAT, false).await;
        world.stand_still(process, false).await;
        world.state().lease.renew(process, world.time.now());
        if world.time.now() > 90 * DAY {
            world.violated("I15: it does not come to rest".to_owned());
        }
    }
}

fn outcome(world: &World, processes: u32) -> Outcome {
    let mut state = world.state();
    let made: Vec<_> = state
        .facts
        .posts
        .iter()
        .filter(|post| post.task.is_some())
        .collect();
    let repeated = made
        .iter()
        .enumerate()
        .filter(|(at, post)| {
            made[..*at].iter().any(|before| {
                before.run == post.run && before.ids.iter().any(|id| post.ids.contains(id))
            })
        })
        .count();
    Outcome {
        steps: state.steps,
        processes,
        met: met(&state),
        cancelled: cancelled(&state),
        terms: state.lease.terms(),
        gap: state.facts.gap,
        made: made.len(),
        repeated,
        violation: state.violation.clone(),
        log: state.log.take().unwrap_or_default(),
    }
}

fn met(state: &State) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    for rows in state.facts.rows.values() {
        met.extend(
            rows.batches
                .iter()
                .map(|row| format!("batch {}", row.state)),
        );
        let sealed = rows.batches.iter().filter(|row| row.sealed_at.is_some());
        met.extend(sealed.map(|row| format!("sealed {}", row.state)));
        met.extend(
            rows.attempts
                .iter()
                .map(|row| format!("attempt {}", row.state)),
        );
        met.extend(rows.jobs.iter().map(|row| format!("cancel {}", row.cancel)));
        met.extend(rows.jobs.iter().map(|row| format!("origin {}", row.origin)));
        let late = rows.orphans.iter().filter(|row| row.why == LATE);
        met.extend(late.map(|_| "told too late".to_owned()));
    }
    let faults = state.vendor.ledger().iter().filter_map(|entry| entry.fault);
    met.extend(faults.map(|fault| format!("fault {}", fault.as_str())));
    met
}

fn cancelled(state: &State) -> BTreeMap<String, u64> {
    let mut ends = BTreeMap::new();
    for rows in state.facts.rows.values() {
        if rows.row.cancel_at.is_some() {
            for (batch, _) in rows.live() {
                *ends.entry(batch.state.to_string()).or_default() += u64::from(batch.n);
            }
        }
    }
    ends
}
