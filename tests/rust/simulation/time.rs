//! One true time, and the clocks of the processes that live in it.
//!
//! Time stands still while anything can run. When the runtime is about to sleep, the one sleeper
//! that is due first is woken and nobody else, so that the same seed always takes the same way,
//! even past work on threads (archives are written there): that is waited for in real time.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};

use dsrkit::Millis;
use dsrkit::model::time::{BoxFuture, Clock};

use super::world::World;

/// When every simulation begins: 2026-01-05 09:00 UTC.
pub const START: Millis = 1_767_603_600_000;

#[derive(Default)]
struct State {
    now: Millis,
    /// How far wrong the wall clock is.
    skew: Millis,
    busy: usize,
    /// Of those that are busy, how many only wait for the network.
    resting: usize,
    sleepers: BTreeMap<(Millis, u64), Option<Waker>>,
    next: u64,
    stuck: bool,
    watcher: Option<Waker>,
}

/// The true time, since the start.
#[derive(Default)]
pub struct Time(Mutex<State>);

impl Time {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn now(&self) -> Millis {
        self.state().now
    }

    /// The wall clock jumps; time itself does not.
    pub fn jump(&self, by: Millis) {
        self.state().skew += by;
    }

    /// Everything stands still.
    pub fn stand(&self, until: Millis) {
        let mut state = self.state();
        state.now = state.now.max(until);
    }

    /// Between two processes.
    pub fn pass(&self, ms: Millis) {
        let mut state = self.state();
        state.now += ms;
        *state = State {
            now: state.now,
            skew: state.skew,
            next: state.next,
            ..State::default()
        };
    }

    /// Nothing can run any more: wakes the first sleeper. Without one, nothing will ever happen.
    pub fn idle(&self) {
        let mut state = self.state();
        if state.busy > state.resting {
            return; // a thread is at work
        }
        let waker = match state.sleepers.pop_first() {
            Some(((at, _), waker)) => {
                state.now = state.now.max(at);
                waker
            }
            None => {
                state.stuck = true;
                state.watcher.take()
            }
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until this moment. A call on its way says so, as it counts as busy all the while.
    pub fn sleep(self: &Arc<Self>, until: Millis, on_its_way: bool) -> Sleep {
        Sleep {
            time: Arc::clone(self),
            until,
            on_its_way,
            key: None,
        }
    }

    /// Ends when nothing will ever happen again.
    pub fn stuck(&self) -> impl Future<Output = ()> + '_ {
        std::future::poll_fn(|context| {
            let mut state = self.state();
            if state.stuck {
                return Poll::Ready(());
            }
            state.watcher = Some(context.waker().clone());
            Poll::Pending
        })
    }
}

pub struct Sleep {
    time: Arc<Time>,
    until: Millis,
    on_its_way: bool,
    key: Option<(Millis, u64)>,
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let time = Arc::clone(&self.time);
        let mut state = time.state();
        if let Some(key) = self.key {
            return match state.sleepers.get_mut(&key) {
                Some(waker) => {
                    *waker = Some(context.waker().clone());
                    Poll::Pending
                }
                None => {
                    self.end(&mut state);
                    Poll::Ready(())
                }
            };
        }
        if state.now >= self.until {
            return Poll::Ready(());
        }
        state.next += 1;
        let key = (self.until, state.next);
        state.sleepers.insert(key, Some(context.waker().clone()));
        state.resting += usize::from(self.on_its_way);
        self.key = Some(key);
        Poll::Pending
    }
}

impl Sleep {
    fn end(&mut self, state: &mut State) {
        if let Some(key) = self.key.take() {
            state.sleepers.remove(&key);
            state.resting -= usize::from(self.on_its_way);
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let time = Arc::clone(&self.time);
        self.end(&mut time.state());
    }
}

/// The clock of one process. It holds little: the engine's pacers keep clocks for ever.
pub struct ProcessClock {
    time: Arc<Time>,
    world: Weak<World>,
    process: u32,
    born: Millis,
}

impl ProcessClock {
    pub fn new(world: &Arc<World>, process: u32) -> Self {
        Self {
            time: Arc::clone(&world.time),
            world: Arc::downgrade(world),
            process,
            born: world.time.now(),
        }
    }
}

impl Clock for ProcessClock {
    fn now(&self) -> Millis {
        let state = self.time.state();
        START + state.now + state.skew
    }

    fn monotonic(&self) -> Millis {
        self.time.now() - self.born
    }

    fn sleep_until(&self, monotonic: Millis) -> BoxFuture<'_, ()> {
        let until = self.born.saturating_add(monotonic);
        Box::pin(async move {
            if until <= self.time.now() {
                return;
            }
            let alive = self
                .world
                .upgrade()
                .is_some_and(|world| world.step(self.process, || "waits".to_owned()));
            if !alive {
                std::future::pending::<()>().await;
            }
            self.time.sleep(until, false).await;
            if let Some(world) = self.world.upgrade() {
                world.stand_still(self.process, false).await;
            }
        })
    }

    fn busy(&self) -> Box<dyn Send + Sync> {
        self.time.state().busy += 1;
        Box::new(Busy(Arc::clone(&self.time)))
    }
}

struct Busy(Arc<Time>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy = state.busy.saturating_sub(1);
    }
}
