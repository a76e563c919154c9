//! What a person receives: a folder with their data and a manifest, complete or absent.

mod folder;
mod manifest;
mod remove;
mod workspace;
mod write;

pub use folder::{folder_name, place};
pub use manifest::{Archive, Origin};
pub use remove::remove;
pub use workspace::Workspace;
pub use write::{DataFile, Part, State, Written, write_all};
