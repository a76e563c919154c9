//! A journal's folder, and looking for people in it.

use std::future::Future as _;

use super::*;

pub const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

pub struct Place {
    folder: std::path::PathBuf,
    _kept: Option<tempfile::TempDir>,
}

/// What a search found.
pub struct Searched {
    pub hits: usize,
    pub files: usize,
    pub bytes: usize,
}

impl Place {
    pub fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        Self {
            folder: kept.path().to_owned(),
            _kept: Some(kept),
        }
    }

    pub fn at(folder: std::path::PathBuf) -> Self {
        Self {
            folder,
            _kept: None,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn beside(&self, suffix: &str) -> std::path::PathBuf {
        self.folder.join(format!("dsr.sqlite3{suffix}"))
    }

    pub fn open(
        &self,
        sandbox: &Sandbox,
        settings: Settings,
        key: Option<&[u8]>,
    ) -> dsrkit::Result<Client> {
        let mut journal = Journal::sqlite(self.beside(""))?;
        if let Some(key) = key {
            journal = journal.encrypted(key)?;
        }
        Client::builder(sandbox.mixpanel().build()?)
            .journal(journal)
            .settings(settings)
            .seed(1)
            .build()
    }

    pub fn client(&self, sandbox: &Sandbox, settings: Settings, key: Option<&[u8]>) -> Client {
        self.open(sandbox, settings, key).unwrap()
    }

    /// Looks for a text in every byte and every name below the folder.
    pub fn search(&self, text: &[u8]) -> Searched {
        let mut found = Searched {
            hits: 0,
            files: 0,
            bytes: 0,
        };
        for name in files(&self.folder) {
            let bytes = fs::read(self.folder.join(&name)).unwrap();
            let places = bytes.windows(text.len()).filter(|window| *window == text);
            let named = name
                .as_bytes()
                .windows(text.len())
                .any(|window| window == text);
            found.hits += places.count() + usize::from(named);
            found.files += 1;
            found.bytes += bytes.len();
        }
        found
    }
}

pub fn plan(client: &Client, kind: Kind, ids: &[String]) -> PlanHandle {
    let source = IdSource::iter(ids.to_vec());
    client
        .freeze(source, support::terms(kind), &PlanOptions::default())
        .unwrap()
}

pub fn events(run: &RunHandle) -> Vec<dsrkit::Event> {
    let mut reader = run.events_after(0);
    let mut events = Vec::new();
    while let Some(event) = at_once(&mut reader) {
        events.push(event);
    }
    events
}

/// The next event of a run that is at its end: it is there already.
fn at_once(reader: &mut dsrkit::EventReader) -> Option<dsrkit::Event> {
    let mut next = std::pin::pin!(reader.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match next.as_mut().poll(&mut context) {
        std::task::Poll::Ready(event) => event.unwrap(),
        std::task::Poll::Pending => panic!("the run is not at its end"),
    }
}

/// All files below a folder, by their names in it.
pub fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(folder, &mut |path, is_folder| {
        if !is_folder {
            let name = path.strip_prefix(folder).unwrap();
            found.push(name.to_str().unwrap().to_owned());
        }
    });
    found.sort();
    found
}

/// All folders below a folder.
pub fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    walk(folder, &mut |path, is_folder| {
        if is_folder {
            found.push(path.to_owned());
        }
    });
    found
}

fn walk(folder: &Path, see: &mut dyn FnMut(&Path, bool)) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let is_folder = entry.file_type().unwrap().is_dir();
        see(&entry.path(), is_folder);
        if is_folder {
            walk(&entry.path(), see);
        }
    }
}
