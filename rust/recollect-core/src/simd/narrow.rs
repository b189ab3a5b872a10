//! Rows narrower than f32: IEEE half precision and int8 codes, scored as the f32 they stand for.
//!
//! Half precision is converted in integers and with one exact or correctly rounded f32 operation, so every CPU agrees,
//! whatever instructions it has and however it treats subnormal f32.

use super::f32::{product, squared_difference, sum};

/// Bits between the mantissas of f32 and f16, and what the exponents are apart by, in place.
const MANTISSA: u32 = 13;
const REBIAS: u32 = 112 << 23;

/// A half as f32.
#[inline(always)]
pub(super) fn widened(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7FFF);
    let subnormal = magnitude as f32 * (1.0 / 16_777_216.0);
    let moved = (magnitude << MANTISSA) + REBIAS;
    let normal = f32::from_bits(if magnitude < 0x7C00 { moved } else { moved + REBIAS });
    let value = if magnitude < 0x0400 { subnormal } else { normal };
    f32::from_bits(value.to_bits() | u32::from(half & 0x8000) << 16)
}

/// The half nearest an f32, ties to even.
#[inline(always)]
pub(super) fn narrowed(x: f32) -> u16 {
    let (sign, magnitude) = (x.to_bits() >> 16 & 0x8000, x.to_bits() & 0x7FFF_FFFF);
    // Below 2^-14 the step is 2^-24, which is what f32 has next to one half.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let up = 0x0FFF + (magnitude >> MANTISSA & 1);
    let normal = magnitude.wrapping_sub(REBIAS).wrapping_add(up) >> MANTISSA;
    let beyond = if magnitude > 0x7F80_0000 { 0x7E00 } else { 0x7C00 };
    let half = match magnitude {
        0..0x3880_0000 => subnormal,
        0x3880_0000..0x477F_F000 => normal,
        _ => beyond,
    };
    (half | sign) as u16
}

/// A bfloat16 as f32.
#[inline(always)]
pub(super) fn brain(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

#[inline(always)]
pub(super) fn widen_f16(x: &[u16], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "one element for each");
    for (x, out) in x.iter().zip(out) {
        *out = widened(*x);
    }
}

#[inline(always)]
pub(super) fn widen_bf16(x: &[u16], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "one element for each");
    for (x, out) in x.iter().zip(out) {
        *out = brain(*x);
    }
}

#[inline(always)]
pub(super) fn narrow_f16(x: &[f32], out: &mut [u16]) {
    assert_eq!(x.len(), out.len(), "one element for each");
    for (x, out) in x.iter().zip(out) {
        *out = narrowed(*x);
    }
}

#[inline(always)]
pub(super) fn widen_i8(x: &[i8], scale: f32, out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "one element for each");
    for (x, out) in x.iter().zip(out) {
        *out = f32::from(*x) * scale;
    }
}

#[inline(always)]
fn each_row<T>(query: &[f32], rows: &[T], out: &mut [f32], score: impl Fn(usize, &[T]) -> f32) {
    let stride = query.len();
    assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
    if stride == 0 {
        return out.fill(0.0);
    }
    for (at, (row, out)) in rows.chunks_exact(stride).zip(out).enumerate() {
        *out = score(at, row);
    }
}

#[inline(always)]
pub(super) fn dot_f16(query: &[f32], row: &[u16]) -> f32 {
    sum(query, row, widened, product)
}

#[inline(always)]
pub(super) fn squared_euclidean_f16(query: &[f32], row: &[u16]) -> f32 {
    sum(query, row, widened, squared_difference)
}

#[inline(always)]
pub(super) fn dot_f16_rows(query: &[f32], rows: &[u16], out: &mut [f32]) {
    each_row(query, rows, out, |_, row| dot_f16(query, row));
}

#[inline(always)]
pub(super) fn dot_bf16_rows(query: &[f32], rows: &[u16], out: &mut [f32]) {
    each_row(query, rows, out, |_, row| sum(query, row, brain, product));
}

#[inline(always)]
pub(super) fn squared_euclidean_f16_rows(query: &[f32], rows: &[u16], out: &mut [f32]) {
    each_row(query, rows, out, |_, row| squared_euclidean_f16(query, row));
}

#[inline(always)]
pub(super) fn dot_scaled(query: &[f32], row: &[i8], scale: f32) -> f32 {
    sum(query, row, |code| f32::from(code) * scale, product)
}

#[inline(always)]
pub(super) fn squared_euclidean_scaled(query: &[f32], row: &[i8], scale: f32) -> f32 {
    sum(query, row, |code| f32::from(code) * scale, squared_difference)
}

#[inline(always)]
pub(super) fn dot_scaled_rows(query: &[f32], rows: &[i8], scale: &[f32], out: &mut [f32]) {
    assert_eq!(scale.len(), out.len(), "a scale for each row");
    each_row(query, rows, out, |at, row| dot_scaled(query, row, scale[at]));
}

#[inline(always)]
pub(super) fn squared_euclidean_scaled_rows(query: &[f32], rows: &[i8], scale: &[f32], out: &mut [f32]) {
    assert_eq!(scale.len(), out.len(), "a scale for each row");
    each_row(query, rows, out, |at, row| squared_euclidean_scaled(query, row, scale[at]));
}
