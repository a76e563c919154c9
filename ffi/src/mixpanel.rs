//! `dsr_mixpanel`: a project's credentials and limits.

use std::ffi::{c_char, c_int};
use std::sync::{Mutex, PoisonError};

use dsrkit::vendor::Vendor;
use dsrkit::vendor::mixpanel::Builder;
use dsrkit::{Kind, Mixpanel, Region};

use crate::error::dsr_error;
use crate::guard::{Caller, Failure, Result, free, get, guard};
use crate::handle::{find, handle};
use crate::status::dsr_status;
use crate::text::owned;

/// A Mixpanel project: credentials and limits. Does no I/O.
/// Owner: you; dsr_mixpanel_free.
/// Threads: any; one change at a time happens.
/// Lifetime: a client copies it, so it may be changed or freed afterwards. One made by a
///   dsr_sandbox runs by that one's clock.
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

/// A project by the variables DSRKIT_MIXPANEL_PROJECT_TOKEN, _OAUTH_TOKEN, _REGION,
/// _ARCHIVE_SECRET and _BASE_URL of the environment. Each may be given as a file's name in a variable
/// ending in _FILE instead. DSR_CONFIG names what is missing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_from_env(
    mixpanel: *mut *mut dsr_mixpanel,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(mixpanel, "mixpanel")?;
        let builder = Mixpanel::from_env()?;
        builder.clone().build()?;
        out.put(Mutex::new(builder))
    })
}

/// Frees a project. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpanel_free(mixpanel: *mut dsr_mixpanel) {
    free(mixpanel);
}

/// Replaces both tokens; everything else is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_set_tokens(
    mixpanel: *mut dsr_mixpanel,
    project_token: *const c_char,
    oauth_token: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |c, builder| {
        let project_token = c.text(project_token, "project_token")?;
        Ok(builder.tokens(project_token, c.text(oauth_token, "oauth_token")?))
    })
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

/// Asks the vendor to tell the status of each task to this address too: https, at most five.
/// Requests then carry a subject_request_id. What receives there hands it to dsr_callback_verify
/// and dsr_client_receive_callback. Default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_add_status_callback_url(
    mixpanel: *mut dsr_mixpanel,
    url: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, mixpanel, |c, builder| {
        Ok(builder.status_callback_url(c.text(url, "url")?))
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

fn read<T>(mixpanel: *const dsr_mixpanel, otherwise: T, look: impl FnOnce(&Mixpanel) -> T) -> T {
    get(otherwise, || {
        project(mixpanel).ok().map(|project| look(&project))
    })
}

/// Where the project's data lives, a dsr_region; -1 when a base URL was set.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpanel_region(mixpanel: *const dsr_mixpanel) -> c_int {
    read(mixpanel, -1, |project| {
        let region = project.region().map(|region| match region {
            Region::Us => dsr_region::DSR_REGION_US,
            Region::Eu => dsr_region::DSR_REGION_EU,
            Region::In => dsr_region::DSR_REGION_IN,
        });
        region.map_or(-1, |region| region as c_int)
    })
}

/// The URL that calls go to. Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpanel_base_url(
    mixpanel: *const dsr_mixpanel,
    url: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(url, "url")?;
        out.set(owned(project(mixpanel)?.base_url().as_str())?);
        Ok(())
    })
}

/// The most ids of one retrieval request; -1 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpanel_retrieval_limit(mixpanel: *const dsr_mixpanel) -> i64 {
    read(mixpanel, -1, |project| limit(project, Kind::Retrieval))
}

/// The most ids of one deletion request; -1 for a handle that is not alive.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpanel_deletion_limit(mixpanel: *const dsr_mixpanel) -> i64 {
    read(mixpanel, -1, |project| limit(project, Kind::Deletion))
}

fn limit(project: &Mixpanel, kind: Kind) -> i64 {
    i64::try_from(project.max_ids(kind)).unwrap_or(i64::MAX)
}
