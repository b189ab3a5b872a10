//! Vectors under the ids of the caller: one each, many to a call, all or none of them.
//!
//! | file | idea |
//! |---|---|
//! | `collection` | what it holds, and the searches |
//! | `writing` | calls that change it, each taken back where it cannot be finished |
//! | `file` | one file, written beside and renamed, checked piece by piece |

#[allow(clippy::module_inception, reason = "the type the room is named for")]
mod collection;
mod file;
mod writing;

pub use collection::{Collection, Found};
pub use writing::Source;

#[cfg(test)]
mod tests;
