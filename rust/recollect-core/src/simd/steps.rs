//! Rows to whole codes between the least and the greatest of a group, or to float8 e4m3.
//!
//! A code is what division and rounding to nearest, ties to even, give. The product with the inverse gives the same one
//! except near a tie; chunks that come near one are divided. That is exact: a step of 11 bits times a middle between two
//! codes is an f32, so a quotient rounds to a middle only where it is one.

use super::narrow::{narrowed, widened};

const LANES: usize = 32;

/// Adding and taking it away rounds to a whole number, which is then in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// Nearer to a middle than this, in steps, is decided by division; products are off by two units in the last place.
const NEAR: f32 = 1.0 / 8192.0;

/// The least step that half precision holds above zero.
const TINY: f32 = 1.0 / 16_777_216.0;

/// Half precision that is finite is below this, without its sign.
const INFINITE: u16 = 0x7C00;

/// Whether all are finite.
#[inline(always)]
pub(super) fn all_finite(x: &[f32]) -> bool {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut greatest = [0u32; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            greatest[i] = greatest[i].max(chunk[i].to_bits() & 0x7FFF_FFFF);
        }
    }
    greatest.iter().all(|&bits| bits < 0x7F80_0000) && rest.iter().all(|x| x.is_finite())
}

#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// What is least, or greatest, of a group.
#[inline(always)]
fn extreme(x: &[f32], none: f32, of: impl Fn(f32, f32) -> f32 + Copy) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [none; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = of(lanes[i], chunk[i]);
        }
    }
    let few = halved::<4, 2>(halved::<8, 4>(halved::<16, 8>(halved::<32, 16>(lanes, of), of), of), of);
    rest.iter().fold(of(few[0], few[1]), |found, &x| of(found, x))
}

#[inline(always)]
fn halved<const N: usize, const HALF: usize>(
    lanes: [f32; N],
    of: impl Fn(f32, f32) -> f32 + Copy,
) -> [f32; HALF] {
    let mut found = [0.0; HALF];
    for i in 0..HALF {
        found[i] = of(lanes[i], lanes[i + HALF]);
    }
    found
}

/// Least and greatest of each `group` elements of each row.
#[inline(always)]
pub(super) fn ranges_by_token(rows: &[f32], dim: usize, group: usize, low: &mut [f32], high: &mut [f32]) {
    let all = rows.chunks_exact(dim).flat_map(|row| row.chunks(group));
    for (x, (low, high)) in all.zip(low.iter_mut().zip(high)) {
        // One after the other: together the compiler mixes both in one register.
        *low = extreme(x, f32::INFINITY, lesser);
        *high = extreme(x, f32::NEG_INFINITY, greater);
    }
}

/// Least and greatest of each column; `low` and `high` are as long as a row.
#[inline(always)]
pub(super) fn ranges_by_channel(rows: &[f32], low: &mut [f32], high: &mut [f32]) {
    let dim = low.len();
    low.fill(f32::INFINITY);
    high.fill(f32::NEG_INFINITY);
    let (low, low_rest) = low.as_chunks_mut::<LANES>();
    let (high, high_rest) = high.as_chunks_mut::<LANES>();
    let whole = LANES * low.len();
    for (at, (low, high)) in low.iter_mut().zip(high).enumerate() {
        for row in rows.chunks_exact(dim) {
            let Some(x) = row[LANES * at..].first_chunk::<LANES>() else { continue };
            low.iter_mut().zip(x).for_each(|(low, &x)| *low = lesser(*low, x));
            high.iter_mut().zip(x).for_each(|(high, &x)| *high = greater(*high, x));
        }
    }
    for row in rows.chunks_exact(dim) {
        for (x, (low, high)) in row[whole..].iter().zip(low_rest.iter_mut().zip(high_rest.iter_mut())) {
            (*low, *high) = (lesser(*low, *x), greater(*high, *x));
        }
    }
}

