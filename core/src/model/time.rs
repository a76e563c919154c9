//! What the engine asks of a clock. Time is always injected: tests, simulations and the sandbox
//! bring a virtual one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::Millis;

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A source of time.
pub trait Clock: Send + Sync {
    /// The time of day, in milliseconds since 1970 (UTC). May jump, as clocks do.
    fn now(&self) -> Millis;
    /// Milliseconds since some fixed moment; never jumps, never goes back.
    fn monotonic(&self) -> Millis;
    /// Waits until [`Clock::monotonic`] reaches this.
    fn sleep_until(&self, monotonic: Millis) -> BoxFuture<'_, ()>;
    /// How long that is still, by a clock that shows real time; `None` when it is reached, or where
    /// time is made up.
    fn real_until(&self, monotonic: Millis) -> Option<Duration> {
        let _ = monotonic;
        None
    }
    /// Called around work that takes real time, such as a request: a virtual clock does not let
    /// its time run ahead of it. The returned value ends the work when dropped.
    fn busy(&self) -> Box<dyn Send + Sync> {
        Box::new(())
    }
}
