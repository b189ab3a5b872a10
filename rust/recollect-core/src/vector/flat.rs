//! The exact index: every vector is looked at, and the answer is that of the f32 scan over what is kept of them.

use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::chunked::Chunked;
use crate::error::Result;
use crate::id::Slot;
use crate::scored::Scored;
use crate::simd::Kernels;
use crate::vector::admission::{admit, admit_dim, admit_slot};
use crate::vector::margin::Margin;
use crate::vector::owners::Owners;
use crate::vector::rows::Rows;
use crate::vector::{Keep, Metric, Quantized, TopK};

/// Rows scored before their scores are looked at; the scores stay in the first cache.
pub(super) const BLOCK: usize = 256;

/// Scores looked at together, since most of them are below the floor.
pub(super) const GROUP: usize = 16;

/// Rows between two questions to [`Cancel`].
pub(super) const CHECKPOINT: usize = 4096;

/// Vectors of one dimension under one metric; a slot may own several, and scores as the best of them.
#[derive(Debug)]
pub struct FlatIndex {
    pub(super) metric: Metric,
    pub(super) rows: Rows,
    pub(super) owners: Owners,
}

impl FlatIndex {
    /// An empty index of `dim` dimensions, 1..=8192, that keeps f32.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) or [`Error::Limit`](crate::error::Error::Limit) for another
    /// dimension.
    pub fn new(dim: usize, metric: Metric) -> Result<Self> {
        Self::with_keep(dim, metric, Keep::F32)
    }

    /// An empty index that keeps vectors in a form of its own.
    ///
    /// # Errors
    /// As [`FlatIndex::new`].
    pub fn with_keep(dim: usize, metric: Metric, keep: Keep) -> Result<Self> {
        admit_dim(dim)?;
        Ok(Self { metric, rows: Rows::new(dim, keep), owners: Owners::default() })
    }

    /// The form in which vectors are kept.
    pub fn keep(&self) -> Keep {
        self.rows.keep()
    }

