//! The store as its callers see it, against plain models and under faults.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod cases;
mod claiming;
mod conditions;
mod crash;
mod faults;
mod follower;
mod format;
mod home;
mod isolation;
mod keeping;
mod life;
mod linking;
mod machine;
mod migrating;
mod model;
mod moves;
mod oracle;
mod past;
mod plan;
mod ranking;
mod recalling;
mod regressions;
mod script;
mod sight;
mod spaces;
mod timelines;
mod wrapped;
