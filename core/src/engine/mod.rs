//! The engine carries plans out. It is the only room that ties the others together; data goes
//! down this list once:
//!
//! `plan` freezes ids into batches, `submit` sends each batch once, `watch` follows the vendor's
//! tasks, `fetch` brings archives to this disk, `collect` makes packages of them, `report` gives
//! the account. `due` says what
//! comes next, `step` does it, `drive` goes on until nothing is left, `run` holds it all, `own` says
//! whether this process is the one that works. `recover` puts a
//! journal in order that a dead process left behind, `decide` takes a person's word about what
//! was held. `callback` hears what the vendor tells by itself. `seal` and `purge` remove people from the journal, and `register` tells whether
//! somebody was there.

pub(crate) mod answer;
pub(crate) mod book;
pub(crate) mod callback;
pub(crate) mod cancel;
pub(crate) mod collect;
pub(crate) mod decide;
pub(crate) mod drift;
pub(crate) mod drive;
pub(crate) mod due;
pub(crate) mod ends;
pub(crate) mod fetch;
pub(crate) mod forecast;
pub(crate) mod overlap;
pub(crate) mod own;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod project;
pub(crate) mod purge;
pub(crate) mod recover;
pub(crate) mod register;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod seal;
pub(crate) mod split;
pub(crate) mod step;
pub(crate) mod submit;
pub(crate) mod warn;
pub(crate) mod watch;

pub use collect::CollectOptions;
pub use decide::Decision;
pub use forecast::{Bound, Estimate};
pub use plan::PlanOptions;
