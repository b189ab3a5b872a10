//! Refuses file systems on which locks or shared memory cannot be trusted.
//!
//! A store needs three things of its file system: locks that every opener sees, memory shared between
//! the processes of one machine, and a sync that reaches the device. Network and user-space file systems
//! promise some of them at best, and a store that trusts them is damaged without a word.

#![allow(unsafe_code)]

use std::path::Path;

use crate::error::{Error, Result};

/// File systems that cannot carry a store, by the magic number in `statfs(2)`.
#[cfg(target_os = "linux")]
const UNSAFE: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0x0000_517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "kAFS"),
    (0x00C3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x0000_564C, "NCP"),
    (0x0BD0_0BD0, "Lustre"),
    (0x786F_4256, "a VirtualBox shared folder"),
    (0xBACB_ACBC, "a VMware shared folder"),
];

/// Name of the unsafe file system with this magic number.
#[cfg(target_os = "linux")]
fn unsafe_name(magic: u32) -> Option<&'static str> {
    UNSAFE.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

/// Answers [`Error::UnsafeFileSystem`] where the store at `db_path` would lie on such a file system.
///
/// The file need not exist; its folder must. Only Linux is checked.
#[cfg(target_os = "linux")]
pub fn check(db_path: &Path) -> Result<()> {
    match unsafe_name(magic_of(db_path)?) {
        Some(name) => Err(Error::UnsafeFileSystem { path: db_path.into(), file_system: name.into() }),
        None => Ok(()),
    }
}

/// Answers [`Error::UnsafeFileSystem`] where the store at `db_path` would lie on such a file system.
///
/// The file need not exist; its folder must. Only Linux is checked.
#[cfg(not(target_os = "linux"))]
pub fn check(_db_path: &Path) -> Result<()> {
    Ok(())
}

/// The magic number of the file system that holds the file, or will hold it.
#[cfg(target_os = "linux")]
fn magic_of(db_path: &Path) -> Result<u32> {
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;

    let folder = match db_path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A file may be a mount of its own, or a link that leads elsewhere, so it is asked before its folder.
    let asked = if db_path.exists() { db_path } else { folder };
    let name = std::ffi::CString::new(asked.as_os_str().as_bytes())
        .map_err(|_| Error::invalid("path", "holds a NUL byte"))?;
    let mut answer = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: `name` ends with NUL and `answer` is room for one statfs; both outlive the call.
    let failed = unsafe { libc::statfs(name.as_ptr(), answer.as_mut_ptr()) } != 0;
    if failed {
        return Err(Error::Io { path: asked.into(), source: std::io::Error::last_os_error() });
    }
    // SAFETY: statfs returned 0, so it filled the structure.
    let answer = unsafe { answer.assume_init() };
    // The number has 32 bits; its C type is wider here and signed there.
    Ok(answer.f_type as u32)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_local_folder_is_safe_with_and_without_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rcl");
        check(&path).unwrap();
        std::fs::write(&path, b"x").unwrap();
        check(&path).unwrap();
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("no/such");
        match check(&gone.join("a.rcl")) {
            Err(Error::Io { path, .. }) => assert_eq!(path, gone),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unsafe_file_systems_are_known_by_number() {
        assert_eq!(unsafe_name(0x6969), Some("NFS"));
        assert_eq!(unsafe_name(0x6573_5546), Some("FUSE"));
        assert_eq!(unsafe_name(0xEF53), None, "ext4 is safe");
        assert_eq!(unsafe_name(0x0102_1994), None, "tmpfs is safe");
    }

    #[test]
    fn the_magic_number_is_read_from_the_system() {
        // The one file system whose number and place are the same on every Linux.
        assert_eq!(magic_of(Path::new("/proc/version")).unwrap(), 0x9fa0);
    }
}
