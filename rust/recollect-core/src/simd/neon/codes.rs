//! Inner products of int8 codes, four rows side by side, so that they share the query and the last additions.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::i8::{dot_each as plain_each, dot_rows as plain_rows, sum};

/// Codes of a register.
const CODES: usize = 16;
/// Codes of a step.
const CHUNK: usize = 64;

#[inline]
#[target_feature(enable = "neon")]
fn load(codes: &[i8; CODES]) -> int8x16_t {
    // SAFETY: the array is 16 bytes, which is what the load reads; it needs no alignment.
    unsafe { vld1q_s8(codes.as_ptr()) }
}

/// Products of i16, two of which are added: below 2^15, where no code of the query is -128.
#[inline]
#[target_feature(enable = "neon")]
fn multiply(sum: int32x4_t, query: int8x16_t, row: int8x16_t) -> int32x4_t {
    let low = vmull_s8(vget_low_s8(query), vget_low_s8(row));
    vpadalq_s16(sum, vmlal_high_s8(low, query, row))
}

/// Products of four codes added to each lane of i32; its intrinsic is not stable yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn multiply_four(mut sum: int32x4_t, query: int8x16_t, row: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction only reads and writes the registers named, and the features of this function have it.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {query:v}.16b, {row:v}.16b",
            sum = inout(vreg) sum,
            query = in(vreg) query,
            row = in(vreg) row,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

macro_rules! kernels {
    ($name:ident, $features:literal, $multiply:ident, $takes:expr) => {
        pub(in crate::simd) mod $name {
            use super::*;

            /// Products with four rows of the length of the query.
            #[inline]
            #[target_feature(enable = $features)]
            fn four(query: &[i8], rows: [&[i8]; 4]) -> [i32; 4] {
                let mut sums = [vdupq_n_s32(0); 4];
                let (chunks, rest) = query.as_chunks::<CHUNK>();
                let [a, b, c, d] = rows.map(|row| row.as_chunks::<CHUNK>().0);
                for ((((q, a), b), c), d) in chunks.iter().zip(a).zip(b).zip(c).zip(d) {
                    add(&mut sums, q, [a, b, c, d]);
                }
                let mut last = [0; 4];
                if !rest.is_empty() {
                    let rests = rows.map(|row| &row[query.len() - rest.len()..]);
                    let (chunks, rest) = rest.as_chunks::<CODES>();
                    let [a, b, c, d] = rests.map(|row| row.as_chunks::<CODES>().0);
                    for ((((q, a), b), c), d) in chunks.iter().zip(a).zip(b).zip(c).zip(d) {
                        add(&mut sums, q, [a, b, c, d]);
                    }
                    last = rests.map(|row| sum(rest, &row[CODES * chunks.len()..]));
                }
                let all = vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3]));
                let mut lanes = [0; 4];
                // SAFETY: the array is 16 bytes, which is what the store writes; it needs no alignment.
                unsafe { vst1q_s32(lanes.as_mut_ptr(), all) };
                std::array::from_fn(|r| lanes[r] + last[r])
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn add<const ROWS: usize, const N: usize>(
                sums: &mut [int32x4_t; ROWS],
                query: &[i8; N],
                rows: [&[i8; N]; ROWS],
            ) {
                for (i, query) in query.as_chunks::<CODES>().0.iter().enumerate() {
                    let query = load(query);
                    for r in 0..ROWS {
                        sums[r] = $multiply(sums[r], query, load(&rows[r].as_chunks::<CODES>().0[i]));
                    }
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(super) fn one(query: &[i8], row: &[i8]) -> i32 {
                let mut sums = [vdupq_n_s32(0)];
                let ((chunks, rest), (row, row_rest)) =
                    (query.as_chunks::<CODES>(), row.as_chunks::<CODES>());
                for (q, row) in chunks.iter().zip(row) {
                    add(&mut sums, q, [row]);
                }
                vaddvq_s32(sums[0]) + sum(rest, row_rest)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
                let stride = query.len();
                if stride == 0 || !$takes(query) {
                    return plain_rows(query, rows, out);
                }
                assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
                let mut groups = rows.chunks_exact(4 * stride);
                let (fours, singles) = out.as_chunks_mut::<4>();
                for (group, out) in groups.by_ref().zip(fours) {
                    *out = four(query, std::array::from_fn(|r| &group[r * stride..][..stride]));
                }
                for (row, out) in groups.remainder().chunks_exact(stride).zip(singles) {
                    *out = one(query, row);
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_each(query: &[i8], rows: &[&[i8]], out: &mut [i32]) {
                if !$takes(query) {
                    return plain_each(query, rows, out);
                }
                for row in rows {
                    assert_eq!(query.len(), row.len(), "codes of equal length");
                }
                let ((groups, singles), (fours, ones)) = (rows.as_chunks::<4>(), out.as_chunks_mut::<4>());
                for (&group, out) in groups.iter().zip(fours) {
                    *out = four(query, group);
                }
                for (row, out) in singles.iter().zip(ones) {
                    *out = one(query, row);
                }
            }
        }
    };
}

kernels!(multiplied, "neon", multiply, |query: &[i8]| query.iter().fold(0, |least, &x| x.min(least)) > -128);
kernels!(dotprod, "neon,dotprod", multiply_four, |_: &[i8]| true);

/// The product of two; without SDOT a look at the codes of one costs what is saved.
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(in crate::simd) fn dot(a: &[i8], b: &[i8]) -> i32 {
    assert_eq!(a.len(), b.len(), "codes of equal length");
    dotprod::one(a, b)
}
