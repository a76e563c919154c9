//! Clocks: the system's, a virtual one that jumps to the next thing due, and a scaled one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::model::Millis;
use crate::model::time::{BoxFuture, Clock};

fn wall_now() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
        })
}

/// The system's clock, or one that runs faster by a factor.
pub struct SystemClock {
    started: Instant,
    wall: Option<Millis>,
    speed: f64,
}

impl SystemClock {
    /// Real time.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            wall: None,
            speed: 1.0,
        }
    }

    /// The one real clock of this process: clients that share it share their project's pace.
    pub fn shared() -> Arc<dyn Clock> {
        static ONE: std::sync::OnceLock<Arc<SystemClock>> = std::sync::OnceLock::new();
        Arc::clone(ONE.get_or_init(|| Arc::new(Self::new()))) as Arc<dyn Clock>
    }

    /// Starts at `wall` and runs `speed` times as fast as real time. For a simulated vendor.
    pub fn scaled(wall: Millis, speed: f64) -> Self {
        Self {
            started: Instant::now(),
            wall: Some(wall),
            speed: speed.clamp(0.001, 1e9),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        match self.wall {
            None => wall_now(),
            Some(wall) => wall.saturating_add(self.monotonic()),
        }
    }

    fn monotonic(&self) -> Millis {
        #[allow(clippy::cast_possible_truncation)] // saturates, far beyond any lifetime
        let elapsed = (self.started.elapsed().as_secs_f64() * 1000.0 * self.speed) as Millis;
        elapsed
    }

    fn sleep_until(&self, monotonic: Millis) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while let Some(left) = self.real_until(monotonic) {
                tokio::time::sleep(left).await;
            }
        })
    }

    fn real_until(&self, monotonic: Millis) -> Option<Duration> {
        let left = monotonic - self.monotonic();
        if left <= 0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss)]
        let seconds = (left as f64 / 1000.0 / self.speed).clamp(0.000_1, 86_400.0);
        Some(Duration::from_secs_f64(seconds))
    }
}

/// A clock whose time stands still while work is going on, and jumps to the earliest thing that
/// somebody waits for when nothing else is.
pub struct VirtualClock {
    state: Arc<Shared>,
    start: Millis,
}

struct Shared {
    inner: Mutex<State>,
    changed: Notify,
}

struct State {
    elapsed: Millis,
    busy: usize,
    sleepers: BTreeSet<(Millis, u64)>,
    next: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VirtualClock {
    /// Starts at this time of day.
    pub fn new(start: Millis) -> Self {
        let state = State {
            elapsed: 0,
            busy: 0,
            sleepers: BTreeSet::new(),
            next: 0,
        };
        let shared = Shared {
            inner: Mutex::new(state),
            changed: Notify::new(),
        };
        Self {
            state: Arc::new(shared),
            start,
        }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Millis) {
        {
            let mut state = self.state.lock();
            state.elapsed = state.elapsed.saturating_add(by.max(0));
        }
        self.state.changed.notify_waiters();
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Millis {
        self.start.saturating_add(self.monotonic())
    }

    fn monotonic(&self) -> Millis {
        self.state.lock().elapsed
    }

    fn sleep_until(&self, monotonic: Millis) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let sleeper = Sleeper::register(&self.state, monotonic);
            loop {
                let changed = self.state.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if self.state.lock().elapsed >= monotonic {
                    return;
                }
                if sleeper.is_next() {
                    // Whoever is ready to run may want something earlier: let them speak first.
                    for _ in 0..4 {
                        tokio::task::yield_now().await;
                    }
                    if sleeper.jump() {
                        return;
                    }
                    if sleeper.is_next() {
                        continue;
                    }
                }
                changed.await;
            }
        })
    }

    fn busy(&self) -> Box<dyn Send + Sync> {
        self.state.lock().busy += 1;
        Box::new(Busy(Arc::clone(&self.state)))
    }
}

struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.changed.notify_waiters();
    }
}

struct Sleeper<'a> {
    shared: &'a Shared,
    key: (Millis, u64),
}

impl<'a> Sleeper<'a> {
    fn register(shared: &'a Shared, until: Millis) -> Self {
        let key = {
            let mut state = shared.lock();
            state.next += 1;
            let key = (until, state.next);
            state.sleepers.insert(key);
            key
        };
        Self { shared, key }
    }

    fn is_next(&self) -> bool {
        let state = self.shared.lock();
        state.busy == 0 && state.sleepers.first() == Some(&self.key)
    }

    fn jump(&self) -> bool {
        {
            let mut state = self.shared.lock();
            if state.busy > 0 || state.sleepers.first() != Some(&self.key) {
                return false;
            }
            state.elapsed = state.elapsed.max(self.key.0);
        }
        self.shared.changed.notify_waiters();
        true
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.shared.lock().sleepers.remove(&self.key);
        self.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn virtual_time_jumps_to_the_earliest_sleeper_and_waits_for_work() {
        let clock = Arc::new(VirtualClock::new(1000));
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleep = |until: Millis, name: &'static str| {
            let (clock, order) = (Arc::clone(&clock), Arc::clone(&order));
            async move {
                clock.sleep_until(until).await;
                order.lock().unwrap().push((name, clock.monotonic()));
            }
        };
        tokio::join!(
            sleep(86_400_000, "day"),
            sleep(5, "soon"),
            sleep(3_600_000, "hour")
        );
        let expected = vec![("soon", 5), ("hour", 3_600_000), ("day", 86_400_000)];
        assert_eq!(*order.lock().unwrap(), expected);
        assert_eq!(clock.now(), 86_401_000);

        let busy = clock.busy();
        let waiting = sleep(90_000_000, "late");
        tokio::pin!(waiting);
        for _ in 0..50 {
            tokio::select! { biased;
                () = &mut waiting => panic!("time ran ahead of work"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(busy);
        waiting.await;
    }
}
