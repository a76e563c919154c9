//! A journal whose ids are encrypted with a key of the caller, over any other journal. Whoever has
//! the disk, a backup or the database server sees how many people, never who.
//!
//! XChaCha20-Poly1305, a random nonce for each batch; the batch's place is part of what is
//! authenticated, so that batches cannot be exchanged. All else stays as it is: events hold no
//! ids, and digests are keyed.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::rows::{
    ArtifactRow, AttemptRow, BatchRow, Change, DeliveryRow, JobRow, NewEvent, OrphanRow,
    ProjectRow, Rescued, RunRow,
};
use super::{Journal, NewBatch, rules};
use crate::error::{Error, ErrorKind, Result};
use crate::model::event::Event;
use crate::model::wire::IdsJson;

/// How encrypted ids begin, where plain ones have a bracket.
const MARK: &str = "xchacha20poly1305:";
/// What a split batch holds, encrypted or not.
const NONE: &str = "[]";
const NONCE_BYTES: usize = 24;

/// The ids of another journal, encrypted. Every method but those that carry ids is the other's.
pub struct EncryptedJournal {
    inner: Arc<dyn Journal>,
    cipher: XChaCha20Poly1305,
}

impl EncryptedJournal {
    /// Opens a journal that was made with this key, or makes one of a journal without runs.
    pub fn new(inner: Arc<dyn Journal>, key: &[u8; 32]) -> Result<Self> {
        let label = label(key);
        match inner.cipher()? {
            Some(stored) if stored == label => {}
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::Config,
                    "the journal's ids are encrypted with another key; give the key that it was made with",
                ));
            }
            // Said to readers too, who could set nothing.
            None if !inner.runs()?.is_empty() => return Err(rules::late_cipher()),
            None => {
                inner.claim()?;
                inner.set_cipher(&label)?;
            }
        }
        let cipher = XChaCha20Poly1305::new(key.into());
        Ok(Self { inner, cipher })
    }

    fn encrypt(&self, run: &str, no: u32, ids: &str) -> Result<String> {
        let failed = || Error::new(ErrorKind::Internal, "ids could not be encrypted");
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| failed())?;
        let place = place(run, no);
        let payload = Payload {
            msg: ids.as_bytes(),
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| failed())?;
        let mut text = MARK.to_owned();
        BASE64.encode_string([nonce.as_slice(), &sealed].concat(), &mut text);
        Ok(text)
    }

    fn decrypt(&self, run: &str, no: u32, text: String) -> Result<String> {
        if text == NONE {
            return Ok(text);
        }
        let open = || -> Option<String> {
            let bytes = BASE64.decode(text.strip_prefix(MARK)?).ok()?;
            let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
            let place = place(run, no);
            let payload = Payload {
                msg: sealed,
                aad: place.as_bytes(),
            };
            let ids = self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
            String::from_utf8(ids).ok()
        };
        open().ok_or_else(|| {
            Error::new(
                ErrorKind::Journal,
                "the encrypted ids of a batch cannot be read: the journal was changed or damaged",
            )
            .with("batch", no)
        })
    }
}

/// What stands in the journal: the cipher, and a check that tells a wrong key before it is used.
fn label(key: &[u8; 32]) -> String {
    let mut text = MARK.to_owned();
    // An HMAC takes a key of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(b"dsrkit journal cipher");
        BASE64.encode_string(mac.finalize().into_bytes(), &mut text);
    }
    text
}

fn place(run: &str, no: u32) -> String {
    format!("{no}/{run}")
}

/// The error of a journal that is encrypted and was opened without its key.
pub(crate) fn locked() -> Error {
    Error::new(
        ErrorKind::Config,
        "the journal's ids are encrypted; open it with its journal key",
    )
}

impl std::fmt::Debug for EncryptedJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptedJournal")
    }
}

