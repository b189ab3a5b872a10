//! A namespace joins the embedding space of its first vectors, and moves to another only by a migration.

use super::config::Config;
use super::state::State;
use crate::error::{Error, Result};
use crate::journal::event::{KeyVector, SpaceId};
use crate::journal::ledger::{Ledger, Space};
use crate::vector::{Keep, Metric, VectorIndex, admit};

/// The spaces of the vectors that a call brings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Brought<'a> {
    /// That of the vectors.
    pub vectors: Option<&'a Space>,
    /// That of the second ones.
    pub beside: Option<&'a Space>,
}

impl<'a> From<Option<&'a Space>> for Brought<'a> {
    fn from(vectors: Option<&'a Space>) -> Self {
        Self { vectors, beside: None }
    }
}

impl Brought<'_> {
    /// Those that bring something.
    pub(super) fn only(self, vectors: bool, beside: bool) -> Self {
        Self { vectors: self.vectors.filter(|_| vectors), beside: self.beside.filter(|_| beside) }
    }

    fn all(&self) -> impl Iterator<Item = &Space> {
        self.vectors.into_iter().chain(self.beside)
    }
}

/// How vectors are written in a space.
#[derive(Debug, Clone, Copy)]
struct Form {
    space: SpaceId,
    metric: Metric,
    keep: Keep,
}

impl Form {
    fn keys(self, vectors: Vec<Vec<f32>>, at: usize) -> Result<Vec<KeyVector>> {
        let key = |mut values: Vec<f32>| {
            self.keep.round(&format!("vectors[{at}]"), &mut values, self.metric)?;
            Ok(KeyVector::new(self.space, self.keep, &values))
        };
        vectors.into_iter().map(key).collect()
    }
}

/// Which space of a namespace the vectors of a call lie in.
#[derive(Debug, Clone, Copy)]
enum Role {
    Own,
    Next,
}

/// How the vectors that a call brings are written; those in no open space are left out.
#[derive(Debug)]
pub(super) struct Forms {
    vectors: Option<(Role, Form)>,
    beside: Option<(Role, Form)>,
}

/// The vector keys of one memory: in the space of the namespace, and in the one it moves to.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub own: Vec<KeyVector>,
    pub next: Vec<KeyVector>,
}

impl Keys {
    /// Keys by the open space they lie in; others go.
    pub(super) fn split(all: Vec<KeyVector>, config: &Config) -> Self {
        let mut keys = Self::default();
        for key in all {
            if Some(key.space) == config.space {
                keys.own.push(key);
            } else if Some(key.space) == config.next {
                keys.next.push(key);
            }
        }
        keys
    }

    fn put(&mut self, role: Role, keys: Vec<KeyVector>) {
        match role {
            Role::Own => self.own = keys,
            Role::Next => self.next = keys,
        }
    }
}

impl Forms {
    pub(super) fn of(state: &State, joined: Option<&(Config, Space)>, brought: Brought<'_>) -> Result<Self> {
        let (config, own) = match joined {
            Some((config, space)) => (config, Some(space)),
            None => (&state.config, state.space.as_ref()),
        };
        let next = state.next.as_ref().map(|next| &next.space);
        let form = |space: Option<&Space>| -> Result<Option<(Role, Form)>> {
            let Some(space) = space else { return Ok(None) };
            let (role, number) = match (own, next) {
                (Some(own), _) if own == space => (Role::Own, config.space),
                (_, Some(next)) if next == space => (Role::Next, config.next),
                _ => return Ok(None),
            };
            let metric = space.metric.parse()?;
            Ok(number.map(|space| (role, Form { space, metric, keep: config.keep })))
        };
        Ok(Self { vectors: form(brought.vectors)?, beside: form(brought.beside)? })
    }

    /// The keys of a memory, rounded to what is kept of them; `at` is its position.
    pub(super) fn keys(&self, vectors: Vec<Vec<f32>>, beside: Vec<Vec<f32>>, at: usize) -> Result<Keys> {
        let mut keys = Keys::default();
        for (form, vectors) in [(self.beside, beside), (self.vectors, vectors)] {
            if let Some((role, form)) = form {
                keys.put(role, form.keys(vectors, at)?);
            }
        }
        Ok(keys)
    }

    /// Puts new keys in place of those in their spaces; an empty list takes all away.
    pub(super) fn replace(
        &self,
        keys: &mut Keys,
        vectors: Option<Vec<Vec<f32>>>,
        beside: Option<Vec<Vec<f32>>>,
    ) -> Result<()> {
        for (form, new) in [(self.beside, beside), (self.vectors, vectors)] {
            match (form, new) {
                (_, Some(new)) if new.is_empty() => *keys = Keys::default(),
                (Some((role, form)), Some(new)) => keys.put(role, form.keys(new, 0)?),
                _ => {}
            }
        }
        Ok(())
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
    brought: Brought<'_>,
    wish: Wish,
    ledger: &dyn Ledger,
) -> Result<Option<(Config, Space)>> {
    let Some(first) = brought.all().next() else { return Ok(None) };
    let next = state.next.as_ref().map(|next| &next.space);
    if brought.all().any(|space| state.space.as_ref() == Some(space)) {
        return check_form(&state.config, wish).map(|()| None);
    }
    if brought.all().any(|space| next == Some(space)) {
        return Ok(None);
    }
    if let Some(held) = state.space.as_ref().or(next) {
        return Err(mismatch(held, first));
    }
    // Before anything is written: a namespace whose space makes no index could never be read again.
    VectorIndex::new(first.dim as usize, first.metric.parse()?)?;
    let config = Config { space: Some(ledger.space(first)?), keep: wish.keep, ..state.config.clone() };
    Ok(Some((config, first.clone())))
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
    conflict(
        held,
        found,
        "open the store with the embedder it was written with, or move the namespace to this one by a migration",
    )
}

/// The error for two spaces where there is room for one.
pub(super) fn conflict(held: &Space, found: &Space, way_out: &'static str) -> Error {
    let words = |s: &Space| format!("\"{}\" ({} dimensions, {})", s.name, s.dim, s.metric);
    Error::SpaceMismatch { expected: words(held), found: words(found), way_out }
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
