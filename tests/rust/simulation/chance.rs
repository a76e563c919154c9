//! From a seed to a case.

use std::time::Duration;

use dsrkit::{AmbiguityPolicy, Kind, Millis};
use dsrkit_sandbox as vendor;
use dsrkit_sandbox::{Fault, FaultKind, Operation, Options};

use super::case::{Case, Manner, Order, Outage, Trouble};
use super::draw::Draw;

pub const SECOND: Millis = 1000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;

/// Which troubles a case may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// All of them.
    Everything,
    /// Somebody cancels, among a few others.
    Cancels,
    /// The clock jumps, among a few others.
    Clocks,
    /// Several processes on one journal, which stand still, among a few others.
    Workers,
    /// None.
    Calm,
}

/// The case of a seed.
pub fn case(seed: u64, profile: Profile) -> Case {
    let mut draw = Draw::new(seed, "case");
    let batch = usize::try_from(draw.within(1, 4)).unwrap();
    let orders = orders(&mut draw, profile);
    let guard = draw.chance(60);
    let workers = profile == Profile::Workers;
    let mut case = Case {
        seed,
        batch,
        vendor: options(seed, batch, guard, &mut draw),
        trusts_guard: if draw.chance(75) { guard } else { !guard },
        policy: draw.pick(&[
            AmbiguityPolicy::Resolve,
            AmbiguityPolicy::Resolve,
            AmbiguityPolicy::Resolve,
            AmbiguityPolicy::Resubmit,
            AmbiguityPolicy::Hold,
        ]),
        request_ids: draw.chance(30),
        sqlite: seed % 16 == 7 && !workers,
        seals: seed % 4 == 3 && (seed / 16).is_multiple_of(2),
        rescue: draw.chance(50) || workers,
        workers: if workers {
            2 + u32::from(seed.is_multiple_of(5))
        } else {
            1
        },
        beats: !seed.is_multiple_of(3),
        manners: (0..3)
            .map(|_| {
                draw.pick(&[
                    Manner::Wait,
                    Manner::Wait,
                    Manner::Events,
                    Manner::Tick,
                    Manner::Impatient,
                ])
            })
            .collect(),
        orders,
        troubles: Vec::new(),
    };
    case.troubles = troubles(&mut Draw::new(seed, "troubles"), &case, profile);
    // Each new owner takes up `hold_for`, by a clock that was set back for the whole of it: without
    // signs of life owners may change before it is ever over.
    let jumps = case.jumps().count() > 0;
    case.beats |= jumps;
    case
}

fn orders(draw: &mut Draw, profile: Profile) -> Vec<Order> {
    let number = draw.pick(&[1, 1, 1, 1, 2, 2, 3]);
    let shared = draw.chance(25);
    (0..number)
        .map(|order| {
            let deletion = profile == Profile::Cancels || draw.chance(70);
            let prefix = if shared { 0 } else { order };
            let first = draw.within(0, 2);
            let last = first + draw.within(0, 6);
            Order {
                kind: if deletion {
                    Kind::Deletion
                } else {
                    Kind::Retrieval
                },
                ids: (first..=last)
                    .map(|n| match n % 3 {
                        0 => format!("{prefix}-É{n}@example.com"),
                        1 => format!("{prefix}-\"{n}\\"),
                        _ => format!("{prefix}-user {n}"),
                    })
                    .collect(),
                hold_for: match deletion && draw.chance(25) {
                    true => Duration::from_millis(draw.within(MINUTE, 2 * HOUR).unsigned_abs()),
                    false => Duration::ZERO,
                },
                at: draw.pick(&[0, 0, 0, 5 * SECOND, 20 * MINUTE]),
            }
        })
        .collect()
}

