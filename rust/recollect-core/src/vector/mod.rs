//! Exact search over vectors.
//!
//! [`FlatIndex`] keeps every vector twice: as f32, which is what scores mean, and as int8 codes, which are a quarter of
//! the bytes. A search reads the codes, and the f32 rows only of what the codes cannot rule out.

mod admission;
mod flat;
mod index;
mod margin;
mod matrix;
mod metric;
mod narrowing;
mod owners;
mod rotation;
mod rows;
mod scalar_quantizer;
mod segment;
mod top_k;

pub use admission::{MAX_DIM, MAX_NORM, MAX_SLOTS, admit};
pub use flat::FlatIndex;
pub use index::VectorIndex;
pub use matrix::Matrix;
pub use metric::Metric;
pub use rotation::{Rotation, WORD};
pub use scalar_quantizer::{Codes, Quantized};
pub use top_k::TopK;

#[cfg(test)]
mod tests;
