//! The right to write: one lock on a file beside the store.
//!
//! SQLite's own locks can be dropped by any `open` and `close` of the store in the same process, and they
//! are free between two transactions. The lease is a `flock(2)` on `<store>-lock`, which belongs to the
//! open file and not to the process, and is held from open to close. The file stays when the lease ends:
//! deleting it would let two writers lock two files of the same name.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Most bytes of the lock file that are read; a holder needs far less.
const HOLDER_BYTES: u64 = 512;

/// How often a refused writer looks again for the name of a holder that is just coming or going.
const LOOKS: usize = 200;

/// Held while this process may write to the store.
#[derive(Debug)]
pub struct Lease {
    file: File,
    owner: u32,
}

impl Lease {
    /// Takes the lease of the store at `db_path` without waiting.
    ///
    /// Where another writer has it, [`Error::StoreLocked`] names that writer.
    pub fn acquire(db_path: &Path) -> Result<Self> {
        let lock_path = lock_path(db_path);
        let io = Error::refused(&lock_path);
        let mut options = OpenOptions::new();
        // Truncating here would wipe the name of a holder that is alive.
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&lock_path).map_err(io)?;
        for look in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            // A holder signs right after it locks and wipes its name right before it unlocks.
            let holder = holder(&mut file).or_else(|| (look == LOOKS).then(|| "another writer".into()));
            if let Some(holder) = holder {
                return Err(Error::StoreLocked { path: db_path.into(), holder });
            }
            std::thread::yield_now();
        }
        let owner = std::process::id();
        // The name is a courtesy to whoever is refused: a full disk must not cost us the lease.
        let _ = sign(&mut file, owner);
        Ok(Self { file, owner })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A forked child shares the lock: unlocking there would take it from the parent, and closing does
        // not. The owner unlocks, so that the lease ends with it even while such a child lives on.
        if std::process::id() == self.owner {
            let _ = self.file.set_len(0);
            let _ = self.file.unlock();
        }
    }
}

/// `<file>-lock`, beside the file a link leads to, so that every name of a store has one lock.
fn lock_path(db_path: &Path) -> PathBuf {
    let mut name = db_path.canonicalize().unwrap_or_else(|_| db_path.into()).into_os_string();
    name.push("-lock");
    name.into()
}

/// Writes who holds the lease.
fn sign(file: &mut File, owner: u32) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("process {owner} on {}\n", host_name()).as_bytes())
}

/// Reads who holds the lease: one short printable line, or none where the file holds something else.
fn holder(file: &mut File) -> Option<String> {
    let mut bytes = Vec::new();
    let _ = file.rewind().and_then(|()| file.take(HOLDER_BYTES).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    let printable = !line.is_empty() && line.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if !printable {
        return None;
    }
    let own = format!("process {} on {}", std::process::id(), host_name());
    Some(if line == own { format!("{line} (this process)") } else { line.into() })
}

/// Name of this machine, of printable characters.
#[cfg(unix)]
fn host_name() -> String {
    let mut bytes = [0_u8; 256];
    // SAFETY: `bytes` is writable, and one byte less than it has is offered, so the last one stays NUL.
    let failed = unsafe { libc::gethostname(bytes.as_mut_ptr().cast(), bytes.len() - 1) } != 0;
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(0);
    let name: String =
        String::from_utf8_lossy(&bytes[..end]).chars().filter(char::is_ascii_graphic).take(100).collect();
    if failed || name.is_empty() { "this machine".into() } else { name }
}

/// Name of this machine, of printable characters.
#[cfg(not(unix))]
fn host_name() -> String {
    "this machine".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        match Lease::acquire(path) {
            Err(Error::StoreLocked { path: named, holder }) => {
                assert_eq!(named, path);
                holder
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_writer_at_a_time_and_the_next_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let lease = Lease::acquire(&path).unwrap();
        let named = refused(&path);
        assert!(named.contains(&format!("process {} on ", std::process::id())), "{named}");
        assert!(named.ends_with("(this process)"), "{named}");
        drop(lease);
        let again = Lease::acquire(&path).unwrap();
        assert!(folder.path().join("a.rcl-lock").exists());
        drop(again);
        assert!(folder.path().join("a.rcl-lock").exists(), "the lock file stays");
    }

    #[test]
    fn reading_the_lock_file_does_not_free_the_lease() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let _lease = Lease::acquire(&path).unwrap();
        drop(std::fs::read(folder.path().join("a.rcl-lock")).unwrap());
        refused(&path);
    }

    #[test]
    fn whatever_the_lock_file_holds_the_refusal_is_one_printable_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let _lease = Lease::acquire(&path).unwrap();
        let long = [b'x'; 10_000];
        for garbage in [&b""[..], b"\n\n", b"\xff\xfe\x00", b"a\x1b[31mb", "процесс".as_bytes(), &long]
        {
            std::fs::write(folder.path().join("a.rcl-lock"), garbage).unwrap();
            let named = refused(&path);
            assert!(!named.is_empty() && named.len() <= 512, "{named}");
            assert!(named.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{named:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_lock_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let _lease = Lease::acquire(&path).unwrap();
        let mode = std::fs::metadata(folder.path().join("a.rcl-lock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn every_name_of_a_store_has_one_lease() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        std::fs::write(&path, b"").unwrap();
        let link = folder.path().join("link.rcl");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let _lease = Lease::acquire(&path).unwrap();
        refused(&link);
    }

    /// Forks, runs `child` there, and ends the child at once, without handlers or destructors.
    #[cfg(unix)]
    fn in_a_fork(child: impl FnOnce()) {
        // SAFETY: the child touches only files of its own and ends with _exit.
        let id = unsafe { libc::fork() };
        assert!(id >= 0);
        if id == 0 {
            child();
            // SAFETY: ends this process, always.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above, into a local integer.
        assert_eq!(unsafe { libc::waitpid(id, &mut status, 0) }, id);
        assert_eq!(status, 0);
    }

    #[cfg(unix)]
    #[test]
    fn the_exit_of_a_forked_child_leaves_the_lease() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let _lease = Lease::acquire(&path).unwrap();
        in_a_fork(|| {});
        refused(&path);
    }

    #[cfg(unix)]
    #[test]
    fn a_lease_dropped_in_a_forked_child_stays_with_the_parent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let mut lease = Some(Lease::acquire(&path).unwrap());
        in_a_fork(|| drop(lease.take()));
        let named = refused(&path);
        assert!(named.contains("(this process)"), "the child must not wipe the name: {named}");
    }

    #[cfg(unix)]
    #[test]
    fn the_lease_ends_with_its_owner_while_a_forked_child_lives_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let lease = Lease::acquire(&path).unwrap();
        // SAFETY: the child only waits for the signal that ends it.
        let id = unsafe { libc::fork() };
        if id == 0 {
            loop {
                // SAFETY: waits for a signal, touches nothing.
                unsafe { libc::pause() };
            }
        }
        drop(lease);
        let again = Lease::acquire(&path);
        // SAFETY: ends and reaps the child made above.
        unsafe {
            libc::kill(id, libc::SIGKILL);
            libc::waitpid(id, std::ptr::null_mut(), 0);
        }
        again.unwrap();
    }
}
