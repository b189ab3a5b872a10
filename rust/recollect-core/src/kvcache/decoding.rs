//! Attention over pieces that are kept in different ways: products with codes, sums of codes, and both in one.
//!
//! Each piece gives an output and what its powers sum to; these make the whole (Milakov and Gimelshein, "Online normalizer
//! calculation for softmax", 2018), in the order of the pieces, whichever thread made which.

use super::coded::{Coded, Space, TILE};
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::simd::Kernels;

/// Tokens of a head that a thread takes at a time.
const SHARE: usize = 512;

/// Products of the queries of each head, `(heads, rows, dim)`, with its rows: `(heads, rows, tokens)`.
///
/// # Errors
/// [`Error::Invalid`] if queries do not belong to the heads; [`Error::Cancelled`].
pub fn products(
    queries: &[f32],
    rows: usize,
    heads: &[Coded<'_>],
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Vec<f32>> {
    let (tokens, dim) = heads.first().map_or((0, 1), |head| (head.tokens(), head.dim()));
    if queries.len() != heads.len() * rows * dim {
        return Err(Error::invalid("queries", "they do not belong to the heads"));
    }
    let mut found = vec![0.0; heads.len() * rows * tokens];
    let tasks = heads.iter().zip(found.chunks_mut((rows * tokens).max(1))).enumerate().collect();
    each(tasks, threads, cancel, Making::default, |making, (at, (head, out)), cancel| {
        let queries = &queries[at * rows * dim..][..rows * dim];
        let mut start = 0;
        making.ask(head, queries, rows);
        while start < tokens {
            let len = SHARE.min(tokens - start);
            making.logits(head, queries, start, len, cancel)?;
            for (row, some) in out.chunks_exact_mut(tokens).zip(making.logits.chunks_exact(len)) {
                row[start..start + len].copy_from_slice(some);
            }
            start += len;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Sums of the rows of each head by weights, `(heads, rows, tokens)`: `(heads, rows, dim)`.
///
/// # Errors
/// [`Error::Invalid`] if weights do not belong to the heads; [`Error::Cancelled`].
pub fn weighted_sums(
    weights: &[f32],
    rows: usize,
    heads: &[Coded<'_>],
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Vec<f32>> {
    let (tokens, dim) = heads.first().map_or((0, 1), |head| (head.tokens(), head.dim()));
    if weights.len() != heads.len() * rows * tokens {
        return Err(Error::invalid("weights", "they do not belong to the heads"));
    }
    let mut found = vec![0.0; heads.len() * rows * dim];
    let tasks = heads.iter().zip(found.chunks_mut((rows * dim).max(1))).enumerate().collect();
    each(tasks, threads, cancel, Making::default, |making, (at, (head, out)), cancel| {
        let weights = &weights[at * rows * tokens..][..rows * tokens];
        making.add(head, weights, tokens, 0, tokens, out, cancel)
    })?;
    Ok(found)
}

/// Keys and values of a head of a cache in one way, with the positions of their tokens.
#[derive(Debug, Clone, Copy)]
pub struct HeadSegment<'a> {
    /// The head, those of the first sequence first.
    pub head: usize,
    /// Its keys.
    pub keys: Coded<'a>,
    /// Its values.
    pub values: Coded<'a>,
    /// Of its tokens, in the sequence.
    pub positions: &'a [i64],
}

/// What attention gives for each head and row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attended {
    /// `(heads, rows, value dim)`, zeros where a row sees nothing.
    pub output: Vec<f32>,
    /// Logarithms of sums of powers, `(heads, rows)`; minus infinity for such a row.
    pub lse: Vec<f32>,
}

/// Attention of the queries of each head, `(heads, rows, dim)` and already scaled, over its segments; a row sees what has a
/// position up to `until`, `(heads, rows)`.
///
/// # Errors
/// [`Error::Invalid`] if parts do not belong together; [`Error::Cancelled`].
pub fn attend(
    queries: &[f32],
    until: &[i64],
    rows: usize,
    value_dim: usize,
    segments: &[HeadSegment<'_>],
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Attended> {
    let heads = until.len().checked_div(rows).unwrap_or(0);
    let dim = queries.len().checked_div(until.len()).unwrap_or(0);
    let fits = |one: &HeadSegment<'_>| {
        let tokens = one.keys.tokens();
        one.head < heads
            && one.values.tokens() == tokens
            && one.positions.len() == tokens
            && one.keys.dim() == dim
            && one.values.dim() == value_dim
    };
    if queries.len() != until.len() * dim || until.len() != heads * rows || !segments.iter().all(fits) {
        return Err(Error::invalid("segments", "they do not belong to the queries"));
    }
    let mut pieces: Vec<(&HeadSegment<'_>, usize, usize, Whole)> = Vec::new();
    for segment in segments {
        let tokens = segment.keys.tokens();
        let starts = (0..tokens).step_by(SHARE);
        pieces.extend(starts.map(|start| (segment, start, SHARE.min(tokens - start), Whole::default())));
    }
    each(pieces.iter_mut().collect(), threads, cancel, Making::default, |making, piece, cancel| {
        let (segment, start, len, whole) = piece;
        let queries = &queries[segment.head * rows * dim..][..rows * dim];
        let until = &until[segment.head * rows..][..rows];
        making.piece(segment, queries, until, *start, *len, whole, cancel)
    })?;
    let mut made =
        Attended { output: vec![0.0; heads * rows * value_dim], lse: vec![f32::NEG_INFINITY; heads * rows] };
    let mut sums = vec![0.0f64; heads * rows];
    for (segment, _, _, whole) in &pieces {
        let base = segment.head * rows;
        for (r, (&top, &total)) in whole.tops.iter().zip(&whole.totals).enumerate() {
            if total <= 0.0 {
                continue;
            }
            // `lse` holds the greatest logit until all pieces are in, `sums` the powers below it.
            let (lse, sum) = (&mut made.lse[base + r], &mut sums[base + r]);
            let greatest = lse.max(top);
            let (held, new) = (f64::from(*lse - greatest).exp(), f64::from(top - greatest).exp());
            *sum = *sum * held + total * new;
            *lse = greatest;
            let out = &mut made.output[(base + r) * value_dim..][..value_dim];
            for (out, x) in out.iter_mut().zip(&whole.output[r * value_dim..]) {
                *out = (f64::from(*out) * held + f64::from(*x) * new) as f32;
            }
        }
    }
    for ((lse, &sum), out) in made.lse.iter_mut().zip(&sums).zip(made.output.chunks_mut(value_dim.max(1))) {
        // What is not a number stays so: zeros are for a row that sees nothing.
        if sum != 0.0 {
            *lse = (f64::from(*lse) + sum.ln()) as f32;
            out.iter_mut().for_each(|x| *x = (f64::from(*x) / sum) as f32);
        }
    }
    Ok(made)
}

/// Of the rows of one piece: greatest logits, sums of powers below these, and sums of values by them.
#[derive(Default)]
struct Whole {
    tops: Vec<f32>,
    totals: Vec<f64>,
    output: Vec<f32>,
}

#[derive(Default)]
struct Making {
    space: Space,
    tile: Vec<f32>,
    asked: Vec<f32>,
    mean: Vec<f32>,
    logits: Vec<f32>,
    some: Vec<f32>,
    sums: Vec<f32>,
}

impl Making {
    /// Turns queries the way the rows of a head are.
    fn ask(&mut self, head: &Coded<'_>, queries: &[f32], rows: usize) {
        let (dim, width) = (head.dim(), head.width());
        self.asked.resize(rows * width, 0.0);
        for (query, out) in queries.chunks_exact(dim).zip(self.asked.chunks_exact_mut(width)) {
            head.toward(query, out);
        }
    }

    /// Products of queries, which were asked, with rows `start..start + len`, `(rows, len)`.
    fn logits(
        &mut self,
        head: &Coded<'_>,
        queries: &[f32],
        start: usize,
        len: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let (kernels, dim, width) = (Kernels::best(), head.dim(), head.width());
        let rows = self.asked.len() / width;
        self.logits.resize(rows * len, 0.0);
        for from in (0..len).step_by(TILE) {
            if from.is_multiple_of(16 * TILE) {
                cancel.check()?;
            }
            let count = TILE.min(len - from);
            self.tile.resize(count * width, 0.0);
            head.tile(start + from, count, &mut self.space, &mut self.tile);
            self.some.resize(count * rows, 0.0);
            kernels.dot_batch(&self.asked, width, &self.tile, &mut self.some);
            for (t, some) in self.some.chunks_exact(rows).enumerate() {
                some.iter().enumerate().for_each(|(r, &x)| self.logits[r * len + from + t] = x);
            }
        }
        let mut at = start;
        while at < start + len {
            let Some(end) = head.mean(at, &mut self.mean) else { break };
            let end = end.min(start + len);
            for (query, logits) in queries.chunks_exact(dim).zip(self.logits.chunks_exact_mut(len)) {
                let base = kernels.dot(query, &self.mean);
                logits[at - start..end - start].iter_mut().for_each(|x| *x += base);
            }
            at = end;
        }
        Ok(())
    }

    /// Adds rows `start..start + len` by weights, `(rows, stride)`, to `out`, `(rows, dim)`.
    #[expect(clippy::too_many_arguments, reason = "where and what is added")]
    fn add(
        &mut self,
        head: &Coded<'_>,
        weights: &[f32],
        stride: usize,
        start: usize,
        len: usize,
        out: &mut [f32],
        cancel: Cancel<'_>,
    ) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let (kernels, dim, width) = (Kernels::best(), head.dim(), head.width());
        let rows = out.len() / dim;
        self.sums.clear();
        self.sums.resize(rows * width, 0.0);
        for from in (0..len).step_by(TILE) {
            if from.is_multiple_of(16 * TILE) {
                cancel.check()?;
            }
            let count = TILE.min(len - from);
            self.tile.resize(count * width, 0.0);
            head.tile(start + from, count, &mut self.space, &mut self.tile);
            kernels.add_by_weights(&self.tile, width, &weights[from..], stride, &mut self.sums);
        }
        for (sums, out) in self.sums.chunks_exact_mut(width).zip(out.chunks_exact_mut(dim)) {
            head.back(sums, out);
        }
        let mut at = start;
        while at < start + len {
            let Some(end) = head.mean(at, &mut self.mean) else { break };
            let end = end.min(start + len);
            for (weights, out) in weights.chunks(stride).zip(out.chunks_exact_mut(dim)) {
                kernels.add_scaled(&self.mean, kernels.sum(&weights[at - start..end - start]), out);
            }
            at = end;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "where and what is seen")]
    fn piece(
        &mut self,
        segment: &HeadSegment<'_>,
        queries: &[f32],
        until: &[i64],
        start: usize,
        len: usize,
        whole: &mut Whole,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let kernels = Kernels::best();
        self.ask(&segment.keys, queries, until.len());
        self.logits(&segment.keys, queries, start, len, cancel)?;
        let positions = &segment.positions[start..start + len];
        let mut weights = std::mem::take(&mut self.logits);
        for (logits, &until) in weights.chunks_exact_mut(len).zip(until) {
            let mut broken = false;
            for (x, &position) in logits.iter_mut().zip(positions) {
                *x = if position <= until { *x } else { f32::NEG_INFINITY };
                broken |= x.is_nan();
            }
            let top = kernels.top(logits);
            if top.is_finite() && !broken {
                kernels.powers(logits, top);
                whole.tops.push(top);
                whole.totals.push(f64::from(kernels.sum(logits)));
            } else {
                let nothing = if broken || top == f32::INFINITY { f32::NAN } else { 0.0 };
                logits.fill(nothing);
                whole.tops.push(if nothing == 0.0 { f32::NEG_INFINITY } else { 0.0 });
                whole.totals.push(f64::from(nothing));
            }
        }
        whole.output.resize(until.len() * segment.values.dim(), 0.0);
        let done = self.add(&segment.values, &weights, len, start, len, &mut whole.output, cancel);
        self.logits = weights;
        done
    }
}
