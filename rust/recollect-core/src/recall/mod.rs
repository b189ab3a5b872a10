//! Recall: what the indexes say about a query, fused into one ranking.
//!
//! | file | idea |
//! |---|---|
//! | `request` | what is asked |
//! | `when` | what is asked of time |
//! | `view` | the indexes of one namespace, as recall sees them |
//! | `candidates` | who is one, and what words and vectors say |
//! | `pool` | the candidates with all that is known of them |
//! | `gathering` | how they are gathered |
//! | `conversation` | what its course adds |
//! | `dates` | who lies in the times that are asked for |
//! | `order` | the first or the last of what leads |
//! | `associative` | what links add |
//! | `positions` | where each slot stands among the candidates |
//! | `context` | who stands beside a candidate in its session |
//! | `brevity` | how short memories are |
//! | `surroundings` | what the vectors beside a short memory add |
//! | `population` | centre and spread of a score list |
//! | `adaptive` | the default fusion, which weighs words by the query |
//! | `classic` | reciprocal ranks and convex sums |
//! | `base_level` | frequency and recency of use |
//! | `fusion` | the choice between the three |
//! | `parts` | what each signal adds |
//! | `ranking` | the best of all pools, with the share of each signal |
//! | `epistemic` | whether the answer is among them |
//! | `sentences` | which sentences of a hit speak of the query |
//! | `packing` | which hits fit a budget |

mod adaptive;
mod associative;
mod base_level;
mod brevity;
mod candidates;
mod classic;
mod context;
mod conversation;
mod dates;
mod epistemic;
mod fusion;
mod gathering;
mod order;
mod packing;
mod parts;
mod pool;
mod population;
mod positions;
mod ranking;
mod request;
mod sentences;
mod surroundings;
mod view;
mod when;

pub use epistemic::{Evidence, State};
pub use fusion::Fusion;
pub use packing::pack;
pub use pool::{Mode, Pool};
pub use ranking::{Hit, Lead, Ranking, Signal, rank};
pub use request::{Beside, Request};
pub use sentences::nearest as nearest_sentences;
pub use view::{Linked, Role, Standing, Step, View};
pub use when::{Order, Span, When};

#[cfg(test)]
mod golden;
