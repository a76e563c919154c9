//! The program of a process, and the person before it: they place the orders, drive the runs,
//! cancel, and come back when something fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dsrkit::http::transport::Transport;
use dsrkit::journal::BatchState;
use dsrkit::model::action::Terms;
use dsrkit::model::time::Clock;
use dsrkit::{
    Client, Compliance, Decision, Error, ErrorKind, IdSource, Journal, Millis, Mixpanel,
    PlanOptions, Result, RunHandle, Settings,
};
use tokio::task::JoinSet;

use super::case::{Manner, Trouble};
use super::chance::{MINUTE, SECOND, groups};
use super::journal::Mortal;
use super::small::Small;
use super::time::ProcessClock;
use super::transport::Network;
use super::world::World;

/// Longer than any clock jumps.
const LONG: Duration = Duration::from_secs(1 << 40);

/// How a process ends by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All orders have come to their end.
    Settled,
    /// The token is no good.
    NewToken,
}

/// What the program of a process knows.
pub struct Program {
    world: Arc<World>,
    process: u32,
    client: Client,
    /// Orders that are not carried out yet.
    open: AtomicUsize,
}

/// Makes the client of a process; a journal that cannot be written now is tried again.
pub async fn open(world: &Arc<World>, process: u32) -> Result<Client> {
    let case = &world.case;
    let options = world.state().vendor.options().clone();
    let expired = case
        .troubles
        .iter()
        .any(|trouble| matches!(trouble, Trouble::OldToken { processes } if process <= *processes));
    let token = if expired { "expired" } else { "new-token" };
    let clock: Arc<dyn Clock> = Arc::new(ProcessClock::new(world, process));
    let network = Arc::new(Network::new(world, process));
    let journal = Arc::new(Mortal::new(world, process));
    loop {
        let inner = Mixpanel::builder(options.project_token.clone(), token)
            .base_url("http://127.0.0.1:1/api/app")
            .archive_secret(options.archive_secret.clone())
            .data_groups(groups(case.batch))
            .subject_request_ids(case.request_ids)
            .build()?;
        let vendor = Small {
            inner,
            batch: case.batch,
            trusts_guard: case.trusts_guard,
        };
        let built = Client::builder(vendor)
            .journal(Journal::custom(journal.clone()))
            .settings(Settings {
                on_ambiguous: case.policy,
                // The truth is told per id: where ids do not leave at once, they stay through every
                // process and jump of a clock.
                keep_deleted_for: if case.seals { Duration::ZERO } else { LONG },
                keep_retrieved_for: LONG,
                ..Settings::default()
            })
            .clock(Arc::clone(&clock))
            .transport(Arc::clone(&network) as Arc<dyn Transport>)
            .store(network.clone())
            .seed(case.seed ^ u64::from(process))
            .build();
        match built {
            Err(error) if error.kind() == ErrorKind::Journal => sleep(world, process, SECOND).await,
            built => return built,
        }
    }
}

pub async fn sleep(world: &Arc<World>, process: u32, ms: Millis) {
    if !world.step(process, || "the program sleeps".to_owned()) {
        std::future::pending::<()>().await;
    }
    world.time.sleep(world.time.now() + ms, false).await;
    world.stand_still(process, false).await;
}

/// Carries out what the orders ask for.
pub async fn work(world: &Arc<World>, process: u32, client: &Client) -> End {
    let program = Arc::new(Program {
        world: Arc::clone(world),
        process,
        client: client.clone(),
        open: AtomicUsize::new(world.case.orders.len()),
    });
    let mut tasks = JoinSet::new();
    for order in 0..world.case.orders.len() {
        let program = Arc::clone(&program);
        tasks.spawn(async move {
            let end = program.carry_out(order).await;
            program.open.fetch_sub(1, Ordering::Relaxed);
            end
        });
    }
    if world.case.manner(process) == Manner::Tick {
        let program = Arc::clone(&program);
        tasks.spawn(async move { program.tick().await });
    }
    let cancelling = Arc::clone(&program);
    let cancels = tokio::spawn(async move { cancelling.cancels().await });
    let mut end = End::Settled;
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(End::Settled) => {}
            Ok(End::NewToken) => end = End::NewToken,
            Err(error) => world.violated(format!("a panic: {error}")),
        }
        if end == End::NewToken {
            break;
        }
    }
    // Whoever wants something cancelled is heard to the end.
    while end == End::Settled && !world.state().cancels.is_empty() {
        program.sleep(SECOND).await;
    }
    cancels.abort();
    end
}

impl Program {
    async fn sleep(&self, ms: Millis) {
        sleep(&self.world, self.process, ms).await;
    }

