//! Every ledger against one plain model, and the durable one against what happens to files.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod conformance;
mod damage;
mod erasure;
mod file;
mod hostile;
mod model;
mod segments;
mod story;
