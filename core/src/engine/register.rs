//! The register: what the journal knows of one id, over all runs. For a sealed batch only someone
//! who holds both the key and the id can ask.

use super::book::RunBook;
use super::report::outcome;
use super::run::Engine;
use super::seal::{ended_at, mac};
use crate::error::Result;
use crate::ids::decode;
use crate::journal::{BatchRow, Journal, MAC_BYTES};
use crate::model::report::Processed;

impl Engine {
    /// Every run that names this id, oldest first.
    pub(crate) fn was_processed(&self, id: &str) -> Result<Vec<Processed>> {
        self.check()?;
        let journal = self.project.journal.as_ref();
        let mac = mac(journal, id);
        let mut found = Vec::new();
        for row in journal.runs()? {
            if row.purged_at.is_some() {
                continue;
            }
            let Some(run) = RunBook::load(&self.project, &row.id)? else {
                continue;
            };
            for batch in &run.batches {
                if holds(journal, batch, id, &mac)? {
                    found.push(Processed {
                        run_id: row.id.clone(),
                        kind: row.terms.kind,
                        outcome: outcome(&run, batch),
                        at_ms: ended_at(&run, batch),
                    });
                }
            }
        }
        Ok(found)
    }
}

fn holds(journal: &dyn Journal, batch: &BatchRow, id: &str, mac: &[u8; MAC_BYTES]) -> Result<bool> {
    if batch.sealed_at.is_some() {
        let macs = journal.batch_macs(&batch.run, batch.no)?;
        let (macs, _) = macs.as_chunks::<MAC_BYTES>();
        return Ok(macs.binary_search(mac).is_ok());
    }
    // A split batch has none: its children have them.
    let ids = decode(&journal.batch_ids(&batch.run, batch.no)?)?;
    Ok(ids.iter().any(|known| known == id))
}
