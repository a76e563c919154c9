//! What a person receives: a folder with their data and a manifest, complete or absent.
// Without pages, what they are made from lies idle.
#![cfg_attr(not(feature = "package"), allow(dead_code))]

mod compose;
mod digest;
mod folder;
#[cfg(feature = "package")]
mod html;
mod index;
#[cfg(feature = "package")]
mod language;
#[cfg(feature = "package")]
mod look;
mod manifest;
#[cfg(feature = "package")]
mod pages;
mod protect;
mod record;
mod remove;
#[cfg(feature = "package")]
mod strip;
#[cfg(feature = "package")]
mod summary;
mod survey;
mod table;
#[cfg(feature = "package")]
mod timeline;
#[cfg(feature = "package")]
mod view;
mod visible;
mod workspace;
mod write;

pub use compose::{Maker, Wish};
pub use folder::{find_package, folder_name, place};
pub use index::Index;
pub(crate) use index::keep;
pub use manifest::{Archive, Origin};
pub use remove::remove;
pub use workspace::Workspace;
pub use write::{DataFile, Part, State, Written, write_all};

#[cfg(all(test, feature = "package"))]
mod people_tests;
