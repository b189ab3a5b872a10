//! Where one event ends and the next begins.
//!
//! | file | idea |
//! |---|---|
//! | `rules` | what cuts: surprise, a gap in time, size |
//! | `window` | mean and deviation of the latest surprises |
//! | `segmenter` | one item after the other |
//! | `refining` | moving cuts to where they part what belongs together least |
//! | `merging` | episodes that go on where one left off |
//! | `valleys` | where the topic changes, seen from both sides |
//! | `series` | many items at once |

mod merging;
mod refining;
mod rules;
mod segmenter;
mod series;
mod valleys;
mod window;

pub use merging::{Episode, Merging, merge};
pub use refining::Objective;
pub use rules::{Channels, Rules};
pub use segmenter::{Cut, Item, Segmenter};
pub use series::{Hindsight, Segmentation, Series, segment};
pub use valleys::Valleys;

#[cfg(test)]
mod tests;
