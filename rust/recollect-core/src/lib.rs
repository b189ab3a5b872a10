#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod bitmap;
pub mod cancel;
pub mod entropy;
pub mod error;
pub mod filter;
pub mod id;
pub mod journal;
pub mod namespace;
pub mod record;
pub mod scored;
pub mod time;