fn options(seed: u64, batch: usize, guard: bool, draw: &mut Draw) -> Options {
    let span = |last: Millis| [30_000, last.unsigned_abs()];
    let mut options = Options {
        seed,
        oauth_tokens: vec!["others-token".into(), "new-token".into()],
        data_groups: groups(batch).into(),
        retrieval_limit: batch,
        job_ms: vendor::JobMs {
            pending: span(10 * MINUTE),
            staging: span(15 * MINUTE),
            started: span(draw.pick(&[10 * MINUTE, HOUR, 5 * HOUR])),
        },
        events_per_subject: [0, 2],
        ..Options::default()
    };
    let dialect = &mut options.dialect;
    dialect.conflict_guard = guard;
    if draw.chance(40) {
        dialect.create_status = draw.pick(&[200, 201]);
        dialect.create_shape =
            draw.pick(&[vendor::CreateShape::Object, vendor::CreateShape::Array]);
        dialect.task_id_kind = draw.pick(&[
            vendor::TaskIdKind::Nanoseconds,
            vendor::TaskIdKind::Uuid,
            vendor::TaskIdKind::Number,
        ]);
        dialect.cancel_answer =
            draw.pick(&[vendor::CancelAnswer::NoContent, vendor::CancelAnswer::Json]);
        dialect.item_slash = draw.pick(&[
            vendor::ItemSlash::Both,
            vendor::ItemSlash::Required,
            vendor::ItemSlash::Forbidden,
        ]);
        dialect.item_slash_miss = draw.pick(&[301, 404]);
        dialect.not_found = draw.pick(&[vendor::NotFound::Word, vendor::NotFound::Status]);
        dialect.full_deletion_status = draw.chance(50);
    }
    if draw.chance(30) {
        let words = ["0", "-5", "1", "40", "7000", "999999999", "soon"];
        dialect.retry_after = Some(draw.pick(&words).to_owned());
    }
    options
}

/// The data groups that make a deletion's requests this small.
pub fn groups(batch: usize) -> u32 {
    u32::try_from(2000 / batch - 1).unwrap()
}

fn troubles(draw: &mut Draw, case: &Case, profile: Profile) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    let many = match profile {
        Profile::Calm => return troubles,
        Profile::Everything => draw.pick(&[0, 1, 2, 2, 3, 3, 4, 5, 6, 8]),
        Profile::Cancels | Profile::Clocks | Profile::Workers => draw.pick(&[0, 0, 1, 2, 3]),
    };
    if profile == Profile::Cancels {
        troubles.push(cancel(draw, case));
        if draw.chance(10) {
            troubles.push(outage(draw));
        }
    }
    if profile == Profile::Clocks {
        troubles.extend((0..draw.pick(&[1, 1, 2, 4])).map(|_| jump(draw)));
    }
    if profile == Profile::Workers {
        troubles.extend((0..draw.pick(&[1, 1, 2, 3, 5])).map(|_| stall(draw)));
    }
    for _ in 0..many {
        troubles.push(any(draw, case));
    }
    if profile == Profile::Workers {
        // These are told to one process, and another one would not know.
        troubles.retain(|trouble| {
            !matches!(
                trouble,
                Trouble::OldToken { .. } | Trouble::DiskFull { .. } | Trouble::Decides { .. }
            )
        });
    } else if draw.chance(30) {
        troubles.push(decides(draw));
    }
    troubles
}

/// Early ones are the interesting ones.
fn step(draw: &mut Draw) -> u32 {
    let last = draw.pick(&[12, 30, 60, 150, 400]);
    draw.count(1, last)
}

fn jump(draw: &mut Draw) -> Trouble {
    let far = draw.pick(&[SECOND, MINUTE, HOUR, 7 * HOUR, DAY, 30 * DAY, 3653 * DAY]);
    Trouble::Jump {
        step: step(draw),
        by: if draw.chance(50) { far } else { -far },
    }
}

fn stall(draw: &mut Draw) -> Trouble {
    Trouble::Stall {
        step: step(draw),
        ms: draw.pick(&[30 * SECOND, 100 * SECOND, 3 * MINUTE, 10 * MINUTE, 3 * HOUR]),
    }
}

fn cancel(draw: &mut Draw, case: &Case) -> Trouble {
    Trouble::Cancel {
        step: step(draw),
        order: usize::try_from(draw.next()).unwrap() % case.orders.len(),
    }
}

fn decides(draw: &mut Draw) -> Trouble {
    Trouble::Decides {
        again: draw.chance(60),
    }
}

fn outage(draw: &mut Draw) -> Trouble {
    let last = draw.pick(&[5 * SECOND, 2 * HOUR]);
    let from = draw.within(0, last);
    Trouble::Outage {
        from,
        to: from + draw.pick(&[MINUTE, HOUR, DAY, DAY + 3 * HOUR]),
        how: draw.pick(&[Outage::Refused, Outage::Silent, Outage::Gateway]),
    }
}

fn crash(draw: &mut Draw) -> Trouble {
    Trouble::Crash {
        step: step(draw),
        later: draw.pick(&[0, 10, 2 * SECOND, 10 * MINUTE, 3 * HOUR, 2 * DAY]),
    }
}

