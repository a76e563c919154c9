//! Limits and times, validated once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::model::event::words;

words! {
    /// What to do when a request was sent and its answer lost.
    AmbiguityPolicy {
        /// Find out: the identical deletion is sent again, and the vendor's 409 tells. A
        /// retrieval, which the vendor does not guard, is sent once more after
        /// `ambiguous_retry_after`, then held.
        Resolve = "resolve",
        /// Send again without finding out, up to five times within 24 hours.
        Resubmit = "resubmit",
        /// Leave it to a person.
        Hold = "hold",
    }
}

/// Limits and times of a client. Build with `Settings { .. }` from [`Settings::default`] and the
/// client checks it.
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// Calls per second to one project, over all kinds of calls. `None`: as many as the vendor says
    /// that it allows (Mixpanel: 1). More than that only brings refusals.
    pub requests_per_second: Option<f64>,
    /// How long one call may take, connecting included.
    pub request_timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// The first wait after a refusal or a failure; it doubles from there, with jitter.
    pub backoff_initial: Duration,
    /// The longest such wait. Waiting itself has no end: the vendor documents that refusals may
    /// last for hours.
    pub backoff_max: Duration,
    /// How much waiting one request is worth. Looks at jobs, and tries for room in the scan budget,
    /// come more often when it is less. 30 seconds brought whole campaigns within 2 % of the
    /// earliest possible end (docs/SCHEDULE.md).
    pub request_worth: Duration,
    /// The shortest wait between two looks at a job. 2 seconds: closer looks, when a campaign of
    /// short jobs hangs on its last one, brought its end no nearer.
    pub poll_initial: Duration,
    /// The longest wait between two looks at a job, and between two tries for room in the scan
    /// budget. Between the bounds the wait follows from what was learnt about the project's jobs.
    /// 6 hours: jobs that take weeks are not looked at every hour, and what ends is seen the same
    /// working day.
    pub poll_max: Duration,
    /// Days of outstanding scans that the vendor allows per project: "approximately 5 years".
    /// Serves forecasts; what is sent follows from what the vendor refuses.
    pub scan_budget_days: u32,
    /// Days since the project's first event, where known: what one retrieval costs, beside one
    /// under CCPA, which reads a year. Serves forecasts until it was seen how many fit; wrong or
    /// missing, it delays nothing.
    pub project_age_days: Option<u32>,
    /// What to do about a lost answer.
    pub on_ambiguous: AmbiguityPolicy,
    /// How long to wait before a retrieval whose answer was lost is sent once more.
    pub ambiguous_retry_after: Duration,
    /// How long NOT_FOUND or UNKNOWN may last before a job counts as lost and is held.
    pub lost_after: Duration,
    /// The most people one deletion plan may name. Raise it knowingly.
    pub max_ids_per_deletion_plan: u64,
    /// The largest archive, unpacked, in bytes.
    pub archive_max_bytes: u64,
    /// How long the journal keeps the ids of a deletion after its end; then only keyed digests of
    /// them stay. The list of the erased is the very data to erase.
    pub keep_deleted_for: Duration,
    /// How long the journal keeps the ids of a retrieval after its packages were written. Without
    /// them the packages cannot be written again.
    pub keep_retrieved_for: Duration,
    /// A proxy for all calls; the environment's proxy variables are not used.
    pub proxy: Option<String>,
    /// A PEM file of certificate authorities to trust besides the system's.
    pub ca_bundle: Option<PathBuf>,
}

impl std::fmt::Debug for Settings {
    // A proxy's address may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("requests_per_second", &self.requests_per_second)
            .field("on_ambiguous", &self.on_ambiguous)
            .field("proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            requests_per_second: None,
            request_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            backoff_initial: Duration::from_secs(1),
            backoff_max: Duration::from_secs(600),
            request_worth: Duration::from_secs(30),
            poll_initial: Duration::from_secs(2),
            poll_max: Duration::from_secs(6 * 3600),
            scan_budget_days: 1826,
            project_age_days: None,
            on_ambiguous: AmbiguityPolicy::Resolve,
            ambiguous_retry_after: Duration::from_secs(900),
            lost_after: Duration::from_secs(86_400),
            max_ids_per_deletion_plan: 10_000,
            archive_max_bytes: 50 * 1024 * 1024 * 1024,
            keep_deleted_for: Duration::ZERO,
            keep_retrieved_for: Duration::from_secs(7 * 86_400),
            proxy: None,
            ca_bundle: None,
        }
    }
}

