//! A namespace joins the embedding space of its first vectors, and no other.

use super::config::Config;
use super::state::State;
use crate::error::{Error, Result};
use crate::journal::event::KeyVector;
use crate::journal::ledger::{Ledger, Space};
use crate::vector::{Keep, Metric, VectorIndex, admit};

/// How vectors are written to a namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    space: u32,
    metric: Metric,
    keep: Keep,
}

impl Form {
    /// The form of a namespace that has a space.
    pub(super) fn of(config: &Config, space: Option<&Space>) -> Result<Option<Self>> {
        let Some((number, space)) = config.space.zip(space) else { return Ok(None) };
        Ok(Some(Self { space: number, metric: space.metric.parse()?, keep: config.keep }))
    }
}

/// The form that the first vectors of a namespace give it, and whether another one is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub keep: Keep,
    pub firm: bool,
}

/// The configuration with the space a call brings and the form wished for, if the namespace has none yet.
pub(super) fn join(
    state: &State,
    space: Option<&Space>,
    wish: Wish,
    ledger: &dyn Ledger,
) -> Result<Option<(Config, Space)>> {
    let Some(space) = space else { return Ok(None) };
    match &state.space {
        Some(held) if held == space => check_form(&state.config, wish).map(|()| None),
        Some(held) => Err(mismatch(held, space)),
        None => {
            // Before anything is written: a namespace whose space makes no index could never be read again.
            VectorIndex::new(space.dim as usize, space.metric.parse()?)?;
            let config =
                Config { space: Some(ledger.space(space)?), keep: wish.keep, ..state.config.clone() };
            Ok(Some((config, space.clone())))
        }
    }
}

/// Refuses a firm wish for another form than that of a namespace with vectors.
pub(super) fn check_form(config: &Config, wish: Wish) -> Result<()> {
    if config.space.is_none() || !wish.firm || config.keep == wish.keep {
        return Ok(());
    }
    let reason = format!(
        "the vectors of this namespace are kept as {}; leave keep out, or export the namespace and import it into a \
         new one that keeps {}",
        config.keep, wish.keep
    );
    Err(Error::invalid("keep", reason))
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

/// Vectors as keys of the space, rounded to what is kept of them; `at` is the memory they belong to.
pub(super) fn keys(vectors: Vec<Vec<f32>>, form: Option<Form>, at: usize) -> Result<Vec<KeyVector>> {
    let Some(form) = form else { return Ok(Vec::new()) };
    let key = |mut values: Vec<f32>| {
        form.keep.round(&format!("vectors[{at}]"), &mut values, form.metric)?;
        Ok(KeyVector::new(form.space, form.keep, &values))
    };
    vectors.into_iter().map(key).collect()
}
