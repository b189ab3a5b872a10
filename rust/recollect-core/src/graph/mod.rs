//! A memory graph: nodes by number; typed, weighted, timed edges; hyperedges.
//!
//! | file | idea |
//! |---|---|
//! | `edge` | an edge, and the label (relation, source, trust) that many share |
//! | `page`, `sources`, `packed` | the edges out of 64 nodes, who points at 64 nodes, whole numbers in few bytes |
//! | `graph`, `bulk` | nodes and edges: single changes, many at once |
//! | `trust` | who is believed |
//! | `removal` | taking nodes away, making one of two |
//! | `hyperedge`, `membership` | nodes that hold members together |
//! | `walk`, `path`, `order` | neighbourhoods, shortest paths, dependence |
//! | `communities`, `mixture` | groups of nodes, scores that stand out |
//! | `segment` | all of it as bytes |
//! | `naming`, `named` | ids of the outside, and a graph under them, in memory or a file |

mod bulk;
mod communities;
mod edge;
#[expect(clippy::module_inception, reason = "the room is named for it")]
mod graph;
mod hyperedge;
mod membership;
mod mixture;
mod named;
mod naming;
mod order;
mod packed;
mod page;
mod path;
mod removal;
mod segment;
mod sources;
mod trust;
mod walk;

pub use bulk::Batch;
pub use communities::Communities;
pub use edge::{Arc, Edge, Label, Labels, MEMBER, NOWHERE, Record, Relation};
pub use graph::{Graph, Linked, MAX_NODES};
pub use hyperedge::Hyperedge;
pub use mixture::standing_out;
pub use named::{MEMBER_NAME, NamedGraph};
pub use naming::{Name, Names};
pub use order::Requirement;
pub use page::Out;
pub use path::Length;
pub use walk::{Direction, Follow};

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
