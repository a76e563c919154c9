//! What reads foreign bytes, as functions of bytes. A target panics when something is wrong; the
//! tests of every change run the same functions over the corpus (`tests/rust/fuzzed.rs`).

pub mod answer;
pub mod archive;
pub mod ids;
pub mod journal;
pub mod links;
pub mod records;

/// A folder in memory, where there is such a place.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.expect("a folder")
}

/// Everything that an error says, for people and for logs.
fn said(error: &dsrkit::Error) -> String {
    let mut text = format!("{error} {error:?} {}", error.hint());
    let mut below = std::error::Error::source(error);
    while let Some(source) = below {
        text.push_str(&format!(" {source} {source:?}"));
        below = source.source();
    }
    text
}
