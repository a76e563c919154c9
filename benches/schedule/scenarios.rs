//! The scenarios of the table.

use dsrkit::Kind;

use super::vendor::Scenario;

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;

/// Hundred retrievals of a project a year old: five may be outstanding.
pub fn capped(gradually: bool) -> Vec<Scenario> {
    [
        ("60 s", MINUTE),
        ("10 min", 10.0 * MINUTE),
        ("1 h", HOUR),
        ("6 h", 6.0 * HOUR),
        ("1 day", 24.0 * HOUR),
        ("2 days", 48.0 * HOUR),
    ]
    .into_iter()
    .map(|(name, median_ms)| Scenario {
        name,
        kind: Kind::Retrieval,
        jobs: 100,
        median_ms,
        sigma: 0.5,
        age_days: 365,
        gradually,
        moved: None,
        shorter: None,
    })
    .collect()
}

/// A million people to delete: 501 requests, and no limit but the pace.
pub fn request_bound() -> Scenario {
    Scenario {
        name: "10 min, 501 deletions",
        kind: Kind::Deletion,
        jobs: 501,
        median_ms: 10.0 * MINUTE,
        sigma: 0.5,
        age_days: 365,
        gradually: false,
        moved: None,
        shorter: None,
    }
}
