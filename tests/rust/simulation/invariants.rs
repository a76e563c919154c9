//! What must hold after every step, by the numbers of the reliability goals. I9, I10 and I15 speak
//! of the end and are in `truth.rs`, I14 speaks of leases and is in `lease.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use dsrkit::Kind;
use dsrkit::Millis;
use dsrkit::journal::{AttemptState, BatchState, CancelState, Journal, MAC_BYTES};
use dsrkit_sandbox as vendor;
use dsrkit_sandbox::Host;
use sha2::{Digest as _, Sha256};

use super::case::Case;
use super::facts::{Facts, Post, Rows};
use super::world::State;

pub type Verdict = Result<(), String>;

/// A run before and after a commit, and the rest of the world.
struct Look<'a> {
    before: Option<&'a Rows>,
    now: &'a Rows,
    facts: &'a Facts,
    process: u32,
}

const CHECKS: &[fn(&Look<'_>) -> Verdict] = &[i1, i3, i5, i6, i12];

fn hold(what: &str, holds: bool) -> Verdict {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// After a commit: every run against what it was, and against the vendor.
pub fn after_a_commit(state: &mut State, at: Millis) -> Verdict {
    let journal = Arc::clone(&state.journal);
    let read = |error| format!("the journal cannot be read: {error}");
    let mut rows = BTreeMap::new();
    for row in journal.runs().map_err(read)? {
        let before = state.facts.rows.get(&row.id);
        let now = Rows::read(journal.as_ref(), row, before).map_err(read)?;
        let look = Look {
            before,
            now: &now,
            facts: &state.facts,
            process: state.process,
        };
        CHECKS.iter().try_for_each(|check| check(&look))?;
        i13(journal.as_ref(), &now)?;
        rows.insert(now.row.id.clone(), now);
    }
    let lost = state.facts.rows.keys().any(|id| !rows.contains_key(id));
    for rows in rows.values().filter(|rows| rows.row.approved_at.is_some()) {
        let started = &mut state.facts.started;
        started.entry(rows.row.id.clone()).or_insert(at);
    }
    state.facts.rows = rows;
    hold("I1: a run has vanished", !lost)?;
    // The whole chain is read each time: not after each commit.
    if state.commits.is_multiple_of(8) {
        i11(state)
    } else {
        Ok(())
    }
}

/// I1: every id of the input is in exactly one live batch.
fn i1(look: &Look<'_>) -> Verdict {
    let now = look.now;
    let mut ids: Vec<&String> = now.live().flat_map(|(_, ids)| ids).collect();
    let number: u64 = now.live().map(|(batch, _)| u64::from(batch.n)).sum();
    ids.sort();
    let ordered = look.facts.ordered(&now.row);
    let fits = now.live().all(|(batch, ids)| batch.n as usize == ids.len());
    hold(
        "I1: the live batches do not hold each id exactly once",
        ids.into_iter().eq(ordered) && number == now.row.subjects && fits,
    )
}

/// I3: an id is in at most one task, and one more for each attempt whose answer was lost.
fn i3(look: &Look<'_>) -> Verdict {
    let mut tasks: BTreeMap<&String, usize> = BTreeMap::new();
    for (post, _) in look.facts.made(&look.now.row.id) {
        for id in &post.ids {
            *tasks.entry(id).or_default() += 1;
        }
    }
    for (batch, ids) in look.now.live() {
        let line = look.now.line(batch.no);
        let again = |(of, no): &&(String, u32)| *of == look.now.row.id && line.contains(no);
        let again: usize = look
            .facts
            .again
            .iter()
            .filter(|(of, _)| again(of))
            .map(|(_, n)| n)
            .sum();
        let most = 1 + look.now.unsure(batch.no) + again;
        let fits = ids
            .iter()
            .all(|id| tasks.get(id).copied().unwrap_or(0) <= most);
        hold("I3: an id is in more tasks than lost answers explain", fits)?;
    }
    Ok(())
}

/// I5: a task that the vendor told a living process of is in the journal.
fn i5(look: &Look<'_>) -> Verdict {
    for (post, task) in look
        .facts
        .made(&look.now.row.id)
        .filter(|(post, _)| post.told)
    {
        let known = look.now.job(task).is_some()
            || look.now.orphans.iter().any(|orphan| orphan.task == *task);
        let state = look
            .now
            .attempt(post.batch, post.attempt)
            .map(|attempt| attempt.state);
        let open = match state {
            Some(AttemptState::Sending) => true,
            // The process died with the answer in its hands.
            Some(AttemptState::Ambiguous) => post.process != look.process,
            _ => false,
        };
        hold(
            "I5: the journal does not know a task that was told",
            known || open,
        )?;
    }
    Ok(())
}

/// I6: what has ended stays as it is, and no task goes back.
fn i6(look: &Look<'_>) -> Verdict {
    use BatchState as B;
    let Some(before) = look.before else {
        return Ok(());
    };
    let now = look.now;
    for old in &before.batches {
        let ended = [B::Done, B::Failed, B::Revoked, B::Cancelled, B::Split].contains(&old.state);
        let same = now.batches.get(old.no as usize).map(|batch| batch.state) == Some(old.state);
        hold("I6: a batch went on from its end", !ended || same)?;
    }
    for old in &before.attempts {
        let new = now.attempt(old.batch, old.n).map(|attempt| attempt.state);
        let same = new == Some(old.state);
        hold(
            "I6: an attempt changed after its end",
            old.state == AttemptState::Sending || same,
        )?;
    }
    for old in &before.jobs {
        let new = now.job(&old.task).map(|job| &job.status);
        let back = new.is_none_or(|new| new.rank().unwrap_or(9) < old.status.rank().unwrap_or(0));
        let ended = old.status.is_terminal() && new != Some(&old.status);
        hold("I6: a task went back, or on from its end", !back && !ended)?;
    }
    let cancel = before.row.cancel_at.is_none() || before.row.cancel_at == now.row.cancel_at;
    let digest = before.row.plan_digest == now.row.plan_digest;
    let warned = before.row.warned <= now.row.warned;
    hold(
        "I6: a cancel or a plan was changed",
        cancel && digest && warned,
    )
}

/// I11: the chain of events holds.
pub fn i11(state: &State) -> Verdict {
    state
        .journal
        .verify_events()
        .map(drop)
        .map_err(|error| format!("I11: {error}"))
}

/// I12: an archive that the journal tells of is there, as it says, inside its folder.
fn i12(look: &Look<'_>) -> Verdict {
    let known = look.before.map_or(0, |rows| rows.artifacts.len());
    for artifact in look.now.artifacts.iter().skip(known) {
        let folder = look.now.row.archives.as_deref().unwrap_or_default();
        let inside = artifact.path.starts_with(folder) && !artifact.path.contains("..");
        let same = std::fs::read(&artifact.path).is_ok_and(|bytes| {
            bytes.len() as u64 == artifact.bytes && *Sha256::digest(&bytes) == artifact.sha256
        });
        hold(
            "I12: an archive is not what the journal says",
            inside && same,
        )?;
    }
    Ok(())
}

/// I13: a sealed batch is at its end; its ids cannot be had, and as many digests can.
fn i13(journal: &dyn Journal, now: &Rows) -> Verdict {
    use BatchState as B;
    for batch in now.batches.iter().filter(|row| row.sealed_at.is_some()) {
        let ended = [B::Done, B::Failed, B::Revoked, B::Cancelled].contains(&batch.state);
        let gone = journal.batch_ids(&now.row.id, batch.no).is_err();
        let macs = journal.batch_macs(&now.row.id, batch.no);
        let kept = macs.is_ok_and(|macs| macs.len() == batch.n as usize * MAC_BYTES);
        hold("I13: sealed, and not as it must be", ended && gone && kept)?;
    }
    Ok(())
}

/// Just before a call of ours leaves for its host. Gives what is known of a create.
pub fn before_a_call(
    state: &State,
    case: &Case,
    host: Host,
    request: &vendor::Request,
    at: Millis,
) -> Result<Option<Post>, String> {
    if host == Host::Store {
        let bare = request.header("authorization").is_none() && !request.query.contains("token");
        return hold("an archive was asked for with credentials", bare).map(|()| None);
    }
    match request.method.as_str() {
        "POST" => {
            let post = create(state, request)?;
            held(&state.facts, case, &post, at)?;
            Ok(Some(post))
        }
        "DELETE" => cancel(state, request).map(|()| None),
        _ => Ok(None),
    }
}

/// I8: the vendor never sees two calls of ours within a second.
pub fn i8(facts: &Facts, at: Millis) -> Verdict {
    let gap = facts.since_last_call(at);
    hold(
        "I8: two calls within a second",
        gap.is_none_or(|gap| gap >= 1000),
    )
}

fn create(state: &State, request: &vendor::Request) -> Result<Post, String> {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let ids: Vec<String> = serde_json::from_value(body["distinct_ids"].clone())
        .map_err(|_| "a create without a list of ids".to_owned())?;
    let (rows, post) = i4(&state.facts, ids)?;
    i2(&state.facts, rows, &post, request)?;
    apart(&state.facts, rows, &post)?;
    i7(rows)?;
    Ok(post)
}

/// I4: a create has its intent on the disk, and only one is on its way.
fn i4(facts: &Facts, ids: Vec<String>) -> Result<(&Rows, Post), String> {
    let sending: Vec<(&Rows, usize)> = facts
        .rows
        .values()
        .flat_map(|rows| {
            let sending = |no: &usize| rows.batches[*no].state == BatchState::Sending;
            (0..rows.batches.len())
                .filter(sending)
                .map(move |no| (rows, no))
        })
        .collect();
    let [(rows, no)] = sending[..] else {
        return Err(format!(
            "I4: a create while {} are on record",
            sending.len()
        ));
    };
    let batch = &rows.batches[no];
    let attempt = rows.attempt(batch.no, batch.attempts);
    let intended = attempt.is_some_and(|attempt| attempt.state == AttemptState::Sending);
    let fresh = !facts.posts.iter().any(|post| {
        (&post.run, post.batch, post.attempt) == (&rows.row.id, batch.no, batch.attempts)
    });
    hold(
        "I4: a create whose intent is not on the disk",
        intended && fresh && rows.ids[no] == ids,
    )?;
    let post = Post {
        run: rows.row.id.clone(),
        batch: batch.no,
        attempt: batch.attempts,
        ids,
        ..Post::default()
    };
    Ok((rows, post))
}

/// I2: what is sent was ordered, byte for byte, and approved.
fn i2(facts: &Facts, rows: &Rows, post: &Post, request: &vendor::Request) -> Verdict {
    let ordered = facts.ordered(&rows.row);
    let row = &rows.row;
    let deletion = request.path.contains("data-deletions");
    hold(
        "I2: something was sent that nobody ordered or approved",
        post.ids.iter().all(|id| ordered.contains(id))
            && row.approved_at.is_some()
            && row.approved_digest == Some(row.plan_digest)
            && deletion == (row.terms.kind == Kind::Deletion),
    )
}

/// I3 over all runs: nobody is sent for deletion while another run's deletion may be at work on
/// them. (A request whose answer was lost is sent again as it was.)
fn apart(facts: &Facts, rows: &Rows, post: &Post) -> Verdict {
    let deletion = |rows: &Rows| rows.row.terms.kind == Kind::Deletion;
    if !deletion(rows) || rows.unsure(post.batch) > 0 {
        return Ok(());
    }
    let others = facts
        .rows
        .values()
        .filter(|other| other.row.id != rows.row.id && deletion(other));
    let mut running = others
        .flat_map(Rows::live)
        .filter(|(batch, _)| matches!(batch.state, BatchState::Submitted | BatchState::Ambiguous));
    let twice = running.any(|(_, ids)| ids.iter().any(|id| post.ids.contains(id)));
    hold(
        "I3: sent while another run's deletion is at work on it",
        !twice,
    )
}

/// I7: nothing is sent after a cancel, or in a pause.
fn i7(rows: &Rows) -> Verdict {
    hold("I7: sent after a cancel", rows.row.cancel_at.is_none())?;
    hold("I7: sent in a pause", rows.row.paused.is_none())
}

/// The window to cancel in is kept in true time. Only a clock that jumps ahead can cut it short.
fn held(facts: &Facts, case: &Case, post: &Post, at: Millis) -> Verdict {
    let hold_for = facts.rows[&post.run].row.hold_for_ms;
    // Who stands still while a start is written is not counted from its end.
    let started = match case.workers {
        1 => facts.started[&post.run],
        _ => facts.rows[&post.run].row.approved_at.unwrap_or(at),
    };
    let over = at - started >= hold_for;
    hold(
        "I7: sent before hold_for was over",
        over || case.jumps().any(|by| by > 0),
    )
}

/// A task is cancelled only when the wish to do so is on the disk.
fn cancel(state: &State, request: &vendor::Request) -> Verdict {
    let path = request.path.trim_end_matches('/');
    let task = path.rsplit('/').next().unwrap_or_default();
    let wished = state.facts.rows.values().any(|rows| {
        rows.row.cancel_at.is_some()
            && rows
                .job(task)
                .is_some_and(|job| job.cancel == CancelState::Requested)
    });
    hold("I7: a task was cancelled and nobody wished it", wished)
}
