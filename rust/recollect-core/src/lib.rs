#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod bitmap;
pub mod bytes;
pub mod cancel;
pub mod collection;
pub mod entropy;
pub mod error;
pub mod filter;
pub mod graph;
pub mod id;
pub mod ids;
pub mod interner;
pub mod journal;
pub mod lexical;
pub mod lsh;
pub mod namespace;
pub mod pages;
pub mod recall;
pub mod record;
pub mod scored;
pub mod seed;
pub mod session;
pub mod simd;
pub mod store;
pub mod time;
pub mod vector;
