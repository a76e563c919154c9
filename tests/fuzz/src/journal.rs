//! Opening a journal. The first byte chooses: the bytes are a file, or changes of a whole journal's
//! file (where, and what to put there), or the same of its log.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use dsrkit::Result;
use dsrkit::journal::Journal;
use dsrkit::journal::sqlite::SqliteJournal;
use dsrkit::{Client, Compliance, IdSource, Kind, Mixpanel, PlanOptions, Terms};

use super::{folder, said};

struct Place {
    folder: tempfile::TempDir,
    /// A journal, its log, its key.
    whole: [Vec<u8>; 3],
}

const PARTS: [&str; 3] = ["", "-wal", ".key"];

impl Place {
    fn new() -> Self {
        let folder = folder();
        let path = folder.path().join("whole");
        let vendor = Mixpanel::builder("p", "o").build().expect("a vendor");
        let journal = dsrkit::Journal::sqlite(&path).expect("a journal");
        let client = Client::builder(vendor)
            .journal(journal)
            .build()
            .expect("a client");
        let terms = Terms {
            kind: Kind::Deletion,
            compliance: Compliance::Gdpr,
            disclosure: None,
        };
        let ids = (0..4000).map(|n| format!("user-{n}"));
        let plan = client
            .freeze(IdSource::iter(ids), terms, &PlanOptions::default())
            .expect("a plan");
        plan.start(Some(&plan.confirm()), false).expect("a run");
        // While it is open, so that the log is there.
        let whole = PARTS.map(|part| fs::read(file(&path, part)).expect("a part"));
        Self { folder, whole }
    }
}

fn file(path: &Path, part: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(part);
    name.into()
}

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}

pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else {
        return;
    };
    PLACE.with(|place| {
        let place = place.get_or_init(Place::new);
        let path = place.folder.path().join("j");
        for part in ["", "-wal", "-shm", ".key", ".lock", ".rescue"] {
            let _ = fs::remove_file(file(&path, part));
        }
        let mut parts = place.whole.clone();
        match choice % 4 {
            0 => parts[0] = rest.to_vec(),
            1 => change(&mut parts[0], rest),
            2 => change(&mut parts[1], rest),
            _ => {
                // The file alone, as it was before its log was written into it.
                change(&mut parts[0], rest);
                parts[1].clear();
            }
        }
        for (part, bytes) in PARTS.iter().zip(&parts) {
            if !bytes.is_empty() {
                fs::write(file(&path, part), bytes).expect("written");
            }
        }
        if let Err(error) = look(&path) {
            assert!(!said(&error).contains("user-"), "an id is told");
        }
        let changed = matches!(choice % 4, 0 | 1 | 3);
        if changed && SqliteJournal::open(&path).is_err() {
            // Refused, and left as it is.
            let left = fs::read(&path).unwrap_or_default();
            assert!(
                choice % 4 == 1 || left == parts[0],
                "a refused file was changed"
            );
        }
    });
}

/// Changes at places: three bytes where, one byte what. An odd one at the end cuts the file short.
fn change(file: &mut Vec<u8>, how: &[u8]) {
    let (fours, odd) = how.as_chunks::<4>();
    for [a, b, c, what] in fours {
        let at = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        if let Some(len) = std::num::NonZero::new(file.len()) {
            file[at % len] ^= what;
        }
    }
    if let [high, low, ..] = odd {
        let cut = u16::from_be_bytes([*high, *low]) as usize;
        file.truncate(file.len().saturating_sub(cut));
    }
}

/// Opens and reads everything.
fn look(path: &Path) -> Result<()> {
    let journal = SqliteJournal::open(path)?;
    let _ = journal.verify_events()?;
    journal.rescued()?;
    for run in journal.runs()? {
        for batch in journal.batches(&run.id)? {
            journal.batch_ids(&run.id, batch.no)?;
            journal.batch_macs(&run.id, batch.no)?;
        }
        journal.attempts(&run.id)?;
        journal.jobs(&run.id)?;
        journal.orphans(&run.id)?;
        journal.artifacts(&run.id)?;
        journal.deliveries(&run.id)?;
        journal.events(&run.id, 0, 1000)?;
    }
    Ok(())
}
