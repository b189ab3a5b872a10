//! The ledger of one durable file.

pub mod file_system;
pub mod lease;
pub mod ofd;
pub mod wal_guard;
