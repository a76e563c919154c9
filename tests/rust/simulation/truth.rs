//! At the end: everything has come to rest in time (I9, I15), the account adds up (I10), and what
//! it says is true at the vendor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dsrkit::journal::{BatchRow, BatchState};
use dsrkit::{Client, Kind, Millis, Outcome, ReportData};

use super::case::Trouble;
use super::chance::{HOUR, MINUTE};
use super::facts::Rows;
use super::invariants::{Verdict, i11};
use super::world::World;

/// Everything that a client says at the end, run by run.
pub fn account(client: &Client) -> dsrkit::Result<Vec<ReportData>> {
    client.runs()?.iter().map(|run| run.report()).collect()
}

/// The account against the journal and the vendor.
pub fn check(world: &World, client: &Client) -> Verdict {
    let said = |error: dsrkit::Error| format!("the account cannot be had: {error}");
    in_time(world)?;
    i11(&world.state())?;
    let reports = account(client).map_err(said)?;
    if reports.len() != world.case.orders.len() {
        return Err("I1: an order has no run".to_owned());
    }
    // What the vendor has is asked for once; it may be asked at its own pace.
    let journal = Arc::clone(&world.state().journal);
    let mut vendor = BTreeMap::new();
    for report in reports {
        let row = journal.run(&report.run_id).map_err(said)?.unwrap();
        let rows = {
            let state = world.state();
            // Ids that have left the journal are known from before.
            let known = state.facts.rows.get(&report.run_id);
            let before = known.filter(|_| world.case.seals);
            Rows::read(journal.as_ref(), row, before).map_err(said)?
        };
        for job in &rows.jobs {
            vendor
                .entry(job.task.clone())
                .or_insert_with(|| world.asked(rows.row.terms.kind, &job.task));
        }
        let outcomes = outcomes(client, &report).map_err(said)?;
        settled(&report, &rows)?;
        adds_up(&report, &rows, &outcomes)?;
        for batch in &rows.batches {
            true_at_the_vendor(world, &rows, batch, &vendor)?;
        }
        cancels(&report, &vendor)?;
    }
    Ok(())
}

/// I5, at the end of processes that lived through it: no task is lost that one of them was told of,
/// however late.
pub fn told(world: &World) -> Verdict {
    let crashed = |trouble: &Trouble| matches!(trouble, Trouble::Crash { .. });
    if world.case.workers == 1 || world.case.troubles.iter().any(crashed) {
        return Ok(());
    }
    let state = world.state();
    let journal = Arc::clone(&state.journal);
    let said = |error: dsrkit::Error| format!("the journal cannot be read: {error}");
    for post in state.facts.posts.iter().filter(|post| post.told) {
        let (jobs, orphans) = (journal.jobs(&post.run), journal.orphans(&post.run));
        let mut known: Vec<String> = jobs
            .map_err(said)?
            .into_iter()
            .map(|row| row.task)
            .collect();
        known.extend(orphans.map_err(said)?.into_iter().map(|row| row.task));
        if post.task.as_ref().is_some_and(|task| !known.contains(task)) {
            return fail("I5: the journal does not know a task that was told late");
        }
    }
    Ok(())
}

