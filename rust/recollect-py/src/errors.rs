//! Each core error as the exception that `recollect.errors` defines.

use pyo3::import_exception;
use pyo3::prelude::*;
use recollect_core::error::Error;

import_exception!(recollect.errors, Cancelled);
import_exception!(recollect.errors, CommitUnknown);
import_exception!(recollect.errors, CorruptStore);
import_exception!(recollect.errors, CycleFound);
import_exception!(recollect.errors, DimensionMismatch);
import_exception!(recollect.errors, DiskFull);
import_exception!(recollect.errors, ForkedStore);
import_exception!(recollect.errors, FormatTooNew);
import_exception!(recollect.errors, InvalidArgument);
import_exception!(recollect.errors, LimitExceeded);
import_exception!(recollect.errors, NotAStore);
import_exception!(recollect.errors, SpaceMismatch);
import_exception!(recollect.errors, StorageFailure);
import_exception!(recollect.errors, StoreClosed);
import_exception!(recollect.errors, StoreLocked);
import_exception!(recollect.errors, StoreMissing);
import_exception!(recollect.errors, StoreReadOnly);
import_exception!(recollect.errors, UnknownMemory);
import_exception!(recollect.errors, UnsafeFileSystem);

/// The exception of an error.
pub(crate) fn raise(_py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Invalid { .. } => InvalidArgument::new_err(message),
        Error::DimensionMismatch { .. } => DimensionMismatch::new_err(message),
        Error::SpaceMismatch { .. } => SpaceMismatch::new_err(message),
        Error::Limit { .. } => LimitExceeded::new_err(message),
        Error::UnknownMemory(_)
        | Error::UnknownVector { .. }
        | Error::UnknownNode { .. }
        | Error::UnknownEdge { .. }
        | Error::Unknown { .. } => UnknownMemory::new_err(message),
        Error::Cycle { .. } => CycleFound::new_err(message),
        Error::Closed => StoreClosed::new_err(message),
        Error::ReadOnly => StoreReadOnly::new_err(message),
        Error::Forked { .. } => ForkedStore::new_err(message),
        Error::StoreLocked { .. } => StoreLocked::new_err(message),
        Error::Missing(_) => StoreMissing::new_err(message),
        Error::NotAStore { .. } | Error::NotAnIndex { .. } => NotAStore::new_err(message),
        Error::Corrupt { .. } | Error::CorruptIndex { .. } => CorruptStore::new_err(message),
        Error::FormatTooNew { .. } => FormatTooNew::new_err(message),
        Error::CommitUnknown(_) => CommitUnknown::new_err(message),
        Error::DiskFull(_) => DiskFull::new_err(message),
        Error::UnsafeFileSystem { .. } => UnsafeFileSystem::new_err(message),
        Error::Cancelled => Cancelled::new_err(message),
        Error::Io { source, .. } => match source.kind() {
            std::io::ErrorKind::PermissionDenied => StoreReadOnly::new_err(message),
            std::io::ErrorKind::NotFound => StoreMissing::new_err(message),
            _ => StorageFailure::new_err(message),
        },
        _ => StorageFailure::new_err(message),
    }
}

/// A circle of nodes, as it is shown.
pub(crate) fn cycle(shown: &str) -> PyErr {
    CycleFound::new_err(format!("a cycle of nodes: {shown}"))
}

/// An argument out of its domain.
pub(crate) fn invalid(argument: &str, reason: impl Into<String>) -> PyErr {
    InvalidArgument::new_err(format!("{argument}: {}", reason.into()))
}
