//! The vectors of a namespace: every kind of search over them behind one face.

use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::scored::Scored;
use crate::vector::batch::{SHARE, TOGETHER, shared};
use crate::vector::cells::{Cells, Reach};
use crate::vector::plan::Sizes;
use crate::vector::{FlatIndex, Keep, Metric, Plan, Way, admit};

/// Vectors of one dimension under one metric; a slot may own several, and scores as the best of them.
#[derive(Debug)]
pub struct VectorIndex {
    flat: FlatIndex,
    /// From [`SKETCHED`] vectors on.
    cells: Option<Cells>,
}

/// Vectors from which bit codes are kept: below, a scan of all is as fast.
const SKETCHED: usize = 1_024;

/// Vectors of one call from which they are placed together.
const MANY: usize = 2 * SKETCHED;

/// The recall of a search that asks for none.
pub const DEFAULT_RECALL: f64 = 0.99;

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
        Ok(Self { flat: FlatIndex::with_keep(dim, metric, keep)?, cells: None })
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
        self.flat.bytes() + self.cells.as_ref().map_or(0, Cells::bytes)
    }

    /// Number of cells there are to choose from; none below about a thousand vectors.
    pub fn cells(&self) -> usize {
        self.cells.as_ref().map_or(0, Cells::cells)
    }

    /// Writes the first vector of a slot to `out` as it is scored, see [`FlatIndex::vectors`]; false where it owns none.
    ///
    /// # Panics
    /// If `out` has not [`VectorIndex::dim`] elements.
    #[must_use]
    pub fn vector(&self, slot: Slot, out: &mut [f32]) -> bool {
        let row = self.flat.owners.rows_of(slot).next();
        row.is_some_and(|row| {
            self.flat.decode_row(row, out);
            true
        })
    }

    /// Refuses a vector that [`VectorIndex::insert`] would refuse, under the name of the caller's argument.
    ///
    /// # Errors
    /// As [`FlatIndex::check`].
    pub fn check(&self, argument: &str, vector: &[f32]) -> Result<()> {
        self.flat.check(argument, vector)
    }

    /// Adds a vector to a slot.
    ///
    /// # Errors
    /// As [`FlatIndex::insert`]; the index is unchanged by a failure.
    pub fn insert(&mut self, slot: Slot, vector: &[f32]) -> Result<()> {
        let row = self.flat.insert_row(slot, vector)?;
        self.insert_into_cells(row);
        Ok(())
    }

    /// Adds many vectors, one to each slot, on up to `threads` threads; `feed` is given a function to call with the place
    /// of a slot and its vector.
    ///
    /// Where they outnumber what is there, the cells are made anew from all vectors.
    ///
    /// # Errors
    /// As [`VectorIndex::insert`], what `feed` brings, and [`Error::Cancelled`](crate::error::Error::Cancelled); some of
    /// the slots own their vector then, and the caller takes them out.
    pub(crate) fn insert_many(
        &mut self,
        slots: &[Slot],
        threads: usize,
        cancel: Cancel<'_>,
        feed: impl FnOnce(&mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        if slots.len() < MANY {
            return feed(&mut |at, vector| self.insert(slots[at], vector));
        }
        self.flat.rows.reserve_many(slots.len(), threads)?;
        let (flat, mut rows) = (&mut self.flat, Vec::with_capacity(slots.len()));
        feed(&mut |at, vector| {
            rows.push(flat.insert_row(slots[at], vector)?);
            Ok(())
        })?;
        let done = match &mut self.cells {
            Some(cells) if 2 * rows.len() < self.flat.len() => {
                cells.insert_many(&self.flat, &rows, threads, cancel)
            }
            cells => Cells::build(&self.flat, threads, cancel).map(|built| *cells = Some(built)),
        };
        match done {
            Err(Error::Cancelled) => Err(Error::Cancelled),
            done => {
                self.keep_cells(done);
                Ok(())
            }
        }
    }

    /// Adds a vector that [`VectorIndex::vector`] gave, bit for bit: of length one it is not divided again.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) without memory; there is always room for one that was taken out.
    pub(crate) fn restore(&mut self, slot: Slot, kept: &[f32]) -> Result<()> {
        let row = self.flat.place(slot, |row| row.copy_from_slice(kept))?;
        self.insert_into_cells(row);
        Ok(())
    }

    fn insert_into_cells(&mut self, row: usize) {
        let done = match &mut self.cells {
            Some(cells) => cells.insert(&self.flat, row),
            None if self.flat.len() == SKETCHED => self.sketch(),
            None => Ok(()),
        };
        self.keep_cells(done);
    }

    /// Takes all vectors of a slot out, overwrites them, and gives their number.
    pub fn remove(&mut self, slot: Slot) -> usize {
        let rows: Vec<usize> = self.flat.owners.rows_of(slot).collect();
        if let Some(cells) = &mut self.cells {
            let done = rows.iter().try_for_each(|&row| cells.remove(&self.flat, row));
            self.keep_cells(done);
        }
        self.flat.remove(slot)
    }

    /// Makes the cells of all rows.
    fn sketch(&mut self) -> Result<()> {
        let mut cells = Cells::new(self.dim(), self.metric())?;
        for row in (0..self.flat.owners.rows()).filter(|&row| self.flat.owners.owner(row).is_some()) {
            cells.insert(&self.flat, row)?;
        }
        self.cells = Some(cells);
        Ok(())
    }

    /// Goes on without cells where there is no memory for them: every search is exact then.
    fn keep_cells(&mut self, done: Result<()>) {
        if done.is_err() {
            self.cells = None;
        }
    }

    /// How a search for the best `k` goes: the cheapest way on this machine that is expected to find a share of `recall` of
    /// them, in `(0, 1]`; at 1 the answer is exact.
    pub fn plan(&self, k: usize, recall: f64, allow: Option<&Bitmap>) -> Plan {
        let of = self.cells();
        let sizes = Sizes {
            rows: self.flat.owners.rows(),
            entries: self.cells.as_ref().map_or(0, Cells::entries),
            dim: self.dim(),
            words: self.cells.as_ref().map_or(0, Cells::words),
            allowed: allow.map(Bitmap::len),
        };
        let (exact, most) = sizes.exact(of);
        let Some(cells) = self.cells.as_ref().filter(|_| recall < 1.0 && k <= sizes.rows / 4) else {
            return exact;
        };
        let let_through = allow.map_or(1.0, |allow| allow.len() as f64 / self.slots().max(1) as f64);
        let (reach, expected) = cells.reach(k as f64 / let_through.clamp(1e-9, 1.0), recall);
        if sizes.cells(reach.cells, of) >= most {
            return exact;
        }
        let way = if reach.cells < of { Way::Cells } else { Way::Sketch };
        Plan { way, cells: reach.cells, of, slack: reach.slack, expected }
    }

    /// How far a search of cells goes, whatever it costs.
    #[cfg(test)]
    pub(super) fn reach_for_tests(&self, k: f64, recall: f64) -> Option<(Reach, f64)> {
        self.cells.as_ref().map(|cells| cells.reach(k, recall))
    }

    /// The best `k` slots among `allow` (all without it) that a plan finds, best first by their f32 scores, ties by
    /// ascending slot. Fewer than `k` where fewer are allowed, or lie in the cells visited.
    ///
    /// # Errors
    /// As [`FlatIndex::search`].
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        plan: &Plan,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let query = self.flat.prepared(query)?;
        self.follow(&query, k.min(self.slots()), allow, plan, cancel)
    }

    fn follow(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        plan: &Plan,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        if k == 0 {
            return Ok(Vec::new());
        }
        match (plan.way, allow, &self.cells) {
            (Way::Listed, Some(allow), _) => self.flat.search_listed(query, k, allow, cancel),
            (Way::Sketch | Way::Cells, _, Some(cells)) => {
                let reach = Reach { cells: plan.cells, slack: plan.slack };
                cells.search(&self.flat, query, k, allow, reach, cancel)
            }
            _ => self.flat.search_prepared(query, k, allow, cancel),
        }
    }

    /// As [`VectorIndex::search`] for many queries, `(queries, dim)` one after the other, on up to `threads` threads.
    ///
    /// # Errors
    /// As [`FlatIndex::search`]; [`Error::Invalid`](crate::error::Error::Invalid) names the query by its position.
    pub fn search_many(
        &self,
        queries: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        plan: &Plan,
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Scored>>> {
        let queries: Vec<&[f32]> = queries.chunks(self.dim()).collect();
        for (at, query) in queries.iter().enumerate() {
            admit(&format!("queries[{at}]"), query, self.dim(), self.metric())?;
        }
        let k = k.min(self.slots());
        shared(queries.len(), SHARE, threads, cancel, |share, cancel| {
            let prepared = queries[share].iter().map(|query| self.flat.prepared(query));
            let prepared = prepared.collect::<Result<Vec<_>>>()?;
            let groups = prepared.chunks(TOGETHER);
            match (plan.way, &self.cells) {
                (Way::Sketch, Some(cells)) if k > 0 => groups
                    .map(|group| cells.search_together(&self.flat, group, k, allow, plan.slack, cancel))
                    .collect::<Result<Vec<_>>>()
                    .map(|found| found.into_iter().flatten().collect()),
                (Way::Exact, _) if allow.is_none() => groups
                    .map(|group| self.flat.search_together(group, k, None, cancel))
                    .collect::<Result<Vec<_>>>()
                    .map(|found| found.into_iter().flatten().collect()),
                _ => prepared.iter().map(|query| self.follow(query, k, allow, plan, cancel)).collect(),
            }
        })
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
        let cells = self.cells.iter().flat_map(|cells| cells.encode_chunks(&self.flat));
        self.flat.encode_chunks().chain(cells)
    }

    /// Reads the pieces of [`VectorIndex::encode_chunks`], holding one at a time.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) for anything else, and whatever the pieces bring.
    pub fn decode_chunks<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = Result<B>>) -> Result<Self> {
        let mut pieces = pieces.into_iter();
        let flat = FlatIndex::decode_from(&mut pieces)?;
        let cells = Cells::decode_chunks(&flat, pieces)?;
        let mut index = Self { flat, cells };
        if index.cells.is_none() && index.len() >= SKETCHED {
            let done = index.sketch();
            index.keep_cells(done);
        }
        Ok(index)
    }
}
