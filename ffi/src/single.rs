//! One vendor call each: no journal, the project's pace, repeated only where that is safe.

use std::ffi::{c_char, c_int};

use dsrkit::{Client, Job, Kind};

use crate::client::dsr_client;
use crate::error::dsr_error;
use crate::guard::{Caller, Result, guard};
use crate::handle::find;
use crate::ids::Given;
use crate::job::{JobTexts, dsr_job};
use crate::options::{compliance, disclosure, dsr_disclosure};
use crate::status::dsr_status;

/// Deletions disclose nothing.
const UNSET: c_int = dsr_disclosure::DSR_DISCLOSURE_UNSET as c_int;

/// Makes one vendor call that gives a job.
fn call<F>(
    caller: Caller,
    client: *const dsr_client,
    job: *mut *mut dsr_job,
    prepare: impl FnOnce(&Caller) -> Result<F>,
) -> dsr_status
where
    F: AsyncFnOnce(&Client) -> dsrkit::Result<Job>,
{
    guard(caller, |c| {
        let out = c.out(job, "job")?;
        let client = find(client, "client")?;
        let operation = prepare(c)?;
        let job = client.block(async { Ok(operation(&client.core).await?) })?;
        out.put(JobTexts::new(&job))
    })
}

fn create(
    caller: Caller,
    client: *const dsr_client,
    kind: Kind,
    ids: Given,
    (law, what): (c_int, c_int),
    job: *mut *mut dsr_job,
) -> dsr_status {
    call(caller, client, job, |c| {
        let (ids, law, what) = (ids.source(c)?, compliance(law)?, disclosure(what)?);
        Ok(async move |client: &Client| match kind {
            Kind::Retrieval => client.create_retrieval(ids, law, what).await,
            Kind::Deletion => client.create_deletion(ids, law).await,
        })
    })
}

fn get(
    caller: Caller,
    client: *const dsr_client,
    kind: Kind,
    task_id: *const c_char,
    job: *mut *mut dsr_job,
) -> dsr_status {
    call(caller, client, job, |c| {
        let task = c.text(task_id, "task_id")?.to_owned();
        Ok(async move |client: &Client| match kind {
            Kind::Retrieval => client.get_retrieval(&task).await,
            Kind::Deletion => client.get_deletion(&task).await,
        })
    })
}

fn cancel(
    caller: Caller,
    client: *const dsr_client,
    kind: Kind,
    task_id: *const c_char,
) -> dsr_status {
    guard(caller, |c| {
        let client = find(client, "client")?;
        let task = c.text(task_id, "task_id")?;
        client.block(async {
            Ok(match kind {
                Kind::Retrieval => client.core.cancel_retrieval(task).await,
                Kind::Deletion => client.core.cancel_deletion(task).await,
            }?)
        })
    })
}

/// Makes a retrieval task for at most 2000 ids (version 2.0: for one), under a dsr_compliance, disclosing a
/// dsr_disclosure. The status of a new job is PENDING; look again with dsr_client_get_retrieval.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_create_retrieval(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    compliance: c_int,
    disclosure: c_int,
    job: *mut *mut dsr_job,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Texts(ids, n_ids), (compliance, disclosure));
    create(caller, client, Kind::Retrieval, ids, terms, job)
}

/// dsr_client_create_retrieval with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_create_retrieval_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    compliance: c_int,
    disclosure: c_int,
    job: *mut *mut dsr_job,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (
        Given::Measured(ids, lengths, n_ids),
        (compliance, disclosure),
    );
    create(caller, client, Kind::Retrieval, ids, terms, job)
}

/// Makes a deletion task for at most 1999 ids, under a dsr_compliance. Irreversible, and without
/// the confirmation and the journal of a plan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_create_deletion(
    client: *const dsr_client,
    ids: *const *const c_char,
    n_ids: usize,
    compliance: c_int,
    job: *mut *mut dsr_job,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Texts(ids, n_ids), (compliance, UNSET));
    create(caller, client, Kind::Deletion, ids, terms, job)
}

/// dsr_client_create_deletion with the ids' lengths in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_create_deletion_n(
    client: *const dsr_client,
    ids: *const *const c_char,
    lengths: *const usize,
    n_ids: usize,
    compliance: c_int,
    job: *mut *mut dsr_job,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    let caller = unsafe { Caller::trusted(err) };
    let (ids, terms) = (Given::Measured(ids, lengths, n_ids), (compliance, UNSET));
    create(caller, client, Kind::Deletion, ids, terms, job)
}

/// The status of a retrieval task: NOT_FOUND for one that the vendor says it does not know, which is
/// no error; DSR_NOT_FOUND when it answers 404.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_get_retrieval(
    client: *const dsr_client,
    task_id: *const c_char,
    job: *mut *mut dsr_job,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    get(
        unsafe { Caller::trusted(err) },
        client,
        Kind::Retrieval,
        task_id,
        job,
    )
}

/// The status of a deletion task: NOT_FOUND for one that the vendor says it does not know, which is
/// no error; DSR_NOT_FOUND when it answers 404.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_get_deletion(
    client: *const dsr_client,
    task_id: *const c_char,
    job: *mut *mut dsr_job,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    get(
        unsafe { Caller::trusted(err) },
        client,
        Kind::Deletion,
        task_id,
        job,
    )
}

/// Cancels a retrieval, where the vendor's API version offers it; DSR_CONFIG with version 3.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_cancel_retrieval(
    client: *const dsr_client,
    task_id: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    cancel(
        unsafe { Caller::trusted(err) },
        client,
        Kind::Retrieval,
        task_id,
    )
}

/// Cancels a deletion that has not started; DSR_TOO_LATE if it has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dsr_client_cancel_deletion(
    client: *const dsr_client,
    task_id: *const c_char,
    err: *mut *mut dsr_error,
) -> dsr_status {
    // SAFETY: the caller keeps the header's rules.
    cancel(
        unsafe { Caller::trusted(err) },
        client,
        Kind::Deletion,
        task_id,
    )
}