    /// Dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.rows.dim()
    }

    /// How closeness is measured.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of slots that own a vector.
    pub fn slots(&self) -> usize {
        self.owners.slots()
    }

    /// One more than the greatest slot that ever owned a vector: the least length for [`FlatIndex::scores`].
    pub fn slots_end(&self) -> usize {
        self.owners.slots_end()
    }

    /// Whether the slot owns a vector.
    pub fn contains(&self, slot: Slot) -> bool {
        self.owners.rows_of(slot).next().is_some()
    }

    /// The vectors of a slot as they are kept and scored: of length one for the cosine, as near as the form allows.
    pub fn vectors(&self, slot: Slot) -> impl Iterator<Item = Vec<f32>> {
        self.owners.rows_of(slot).map(|row| {
            let mut vector = vec![0.0; self.dim()];
            self.decode_row(row, &mut vector);
            vector
        })
    }

    /// Bytes of memory reserved.
    pub fn bytes(&self) -> usize {
        self.rows.bytes() + self.owners.bytes()
    }

    /// Refuses a vector that [`FlatIndex::insert`] would refuse, under the name of the caller's argument.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`](crate::error::Error::DimensionMismatch) for another dimension,
    /// [`Error::Invalid`](crate::error::Error::Invalid) for a component that is NaN or infinite, and under another
    /// metric than the cosine for a norm over 1e18 or a component that the form does not hold.
    pub fn check(&self, argument: &str, vector: &[f32]) -> Result<()> {
        self.keep().admit(argument, vector, self.dim(), self.metric)
    }

    /// Adds a vector to a slot.
    ///
    /// # Errors
    /// As [`FlatIndex::check`]; [`Error::Limit`](crate::error::Error::Limit) for a slot from 2^28 on;
    /// [`Error::Storage`](crate::error::Error::Storage) without memory. The index is unchanged by a failure.
    pub fn insert(&mut self, slot: Slot, vector: &[f32]) -> Result<()> {
        self.insert_row(slot, vector).map(drop)
    }

    /// As [`FlatIndex::insert`]; gives the number of the row.
    pub(super) fn insert_row(&mut self, slot: Slot, vector: &[f32]) -> Result<usize> {
        self.check("vector", vector)?;
        admit_slot(slot)?;
        let (metric, keep) = (self.metric, self.keep());
        self.place(slot, |row| {
            row.copy_from_slice(vector);
            keep.prepare(metric, row);
        })
    }

    /// Adds a row, which `fill` writes as [`Keep::prepare`] leaves it, and gives its number.
    pub(super) fn place(&mut self, slot: Slot, fill: impl FnOnce(&mut [f32])) -> Result<usize> {
        self.owners.reserve(slot)?;
        let row = self.owners.next_row();
        self.rows.put(row, fill)?;
        self.owners.take(slot);
        Ok(row)
    }

    /// Takes all vectors of a slot out, overwrites them, and gives their number.
    pub fn remove(&mut self, slot: Slot) -> usize {
        let rows = self.owners.release(slot);
        for &row in &rows {
            self.rows.clear(row);
        }
        rows.len()
    }

    /// As [`FlatIndex::search`], by the plain scan that scores every row in f32.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn search_f32(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let query = self.prepared(query)?;
        self.scan(&query, k.min(self.slots()), allow, cancel)
    }

    pub(super) fn scan(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let mut best = TopK::new(k);
        let mut scores = [0.0; BLOCK];
        let mut first = 0;
        while first < self.owners.rows() {
            if first % CHECKPOINT < BLOCK {
                cancel.check()?;
            }
            let rows = self.rows.score_block(self.metric, query, first, &mut scores);
            for (group, scores) in scores[..rows].chunks(GROUP).enumerate() {
                if !best.reached_by(scores) {
                    continue;
                }
                for (i, &score) in scores.iter().enumerate() {
                    if score >= best.floor()
                        && let Some(slot) = self.owners.owner(first + group * GROUP + i)
                        && allow.is_none_or(|allow| allow.contains(slot))
                    {
                        best.push(Scored { slot, score });
                    }
                }
            }
            first += rows;
        }
        Ok(best.into_sorted())
    }

    /// Scores of all slots on the int8 codes, by slot; minus infinity where a slot owns no vector.
    ///
    /// The same on every CPU, and off the f32 score by little (0.1 % of the norms, typically).
    ///
    /// # Errors
    /// As [`FlatIndex::search`]; [`Error::Invalid`](crate::error::Error::Invalid) if `out` is shorter than
    /// [`FlatIndex::slots_end`].
    pub fn scores(&self, query: &[f32], out: &mut [f32], cancel: Cancel<'_>) -> Result<()> {
        let query = self.prepared(query)?;
        if out.len() < self.slots_end() {
            let reason = format!("expected room for {} slots, found {}", self.slots_end(), out.len());
            return Err(crate::error::Error::invalid("out", reason));
        }
        out.fill(f32::NEG_INFINITY);
        let (quantized, margin) = self.quantized(&query);
        let in_order = self.owners.in_order();
        let (mut dots, mut scores) = ([0; BLOCK], [0.0; BLOCK]);
        let codes = self.rows.codes();
        for (first, rows) in codes.matrix().blocks(BLOCK) {
            if first % CHECKPOINT < BLOCK {
                cancel.check()?;
            }
            let n = rows.len() / quantized.codes.len();
            Kernels::best().dot_i8_rows(&quantized.codes, rows, &mut dots[..n]);
            if in_order.is_some() {
                margin.scores(&dots, codes, first, &mut out[first..first + n]);
                continue;
            }
            margin.scores(&dots, codes, first, &mut scores[..n]);
            for (i, &score) in scores[..n].iter().enumerate() {
                if let Some(slot) = self.owners.owner(first + i) {
                    let kept = &mut out[slot as usize];
                    *kept = if score > *kept { score } else { *kept };
                }
            }
        }
        for row in in_order.into_iter().flat_map(Chunked::iter) {
            out[row as usize] = f32::NEG_INFINITY;
        }
        Ok(())
    }

    /// The most that a score of [`FlatIndex::scores`] can differ from the f32 score.
    ///
    /// # Errors
    /// As [`admit`] for the query.
    pub fn slack(&self, query: &[f32]) -> Result<f32> {
        let (_, margin) = self.quantized(&self.prepared(query)?);
        Ok(margin.most(self.rows.codes()))
    }

    /// Exact f32 scores of some slots, in their order; minus infinity where a slot owns no vector.
    ///
    /// # Errors
    /// As [`admit`] for the query.
    pub fn score_slots(&self, query: &[f32], slots: &[Slot], out: &mut Vec<f32>) -> Result<()> {
        let query = self.prepared(query)?;
        out.clear();
        self.score_each(&query, slots, |_, score| out.push(score));
        Ok(())
    }

    /// Scores of some slots with a prepared, padded query.
    pub(super) fn score_each(&self, query: &[f32], slots: &[Slot], mut take: impl FnMut(Slot, f32)) {
        for (i, &slot) in slots.iter().enumerate() {
            if let Some(row) = slots.get(i + 2).and_then(|&slot| self.owners.rows_of(slot).next()) {
                self.prefetch_row(row);
            }
            let scores = self.owners.rows_of(slot).map(|row| self.score_row(query, row));
            take(slot, scores.fold(f32::NEG_INFINITY, f32::max));
        }
    }

    /// Score of a row with a query of [`FlatIndex::prepared`].
    #[inline]
    pub(super) fn score_row(&self, query: &[f32], row: usize) -> f32 {
        self.rows.score(self.metric, query, row)
    }

    /// Writes the vector of a row as it is scored to `out`, which has [`FlatIndex::dim`] elements, no padding.
    pub(super) fn decode_row(&self, row: usize, out: &mut [f32]) {
        self.rows.decode(row, out);
    }

    /// Asks for the memory of a row that is soon scored.
    #[inline]
    pub(super) fn prefetch_row(&self, row: usize) {
        self.rows.prefetch(row);
    }

    /// The codes of a row, padded, and the value of a step.
    pub(super) fn quantized_row(&self, row: usize) -> (&[i8], f32) {
        (self.rows.codes().matrix().row(row), self.rows.codes().scale(row))
    }

    /// The squared norm of a row, to the nearest f32 of its norm.
    pub(super) fn squared_norm_of(&self, row: usize) -> f32 {
        let norm = self.rows.codes().norm(row);
        norm * norm
    }

    /// The query checked, in the form that is scored, padded as the rows are.
    pub(super) fn prepared(&self, query: &[f32]) -> Result<Vec<f32>> {
        admit("query", query, self.dim(), self.metric)?;
        let mut padded = vec![0.0; self.rows.padded()];
        let vector = &mut padded[..query.len()];
        vector.copy_from_slice(query);
        self.metric.prepare(vector);
        Ok(padded)
    }

    /// Codes of a prepared query, padded as the rows of codes are, with the margin of its scores.
    pub(super) fn quantized(&self, query: &[f32]) -> (Quantized, Margin) {
        let query = &query[..self.dim()];
        let mut quantized = Quantized::new(query);
        let margin = Margin::new(self.metric, &quantized, Kernels::best().squared_norm(query), self.dim());
        quantized.codes.resize(self.rows.codes().matrix().stride(), 0);
        (quantized, margin)
    }
}
