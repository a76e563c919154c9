//! `dsr_collect_options`: how archives become packages.

use std::ffi::c_char;
use std::sync::Mutex;

use dsrkit::{CollectOptions, Secret};

use crate::error::dsr_error;
use crate::guard::{Caller, free, guard};
use crate::handle::handle;
use crate::options::change;
use crate::status::dsr_status;

/// How archives become packages.
/// Owner: you; dsr_collect_options_free.
/// Threads: any; one change at a time happens.
/// Lifetime: dsr_run_collect copies them; may be used for several runs.
pub struct dsr_collect_options {
    _number: (),
}
handle!(dsr_collect_options => Mutex<CollectOptions>);

/// The default options of collecting.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_new(
    options: *mut *mut dsr_collect_options,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        c.out(options, "options")?.put(Mutex::default())
    })
}

/// Frees options. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_collect_options_free(options: *mut dsr_collect_options) {
    free(options);
}

/// Also keeps each archive's members untouched. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_raw(
    options: *mut dsr_collect_options,
    yes: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.raw = yes;
        Ok(())
    })
}

/// Accepts archives that are not encrypted. Default: false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_allow_plain(
    options: *mut dsr_collect_options,
    yes: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.allow_plain = yes;
        Ok(())
    })
}

/// Adds a candidate for the secret that opens archives, after those of the project.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_add_secret(
    options: *mut dsr_collect_options,
    secret: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        options.secrets.push(Secret::new(c.text(secret, "secret")?));
        Ok(())
    })
}

/// Whether packages hold pages for people besides the files of data. Default: true.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_html(
    options: *mut dsr_collect_options,
    yes: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |_, options| {
        options.html = yes;
        Ok(())
    })
}

/// The zone of the times on pages and in tables, such as "Europe/Berlin". Default: UTC.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_timezone(
    options: *mut dsr_collect_options,
    zone: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        options.timezone = Some(c.text(zone, "zone")?.to_owned());
        Ok(())
    })
}

/// The language of pages: "en" (default), "de", "fr", "es", or one that the folder of templates
/// holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_language(
    options: *mut dsr_collect_options,
    language: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        options.language = Some(c.text(language, "language")?.to_owned());
        Ok(())
    })
}

/// A folder with templates and texts of your own. Default: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_templates(
    options: *mut dsr_collect_options,
    folder: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        options.templates = Some(c.path(folder, "folder")?);
        Ok(())
    })
}

/// Makes each package a zip (AES-256) that this passphrase opens, instead of a folder. Default: off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_collect_options_set_protect(
    options: *mut dsr_collect_options,
    passphrase: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    change(unsafe { Caller::trusted(err) }, options, |c, options| {
        options.protect = Some(Secret::new(c.text(passphrase, "passphrase")?));
        Ok(())
    })
}
