//! A simulated vendor of data-subject request APIs.
pub mod server;

mod archive;
mod draw;
mod fault;
mod ledger;
mod log;
mod message;
mod mixpanel;
mod options;
mod seen;
mod store;
mod task;
mod upset;
mod world;

pub use fault::{Fault, Kind as FaultKind};
pub use ledger::{Entry, Operation, Summary};
pub use message::{Host, Reply, Request, Wire};
pub use options::{
    CancelAnswer, Case, Cipher, CreateShape, DateForm, Dialect, ErrorBody, ItemSlash, JobMs,
    Layout, LinkField, NotFound, Options, TaskIdKind,
};
pub use server::{Server, Time};
pub use world::World;
