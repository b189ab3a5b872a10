//! Half-open intervals in the order of their starts: a B+ tree in which every node knows how many it holds, the latest
//! end and the greatest weight (Cormen et al., "Introduction to Algorithms", 14.3, over a B+ tree).
//!
//! | file | idea |
//! |---|---|
//! | `span` | an interval, and what a node knows of its subtree |
//! | `node` | leaves and inner nodes: taking in, taking out, splitting |
//! | `tree` | the whole: changes, ranks, runs in order |
//! | `search` | which overlap, which are nearest |

mod node;
mod search;
mod span;
mod tree;

pub use span::{Key, Span};
pub use tree::Intervals;

#[cfg(test)]
mod tests;
