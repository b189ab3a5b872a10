//! What changed, and the content it wrote.

use crate::id::Uid;
use crate::record::{Metadata, Record};
use crate::time::Timestamp;
use crate::vector::Keep;

/// Number of a namespace inside its file; below 2^27.
pub type NamespaceId = u32;

/// Number of an embedding space inside its file.
pub type SpaceId = u32;

/// Number of an event in its namespace, from 1; below 2^36. The content an event wrote has the same number.
pub type Seq = u64;

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// A memory was added.
    Added = 0,
    /// A memory got a new version.
    Updated = 1,
    /// A memory was deleted; its content is kept.
    Deleted = 2,
    /// Nothing changed, for the reason in the detail.
    Noop = 3,
    /// The time to live of a memory started anew.
    Touched = 4,
    /// The content of a memory was erased.
    Erased = 5,
    /// The configuration of the namespace changed to the one in the detail.
    Configured = 6,
    /// A version of a memory got vector keys in the space that the namespace moves to, or was found to have none there.
    Embedded = 7,
    /// A memory was linked to another one: the detail names it and the relation, with weight, time, source and trust.
    Linked = 8,
    /// Links from a memory to another one were taken away.
    Unlinked = 9,
    /// Memories were of use: the detail names them.
    Recalled = 10,
    /// What came of using memories: the detail names them and the reward.
    Rewarded = 11,
    /// A memory was pinned, or set free.
    Pinned = 12,
}

impl Op {
    /// All of them, in the order of their codes.
    pub const ALL: &'static [Self] = &[
        Self::Added,
        Self::Updated,
        Self::Deleted,
        Self::Noop,
        Self::Touched,
        Self::Erased,
        Self::Configured,
        Self::Embedded,
        Self::Linked,
        Self::Unlinked,
        Self::Recalled,
        Self::Rewarded,
        Self::Pinned,
    ];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Noop => "noop",
            Self::Touched => "touched",
            Self::Erased => "erased",
            Self::Configured => "configured",
            Self::Embedded => "embedded",
            Self::Linked => "linked",
            Self::Unlinked => "unlinked",
            Self::Recalled => "recalled",
            Self::Rewarded => "rewarded",
            Self::Pinned => "pinned",
        }
    }

    /// Whether the event wrote content under its own number.
    pub fn writes(self) -> bool {
        matches!(self, Self::Added | Self::Updated)
    }
}

/// One link of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Number in the namespace.
    pub seq: Seq,
    /// When it was recorded.
    pub at: Timestamp,
    /// What it did.
    pub op: Op,
    /// The memory it concerns; zeros where it concerns the namespace.
    pub uid: Uid,
    /// Version of the memory after the event; 0 where it concerns the namespace.
    pub version: u32,
    /// Salted commitment to the content it wrote; zeros where it wrote none.
    pub commitment: [u8; 32],
    /// Reason, idempotency key, mention, new expiry, configuration, link or reward. Never text of a memory.
    pub detail: Metadata,
    /// Hash over this event and the hash before it.
    pub hash: [u8; 32],
}

/// One vector key of a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVector {
    /// The embedding space it lies in.
    pub space: SpaceId,
    keep: Keep,
    dim: usize,
    data: Vec<u8>,
}

impl KeyVector {
    /// A key of these components, of which the form keeps what it can: all of them after [`Keep::round`].
    pub fn new(space: SpaceId, keep: Keep, values: &[f32]) -> Self {
        let mut data = Vec::with_capacity(keep.bytes(values.len()));
        keep.encode(values, &mut data);
        Self { space, keep, dim: values.len(), data }
    }

    /// A key of the bytes that another one gave; none where no key gives such bytes.
    pub fn of_data(space: SpaceId, keep: Keep, dim: usize, data: &[u8]) -> Option<Self> {
        let sound = match keep {
            Keep::F32 => Some(data.len()) == dim.checked_mul(4),
            Keep::F16 | Keep::Int8 => dim <= data.len() && keep.decode(data, &mut vec![0.0; dim]),
        };
        sound.then(|| Self { space, keep, dim, data: data.to_vec() })
    }

    /// The form of its components.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// Number of its components.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Its components.
    pub fn values(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.dim];
        // The bytes are those that `encode` wrote or `of_data` read.
        let _ = self.keep.decode(&self.data, &mut values);
        values
    }

    /// Its components in the bytes of their form, see [`Keep::encode`].
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// What an `Added` or `Updated` event wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Number of the event that wrote it.
    pub seq: Seq,
    /// Random bytes that make the commitment meaningless once they are erased.
    pub salt: [u8; 16],
    /// The version of the memory.
    pub record: Record,
    /// Its vector keys; empty where a read did not ask for them.
    pub vectors: Vec<KeyVector>,
}

/// What an `Embedded` event wrote: vector keys of a memory beside those of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// Number of the event that wrote it.
    pub seq: Seq,
    /// Random bytes that make the commitment meaningless once they are erased.
    pub salt: [u8; 16],
    /// The vector keys; at least one.
    pub vectors: Vec<KeyVector>,
}

/// What an event wrote under its own number.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are contents")]
pub enum Written {
    /// A version of a memory.
    Content(Content),
    /// Vector keys alone.
    Keys(Embedding),
}

impl Written {
    /// The version of a memory, if it is one.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Content(content) => Some(content),
            Self::Keys(_) => None,
        }
    }

    /// The vector keys alone, if it is those.
    pub fn keys(&self) -> Option<&Embedding> {
        match self {
            Self::Content(_) => None,
            Self::Keys(keys) => Some(keys),
        }
    }

    /// Whether an event that does this writes such a thing.
    pub fn suits(&self, op: Op) -> bool {
        match self {
            Self::Content(_) => op.writes(),
            Self::Keys(_) => op == Op::Embedded,
        }
    }
}
