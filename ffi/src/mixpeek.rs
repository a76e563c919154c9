//! `dsr_mixpeek`: requests about a whole organisation, not about people in it.

use std::ffi::{CString, c_char};
use std::sync::{Mutex, PoisonError};

use dsrkit::vendor::mixpeek::Builder;
use dsrkit::{DsarRequest, Journal, Mixpeek, MixpeekClient};
use tokio::runtime::Runtime;

use crate::error::dsr_error;
use crate::guard::{Caller, Result, free, get, guard};
use crate::handle::{find, handle, put};
use crate::sandbox::dsr_sandbox;
use crate::settings::dsr_settings;
use crate::settings_read::chosen;
use crate::status::dsr_status;
use crate::text::{c_text, owned, pointer};

/// An organisation at Mixpeek: its API key. Does no I/O.
/// Owner: you; dsr_mixpeek_free.
/// Threads: any; one change at a time happens.
/// Lifetime: a client copies it, so it may be freed afterwards.
pub struct dsr_mixpeek {
    _number: (),
}
handle!(dsr_mixpeek => Mutex<Builder>);

/// A client of one organisation at Mixpeek, with the record of its requests.
/// Owner: you; dsr_mixpeek_client_free.
/// Threads: any, several at the same time.
/// Lifetime: keeps a copy of the organisation; its answers stay when it is freed.
pub struct dsr_mixpeek_client {
    _number: (),
}
handle!(dsr_mixpeek_client => MixpeekObject);

/// Mixpeek's answer to a request; it never changes.
/// Owner: you; dsr_dsar_free.
/// Threads: any.
/// Lifetime: depends on nothing; its texts live as long as it does.
pub struct dsr_dsar {
    _number: (),
}
handle!(dsr_dsar => DsarTexts);

pub struct MixpeekObject {
    core: MixpeekClient,
    runtime: Runtime,
}

pub struct DsarTexts {
    request_id: CString,
    status: CString,
    requested_at: CString,
    estimated_completion: CString,
    categories: Vec<CString>,
    warning: Option<CString>,
}

impl DsarTexts {
    fn new(answer: &DsarRequest) -> Self {
        Self {
            request_id: c_text(&answer.request_id),
            status: c_text(&answer.status),
            requested_at: c_text(&answer.requested_at),
            estimated_completion: c_text(&answer.estimated_completion),
            categories: answer
                .data_categories
                .iter()
                .map(|one| c_text(one))
                .collect(),
            warning: answer.warning.as_deref().map(c_text),
        }
    }
}

/// An organisation by its API key (sk_..), which needs ADMIN permission. DSR_CONFIG for a key that
/// is empty or holds a blank or a line end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_new(
    api_key: *const c_char,
    mixpeek: *mut *mut dsr_mixpeek,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(mixpeek, "mixpeek")?;
        let builder = Mixpeek::builder(c.text(api_key, "api_key")?);
        builder.clone().build()?;
        out.put(Mutex::new(builder))
    })
}

/// Frees an organisation. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpeek_free(mixpeek: *mut dsr_mixpeek) {
    free(mixpeek);
}

/// A proxy or a sandbox. http only for this machine. Default: "https://api.mixpeek.com".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_set_base_url(
    mixpeek: *mut dsr_mixpeek,
    url: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let mixpeek = find(mixpeek, "mixpeek")?;
        let mut builder = mixpeek.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = builder.clone().base_url(c.text(url, "url")?);
        changed.clone().build()?;
        *builder = changed;
        Ok(())
    })
}

/// The organisation of a simulated vendor, with a key of one's own unless api_key_or_null is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_sandbox_mixpeek(
    sandbox: *const dsr_sandbox,
    api_key_or_null: *const c_char,
    mixpeek: *mut *mut dsr_mixpeek,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(mixpeek, "mixpeek")?;
        let sandbox = find(sandbox, "sandbox")?;
        let key = c.text_or_null(api_key_or_null, "api_key_or_null")?;
        let builder = sandbox.sandbox.mixpeek_with(key.map(str::to_owned));
        out.set(put::<dsr_mixpeek>(Mutex::new(builder))?);
        Ok(())
    })
}

/// A client of an organisation. journal_or_null: where its requests are on record, as for
/// dsr_client_new, one for each organisation; NULL: they are forgotten with the client. Sends
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_client_new(
    mixpeek: *const dsr_mixpeek,
    settings_or_null: *const dsr_settings,
    journal_or_null: *const c_char,
    client: *mut *mut dsr_mixpeek_client,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(client, "client")?;
        let vendor = find(mixpeek, "mixpeek")?;
        let vendor = vendor.lock().unwrap_or_else(PoisonError::into_inner);
        let mut builder = MixpeekClient::builder(vendor.clone().build()?)
            .settings(chosen(settings_or_null)?.settings);
        if let Some(name) = c.text_or_null(journal_or_null, "journal_or_null")? {
            builder = builder.journal(Journal::open(name)?);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("dsrkit")
            .enable_all()
            .build()
            .map_err(|error| {
                dsrkit::Error::new(dsrkit::ErrorKind::Io, "cannot start a runtime")
                    .with_source(error)
            })?;
        let core = {
            let _inside = runtime.enter();
            builder.build()?
        };
        out.put(MixpeekObject { core, runtime })
    })
}

