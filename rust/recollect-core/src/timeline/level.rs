//! The levels of a tree, from the ground up.

use std::fmt;
use std::str::FromStr;

use crate::calendar::Unit;
use crate::error::{Error, Result};

/// What the nodes of a level hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Events that a caller numbers as one segment; an event without a number stands for itself.
    Segment,
    /// Events of one session; events without one belong together while no gap between their starts is too long.
    Session,
    /// What starts in a window of the calendar.
    Calendar(Unit),
    /// All there is.
    Persona,
}

const NAMES: [(&str, Level); 8] = [
    ("segment", Level::Segment),
    ("session", Level::Session),
    ("hour", Level::Calendar(Unit::Hour)),
    ("day", Level::Calendar(Unit::Day)),
    ("week", Level::Calendar(Unit::Week)),
    ("month", Level::Calendar(Unit::Month)),
    ("year", Level::Calendar(Unit::Year)),
    ("persona", Level::Persona),
];

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|x| x.1 == *self).map_or("", |x| x.0))
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        NAMES.iter().find(|x| x.0 == name).map(|x| x.1).ok_or_else(|| {
            let all = NAMES.map(|x| x.0).join(", ");
            Error::invalid("levels", format!("expected some of {all}, found {name:?}"))
        })
    }
}

/// Refuses levels that do not go up.
pub(super) fn check(levels: &[Level]) -> Result<()> {
    match levels.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(Error::invalid("levels", "expected each once, from the finest to the coarsest")),
    }
}
