//! The store: namespaces over one ledger, changed by events, read beside the writer.
//!
//! | file | idea |
//! |---|---|
//! | `admission` | what a caller may bring |
//! | `committing` | how a write becomes true |
//! | `config` | what a namespace was set up with |
//! | `digests` | which memories are exact copies |
//! | `embeddings`, `keys` | where the vector keys of memories lie |
//! | `entry` | what is kept in memory of each memory |
//! | `words` | the words under which a memory is found |
//! | `speakers` | who said which memories |
//! | `uses` | how memories were used, and which are pinned |
//! | `using` | the verbs that say so |
//! | `times`, `nearest` | memories by the time of their events; which lie nearest an instant |
//! | `selection` | which memories a call may see |
//! | `state` | everything a namespace knows; `apply` is the only function that changes it |
//! | `segment` | the state as checksummed parts inside the file |
//! | `snapshot` | when the parts are worth writing |
//! | `shared` | what all handles of one store share |
//! | `cell` | a namespace in memory, level with the ledger |
//! | `past` | a namespace as it was known at an earlier time |
//! | `batch` | one atomic write on its way |
//! | `memory` | a namespace handle: the reading verbs |
//! | `joining` | a namespace, its embedding space and the form of its vectors |
//! | `write` | its writing verbs |
//! | `next`, `migration` | a namespace moves to another embedding space |
//! | `linked` | the links as recall follows them |
//! | `associating` | events of links and uses, applied |
//! | `following`, `parting`, `followed` | a temporal tree of the memories of a namespace; its sessions and segments; what is asked of it |
//! | `standing` | what recall asks about memories |
//! | `linking` | links between memories |
//! | `claims` | which memories state something of a subject |
//! | `statement`, `claiming`, `superseding` | statements of subjects, and what a new one does to those it contradicts |
//! | `evidence` | what supports statements, and all that was ever stated |
//! | `forget` | deletion and erasure |
//! | `trace` | what ran in a recall |
//! | `finding` | recall over one or more namespaces |
//! | `store` | the whole file |

mod admission;
mod associating;
mod batch;
mod cell;
mod claiming;
mod claims;
mod committing;
mod config;
mod digests;
mod embeddings;
mod entry;
mod evidence;
mod finding;
mod followed;
mod following;
mod forget;
mod joining;
mod keys;
mod linked;
mod linking;
mod memory;
mod migration;
mod nearest;
mod next;
mod parting;
mod past;
mod segment;
mod selection;
mod shared;
mod snapshot;
mod speakers;
mod standing;
mod state;
mod statement;
#[expect(clippy::module_inception, reason = "the file that holds the store")]
mod store;
mod superseding;
mod times;
mod trace;
mod uses;
mod using;
mod words;
mod write;

pub use admission::{Draft, MAX_DEPTH, MAX_K, MAX_LIST, MAX_METADATA, MAX_NAME, MAX_QUERY, MAX_TEXT};
pub use batch::Call;
pub use finding::{Found, Recall};
pub use following::{Follower, Following};
pub use joining::Brought;
pub use linking::{Link, Linkage, Neighbour};
pub use memory::{Change, Held, Memory, Order, VectorKeys};
pub use migration::{Migration, Reembedded};
pub use selection::Selection;
pub use statement::{CONTRADICTS, Claimed, Policy, SUPPORTS};
pub use store::{Stats, Store};
pub use uses::Use;
pub use using::Used;
pub use write::{Edit, Outcome};
