//! Cancellation comes in as an argument and is asked at checkpoints.

use crate::error::{Error, Result};

/// Asks the caller whether to stop.
#[derive(Clone, Copy)]
pub struct Cancel<'a>(&'a (dyn Fn() -> bool + Sync));

impl std::fmt::Debug for Cancel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cancel")
    }
}

impl<'a> Cancel<'a> {
    /// Wraps a question that answers true once the call should stop.
    pub fn new(asked: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self(asked)
    }

    /// Never stops.
    pub fn never() -> Cancel<'static> {
        Cancel(&|| false)
    }

    /// Continues, or ends the call.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the caller asked to stop.
    pub fn check(&self) -> Result<()> {
        if (self.0)() { Err(Error::Cancelled) } else { Ok(()) }
    }
}
