//! Facts against what is known of them.

mod known;
mod model;

use super::*;
use crate::cancel::Cancel;

pub(super) fn claim(object: u32, valid: (i64, i64)) -> Claim {
    Claim { subject: 1, predicate: 2, object, valid, confidence: 0.5, source: None }
}

pub(super) const CELL: Pattern = Pattern { subject: Some(1), predicate: Some(2), object: None };
