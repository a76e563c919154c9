//! Which forms the vendor sends.

use std::ffi::c_char;

use dsrkit::{Error, ErrorKind};

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, guard};
use crate::handle::find;
use crate::status::dsr_status;
use crate::text::owned;

/// The drift report: which forms the vendor really sent, as a JSON list of objects with shape,
/// standing ("documented", "observed" or "undocumented") and count. Nothing depends on it. Free the
/// text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_drift(
    client: *const dsr_client,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let found = find(client, "client")?.core.drift()?;
        let text = serde_json::to_string(&found).map_err(|error| {
            Error::new(ErrorKind::Internal, "the report cannot be shown").with_source(error)
        })?;
        out.set(owned(&text)?);
        Ok(())
    })
}
