//! Archives of finished retrievals: fetched without credentials, checked before they are opened,
//! unpacked into a private folder and split to the people they are about.
//!
//! An archive is hostile until shown otherwise, encrypted or not: whoever can send events to the
//! project writes part of its content. Nothing of it becomes visible before every check has
//! passed and the checksum of every member has been verified.

#[cfg(feature = "testing")]
mod assign;
mod cut;
mod decode;
mod decrypt;
mod directory;
mod end;
mod fetch;
mod file;
mod form;
mod hosts;
mod judge;
mod keys;
mod limits;
mod lines;
mod local;
mod names;
mod remove;
mod resolve;
mod rest;
mod rows;
mod skim;
mod split;
mod spool;
mod store;
mod stretch;
mod tree;
mod unpack;
mod zipcrypto;

#[cfg(test)]
mod tests;

#[cfg(feature = "testing")]
#[doc(hidden)]
pub use assign::{Assigned, assign};
pub use fetch::{Budget, FetchError, Fetched, fetch};
pub use hosts::HostRules;
pub use limits::Limits;
pub use remove::remove;
pub use split::{Share, ShareFile, Split, Unassigned, split};
pub use store::{
    Body, ByteRange, HttpStore, HttpStoreOptions, ResumeFrom, Store, StoreAnswer, StoreFuture,
};
pub use unpack::{Keep, Member, Verified, check_structure, unpack, verify};

use crate::error::{Error, ErrorKind};

/// The archive is refused. The reason never quotes a member's name: a name may hold an id.
fn refused(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::Archive, reason)
}
