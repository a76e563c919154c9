//! When to call: clocks, the pace of a project, back-off after refusals, looks at jobs, the scan
//! budget, and what was learnt about the last two.

pub mod backoff;
pub mod clock;
pub mod gaps;
pub mod hazard;
pub mod learnt;
pub mod rate;
pub mod scans;
