//! What is asked of time.

use crate::calendar::{Yearly, Zone};
use crate::time::Interval;

/// What a question says of time.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// The times it speaks of: a memory in any of them is meant. None where it speaks of no time.
    pub spans: Vec<Span>,
    /// The zone by which days of every year begin.
    pub zone: Zone,
    /// Which end of what is found it prefers.
    pub order: Option<Order>,
}

/// One time that a question speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Between two instants.
    Once(Interval),
    /// Days of every year.
    Yearly(Yearly),
}

/// An end of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first of it.
    Earliest,
    /// The last of it.
    Latest,
}