/// Steps of ranges in half precision: `range / divisor`, one where that is zero, never less than the least half above it.
/// Gives also what the half stands for and its inverse; false where one is beyond half precision.
#[inline(always)]
pub(super) fn half_steps(
    ranges: &[f32],
    divisor: f32,
    halves: &mut [u16],
    scale: &mut [f32],
    inverse: &mut [f32],
) -> bool {
    let mut top = 0;
    for ((range, half), (scale, inverse)) in
        ranges.iter().zip(halves).zip(scale.iter_mut().zip(inverse.iter_mut()))
    {
        let step = range / divisor;
        let step = if step > 0.0 { greater(step, TINY) } else { 1.0 };
        *half = narrowed(step);
        top = top.max(*half);
        *scale = widened(*half);
        *inverse = 1.0 / *scale;
    }
    top < INFINITE
}

/// Numbers in half precision, zero without a sign, and what these stand for; false where one is beyond half precision.
#[inline(always)]
pub(super) fn half_zeros(x: &[f32], halves: &mut [u16], zero: &mut [f32]) -> bool {
    let mut top = 0;
    for ((x, half), zero) in x.iter().zip(halves).zip(zero) {
        *half = narrowed(*x + 0.0);
        top = top.max(*half & 0x7FFF);
        *zero = widened(*half);
    }
    top < INFINITE
}

/// A way to make codes.
trait Coder: Copy {
    /// The code by the inverse of the step, and whether it is near a tie.
    fn quick(self, x: f32, zero: f32, inverse: f32) -> (u8, bool);
    /// The code by division.
    fn exact(self, x: f32, zero: f32, scale: f32) -> u8;
}

/// Whole numbers from 0 to the one given.
#[derive(Clone, Copy)]
struct Whole(f32);

impl Whole {
    #[inline(always)]
    fn rounded(self, quotient: f32) -> (f32, f32) {
        let held = lesser(greater(0.0, quotient), self.0);
        (held, held + ROUND)
    }
}

impl Coder for Whole {
    #[inline(always)]
    fn quick(self, x: f32, zero: f32, inverse: f32) -> (u8, bool) {
        let (held, sum) = self.rounded((x - zero) * inverse);
        (sum.to_bits() as u8, (held - (sum - ROUND)).abs() > 0.5 - NEAR)
    }

    #[inline(always)]
    fn exact(self, x: f32, zero: f32, scale: f32) -> u8 {
        self.rounded((x - zero) / scale).1.to_bits() as u8
    }
}

/// Float8 e4m3; what is beyond the greatest becomes it.
#[derive(Clone, Copy)]
struct E4m3;

impl E4m3 {
    /// Code without sign, and how far off the quotient is, in steps.
    #[inline(always)]
    fn rounded(quotient: f32) -> (u32, f32) {
        let size = lesser(f32::from_bits(quotient.to_bits() & 0x7FFF_FFFF), 464.0);
        // From 2^-6 on there are eight steps between two powers of two; below it they stay as they are.
        let power = (size.to_bits() & 0x7F80_0000).max(121 << 23);
        let round = f32::from_bits((power + (20 << 23)) | 0x0040_0000);
        let sum = size + round;
        let code = (sum.to_bits() & 0x1F) + ((power >> 23) - 121) * 8;
        let per_step = f32::from_bits((257 << 23) - power);
        (code.min(126), (size - (sum - round)).abs() * per_step)
    }
}

impl Coder for E4m3 {
    #[inline(always)]
    fn quick(self, x: f32, _zero: f32, inverse: f32) -> (u8, bool) {
        let (code, off) = Self::rounded(x * inverse);
        ((code | x.to_bits() >> 24 & 0x80) as u8, off > 0.5 - NEAR)
    }

    #[inline(always)]
    fn exact(self, x: f32, _zero: f32, scale: f32) -> u8 {
        (Self::rounded(x / scale).0 | x.to_bits() >> 24 & 0x80) as u8
    }
}

