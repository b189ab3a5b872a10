//! Gives our SQLite locks that no stranger in the process can drop.
//!
//! SQLite locks with POSIX record locks, which belong to the *process*: closing any descriptor of the file
//! drops all of them. In a Python process that happens daily: `sqlite3.connect(path)` is a second library
//! that knows nothing of ours, and so is `open(path).read()`. After it a second writer gets in, and the
//! other library, believing it is alone, deletes our log. Linux has the same locks bound to the *open file*
//! (`F_OFD_SETLK`), and SQLite lets its system calls be replaced, so each lock command is mapped to its twin.
//!
//! # Two limits
//!
//! Several connections of our library to one file share one set of locks in SQLite's books, while the kernel
//! now keeps them apart by descriptor. In WAL mode this shows in one place: where the connection opened
//! first is closed before the others, the last one cannot fold the log on closing, and leaves it for the
//! next opener. So close the first connection last. In rollback mode a lock could stay behind: do not use it
//! here.
//!
//! # The calling convention
//!
//! SQLite calls through `int (*)(int, int, ...)`; stable Rust cannot define a function with `...`, so the
//! replacement has three fixed parameters. It is installed only where the platform's rules say that this
//! is the same call:
//! - x86-64 System V (section 3.2.3): arguments are classified one by one, named or not; `...` only adds
//!   the count of vector registers in `%al`, which a function without `...` ignores;
//! - AArch64 AAPCS64 ("variadic subroutines"): unnamed arguments travel exactly as named ones. (Apple's variant puts
//!   them on the stack, which is why the system is part of the condition.)
//!
//! Every `fcntl` in SQLite's unix VFS passes three arguments. The third is an `int` for some commands: it is
//! taken as one register and handed on as it came, which is what the C library does in its own `fcntl`.

#![allow(unsafe_code)]

use crate::error::Result;

/// Replaces the lock commands of the default VFS, and what [`super::forks`] replaces, once per process; call it before
/// the first connection.
///
/// Does nothing where the system has no such locks or the calling convention was not checked: there the
/// WAL guard and the lease stand alone.
pub fn install() -> Result<()> {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    linux::install()?;
    Ok(())
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::ffi::{CStr, c_int, c_ulong};
    use std::sync::OnceLock;

    use rusqlite::ffi;

    use crate::error::{Error, Result};
    use crate::journal::sqlite::forks;

    static INSTALLED: OnceLock<Option<&'static str>> = OnceLock::new();

    pub(super) fn install() -> Result<()> {
        match INSTALLED.get_or_init(|| replace().err()) {
            None => Ok(()),
            Some(reason) => Err(Error::Storage((*reason).into())),
        }
    }

    fn replace() -> std::result::Result<(), &'static str> {
        // SAFETY: SQLite asks for a function of no known shape and casts it back to `int (*)(int, int, ...)` before
        // each call, which the module text shows to be the same call here.
        let fcntl = unsafe { std::mem::transmute::<Fcntl, unsafe extern "C" fn()>(fcntl) };
        set(c"fcntl", fcntl)?;
        for (name, call) in forks::calls() {
            set(name, call)?;
        }
        Ok(())
    }

    type Fcntl = unsafe extern "C" fn(c_int, c_int, c_ulong) -> c_int;

    /// Puts a function in the place of a system call.
    fn set(name: &CStr, call: unsafe extern "C" fn()) -> std::result::Result<(), &'static str> {
        // SAFETY: null asks for the default VFS, which SQLite registers for good on this first call.
        let vfs = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        if vfs.is_null() {
            return Err("SQLite has no default file system layer");
        }
        // SAFETY: `vfs` was checked and is never freed.
        let Some(set) = (unsafe { (*vfs).xSetSystemCall }) else {
            return Err("SQLite was built without replaceable system calls");
        };
        // SAFETY: the VFS lives for ever, SQLite compares the name and keeps the function only, and `OnceLock` makes
        // this the only caller.
        match unsafe { set(vfs, name.as_ptr(), Some(call)) } {
            ffi::SQLITE_OK => Ok(()),
            _ => Err("SQLite did not accept a system call of ours"),
        }
    }

    /// `fcntl(2)` with each record lock command replaced by its twin for open files.
    unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int {
        let twin = match command {
            libc::F_SETLK => libc::F_OFD_SETLK,
            libc::F_SETLKW => libc::F_OFD_SETLKW,
            libc::F_GETLK => libc::F_OFD_GETLK,
            // SAFETY: the very call SQLite made, with its own argument.
            _ => return unsafe { libc::fcntl(fd, command, argument) },
        };
        let lock = argument as *mut libc::flock;
        // SAFETY: for these commands SQLite passes a pointer to a `struct flock` of its own that lives
        // throughout the call. The kernel wants the process in it to be 0, and answers in place.
        unsafe {
            (*lock).l_pid = 0;
            libc::fcntl(fd, twin, lock)
        }
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests;
