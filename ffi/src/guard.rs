//! The border: the only file that reads or writes memory of the C caller, and the one guard that
//! every function runs in.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::ptr::NonNull;

use crate::error::{ErrorText, dsr_error};
use crate::handle;
use crate::log;
use crate::signals::Quiet;
use crate::status::dsr_status;

/// Why a function does not return DSR_OK.
#[derive(Debug)]
pub struct Failure {
    pub status: dsr_status,
    /// What `*err` shall tell; `None` for DSR_NO_EVENT and DSR_END, which are no errors.
    pub error: Option<Box<ErrorText>>,
}

impl Failure {
    /// A failure that only this border knows.
    pub fn new(status: dsr_status, message: impl Into<String>) -> Self {
        Self {
            status,
            error: Some(Box::new(ErrorText::border(status, &message.into()))),
        }
    }

    /// A pointer that must not be NULL.
    pub fn null(name: impl Display) -> Self {
        Self::new(dsr_status::DSR_NULL_POINTER, format!("{name} is NULL"))
    }

    /// An argument that the core has no name for.
    pub fn input(message: impl Into<String>) -> Self {
        dsrkit::Error::new(dsrkit::ErrorKind::InvalidInput, message).into()
    }

    /// A status that is no error.
    pub fn quiet(status: dsr_status) -> Self {
        Self {
            status,
            error: None,
        }
    }
}

impl From<dsrkit::Error> for Failure {
    fn from(error: dsrkit::Error) -> Self {
        let text = ErrorText::new(&error);
        Self {
            status: text.status,
            error: Some(Box::new(text)),
        }
    }
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Proof that the C caller of this function keeps the header's rules for pointers.
#[derive(Clone, Copy)]
pub struct Caller {
    err: *mut *mut dsr_error,
}

#[allow(clippy::unused_self)] // the value itself is the proof
impl Caller {
    /// # Safety
    /// Every pointer that is read or written through this value is NULL or as the header asks:
    /// texts end with NUL, arrays hold as many items as said, outputs can be written to; and each
    /// stays so until the function returns.
    pub unsafe fn trusted(err: *mut *mut dsr_error) -> Self {
        Self { err }
    }

    /// A text of the caller.
    pub fn text(&self, pointer: *const c_char, name: impl Display) -> Result<&str> {
        self.text_or_null(pointer, &name)?
            .ok_or_else(|| Failure::null(name))
    }

    /// A text of the caller that may be missing.
    pub fn text_or_null(&self, pointer: *const c_char, name: impl Display) -> Result<Option<&str>> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL, and the caller ends it with NUL and keeps it (`trusted`).
        let text = unsafe { CStr::from_ptr(pointer) };
        match text.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(bad_utf8(name, error.valid_up_to())),
        }
    }

    /// A path of the caller.
    pub fn path(&self, pointer: *const c_char, name: &str) -> Result<PathBuf> {
        self.text(pointer, name).map(PathBuf::from)
    }

    /// An array of the caller, read as a slice.
    pub fn array<T>(&self, pointer: *const T, n: usize, name: &str) -> Result<&[T]> {
        if n == 0 {
            return Ok(&[]);
        }
        if pointer.is_null() {
            return Err(Failure::null(name));
        }
        if n > isize::MAX as usize / size_of::<T>().max(1) {
            return Err(Failure::input(format!("{name}: no array is that long")));
        }
        // SAFETY: not NULL, no longer than an array can be, and the caller says that it holds `n`
        // items and keeps them (`trusted`).
        Ok(unsafe { std::slice::from_raw_parts(pointer, n) })
    }

    /// An output of the caller. Looked at before any work, written on success only.
    pub fn out<T>(&self, pointer: *mut T, name: &str) -> Result<Out<T>> {
        NonNull::new(pointer)
            .map(Out)
            .ok_or_else(|| Failure::null(name))
    }
}

/// A text that is not UTF-8. Says where, never what: it may be somebody's id.
pub fn bad_utf8(name: impl Display, at: usize) -> Failure {
    Failure::new(
        dsr_status::DSR_BAD_UTF8,
        format!("{name} is not UTF-8 (byte {at})"),
    )
}

/// Where a result goes.
pub struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    pub fn set(self, value: T) {
        // SAFETY: made by `Caller::out` from a pointer that the caller can be written to.
        unsafe { self.0.as_ptr().write(value) }
    }
}

impl<H: handle::Handle> Out<*mut H> {
    /// Gives the object a handle and the handle to the caller.
    pub fn put(self, object: H::Object) -> Result<()> {
        self.set(handle::put::<H>(object)?);
        Ok(())
    }
}

/// Runs a function's body: nothing unwinds into C, and every failure becomes a status and, where
/// the caller wants it, an error.
pub fn guard(caller: Caller, body: impl FnOnce(&Caller) -> Result<()>) -> dsr_status {
    let _quiet = Quiet::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        failpoint();
        body(&caller)
    }));
    log::deliver();
    let failure = match result {
        Ok(Ok(())) => return dsr_status::DSR_OK,
        Ok(Err(failure)) => failure,
        Err(_) => panicked(),
    };
    if let (Some(error), Some(err)) = (failure.error, NonNull::new(caller.err))
        && let Ok(Ok(handle)) = catch_unwind(|| handle::put::<dsr_error>(*error))
    {
        Out(err).set(handle);
    }
    failure.status
}

/// Hands a line of the log to the caller's function.
pub fn tell(
    callback: unsafe extern "C" fn(c_int, *const c_char, *mut c_void),
    level: c_int,
    line: &CStr,
    user: usize,
) {
    // SAFETY: the caller of dsr_log_set says that this function may be called so.
    unsafe {
        callback(
            level,
            line.as_ptr(),
            std::ptr::with_exposed_provenance_mut(user),
        );
    }
}

fn panicked() -> Failure {
    Failure::new(
        dsr_status::DSR_PANIC,
        "a bug in dsrkit was caught at the border; what was journaled is safe",
    )
}

/// Runs a getter's body: `otherwise` when there is nothing to get.
pub fn get<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    catch_unwind(AssertUnwindSafe(|| {
        failpoint();
        body()
    }))
    .ok()
    .flatten()
    .unwrap_or(otherwise)
}

/// Frees a handle; nothing for NULL and for handles that are not alive.
pub fn free<H: handle::Handle>(handle: *mut H) {
    get((), || {
        drop(handle::take(handle));
        None
    });
}

#[cfg(not(feature = "failpoints"))]
fn failpoint() {}

#[cfg(feature = "failpoints")]
static PANIC_NEXT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[cfg(feature = "failpoints")]
fn failpoint() {
    if PANIC_NEXT.swap(false, std::sync::atomic::Ordering::SeqCst) {
        // A panic like any other, but without its message on stderr.
        std::panic::resume_unwind(Box::new("failpoint"));
    }
}

/// Makes the next function panic inside its guard.
#[cfg(feature = "failpoints")]
#[unsafe(no_mangle)]
pub extern "C" fn dsr_test_panic_next() {
    PANIC_NEXT.store(true, std::sync::atomic::Ordering::SeqCst);
}
