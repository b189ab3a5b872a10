//! Calendar windows: hours, days, weeks, months and years of a time zone as half-open ranges of microseconds.
//!
//! | file | idea |
//! |---|---|
//! | `civil` | days since 1970 and dates of the proleptic Gregorian calendar |
//! | `zone` | the offsets of a time zone, given as a table: no clock, no file, no environment is read |
//! | `unit` | the windows |
//! | `yearly` | ranges of days of every year |

mod civil;
mod unit;
mod yearly;
mod zone;

pub use unit::{Unit, Window};
pub use yearly::Yearly;
pub use zone::Zone;

#[cfg(test)]
mod tests;
