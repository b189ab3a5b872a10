//! f32 queries with rows of f32, f16, bfloat16 or codes in registers: left to the compiler, the last additions break the lanes up.
//!
//! Lane `j % 32` and the halving order are those of [`super::f32`], and widening a row to f32 is exact or rounds as
//! there. Rows are read one after the other, which is what
//! the memory prefetcher follows, and four of them share the last additions.

use std::arch::x86_64::*;

use super::prefetch::prefetch_ahead;
use super::widening::*;

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
    ($name:ident, $features:literal, $lanes:literal, $registers:literal, $vector:ty, $row:ty, $load:ident, $widen:ident,
     $broadcast:ident, $zero:ident, $add:ident, $sub:ident, $mul:ident, $fold:ident) => {
        mod $name {
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
            pub(super) fn row_lanes<const DISTANCE: bool, const FETCH: bool>(
                query: &[f32],
                row: &[$row],
                scale: f32,
            ) -> __m128 {
                let (mut sums, scale) = ([$zero(); $registers], $broadcast(scale));
                let ((query, query_rest), (row, row_rest)) = (query.as_chunks::<32>(), row.as_chunks::<32>());
                for (query, row) in query.iter().zip(row) {
                    if FETCH {
                        prefetch_ahead(&row[0]);
                        if size_of_val(row) > 64 {
                            prefetch_ahead(&row[16]);
                        }
                    }
                    let (query, row) = (query.as_chunks::<$lanes>().0, row.as_chunks::<$lanes>().0);
                    for i in 0..$registers {
                        sums[i] = $add(sums[i], term::<DISTANCE>(load(&query[i]), $widen(&row[i], scale)));
                    }
                }
                if !row_rest.is_empty() {
                    let (mut x, mut y) = ([0.0; 32], [<$row>::default(); 32]);
                    x[..query_rest.len()].copy_from_slice(query_rest);
                    y[..row_rest.len()].copy_from_slice(row_rest);
                    let (x, y) = (x.as_chunks::<$lanes>().0, y.as_chunks::<$lanes>().0);
                    for i in 0..$registers {
                        sums[i] = $add(sums[i], term::<DISTANCE>(load(&x[i]), $widen(&y[i], scale)));
                    }
                }
                $fold(sums)
            }

            /// The sum of squares of one row, folded down to four lanes.
            #[inline]
            #[target_feature(enable = $features)]
            #[allow(dead_code, reason = "nobody asks for the squares of codes")]
            pub(super) fn squared_lanes<const FETCH: bool>(row: &[$row]) -> __m128 {
                let (mut sums, scale) = ([$zero(); $registers], $broadcast(1.0));
                let (row, rest) = row.as_chunks::<32>();
                let mut add = |row: &[$row; 32]| {
                    let row = row.as_chunks::<$lanes>().0;
                    for i in 0..$registers {
                        let x = $widen(&row[i], scale);
                        sums[i] = $add(sums[i], $mul(x, x));
                    }
                };
                for row in row {
                    if FETCH {
                        prefetch_ahead(&row[0]);
                    }
                    add(row);
                }
                if !rest.is_empty() {
                    let mut y = [<$row>::default(); 32];
                    y[..rest.len()].copy_from_slice(rest);
                    add(&y);
                }
                $fold(sums)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(super) fn one<const DISTANCE: bool>(query: &[f32], row: &[$row], scale: f32) -> f32 {
                assert_eq!(query.len(), row.len(), "vectors of equal length");
                let sum = row_lanes::<DISTANCE, false>(query, row, scale);
                last_additions([sum; 4])[0]
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(super) fn many<const DISTANCE: bool, const FETCH: bool>(
                query: &[f32],
                rows: &[$row],
                scale: impl Fn(usize) -> f32,
                out: &mut [f32],
            ) {
                let stride = query.len();
                assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
                if stride == 0 {
                    return out.fill(0.0);
                }
                let mut groups = rows.chunks_exact(4 * stride);
                let (fours, singles) = out.as_chunks_mut::<4>();
                let whole = 4 * fours.len();
                for (first, (group, out)) in groups.by_ref().zip(fours).enumerate() {
                    let mut sums = [_mm_setzero_ps(); 4];
                    for (i, (sum, row)) in sums.iter_mut().zip(group.chunks_exact(stride)).enumerate() {
                        *sum = row_lanes::<DISTANCE, FETCH>(query, row, scale(4 * first + i));
                    }
                    *out = last_additions(sums);
                }
                for (i, (row, out)) in groups.remainder().chunks_exact(stride).zip(singles).enumerate() {
                    *out = one::<DISTANCE>(query, row, scale(whole + i));
                }
            }
        }
    };
}

/// The kernels of rows that need no scale.
macro_rules! unscaled {
    ($features:literal, $of:ident, $row:ty, $dot:ident, $squared_euclidean:ident, $dot_rows:ident, $squared_euclidean_rows:ident) => {
        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn $dot(query: &[f32], row: &[$row]) -> f32 {
            $of::one::<false>(query, row, 1.0)
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn $squared_euclidean(query: &[f32], row: &[$row]) -> f32 {
            $of::one::<true>(query, row, 1.0)
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn $dot_rows(query: &[f32], rows: &[$row], out: &mut [f32]) {
            $of::many::<false, true>(query, rows, |_| 1.0, out);
        }

        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn $squared_euclidean_rows(query: &[f32], rows: &[$row], out: &mut [f32]) {
            $of::many::<true, true>(query, rows, |_| 1.0, out);
        }
    };
}

/// The kernel of sums of squares of each row.
macro_rules! squares {
    ($features:literal, $of:ident, $row:ty, $fetch:literal, $name:ident) => {
        #[inline]
        #[target_feature(enable = $features)]
        pub(in crate::simd) fn $name(rows: &[$row], dim: usize, out: &mut [f32]) {
            let mut groups = rows.chunks_exact(4 * dim);
            let (fours, singles) = out.as_chunks_mut::<4>();
            for (group, out) in groups.by_ref().zip(fours) {
                let mut sums = [_mm_setzero_ps(); 4];
                for (sum, row) in sums.iter_mut().zip(group.chunks_exact(dim)) {
                    *sum = $of::squared_lanes::<$fetch>(row);
                }
                *out = last_additions(sums);
            }
            for (row, out) in groups.remainder().chunks_exact(dim).zip(singles) {
                *out = last_additions([$of::squared_lanes::<$fetch>(row); 4])[0];
            }
        }
    };
}

/// All kernels of a tier, over its kernels of f32, f16, bfloat16 and code rows.
macro_rules! tier {
    ($tier:ident, $features:literal, $f32:ident, $f16:ident, $bf16:ident, $codes:ident) => {
        pub(super) mod $tier {
            use super::*;

            unscaled!($features, $f32, f32, dot, squared_euclidean, dot_rows, squared_euclidean_rows);
            unscaled!(
                $features,
                $f16,
                u16,
                dot_f16,
                squared_euclidean_f16,
                dot_f16_rows,
                squared_euclidean_f16_rows
            );

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
                    $f32::many::<false, false>(row, queries, |_| 1.0, out);
                }
            }

            squares!($features, $f32, f32, false, squares);
            squares!($features, $f16, u16, true, squares_f16);
            squares!($features, $bf16, u16, true, squares_bf16);

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_bf16_rows(query: &[f32], rows: &[u16], out: &mut [f32]) {
                $bf16::many::<false, true>(query, rows, |_| 1.0, out);
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_scaled(query: &[f32], row: &[i8], scale: f32) -> f32 {
                $codes::one::<false>(query, row, scale)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn squared_euclidean_scaled(query: &[f32], row: &[i8], scale: f32) -> f32 {
                $codes::one::<true>(query, row, scale)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn dot_scaled_rows(
                query: &[f32],
                rows: &[i8],
                scale: &[f32],
                out: &mut [f32],
            ) {
                assert_eq!(scale.len(), out.len(), "a scale for each row");
                $codes::many::<false, true>(query, rows, |row| scale[row], out);
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in crate::simd) fn squared_euclidean_scaled_rows(
                query: &[f32],
                rows: &[i8],
                scale: &[f32],
                out: &mut [f32],
            ) {
                assert_eq!(scale.len(), out.len(), "a scale for each row");
                $codes::many::<true, true>(query, rows, |row| scale[row], out);
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
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn fold_two_registers([a, b]: [__m512; 2]) -> __m128 {
    let sum = _mm512_add_ps(a, b);
    fold_eight(_mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps::<1>(sum)))
}

macro_rules! of_avx2 {
    ($name:ident, $row:ty, $widen:ident) => {
        kernels!(
            $name,
            "avx2,f16c",
            8,
            4,
            __m256,
            $row,
            _mm256_loadu_ps,
            $widen,
            _mm256_set1_ps,
            _mm256_setzero_ps,
            _mm256_add_ps,
            _mm256_sub_ps,
            _mm256_mul_ps,
            fold_four_registers
        );
    };
}

macro_rules! of_avx512 {
    ($name:ident, $row:ty, $widen:ident) => {
        kernels!(
            $name,
            "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni",
            16,
            2,
            __m512,
            $row,
            _mm512_loadu_ps,
            $widen,
            _mm512_set1_ps,
            _mm512_setzero_ps,
            _mm512_add_ps,
            _mm512_sub_ps,
            _mm512_mul_ps,
            fold_two_registers
        );
    };
}

of_avx2!(f32_rows_avx2, f32, f32_avx2);
of_avx2!(f16_rows_avx2, u16, f16_avx2);
of_avx2!(bf16_rows_avx2, u16, bf16_avx2);
of_avx2!(code_rows_avx2, i8, codes_avx2);
of_avx512!(f32_rows_avx512, f32, f32_avx512);
of_avx512!(f16_rows_avx512, u16, f16_avx512);
of_avx512!(bf16_rows_avx512, u16, bf16_avx512);
of_avx512!(code_rows_avx512, i8, codes_avx512);
tier!(avx2, "avx2,f16c", f32_rows_avx2, f16_rows_avx2, bf16_rows_avx2, code_rows_avx2);
tier!(
    avx512,
    "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni",
    f32_rows_avx512,
    f16_rows_avx512,
    bf16_rows_avx512,
    code_rows_avx512
);
