//! The indexes of one namespace, as recall sees them.

use crate::bitmap::Bitmap;
use crate::id::{Slot, Uid};
use crate::lexical::LexicalIndex;
use crate::session::{Place, SessionId, Sessions};
use crate::vector::VectorIndex;

/// What recall asks about a memory beside its scores.
pub trait Standing {
    /// Its session and place there.
    fn place(&self, slot: Slot) -> Option<(SessionId, Place)>;
    /// Shows every memory of a speaker whose name holds this term.
    fn spoken_by(&self, term: &str, each: &mut dyn FnMut(Slot));
}

/// Borrowed indexes and what the call may see of them.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Words.
    pub lexical: &'a LexicalIndex,
    /// Vectors, where the namespace has some.
    pub vectors: Option<&'a VectorIndex>,
    /// Order inside sessions.
    pub sessions: &'a Sessions,
    /// All memories that can be recalled.
    pub live: &'a Bitmap,
    /// Those among them that the call may see; none for all.
    pub allow: Option<&'a Bitmap>,
    /// The identity of every slot, which breaks ties.
    pub uids: &'a [Uid],
    /// Who stands where.
    pub standing: &'a dyn Standing,
}

impl View<'_> {
    /// The memories the call may see.
    pub fn admitted(&self) -> &Bitmap {
        self.allow.unwrap_or(self.live)
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("slots", &self.uids.len()).finish_non_exhaustive()
    }
}
