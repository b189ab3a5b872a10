//! The f32 kernels in registers: left to the compiler, the last additions break the lanes up.
//!
//! Lane `j % 32` and the halving order are those of [`super::f32`]. Rows are read one after the other, which is what
//! the memory prefetcher follows, and four of them share the last additions.

use std::arch::x86_64::*;

use super::prefetch::prefetch_ahead;

/// Ends the sums of four rows: lanes 0 + 2 and 1 + 3, then those two.
#[inline]
#[target_feature(enable = "avx2")]
fn last_additions([a, b, c, d]: [__m128; 4]) -> [f32; 4] {
    let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
    let even = _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movelh_ps(ab_high, cd_high));
    let odd = _mm_add_ps(_mm_movehl_ps(cd, ab), _mm_movehl_ps(cd_high, ab_high));
    let mut out = [0.0; 4];
    // SAFETY: the array is 16 bytes, which is what an unaligned store writes.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), _mm_add_ps(even, odd)) };
    out
}

#[inline]
#[target_feature(enable = "avx2")]
fn fold_eight(sum: __m256) -> __m128 {
    _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum))
}

macro_rules! kernels {
    ($tier:ident, $features:literal, $lanes:literal, $registers:literal, $vector:ty, $load:ident, $zero:ident,
     $add:ident, $sub:ident, $mul:ident, $fold:ident) => {
        pub(super) mod $tier {
            use super::*;

            #[inline]
            #[target_feature(enable = $features)]
            fn load(lanes: &[f32; $lanes]) -> $vector {
                // SAFETY: the array has as many elements as an unaligned load reads.
                unsafe { $load(lanes.as_ptr()) }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn term<const DISTANCE: bool>(a: $vector, b: $vector) -> $vector {
                if DISTANCE {
                    let difference = $sub(a, b);
                    $mul(difference, difference)
                } else {
                    $mul(a, b)
                }
            }

            /// The sum of one row, folded down to four lanes.
            #[inline]
            #[target_feature(enable = $features)]
            fn row_lanes<const DISTANCE: bool, const FETCH: bool>(query: &[f32], row: &[f32]) -> __m128 {
                let mut sums = [$zero(); $registers];
                let ((query, query_rest), (row, row_rest)) = (query.as_chunks::<32>(), row.as_chunks::<32>());
                for (query, row) in query.iter().zip(row) {
                    if FETCH {
                        prefetch_ahead(&row[0]);
                        prefetch_ahead(&row[16]);
                    }
                    let (query, row) = (query.as_chunks::<$lanes>().0, row.as_chunks::<$lanes>().0);
                    for i in 0..$registers {
                        sums[i] = $add(sums[i], term::<DISTANCE>(load(&query[i]), load(&row[i])));
                    }
                }
                if !row_rest.is_empty() {
                    let (mut x, mut y) = ([0.0; 32], [0.0; 32]);
                    x[..query_rest.len()].copy_from_slice(query_rest);
                    y[..row_rest.len()].copy_from_slice(row_rest);
                    let (x, y) = (x.as_chunks::<$lanes>().0, y.as_chunks::<$lanes>().0);
                    for i in 0..$registers {
                        sums[i] = $add(sums[i], term::<DISTANCE>(load(&x[i]), load(&y[i])));
                    }
                }
                $fold(sums)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn one<const DISTANCE: bool>(a: &[f32], b: &[f32]) -> f32 {
                assert_eq!(a.len(), b.len(), "vectors of equal length");
                let sum = row_lanes::<DISTANCE, false>(a, b);
                last_additions([sum; 4])[0]
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn many<const DISTANCE: bool, const FETCH: bool>(query: &[f32], rows: &[f32], out: &mut [f32]) {
                let stride = query.len();
                assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
                if stride == 0 {
                    return out.fill(0.0);
                }
                let mut groups = rows.chunks_exact(4 * stride);
                let (fours, singles) = out.as_chunks_mut::<4>();
                for (group, out) in groups.by_ref().zip(fours) {
                    let mut sums = [_mm_setzero_ps(); 4];
                    for (sum, row) in sums.iter_mut().zip(group.chunks_exact(stride)) {
                        *sum = row_lanes::<DISTANCE, FETCH>(query, row);
                    }
                    *out = last_additions(sums);
                }
                for (row, out) in groups.remainder().chunks_exact(stride).zip(singles) {
                    *out = one::<DISTANCE>(query, row);
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot(a: &[f32], b: &[f32]) -> f32 {
                one::<false>(a, b)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn squared_euclidean(a: &[f32], b: &[f32]) -> f32 {
                one::<true>(a, b)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_rows(query: &[f32], rows: &[f32], out: &mut [f32]) {
                many::<false, true>(query, rows, out);
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn squared_euclidean_rows(query: &[f32], rows: &[f32], out: &mut [f32]) {
                many::<true, true>(query, rows, out);
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_batch(queries: &[f32], stride: usize, rows: &[f32], out: &mut [f32]) {
                if stride == 0 || queries.is_empty() {
                    return out.fill(0.0);
                }
                let count = queries.len() / stride;
                assert_eq!(queries.len(), count * stride, "whole queries");
                assert_eq!(rows.len() * count, stride * out.len(), "one score a row and query");
                for (row, out) in rows.chunks_exact(stride).zip(out.chunks_exact_mut(count)) {
                    many::<false, false>(row, queries, out);
                }
            }
        }
    };
}

#[inline]
#[target_feature(enable = "avx2")]
fn fold_four_registers([a, b, c, d]: [__m256; 4]) -> __m128 {
    fold_eight(_mm256_add_ps(_mm256_add_ps(a, c), _mm256_add_ps(b, d)))
}

#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn fold_two_registers([a, b]: [__m512; 2]) -> __m128 {
    let sum = _mm512_add_ps(a, b);
    fold_eight(_mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps::<1>(sum)))
}

kernels!(
    avx2,
    "avx2",
    8,
    4,
    __m256,
    _mm256_loadu_ps,
    _mm256_setzero_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    fold_four_registers
);
kernels!(
    avx512,
    "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni",
    16,
    2,
    __m512,
    _mm512_loadu_ps,
    _mm512_setzero_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    fold_two_registers
);
