//! Recall: what the indexes say about a query, fused into one ranking.
//!
//! | file | idea |
//! |---|---|
//! | `request` | what is asked |
//! | `view` | the indexes of one namespace, as recall sees them |
//! | `pool` | the candidates with their scores |
//! | `context` | what the neighbours and the session of a candidate add |
//! | `population` | centre and spread of a score list |
//! | `adaptive` | the default fusion, which weighs words by the query |
//! | `fusion` | reciprocal ranks and convex sums; the choice between all three |
//! | `ranking` | the best of all pools, with the share of each signal |
//! | `packing` | which hits fit a budget |

mod adaptive;
mod context;
mod fusion;
mod packing;
mod pool;
mod population;
mod ranking;
mod request;
mod view;

pub use fusion::Fusion;
pub use packing::pack;
pub use pool::{Mode, Pool};
pub use ranking::{Hit, Signal, rank};
pub use request::Request;
pub use view::{Standing, View};
