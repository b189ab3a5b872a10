//! Search on the codes first, on the rows themselves only where the codes leave a doubt.
//!
//! Each row has an interval that holds its f32 score. The k-th greatest lower end is a score that k slots reach for
//! sure, so a row whose upper end lies below it is out. What is left is scored in f32, most promising first, until the
//! upper ends fall below the k-th best f32 score. Hence the result is that of the f32 scan, ties included.

use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::scored::Scored;
use crate::simd::{self, Kernels};
use crate::vector::flat::{BLOCK, CHECKPOINT, FlatIndex, GROUP};
use crate::vector::margin::{self, Margin};
use crate::vector::{Quantized, TopK};

/// Reading a row by itself costs about as much as scanning the codes of this many.
const GATHER: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Candidate {
    row: usize,
    upper: f32,
}

impl FlatIndex {
    /// The best `k` slots among `allow` (all without it), best first, ties by ascending slot.
    ///
    /// Reads the int8 codes, and the f32 rows only of what could be among the best; the result has the bits of
    /// [`FlatIndex::search_f32`].
    ///
    /// # Errors
    /// As [`admit`](crate::vector::admit) for the query; [`Error::Cancelled`](crate::error::Error::Cancelled) if asked to stop.
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        let query = self.prepared(query)?;
        self.search_prepared(&query, k.min(self.slots()), allow, cancel)
    }

    /// As [`FlatIndex::search`] for a prepared, padded query.
    pub(super) fn search_prepared(
        &self,
        query: &[f32],
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        search(self, query, k, allow, cancel)
    }

    /// As [`FlatIndex::search`] for several prepared, padded queries, which read each block of codes together.
    pub(super) fn search_together(
        &self,
        queries: &[Vec<f32>],
        k: usize,
        allow: Option<&Bitmap>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Scored>>> {
        let k = k.min(self.slots());
        if k == 0 {
            return Ok(vec![Vec::new(); queries.len()]);
        }
        search_together(self, queries, k, allow, cancel)
    }

    /// The best `k` of the allowed slots for a prepared, padded query, one by one.
    pub(super) fn search_listed(
        &self,
        query: &[f32],
        k: usize,
        allow: &Bitmap,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Scored>> {
        gather(self, query, k.min(self.slots()), allow, cancel)
    }
}

/// The best `k` slots for a prepared, padded query.
fn search(
    index: &FlatIndex,
    query: &[f32],
    k: usize,
    allow: Option<&Bitmap>,
    cancel: Cancel<'_>,
) -> Result<Vec<Scored>> {
    if k == 0 {
        return Ok(Vec::new());
    }
    if let Some(allow) = allow
        && allow.len() < index.owners.rows() / GATHER
    {
        return gather(index, query, k, allow, cancel);
    }
    let queries = [query];
    search_together(index, &queries, k, allow, cancel).map(|mut found| found.pop().unwrap_or_default())
}

/// The best `k` slots for each prepared, padded query, which read each block of codes together.
fn search_together<Q: AsRef<[f32]>>(
    index: &FlatIndex,
    queries: &[Q],
    k: usize,
    allow: Option<&Bitmap>,
    cancel: Cancel<'_>,
) -> Result<Vec<Vec<Scored>>> {
    // With every fourth row in the answer the codes rule out little.
    if k > index.owners.rows() / 4 {
        return queries.iter().map(|query| index.scan(query.as_ref(), k, allow, cancel)).collect();
    }
    let coded: Vec<_> = queries.iter().map(|query| index.quantized(query.as_ref())).collect();
    let mut sifts: Vec<_> = coded.iter().map(|coded| Sift::new(index, coded, k, allow)).collect();
    for (first, rows) in index.rows.codes().matrix().blocks(BLOCK) {
        if first % CHECKPOINT < BLOCK {
            cancel.check()?;
        }
        sifts.iter_mut().for_each(|sift| sift.take(first, rows));
    }
    let answer = |(sift, query): (Sift<'_>, &Q)| match sift.candidates() {
        Some(candidates) => rerank(index, query.as_ref(), k, candidates, cancel),
        None => index.scan(query.as_ref(), k, allow, cancel),
    };
    sifts.into_iter().zip(queries).map(answer).collect()
}

/// Scores the allowed slots one by one.
fn gather(
    index: &FlatIndex,
    query: &[f32],
    k: usize,
    allow: &Bitmap,
    cancel: Cancel<'_>,
) -> Result<Vec<Scored>> {
    let mut best = TopK::new(k);
    let slots: Vec<_> = allow.iter().filter(|&slot| index.contains(slot)).collect();
    for slots in slots.chunks(CHECKPOINT) {
        cancel.check()?;
        index.score_each(query, slots, |slot, score| best.push(Scored { slot, score }));
    }
    Ok(best.into_sorted())
}

/// Rows offered one by one: their codes are fetched some at a time, and what these rule out is dropped at once.
pub(super) struct Narrowing<'a> {
    index: &'a FlatIndex,
    query: &'a Quantized,
    margin: &'a Margin,
    allow: Option<&'a Bitmap>,
    pending: [u32; FETCHED],
    waiting: usize,
    found: Vec<Candidate>,
    sure: TopK,
    k: usize,
}

/// Rows whose codes are on their way at a time.
const FETCHED: usize = margin::TOGETHER;

impl<'a> Narrowing<'a> {
    pub(super) fn new(
        index: &'a FlatIndex,
        query: &'a Quantized,
        margin: &'a Margin,
        k: usize,
        allow: Option<&'a Bitmap>,
    ) -> Self {
        let (pending, waiting, found) = ([0; FETCHED], 0, Vec::with_capacity(8 * k.min(64)));
        Self { index, query, margin, allow, pending, waiting, found, sure: TopK::new(k), k }
    }

