//! Recall: what the indexes say about a query, fused into one ranking.
//!
//! | file | idea |
//! |---|---|
//! | `request` | what is asked |
//! | `view` | the indexes of one namespace, as recall sees them |
//! | `pool` | the candidates with their scores |
//! | `positions` | where each slot stands among the candidates |
//! | `context` | who stands beside a candidate in its session |
//! | `population` | centre and spread of a score list |
//! | `adaptive` | the default fusion, which weighs words by the query |
//! | `classic` | reciprocal ranks and convex sums |
//! | `fusion` | the choice between the three |
//! | `parts` | what each signal adds |
//! | `ranking` | the best of all pools, with the share of each signal |
//! | `packing` | which hits fit a budget |

mod adaptive;
mod classic;
mod context;
mod fusion;
mod packing;
mod parts;
mod pool;
mod population;
mod positions;
mod ranking;
mod request;
mod view;

pub use fusion::Fusion;
pub use packing::pack;
pub use pool::{Mode, Pool};
pub use ranking::{Hit, Signal, rank};
pub use request::Request;
pub use view::{Standing, View};

#[cfg(test)]
mod golden;