    /// Places an order unless that was done, and follows it to its end.
    async fn carry_out(&self, order: usize) -> End {
        let wait = self.world.case.orders[order].at - self.world.time.now();
        // No two plans are made in one millisecond: they would be told apart by chance alone.
        self.sleep(wait.max(0) + order as Millis + 1).await;
        loop {
            // Nor by those who all stood still until now.
            while self.world.case.workers > 1 && !self.world.turn() {
                self.sleep(1).await;
            }
            let done = match self.place(order) {
                Ok(Some(run)) => match self.drive(&run).await {
                    Ok(()) => match self.decides(&run).await {
                        Ok(true) => continue,
                        Ok(false) => Ok(()),
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                },
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => return End::Settled,
                Err(error) => {
                    if self.takes(&error).await == End::NewToken {
                        return End::NewToken;
                    }
                }
            }
        }
    }

    /// What a person does about an error.
    async fn takes(&self, error: &Error) -> End {
        self.world.note(|| format!("error: {error}"));
        match error.kind() {
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => {
                let expired = self.world.case.troubles.iter().any(
                    |trouble| matches!(trouble, Trouble::OldToken { processes } if self.process <= *processes),
                );
                if expired {
                    return End::NewToken;
                }
                self.sleep(MINUTE).await;
            }
            ErrorKind::Journal => self.sleep(20 * SECOND).await,
            _ if !self.world.alive(self.process) => std::future::pending().await,
            _ => {
                let what = format!("a run fails with {}: {error}", error.kind());
                self.world.violated(what);
                std::future::pending::<()>().await;
            }
        }
        End::Settled
    }

    fn find(&self, order: usize) -> Result<Option<RunHandle>> {
        let name = order.to_string();
        for run in self.client.runs()? {
            if run.row()?.reference.as_ref() == Some(&name) {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// The run of an order, started; `None` if it was cancelled before.
    fn place(&self, order: usize) -> Result<Option<RunHandle>> {
        let wanted = &self.world.case.orders[order];
        let plan = match self.find(order)? {
            Some(run) if run.row()?.approved_at.is_some() => return Ok(Some(run)),
            // Another process heard of the cancel.
            Some(run) if run.row()?.cancel_at.is_some() && self.world.case.workers > 1 => {
                return Ok(None);
            }
            Some(run) => run.plan()?,
            None => {
                let terms = Terms {
                    kind: wanted.kind,
                    compliance: Compliance::Gdpr,
                    disclosure: None,
                };
                let options = PlanOptions {
                    reference: Some(order.to_string()),
                    hold_for: wanted.hold_for,
                    ..PlanOptions::default()
                };
                let ids = IdSource::iter(wanted.ids.clone());
                self.client.freeze(ids, terms, &options)?
            }
        };
        match plan.start(Some(&plan.confirm()), false) {
            Ok(run) => Ok(Some(run)),
            Err(error) if error.kind() == ErrorKind::Cancelled => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a person decides about held batches, once for each. Gives whether there was any.
    async fn decides(&self, run: &RunHandle) -> Result<bool> {
        let troubles = &self.world.case.troubles;
        let Some(again) = troubles.iter().find_map(|trouble| match trouble {
            Trouble::Decides { again } => Some(*again),
            _ => None,
        }) else {
            return Ok(false);
        };
        let mut decided = false;
        let batches = {
            let state = self.world.state();
            let rows = &state.facts.rows[run.id()];
            let held = rows
                .batches
                .iter()
                .filter(|row| row.state == BatchState::Held);
            held.map(|row| (row.no, row.n)).collect::<Vec<_>>()
        };
        for (no, n) in batches {
            let key = (run.id().to_owned(), no);
            if self.world.state().facts.again.contains_key(&key) {
                continue;
            }
            let decision = match again && run.row()?.cancel_at.is_none() {
                true => Decision::SendAgain {
                    confirm: Some(u64::from(n)),
                },
                false => Decision::GiveUp,
            };
            // Before it is done: the process may die when it is, and before anybody hears of it.
            let again = usize::from(matches!(decision, Decision::SendAgain { .. }));
            self.world.state().facts.again.insert(key.clone(), again);
            if let Err(error) = run.decide(no, decision).await {
                if self.world.alive(self.process) {
                    self.world.state().facts.again.remove(&key);
                }
                if error.kind() == ErrorKind::Cancelled {
                    // Somebody cancelled the run while it was decided about: once more.
                    decided = true;
                    continue;
                }
                return Err(error);
            }
            self.world.state().last_trouble = self.world.time.now();
            decided = true;
        }
        Ok(decided)
    }

    async fn drive(&self, run: &RunHandle) -> Result<()> {
        match self.world.case.manner(self.process) {
            Manner::Wait => run.wait().await.map(drop),
            Manner::Events => {
                let mut events = run.events_after(0);
                while events.next().await?.is_some() {}
                Ok(())
            }
            Manner::Tick => {
                while !run.state()?.is_settled() {
                    self.sleep(30 * MINUTE).await;
                }
                Ok(())
            }
            Manner::Impatient => {
                let mut patience = 45 * SECOND;
                loop {
                    tokio::select! { biased;
                        done = run.wait() => return done.map(drop),
                        () = self.sleep(patience) => patience *= 2,
                    }
                }
            }
        }
    }

    /// Ticks until nothing is left to be done.
    async fn tick(&self) -> End {
        loop {
            match self.client.tick().await {
                Ok(Some(at)) => self.sleep((at - self.client.now_ms()).max(1)).await,
                Ok(None) if self.open.load(Ordering::Relaxed) == 0 => return End::Settled,
                Ok(None) => self.sleep(10 * MINUTE).await,
                // Another process may have the journal for as long as it likes.
                Err(_) if self.world.case.workers > 1 && self.open.load(Ordering::Relaxed) == 0 => {
                    return End::Settled;
                }
                Err(error) => {
                    if self.takes(&error).await == End::NewToken {
                        return End::NewToken;
                    }
                }
            }
        }
    }

    /// Cancels what somebody wants cancelled, until it is.
    async fn cancels(&self) {
        loop {
            let wanted = self.world.state().cancels.first().copied();
            let Some(order) = wanted else {
                self.world.process().cancels.notified().await;
                continue;
            };
            match self.find(order) {
                Ok(Some(run)) => match run.cancel().await {
                    Ok(_) => {
                        self.world.note(|| format!("order {order} is cancelled"));
                        self.world.state().cancels.retain(|other| *other != order);
                    }
                    Err(error) => drop(self.takes(&error).await),
                },
                _ => self.sleep(SECOND).await,
            }
        }
    }
}
