//! The KV cache of a model: scores, selection, codes and attention over arrays as they lie in memory.
//!
//! The Python package `recollect.kvcache` says what each method is; its NumPy backend is the reference. Codes here have the
//! bits that it gives. Nothing depends on the number of threads, and where elements are not finite or beyond what codes
//! hold, the answer is none, so that the caller can say where.
//!
//! | file | |
//! |---|---|
//! | `rows` | elements of a head as they lie, read as f32 |
//! | `tasks` | pieces of work on threads |
//! | `layer` | keys and values of a layer, and which tokens count |
//! | `lengths`, `lag` | scores of single tokens |
//! | `attention` | what queries pay to the tokens of a layer |
//! | `coded`, `decoding` | attention over codes |
//! | `selection` | which tokens stay, and moving them |
//! | `asymmetric` | codes between least and greatest |
//! | `float8` | eight-bit floats |
//! | `rotated` | one to four bits of centred and rotated rows |

mod asymmetric;
mod attention;
mod coded;
mod decoding;
mod float8;
mod lag;
mod layer;
mod lengths;
mod rotated;
mod rows;
mod selection;
mod tasks;

pub use asymmetric::{Grouping, WholeCodes};
pub use attention::{Received, received};
pub use coded::{Coded, Codes, decode};
pub use decoding::{Attended, HeadSegment, attend, products, weighted_sums};
pub use float8::{FloatCodes, Shared, encode_float8};
pub use lag::lag_relative;
pub use layer::{Layer, Scores};
pub use lengths::{Length, cosines, direction_sums, lengths};
pub use rotated::{Turned, TurnedCodes};
pub use rows::{Elements, Rows};
pub use selection::{Ends, gather, select};

#[cfg(test)]
mod tests;
