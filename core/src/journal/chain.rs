//! The hash chain over events: each hash covers the one before it, so an event that was changed,
//! left out or moved shows at its place.
//!
//! It finds damage and careless hands. Whoever may write the file may also write a new chain.

use sha2::{Digest as _, Sha256};

use super::rows::NewEvent;
use crate::error::{Error, ErrorKind, Result};
use crate::model::event::Event;

/// A SHA-256 hash.
pub(super) type Hash = [u8; 32];

/// The end of the chain: number and hash of the last event, zeros before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain {
    pub seq: u64,
    pub head: Hash,
}

impl Chain {
    /// Numbers a new event and makes it the end.
    pub fn append(&mut self, new: &NewEvent) -> Event {
        let event = Event {
            seq: self.seq + 1,
            at_ms: new.at,
            run_id: new.run.clone(),
            kind: new.kind,
            batch: new.batch,
            task_id: new.task.clone(),
            text: new.text.clone(),
            next_due_ms: None,
        };
        self.head = link(&self.head, &event);
        self.seq = event.seq;
        event
    }

    /// Takes a stored event as the next one, if its number and hash say so.
    pub fn follow(&mut self, event: &Event, hash: &Hash) -> Result<()> {
        let seq = self.seq + 1;
        if event.seq != seq || link(&self.head, event) != *hash {
            return Err(broken(seq));
        }
        *self = Self { seq, head: *hash };
        Ok(())
    }

    /// Whether the events end where the journal says they end.
    pub fn ends_at(&self, stored: &Self) -> Result<u64> {
        if self == stored {
            return Ok(self.seq);
        }
        Err(broken(self.seq.min(stored.seq) + 1))
    }
}

fn broken(seq: u64) -> Error {
    Error::new(
        ErrorKind::Journal,
        "the events of the journal were changed or damaged",
    )
    .with("event", seq)
}

fn link(prev: &Hash, event: &Event) -> Hash {
    let mut hash = Sha256::new();
    hash.update(prev);
    hash.update(event.seq.to_be_bytes());
    hash.update(event.at_ms.to_be_bytes());
    text(&mut hash, &event.run_id);
    text(&mut hash, event.kind.as_str());
    // A mark before each optional value keeps "none" apart from every value.
    hash.update([u8::from(event.batch.is_some())]);
    hash.update(event.batch.unwrap_or(0).to_be_bytes());
    hash.update([u8::from(event.task_id.is_some())]);
    text(&mut hash, event.task_id.as_deref().unwrap_or(""));
    text(&mut hash, &event.text);
    hash.finalize().into()
}

/// The length goes first, so that no two events have the same bytes.
fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EventKind;

    fn event(text: &str, task: Option<&str>) -> NewEvent {
        NewEvent {
            at: 1,
            run: "r".into(),
            kind: EventKind::Status,
            batch: None,
            task: task.map(str::to_owned),
            text: text.into(),
        }
    }

    #[test]
    fn every_field_and_the_place_count() {
        let mut chain = Chain::default();
        let stored = chain.append(&event("a", None));
        let hash = chain.head;
        Chain::default().follow(&stored, &hash).unwrap();
        let changes: [fn(&mut Event); 7] = [
            |e| e.seq = 2,
            |e| e.at_ms = 2,
            |e| e.run_id.push('x'),
            |e| e.kind = EventKind::Held,
            |e| e.batch = Some(0),
            |e| e.task_id = Some(String::new()),
            |e| e.text.push('x'),
        ];
        for change in changes {
            let mut other = stored.clone();
            change(&mut other);
            assert!(Chain::default().follow(&other, &hash).is_err(), "{other:?}");
        }
        assert!(chain.follow(&stored, &hash).is_err());
    }

    #[test]
    fn text_does_not_move_between_fields() {
        let mut one = Chain::default();
        let mut two = Chain::default();
        one.append(&event("b", Some("a")));
        two.append(&event("", Some("ab")));
        assert_ne!(one.head, two.head);
    }
}
