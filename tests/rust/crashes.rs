//! Real processes on a real journal, in a file or on a server, and a vendor in another process. They die at every call
//! that changes the disk or the network (G4), the disk fails at every such call (G6), the power goes
//! at every moment (G7). The places are not kept by hand: `tests/disk/shim.c` numbers what a process
//! really does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::pedantic)]

#[path = "crashes"]
mod crashes {
    pub mod child;
    pub mod disk;
    #[path = "../support/postgres.rs"]
    pub mod postgres;
    pub mod room;
    pub mod scene;
    pub mod shim;
}

#[allow(dead_code)]
#[path = "simulation/draw.rs"]
mod draw;

#[path = "support/piece.rs"]
mod piece;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crashes::disk::{Disk, Loss};
use crashes::postgres::Server;
use crashes::scene::{Ended, Scene};
use crashes::shim::{Call, Strike};
use draw::Draw;
use piece::{piece, soak};

/// Not a test by itself: the process that the others start.
#[test]
fn child() {
    if let Ok(order) = std::env::var(crashes::child::ORDER) {
        crashes::child::live(&serde_json::from_str(&order).unwrap());
    }
}

/// What a run does without any trouble.
fn calls(scene: &Scene) -> Vec<Call> {
    let calls = scene.calls();
    assert_eq!(scene.check().ambiguous, 0);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for call in &calls {
        *kinds.entry(call.what()).or_default() += 1;
    }
    println!("{} calls of a run: {kinds:?}", calls.len());
    assert!(calls.len() > 100, "the calls are not seen");
    calls
}

