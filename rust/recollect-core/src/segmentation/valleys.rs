//! Where the topic changes: valleys of the similarity of what comes before and after (Hearst, "TextTiling", 1997, with
//! vectors in the place of words).

use crate::error::{Error, Result};

/// How valleys are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Valleys {
    /// Items on each side of which the means are compared: 8 turns do well.
    pub width: usize,
    /// Deviations over the mean that the depth of a valley has to be: 0.5.
    pub gamma: f64,
}

impl Valleys {
    pub(super) fn check(&self) -> Result<()> {
        match self.width > 0 && self.gamma.is_finite() {
            true => Ok(()),
            false => Err(Error::invalid("topic_window", "expected at least 1, and a finite gamma")),
        }
    }
}

/// Gaps that lie deep enough between two peaks, with their depths, ascending: item `at` begins something else. O(n d).
pub(super) fn valleys(units: &[Vec<f64>], by: &Valleys) -> Vec<(usize, f64)> {
    let similar = similarities(units, by.width);
    let depths: Vec<f64> = (0..similar.len()).map(|at| depth(&similar, at)).collect();
    let count = depths.len().max(1) as f64;
    let mean = depths.iter().sum::<f64>() / count;
    let spread = (depths.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count).sqrt();
    let limit = mean + by.gamma * spread;
    let inner = 1..depths.len().saturating_sub(1);
    inner
        .filter(|&at| similar[at - 1] > similar[at] && similar[at] <= similar[at + 1] && depths[at] > limit)
        .map(|at| (at + 1, depths[at]))
        .collect()
}

/// Cosine of the sums of up to `width` items before and after each gap; the first lies before item 1.
fn similarities(units: &[Vec<f64>], width: usize) -> Vec<f64> {
    let dim = units.first().map_or(0, Vec::len);
    let (mut before, mut after) = (vec![0.0; dim], vec![0.0; dim]);
    let add = |sum: &mut [f64], unit: &[f64], sign: f64| {
        sum.iter_mut().zip(unit).for_each(|(sum, x)| *sum += sign * x);
    };
    units.iter().take(width).for_each(|unit| add(&mut after, unit, 1.0));
    let mut out = Vec::with_capacity(units.len().saturating_sub(1));
    for gap in 1..units.len() {
        add(&mut before, &units[gap - 1], 1.0);
        add(&mut after, &units[gap - 1], -1.0);
        if gap > width {
            add(&mut before, &units[gap - 1 - width], -1.0);
        }
        if let Some(unit) = units.get(gap - 1 + width) {
            add(&mut after, unit, 1.0);
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let norm = (dot(&before, &before) * dot(&after, &after)).sqrt();
        // What rounding left of sums of nothing has no direction.
        out.push(if norm > 1e-9 { dot(&before, &after) / norm } else { 0.0 });
    }
    out
}

/// How much higher the peaks on both sides of a gap are, together.
fn depth(similar: &[f64], at: usize) -> f64 {
    let left = (0..at).rev().take_while(|&x| similar[x] >= similar[x + 1]).last().unwrap_or(at);
    let right = (at + 1..similar.len()).take_while(|&x| similar[x] >= similar[x - 1]).last().unwrap_or(at);
    similar[left] + similar[right] - 2.0 * similar[at]
}
