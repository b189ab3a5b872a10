//! The store as its callers see it, against plain models and under faults.

mod cases;
mod conditions;
mod home;
mod life;
mod machine;
mod model;
mod oracle;
mod plan;
mod ranking;
mod recalling;
mod regressions;
mod sight;
mod wrapped;
