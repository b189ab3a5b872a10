//! What queries of a layer pay to its tokens, summed up over the queries.
//!
//! The logits of some queries to all tokens are held at a time, 64 rows of them: never queries by tokens of a head.

use super::layer::Layer;
use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::simd::{KEYS, Kernels};

/// Queries whose logits are held at a time.
const TOGETHER: usize = 64;

/// Queries from which on it pays to lay keys beside each other.
const ROWS: usize = 6;

/// Tokens whose probabilities are added up in f32.
const FEW: usize = 1024;

/// What was received.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    /// `(batch, query heads, tokens)`, not a number where a token does not count.
    pub sums: Vec<f32>,
    /// Queries of each sequence that voted.
    pub votes: Vec<usize>,
}

/// The tokens and queries of one sequence that count, by place in the sequence.
struct Places {
    /// Where tokens are in the arrays, and which of the sequence they are.
    tokens: Vec<(u32, u32)>,
    /// The same of queries, whose rows are those of their own array.
    queries: Vec<(u32, u32)>,
}

/// Adds up the attention that the last `window` queries of each sequence pay, each seeing up to itself; the last counts in
/// full, each before it `decay` times the one after.
///
/// `queries` are rows of `(batch, query heads)`, of all tokens or of the last ones.
///
/// # Errors
/// [`Error::Invalid`] if queries do not belong to the layer; [`Error::Cancelled`].
pub fn received(
    layer: &Layer<'_>,
    queries: &[Rows<'_>],
    window: usize,
    decay: f64,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Received> {
    let batch = layer.present.len();
    if batch == 0 {
        return Ok(Received::default());
    }
    let per = queries.len() / batch;
    let dims = layer.keys.iter().zip(queries).all(|(key, query)| key.dim() == query.dim());
    if queries.len() != batch * per || layer.heads == 0 || !per.is_multiple_of(layer.heads) || !dims {
        return Err(Error::invalid("queries", "they do not belong to the keys"));
    }
    let counting = layer.counting(threads, cancel)?;
    let mut places = Vec::with_capacity(batch);
    for (index, counting) in counting.iter().enumerate() {
        places.push(places_of(layer, &queries[index * per..(index + 1) * per], index, counting, window));
    }
    let tokens = layer.tokens();
    let mut sums = vec![f32::NAN; queries.len() * tokens];
    let tasks = sums.chunks_mut(tokens.max(1)).enumerate().collect();
    each(tasks, threads, cancel, Space::default, |space, (at, out), cancel| {
        let (Some(query), Some(places)) = (queries.get(at), places.get(at / per)) else { return Ok(()) };
        let keys = &layer.keys[at / (per / layer.heads)];
        space.sum(keys, query, places, decay, out, cancel)
    })?;
    Ok(Received { sums, votes: places.iter().map(|places| places.queries.len()).collect() })
}

fn places_of(
    layer: &Layer<'_>,
    queries: &[Rows<'_>],
    index: usize,
    counting: &[u32],
    window: usize,
) -> Places {
    let present = &layer.present[index];
    let mut next = counting.iter().copied().peekable();
    let mut tokens = Vec::with_capacity(counting.len());
    for (place, &at) in present.iter().enumerate() {
        if next.next_if_eq(&at).is_some() {
            tokens.push((at, place as u32));
        }
    }
    let given = queries.first().map_or(0, Rows::tokens);
    let whole = given == layer.tokens();
    let count = if whole { present.len() } else { given.min(present.len()) };
    let first = present.len() - count;
    let row = |i: usize| if whole { present[i] } else { (given - count + i) as u32 };
    let finite = |row: u32| queries.iter().all(|query| query.finite(row as usize, 1));
    let mut kept: Vec<(u32, u32)> = Vec::new();
    for i in (0..count).rev() {
        if kept.len() == window {
            break;
        }
        if finite(row(i)) {
            kept.push((row(i), (first + i) as u32));
        }
    }
    kept.reverse();
    Places { tokens, queries: kept }
}

#[derive(Default)]
struct Space {
    rows: Vec<f32>,
    panel: Vec<f32>,
    queries: Vec<f32>,
    logits: Vec<f32>,
    some: Vec<f32>,
    sums: Vec<f64>,
}

impl Space {
    fn sum(
        &mut self,
        keys: &Rows<'_>,
        query: &Rows<'_>,
        places: &Places,
        decay: f64,
        out: &mut [f32],
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let count = places.tokens.len();
        self.sums.clear();
        self.sums.resize(count, 0.0);
        let last = places.queries.len();
        for (block, queries) in places.queries.chunks(TOGETHER).enumerate() {
            // Nothing behind the last query is seen.
            let until = queries[queries.len() - 1].1;
            let seen = places.tokens.partition_point(|token| token.1 <= until);
            let stride = seen.next_multiple_of(KEYS);
            self.logits_of(keys, query, &places.tokens[..seen], queries, stride, cancel)?;
            self.some.clear();
            self.some.resize(seen, 0.0);
            let kernels = Kernels::best();
            for (r, (logits, own)) in self.logits.chunks_exact_mut(stride.max(1)).zip(queries).enumerate() {
                let visible = places.tokens[..seen].partition_point(|token| token.1 <= own.1);
                let logits = &mut logits[..visible];
                let top = kernels.top(logits);
                if !top.is_finite() {
                    continue;
                }
                kernels.powers(logits, top);
                let total: f64 = logits.chunks(FEW).map(|some| f64::from(kernels.sum(some))).sum();
                let after = (last - 1 - block * TOGETHER - r) as i32;
                let fade = if decay == 1.0 { 1.0 } else { decay.powi(after) };
                kernels.add_scaled(logits, (fade / total) as f32, &mut self.some[..visible]);
            }
            self.sums.iter_mut().zip(&self.some).for_each(|(sum, &some)| *sum += f64::from(some));
        }
        for (token, &sum) in places.tokens.iter().zip(&self.sums) {
            out[token.0 as usize] = sum as f32;
        }
        Ok(())
    }

    /// Fills in the logits of some queries, `(queries, stride)`.
    fn logits_of(
        &mut self,
        keys: &Rows<'_>,
        query: &Rows<'_>,
        tokens: &[(u32, u32)],
        queries: &[(u32, u32)],
        stride: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let (dim, kernels) = (keys.dim(), Kernels::best());
        let rows: Vec<u32> = queries.iter().map(|query| query.0).collect();
        query.copy(&rows, &mut self.queries);
        let scale = 1.0 / (dim as f32).sqrt();
        self.queries.iter_mut().for_each(|x| *x *= scale);
        self.logits.resize(queries.len() * stride, 0.0);
        self.panel.resize(dim * KEYS, 0.0);
        for (at, tokens) in tokens.chunks(KEYS).enumerate() {
            if at.is_multiple_of(256) {
                cancel.check()?;
            }
            let mut places = [0; KEYS];
            places.iter_mut().zip(tokens).for_each(|(place, token)| *place = token.0);
            let found = keys.pick(&places[..tokens.len()], &mut self.rows);
            if queries.len() < ROWS {
                let rows = self.queries.chunks_exact(dim).zip(self.logits.chunks_exact_mut(stride));
                rows.for_each(|(query, out)| {
                    kernels.dot_rows(query, found, &mut out[at * KEYS..][..tokens.len()])
                });
                continue;
            }
            kernels.lay_panel(found, dim, &mut self.panel);
            kernels.panel_products(&self.queries, dim, &self.panel, &mut self.logits[at * KEYS..], stride);
        }
        Ok(())
    }
}
