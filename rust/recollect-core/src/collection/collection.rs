//! What a collection holds, and the searches.

use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::ids::Ids;
use crate::scored::Scored;
use crate::vector::{Keep, MAX_SLOTS, Metric, Plan, VectorIndex};

/// Vectors of one dimension under one metric, each with an id.
#[derive(Debug)]
pub struct Collection {
    pub(super) index: VectorIndex,
    pub(super) ids: Ids,
}

/// Ids with their scores, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Who.
    pub ids: Vec<i64>,
    /// How well each matches; greater is better.
    pub scores: Vec<f32>,
}

impl Collection {
    /// An empty collection of `dim` dimensions, 1..=8192.
    ///
    /// # Errors
    /// As [`VectorIndex::with_keep`].
    pub fn new(dim: usize, metric: Metric, keep: Keep) -> Result<Self> {
        Ok(Self { index: VectorIndex::with_keep(dim, metric, keep)?, ids: Ids::default() })
    }

    /// The vectors, each in the slot of its id.
    pub fn index(&self) -> &VectorIndex {
        &self.index
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether an id has a vector.
    pub fn contains(&self, id: i64) -> bool {
        self.ids.slot(id).is_some()
    }

    /// All ids, ascending.
    pub fn ids(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.ids.iter().map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids
    }

    /// Bytes of memory reserved.
    pub fn bytes(&self) -> usize {
        self.index.bytes() + self.ids.bytes()
    }

    /// The vectors of ids as they are scored, (ids, dim).
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id without a vector; [`Error::Storage`] without memory.
    pub fn vectors(&self, ids: &[i64]) -> Result<Vec<f32>> {
        let (slots, dim) = (self.ids.known(ids)?, self.index.dim());
        let mut vectors = room(slots.len().saturating_mul(dim))?;
        vectors.resize(slots.len() * dim, 0.0);
        for (slot, out) in slots.into_iter().zip(vectors.chunks_exact_mut(dim)) {
            if !self.index.vector(slot, out) {
                return Err(Error::Storage("an id without its vector".into()));
            }
        }
        Ok(vectors)
    }

    /// The slots of the ids that are there.
    fn allowed(&self, ids: &[i64]) -> Bitmap {
        ids.iter().filter_map(|&id| self.ids.slot(id)).collect()
    }

    /// How a search for the best `k` among `allow` (all without it) goes, see [`VectorIndex::plan`].
    pub fn plan(&self, k: usize, recall: f64, allow: Option<&[i64]>) -> Plan {
        let allow = allow.map(|ids| self.allowed(ids));
        self.index.plan(k, recall, allow.as_ref())
    }

    /// The best `k` among `allow` (all without it; ids that are not there are passed over), expected to hold a share of
    /// `recall` of the true ones. The best come first; equal scores in the order of their slots.
    ///
    /// # Errors
    /// As [`VectorIndex::search`].
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        recall: f64,
        allow: Option<&[i64]>,
        cancel: Cancel<'_>,
    ) -> Result<Found> {
        let allow = allow.map(|ids| self.allowed(ids));
        let plan = self.index.plan(k, recall, allow.as_ref());
        let found = self.index.search(query, k, allow.as_ref(), &plan, cancel)?;
        Ok(Found {
            ids: found.iter().map(|hit| self.ids.id(hit.slot)).collect(),
            scores: found.iter().map(|hit| hit.score).collect(),
        })
    }

    /// As [`Collection::search`] for many queries, (queries, dim), on up to `threads` threads; `k` places a query, those
    /// that stay empty with the id -1 and a score of minus infinity.
    ///
    /// # Errors
    /// As [`VectorIndex::search_many`]; [`Error::Limit`] for a `k` above the most that an index can hold;
    /// [`Error::Storage`] without memory for the answer.
    pub fn search_many(
        &self,
        queries: &[f32],
        k: usize,
        recall: f64,
        allow: Option<&[i64]>,
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<Found> {
        if k > MAX_SLOTS {
            return Err(Error::Limit { argument: "k".into(), found: k as u64, limit: MAX_SLOTS as u64 });
        }
        let allow = allow.map(|ids| self.allowed(ids));
        let plan = self.index.plan(k, recall, allow.as_ref());
        let places = (queries.len() / self.index.dim()).saturating_mul(k);
        let mut found = Found { ids: room(places)?, scores: room(places)? };
        for hits in self.index.search_many(queries, k, allow.as_ref(), &plan, threads, cancel)? {
            let end = found.ids.len() + k;
            found.ids.extend(hits.iter().map(|hit: &Scored| self.ids.id(hit.slot)));
            found.scores.extend(hits.iter().map(|hit| hit.score));
            found.ids.resize(end, -1);
            found.scores.resize(end, f32::NEG_INFINITY);
        }
        Ok(found)
    }
}

/// An empty buffer with room, if it can be had.
pub(super) fn room<T>(count: usize) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|error| Error::Storage(error.to_string()))?;
    Ok(out)
}