    /// What a score must reach to matter.
    #[inline]
    pub(super) fn floor(&self) -> f32 {
        self.sure.floor()
    }

    /// Takes a row into the running.
    #[inline]
    pub(super) fn offer(&mut self, row: u32) {
        if let Some(allow) = self.allow
            && !self.index.owners.owner(row as usize).is_some_and(|slot| allow.contains(slot))
        {
            return;
        }
        simd::prefetch(self.index.rows.codes().matrix().row(row as usize));
        self.pending[self.waiting] = row;
        self.waiting += 1;
        if self.waiting == FETCHED {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let (index, n) = (self.index, self.waiting);
        let rows = &self.pending[..n];
        let (mut codes, mut dots, mut upper) = ([&[][..]; FETCHED], [0; FETCHED], [0.0; FETCHED]);
        for (codes, &row) in codes.iter_mut().zip(rows) {
            *codes = index.rows.codes().matrix().row(row as usize);
        }
        Kernels::best().dot_i8_each(&self.query.codes, &codes[..n], &mut dots[..n]);
        self.margin.upper_each(&dots[..n], index.rows.codes(), rows, &mut upper);
        for (&row, upper) in rows.iter().zip(upper) {
            let row = row as usize;
            if upper >= self.sure.floor()
                && let Some(slot) = index.owners.owner(row)
            {
                self.found.push(Candidate { row, upper });
                let score = self.margin.lower(upper, index.rows.codes(), row);
                self.sure.push(Scored { slot, score });
            }
        }
        self.waiting = 0;
    }

    /// The best of what was offered, by f32 scores.
    pub(super) fn finish(mut self, query: &[f32], cancel: Cancel<'_>) -> Result<Vec<Scored>> {
        self.flush();
        self.sure.settle();
        let floor = self.sure.floor();
        self.found.retain(|candidate| candidate.upper >= floor);
        self.found.sort_unstable_by(|a, b| b.upper.total_cmp(&a.upper).then(a.row.cmp(&b.row)));
        self.found.dedup_by_key(|candidate| candidate.row);
        rerank(self.index, query, self.k, self.found, cancel)
    }
}

/// Rows that may be among the best, block by block.
struct Sift<'a> {
    index: &'a FlatIndex,
    query: &'a Quantized,
    margin: &'a Margin,
    allow: Option<&'a Bitmap>,
    found: Vec<Candidate>,
    sure: TopK,
    most: usize,
    /// Whether there are too many to be worth it.
    over: bool,
}

impl<'a> Sift<'a> {
    fn new(
        index: &'a FlatIndex,
        (query, margin): &'a (Quantized, Margin),
        k: usize,
        allow: Option<&'a Bitmap>,
    ) -> Self {
        let most = index.owners.rows() / 4 + 4 * k + BLOCK;
        Self { index, query, margin, allow, found: Vec::new(), sure: TopK::new(k), most, over: false }
    }

    /// Takes a block of rows of codes.
    fn take(&mut self, first: usize, rows: &[i8]) {
        if self.over {
            return;
        }
        let (mut dots, mut upper) = ([0; BLOCK], [0.0; BLOCK]);
        let (codes, n) = (self.index.rows.codes(), rows.len() / self.query.codes.len());
        Kernels::best().dot_i8_rows(&self.query.codes, rows, &mut dots[..n]);
        self.margin.upper(&dots, codes, first, &mut upper[..n]);
        for (group, upper) in upper[..n].chunks(GROUP).enumerate() {
            if !self.sure.reached_by(upper) {
                continue;
            }
            for (i, &upper) in upper.iter().enumerate() {
                let row = first + group * GROUP + i;
                if upper >= self.sure.floor()
                    && let Some(slot) = self.index.owners.owner(row)
                    && self.allow.is_none_or(|allow| allow.contains(slot))
                {
                    self.found.push(Candidate { row, upper });
                    self.sure.push(Scored { slot, score: self.margin.lower(upper, codes, row) });
                }
            }
        }
        if self.found.len() > self.most {
            self.cut();
            self.over = self.found.len() > self.most / 2;
        }
    }

    fn cut(&mut self) {
        self.sure.settle();
        let floor = self.sure.floor();
        self.found.retain(|candidate| candidate.upper >= floor);
    }

    /// The rows by their bounds, or nothing if they were too many.
    fn candidates(mut self) -> Option<Vec<Candidate>> {
        if self.over {
            return None;
        }
        self.cut();
        self.found.sort_unstable_by(|a, b| b.upper.total_cmp(&a.upper));
        Some(self.found)
    }
}

/// Scores candidates in f32, in the order of their upper ends, until none can reach the best.
fn rerank(
    index: &FlatIndex,
    query: &[f32],
    k: usize,
    candidates: Vec<Candidate>,
    cancel: Cancel<'_>,
) -> Result<Vec<Scored>> {
    let mut best = TopK::new(k);
    for (i, &Candidate { row, upper }) in candidates.iter().enumerate() {
        if i % CHECKPOINT == CHECKPOINT - 1 {
            cancel.check()?;
        }
        if i >= k && i % GROUP == k % GROUP {
            best.settle();
        }
        if upper < best.floor() {
            break;
        }
        if let Some(next) = candidates.get(i + 2) {
            index.prefetch_row(next.row);
        }
        if let Some(slot) = index.owners.owner(row) {
            best.push(Scored { slot, score: index.score_row(query, row) });
        }
    }
    Ok(best.into_sorted())
}
