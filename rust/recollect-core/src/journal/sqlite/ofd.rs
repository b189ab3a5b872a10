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

/// Replaces the lock commands of the default VFS, once per process; call it before the first connection.
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
    use std::ffi::{c_int, c_ulong};
    use std::sync::OnceLock;

    use rusqlite::ffi;

    use crate::error::{Error, Result};

    static INSTALLED: OnceLock<Option<&'static str>> = OnceLock::new();

    pub(super) fn install() -> Result<()> {
        match INSTALLED.get_or_init(|| replace().err()) {
            None => Ok(()),
            Some(reason) => Err(Error::Storage((*reason).into())),
        }
    }

    fn replace() -> std::result::Result<(), &'static str> {
        // SAFETY: the type SQLite asks for is a function of no known shape; it casts it back to
        // `int (*)(int, int, ...)` before each call, which the module text shows to be the same call here.
        let call = unsafe {
            std::mem::transmute::<unsafe extern "C" fn(c_int, c_int, c_ulong) -> c_int, unsafe extern "C" fn()>(
                fcntl,
            )
        };
        // SAFETY: null asks for the default VFS, which SQLite registers for good on this first call.
        let vfs = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        if vfs.is_null() {
            return Err("SQLite has no default file system layer");
        }
        // SAFETY: `vfs` was checked and is never freed.
        let Some(set) = (unsafe { (*vfs).xSetSystemCall }) else {
            return Err("SQLite was built without replaceable system calls");
        };
        // SAFETY: the VFS and the name live for ever, and `OnceLock` makes this the only caller.
        match unsafe { set(vfs, c"fcntl".as_ptr(), Some(call)) } {
            ffi::SQLITE_OK => Ok(()),
            _ => Err("SQLite did not accept the lock functions"),
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
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use rusqlite::Connection;

    use super::*;

    /// Where SQLite keeps its locks in a database file: the pending byte, then 510 shared bytes.
    const PENDING: i64 = 0x4000_0000;
    const SHARED: i64 = PENDING + 2;
    const SHARED_BYTES: i64 = 510;

    fn connect(path: &Path) -> Connection {
        install().unwrap();
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        connection
    }

    fn store(path: &Path) -> Connection {
        let connection = connect(path);
        connection.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (0)").unwrap();
        connection
    }

    /// What another process hears that asks to write: this test binary again, running [`the_other_process`].
    fn other_process_may_write(path: &Path) -> bool {
        let folder = path.parent().unwrap();
        let name = concat!(module_path!(), "::the_other_process").split_once("::").unwrap().1;
        let done = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", name])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
        std::fs::read_to_string(folder.join("answer")).unwrap() == "wrote"
    }

    /// Runs in a process of its own, in the folder of the store.
    #[test]
    #[ignore = "the other process of the tests below"]
    fn the_other_process() {
        if !Path::new("a.rcl").exists() {
            return;
        }
        let connection = connect(Path::new("a.rcl"));
        let wrote = connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (99); COMMIT").is_ok();
        std::fs::write("answer", if wrote { "wrote" } else { "busy" }).unwrap();
    }

    /// Asks for a POSIX lock as a second SQLite library in this process would, and says whether it got it.
    fn a_second_library_locks(file: &File, start: i64, bytes: i64) -> bool {
        let lock = libc::flock {
            l_type: libc::F_WRLCK as i16,
            l_whence: libc::SEEK_SET as i16,
            l_start: start,
            l_len: bytes,
            l_pid: 0,
        };
        // SAFETY: the descriptor is open and `lock` outlives the call.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &lock) == 0 }
    }

    #[test]
    fn opening_and_closing_the_file_drops_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let connection = store(&path);
        connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
        for file in ["a.rcl", "a.rcl-wal", "a.rcl-shm"] {
            let mut bytes = Vec::new();
            File::open(folder.path().join(file)).unwrap().read_to_end(&mut bytes).unwrap();
        }
        assert!(!other_process_may_write(&path), "a second writer got in");
        connection.execute_batch("COMMIT").unwrap();
        assert!(other_process_may_write(&path));
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 3);
    }

    #[test]
    fn a_second_library_in_this_process_never_believes_it_is_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let connection = store(&path);
        let stranger = File::options().read(true).write(true).open(&path).unwrap();
        // The lock that allows the last connection to delete the log.
        assert!(!a_second_library_locks(&stranger, SHARED, SHARED_BYTES));
        drop(stranger);
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert!(folder.path().join("a.rcl-wal").exists());
        drop(connection);
        let stranger = File::options().read(true).write(true).open(&path).unwrap();
        assert!(a_second_library_locks(&stranger, SHARED, SHARED_BYTES), "a lock was left behind");
    }

    #[test]
    fn connections_of_one_process_exclude_each_other_and_leave_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let first = store(&path);
        let second = connect(&path);
        let third = connect(&path);
        first.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(second.execute_batch("BEGIN IMMEDIATE").is_err());
        first.execute_batch("COMMIT").unwrap();
        second.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)").unwrap();
        drop(third);
        assert!(!other_process_may_write(&path), "closing a neighbour dropped the lock");
        second.execute_batch("COMMIT").unwrap();
        drop(second);
        assert!(other_process_may_write(&path));
        drop(first);
        assert!(!folder.path().join("a.rcl-wal").exists(), "the last to close folds the log");
        assert!(other_process_may_write(&path));
    }

    #[test]
    fn the_first_connection_closed_early_leaves_the_log_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let first = store(&path);
        let second = connect(&path);
        second.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        drop(first);
        second.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        drop(second);
        // The limit told of above: should it ever go away, so may the advice.
        assert!(folder.path().join("a.rcl-wal").exists());
        assert!(other_process_may_write(&path), "a lock was left behind");
        let rows: i64 = connect(&path).query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 4);
    }

    #[test]
    fn the_exit_of_a_forked_child_drops_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let connection = store(&path);
        connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
        // SAFETY: the child does nothing but end, which closes its copies of the descriptors.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends this process, always.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: waits for the child made above and asks for no status.
        assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
        assert!(!other_process_may_write(&path));
        connection.execute_batch("COMMIT").unwrap();
    }

    #[test]
    fn threads_that_reopen_and_other_processes_lose_no_update() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let kept = store(&path);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let connection = connect(&path);
                        connection.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
                        connection.pragma_update(None, "synchronous", "normal").unwrap();
                        for _ in 0..20 {
                            connection
                                .execute_batch("BEGIN IMMEDIATE; UPDATE t SET x = x + 1; COMMIT")
                                .unwrap();
                        }
                    }
                });
            }
            for _ in 0..3 {
                other_process_may_write(&path);
            }
        });
        let query = "SELECT x FROM t WHERE rowid = 1";
        let own: i64 = kept.query_row(query, [], |row| row.get(0)).unwrap();
        assert_eq!(own, 300);
        let sound: String = kept.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
}
