//! What belongs together in a namespace: memories that mention, follow or were linked to one another, as a graph.
//!
//! | file | idea |
//! |---|---|
//! | `tokens` | the words by which names are compared |
//! | `mentions` | where each memory may name something |
//! | `titles` | the titles of memories, found in the texts of others |
//! | `facts` | what memories state of entities, and which they share |
//! | `associations` | the graph of a namespace |
//! | `links` | what callers link, and what stands next to a memory |
//! | `segment` | all of it as bytes |

mod associations;
mod facts;
mod links;
mod mentions;
mod segment;
mod titles;
mod tokens;

pub use associations::{Associations, MENTIONS, Note, SHARES};
pub use facts::Fact;
pub use links::{LinkDetail, Tie};
pub use titles::NAMESAKES;
