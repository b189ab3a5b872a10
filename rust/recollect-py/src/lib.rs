//! The list of what Python sees.

use pyo3::prelude::*;

/// The native half of `recollect`.
#[pymodule]
mod _native {}
