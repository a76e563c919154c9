//! Hears everything that this process logs, at the finest level, from every crate.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span;

static HEARD: Mutex<String> = Mutex::new(String::new());

struct Ear;

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

fn hear(text: &str) {
    HEARD.lock().unwrap().push_str(text);
}

impl tracing::Subscriber for Ear {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = attributes.metadata().name().to_owned();
        attributes.record(&mut Fields(&mut text));
        hear(&text);
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut text = String::new();
        values.record(&mut Fields(&mut text));
        hear(&text);
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let about = event.metadata();
        let mut text = format!("\n{} {}", about.level(), about.target());
        event.record(&mut Fields(&mut text));
        hear(&text);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl log::Log for Ear {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        hear(&format!("\n{} {}", record.target(), record.args()));
    }
    fn flush(&self) {}
}

/// From now on everything is heard.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Ear).unwrap();
        log::set_logger(&Ear).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// What is logged on this thread meanwhile is heard, whatever else listens in this process.
pub fn listen_during<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(Ear, work)
}

/// What was heard since the last time.
pub fn heard() -> String {
    std::mem::take(&mut HEARD.lock().unwrap())
}

/// The first of these canaries that is in there.
pub fn found<'a>(bytes: &[u8], canaries: &[&'a str]) -> Option<&'a str> {
    let is_there = |canary: &&&str| memchr::memmem::find(bytes, canary.as_bytes()).is_some();
    canaries.iter().find(is_there).copied()
}

/// Every file below a folder, with its content.
pub fn files(folder: &Path, each: &mut dyn FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, each);
        } else if let Ok(bytes) = std::fs::read(&path) {
            each(&path, &bytes);
        }
    }
}
