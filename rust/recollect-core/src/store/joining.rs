//! A namespace joins the embedding space of its first vectors, and no other.

use super::config::Config;
use super::state::State;
use crate::error::{Error, Result};
use crate::journal::event::KeyVector;
use crate::journal::ledger::{Ledger, Space};
use crate::vector::{VectorIndex, admit};

/// The configuration with the space a call brings, if the namespace has none yet.
pub(super) fn join(
    state: &State,
    space: Option<&Space>,
    ledger: &dyn Ledger,
) -> Result<Option<(Config, Space)>> {
    let Some(space) = space else { return Ok(None) };
    match &state.space {
        Some(held) if held == space => Ok(None),
        Some(held) => Err(mismatch(held, space)),
        None => {
            // Before anything is written: a namespace whose space makes no index could never be read again.
            VectorIndex::new(space.dim as usize, space.metric.parse()?)?;
            let config = Config { space: Some(ledger.space(space)?), ..state.config.clone() };
            Ok(Some((config, space.clone())))
        }
    }
}

/// The error for vectors of another space.
pub(super) fn mismatch(held: &Space, found: &Space) -> Error {
    let words = |s: &Space| format!("\"{}\" ({} dimensions, {})", s.name, s.dim, s.metric);
    Error::SpaceMismatch {
        expected: words(held),
        found: words(found),
        way_out: "open the store with the embedder it was written with, or export it and import it into a new one",
    }
}

/// Refuses vectors without a space, and those the space does not admit.
pub(super) fn check_vectors<'a>(
    all: impl Iterator<Item = &'a Vec<Vec<f32>>>,
    space: Option<&Space>,
) -> Result<()> {
    for (at, vectors) in all.enumerate() {
        for vector in vectors {
            let Some(space) = space else {
                return Err(Error::invalid(
                    format!("vectors[{at}]"),
                    "vectors need the embedding space they lie in",
                ));
            };
            admit(&format!("vectors[{at}]"), vector, space.dim as usize, space.metric.parse()?)?;
        }
    }
    Ok(())
}

/// Vectors as keys of the space.
pub(super) fn keys(vectors: Vec<Vec<f32>>, space: Option<u32>) -> Vec<KeyVector> {
    let space = space.unwrap_or(0);
    vectors.into_iter().map(|values| KeyVector { space, values }).collect()
}
