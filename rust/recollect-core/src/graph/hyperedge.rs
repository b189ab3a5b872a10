//! What a hyperedge is beside a node.

use crate::id::Slot;

/// What a hyperedge says and comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hyperedge {
    /// What it says.
    pub text: String,
    /// When it was made, microseconds since 1970 in UTC.
    pub time: i64,
    /// What it was merged from.
    pub parents: Vec<Slot>,
    /// Its members when it was merged into another; it has no edges to them any more.
    pub archived: Option<Vec<Slot>>,
}

impl Hyperedge {
    pub(super) fn bytes(&self) -> usize {
        let lists = self.parents.capacity() + self.archived.as_ref().map_or(0, Vec::capacity);
        size_of::<Self>() + size_of::<Slot>() + self.text.capacity() + 4 * lists
    }
}
