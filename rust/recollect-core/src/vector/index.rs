//! The vectors of a namespace: every kind of search over them behind one face.

use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;
use crate::scored::Scored;
use crate::vector::cells::{Cells, Reach};
use crate::vector::{FlatIndex, Keep, Metric};

/// Vectors of one dimension under one metric; a slot may own several, and scores as the best of them.
#[derive(Debug)]
pub struct VectorIndex {
    flat: FlatIndex,
    cells: Cells,
}

impl VectorIndex {
    /// An empty index of `dim` dimensions, 1..=8192, that keeps f32.
    ///
    /// # Errors
    /// As [`FlatIndex::new`].
    pub fn new(dim: usize, metric: Metric) -> Result<Self> {
        Self::with_keep(dim, metric, Keep::F32)
    }

    /// An empty index that keeps vectors in a form of its own.
    ///
    /// # Errors
    /// As [`FlatIndex::new`].
    pub fn with_keep(dim: usize, metric: Metric, keep: Keep) -> Result<Self> {
        Ok(Self { flat: FlatIndex::with_keep(dim, metric, keep)?, cells: Cells::new(dim, metric)? })
    }

    /// The form in which vectors are kept.
    pub fn keep(&self) -> Keep {
        self.flat.keep()
    }

    /// Dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.flat.dim()
    }

    /// How closeness is measured.
    pub fn metric(&self) -> Metric {
        self.flat.metric()
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.flat.len()
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.flat.is_empty()
    }

    /// Number of slots that own a vector.
    pub fn slots(&self) -> usize {
        self.flat.slots()
    }

    /// One more than the greatest slot that ever owned a vector: the least length for [`VectorIndex::scores`].
    pub fn slots_end(&self) -> usize {
        self.flat.slots_end()
    }

    /// Whether the slot owns a vector.
    pub fn contains(&self, slot: Slot) -> bool {
        self.flat.contains(slot)
    }

    /// Bytes of memory reserved.
    pub fn bytes(&self) -> usize {
        self.flat.bytes() + self.cells.bytes()
    }

    /// Adds a vector to a slot.
    ///
    /// # Errors
    /// As [`FlatIndex::insert`]; the index is unchanged by a failure.
    pub fn insert(&mut self, slot: Slot, vector: &[f32]) -> Result<()> {
        let row = self.flat.insert_row(slot, vector)?;
        self.cells.insert(&self.flat, row)
    }

    /// Takes all vectors of a slot out, overwrites them, and gives their number.
    pub fn remove(&mut self, slot: Slot) -> usize {
        let rows: Vec<usize> = self.flat.owners.rows_of(slot).collect();
        for row in rows {
            let _ = self.cells.remove(&self.flat, row);
        }
        self.flat.remove(slot)
    }

    /// EXPERIMENT
    ///
    /// # Errors
    /// As search.
    pub fn approx(
        &self,
        query: &[f32],
        k: usize,
        cells: usize,
        slack: f32,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let query = self.flat.prepared(query)?;
        self.cells.search(&self.flat, &query, k, allow, Reach { cells, slack }, cancel)
    }

    /// EXPERIMENT
    pub fn reach(&self, k: f64, target: f64) -> Option<(usize, f32, f64)> {
        self.cells.reach(k, target).map(|(r, e)| (r.cells, r.slack, e))
    }
    /// EXPERIMENT
    pub fn dump(&self) -> (Vec<f32>, Vec<u32>) {
        self.cells.dump(self.dim())
    }
    /// EXPERIMENT
    pub fn sweep(&mut self) {
        self.cells.sweep(&self.flat);
    }

    /// EXPERIMENT
    pub fn cell_count(&self) -> usize {
        self.cells.cells()
    }

    /// The best `k` slots among `allow` (all without it), best first, ties by ascending slot.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        self.flat.search(query, k, allow, cancel)
    }

    /// Scores of all slots on the int8 codes, see [`FlatIndex::scores`].
    ///
    /// # Errors
    /// As [`FlatIndex::scores`].
    pub fn scores(&self, query: &[f32], out: &mut [f32], cancel: Cancel<'_>) -> Result<()> {
        self.flat.scores(query, out, cancel)
    }

    /// The most that a score of [`VectorIndex::scores`] can differ from the f32 score.
    ///
    /// # Errors
    /// As [`FlatIndex::slack`].
    pub fn slack(&self, query: &[f32]) -> Result<f32> {
        self.flat.slack(query)
    }

    /// Exact scores of some slots, in their order; minus infinity where a slot owns no vector.
    ///
    /// # Errors
    /// As [`FlatIndex::score_slots`].
    pub fn score_slots(&self, query: &[f32], slots: &[Slot], out: &mut Vec<f32>) -> Result<()> {
        self.flat.score_slots(query, slots, out)
    }

    /// The index as pieces of bytes; [`VectorIndex::decode_chunks`] wants the same pieces in the same order.
    pub fn encode_chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.flat.encode_chunks()
    }

    /// Reads the pieces of [`VectorIndex::encode_chunks`], holding one at a time.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) for anything else, and whatever the pieces bring.
    pub fn decode_chunks<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = Result<B>>) -> Result<Self> {
        let flat = FlatIndex::decode_chunks(pieces)?;
        let mut cells = Cells::new(flat.dim(), flat.metric())?;
        for row in 0..flat.owners.rows() {
            cells.insert(&flat, row)?;
        }
        Ok(Self { flat, cells })
    }
}