fn any(draw: &mut Draw, case: &Case) -> Trouble {
    let all: Vec<&String> = case.orders.iter().flat_map(|order| &order.ids).collect();
    match draw.within(0, 99) {
        0..=29 => crash(draw),
        30..=64 => Trouble::Vendor(fault(draw)),
        65..=70 => Trouble::DiskFull {
            commit: step(draw).div_ceil(2),
            times: draw.pick(&[1, 2, 5, 30, 80]),
        },
        71..=74 => outage(draw),
        75..=79 => jump(draw),
        80..=84 => cancel(draw, case),
        85..=89 => {
            let mut ids: Vec<String> = all
                .iter()
                .filter(|_| draw.chance(50))
                .map(|id| (*id).clone())
                .collect();
            if ids.is_empty() || draw.chance(50) {
                ids.push("somebody else".into());
            }
            ids.sort();
            ids.dedup();
            ids.truncate(case.batch);
            Trouble::Others {
                step: step(draw),
                ids,
            }
        }
        90 => Trouble::OldToken {
            processes: draw.count(1, 2),
        },
        91 | 92 => Trouble::BadId(draw.pick(&all).clone()),
        93 => Trouble::FailTask(draw.next() % 4 + 1),
        94 => Trouble::RevokeTask(draw.next() % 4 + 1),
        95 => Trouble::Lag(draw.next() % 5 + 1),
        96 => Trouble::Words((0..3).map(|_| word(draw)).collect()),
        97 => Trouble::LowLimit(1),
        98 => Trouble::Budget(1),
        _ => decides(draw),
    }
}

fn word(draw: &mut Draw) -> String {
    draw.pick(&["QUEUED", "UNKNOWN", "not found", "PENDING", "STARTED"])
        .to_owned()
}

fn fault(draw: &mut Draw) -> Fault {
    use FaultKind as F;
    use Operation as O;
    let create = draw.chance(55);
    let (on, kinds): (_, &[F]) = if create {
        let kinds = &[
            F::Status,
            F::Status,
            F::Status,
            F::DropBefore,
            F::DropAfter,
            F::DropAfter,
            F::Reset,
            F::TruncatedJson,
            F::Html,
            F::NoId,
            F::Redirect,
            F::ErrorIn200,
            F::ConflictForeign,
            F::ConflictEmpty,
        ];
        (
            draw.pick(&[O::CreateDeletion, O::CreateDeletion, O::CreateRetrieval]),
            kinds,
        )
    } else {
        let kinds = &[
            F::Status,
            F::DropBefore,
            F::DropAfter,
            F::Reset,
            F::TruncatedJson,
            F::Html,
            F::Redirect,
            F::ErrorIn200,
            F::StatusWord,
            F::ForeignEcho,
        ];
        (
            draw.pick(&[O::GetDeletion, O::GetRetrieval, O::CancelDeletion, O::Any]),
            kinds,
        )
    };
    let mut kind = draw.pick(kinds);
    let mut on = on;
    if on == O::CreateRetrieval && matches!(kind, F::ConflictForeign | F::ConflictEmpty) {
        kind = F::Status;
    }
    if on == O::CancelDeletion && matches!(kind, F::StatusWord | F::ForeignEcho) {
        kind = F::DropAfter;
    }
    if !create && draw.chance(25) {
        on = O::Download;
        kind = draw.pick(&[
            F::Status,
            F::DropAfter,
            F::Reset,
            F::ExpiredLink,
            F::TruncatedArchive,
            F::CorruptArchive,
            F::WrongSecret,
        ]);
    }
    let mut fault = Fault::new(on, kind)
        .nth(draw.pick(&[1, 1, 1, 2, 2, 3, 5, 8]))
        .times(draw.pick(&[1, 1, 1, 2, 3, 6, 10]));
    match kind {
        F::Status => {
            let status = draw.pick(&[400, 401, 403, 404, 405, 413, 429, 429, 500, 502, 503, 504]);
            fault = fault.status(status);
            fault.processed = status >= 500 && draw.chance(50);
        }
        F::Redirect => {
            fault = fault.status(draw.pick(&[301, 302, 303, 307, 308]));
            fault.processed = false;
        }
        F::ErrorIn200 => fault.processed = draw.chance(50),
        F::StatusWord => fault.word = Some(word(draw)),
        _ => {}
    }
    if kind == F::Status && fault.status == Some(429) && draw.chance(50) {
        let text = r#"{"status":"error","error":"too much outstanding work"}"#;
        fault.body = Some(text.to_owned());
    }
    fault
}
