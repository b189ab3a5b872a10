//! The indexes of one namespace, as recall sees them.

use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::{Slot, Uid};
use crate::lexical::LexicalIndex;
use crate::scored::Scored;
use crate::session::{Place, SessionId, Sessions};
use crate::vector::VectorIndex;

/// What a speaker is who has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The person an assistant talks with.
    User,
    /// The assistant, or what speaks for it.
    Assistant,
}

/// What recall asks about a memory beside its scores.
pub trait Standing {
    /// Its session and place there.
    fn place(&self, slot: Slot) -> Option<(SessionId, Place)>;
    /// First instant of its event, or of its write, and the first after it.
    fn event(&self, slot: Slot) -> (i64, i64);
    /// The memories whose events share an instant with `[from, to)`.
    fn within(&self, from: i64, to: i64) -> Bitmap;
    /// The first instant of any event, and the first after all of them; in any order where there is none.
    fn lasting(&self) -> (i64, i64);
    /// Its base-level activation.
    fn base_level(&self, slot: Slot) -> f32;
    /// Who said it, by number.
    fn speaker(&self, slot: Slot) -> Option<u32>;
    /// Whether it holds a question.
    fn asks(&self, slot: Slot) -> bool;
    /// The memories of speakers that go by a role.
    fn role(&self, role: Role) -> &Bitmap;
    /// Shows every memory of a speaker whose name holds this term.
    fn spoken_by(&self, term: &str, each: &mut dyn FnMut(Slot));
}

/// One step along a path of links.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The memory it comes from.
    pub from: Uid,
    /// The memory it leads to.
    pub to: Uid,
    /// The kind of the link.
    pub relation: String,
    /// Whether the link leads the same way.
    pub forward: bool,
}

/// What recall asks of the links between memories.
pub trait Linked {
    /// The memories whose titles a text names, each with its share of the name.
    fn named(&self, text: &str) -> Vec<(Slot, f64)>;
    /// The memories whose facts a text speaks of, with weights that add up to 1.
    fn asked(&self, text: &str) -> Vec<(Slot, f64)>;
    /// Whether a memory is believed, so that it can activate others.
    fn believes(&self, slot: Slot) -> bool;
    /// Whether a link that is believed leads from a memory to another one that is.
    fn leads_on(&self, slot: Slot) -> bool;
    /// The memories that these activate, with their activation, best first; and the links that were followed.
    ///
    /// # Errors
    /// As a spreading activation.
    fn activate(&self, seeds: &[(Slot, f64)], k: usize, cancel: Cancel<'_>) -> Result<(Vec<Scored>, u64)>;
    /// A shortest path from one of these to a memory, of few steps; none where there is no such path.
    fn path(&self, from: &[Slot], to: Slot) -> Option<Vec<Step>>;
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
    /// The links between memories, where there are any.
    pub links: Option<&'a dyn Linked>,
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