#[inline(always)]
fn span<C: Coder>(coder: C, x: &[f32], zero: f32, scale: f32, inverse: f32, codes: &mut [u8]) {
    let ((chunks, rest), (outs, out_rest)) = (x.as_chunks::<LANES>(), codes.as_chunks_mut::<LANES>());
    for (x, out) in chunks.iter().zip(outs) {
        let mut near = 0;
        for i in 0..LANES {
            let (code, close) = coder.quick(x[i], zero, inverse);
            out[i] = code;
            near |= u32::from(close);
        }
        if near != 0 {
            for i in 0..LANES {
                out[i] = coder.exact(x[i], zero, scale);
            }
        }
    }
    for (x, out) in rest.iter().zip(out_rest) {
        *out = coder.exact(*x, zero, scale);
    }
}

#[inline(always)]
fn by_token<C: Coder>(
    coder: C,
    rows: &[f32],
    dim: usize,
    group: usize,
    [zero, scale, inverse]: [&[f32]; 3],
    codes: &mut [u8],
) {
    let mut at = 0;
    for (row, codes) in rows.chunks_exact(dim).zip(codes.chunks_exact_mut(dim)) {
        for (x, codes) in row.chunks(group).zip(codes.chunks_mut(group)) {
            span(coder, x, zero[at], scale[at], inverse[at], codes);
            at += 1;
        }
    }
}

#[inline(always)]
fn by_channel<C: Coder>(coder: C, rows: &[f32], [zero, scale, inverse]: [&[f32]; 3], codes: &mut [u8]) {
    let dim = zero.len();
    for (row, codes) in rows.chunks_exact(dim).zip(codes.chunks_exact_mut(dim)) {
        let ((x, x_rest), (out, out_rest)) = (row.as_chunks::<LANES>(), codes.as_chunks_mut::<LANES>());
        let (zeros, zero_rest) = zero.as_chunks::<LANES>();
        let ((scales, scale_rest), (inverses, _)) =
            (scale.as_chunks::<LANES>(), inverse.as_chunks::<LANES>());
        for ((x, out), ((zero, scale), inverse)) in
            x.iter().zip(out).zip(zeros.iter().zip(scales).zip(inverses))
        {
            let mut near = 0;
            for i in 0..LANES {
                let (code, close) = coder.quick(x[i], zero[i], inverse[i]);
                out[i] = code;
                near |= u32::from(close);
            }
            if near != 0 {
                for i in 0..LANES {
                    out[i] = coder.exact(x[i], zero[i], scale[i]);
                }
            }
        }
        for (i, out) in out_rest.iter_mut().enumerate() {
            *out = coder.exact(x_rest[i], zero_rest[i], scale_rest[i]);
        }
    }
}

/// Whole codes up to `top` of each `group` elements of a row, with zero, step and its inverse a group.
#[inline(always)]
pub(super) fn whole_by_token(
    rows: &[f32],
    dim: usize,
    group: usize,
    steps: [&[f32]; 3],
    top: f32,
    codes: &mut [u8],
) {
    by_token(Whole(top), rows, dim, group, steps, codes);
}

/// The same with zero, step and its inverse a column.
#[inline(always)]
pub(super) fn whole_by_channel(rows: &[f32], steps: [&[f32]; 3], top: f32, codes: &mut [u8]) {
    by_channel(Whole(top), rows, steps, codes);
}

/// Float8 e4m3 of rows, with a step and its inverse a row; `steps` as for whole codes, zeros do not count.
#[inline(always)]
pub(super) fn e4m3_by_token(rows: &[f32], dim: usize, steps: [&[f32]; 3], codes: &mut [u8]) {
    by_token(E4m3, rows, dim, dim, steps, codes);
}

/// The same with a step a column.
#[inline(always)]
pub(super) fn e4m3_by_channel(rows: &[f32], steps: [&[f32]; 3], codes: &mut [u8]) {
    by_channel(E4m3, rows, steps, codes);
}