/// Works through a list on all cores, and tells which failed.
fn all<T: Sync + fmt::Debug>(list: &[(usize, T)], work: impl Fn(usize, &T) + Sync) {
    let (next, cores) = (AtomicUsize::new(0), std::thread::available_parallelism());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..cores.map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((number, item)) = list.get(at) else {
                        break;
                    };
                    let done = catch_unwind(AssertUnwindSafe(|| work(*number, item)));
                    if done.is_err() {
                        failed.lock().unwrap().push(at);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let told: Vec<_> = failed.iter().take(20).map(|at| &list[*at]).collect();
    assert!(failed.is_empty(), "{} failed: {told:#?}", failed.len());
}

/// So many of a list, spread over it, over and over if that is more than there are; and of these
/// the piece that is asked for, with their numbers.
fn spread<T: Clone>(list: &[T], many: usize) -> Vec<(usize, T)> {
    let at = |n: usize| match many < list.len() {
        true => n * list.len() / many,
        false => n % list.len(),
    };
    piece((0..many).map(|n| (n, list[at(n)].clone())).collect())
}

/// Killed before each call and in the middle of each write, then once more somewhere: the next
/// process goes on, nothing is lost, nothing is repeated but recorded ambiguous requests.
fn killed(goal: &str, many: usize, scene: impl Fn(bool) -> Scene + Sync) {
    let start = Instant::now();
    let calls = calls(&scene(true));
    let (mut points, mut near) = (Vec::new(), Vec::new());
    for (at, call) in calls.iter().enumerate() {
        let mut here = vec![Strike::kill(call)];
        if call.name.contains("write") || call.name == "send" {
            here.push(Strike::torn(call));
        }
        // A create, or what follows on one until its answer is written down.
        let before = &calls[at.saturating_sub(12)..=at];
        if before.iter().any(Call::is_create) {
            near.extend(here.clone());
        }
        points.extend(here);
    }
    let kills = AtomicUsize::new(0);
    let sums = Mutex::new([0; 2]);
    let close = near.len().min(many / 2);
    let mut scenes = spread(&near, close);
    scenes.extend(spread(&points, many - close));
    all(&scenes, |number, point| {
        let scene = scene(number % 3 != 0);
        let mut draw = Draw::new(number as u64, "kills");
        let again = Strike::kill(&draw.pick(&calls));
        for strike in [point, &again] {
            match scene.process(strike) {
                Ended::Killed => _ = kills.fetch_add(1, Ordering::Relaxed),
                Ended::Done => {}
                Ended::Refused(what) => panic!("{point:?}, then {again:?}: {what}"),
            }
        }
        assert!(matches!(scene.process(&Strike::none()), Ended::Done));
        let account = scene.check();
        let mut sums = sums.lock().unwrap();
        sums[0] += account.ambiguous;
        sums[1] += account.repeated;
    });
    let [ambiguous, repeated] = sums.into_inner().unwrap();
    println!(
        "{goal}: {} kills, {} scenes over {} failpoints, 0 ids lost, {ambiguous} ambiguous requests, {repeated} ids in a second task, 0 not recorded, {:.0} s",
        kills.into_inner(),
        scenes.len(),
        points.len(),
        start.elapsed().as_secs_f64()
    );
}

#[test]
fn g4_killed_at_every_failpoint() {
    killed("G4", if soak() { 6000 } else { 300 }, Scene::new);
}

/// The same with the journal on a server, where a commit is a call on the network.
#[test]
fn g4_killed_at_every_failpoint_with_a_journal_on_postgresql() {
    let server = Arc::new(Server::start());
    let many = if soak() { 640 } else { 10 };
    killed("G4 PostgreSQL", many, |guard| Scene::on(&server, guard));
}

/// The disk is full or broken at one call, or from there on: an error is returned, nothing is sent
/// that is not written down, and with a disk that works again the next process goes on.
#[test]
fn g6_a_disk_that_fails_at_every_call() {
    let start = Instant::now();
    let scene = Scene::new(true);
    let calls: Vec<Call> = scene.disk_calls();
    let mut points = Vec::new();
    for call in &calls {
        points.extend(Strike::failing(call));
    }
    // The file is made at the beginning: a disk that fails there is tried in every way each time.
    let making = points.iter().filter(|point| point.making()).cloned();
    let mut chosen: Vec<_> = making.enumerate().collect();
    chosen.extend(spread(&points, if soak() { points.len() } else { 60 }));
    let many = chosen.len();
    let [refused, done] = [(); 2].map(|()| AtomicUsize::new(0));
    all(&chosen, |number, point| {
        let scene = Scene::new(number % 3 != 0);
        match scene.process(point) {
            Ended::Refused(what) => {
                assert!(
                    what.starts_with("Journal: ") || what.starts_with("Io: "),
                    "{point:?}: {what}"
                );
                refused.fetch_add(1, Ordering::Relaxed);
            }
            Ended::Done => _ = done.fetch_add(1, Ordering::Relaxed),
            Ended::Killed => panic!("{point:?}: it dies of it"),
        }
        scene.nothing_unwritten();
        assert!(
            matches!(scene.process(&Strike::none()), Ended::Done),
            "{point:?}"
        );
        scene.check();
    });
    println!(
        "G6: {many} failures of {} that {} calls on the disk allow, {} told as an error, {} got over, 0 creates without their intent, {:.0} s",
        points.len(),
        calls.len(),
        refused.into_inner(),
        done.into_inner(),
        start.elapsed().as_secs_f64()
    );
}

/// A disk of at most 1 MiB that is full at some moment of the work: an error is returned, nothing is
/// sent that is not written down, and with space again the next process goes on.
#[test]
fn g6_a_disk_that_is_really_full() {
    let start = Instant::now();
    let sizes: Vec<usize> = (2..=256).map(|pages| 4 * pages).collect();
    let chosen = spread(&sizes, if soak() { sizes.len() } else { 16 });
    let [refused, done, creates] = [(); 3].map(|()| AtomicUsize::new(0));
    let skipped = Mutex::new(None);
    all(&chosen, |number, kib| {
        let scene = Scene::new(number % 3 != 0);
        let room = match scene.small(*kib) {
            Ok(room) => room,
            Err(why) => {
                *skipped.lock().unwrap() = Some(why);
                return;
            }
        };
        match scene.process(&Strike::none()) {
            Ended::Refused(what) => {
                let told = what.starts_with("Journal: ") || what.starts_with("Io: ");
                assert!(told, "{kib} KiB: {what}");
                refused.fetch_add(1, Ordering::Relaxed);
            }
            Ended::Done => _ = done.fetch_add(1, Ordering::Relaxed),
            Ended::Killed => panic!("{kib} KiB: it dies of it"),
        }
        room.more();
        creates.fetch_add(scene.nothing_unwritten(), Ordering::Relaxed);
        let goes_on = matches!(scene.process(&Strike::none()), Ended::Done);
        assert!(goes_on, "{kib} KiB");
        scene.check();
    });
    if let Some(why) = skipped.into_inner().unwrap() {
        println!("G6: no disk could be mounted, so none was full: {why}");
        return;
    }
    println!(
        "G6: {} disks of at most 1 MiB, {} told as full, {} large enough, 0 of {} creates without their intent, {:.0} s",
        chosen.len(),
        refused.into_inner(),
        done.into_inner(),
        creates.into_inner(),
        start.elapsed().as_secs_f64()
    );
}

/// The power goes after each write and at each flush, and takes what was not flushed: all of it, or
/// any part. What was committed is there.
#[test]
fn g7_the_power_goes_at_any_moment() {
    let start = Instant::now();
    let scene = Scene::new(true);
    let record = scene.record();
    let mut losses = Vec::new();
    for at in 1..=record.len() {
        losses.push(Loss::everything(at));
        losses.extend((0..3).map(|seed| Loss::some(at, seed)));
    }
    let chosen = spread(&losses, if soak() { losses.len() } else { 150 });
    let many = chosen.len();
    let (flushes, opened) = (
        record.iter().filter(|op| op.is_sync()).count(),
        AtomicUsize::new(0),
    );
    all(&chosen, |number, loss| {
        let mut disk = Disk::default();
        record[..loss.at].iter().for_each(|op| disk.follow(op));
        let place = crashes::scene::folder();
        let mut draw = Draw::new(number as u64, "power");
        disk.after(loss, &mut draw, place.path());
        if scene.survived(place.path(), &disk, loss) {
            opened.fetch_add(1, Ordering::Relaxed);
        }
    });
    println!(
        "G7: {many} losses of power over {} writes and {flushes} flushes, 0 committed transactions lost, {} journals there, {:.0} s",
        record.len() - flushes,
        opened.into_inner(),
        start.elapsed().as_secs_f64()
    );
}
