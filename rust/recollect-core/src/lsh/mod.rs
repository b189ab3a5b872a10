//! Locality-sensitive hashing: near vectors fall into the same buckets, more likely the nearer they are.
//!
//! | family | a bucket is | near means |
//! |---|---|---|
//! | [`CrossPolytope`] | the axis of a random rotation that is nearest | a small angle |
//! | [`Hyperplane`] | the sides of a few random hyperplanes | a small angle |
//! | [`Fly`] | an active unit of a sparse distributed representation | a small angle after centring |
//!
//! [`LshIndex`] gathers the buckets of a query, of the nearly chosen keys too if it is asked to probe, and scores what it
//! finds exactly. [`LshIndex::near_duplicates`] finds pairs with a stated probability of missing one.

mod buckets;
mod cross_polytope;
mod duplicates;
mod family;
mod fly;
mod hyperplane;
mod index;
mod normal;
mod probing;
mod projection;
mod search;
mod settings;
mod signatures;

pub use cross_polytope::CrossPolytope;
pub use duplicates::{COMPARISONS, Pair};
pub use family::{Bucket, Family, Hashed, Kind};
pub use fly::Fly;
pub use hyperplane::Hyperplane;
pub use index::{LshIndex, Stats};
pub use search::Match;
pub use settings::{MAX_TABLES, Settings};

#[cfg(test)]
mod rates;
#[cfg(test)]
mod tests;
