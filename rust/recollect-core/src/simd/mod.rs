//! Vector kernels, one body compiled for several instruction sets.
//!
//! | kernel | baseline | AVX2 | AVX-512 |
//! |---|---|---|---|
//! | `dot`, `squared_euclidean`, their `_rows`, `dot_batch` (f32), `squares`, `squares_bf16`, `dot_bf16_rows` | lane body | registers | registers |
//! | `sum`, `squared_norm` (f64 sum), `add`, `subtract`, `greatest`, `flip`, `mix_halves` | lane body | lane body | lane body |
//! | `hadamard` | lane body | lane body | registers |
//! | the same with `_f16` (rows of f16), `_scaled` (rows of codes) | lane body | F16C, registers | registers |
//! | `widen_f16`, `narrow_f16`, `widen_i8` | plain body | plain body | plain body |
//! | `dot_i8`, `dot_i8_rows`, `dot_i8_each` (i32) | plain body | byte products | VNNI |
//! | `quantize`, `upper_bounds`, `sketch_scores` | lane body | lane body | lane body |
//! | `positive_bits`, `at_least_bits`, `reaching_bits` | plain body | masks | masks |
//! | `count_at_least` | plain body | plain body | plain body |
//! | `widen_bf16`, codes of `steps`, `packing`, `turning`, sums of `rows`, `products`, `powers` | plain or lane body | the same | the same |
//! | `disagreement_of` | plain body | plain body | plain body, or VPOPCNTDQ |
//! | `disagreement` | plain body | table of bytes | table of bytes, or VPOPCNTDQ |
//!
//! On aarch64 the baseline is NEON as the compiler uses it; `neon` has what takes fewer instructions:
//!
//! | kernel | NEON |
//! |---|---|
//! | `dot_rows`, `dot_batch` of whole lanes, scores of rows of f16, `sum` | registers |
//! | `hadamard`, `widen_f16`, `narrow_f16` | registers |
//! | `dot_i8_rows`, `dot_i8_each` | products of i16, or SDOT |
//! | `dot_i8` | plain body, or SDOT |
//! | `positive_bits`, `at_least_bits`, `reaching_bits` | masks |
//! | `disagreement`, `disagreement_of` | counts of bytes |
//!
//! Every kernel gives the same bits on every tier: floats are added in a fixed lane order with plain multiply and add,
//! integers are exact. The tier is chosen once, on first use.
#![allow(unsafe_code)]

mod bits;
mod codes;
mod differences;
mod f32;
mod gathered;
mod hadamard;
mod i8;
mod levels;
mod narrow;
#[cfg(target_arch = "aarch64")]
mod neon;
mod packing;
mod powers;
mod prefetch;
mod products;
mod rows;
mod sketch;
mod steps;
mod tier;
mod transpose;
mod turning;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
mod widening;

use std::sync::LazyLock;

pub use codes::Margins;
pub use prefetch::prefetch;
pub use products::KEYS;
pub use sketch::LANES;
pub use tier::Tier;

