//! Every ledger against one plain model, and the durable one against what happens to files.

mod conformance;
mod damage;
mod erasure;
mod file;
mod hostile;
mod model;
mod segments;
mod story;
