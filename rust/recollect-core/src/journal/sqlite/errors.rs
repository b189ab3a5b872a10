//! What the storage engine says, in our words.

use std::io;
use std::path::Path;

use rusqlite::{Error as Sql, ErrorCode, ffi};

use crate::error::Error;

/// A row as it was written, or how it is not.
pub(crate) type Checked<T> = std::result::Result<T, String>;

/// Translates what a statement answered.
pub(crate) fn sql(path: &Path) -> impl Fn(Sql) -> Error + '_ {
    move |error| translate(path, &error)
}

/// Translates what a COMMIT answered: unless the device was full before its last page, it may have taken place.
pub(crate) fn commit(path: &Path, error: &Sql) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::DiskFull(path.to_owned()),
        _ => Error::CommitUnknown(wording(error)),
    }
}

fn translate(path: &Path, error: &Sql) -> Error {
    let io = Error::refused(path);
    let not_a_store = |reason: &str| Error::NotAStore { path: path.to_owned(), reason: reason.to_owned() };
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::DiskFull(path.to_owned()),
        // Only growing the file of shared memory answers so.
        Some(_) if extended(error) == ffi::SQLITE_IOERR_SHMSIZE => Error::DiskFull(path.to_owned()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::StoreLocked { path: path.to_owned(), holder: "another connection".to_owned() }
        }
        // Nothing near that limit is ever written: it is what a damaged length says.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::TooBig) => damage(path, "file", "page", wording(error)),
        Some(ErrorCode::NotADatabase) => not_a_store("it is no SQLite database"),
        Some(ErrorCode::Unknown) if said(error, "unsupported file format") => {
            not_a_store("its schema is of a format that SQLite does not read")
        }
        Some(ErrorCode::CannotOpen) => io(cannot_open(path, error)),
        Some(ErrorCode::OperationInterrupted) => Error::Cancelled,
        Some(ErrorCode::ReadOnly) => Error::ReadOnly,
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            io(io::Error::new(io::ErrorKind::PermissionDenied, wording(error)))
        }
        Some(ErrorCode::OutOfMemory) => io(io::ErrorKind::OutOfMemory.into()),
        Some(ErrorCode::SystemIoFailure) => io(io::Error::other(wording(error))),
        Some(_) => Error::Storage(wording(error)),
        // Not an answer of the engine: a column held another type than the table allows.
        None => damage(path, "file", "row", "a column is not of its type".to_owned()),
    }
}

/// The engine does not say which file it means, and beside a store it keeps two more.
fn cannot_open(path: &Path, error: &Sql) -> io::Error {
    match path.try_exists() {
        Ok(true) => io::Error::other(format!(
            "{}: the file is there, but it or one beside it (-wal, -shm) cannot be opened or made: look at the \
             rights in its folder, at the files its file system has left, and at the limit of open files",
            wording(error)
        )),
        Ok(false) => io::Error::new(io::ErrorKind::NotFound, wording(error)),
        Err(why) => why,
    }
}

/// Damage in a row.
pub(crate) fn damage(
    path: &Path,
    table: &'static str,
    id: impl ToString,
    reason: impl Into<String>,
) -> Error {
    Error::Corrupt { path: path.to_owned(), table, id: id.to_string(), reason: reason.into() }
}

/// The engine's code in full; zero where it gave none.
fn extended(error: &Sql) -> i32 {
    error.sqlite_error().map_or(0, |code| code.extended_code)
}

/// Whether this is the engine's whole message: some errors have no code of their own.
fn said(error: &Sql, message: &str) -> bool {
    matches!(error, Sql::SqliteFailure(_, Some(found)) if found == message)
}

/// The engine's name for the error; never its message, which can quote what was being written.
fn wording(error: &Sql) -> String {
    match error {
        Sql::SqliteFailure(code, _) => {
            format!("{} ({})", ffi::code_to_str(code.extended_code), code.extended_code)
        }
        _ => "unexpected answer".to_owned(),
    }
}
