//! Saying things to a vendor over HTTP, and telling what an answer means for the request.

mod asked;
pub mod classify;
mod connect;
mod pool;
pub(crate) mod retry_after;
pub mod transport;
