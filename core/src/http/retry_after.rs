//! How long a vendor asks to be left alone.

use std::time::Duration;

use http::HeaderMap;

use crate::model::Millis;

/// The shortest and the longest wait that a Retry-After header is believed. The vendor documents
/// none; a proxy in between may send anything.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3600);

/// Reads Retry-After: whole seconds, or a date. Zero, negative, past and unreadable values count
/// as absent; the rest is clamped.
pub(crate) fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(text)
            .ok()?
            .timestamp()
            .as_millisecond();
        Duration::from_millis(u64::try_from(date.checked_sub(now)?).ok()?)
    };
    (!wait.is_zero()).then(|| wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

/// How long until an `X-RateLimit-Reset` (seconds since 1970), by the same bounds.
pub(crate) fn reset_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let text = headers.get("x-ratelimit-reset")?.to_str().ok()?;
    let at = text.trim().parse::<i64>().ok()?.checked_mul(1000)?;
    let wait = Duration::from_millis(u64::try_from(at.checked_sub(now)?).ok()?);
    (!wait.is_zero()).then(|| wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn retry_after_is_honoured_and_clamped() {
        let now = jiff::Timestamp::from_second(1_792_000_000).expect("time");
        let date = |offset: i64| {
            let at = jiff::Timestamp::from_second(now.as_second() + offset).expect("time");
            jiff::fmt::rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).expect("text")
        };
        let future = date(90);
        let past = date(-90);
        let cases = [
            ("30", Some(30)),
            ("0", None),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("315360000", Some(6 * 3600)),
            ("99999999999999999999999", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None),
            (future.as_str(), Some(90)),
            (past.as_str(), None),
        ];
        for (text, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(
                http::header::RETRY_AFTER,
                HeaderValue::from_str(text).expect("value"),
            );
            let found = retry_after(&headers, now.as_millisecond());
            assert_eq!(found, expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), 0), None);
    }

    #[test]
    fn a_reset_is_a_time_of_day() {
        let after = |text: &'static str, now| {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-reset", HeaderValue::from_static(text));
            reset_after(&headers, now)
        };
        let now = 1_698_765_417_000;
        assert_eq!(after("1698765432", now), Some(Duration::from_secs(15)));
        assert_eq!(after("1698765400", now), None);
        for nonsense in [
            "",
            "soon",
            "-1",
            "99999999999999999999",
            "9223372036854775807",
        ] {
            assert_eq!(after(nonsense, now), None, "{nonsense}");
        }
    }
}
