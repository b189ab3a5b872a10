//! The journal: what changed, in order, and where it is kept.
//!
//! | file | idea |
//! |---|---|
//! | `event` | what changed, and the content it wrote |
//! | `chain` | the hash chain over events, commitments and row hashes |
//! | `ledger` | the traits between the store and what keeps the journal |
//! | `in_memory` | a ledger for notebooks and tests |
//! | `sqlite/` | the ledger of one durable file |

pub mod event;
pub mod ledger;
pub mod sqlite;
