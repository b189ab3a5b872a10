//! Notices that somebody took away the write-ahead log we are writing to.
//!
//! Another SQLite library in this process may believe that it is the last connection and delete `-wal`.
//! Our own library keeps writing to the file that lost its name, and what it acknowledges after that is
//! gone after a crash. The guard compares the file at the path with the one seen at the start, in one
//! `stat(2)`: cheap enough to ask before every acknowledgement.

#![allow(unsafe_code)]

use std::path::Path;

use crate::error::{Error, Result};

/// Remembers which file `<store>-wal` was.
#[derive(Debug)]
pub struct WalGuard {
    #[cfg(unix)]
    path: std::ffi::CString,
    #[cfg(unix)]
    seen: (u64, u64),
}

#[cfg(unix)]
impl WalGuard {
    /// Remembers the file that is now at `<db_path>-wal`.
    ///
    /// Call it once a transaction holds the log open: right after the first read or write.
    pub fn new(db_path: &Path) -> Result<Self> {
        use std::os::unix::ffi::OsStrExt;

        // SQLite names the log after the file that a link leads to.
        let real = db_path.canonicalize().map_err(|source| Error::Io { path: db_path.into(), source })?;
        let mut name = real.as_os_str().as_bytes().to_vec();
        name.extend_from_slice(b"-wal");
        let path = std::ffi::CString::new(name).map_err(|_| Error::invalid("path", "holds a NUL byte"))?;
        match identity(&path) {
            Some(seen) => Ok(Self { path, seen }),
            None => Err(Error::Io { path: real, source: std::io::Error::last_os_error() }),
        }
    }

    /// Whether the log at the path is still the remembered one. About a microsecond, no allocation.
    pub fn intact(&self) -> bool {
        identity(&self.path) == Some(self.seen)
    }
}

#[cfg(not(unix))]
impl WalGuard {
    /// Remembers nothing: an open file cannot be deleted on this system.
    pub fn new(_db_path: &Path) -> Result<Self> {
        Ok(Self {})
    }

    /// Always true on this system.
    pub fn intact(&self) -> bool {
        true
    }
}

/// Device and inode of the file at a path.
#[cfg(unix)]
#[allow(clippy::unnecessary_cast, reason = "the C types are narrower on some systems")]
fn identity(path: &std::ffi::CStr) -> Option<(u64, u64)> {
    let mut answer = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `path` ends with NUL and `answer` is room for one stat; both outlive the call.
    let failed = unsafe { libc::stat(path.as_ptr(), answer.as_mut_ptr()) } != 0;
    if failed {
        return None;
    }
    // SAFETY: stat returned 0, so it filled the structure.
    let answer = unsafe { answer.assume_init() };
    Some((answer.st_dev as u64, answer.st_ino as u64))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_intact_until_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t(x)").unwrap();
        let guard = WalGuard::new(&path).unwrap();
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert!(guard.intact());
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert!(guard.intact(), "folding the log into the file keeps the log");

        let log = folder.path().join("a.rcl-wal");
        let kept = folder.path().join("kept");
        std::fs::rename(&log, &kept).unwrap();
        assert!(!guard.intact(), "missing");
        std::fs::copy(&kept, &log).unwrap();
        assert!(!guard.intact(), "another file with the same bytes");
        std::fs::rename(&kept, &log).unwrap();
        assert!(guard.intact(), "the same file is back");
    }

    #[test]
    fn a_link_leads_to_the_log_of_the_real_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("real.rcl"), b"").unwrap();
        std::fs::write(folder.path().join("real.rcl-wal"), b"").unwrap();
        let link = folder.path().join("link.rcl");
        std::os::unix::fs::symlink(folder.path().join("real.rcl"), &link).unwrap();
        assert!(WalGuard::new(&link).unwrap().intact());
    }

    #[test]
    fn without_a_log_there_is_nothing_to_guard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        assert!(WalGuard::new(&path).is_err());
        std::fs::write(&path, b"").unwrap();
        assert!(WalGuard::new(&path).is_err());
    }
}
