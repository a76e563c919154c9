//! The activity strip: a bar a month, or a year when there are many months.

use std::collections::BTreeMap;

use serde::Serialize;

use super::language::Language;

/// More months than these are shown as years.
const MONTHS: i64 = 36;
/// Bars at most: what hostile times add beyond these is in the table of numbers only.
const BARS: usize = 60;

/// One bar, in units of the drawing: 10 wide a bar, 100 high.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    x: usize,
    y: u64,
    height: u64,
    /// `June 2026`.
    label: String,
    /// The same in a few letters, below the bar.
    short: String,
    /// Below that, where a year begins and where the drawing does.
    year: Option<String>,
    count: String,
}

/// Everything that the drawing, its text and its table need.
#[derive(Debug, Serialize)]
pub(super) struct Strip {
    width: usize,
    bars: Vec<Bar>,
    text: String,
    first: String,
    last: String,
}

/// `None` when no event has a date.
pub(super) fn strip(months: &BTreeMap<(i16, i8), u64>, words: &Language) -> Option<Strip> {
    let ordinal = |(year, month): (i16, i8)| i64::from(year) * 12 + i64::from(month) - 1;
    let (first, last) = (*months.first_key_value()?.0, *months.last_key_value()?.0);
    let mut columns: Vec<(String, String, u64)> = Vec::new();
    let monthly = ordinal(last) - ordinal(first) < MONTHS;
    if monthly {
        for at in ordinal(first)..=ordinal(last) {
            let key = split(at);
            let label = format!("{} {}", words.month(key.1), key.0);
            let short = words.month_short(key.1).to_owned();
            columns.push((label, short, months.get(&key).copied().unwrap_or_default()));
        }
    } else {
        let mut years: BTreeMap<i16, u64> = BTreeMap::new();
        for ((year, _), count) in months {
            *years.entry(*year).or_default() += count;
        }
        let close =
            usize::try_from(i64::from(last.0) - i64::from(first.0)).is_ok_and(|years| years < BARS);
        if close {
            for year in first.0..=last.0 {
                years.entry(year).or_default();
            }
        }
        let skip = years.len().saturating_sub(BARS);
        let years = years.into_iter().skip(skip);
        columns.extend(years.map(|(year, n)| (year.to_string(), year.to_string(), n)));
    }
    let most = columns
        .iter()
        .map(|(_, _, n)| *n)
        .max()
        .unwrap_or_default()
        .max(1);
    let label = |at: Option<&(String, String, u64)>| {
        at.map(|(label, ..)| label.clone()).unwrap_or_default()
    };
    let peak = label(columns.iter().find(|(_, _, n)| *n == most));
    let (from, to) = (label(columns.first()), label(columns.last()));
    let gaps = [
        ("from", from.as_str()),
        ("to", to.as_str()),
        ("most", &words.number(most)),
        ("month", &peak),
    ];
    Some(Strip {
        width: columns.len() * 10,
        text: words.fill("activity_text", &gaps),
        bars: columns
            .into_iter()
            .enumerate()
            .map(|(n, (label, short, count))| {
                // Whoever was there once is seen, too.
                let height = (count.saturating_mul(100) / most).max(u64::from(count > 0) * 3);
                let at = ordinal(first) + i64::try_from(n).unwrap_or_default();
                let (year, month) = split(at);
                Bar {
                    year: (monthly && (n == 0 || month == 1)).then(|| year.to_string()),
                    x: n * 10 + 2,
                    y: 100 - height,
                    height,
                    label,
                    short,
                    count: words.number(count),
                }
            })
            .collect(),
        first: from,
        last: to,
    })
}

fn split(ordinal: i64) -> (i16, i8) {
    let (year, month) = (ordinal.div_euclid(12), ordinal.rem_euclid(12) + 1);
    (
        i16::try_from(year).unwrap_or_default(),
        i8::try_from(month).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(months: &[((i16, i8), u64)]) -> Option<Strip> {
        let words = Language::find("en", None).expect("en");
        strip(&months.iter().copied().collect(), &words)
    }

    #[test]
    fn months_between_have_their_place() {
        let strip = draw(&[((2025, 11), 4), ((2026, 2), 1000)]).expect("strip");
        let bars: Vec<_> = strip
            .bars
            .iter()
            .map(|b| (b.x, b.height, b.label.as_str()))
            .collect();
        let years: Vec<_> = strip.bars.iter().map(|b| b.year.as_deref()).collect();
        assert_eq!(years, [Some("2025"), None, Some("2026"), None]);
        assert_eq!(
            bars,
            [
                (2, 3, "November 2025"),
                (12, 0, "December 2025"),
                (22, 0, "January 2026"),
                (32, 100, "February 2026")
            ]
        );
        assert!(
            strip.text.contains("1000, are in February 2026"),
            "{}",
            strip.text
        );
        assert!(draw(&[]).is_none());
    }

    #[test]
    fn hostile_dates_do_not_make_a_million_bars() {
        let strip = draw(&[((-9999, 1), 1), ((9999, 12), u64::MAX)]).expect("strip");
        assert_eq!(strip.bars.len(), 2);
        let long: Vec<_> = (1900..2100).map(|year| ((year, 1), 1)).collect();
        assert_eq!(draw(&long).expect("strip").bars.len(), BARS);
        assert_eq!(
            draw(&[((2020, 1), 1), ((2026, 1), 1)])
                .expect("strip")
                .bars
                .len(),
            7
        );
    }
}
