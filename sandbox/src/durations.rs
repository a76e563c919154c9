//! How long tasks take.

use serde::{Deserialize, Serialize};

/// How long a task stays in each state: fewest and most milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobMs {
    /// In PENDING.
    pub pending: [u64; 2],
    /// In STAGING.
    pub staging: [u64; 2],
    /// In STARTED.
    pub started: [u64; 2],
}

/// A duration whose logarithm is normally distributed: a twentieth of it is PENDING, a tenth STAGING.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lognormal {
    /// Half of the tasks take longer.
    pub median_ms: f64,
    /// Of the logarithm.
    pub sigma: f64,
}

impl Default for JobMs {
    fn default() -> Self {
        Self {
            pending: [60_000, 1_800_000],
            staging: [300_000, 7_200_000],
            started: [1_800_000, 36 * 3_600_000],
        }
    }
}
