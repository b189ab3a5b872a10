//! The store as its callers see it, against plain models and under faults.

mod cases;
mod conditions;
mod crash;
mod faults;
mod follower;
mod format;
mod home;
mod isolation;
mod life;
mod machine;
mod model;
mod oracle;
mod plan;
mod ranking;
mod recalling;
mod regressions;
mod script;
mod sight;
mod wrapped;