impl Journal for EncryptedJournal {
    fn key(&self) -> &[u8; 32] {
        self.inner.key()
    }
    fn default_archives(&self) -> Option<PathBuf> {
        self.inner.default_archives()
    }
    fn doubt(&self) -> Option<&'static str> {
        self.inner.doubt()
    }
    fn claim(&self) -> Result<u64> {
        self.inner.claim()
    }
    fn term(&self) -> Option<u64> {
        self.inner.term()
    }
    fn may_send(&self, takes: std::time::Duration) -> Result<()> {
        self.inner.may_send(takes)
    }
    fn put_project(&self, project: &ProjectRow) -> Result<()> {
        self.inner.put_project(project)
    }
    fn learnt(&self, project: &[u8; 32]) -> Result<Option<String>> {
        self.inner.learnt(project)
    }

    fn import(
        &self,
        batches: &mut dyn Iterator<Item = Result<NewBatch>>,
        finish: &mut dyn FnMut() -> Result<(RunRow, Vec<NewEvent>)>,
    ) -> Result<()> {
        let mut encrypted = batches.map(|batch| {
            let NewBatch { row, ids_json } = batch?;
            let ids_json = self.encrypt(&row.run, row.no, &ids_json)?;
            Ok(NewBatch { row, ids_json })
        });
        self.inner.import(&mut encrypted, finish)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Event>> {
        if !changes.iter().any(|c| matches!(c, Change::Child(..))) {
            return self.inner.commit(changes);
        }
        let encrypted = changes.iter().map(|change| match change {
            Change::Child(row, ids) => {
                let ids = self.encrypt(&row.run, row.no, &ids.0)?;
                Ok(Change::Child(row.clone(), IdsJson(ids)))
            }
            other => Ok(other.clone()),
        });
        self.inner.commit(&encrypted.collect::<Result<Vec<_>>>()?)
    }

    fn batch_ids(&self, run: &str, no: u32) -> Result<String> {
        self.decrypt(run, no, self.inner.batch_ids(run, no)?)
    }

    fn batch_macs(&self, run: &str, no: u32) -> Result<Vec<u8>> {
        self.inner.batch_macs(run, no)
    }
    fn rescue(&self, answer: &Rescued) -> Result<()> {
        self.inner.rescue(answer)
    }
    fn rescued(&self) -> Result<Vec<Rescued>> {
        self.inner.rescued()
    }
    fn clear_rescued(&self) -> Result<()> {
        self.inner.clear_rescued()
    }
    fn scrub(&self) -> Result<bool> {
        self.inner.scrub()
    }
    fn runs_with_ids(&self) -> Result<Vec<String>> {
        self.inner.runs_with_ids()
    }
    fn runs(&self) -> Result<Vec<RunRow>> {
        self.inner.runs()
    }
    fn run(&self, id: &str) -> Result<Option<RunRow>> {
        self.inner.run(id)
    }
    fn batches(&self, run: &str) -> Result<Vec<BatchRow>> {
        self.inner.batches(run)
    }
    fn attempts(&self, run: &str) -> Result<Vec<AttemptRow>> {
        self.inner.attempts(run)
    }
    fn jobs(&self, run: &str) -> Result<Vec<JobRow>> {
        self.inner.jobs(run)
    }
    fn orphans(&self, run: &str) -> Result<Vec<OrphanRow>> {
        self.inner.orphans(run)
    }
    fn artifacts(&self, run: &str) -> Result<Vec<ArtifactRow>> {
        self.inner.artifacts(run)
    }
    fn deliveries(&self, run: &str) -> Result<Vec<DeliveryRow>> {
        self.inner.deliveries(run)
    }
    fn events(&self, run: &str, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.inner.events(run, after, limit)
    }
    fn verify_events(&self) -> Result<u64> {
        self.inner.verify_events()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::conformance::{self, batch, import};
    use crate::journal::memory::MemoryJournal;

    const KEY: [u8; 32] = [7; 32];

    fn over(inner: &Arc<MemoryJournal>, key: &[u8; 32]) -> Result<EncryptedJournal> {
        EncryptedJournal::new(Arc::clone(inner) as Arc<dyn Journal>, key)
    }

    #[test]
    fn conforms() {
        conformance::run(&|| Box::new(over(&Arc::default(), &KEY).unwrap()));
    }

    #[test]
    fn every_method_is_passed_on() {
        let (asked, here) = (include_str!("mod.rs"), include_str!("encrypted.rs"));
        let asked = asked.split("pub trait Journal").nth(1).unwrap();
        let names: Vec<&str> = asked
            .lines()
            .filter_map(|line| line.strip_prefix("    fn ")?.split('(').next())
            .filter(|name| !["cipher", "set_cipher"].contains(name))
            .collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(here.contains(&format!("self.inner.{name}(")), "{name}");
        }
    }

    #[test]
    fn ids_are_there_for_those_with_the_key_only() {
        let inner = Arc::new(MemoryJournal::new());
        let journal = over(&inner, &KEY).unwrap();
        import(&journal, "r", 2).unwrap();
        let ids = batch("r", 1).ids_json;
        assert_eq!(journal.batch_ids("r", 1).unwrap(), ids);
        let stored = inner.batch_ids("r", 1).unwrap();
        assert!(stored.starts_with(MARK) && !stored.contains("a1"));
        // The same ids again look different.
        assert_ne!(journal.encrypt("r", 1, &ids).unwrap(), stored);
        assert!(over(&inner, &KEY).is_ok());
        let wrong = over(&inner, &[8; 32]).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Config);
        assert!(wrong.message().contains("another key"), "{wrong}");

        let plain = Arc::new(MemoryJournal::new());
        import(plain.as_ref(), "r", 1).unwrap();
        let late = over(&plain, &KEY).unwrap_err();
        assert!(late.message().contains("start a new journal"), "{late}");
    }

    #[test]
    fn what_was_changed_or_moved_is_not_read() {
        let journal = over(&Arc::default(), &KEY).unwrap();
        let good = journal.encrypt("r", 1, "[\"a\"]").unwrap();
        assert_eq!(journal.decrypt("r", 1, good.clone()).unwrap(), "[\"a\"]");
        let mut cut = good.clone();
        cut.pop();
        let mut changed = good.clone().into_bytes();
        let last = changed.len() - 5;
        changed[last] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        for (run, no, text) in [
            ("r", 2, good.clone()),
            ("q", 1, good),
            ("r", 1, cut),
            ("r", 1, changed),
            ("r", 1, "[\"a\"]".to_owned()),
            ("r", 1, MARK.to_owned()),
        ] {
            let error = journal.decrypt(run, no, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Journal);
        }
    }
}
