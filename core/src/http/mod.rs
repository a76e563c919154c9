//! Saying things to a vendor over HTTP, and telling what an answer means for the request.

pub mod classify;
pub mod transport;
