//! Where a run stands.

use super::event::words;

words! {
    /// The state of a run.
    RunState {
        /// Frozen; nothing was sent, and a deletion still lacks its confirmation.
        Planned = "planned",
        /// A request is due now.
        Running = "running",
        /// Nothing is due before `next_due`.
        Waiting = "waiting",
        /// The vendor refused the credentials.
        Paused = "paused",
        /// All that can be done is done; some batches wait for a person's decision.
        Held = "held",
        /// Every id has its final outcome.
        Finished = "finished",
        /// Cancelled by the caller; what had been sent before is followed to its end.
        Cancelled = "cancelled",
    }
}

impl RunState {
    /// Nothing more can happen without a person.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Held | Self::Finished | Self::Cancelled)
    }
}