/// I13, when all was done before this process was there: what is to be sealed is, and no file holds a
/// trace of it.
pub fn sealed(world: &World) -> Verdict {
    use BatchState as B;
    let (case, state) = (&world.case, world.state());
    let back = case.jumps().any(|by| by < 0);
    let (mut gone, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for rows in state.facts.rows.values() {
        for (batch, ids) in rows.batches.iter().zip(&rows.ids) {
            let ended = [B::Done, B::Revoked, B::Cancelled].contains(&batch.state);
            let due = case.seals && ended && rows.row.terms.kind == Kind::Deletion;
            match batch.sealed_at {
                None if due && !back => return fail("I13: ids stay longer than they should"),
                None if batch.state != B::Split => kept.extend(ids),
                _ => gone.extend(ids),
            }
        }
    }
    if !case.sqlite {
        return Ok(());
    }
    for entry in std::fs::read_dir(world.place.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = match name.starts_with("dsr.sqlite3") && path.is_file() {
            true => std::fs::read(&path).unwrap(),
            false => continue,
        };
        for id in gone.difference(&kept) {
            let quoted = serde_json::to_string(id).unwrap();
            let traces = [id.as_bytes(), quoted.trim_matches('"').as_bytes()];
            if traces
                .iter()
                .any(|trace| memchr::memmem::find(&bytes, trace).is_some())
            {
                return fail(format!("I13: {name} holds an id that is sealed"));
            }
        }
    }
    Ok(())
}

type Outcomes = BTreeMap<String, Vec<Outcome>>;

fn outcomes(client: &Client, report: &ReportData) -> dsrkit::Result<Outcomes> {
    let run = client.run(&report.run_id)?;
    let mut outcomes = Outcomes::new();
    let mut batch = 0;
    while let Some(rows) = run.outcomes(batch)? {
        for row in rows {
            outcomes.entry(row.id).or_default().push(row.outcome);
        }
        batch += 1;
    }
    Ok(outcomes)
}

fn fail<T>(what: impl Into<String>) -> Result<T, String> {
    Err(what.into())
}

/// I15: once nothing goes wrong any more, all is done within the longest wait there is, the vendor's
/// own time, and a last look.
fn in_time(world: &World) -> Verdict {
    let case = &world.case;
    let latest = case.orders.iter().map(|order| order.at).max().unwrap_or(0);
    let hold = case
        .orders
        .iter()
        .map(|order| order.hold_for)
        .max()
        .unwrap_or_default();
    let job = &case.vendor.job_ms;
    let task = job.pending[1] + job.staging[1] + job.started[1];
    let task = Millis::try_from(task).unwrap();
    let ids: usize = case.orders.iter().map(|order| order.ids.len()).sum();
    let scarce = case
        .troubles
        .iter()
        .any(|trouble| matches!(trouble, Trouble::Budget(_)));
    // A Retry-After of six hours is believed, and a lost answer is looked into after six hours.
    let in_turn = if scarce { ids as i64 } else { 1 };
    let mut bound = (task + task / 10 + 7 * HOUR) * in_turn;
    bound += 2 * Millis::try_from(hold.as_millis()).unwrap() + 9 * HOUR;
    bound += ids as i64 * 20 * MINUTE;
    // A look that finds nothing, or a word that says nothing, costs another look; after a jump of
    // the clock a task looks old, and is looked at every six hours.
    for trouble in &case.troubles {
        bound += 6
            * HOUR
            * match trouble {
                Trouble::Lag(looks) => *looks as i64,
                Trouble::Words(words) => words.len() as i64,
                _ => 0,
            };
    }
    let quiet = world.state().last_trouble.max(latest);
    let took = world.time.now() - quiet;
    if took > bound {
        return fail(format!(
            "I15: at rest only {} h after the last trouble, not within {} h",
            took / HOUR,
            bound / HOUR
        ));
    }
    Ok(())
}

/// I9: every batch is at its end, or stands in the account for a person.
fn settled(report: &ReportData, rows: &Rows) -> Verdict {
    use BatchState as B;
    for batch in &rows.batches {
        let told = || {
            report
                .problems
                .iter()
                .any(|problem| problem.batch == Some(batch.no))
        };
        let fits = match batch.state {
            B::Done | B::Cancelled | B::Split => true,
            // Its owner cancelled it: nothing is wrong.
            B::Revoked if rows.row.cancel_at.is_some() => true,
            B::Failed | B::Revoked | B::Held | B::Rejected => told(),
            _ => false,
        };
        if !fits {
            return fail(format!("I9: a batch is left {}", batch.state));
        }
    }
    match report.state.is_settled() {
        true => Ok(()),
        false => fail(format!("I9: the run is left {}", report.state)),
    }
}

/// I10: each id has one outcome, and the counts are those of the ids.
fn adds_up(report: &ReportData, rows: &Rows, outcomes: &Outcomes) -> Verdict {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for of_one in outcomes.values() {
        let [outcome] = of_one[..] else {
            return fail("I10: an id has several outcomes");
        };
        *counts.entry(outcome.as_str()).or_default() += 1;
    }
    let given: BTreeMap<&str, u64> = report.counts.clone();
    let all = outcomes.len() as u64 == report.subjects && report.subjects == rows.row.subjects;
    match counts == given && all {
        true => Ok(()),
        false => fail(format!("I10: {counts:?} is told as {given:?}")),
    }
}

/// What the account says of a batch is what the vendor says of its tasks.
fn true_at_the_vendor(
    world: &World,
    rows: &Rows,
    batch: &BatchRow,
    vendor: &BTreeMap<String, serde_json::Value>,
) -> Verdict {
    use BatchState as B;
    let ids = &rows.ids[batch.no as usize];
    let says = |task: &str| vendor.get(task).and_then(|said| said["status"].as_str());
    let carries = |task: &str| {
        let echoed = vendor[task]["distinct_ids"].as_array();
        echoed.is_some_and(|echoed| ids.iter().all(|id| echoed.iter().any(|other| other == id)))
    };
    let tasks: Vec<&str> = rows
        .jobs
        .iter()
        .filter(|job| !job.dropped)
        .filter(|job| job.batch == batch.no || batch.task.as_ref() == Some(&job.task))
        .map(|job| job.task.as_str())
        .collect();
    let one = |word: &str| tasks.iter().any(|task| says(task) == Some(word));
    let state = world.state();
    let made = state
        .facts
        .made(&rows.row.id)
        .any(|(post, _)| post.ids.iter().any(|id| ids.contains(id)));
    let decided = state.facts.again.get(&(rows.row.id.clone(), batch.no));
    let given_up = decided == Some(&0);
    drop(state);
    let holds = match batch.state {
        B::Done => {
            let here = rows.row.terms.kind == Kind::Deletion
                || tasks
                    .iter()
                    .all(|task| rows.artifacts.iter().any(|row| row.task == *task));
            let task = batch.task.as_deref().unwrap_or_default();
            here && says(task) == Some("SUCCESS") && carries(task)
        }
        B::Failed => one("FAILURE") || given_up,
        B::Revoked => one("REVOKED"),
        // Nobody ever took it.
        B::Cancelled | B::Rejected => !made,
        _ => true,
    };
    match holds {
        true => Ok(()),
        false => fail(format!("a batch is told as {}, and is not", batch.state)),
    }
}

/// What is said of cancelled tasks.
fn cancels(report: &ReportData, vendor: &BTreeMap<String, serde_json::Value>) -> Verdict {
    for job in &report.jobs {
        let status = vendor[&job.task_id]["status"].as_str();
        let holds = match job.cancel.as_deref() {
            None | Some("unknown" | "not ours") => true,
            Some("cancelled") => status == Some("REVOKED"),
            Some("too late") => true,
            _ => false,
        };
        if !holds {
            let cancel = &job.cancel;
            return fail(format!(
                "a cancel is told as {cancel:?}, the vendor says {status:?}"
            ));
        }
    }
    Ok(())
}
