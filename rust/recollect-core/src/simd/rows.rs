//! Statistics of rows of f32.

use super::f32::fold;
use super::narrow::{brain, widened};

const LANES: usize = 16;

/// Adds rows as long as `sums`, one after another.
#[inline(always)]
pub(super) fn add_rows(rows: &[f32], sums: &mut [f64]) {
    let dim = sums.len();
    let (chunks, rest) = sums.as_chunks_mut::<{ 2 * LANES }>();
    let whole = 2 * LANES * chunks.len();
    for (at, sums) in chunks.iter_mut().enumerate() {
        for row in rows.chunks_exact(dim) {
            let Some(x) = row[2 * LANES * at..].first_chunk::<{ 2 * LANES }>() else { continue };
            for i in 0..2 * LANES {
                sums[i] += f64::from(x[i]);
            }
        }
    }
    for row in rows.chunks_exact(dim) {
        rest.iter_mut().zip(&row[whole..]).for_each(|(sum, &x)| *sum += f64::from(x));
    }
}

/// Adds rows, each times its weight, in f32 and then to the sums in f64; few rows at a time keep the bits of f32.
#[inline(always)]
pub(super) fn add_weighed(rows: &[f32], weights: &[f32], sums: &mut [f64]) {
    let dim = sums.len();
    assert_eq!(rows.len(), weights.len() * dim, "a weight a row");
    let (chunks, rest) = sums.as_chunks_mut::<{ 2 * LANES }>();
    let whole = 2 * LANES * chunks.len();
    for (at, sums) in chunks.iter_mut().enumerate() {
        let mut some = [0.0f32; 2 * LANES];
        for (row, weight) in rows.chunks_exact(dim).zip(weights) {
            let Some(x) = row[2 * LANES * at..].first_chunk::<{ 2 * LANES }>() else { continue };
            for i in 0..2 * LANES {
                some[i] += x[i] * weight;
            }
        }
        for i in 0..2 * LANES {
            sums[i] += f64::from(some[i]);
        }
    }
    for (i, sum) in rest.iter_mut().enumerate() {
        let some = rows.chunks_exact(dim).zip(weights).fold(0.0, |s, (row, w)| s + row[whole + i] * w);
        *sum += f64::from(some);
    }
}

/// The sum of terms of a row in lanes, with those of the rest, filled up with nothing.
#[inline(always)]
fn lanes_of<T: Copy>(row: &[T], term: impl Fn(T) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<{ 2 * LANES }>();
    let mut lanes = [0.0; 2 * LANES];
    for chunk in chunks {
        for i in 0..2 * LANES {
            lanes[i] += term(chunk[i]);
        }
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane += term(x));
    fold(lanes)
}

/// The sum of squares of each row, in f32.
#[inline(always)]
pub(super) fn squares(rows: &[f32], dim: usize, out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        *out = lanes_of(row, |x| x * x);
    }
}

/// The same of rows of half precision.
#[inline(always)]
pub(super) fn squares_f16(rows: &[u16], dim: usize, out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        *out = lanes_of(row, |x| widened(x) * widened(x));
    }
}

/// The same of rows of bfloat16.
#[inline(always)]
pub(super) fn squares_bf16(rows: &[u16], dim: usize, out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        *out = lanes_of(row, |x| brain(x) * brain(x));
    }
}

/// The sum of sizes of each row, in f32.
#[inline(always)]
pub(super) fn sizes(rows: &[f32], dim: usize, out: &mut [f32]) {
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        *out = lanes_of(row, f32::abs);
    }
}

/// The deviation of `(x - low) * inverse` over each row, with one degree of freedom less than elements.
#[inline(always)]
pub(super) fn spreads(rows: &[f32], low: &[f32], inverse: &[f32], out: &mut [f32]) {
    let dim = low.len();
    let count = dim as f32;
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        let mean = placed(row, low, inverse, |x| x) / count;
        let squares = placed(row, low, inverse, |x| (x - mean) * (x - mean));
        *out = if dim > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
    }
}

/// The sum of terms of `(x - low) * inverse` in lanes.
#[inline(always)]
fn placed(row: &[f32], low: &[f32], inverse: &[f32], term: impl Fn(f32) -> f32 + Copy) -> f32 {
    const SIZE: usize = 2 * LANES;
    let ((x, x_rest), (low, low_rest)) = (row.as_chunks::<SIZE>(), low.as_chunks::<SIZE>());
    let (inverse, inverse_rest) = inverse.as_chunks::<SIZE>();
    let mut lanes = [0.0; SIZE];
    for ((x, low), inverse) in x.iter().zip(low).zip(inverse) {
        for i in 0..SIZE {
            lanes[i] += term((x[i] - low[i]) * inverse[i]);
        }
    }
    let rest = x_rest.iter().zip(low_rest).zip(inverse_rest);
    lanes.iter_mut().zip(rest).for_each(|(lane, ((x, low), inverse))| *lane += term((x - low) * inverse));
    fold(lanes)
}

/// Whether all of the numbers, without their sign, are below a limit.
#[inline(always)]
pub(super) fn all_below(x: &[u16], limit: u16) -> bool {
    let (chunks, rest) = x.as_chunks::<64>();
    let mut greatest = [0u16; 64];
    for chunk in chunks {
        for i in 0..64 {
            greatest[i] = greatest[i].max(chunk[i] & 0x7FFF);
        }
    }
    greatest.iter().chain(rest).all(|&bits| bits & 0x7FFF < limit)
}
