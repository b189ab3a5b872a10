//! Products of f32 queries with rows of f32, and all scores of rows of f16; the compiler does as well with distances of
//! f32 and rows of codes.
//!
//! Lane `j % 32` and the halving order are those of [`super::super::f32`]. Two rows share the loads of the query, four the
//! last additions.

use std::arch::aarch64::*;

use super::super::f32::{LANES, dot_batch as plain_batch, dot_rows as plain_rows};
use super::halves::widened;

/// Registers of f32 that hold the lanes.
const HELD: usize = LANES / 4;

/// An element of a row.
trait Element: Copy + Default {
    /// Eight of them as f32.
    fn eight(lanes: &[Self; 8]) -> [float32x4_t; 2];
}

impl Element for f32 {
    #[inline(always)]
    fn eight(lanes: &[Self; 8]) -> [float32x4_t; 2] {
        // SAFETY: NEON is part of aarch64; the array is 32 bytes, two loads of 16 that need no alignment.
        unsafe { [vld1q_f32(lanes.as_ptr()), vld1q_f32(lanes.as_ptr().add(4))] }
    }
}

impl Element for u16 {
    #[inline(always)]
    fn eight(lanes: &[Self; 8]) -> [float32x4_t; 2] {
        // SAFETY: NEON is part of aarch64; the array is 16 bytes, which is what the load reads; it needs no alignment.
        unsafe { widened(vld1q_u16(lanes.as_ptr())) }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn term<const DISTANCE: bool>(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    if DISTANCE {
        let difference = vsubq_f32(a, b);
        vmulq_f32(difference, difference)
    } else {
        vmulq_f32(a, b)
    }
}

/// Adds 32 elements of some rows to their lanes.
#[inline]
#[target_feature(enable = "neon")]
fn step<const ROWS: usize, const DISTANCE: bool, T: Element>(
    sums: &mut [[float32x4_t; HELD]; ROWS],
    query: &[f32; LANES],
    rows: [&[T; LANES]; ROWS],
) {
    for (i, query) in query.as_chunks::<8>().0.iter().enumerate() {
        let query = f32::eight(query);
        for r in 0..ROWS {
            let row = T::eight(&rows[r].as_chunks::<8>().0[i]);
            for half in 0..2 {
                let added = term::<DISTANCE>(query[half], row[half]);
                sums[r][2 * i + half] = vaddq_f32(sums[r][2 * i + half], added);
            }
        }
    }
}

/// The sums of some rows of the length of the query, folded down to four lanes each.
#[inline]
#[target_feature(enable = "neon")]
fn folded<const ROWS: usize, const DISTANCE: bool, T: Element>(
    query: &[f32],
    rows: [&[T]; ROWS],
) -> [float32x4_t; ROWS] {
    let mut sums = [[vdupq_n_f32(0.0); HELD]; ROWS];
    let (chunks, rest) = query.as_chunks::<LANES>();
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    let whole = rows.map(|row| &row.0[..chunks.len()]);
    for (i, chunk) in chunks.iter().enumerate() {
        step::<ROWS, DISTANCE, T>(&mut sums, chunk, whole.map(|row| &row[i]));
    }
    if !rest.is_empty() {
        let (mut x, mut y) = ([0.0; LANES], [[T::default(); LANES]; ROWS]);
        x[..rest.len()].copy_from_slice(rest);
        for r in 0..ROWS {
            y[r][..rest.len()].copy_from_slice(rows[r].1);
        }
        step::<ROWS, DISTANCE, T>(&mut sums, &x, y.each_ref());
    }
    sums.map(|lanes| four(lanes))
}

/// Lanes folded down to four.
#[inline]
#[target_feature(enable = "neon")]
fn four([a, b, c, d, e, f, g, h]: [float32x4_t; HELD]) -> float32x4_t {
    let [a, b] = [vaddq_f32(vaddq_f32(a, e), vaddq_f32(c, g)), vaddq_f32(vaddq_f32(b, f), vaddq_f32(d, h))];
    vaddq_f32(a, b)
}

/// Ends the sums of four rows: lanes 0 + 2 and 1 + 3, then those two.
#[inline]
#[target_feature(enable = "neon")]
fn last_additions([a, b, c, d]: [float32x4_t; 4]) -> [f32; 4] {
    let [a, b, c, d] = [a, b, c, d].map(|x| vreinterpretq_f64_f32(x));
    let low = |a, b| vreinterpretq_f32_f64(vzip1q_f64(a, b));
    let high = |a, b| vreinterpretq_f32_f64(vzip2q_f64(a, b));
    let sums = vpaddq_f32(vaddq_f32(low(a, b), high(a, b)), vaddq_f32(low(c, d), high(c, d)));
    let mut out = [0.0; 4];
    // SAFETY: the array is 16 bytes, which is what the store writes; it needs no alignment.
    unsafe { vst1q_f32(out.as_mut_ptr(), sums) };
    out
}

#[inline]
#[target_feature(enable = "neon")]
fn one<const DISTANCE: bool, T: Element>(query: &[f32], row: &[T]) -> f32 {
    assert_eq!(query.len(), row.len(), "vectors of equal length");
    let [sum] = folded::<1, DISTANCE, T>(query, [row]);
    last_additions([sum; 4])[0]
}

#[inline]
#[target_feature(enable = "neon")]
fn many<const DISTANCE: bool, T: Element>(query: &[f32], rows: &[T], out: &mut [f32]) {
    let stride = query.len();
    assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
    if stride == 0 {
        return out.fill(0.0);
    }
    let mut groups = rows.chunks_exact(4 * stride);
    let (fours, singles) = out.as_chunks_mut::<4>();
    for (group, out) in groups.by_ref().zip(fours) {
        let (low, high) = group.split_at(2 * stride);
        let [a, b] = folded::<2, DISTANCE, T>(query, low.split_at(stride).into());
        let [c, d] = folded::<2, DISTANCE, T>(query, high.split_at(stride).into());
        *out = last_additions([a, b, c, d]);
    }
    for (row, out) in groups.remainder().chunks_exact(stride).zip(singles) {
        *out = one::<DISTANCE, T>(query, row);
    }
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_rows(query: &[f32], rows: &[f32], out: &mut [f32]) {
    if !query.len().is_multiple_of(LANES) {
        return plain_rows(query, rows, out);
    }
    many::<false, f32>(query, rows, out);
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_f16(query: &[f32], row: &[u16]) -> f32 {
    one::<false, u16>(query, row)
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn squared_euclidean_f16(query: &[f32], row: &[u16]) -> f32 {
    one::<true, u16>(query, row)
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_f16_rows(query: &[f32], rows: &[u16], out: &mut [f32]) {
    many::<false, u16>(query, rows, out);
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn squared_euclidean_f16_rows(query: &[f32], rows: &[u16], out: &mut [f32]) {
    many::<true, u16>(query, rows, out);
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn dot_batch(queries: &[f32], stride: usize, rows: &[f32], out: &mut [f32]) {
    if stride == 0 || queries.is_empty() || !stride.is_multiple_of(LANES) {
        return plain_batch(queries, stride, rows, out);
    }
    let count = queries.len() / stride;
    assert_eq!(queries.len(), count * stride, "whole queries");
    assert_eq!(rows.len() * count, stride * out.len(), "one score a row and query");
    for (row, out) in rows.chunks_exact(stride).zip(out.chunks_exact_mut(count)) {
        many::<false, f32>(row, queries, out);
    }
}

/// Sums of 64 lanes: low ones and high ones, which are added before they are folded.
#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn total(a: &[f32]) -> f32 {
    let (chunks, rest) = a.as_chunks::<{ 2 * LANES }>();
    let mut sums = [vdupq_n_f32(0.0); 2 * HELD];
    for chunk in chunks {
        for (i, eight) in chunk.as_chunks::<8>().0.iter().enumerate() {
            let eight = f32::eight(eight);
            sums[2 * i] = vaddq_f32(sums[2 * i], eight[0]);
            sums[2 * i + 1] = vaddq_f32(sums[2 * i + 1], eight[1]);
        }
    }
    let mut lanes = [vdupq_n_f32(0.0); HELD];
    for (i, lanes) in lanes.iter_mut().enumerate() {
        *lanes = vaddq_f32(sums[i], sums[HELD + i]);
    }
    last_additions([four(lanes); 4])[0] + rest.iter().sum::<f32>()
}