tier::tiers! {
    /// Inner product of two vectors of equal length, f32 added in lane order.
    dot = f32::dot, wide::avx2::dot, wide::avx512::dot: (a: &[f32], b: &[f32]) -> f32;
    /// Squared Euclidean distance of two vectors of equal length.
    squared_euclidean = f32::squared_euclidean, wide::avx2::squared_euclidean, wide::avx512::squared_euclidean:
        (a: &[f32], b: &[f32]) -> f32;
    /// Inner product of the query with each row; `rows` holds `out.len()` rows of the length of the query.
    dot_rows = f32::dot_rows, wide::avx2::dot_rows, wide::avx512::dot_rows;
        neon::dot_rows: (query: &[f32], rows: &[f32], out: &mut [f32]);
    /// Squared Euclidean distance of the query to each row, shapes as in `dot_rows`.
    squared_euclidean_rows =
        f32::squared_euclidean_rows, wide::avx2::squared_euclidean_rows, wide::avx512::squared_euclidean_rows:
        (query: &[f32], rows: &[f32], out: &mut [f32]);
    /// Inner products of several queries with each row in one pass: `queries` is (queries, stride), `rows` is
    /// (rows, stride), `out` is (rows, queries).
    dot_batch = f32::dot_batch, wide::avx2::dot_batch, wide::avx512::dot_batch; neon::dot_batch:
        (queries: &[f32], stride: usize, rows: &[f32], out: &mut [f32]);
    /// Inner product with a row of IEEE half precision, the bits of `dot` with the row in f32.
    dot_f16 = narrow::dot_f16, wide::avx2::dot_f16, wide::avx512::dot_f16;
        neon::dot_f16: (query: &[f32], row: &[u16]) -> f32;
    /// Squared Euclidean distance to a row of IEEE half precision.
    squared_euclidean_f16 =
        narrow::squared_euclidean_f16, wide::avx2::squared_euclidean_f16, wide::avx512::squared_euclidean_f16;
        neon::squared_euclidean_f16: (query: &[f32], row: &[u16]) -> f32;
    /// Inner product of the query with each row of IEEE half precision, shapes as in `dot_rows`.
    dot_f16_rows = narrow::dot_f16_rows, wide::avx2::dot_f16_rows, wide::avx512::dot_f16_rows; neon::dot_f16_rows:
        (query: &[f32], rows: &[u16], out: &mut [f32]);
    /// Inner product of the query with each row of bfloat16, shapes as in `dot_rows`.
    dot_bf16_rows = narrow::dot_bf16_rows, wide::avx2::dot_bf16_rows, wide::avx512::dot_bf16_rows:
        (query: &[f32], rows: &[u16], out: &mut [f32]);
    /// Squared Euclidean distance of the query to each row of IEEE half precision, shapes as in `dot_rows`.
    squared_euclidean_f16_rows = narrow::squared_euclidean_f16_rows, wide::avx2::squared_euclidean_f16_rows,
        wide::avx512::squared_euclidean_f16_rows;
        neon::squared_euclidean_f16_rows: (query: &[f32], rows: &[u16], out: &mut [f32]);
    /// Inner product with a row of codes, each times a finite `scale` in f32: the bits of `dot` with those products.
    dot_scaled = narrow::dot_scaled, wide::avx2::dot_scaled, wide::avx512::dot_scaled:
        (query: &[f32], row: &[i8], scale: f32) -> f32;
    /// Squared Euclidean distance to a row of codes, each times `scale`.
    squared_euclidean_scaled = narrow::squared_euclidean_scaled, wide::avx2::squared_euclidean_scaled,
        wide::avx512::squared_euclidean_scaled: (query: &[f32], row: &[i8], scale: f32) -> f32;
    /// Inner product of the query with each row of codes, shapes as in `dot_rows`; `scale` holds one a row.
    dot_scaled_rows = narrow::dot_scaled_rows, wide::avx2::dot_scaled_rows, wide::avx512::dot_scaled_rows:
        (query: &[f32], rows: &[i8], scale: &[f32], out: &mut [f32]);
    /// Squared Euclidean distance of the query to each row of codes, shapes as in `dot_scaled_rows`.
    squared_euclidean_scaled_rows = narrow::squared_euclidean_scaled_rows,
        wide::avx2::squared_euclidean_scaled_rows, wide::avx512::squared_euclidean_scaled_rows:
        (query: &[f32], rows: &[i8], scale: &[f32], out: &mut [f32]);
    /// IEEE half precision as f32, exact; `out` has the length of `x`, here and below.
    widen_f16 = narrow::widen_f16, narrow::widen_f16, narrow::widen_f16; neon::widen_f16: (x: &[u16], out: &mut [f32]);
    /// bfloat16 as f32, exact.
    widen_bf16 = narrow::widen_bf16, narrow::widen_bf16, narrow::widen_bf16: (x: &[u16], out: &mut [f32]);
    /// f32 as IEEE half precision, ties to even; infinite from 65,520 on.
    narrow_f16 = narrow::narrow_f16, narrow::narrow_f16, narrow::narrow_f16;
        neon::narrow_f16: (x: &[f32], out: &mut [u16]);
    /// Codes, each times `scale` in f32.
    widen_i8 = narrow::widen_i8, narrow::widen_i8, narrow::widen_i8: (x: &[i8], scale: f32, out: &mut [f32]);
    /// Sum in lane order; reads memory as fast as one thread can.
    sum = f32::total, f32::total, f32::total; neon::total: (a: &[f32]) -> f32;
    /// Sum of squares, added in f64.
    squared_norm = f32::squared_norm, f32::squared_norm, f32::squared_norm: (a: &[f32]) -> f64;
    /// Walsh-Hadamard transform in place, scaled to keep lengths; the length is a power of two.
    hadamard = hadamard::hadamard, hadamard::hadamard, hadamard::avx512::hadamard; neon::hadamard: (a: &mut [f32]);
    /// Flips the elements whose sign is minus one; `signs` has the length of `a`.
    flip = hadamard::flip, hadamard::flip, hadamard::flip: (a: &mut [f32], signs: &[f32]);
    /// Turns the first half of a vector and the second into each other by an eighth of a circle.
    mix_halves = hadamard::mix_halves, hadamard::mix_halves, hadamard::mix_halves: (a: &mut [f32]);
    /// Adds a vector to another of its length, element by element.
    add = f32::add, f32::add, f32::add: (a: &mut [f32], b: &[f32]);
    /// Takes a vector off another of its length, element by element.
    subtract = f32::subtract, f32::subtract, f32::subtract: (a: &mut [f32], b: &[f32]);
    /// Greatest absolute value; zero of nothing.
    greatest = f32::greatest, f32::greatest, f32::greatest: (a: &[f32]) -> f32;
    /// Exact inner product of two code vectors of equal length, at most 65,536 codes.
    dot_i8 = i8::dot, i8::avx2::dot, i8::vnni::dot;
        i8::dot, neon::dot_i8: (a: &[i8], b: &[i8]) -> i32;
    /// Exact inner product of the query codes with each row, shapes as in `dot_rows`.
    dot_i8_rows = i8::dot_rows, i8::avx2::dot_rows, i8::vnni::dot_rows;
        neon::multiplied::dot_rows, neon::dotprod::dot_rows: (query: &[i8], rows: &[i8], out: &mut [i32]);
    /// Exact inner product of the query codes with rows that lie apart, all of the length of the query.
    dot_i8_each = i8::dot_each, i8::avx2::dot_each, i8::vnni::dot_each;
        neon::multiplied::dot_each, neon::dotprod::dot_each: (query: &[i8], rows: &[&[i8]], out: &mut [i32]);
    /// Rounds `x * inverse` to whole codes and gives the sum of squares of what was rounded away.
    ///
    /// `|x * inverse|` is at most 127.5; `codes` has the length of `x`.
    quantize = codes::quantize, codes::quantize, codes::quantize: (x: &[f32], inverse: f32, codes: &mut [i8]) -> f32;
    /// Turns code products into scores with their margin, see [`Margins`].
    upper_bounds = codes::upper_bounds, codes::upper_bounds, codes::upper_bounds:
        (dots: &[i32], margins: Margins<'_>, out: &mut [f32]);
    /// One bit an element, set where it is above zero; `x` fills whole words of `bits`.
    positive_bits = bits::positive, bits::avx2::positive, bits::avx2::positive;
        neon::positive: (x: &[f32], bits: &mut [u64]);
    /// One bit an element, set where it is at least `floor`; shapes as in `positive_bits`.
    at_least_bits = bits::at_least, bits::avx2::at_least, bits::avx2::at_least;
        neon::at_least: (x: &[f32], floor: f32, bits: &mut [u64]);
    /// Number of elements, below 2^32, that are at least `floor`.
    count_at_least = bits::count_at_least, bits::count_at_least, bits::count_at_least: (x: &[f32], floor: f32) -> usize;
    /// One bit an element, set where its size reaches a threshold above zero; gives the sum of those sizes.
    reaching_bits = bits::reaching, bits::avx2::reaching, bits::avx2::reaching; neon::reaching:
        (x: &[f32], threshold: f32, bits: &mut [u64]) -> f32;
    /// What bit codes and a query of several planes disagree on, weighed; see [`LANES`] and the sketch of `vector`.
    ///
    /// `query` is (planes, words): signs, then magnitudes of weight 2, 4, ..; `blocks` is (blocks, words, 8); `out` is
    /// (blocks, 8).
    disagreement = sketch::disagreement, sketch::avx2::disagreement, sketch::avx2::disagreement, sketch::popcount::disagreement;
        neon::disagreement: (query: &[u64], planes: usize, blocks: &[u64], out: &mut [u32]);
    /// What the rows of some slots and a query of several planes disagree on, weighed as in `disagreement`; `rows` is
    /// (any, words), `out` as long as `slots`.
    disagreement_of = gathered::disagreement_of, gathered::disagreement_of, gathered::disagreement_of;
        neon::disagreement_of: (query: &[u64], planes: usize, rows: &[u64], slots: &[u32], out: &mut [u32]);
    /// Scores of disagreements: `factor * (offset - step * disagreement) + base`; an empty base is zero.
    sketch_scores = sketch::sketch_scores, sketch::sketch_scores, sketch::sketch_scores:
        (disagreements: &[u32], factor: &[f32], base: &[f32], offset: f32, step: f32, out: &mut [f32]);
    /// Whether all are finite.
    all_finite = steps::all_finite, steps::all_finite, steps::all_finite: (x: &[f32]) -> bool;
    /// Least and greatest of each `group` elements of each row of `dim`; `low` and `high` are (rows, groups).
    ranges_by_token = steps::ranges_by_token, steps::ranges_by_token, steps::ranges_by_token:
        (rows: &[f32], dim: usize, group: usize, low: &mut [f32], high: &mut [f32]);
    /// Least and greatest of each column of rows as long as `low` and `high`.
    ranges_by_channel = steps::ranges_by_channel, steps::ranges_by_channel, steps::ranges_by_channel:
        (rows: &[f32], low: &mut [f32], high: &mut [f32]);
    /// Steps `range / divisor` in half precision: one for nothing, and no other becomes zero; what they stand for, its
    /// inverse; false where one is beyond half precision.
    half_steps = steps::half_steps, steps::half_steps, steps::half_steps:
        (ranges: &[f32], divisor: f32, halves: &mut [u16], scale: &mut [f32], inverse: &mut [f32]) -> bool;
    /// Numbers in half precision, zero without a sign, and what they stand for; false where one is beyond it.
    half_zeros = steps::half_zeros, steps::half_zeros, steps::half_zeros:
        (x: &[f32], halves: &mut [u16], zero: &mut [f32]) -> bool;
    /// Whole codes, 0 to `top`, nearest to `(x - zero) / step` in f32, ties to even, for each `group` elements of rows of
    /// `dim`; `steps` are zeros, steps of at most 11 bits, and their inverses, (rows, groups) each.
    whole_by_token = steps::whole_by_token, steps::whole_by_token, steps::whole_by_token:
        (rows: &[f32], dim: usize, group: usize, steps: [&[f32]; 3], top: f32, codes: &mut [u8]);
    /// The same with zero, step and inverse a column, each as long as a row.
    whole_by_channel = steps::whole_by_channel, steps::whole_by_channel, steps::whole_by_channel:
        (rows: &[f32], steps: [&[f32]; 3], top: f32, codes: &mut [u8]);
    /// Float8 e4m3 nearest to `x / step` in f32, ties to even, at most the greatest, with a step a row.
    e4m3_by_token = steps::e4m3_by_token, steps::e4m3_by_token, steps::e4m3_by_token:
        (rows: &[f32], dim: usize, steps: [&[f32]; 3], codes: &mut [u8]);
    /// The same with a step a column.
    e4m3_by_channel = steps::e4m3_by_channel, steps::e4m3_by_channel, steps::e4m3_by_channel:
        (rows: &[f32], steps: [&[f32]; 3], codes: &mut [u8]);
    /// Adds rows as long as `sums`, one after another.
    add_rows = rows::add_rows, rows::add_rows, rows::add_rows: (rows: &[f32], sums: &mut [f64]);
    /// Adds rows, each times its weight in f32, to sums in f64; the rows of a call are added in f32.
    add_weighed = rows::add_weighed, rows::add_weighed, rows::add_weighed:
        (rows: &[f32], weights: &[f32], sums: &mut [f64]);
    /// The sum of squares of each row of `dim`, in lane order.
    squares = rows::squares, wide::avx2::squares, wide::avx512::squares: (rows: &[f32], dim: usize, out: &mut [f32]);
    /// The same of rows of IEEE half precision, the bits of `squares` with the rows in f32.
    squares_f16 = rows::squares_f16, wide::avx2::squares_f16, wide::avx512::squares_f16:
        (rows: &[u16], dim: usize, out: &mut [f32]);
    /// The same of rows of bfloat16.
    squares_bf16 = rows::squares_bf16, wide::avx2::squares_bf16, wide::avx512::squares_bf16:
        (rows: &[u16], dim: usize, out: &mut [f32]);
    /// The sum of absolute values of each row of `dim`, in lane order.
    sizes = rows::sizes, rows::sizes, rows::sizes: (rows: &[f32], dim: usize, out: &mut [f32]);
    /// The sample deviation of `(x - low) * inverse` over each row, which is as long as both.
    spreads = rows::spreads, rows::spreads, rows::spreads:
        (rows: &[f32], low: &[f32], inverse: &[f32], out: &mut [f32]);
    /// `e^(x - top)` in place, for `x` of at most a finite `top`, within 2 units in the last place; zero from e^-87 on.
    powers = powers::powers, powers::powers, powers::powers: (x: &mut [f32], top: f32);
    /// Lays up to [`KEYS`] rows of `dim` beside each other, `(dim, KEYS)`, missing ones as zeros.
    lay_panel = products::lay_panel, products::lay_panel, products::lay_panel:
        (rows: &[f32], dim: usize, panel: &mut [f32]);
    /// Products of queries (rows, dim) with a panel, summed in the order of elements: row `r` goes to `out[r * stride..]`.
    panel_products = products::panel_products, products::panel_products, products::panel_products:
        (queries: &[f32], dim: usize, panel: &[f32], out: &mut [f32], stride: usize);
    /// The greatest, or minus infinity; what is not a number does not count.
    top = products::top, products::top, products::top: (x: &[f32]) -> f32;
    /// Adds `weight * x` to sums as long as `x`.
    add_scaled = products::add_scaled, products::add_scaled, products::add_scaled:
        (x: &[f32], weight: f32, sums: &mut [f32]);
    /// Adds rows of `dim` by weights (sums, stride) to `sums`, one row after another.
    add_by_weights = products::add_by_weights, products::add_by_weights, products::add_by_weights:
        (rows: &[f32], dim: usize, weights: &[f32], stride: usize, sums: &mut [f32]);
    /// `code * scale + zero`, with one of each for all elements or for each.
    widen_codes = products::widen_codes, products::widen_codes, products::widen_codes:
        (codes: &[u8], scale: &[f32], zero: &[f32], out: &mut [f32]);
    /// Float8 e4m3 times scale, one for all elements or for each.
    widen_e4m3 = products::widen_e4m3, products::widen_e4m3, products::widen_e4m3:
        (codes: &[u8], scale: &[f32], out: &mut [f32]);
    /// Levels of codes below 16, times a factor.
    widen_levels = products::widen_levels, products::widen_levels, products::widen_levels:
        (codes: &[u8], levels: &[f32; 16], factor: f32, out: &mut [f32]);
    /// Whether all, without the highest bit, are below a limit.
    all_below = rows::all_below, rows::all_below, rows::all_below: (x: &[u16], limit: u16) -> bool;
    /// `(x - mean) * sign`, filled up with zeros, turned by the Hadamard matrix without its scale, times `scale`; `out` is a
    /// power of two long.
    turn = turning::turn, turning::turn, turning::turn:
        (x: &[f32], mean: &[f32], signs: &[f32], scale: f32, out: &mut [f32]);
    /// The codes of a turned row by levels on both sides of zero, and its factor `|y|^2 / (y . level)`; `middles` are those
    /// between the positive `levels`.
    level_codes = levels::level_codes, levels::level_codes, levels::level_codes:
        (turned: &[f32], middles: &[f64], levels: &[f64], codes: &mut [u8]) -> f64;
    /// The row that the codes of a turned row stand for, in f64: positive `levels` times `factor`, turned back, times signs,
    /// with the mean; `space` is as long as `codes`.
    turn_back = turning::turn_back, turning::turn_back, turning::turn_back:
        (codes: &[u8], levels: &[f64], factor: f64, rest: [&[f32]; 2], space: &mut [f64], out: &mut [f32]);
    /// Codes of 1, 2, 3, 4 or 8 bits as words of 32, little-endian, the last filled up with zeros.
    pack = packing::pack, packing::pack, packing::pack: (codes: &[u8], bits: usize, words: &mut [u32]);
    /// The codes of a row of words.
    unpack = packing::unpack, packing::unpack, packing::unpack: (words: &[u32], bits: usize, codes: &mut [u8]);
    /// Codes (tokens, dim) of 2, 4 or 8 bits as the words of each column: those of column `c` begin at `c * stride`.
    pack_columns = packing::pack_columns, packing::pack_columns, packing::pack_columns:
        (codes: &[u8], dim: usize, bits: usize, words: &mut [u32], stride: usize);
    /// Codes (tokens, dim) out of the words of columns.
    unpack_columns = packing::unpack_columns, packing::unpack_columns, packing::unpack_columns:
        (words: &[u32], stride: usize, dim: usize, bits: usize, codes: &mut [u8]);
}

static BEST: LazyLock<&'static Kernels> =
    LazyLock::new(|| Kernels::of(Tier::best()).unwrap_or_else(|| unreachable!("the best tier is available")));

#[cfg(test)]
thread_local! {
    static FORCED: std::cell::Cell<Option<&'static Kernels>> = const { std::cell::Cell::new(None) };
}

impl Kernels {
    /// The kernels of the richest tier of this CPU.
    #[inline]
    pub fn best() -> &'static Self {
        #[cfg(test)]
        if let Some(forced) = FORCED.get() {
            return forced;
        }
        *BEST
    }

    /// Runs `work` on this thread with the kernels of one tier.
    #[cfg(test)]
    pub(crate) fn with_tier<R>(&'static self, work: impl FnOnce() -> R) -> R {
        FORCED.set(Some(self));
        let answer = work();
        FORCED.set(None);
        answer
    }

    /// The tier all of these kernels belong to.
    pub fn tier(&self) -> Tier {
        self.tier
    }
}

#[cfg(test)]
mod tests;
