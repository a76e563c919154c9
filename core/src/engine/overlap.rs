//! An id may stand in one running deletion of a project only: the vendor refuses the whole request
//! otherwise, and one without that guard would do the work twice. So before a deletion is sent,
//! its people are looked for in the running deletions of the other runs.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::book::Book;
use super::project::Project;
use super::split::Part;
use crate::error::Result;
use crate::ids::decode;
use crate::journal::BatchState;
use crate::model::Millis;
use crate::model::action::Kind;

/// What the other runs mean for a batch.
pub(super) enum Overlap {
    /// Nothing.
    None,
    /// Some of its people are in a request whose answer is lost: not before that one is resolved.
    Unresolved(Millis),
    /// Some of its people are being deleted: who follows which task, and who is left.
    Covered(Vec<Part>),
}

/// Short hashes of the ids of batches under way, sorted. They only say where to look: whoever is
/// found is compared byte for byte.
pub(crate) type Prints = BTreeMap<(String, u32), Box<[u32]>>;

/// Looks a batch's people up in the running deletions of other runs.
pub(super) fn find(project: &Project, book: &mut Book, run: &str, no: u32) -> Result<Overlap> {
    let others: Vec<(String, u32, Option<String>, Millis)> = book
        .runs
        .values()
        .filter(|other| other.row.id != run && other.row.terms.kind == Kind::Deletion)
        .flat_map(|other| other.batches.iter())
        .filter_map(|batch| {
            let task = match batch.state {
                BatchState::Submitted => Some(batch.task.clone()?),
                BatchState::Ambiguous | BatchState::Sending => None,
                _ => return None,
            };
            Some((batch.run.clone(), batch.no, task, batch.not_before))
        })
        .collect();
    if others.is_empty() {
        book.prints.clear();
        return Ok(Overlap::None);
    }
    let ours = decode(&project.journal.batch_ids(run, no)?)?;
    let hashes: HashSet<u32> = ours.iter().map(|id| print(id)).collect();
    let mut rest: HashSet<&str> = ours.iter().map(String::as_str).collect();
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (other, no, task, not_before) in others {
        let key = (other, no);
        if !book.prints.contains_key(&key) {
            let ids = decode(&project.journal.batch_ids(&key.0, no)?)?;
            let mut prints: Vec<u32> = ids.iter().map(|id| print(id)).collect();
            prints.sort_unstable();
            book.prints.insert(key.clone(), prints.into());
        }
        let hit = book
            .prints
            .get(&key)
            .is_some_and(|prints| prints.iter().any(|print| hashes.contains(print)));
        if !hit {
            continue;
        }
        for id in decode(&project.journal.batch_ids(&key.0, no)?)? {
            if !rest.contains(id.as_str()) {
                continue;
            }
            let Some(task) = &task else {
                return Ok(Overlap::Unresolved(not_before));
            };
            rest.remove(id.as_str());
            parts.entry(task.clone()).or_default().push(id);
        }
    }
    if parts.is_empty() {
        return Ok(Overlap::None);
    }
    let mut parts: Vec<Part> = parts
        .into_iter()
        .map(|(task, ids)| Part {
            ids,
            task: Some(task),
        })
        .collect();
    if !rest.is_empty() {
        let rest: HashSet<String> = rest.into_iter().map(str::to_owned).collect();
        parts.push(Part {
            ids: ours.into_iter().filter(|id| rest.contains(id)).collect(),
            task: None,
        });
    }
    Ok(Overlap::Covered(parts))
}

fn print(id: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    #[allow(clippy::cast_possible_truncation)] // half a hash serves as well
    let print = hasher.finish() as u32;
    print
}
