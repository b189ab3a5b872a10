//! Kernels over int8 codes; integers, so every order of adding gives the same.

/// The plain body: widened products in lanes of i32.
#[inline(always)]
pub(super) fn dot(a: &[i8], b: &[i8]) -> i32 {
    assert_eq!(a.len(), b.len(), "codes of equal length");
    sum(a, b)
}

#[inline(always)]
pub(super) fn sum(a: &[i8], b: &[i8]) -> i32 {
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

#[inline(always)]
pub(super) fn dot_each(query: &[i8], rows: &[&[i8]], out: &mut [i32]) {
    for (row, out) in rows.iter().zip(out) {
        *out = dot(query, row);
    }
}

/// Multiplies the size of the row by the query with the sign of the row, which fits the one byte product there is.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::*;

    use super::super::prefetch::prefetch_ahead;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[i8; 32]) -> __m256i {
        // SAFETY: the array is 32 bytes, which is what an unaligned load reads.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn dot(a: &[i8], b: &[i8]) -> i32 {
        assert_eq!(a.len(), b.len(), "codes of equal length");
        let mut out = [0];
        dot_rows(a, b, &mut out);
        out[0]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn dot_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
        let stride = query.len();
        // -128 has no opposite; the quantizer never makes it.
        if stride == 0 || query.contains(&-128) {
            return super::dot_rows(query, rows, out);
        }
        assert_eq!(rows.len(), stride * out.len(), "rows of the length of the query");
        let (query, query_rest) = query.as_chunks::<32>();
        for (row, out) in rows.chunks_exact(stride).zip(out) {
            let (row, row_rest) = row.as_chunks::<32>();
            let mut sum = _mm256_setzero_si256();
            for (q, row) in query.iter().zip(row) {
                prefetch_ahead(row);
                let row = load(row);
                let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(row), _mm256_sign_epi8(load(q), row));
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
            }
            *out = add_lanes(sum) + super::sum(query_rest, row_rest);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn dot_each(query: &[i8], rows: &[&[i8]], out: &mut [i32]) {
        for (row, out) in rows.iter().zip(out) {
            *out = dot(query, row);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_lanes(sum: __m256i) -> i32 {
        let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
    }
}

/// VNNI multiplies unsigned by signed bytes: the row is moved up by 128, and 128 times the sum of the query goes off
/// the result.
#[cfg(target_arch = "x86_64")]
pub(super) mod vnni {
    use std::arch::x86_64::*;

    use super::super::prefetch::prefetch_ahead;

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
        // The usual dimensions keep the whole query in registers.
        match (stride / 64, stride % 64) {
            (0, 0) => out.fill(0),
            (2, 0) => whole_rows::<2>(query, rows, out),
            (4, 0) => whole_rows::<4>(query, rows, out),
            (6, 0) => whole_rows::<6>(query, rows, out),
            (8, 0) => whole_rows::<8>(query, rows, out),
            (12, 0) => whole_rows::<12>(query, rows, out),
            (16, 0) => whole_rows::<16>(query, rows, out),
            _ => any_rows(query, rows, out),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    pub(in crate::simd) fn dot_each(query: &[i8], rows: &[&[i8]], out: &mut [i32]) {
        let (chunks, rest) = query.as_chunks::<64>();
        if !rest.is_empty() {
            return super::dot_each(query, rows, out);
        }
        let moved = moved(chunks);
        let ((groups, singles), (fours, ones)) = (rows.as_chunks::<4>(), out.as_chunks_mut::<4>());
        for (group, out) in groups.iter().zip(fours) {
            let mut sums = [_mm512_setzero_si512(); 4];
            for (sum, row) in sums.iter_mut().zip(group) {
                assert_eq!(query.len(), row.len(), "codes of equal length");
                for (q, row) in chunks.iter().zip(row.as_chunks::<64>().0) {
                    *sum = product(*sum, load(q), row);
                }
            }
            *out = last_additions(sums).map(|sum| sum - moved);
        }
        for (row, out) in singles.iter().zip(ones) {
            assert_eq!(query.len(), row.len(), "codes of equal length");
            let mut sum = _mm512_setzero_si512();
            for (q, row) in chunks.iter().zip(row.as_chunks::<64>().0) {
                sum = product(sum, load(q), row);
            }
            *out = _mm512_reduce_add_epi32(sum) - moved;
        }
    }

    /// What moving the row up by 128 adds to the product with the query.
    fn moved(query: &[[i8; 64]]) -> i32 {
        128 * query.as_flattened().iter().map(|&x| i32::from(x)).sum::<i32>()
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn any_rows(query: &[i8], rows: &[i8], out: &mut [i32]) {
        let stride = query.len();
        let (chunks, rest) = query.as_chunks::<64>();
        let moved = moved(chunks);
        for (row, out) in rows.chunks_exact(stride).zip(out) {
            let (row, row_rest) = row.as_chunks::<64>();
            let mut sum = _mm512_setzero_si512();
            for (q, row) in chunks.iter().zip(row) {
                sum = step(sum, load(q), row);
            }
            *out = _mm512_reduce_add_epi32(sum) - moved + super::sum(rest, row_rest);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn whole_rows<const CHUNKS: usize>(query: &[i8], rows: &[i8], out: &mut [i32]) {
        let (query, rows) = (query.as_chunks::<64>().0, rows.as_chunks::<64>().0);
        let moved = moved(query);
        let mut held = [_mm512_setzero_si512(); CHUNKS];
        for (held, q) in held.iter_mut().zip(query) {
            *held = load(q);
        }
        let rows = rows.as_chunks::<CHUNKS>().0;
        let ((groups, singles), (fours, ones)) = (rows.as_chunks::<4>(), out.as_chunks_mut::<4>());
        for (group, out) in groups.iter().zip(fours) {
            let [a, b, c, d] = group;
            let lanes = [row_held(&held, a), row_held(&held, b), row_held(&held, c), row_held(&held, d)];
            *out = last_additions(lanes).map(|sum| sum - moved);
        }
        for (row, out) in singles.iter().zip(ones) {
            *out = _mm512_reduce_add_epi32(row_held(&held, row)) - moved;
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn row_held<const CHUNKS: usize>(query: &[__m512i; CHUNKS], row: &[[i8; 64]; CHUNKS]) -> __m512i {
        let mut sum = _mm512_setzero_si512();
        for i in 0..CHUNKS {
            sum = step(sum, query[i], &row[i]);
        }
        sum
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn step(sum: __m512i, query: __m512i, row: &[i8; 64]) -> __m512i {
        prefetch_ahead(row);
        product(sum, query, row)
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn product(sum: __m512i, query: __m512i, row: &[i8; 64]) -> __m512i {
        _mm512_dpbusd_epi32(sum, _mm512_xor_si512(load(row), _mm512_set1_epi8(-128)), query)
    }

    /// Adds the lanes of four rows: each 128-bit lane comes to hold one partial sum a row, then the four are added.
    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn last_additions([a, b, c, d]: [__m512i; 4]) -> [i32; 4] {
        let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
        let half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64::<1>(all));
        let four = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let mut out = [0; 4];
        // SAFETY: the array is 16 bytes, which is what an unaligned store writes.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), four) };
        out
    }
}
