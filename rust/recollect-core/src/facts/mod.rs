//! What was true when, and what was believed when: facts under valid time and transaction time.
//!
//! | file | idea |
//! |---|---|
//! | `row` | a fact, and what is asked for |
//! | `chain` | facts in the order of their records, searched by both times |
//! | `facts` | all facts by subject, predicate and object |
//! | `policy`, `asserting` | what gives way to a new fact; where facts come from |
//! | `segment` | all of it as bytes |
//! | `named` | subjects, predicates, objects and sources by their texts, in memory or a file |

mod asserting;
mod chain;
#[expect(clippy::module_inception, reason = "the room is named for it")]
mod facts;
mod named;
mod policy;
mod row;
mod segment;

pub use asserting::{Asserted, Claim};
pub use facts::Facts;
pub use named::NamedFacts;
pub use policy::{Policy, Verdict};
pub use row::{Fact, OPEN, Pattern, When};

#[cfg(test)]
mod tests;
