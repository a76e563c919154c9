//! SIGPIPE. The system sends it to a thread that writes to a connection which the other side has
//! closed, and a C program that asked for nothing else dies of it, in the middle of a deletion. So it
//! is held back while a thread is inside a function of ours, and the write fails instead. Threads of
//! ours begin inside such a function and inherit that.

#[cfg(unix)]
pub struct Quiet {
    /// Whether the caller had held it back before: then all of it is the caller's affair.
    callers: bool,
}

#[cfg(unix)]
impl Quiet {
    pub fn new() -> Self {
        let (pipe, mut before) = (pipe(), none());
        // SAFETY: both sets are this function's own and were made by sigemptyset.
        let callers = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before);
            libc::sigismember(&raw const before, libc::SIGPIPE) == 1
        };
        Self { callers }
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        if self.callers {
            return;
        }
        let (pipe, mut pending) = (pipe(), none());
        let mut taken = 0;
        // SAFETY: the sets are this function's own and were made by sigemptyset. What is waited for is
        // pending, so nobody waits.
        unsafe {
            if libc::sigpending(&raw mut pending) == 0
                && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
            {
                libc::sigwait(&raw const pipe, &raw mut taken);
            }
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const pipe, std::ptr::null_mut());
        }
    }
}

#[cfg(unix)]
fn none() -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset makes the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

#[cfg(unix)]
fn pipe() -> libc::sigset_t {
    let mut set = none();
    // SAFETY: the set was made by sigemptyset.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGPIPE) };
    set
}

/// Where there is no SIGPIPE.
#[cfg(not(unix))]
pub struct Quiet;

#[cfg(not(unix))]
impl Quiet {
    pub fn new() -> Self {
        Self
    }
}
