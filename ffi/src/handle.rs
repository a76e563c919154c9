//! The table behind all handles.
//!
//! A handle looks like a pointer in C but is a number: it is looked up, never followed. Numbers
//! are given once and never again, so a handle that was freed, freed twice or mixed up finds
//! nothing and gives DSR_BAD_STATE. The number also holds a generation of the process: after
//! fork() the child begins a table of its own, because the parent's may be locked for ever, and
//! the parent's handles give DSR_FORK there.

use std::any::Any;
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::guard::Failure;
use crate::status::dsr_status;

type Object = Arc<dyn Any + Send + Sync>;

/// A C type, and the Rust value behind its handles.
pub trait Handle: Sized {
    type Object: Send + Sync + 'static;
    const NAME: &'static str;
}

/// Ties an opaque C type, which is declared beside it for the header's sake, to its Rust value.
macro_rules! handle {
    ($name:ident => $object:ty) => {
        impl $crate::handle::Handle for $name {
            type Object = $object;
            const NAME: &'static str = stringify!($name);
        }
    };
}
pub(crate) use handle;

// A range where no program has memory: whoever follows a handle by mistake stops at once. Multiples
// of 16, as runtimes that mark pointers in their low bits expect.
#[cfg(target_pointer_width = "64")]
mod layout {
    pub const BASE: usize = 0x4000_0000_0000;
    pub const GENERATION_SHIFT: u32 = 40;
}
#[cfg(not(target_pointer_width = "64"))]
mod layout {
    pub const BASE: usize = 0x1000;
    pub const GENERATION_SHIFT: u32 = 28;
}
use layout::{BASE, GENERATION_SHIFT};
const STEP: usize = 16;
/// fork() of a fork() of a fork() ...: deeper families of processes get DSR_FORK.
const GENERATIONS: usize = 16;

struct Table {
    pid: u32,
    base: usize,
    next: AtomicUsize,
    objects: Mutex<HashMap<usize, Object>>,
    strings: Mutex<HashMap<usize, CString>>,
}

static TABLES: [OnceLock<Table>; GENERATIONS] = [const { OnceLock::new() }; GENERATIONS];
static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// This process's table. The parent's tables are only asked for their pid, which never changes.
fn table() -> Result<&'static Table, Failure> {
    let pid = std::process::id();
    let first = GENERATION.load(Ordering::Acquire);
    for (generation, slot) in TABLES.iter().enumerate().skip(first) {
        let table = slot.get_or_init(|| Table {
            pid,
            base: BASE + (generation << GENERATION_SHIFT),
            next: AtomicUsize::new(STEP),
            objects: Mutex::new(HashMap::new()),
            strings: Mutex::new(HashMap::new()),
        });
        if table.pid == pid {
            GENERATION.store(generation, Ordering::Release);
            return Ok(table);
        }
    }
    Err(forked("anything"))
}

fn forked(name: &str) -> Failure {
    Failure::new(
        dsr_status::DSR_FORK,
        format!("{name} was made before fork(); make a new one in the child process"),
    )
}

fn lock<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives an object a new handle.
pub fn put<H: Handle>(object: H::Object) -> Result<*mut H, Failure> {
    let table = table()?;
    let number = table.base + table.next.fetch_add(STEP, Ordering::Relaxed);
    lock(&table.objects).insert(number, Arc::new(object));
    Ok(std::ptr::without_provenance_mut(number))
}

/// Finds the object of a handle. `name` is the parameter's.
pub fn find<H: Handle>(handle: *const H, name: &str) -> Result<Arc<H::Object>, Failure> {
    if handle.is_null() {
        return Err(Failure::null(name));
    }
    let table = table()?;
    let number = handle.addr();
    if (BASE..table.base).contains(&number) {
        return Err(forked(name));
    }
    let object = lock(&table.objects).get(&number).cloned();
    object
        .and_then(|object| object.downcast().ok())
        .ok_or_else(|| {
            Failure::new(
                dsr_status::DSR_BAD_STATE,
                format!(
                    "{name} is no {} that is alive: it was freed, or is another handle",
                    H::NAME
                ),
            )
        })
}

/// Takes the object of a handle out of the table; nothing for NULL, a handle that is not alive, of
/// another kind, or of the parent process.
pub fn take<H: Handle>(handle: *mut H) -> Option<Arc<H::Object>> {
    let table = table().ok()?;
    let mut objects = lock(&table.objects);
    let number = handle.addr();
    if !objects.get(&number)?.is::<H::Object>() {
        return None;
    }
    let object = objects.remove(&number)?;
    drop(objects);
    object.downcast().ok()
}

/// Keeps a text that C frees with `dsr_string_free`.
pub fn keep(text: CString) -> Result<*mut std::ffi::c_char, Failure> {
    let table = table()?;
    let pointer = text.as_ptr().cast_mut();
    lock(&table.strings).insert(pointer.addr(), text);
    Ok(pointer)
}

/// Drops such a text; nothing for any other pointer.
pub fn forget(text: *mut std::ffi::c_char) {
    if let Ok(table) = table() {
        let kept = lock(&table.strings).remove(&text.addr());
        drop(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    struct Other;
    handle!(One => String);
    handle!(Other => u64);

    #[test]
    fn stale_freed_twice_and_wrong_kind_find_nothing() {
        let handle = put::<One>("a".to_owned()).expect("put");
        assert_eq!(find::<One>(handle, "x").expect("alive").as_str(), "a");
        let wrong = find::<Other>(handle.cast(), "x").expect_err("refused");
        assert_eq!(wrong.status, dsr_status::DSR_BAD_STATE);
        assert!(take::<Other>(handle.cast()).is_none());
        assert!(take::<One>(handle).is_some());
        assert!(take::<One>(handle).is_none());
        let stale = find::<One>(handle, "x").expect_err("refused");
        assert_eq!(stale.status, dsr_status::DSR_BAD_STATE);
        let again = put::<One>("b".to_owned()).expect("put");
        assert_ne!(handle, again);
    }
}
