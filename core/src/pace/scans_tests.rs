use super::*;

const MINUTE: Millis = 60_000;
const GDPR: Compliance = Compliance::Gdpr;

fn running(ages: &[Millis], now: Millis) -> Vec<Running> {
    ages.iter()
        .map(|age| Running {
            compliance: GDPR,
            age: *age,
            seen_at: now.saturating_sub(*age),
        })
        .collect()
}

fn aged(days: u32) -> Settings {
    Settings {
        project_age_days: Some(days),
        ..Settings::default()
    }
}

fn tries(scans: &mut Scans, jobs: &Ages, mut now: Millis, until: Millis) -> u32 {
    let settings = Settings::default();
    let (mut count, created) = (0, now);
    while now < until {
        let job = running(&[now - created], now);
        scans.refused(&settings, now, GDPR, &job);
        now += scans.wait(&settings, now, jobs, &job);
        count += 1;
    }
    count
}

#[test]
fn tries_are_few_over_days_though_nothing_is_known() {
    let mut scans = Scans::default();
    scans.accepted(&Settings::default(), 0, GDPR, &[]);
    let day = tries(&mut scans, &Ages::default(), 0, 86_400_000);
    assert!((60..110).contains(&day), "{day}");
    let mut scans = Scans::default();
    let month = tries(&mut scans, &Ages::default(), 0, 30 * 86_400_000);
    assert!((200..400).contains(&month), "{month}");
}

#[test]
fn room_is_looked_for_when_it_appeared_before() {
    let settings = Settings::default();
    let mut scans = Scans::default();
    for turn in 0..20 {
        let start = turn * 10 * MINUTE;
        let jobs = running(&[MINUTE; 5], start);
        scans.accepted(&settings, start, GDPR, &jobs);
        scans.refused(&settings, start + 1, GDPR, &jobs);
        scans.refused(&settings, start + 10 * MINUTE - 1, GDPR, &jobs);
    }
    let start = 19 * 10 * MINUTE;
    let jobs = running(&[MINUTE; 5], start);
    let wait = |after: Millis| scans.wait(&settings, start + after, &Ages::default(), &jobs);
    assert!(wait(10 * MINUTE) < 30_000, "{}", wait(10 * MINUTE));
    // It comes steadily: nothing is tried long before.
    assert!(wait(0) > 6 * MINUTE, "{}", wait(0));
    assert_eq!(scans.turn().map(|turn| turn / MINUTE), Some(10));
}

#[test]
fn the_places_are_as_seen_or_by_the_age() {
    let mut scans = Scans::default();
    let unset = Settings::default();
    assert_eq!(scans.places(&unset, GDPR), None);
    assert_eq!(scans.places(&aged(730), GDPR), Some(2.0));
    assert_eq!(scans.places(&aged(730), Compliance::Ccpa), Some(5.0));
    assert_eq!(scans.places(&aged(4000), GDPR), Some(1.0));
    scans.refused(&unset, 0, GDPR, &running(&[0; 7], 0));
    scans.refused(&unset, 5000, GDPR, &running(&[0; 3], 5000));
    assert_eq!(scans.places(&unset, GDPR), Some(3.0));
    assert_eq!(scans.places(&aged(730), Compliance::Ccpa), Some(7.0));
}

#[test]
fn what_was_refused_once_is_known_to_be_full() {
    let settings = Settings::default();
    let mut scans = Scans::default();
    for n in 0..5 {
        let before = running(&vec![MINUTE; n], 0);
        assert_eq!(scans.room(&settings, &before), None, "nothing is known");
        scans.accepted(&settings, 0, GDPR, &before);
    }
    let five = running(&[MINUTE; 5], 0);
    scans.refused(&settings, 1000, GDPR, &five);
    assert_eq!(scans.room(&settings, &five), Some(1.0));
    // An end was seen, and its place is taken: full again, without being refused.
    assert!(scans.ended(&settings, GDPR, 0, &five[1..]));
    assert_eq!(scans.room(&settings, &five[1..]), None);
    scans.accepted(&settings, 60_000, GDPR, &five[1..]);
    assert_eq!(scans.room(&settings, &five), Some(1.0));
    // A restart knows that.
    let text = serde_json::to_string(&scans).unwrap();
    let mut again: Scans = serde_json::from_str(&text).unwrap();
    again.resume(Some(60_000), None);
    assert!(again.is_sound());
    assert_eq!(again.room(&settings, &five), Some(1.0));
    assert_eq!(again.room(&settings, &[]), None, "one alone always fits");
}

/// A create that was let in beyond the limit took the place of a job that had ended unseen, or the
/// limit is higher than it was.
#[test]
fn a_surprise_is_explained_by_what_is_seen_later() {
    let settings = Settings::default();
    let mut known = Scans::default();
    let five = running(&[MINUTE; 5], 0);
    known.accepted(&settings, 0, GDPR, &five[1..]);
    known.refused(&settings, 1000, GDPR, &five);
    known.accepted(&settings, 2 * MINUTE, GDPR, &five);
    assert_eq!(known.room(&settings, &five), None, "there may be more");
    known.refused(&settings, 2 * MINUTE + 1, GDPR, &running(&[MINUTE; 6], 0));

    // The end is seen now: its place is taken already.
    let mut scans = known.clone();
    assert!(!scans.ended(&settings, GDPR, 0, &five));
    assert_eq!(scans.room(&settings, &five), Some(1.0));
    assert!(scans.ended(&settings, GDPR, 0, &five[1..]));

    // All are seen running: the limit is six at least.
    let mut scans = known;
    let six = running(&[0; 6], 3 * MINUTE);
    scans.refused(&settings, 3 * MINUTE, GDPR, &six);
    assert!(scans.ended(&settings, GDPR, 3 * MINUTE, &six[1..]));
    scans.accepted(&settings, 3 * MINUTE + 1, GDPR, &six[1..]);
    assert_eq!(scans.room(&settings, &six), Some(1.0));
}

#[test]
fn what_costs_less_may_still_fit() {
    let settings = aged(1460);
    let mut scans = Scans::default();
    let one = running(&[MINUTE], 0);
    scans.refused(&settings, 0, GDPR, &one);
    let room = scans.room(&settings, &one).unwrap();
    assert!(weight(&settings, Compliance::Ccpa) < room && weight(&settings, GDPR) >= room);
    // Four of a year would take the place of one of the whole.
    let year = Running {
        compliance: Compliance::Ccpa,
        ..one[0]
    };
    assert_eq!(scans.beside(&settings, &[one[0], year, year]), 0.5);
    assert_eq!(
        scans.beside(&settings, &[one[0], year, year, year, year]),
        0.0
    );
    scans.refused(&settings, 1000, Compliance::Ccpa, &one);
    let room = scans.room(&settings, &one).unwrap();
    assert!(weight(&settings, Compliance::Ccpa) >= room, "{room}");
}

#[test]
fn a_clock_that_jumps_does_no_harm() {
    let settings = Settings::default();
    let mut scans = Scans::default();
    scans.accepted(&settings, 1_000_000_000_000, GDPR, &[]);
    for now in [0, i64::MAX / 4, 1_000_000_000_500] {
        let odd = running(&[i64::MIN, i64::MAX], now);
        scans.refused(&settings, now, GDPR, &odd);
        let wait = scans.wait(&settings, now, &Ages::default(), &odd);
        assert!((UNKNOWN_MIN..=ms(settings.poll_max)).contains(&wait));
    }
    scans.accepted(&settings, 0, GDPR, &[]);
}
