//! Plausible people: events and a profile that follow from the seed and the id.
//!
//! The formats are the documented ones of the raw export and of profiles.

use serde_json::json;

use crate::draw::{Draw, hex};
use crate::options::Options;

pub(super) struct Person {
    pub events: Vec<String>,
    pub profile: String,
}

const CITIES: [(&str, &str); 6] = [
    ("Berlin", "DE"),
    ("Lyon", "FR"),
    ("Kraków", "PL"),
    ("San Francisco", "US"),
    ("Chennai", "IN"),
    ("Porto", "PT"),
];
const EVENTS: [&str; 6] = [
    "Sign Up",
    "Page View",
    "Search",
    "Add to Cart",
    "Purchase",
    "Log Out",
];
const NAMES: [&str; 6] = ["Ada", "Noor", "Jürgen", "Mei", "Tomás", "Zoë"];
const SYSTEMS: [&str; 4] = ["Android", "iOS", "Windows", "Mac OS X"];
const DAY_S: u64 = 86_400;

pub(super) fn person(options: &Options, id: &str, now_ms: i64) -> Person {
    let mut draw = Draw::new(options.seed, "person", id.as_bytes());
    let until = u64::try_from(now_ms / 1_000).unwrap_or(0);
    let history = options.project_age_days.max(1).saturating_mul(DAY_S);
    let at = usize::try_from(draw.within([0, CITIES.len() as u64 - 1])).unwrap_or(0);
    let (city, land) = CITIES.get(at).copied().unwrap_or_default();
    let system = draw.pick(&SYSTEMS).to_owned();

    let count = draw.within(options.events_per_subject);
    let mut times: Vec<u64> = (0..count)
        .map(|_| until.saturating_sub(draw.within([0, history])))
        .collect();
    times.sort_unstable();
    let events = times
        .iter()
        .map(|time| {
            let mut insert_id = [0; 8];
            draw.fill(&mut insert_id);
            let event = draw.pick(&EVENTS);
            let properties = json!({
                "time": time,
                "distinct_id": id,
                "$insert_id": hex(&insert_id),
                "$city": city,
                "mp_country_code": land,
                "$os": system,
            });
            json!({"event": event, "properties": properties}).to_string()
        })
        .collect();
    let name = draw.pick(&NAMES);
    let profile = json!({
        "$distinct_id": id,
        "$properties": {"$name": name, "$city": city, "$country_code": land, "sessions": draw.within([1, 400])},
    });
    Person {
        events,
        profile: profile.to_string(),
    }
}
