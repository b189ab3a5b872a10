//! Spread of a token in the range of the partition that follows (Liang and others, "LagKV", 2025).

use super::layer::{Layer, Scores};
use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::simd::Kernels;

/// Ranks within partitions of `lag` tokens behind `n_sink` of them, over `lag`; infinite for what stays.
///
/// A channel whose range in the next partition is not above `eps` counts as zero.
///
/// # Errors
/// [`Error::Invalid`] for partitions of no tokens or a layer without values; [`Error::Cancelled`].
pub fn lag_relative(
    layer: &Layer<'_>,
    n_sink: usize,
    lag: usize,
    eps: f64,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Scores> {
    if lag == 0 || layer.values.len() != layer.keys.len() {
        return Err(Error::invalid("lag", "expected partitions of some tokens, and values"));
    }
    // Which tokens make a partition depends on all before them: whether they count is asked first.
    let counting = layer.counting(threads, cancel)?;
    let tokens = layer.tokens();
    let mut scores = vec![f32::NAN; layer.keys.len() * tokens];
    let tasks = scores.chunks_mut(tokens.max(1)).enumerate().collect();
    each(tasks, threads, cancel, Space::default, |space, (at, scores), cancel| {
        let Some(places) = counting.get(at / layer.heads) else { return Ok(()) };
        places.iter().for_each(|&place| scores[place as usize] = f32::INFINITY);
        let free = places.get(n_sink..).unwrap_or_default();
        let parts = free.len() / lag;
        if parts < 2 {
            return Ok(());
        }
        let last = (parts - 1) * lag;
        space.found.clear();
        space.found.resize(last, 0.0);
        for rows in [&layer.keys[at], &layer.values[at]] {
            space.add(rows, &free[..parts * lag], lag, eps, cancel)?;
        }
        for (places, found) in free[..last].chunks_exact(lag).zip(space.found.chunks_exact(lag)) {
            let mut order: Vec<u32> = (0..lag as u32).collect();
            order.sort_by(|&a, &b| found[a as usize].total_cmp(&found[b as usize]));
            for (rank, &which) in order.iter().enumerate() {
                scores[places[which as usize] as usize] = (rank as f64 / lag as f64) as f32;
            }
        }
        Ok(())
    })?;
    Ok(scores)
}

#[derive(Default)]
struct Space {
    now: Vec<f32>,
    after: Vec<f32>,
    low: Vec<f32>,
    high: Vec<f32>,
    spreads: Vec<f32>,
    found: Vec<f32>,
}

impl Space {
    /// Adds the softmax of the spreads of each partition but the last to what was found.
    fn add(
        &mut self,
        rows: &Rows<'_>,
        places: &[u32],
        lag: usize,
        eps: f64,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let kernels = Kernels::best();
        for part in [&mut self.low, &mut self.high] {
            part.resize(rows.dim(), 0.0);
        }
        self.spreads.resize(lag, 0.0);
        rows.copy(&places[..lag], &mut self.now);
        for (places, found) in places[lag..].chunks_exact(lag).zip(self.found.chunks_exact_mut(lag)) {
            cancel.check()?;
            rows.copy(places, &mut self.after);
            kernels.ranges_by_channel(&self.after, &mut self.low, &mut self.high);
            for (high, low) in self.high.iter_mut().zip(&self.low) {
                let width = f64::from(*high) - f64::from(*low);
                *high = if width > eps { (1.0 / width) as f32 } else { 0.0 };
            }
            kernels.spreads(&self.now, &self.low, &self.high, &mut self.spreads);
            let top = self.spreads.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            kernels.powers(&mut self.spreads, top);
            let total: f64 = self.spreads.iter().map(|&x| f64::from(x)).sum();
            let share = if total > 0.0 { (1.0 / total) as f32 } else { 0.0 };
            found.iter_mut().zip(&self.spreads).for_each(|(found, x)| *found += x * share);
            std::mem::swap(&mut self.now, &mut self.after);
        }
        Ok(())
    }
}
