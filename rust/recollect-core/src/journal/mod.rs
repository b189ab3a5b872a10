//! The journal: what changed, in order, and where it is kept.
//!
//! | file | idea |
//! |---|---|
//! | `event` | what changed, and the content it wrote |
//! | `chain` | the hash chain over events, commitments and row hashes |
//! | `digest` | hashes over tagged fields |
//! | `row` | a record as readable columns, and back |
//! | `ledger` | the traits between the store and what keeps the journal |
//! | `continuity` | what a commit must fulfil before a ledger takes it |
//! | `in_memory/` | a ledger for notebooks and tests |
//! | `sqlite/` | the ledger of one durable file |

pub mod chain;
mod continuity;
mod digest;
pub mod event;
pub mod in_memory;
pub mod ledger;
mod row;
pub mod sqlite;
