//! Kernels over int8 codes; integers, so every order of adding gives the same.

/// The plain body: widened products in lanes of i32.
#[inline(always)]
pub(super) fn dot(a: &[i8], b: &[i8]) -> i32 {
    assert_eq!(a.len(), b.len(), "codes of equal length");
    sum(a, b)
}

#[inline(always)]
fn sum(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(i16::from(x) * i16::from(y))).sum()
}

#[inline(always)]
pub(super) fn dot_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
    let stride = query.len();
    assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
    if stride == 0 {
        return out.fill(0);
    }
    for (row, out) in rows.chunks_exact(stride).zip(out) {
        *out = sum(query, row);
    }
}

/// VNNI multiplies unsigned by signed bytes: the row is moved up by 128, and 128 times the sum of the query goes off
/// the result.
#[cfg(target_arch = "x86_64")]
pub(super) mod vnni {
    use std::arch::x86_64::*;

    use super::super::prefetch::{AHEAD, prefetch_line};

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(bytes: &[i8; 64]) -> __m512i {
        // SAFETY: the array is 64 bytes, which is what an unaligned load reads.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    pub(in crate::simd) fn dot(a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "codes of equal length");
        let mut out = [0];
        dot_rows(a, b, &mut out);
        out[0]
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    pub(in crate::simd) fn dot_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
        let stride = query.len();
        assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
        if stride == 0 {
            return out.fill(0);
        }
        let (chunks, rest) = query.as_chunks::<64>();
        let moved = 128 * chunks.as_flattened().iter().map(|&x| i32::from(x)).sum::<i32>();
        let mut groups = rows.chunks_exact(4 * stride);
        let (fours, singles) = out.as_chunks_mut::<4>();
        for (four, out) in groups.by_ref().zip(fours) {
            let (low, high) = four.split_at(2 * stride);
            let ((a, b), (c, d)) = (low.split_at(stride), high.split_at(stride));
            *out = four_rows(chunks, rest, [a, b, c, d], moved);
        }
        for (row, out) in groups.remainder().chunks_exact(stride).zip(singles) {
            *out = one_row(chunks, rest, row, moved);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn one_row(query: &[[i8; 64]], query_rest: &[i8], row: &[i8], moved: i32) -> i32 {
        let up = _mm512_set1_epi8(-128);
        let (row, rest) = row.as_chunks::<64>();
        let mut sum = _mm512_setzero_si512();
        for (q, r) in query.iter().zip(row) {
            sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(load(r), up), load(q));
        }
        _mm512_reduce_add_epi32(sum) - moved + super::sum(query_rest, rest)
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn four_rows(query: &[[i8; 64]], query_rest: &[i8], rows: [&[i8]; 4], moved: i32) -> [i32; 4] {
        let up = _mm512_set1_epi8(-128);
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|row| row.as_chunks::<64>());
        let zero = _mm512_setzero_si512();
        let mut sums = [zero; 4];
        for ((((q, a), b), c), d) in query.iter().zip(a).zip(b).zip(c).zip(d) {
            let q = load(q);
            for (sum, row) in sums.iter_mut().zip([a, b, c, d]) {
                prefetch_line(row.as_ptr().cast::<u8>().wrapping_add(AHEAD));
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_xor_si512(load(row), up), q);
            }
        }
        let [a, b, c, d] = sums;
        // Each 128-bit lane ends with one partial sum a row; then the four lanes are added.
        let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        let half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64::<1>(all));
        let four = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let mut out = [0; 4];
        // SAFETY: the array is 16 bytes, which is what an unaligned store writes.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), four) };
        let rests = [a_rest, b_rest, c_rest, d_rest];
        std::array::from_fn(|i| {
            out[i] - moved + if query_rest.is_empty() { 0 } else { super::sum(query_rest, rests[i]) }
        })
    }
}
