//! Everything that can go wrong, as one small tree.

use std::io;
use std::path::{Path, PathBuf};

/// Result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong and, where there is one, the way out.
///
/// Messages never contain the text, metadata or vectors of a memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is out of its domain.
    #[error("{argument}: {reason}")]
    Invalid {
        /// Name of the argument, with its index where it is an element: `vectors[3]`.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A vector has the wrong number of components.
    #[error("{argument}: expected {expected} dimensions, found {found}")]
    DimensionMismatch {
        /// Name of the argument, with its index.
        argument: String,
        /// Dimensions of the embedding space.
        expected: usize,
        /// Dimensions of the vector.
        found: usize,
    },
    /// A vector comes from another embedding space than the namespace holds.
    #[error("the namespace holds vectors of the space {expected}, the call brought {found}: {way_out}")]
    SpaceMismatch {
        /// The space in the file.
        expected: String,
        /// The space of the call.
        found: String,
        /// What the caller can do.
        way_out: &'static str,
    },
    /// A value is larger than the store allows.
    #[error("{argument}: {found} is over the limit of {limit}")]
    Limit {
        /// Name of the argument.
        argument: String,
        /// The size found.
        found: u64,
        /// The size allowed.
        limit: u64,
    },
    /// No memory has this identity in this namespace.
    #[error("no memory {0} in this namespace")]
    UnknownMemory(String),
    /// No vector has this id in this index.
    #[error("{argument}: no vector {id} in this index")]
    UnknownVector {
        /// Name of the argument, with its index.
        argument: String,
        /// The id.
        id: i64,
    },
    /// A graph has no such node.
    #[error("{argument}: no node {node} in this graph")]
    UnknownNode {
        /// Name of the argument, with its index.
        argument: String,
        /// The node.
        node: String,
    },
    /// A timeline, or facts, have nothing of this kind.
    #[error("{argument}: no {what}")]
    Unknown {
        /// Name of the argument, with its index.
        argument: String,
        /// What there is not.
        what: String,
    },
    /// A graph has no such edge.
    #[error("no such edge from {src} to {dst} in this graph")]
    UnknownEdge {
        /// Where it would begin.
        src: String,
        /// Where it would end.
        dst: String,
    },
    /// What should be an order of dependence goes in a circle.
    #[error("a cycle of nodes: {}", shown(.nodes))]
    Cycle {
        /// The nodes, each with an edge to the next and the last to the first.
        nodes: Vec<u32>,
    },
    /// The store was closed.
    #[error("the store is closed; open it again")]
    Closed,
    /// The store was opened for reading only.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// A handle crossed a fork.
    #[error(
        "this store was opened in process {opened}, this is its fork {now}: open it again in the child, or use the spawn start method"
    )]
    Forked {
        /// Process that opened the store.
        opened: u32,
        /// Process that called.
        now: u32,
    },
    /// Another process writes to this store.
    #[error(
        "{path} is being written by {holder}; open it with read_only=True, or wait until the writer closes"
    )]
    StoreLocked {
        /// The store.
        path: PathBuf,
        /// Who holds the writer lease.
        holder: String,
    },
    /// There is no file at this path.
    #[error("no store at {0}")]
    Missing(PathBuf),
    /// The file is no store of ours, or holds objects a store never has.
    #[error("{path} is not a recollect store: {reason}")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// Why it was refused.
        reason: String,
    },
    /// What is in the file is not what was written.
    #[error(
        "{path} is damaged: {table} {id}: {reason}; restore a backup, or export what verify() reports as sound"
    )]
    Corrupt {
        /// The store.
        path: PathBuf,
        /// The table that holds the damage.
        table: &'static str,
        /// The row, or what identifies it.
        id: String,
        /// How the damage shows.
        reason: String,
    },
    /// The file is no saved index.
    #[error("{path} is not a saved index of recollect: {reason}")]
    NotAnIndex {
        /// The file.
        path: PathBuf,
        /// Why it was refused.
        reason: &'static str,
    },
    /// What is in the file of an index is not what was saved.
    #[error("{path} is damaged: {reason}; build the index again, or restore a backup")]
    CorruptIndex {
        /// The file.
        path: PathBuf,
        /// How the damage shows.
        reason: String,
    },
    /// The file was written by a later version.
    #[error("{path} has format {found}, this version reads up to {supported}: upgrade recollect")]
    FormatTooNew {
        /// The store.
        path: PathBuf,
        /// Format of the file.
        found: i64,
        /// Latest format this version reads.
        supported: i64,
    },
    /// A commit raised, and whether it took place is not known.
    #[error(
        "the commit may or may not have taken place ({0}); repeat it with the same idempotency key after opening again"
    )]
    CommitUnknown(String),
    /// The device has no room left.
    #[error("no space left for {0}; nothing was written")]
    DiskFull(PathBuf),
    /// The file system cannot carry a store safely.
    #[error(
        "{path} lies on {file_system}, where locks and shared memory cannot be trusted; use a local disk"
    )]
    UnsafeFileSystem {
        /// The store.
        path: PathBuf,
        /// Name of the file system.
        file_system: String,
    },
    /// The caller asked to stop.
    #[error("cancelled; nothing was written")]
    Cancelled,
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was being read or written.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The storage engine answered with an error that has no better name.
    #[error("storage: {0}")]
    Storage(String),
}

/// A cycle, its first node again at the end.
fn shown(nodes: &[u32]) -> String {
    let all: Vec<String> = nodes.iter().chain(nodes.first()).map(u32::to_string).collect();
    all.join(" -> ")
}

impl Error {
    /// Something that is not there.
    pub fn unknown(argument: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Unknown { argument: argument.into(), what: what.into() }
    }

    /// What the system's refusal at a path is: [`Error::DiskFull`], or [`Error::Io`].
    pub fn refused(path: &Path) -> impl Fn(io::Error) -> Self + Copy + '_ {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), source },
        }
    }

    /// An argument out of its domain.
    pub fn invalid(argument: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { argument: argument.into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_want_of_room_is_told_from_others() {
        let refused = Error::refused(Path::new("a.rcl"));
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert!(matches!(refused(kind.into()), Error::DiskFull(path) if path == Path::new("a.rcl")));
        }
        assert!(matches!(refused(io::ErrorKind::PermissionDenied.into()), Error::Io { .. }));
    }
}