impl Settings {
    /// Refuses values that cannot work.
    pub fn check(&self) -> Result<()> {
        let rate = self.requests_per_second.unwrap_or(1.0);
        if !(rate.is_finite() && rate > 0.0 && rate <= 1000.0) {
            return refuse("requests_per_second must be above 0 and at most 1000");
        }
        let positive = [
            ("request_timeout", self.request_timeout),
            ("connect_timeout", self.connect_timeout),
            ("backoff_initial", self.backoff_initial),
            ("request_worth", self.request_worth),
            ("poll_initial", self.poll_initial),
        ];
        for (name, value) in positive {
            if value.is_zero() {
                return refuse(format!("{name} must be more than 0 seconds"));
            }
        }
        if self.backoff_max < self.backoff_initial {
            return refuse("backoff_max must not be less than backoff_initial");
        }
        if self.poll_max < self.poll_initial {
            return refuse("poll_max must not be less than poll_initial");
        }
        let year = Duration::from_secs(366 * 86_400);
        if [
            self.backoff_max,
            self.request_worth,
            self.poll_max,
            self.lost_after,
            self.ambiguous_retry_after,
        ]
        .iter()
        .any(|value| *value > year)
        {
            return refuse("no wait may be longer than a year");
        }
        if self.max_ids_per_deletion_plan == 0 || self.archive_max_bytes == 0 {
            return refuse("max_ids_per_deletion_plan and archive_max_bytes must be more than 0");
        }
        Ok(())
    }

    /// The same at a pace of the vendor's, where none is named.
    pub(crate) fn at_pace(self: &Arc<Self>, interval: Duration) -> Arc<Self> {
        let named = self.requests_per_second.is_some() || interval == Duration::from_secs(1);
        if named {
            return Arc::clone(self);
        }
        let mut own = Self::clone(self);
        own.requests_per_second = Some((1.0 / interval.as_secs_f64()).min(1000.0));
        Arc::new(own)
    }

    /// The least time between the end of one call and the start of the next, in milliseconds.
    /// Rounded up, and one more: clocks are read in whole milliseconds at both ends.
    pub(crate) fn interval_ms(&self) -> i64 {
        let Some(rate) = self.requests_per_second else {
            return 1_001;
        };
        #[allow(clippy::cast_possible_truncation)] // checked: at most 1000/s, and ms of a rate > 0
        let ms = (1000.0 / rate).ceil().min(1e15) as i64 + 1;
        ms
    }
}

/// A duration as whole milliseconds, for arithmetic with journal times.
pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn refuse(message: impl Into<String>) -> Result<()> {
    Err(Error::new(ErrorKind::Config, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_nonsense_is_refused() {
        let good = Settings::default();
        good.check().expect("defaults");
        for bad in [
            Settings {
                requests_per_second: Some(0.0),
                ..good.clone()
            },
            Settings {
                requests_per_second: Some(f64::NAN),
                ..good.clone()
            },
            Settings {
                backoff_max: Duration::ZERO,
                ..good.clone()
            },
            Settings {
                poll_initial: Duration::ZERO,
                ..good.clone()
            },
            Settings {
                request_worth: Duration::ZERO,
                ..good.clone()
            },
            Settings {
                poll_max: Duration::from_secs(u64::MAX / 4),
                ..good.clone()
            },
            Settings {
                max_ids_per_deletion_plan: 0,
                ..good.clone()
            },
        ] {
            assert_eq!(
                bad.check().expect_err("refused").kind(),
                ErrorKind::Config,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_interval_is_never_shorter_than_asked() {
        let third = Settings {
            requests_per_second: Some(3.0),
            ..Settings::default()
        };
        assert_eq!(third.interval_ms(), 335);
    }

    #[test]
    fn the_vendors_pace_is_kept_where_none_is_named() {
        let apart = |named, declared| {
            let settings = Arc::new(Settings {
                requests_per_second: named,
                ..Settings::default()
            });
            settings.at_pace(declared).interval_ms()
        };
        assert_eq!(apart(None, Duration::from_secs(1)), 1001);
        assert_eq!(apart(None, Duration::from_millis(2500)), 2501);
        assert_eq!(apart(None, Duration::ZERO), 2);
        assert_eq!(apart(Some(0.1), Duration::from_millis(2500)), 10_001);
        assert_eq!(apart(Some(1.0), Duration::from_millis(2500)), 1001);
    }
}
