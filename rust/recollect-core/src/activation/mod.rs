//! What comes to mind: activation that spreads over a graph, and activation that a history of uses leaves.
//!
//! | file | idea |
//! |---|---|
//! | `request` | what is asked: seeds, restart, fan, which edges, budgets |
//! | `steps` | the edges of a node as a request sees them |
//! | `workspace` | numbers by node, forgotten in no time |
//! | `push` | personalised PageRank by forward push |
//! | `bounded` | spreading over a few hops without normalising |
//! | `power` | both, by dense iteration: the oracle |
//! | `evoke` | a table of typed hops |
//! | `search` | one request, or many on threads |
//! | `answer` | the best nodes, inhibition, and what may be missing |
//! | `history`, `base_level`, `decay` | uses of a record in bounded space, and what they leave |
//! | `rehearsal` | which records to rehearse, and which to let go |

mod answer;
mod base_level;
mod bounded;
mod decay;
mod evoke;
mod history;
mod power;
mod push;
mod rehearsal;
mod request;
mod search;
mod steps;
mod workspace;

pub use answer::Answer;
pub use base_level::{BaseLevel, Formula};
pub use decay::{Ebbinghaus, Exponential, PowerLaw, ScoreDecay, latency, retrieval_probability};
pub use evoke::{Evoked, Hop, evoke};
pub use history::{History, RECENT};
pub use power::exact;
pub use rehearsal::{lowest, rehearse, sampled_below};
pub use request::{Fan, Request, association};
pub use search::{activate, activate_many};
pub use workspace::{Workspace, Workspaces};

#[cfg(test)]
mod tests;
