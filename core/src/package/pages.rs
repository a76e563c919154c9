//! Cutting a long timeline into pages that a browser opens at once.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::survey::{Place, local};

/// Events on one page.
const EVENTS: usize = 5_000;
/// Bytes of the events of one page, as received.
const BYTES: u64 = 4 << 20;

/// A page beside `index.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// `pages/2026-06.html`.
    pub(super) path: String,
    pub(super) period: Period,
    /// Which part of the period, from 1; 0 when it is the whole.
    pub(super) part: usize,
    /// Its events among all.
    pub(super) places: Range<usize>,
}

/// What a page covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Year(i16),
    Month(i16, i8),
    Undated,
}

/// No pages when everything fits on one; else one a year, or a month, or a part of a month.
pub(super) fn pages(places: &[Place], zone: &TimeZone) -> Vec<Page> {
    if fits(places) {
        return Vec::new();
    }
    let months: Vec<Option<(i16, i8)>> = places
        .iter()
        .map(|place| {
            let local = local(place.time()?, zone)?;
            Some((local.year(), local.month()))
        })
        .collect();
    let mut pages = Vec::new();
    for year in runs(0..months.len(), |at| {
        months.get(at).copied().flatten().map(|m| m.0)
    }) {
        let month_at = |at: usize| months.get(at).copied().flatten();
        let Some((number, _)) = month_at(year.start) else {
            cut(places, year, Period::Undated, &mut pages);
            continue;
        };
        if fits(places.get(year.clone()).unwrap_or_default()) {
            cut(places, year, Period::Year(number), &mut pages);
            continue;
        }
        for month in runs(year, month_at) {
            if let Some((year, number)) = month_at(month.start) {
                cut(places, month, Period::Month(year, number), &mut pages);
            }
        }
    }
    pages
}

fn fits(places: &[Place]) -> bool {
    places.len() <= EVENTS && places.iter().map(|p| u64::from(p.len)).sum::<u64>() <= BYTES
}

/// The parts of a range over which `key` stays the same.
fn runs<K: PartialEq>(range: Range<usize>, key: impl Fn(usize) -> K) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in range {
        match runs.last_mut() {
            Some(run) if key(run.start) == key(at) => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn cut(places: &[Place], range: Range<usize>, period: Period, pages: &mut Vec<Page>) {
    let name = match period {
        Period::Year(year) => format!("{year:04}"),
        Period::Month(year, month) => format!("{year:04}-{month:02}"),
        Period::Undated => "undated".to_owned(),
    };
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for at in range {
        let len = places.get(at).map_or(0, |place| u64::from(place.len));
        bytes += len;
        match parts.last_mut() {
            Some(part) if part.len() < EVENTS && bytes <= BYTES => part.end = at + 1,
            _ => {
                parts.push(at..at + 1);
                bytes = len;
            }
        }
    }
    let several = parts.len() > 1;
    for (n, places) in parts.into_iter().enumerate() {
        let (part, path) = if several {
            (n + 1, format!("pages/{name}-{}.html", n + 1))
        } else {
            (0, format!("pages/{name}.html"))
        };
        pages.push(Page {
            path,
            period,
            part,
            places,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many events a month, `len` bytes each, the newest month first.
    fn places(months: &[(&str, usize)], len: u32) -> Vec<Place> {
        let mut places = Vec::new();
        for (month, count) in months {
            let at = match *month {
                "" => i64::MIN,
                month => format!("{month}-15T00:00:00Z")
                    .parse::<jiff::Timestamp>()
                    .expect("time")
                    .as_millisecond(),
            };
            places.extend((0..*count).map(|_| Place { at, offset: 0, len }));
        }
        places
    }

    fn cut_up(months: &[(&str, usize)], len: u32) -> Vec<(String, usize)> {
        let places = places(months, len);
        let pages = pages(&places, &TimeZone::UTC);
        let mut next = 0;
        for page in &pages {
            assert_eq!(
                page.places.start, next,
                "no event is left out or shown twice"
            );
            next = page.places.end;
        }
        assert!(pages.is_empty() || next == places.len());
        pages
            .into_iter()
            .map(|page| (page.path, page.places.len()))
            .collect()
    }

    #[test]
    fn a_page_is_a_year_a_month_or_a_part_of_it() {
        assert!(cut_up(&[("2026-06", 3_000), ("2025-01", 2_000)], 300).is_empty());
        let cut = cut_up(
            &[
                ("2026-06", 6_000),
                ("2026-05", 1),
                ("2025-12", 10),
                ("2025-01", 90),
                ("", 3),
            ],
            300,
        );
        let expected = [
            ("pages/2026-06-1.html", 5_000),
            ("pages/2026-06-2.html", 1_000),
            ("pages/2026-05.html", 1),
            ("pages/2025.html", 100),
            ("pages/undated.html", 3),
        ];
        assert_eq!(cut, expected.map(|(path, n)| (path.to_owned(), n)));
        let large = cut_up(&[("2026-06", 4)], 3 << 20);
        assert_eq!(large.len(), 4, "bytes count as well");
    }
}
