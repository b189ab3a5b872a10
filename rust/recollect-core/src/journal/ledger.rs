//! The traits between the store and what keeps the journal.

use std::path::Path;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::journal::event::{Content, Embedding, Event, NamespaceId, Seq, SpaceId, Written};
use crate::namespace::Namespace;
use crate::record::{Metadata, Status};

/// Where a namespace stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Number of the namespace.
    pub id: NamespaceId,
    /// Its path.
    pub path: Namespace,
    /// Number of its last event; 0 before the first.
    pub seq: Seq,
    /// Hash of its last event; the genesis hash before the first.
    pub hash: [u8; 32],
    /// Rows held: contents of all versions, and vector keys that were written alone.
    pub rows: u64,
    /// Its configuration: language of the words, embedding spaces.
    pub config: Metadata,
}

/// Identity of an embedding space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Name of the model, with its version.
    pub name: String,
    /// Dimensions.
    pub dim: u32,
    /// `cosine`, `dot` or `euclidean`.
    pub metric: String,
}

/// The namespace a commit writes to.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// One that is there.
    Known(NamespaceId),
    /// One that the commit creates.
    New {
        /// Its path.
        path: &'a Namespace,
        /// Its configuration.
        config: &'a Metadata,
    },
}

/// What one atomic write does to one namespace.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The namespace.
    pub target: Target<'a>,
    /// The events, numbered and chained on from the head.
    pub events: &'a [Event],
    /// The versions of memories they wrote, in order.
    pub contents: &'a [Content],
    /// The vector keys they wrote alone, in order.
    pub embeddings: &'a [Embedding],
    /// Contents whose status changes.
    pub restated: &'a [(Seq, Status)],
    /// Contents and embeddings that go for good.
    pub erased: &'a [Seq],
    /// The new configuration, where it changed; the snapshot of the old one goes with it.
    pub config: Option<&'a Metadata>,
}

/// One part of a snapshot of the indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPart {
    /// Which index: `slots`, `lexical`, `vectors` and others.
    pub kind: String,
    /// Position among the parts of its kind, from 0.
    pub part: u32,
    /// Bytes, about 3 MiB at most.
    pub data: Vec<u8>,
}

/// What there is of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Last event the snapshot has seen.
    pub watermark: Seq,
    /// Format of the parts.
    pub format: u32,
    /// Number of parts of each kind.
    pub parts: Vec<(String, u32)>,
}

/// What a check of the whole file found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Namespaces checked.
    pub namespaces: u64,
    /// Events checked.
    pub events: u64,
    /// Contents checked.
    pub contents: u64,
    /// Everything that is not as it was written, in words, naming table and row.
    pub damage: Vec<String>,
}

/// What is left to do after an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// No byte is left in any file of the store.
    Done,
    /// A reader still holds an old page; the bytes go once it moves on and the purge is repeated.
    Pending,
}

/// A consistent view: everything read through one reader comes from the same moment.
pub trait Reader {
    /// Changes whenever another connection has committed.
    fn version(&self) -> Result<u64>;
    /// The namespace of a path.
    fn resolve(&self, path: &Namespace) -> Result<Option<Head>>;
    /// The head of a namespace.
    fn head(&self, id: NamespaceId) -> Result<Option<Head>>;
    /// The namespaces at and below a prefix, in the order of their readable paths.
    fn list(&self, prefix: &Namespace, each: &mut dyn FnMut(Head) -> Result<()>) -> Result<()>;
    /// The events after a number, in order, each with what it wrote unless that was erased; every hash checked.
    fn events(
        &self,
        id: NamespaceId,
        after: Seq,
        each: &mut dyn FnMut(Event, Option<Written>) -> Result<()>,
    ) -> Result<()>;
    /// Contents by number, in the order asked, hash checked; none where there is no row.
    fn contents(&self, id: NamespaceId, seqs: &[Seq], vectors: bool) -> Result<Vec<Option<Content>>>;
    /// Vector keys that were written alone by number, in the order asked, hash checked; none where there is no row.
    fn embeddings(&self, id: NamespaceId, seqs: &[Seq]) -> Result<Vec<Option<Embedding>>>;
    /// The events of one memory, in order.
    fn history(&self, id: NamespaceId, uid: crate::id::Uid) -> Result<Vec<Event>>;
    /// What there is of a snapshot of the indexes.
    fn segments(&self, id: NamespaceId) -> Result<Option<SegmentHeader>>;
    /// One part, or none where it is missing or its checksum fails.
    fn segment_part(&self, id: NamespaceId, kind: &str, part: u32) -> Result<Option<Vec<u8>>>;
    /// All embedding spaces of the file.
    fn spaces(&self) -> Result<Vec<(SpaceId, Space)>>;
}

/// Keeps the journal. One writer at a time; readers run beside it.
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// A consistent view of now.
    fn read(&self) -> Result<Box<dyn Reader + '_>>;
    /// Writes all or nothing, durable on return as the ledger promises; gives the number of each namespace.
    ///
    /// Cancelled before the commit itself, it leaves nothing.
    fn commit(&self, commits: &[Commit<'_>], cancel: Cancel<'_>) -> Result<Vec<NamespaceId>>;
    /// The number of an embedding space, made if it is new.
    fn space(&self, space: &Space) -> Result<SpaceId>;
    /// Replaces the snapshot of a namespace, all or nothing.
    fn put_segments(
        &self,
        id: NamespaceId,
        watermark: Seq,
        format: u32,
        parts: &mut dyn Iterator<Item = SegmentPart>,
        cancel: Cancel<'_>,
    ) -> Result<()>;
    /// Whether snapshots of the indexes outlive the ledger; where they do not, none is worth its time.
    fn keeps_segments(&self) -> bool {
        true
    }
    /// Drops the snapshot of a namespace.
    fn drop_segments(&self, id: NamespaceId) -> Result<()>;
    /// Leaves no erased byte in any file of the store.
    fn purge(&self) -> Result<Purge>;
    /// Checks everything: chain, commitments, row hashes, counts, the file itself.
    fn verify(&self, cancel: Cancel<'_>) -> Result<Verification>;
    /// A consistent copy of the store in a new file.
    fn backup(&self, to: &Path, cancel: Cancel<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<()>;
    /// Bytes on disk, all files of the store; 0 in memory.
    fn bytes(&self) -> Result<u64>;
    /// Whether this ledger may write.
    fn writable(&self) -> bool;
    /// Ends the ledger; later calls answer [`crate::error::Error::Closed`]. Closing twice is fine.
    fn close(&self) -> Result<()>;
}
