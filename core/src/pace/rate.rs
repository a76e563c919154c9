//! The pace of a project.
//!
//! The vendor allows one request a second per project, over all kinds of calls. Calls are spaced
//! from the END of one to the start of the next: spaced from start to start, a slow request
//! followed by a fast one would reach the server closer together than they were sent. One call is
//! in flight at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::model::Millis;
use crate::model::time::Clock;

/// The pacer of one project.
pub struct Pacer {
    clock: Arc<dyn Clock>,
    interval: AtomicI64,
    last_end: Arc<AsyncMutex<Option<Millis>>>,
}

/// The right to make one call. The next one starts an interval after this is dropped.
pub struct Slot {
    /// How long no call had been made when this right was given; `None` before the first one.
    pub quiet: Option<Millis>,
    clock: Arc<dyn Clock>,
    last_end: OwnedMutexGuard<Option<Millis>>,
    _busy: Box<dyn Send + Sync>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.last_end = Some(self.clock.monotonic());
    }
}

impl Pacer {
    /// A pacer with this many milliseconds between calls.
    pub fn new(clock: Arc<dyn Clock>, interval: Millis) -> Self {
        Self {
            clock,
            interval: AtomicI64::new(interval),
            last_end: Arc::new(AsyncMutex::new(None)),
        }
    }

    /// The pacer that all clients of this process share for a project. Two clients with different
    /// rates get the slower one.
    pub fn shared(clock: &Arc<dyn Clock>, interval: Millis, project: &[&str]) -> Arc<Self> {
        static ALL: Mutex<Option<HashMap<[u8; 32], Arc<Pacer>>>> = Mutex::new(None);
        let mut hasher = Sha256::new();
        for part in project {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        // Time is part of the identity: two simulated vendors may live on one port in turn.
        hasher.update(Arc::as_ptr(clock).cast::<()>().addr().to_le_bytes());
        let key: [u8; 32] = hasher.finalize().into();
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        if let Some(pacer) = all.get(&key).cloned() {
            pacer.interval.fetch_max(interval, Ordering::Relaxed);
            return pacer;
        }
        let pacer = Arc::new(Self::new(Arc::clone(clock), interval));
        all.insert(key, Arc::clone(&pacer));
        pacer
    }

    /// Makes the next call wait a whole interval from now: another process may have called just
    /// before this one took over.
    pub fn start_late(&self) {
        // If the lock is held, a call is under way and its end will count.
        if let Ok(mut last_end) = self.last_end.try_lock() {
            *last_end = Some(self.clock.monotonic());
        }
    }

    /// Waits for the right to make one call.
    pub async fn slot(&self) -> Slot {
        self.slot_after(0).await
    }

    /// The same, but at least this long after the call before.
    pub async fn slot_after(&self, least: Millis) -> Slot {
        let last_end = Arc::clone(&self.last_end).lock_owned().await;
        if let Some(end) = *last_end {
            let interval = self.interval.load(Ordering::Relaxed).max(least);
            let until = end.saturating_add(interval);
            // In place where that can be: ten thousand boxes a second leave memory full of holes.
            while let Some(left) = self.clock.real_until(until) {
                tokio::time::sleep(left).await;
            }
            self.clock.sleep_until(until).await;
        }
        Slot {
            quiet: last_end.map(|end| self.clock.monotonic().saturating_sub(end)),
            clock: Arc::clone(&self.clock),
            last_end,
            _busy: self.clock.busy(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pace::clock::VirtualClock;

    #[tokio::test]
    async fn calls_are_spaced_from_the_end_of_the_one_before() {
        let virtual_clock = Arc::new(VirtualClock::new(0));
        let clock: Arc<dyn Clock> = virtual_clock.clone();
        let pacer = Arc::new(Pacer::new(Arc::clone(&clock), 1000));
        let calls = (0..5).map(|_| {
            let (pacer, clock) = (Arc::clone(&pacer), Arc::clone(&virtual_clock));
            tokio::spawn(async move {
                let slot = pacer.slot().await;
                let start = clock.monotonic();
                clock.advance(300); // the call takes time
                let end = clock.monotonic();
                drop(slot);
                (start, end)
            })
        });
        let mut spans = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            spans.push(call.await.expect("no panic"));
        }
        spans.sort_unstable();
        assert!(
            spans.windows(2).all(|pair| pair[1].0 - pair[0].1 >= 1000),
            "{spans:?}"
        );
    }

    #[test]
    fn clients_of_one_project_share_a_pacer_and_the_slower_rate_wins() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(0));
        let one = Pacer::shared(&clock, 1000, &["https://a", "token"]);
        let same = Pacer::shared(&clock, 2000, &["https://a", "token"]);
        let other = Pacer::shared(&clock, 1000, &["https://a", "other"]);
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        assert_eq!(one.interval.load(Ordering::Relaxed), 2000);
    }
}
