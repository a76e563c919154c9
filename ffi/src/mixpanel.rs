//! `dsr_mixpanel`: a project's credentials and limits.

use std::ffi::{c_char, c_int};
use std::sync::{Mutex, PoisonError};

use dsrkit::vendor::mixpanel::Builder;
use dsrkit::{Mixpanel, Region};

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, free, guard};
use crate::handle::{find, handle};
use crate::status::dsr_status;

/// A Mixpanel project: credentials and limits. Does no I/O. A client copies it, so it may be
/// freed or changed afterwards.
pub struct dsr_mixpanel {
    _number: (),
}
handle!(dsr_mixpanel => Mutex<Builder>);

/// Where a project's data lives.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(dead_code)] // C hands the numbers in as `int`, which may be any
pub enum dsr_region {
    /// United States: mixpanel.com.
    DSR_REGION_US = 0,
    /// European Union: eu.mixpanel.com.
    DSR_REGION_EU = 1,
    /// India: in.mixpanel.com.
    DSR_REGION_IN = 2,
}

/// What a project's handle holds now.
pub fn project(mixpanel: *const dsr_mixpanel) -> Result<Mixpanel> {
    let mixpanel = find(mixpanel, "mixpanel")?;
    let builder = mixpanel
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Ok(builder.build()?)
}

/// Changes a project, unless the change is refused.
fn change(
    caller: Caller,
    mixpanel: *mut dsr_mixpanel,
    how: impl FnOnce(&Caller, Builder) -> Result<Builder>,
) -> dsr_status {
    guard(caller, |c| {
        let mixpanel = find(mixpanel, "mixpanel")?;
        let mut builder = mixpanel.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = how(c, builder.clone())?;
        changed.clone().build()?;
        *builder = changed;
        Ok(())
    })
}

/// A project by its token and the OAuth token of an owner or admin (it lives one year). Region US.
/// DSR_CONFIG for a token that is empty or holds a blank or a line end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_new(
    project_token: *const c_char,
    oauth_token: *const c_char,
    mixpanel: *mut *mut dsr_mixpanel,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(mixpanel, "mixpanel")?;
        let project_token = c.text(project_token, "project_token")?;
        let oauth_token = c.text(oauth_token, "oauth_token")?;
        let builder = Mixpanel::builder(project_token, oauth_token);
        builder.clone().build()?;
        out.put(Mutex::new(builder))
    })
}

/// Frees a project. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpanel_free(mixpanel: *mut dsr_mixpanel) {
    free(mixpanel);
}

/// Where the project's data lives, a dsr_region. Default: DSR_REGION_US.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_set_region(
    mixpanel: *mut dsr_mixpanel,
    region: c_int,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |_, builder| {
        let region = match region {
            0 => Region::Us,
            1 => Region::Eu,
            2 => Region::In,
            _ => return Err(Failure::input("region is no dsr_region")),
        };
        Ok(builder.region(region))
    })
}

/// Another residency, a proxy or a sandbox, such as "https://eu.mixpanel.com/api/app". Overrides
/// the region. http only for this machine. Default: the region's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_set_base_url(
    mixpanel: *mut dsr_mixpanel,
    url: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |c, builder| {
        Ok(builder.base_url(c.text(url, "url")?))
    })
}

/// The version of the vendor's API: "3.0", or "2.0" (GDPR only, one person per retrieval, retrievals
/// can be cancelled). A journal belongs to one of them. Default: "3.0".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_set_api_version(
    mixpanel: *mut dsr_mixpanel,
    version: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |c, builder| {
        Ok(builder.api_version(c.text(version, "version")?))
    })
}

/// How many data groups (group analytics keys) the project has, 0 to 1999. A deletion request
/// holds 2000 / (groups + 1) ids, 1999 without groups. Default: 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_set_data_groups(
    mixpanel: *mut dsr_mixpanel,
    groups: u32,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |_, builder| {
        Ok(builder.data_groups(groups))
    })
}

/// Sends a subject_request_id with each request: a UUID of ours that the vendor echoes, so that a
/// task can be told to be ours. Only for projects for which the vendor has enabled status
/// callbacks. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_set_subject_request_ids(
    mixpanel: *mut dsr_mixpanel,
    yes: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |_, builder| {
        Ok(builder.subject_request_ids(yes))
    })
}

/// Adds a candidate for the secret that opens archives (the project's API secret). Candidates are
/// tried in the order given. Default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_add_archive_secret(
    mixpanel: *mut dsr_mixpanel,
    secret: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |c, builder| {
        Ok(builder.archive_secret(c.text(secret, "secret")?))
    })
}

/// Adds a host that archives may be fetched from, exact or as ".suffix". Default: the vendor's
/// store, storage.googleapis.com and its sub-domains.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_add_archive_host(
    mixpanel: *mut dsr_mixpanel,
    host: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |c, builder| {
        Ok(builder.archive_host(c.text(host, "host")?))
    })
}