/// Frees a client and closes its journal; calls of other threads go on to their end. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_mixpeek_client_free(client: *mut dsr_mixpeek_client) {
    free(client);
}

fn ask<F>(
    caller: Caller,
    client: *const dsr_mixpeek_client,
    dsar: *mut *mut dsr_dsar,
    call: impl FnOnce(&Caller) -> Result<F>,
) -> dsr_status
where
    F: AsyncFnOnce(&MixpeekClient) -> dsrkit::Result<DsarRequest>,
{
    guard(caller, |c| {
        let out = c.out(dsar, "dsar")?;
        let client = find(client, "client")?;
        let call = call(c)?;
        let answer = client.runtime.block_on(call(&client.core))?;
        out.put(DsarTexts::new(&answer))
    })
}

/// Asks for a copy of everything that the organisation has. Delivered by other ways than the API,
/// within 30 days.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_client_request_export(
    client: *const dsr_mixpeek_client,
    dsar: *mut *mut dsr_dsar,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    ask(unsafe { Caller::trusted(err) }, client, dsar, |_| {
        Ok(async |client: &MixpeekClient| client.request_export().await)
    })
}

/// Asks for the erasure of everything that the organisation has: irreversible. confirm is "DELETE
/// ORGANISATION", DSR_NOT_CONFIRMED for anything else. After a lost answer (DSR_AMBIGUOUS) it is
/// not sent again, by this client or another one with its journal, until
/// dsr_mixpeek_client_settle says what became of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_client_request_deletion(
    client: *const dsr_mixpeek_client,
    confirm: *const c_char,
    dsar: *mut *mut dsr_dsar,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    ask(unsafe { Caller::trusted(err) }, client, dsar, |c| {
        let confirm = c.text(confirm, "confirm")?.to_owned();
        Ok(async move |client: &MixpeekClient| client.request_deletion(&confirm).await)
    })
}

/// The requests on record, oldest first, as a JSON list of objects with "id", "kind" ("export",
/// "deletion"), "state" ("accepted", "not carried out", "unknown"), "at_ms", "request_id" and
/// "problem". Free the text with dsr_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_client_requests(
    client: *const dsr_mixpeek_client,
    json: *mut *mut c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let out = c.out(json, "json")?;
        let client = find(client, "client")?;
        let all = serde_json::to_value(client.core.requests()?).unwrap_or_default();
        out.set(owned(&all.to_string())?);
        Ok(())
    })
}

/// Says what became of a request whose state is unknown: a person looked it up at the vendor. id:
/// its name on record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_mixpeek_client_settle(
    client: *const dsr_mixpeek_client,
    id: *const c_char,
    carried_out: bool,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    guard(unsafe { Caller::trusted(err) }, |c| {
        let client = find(client, "client")?;
        Ok(client.core.settle(c.text(id, "id")?, carried_out)?)
    })
}

fn read<T>(dsar: *const dsr_dsar, otherwise: T, look: impl FnOnce(&DsarTexts) -> T) -> T {
    get(otherwise, || {
        find(dsar, "dsar").ok().map(|dsar| look(&dsar))
    })
}

/// Frees an answer. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_free(dsar: *mut dsr_dsar) {
    free(dsar);
}

/// The vendor's name of the request.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_request_id(dsar: *const dsr_dsar) -> *const c_char {
    read(dsar, std::ptr::null(), |dsar| dsar.request_id.as_ptr())
}

/// The vendor's word.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_status(dsar: *const dsr_dsar) -> *const c_char {
    read(dsar, std::ptr::null(), |dsar| dsar.status.as_ptr())
}

/// When the vendor took the request, as it wrote it.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_requested_at(dsar: *const dsr_dsar) -> *const c_char {
    read(dsar, std::ptr::null(), |dsar| dsar.requested_at.as_ptr())
}

/// When it will be done: a sentence of the vendor's, not a time.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_estimated_completion(dsar: *const dsr_dsar) -> *const c_char {
    read(dsar, std::ptr::null(), |dsar| {
        dsar.estimated_completion.as_ptr()
    })
}

/// How many categories of data it covers.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_n_categories(dsar: *const dsr_dsar) -> usize {
    read(dsar, 0, |dsar| dsar.categories.len())
}

/// One of them, counted from 0; NULL past the last.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_category(dsar: *const dsr_dsar, index: usize) -> *const c_char {
    read(dsar, std::ptr::null(), |dsar| {
        pointer(dsar.categories.get(index))
    })
}

/// What the vendor warns of, in the answer to a deletion; NULL otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn dsr_dsar_warning(dsar: *const dsr_dsar) -> *const c_char {
    read(dsar, std::ptr::null(), |dsar| {
        pointer(dsar.warning.as_ref())
    })
}
