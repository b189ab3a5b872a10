//! Exact search over vectors.
//!
//! [`FlatIndex`] keeps every vector in the form of its [`Keep`], which is what scores mean, and as int8 codes, where
//! these are not the form itself. A search reads the codes, and the rows only of what the codes cannot rule out.

mod admission;
mod batch;
mod cells;
mod costs;
mod facts;
mod flat;
mod index;
mod keep;
mod margin;
mod matrix;
mod metric;
mod narrowing;
mod owners;
mod plan;
mod rabitq;
mod rotation;
mod rows;
mod scalar_quantizer;
mod segment;
mod sketch;
mod top_k;

pub use admission::{MAX_DIM, MAX_NORM, MAX_SLOTS, admit};
pub use flat::FlatIndex;
pub use index::{DEFAULT_RECALL, VectorIndex};
pub use keep::Keep;
pub use matrix::Matrix;
pub use metric::Metric;
pub use plan::{Plan, Way};
pub use rabitq::{BITS, Coded, Rabitq};
pub use rotation::{Rotation, WORD};
pub use scalar_quantizer::{Codes, Quantized};
pub use sketch::{MAX_PLANES, SketchQuery, Sketcher};
pub use top_k::TopK;

#[cfg(test)]
mod tests;
