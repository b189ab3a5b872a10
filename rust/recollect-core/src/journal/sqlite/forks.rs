//! Lets a forked child open a store that its parent has open.
//!
//! SQLite keeps books, by device and inode, of the files a process has open and of the locks it holds on them. A
//! forked child inherits these books and the descriptors behind them, and a connection that it opens of its own
//! joins the entry of the parent: it believes it holds locks that are the parent's, on descriptors that both share.
//! Then the parent folds the log away under a snapshot of the child. SQLite therefore forbids forking beside an
//! open connection, but a Python process forks where its libraries please.
//!
//! So each process gets books of its own: in a child, `stat` and `fstat` answer SQLite with a device number that
//! carries the number of the process. New connections find no old entry; the inherited one is never used again.
//! SQLite compares the device for nothing else.

#![allow(unsafe_code)]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::ffi::{CStr, c_char, c_int};
use std::sync::OnceLock;

type Stat = unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int;
type Fstat = unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int;

/// The process that opened the first store; its forks inherit this.
static FIRST: OnceLock<u32> = OnceLock::new();

/// The system calls to replace, by their names in SQLite.
pub(super) fn calls() -> [(&'static CStr, unsafe extern "C" fn()); 2] {
    FIRST.get_or_init(std::process::id);
    // SAFETY: SQLite casts each back to the type it has here before it calls.
    unsafe {
        [
            (c"stat", std::mem::transmute::<Stat, unsafe extern "C" fn()>(stat)),
            (c"fstat", std::mem::transmute::<Fstat, unsafe extern "C" fn()>(fstat)),
        ]
    }
}

unsafe extern "C" fn stat(path: *const c_char, answer: *mut libc::stat) -> c_int {
    // SAFETY: the very call SQLite made; `answer` is its own structure and outlives the call.
    unsafe { mark(libc::stat(path, answer), answer) }
}

unsafe extern "C" fn fstat(fd: c_int, answer: *mut libc::stat) -> c_int {
    // SAFETY: the very call SQLite made; `answer` is its own structure and outlives the call.
    unsafe { mark(libc::fstat(fd, answer), answer) }
}

/// Puts the number of a forked process into the device of an answer, above what real devices use.
///
/// # Safety
/// `answer` can be written, and is filled in where `result` is 0.
unsafe fn mark(result: c_int, answer: *mut libc::stat) -> c_int {
    let here = std::process::id();
    if result == 0 && FIRST.get() != Some(&here) {
        // SAFETY: the caller promises that it is there and filled in.
        unsafe { (*answer).st_dev ^= u64::from(here) << 32 };
    }
    result
}
