//! Kernels over bit codes, which are kept eight to a block so that one register holds the same word of all of them.
//!
//! A query is one plane of signs and any number of planes of magnitude: element `j` stands for
//! `sign * (1 + 2 m_0 + 4 m_1 + ..)`. What a code and a query disagree on, weighed by that magnitude, is
//! `pop(x) + 2 pop(x & m_0) + 4 pop(x & m_1) + ..` with `x = code ^ sign`.

/// Codes in a block.
pub const LANES: usize = 8;

/// The plain body: word by word.
#[inline(always)]
pub(super) fn disagreement(query: &[u64], planes: usize, blocks: &[u64], out: &mut [u32]) {
    let words = checked(query, planes, blocks, out);
    for (block, out) in blocks.chunks_exact(LANES * words).zip(out.chunks_exact_mut(LANES)) {
        out.fill(0);
        for (w, lanes) in block.as_chunks::<LANES>().0.iter().enumerate() {
            for (lane, out) in lanes.iter().zip(out.iter_mut()) {
                let x = lane ^ query[w];
                *out += x.count_ones();
                for plane in 1..planes {
                    *out += (x & query[plane * words + w]).count_ones() << plane;
                }
            }
        }
    }
}

/// Words of a code.
#[inline(always)]
pub(super) fn checked(query: &[u64], planes: usize, blocks: &[u64], out: &[u32]) -> usize {
    let words = query.len() / planes;
    assert!(query.len() == planes * words && words > 0, "whole planes");
    assert_eq!(blocks.len(), out.len() * words, "whole blocks");
    words
}

/// Turns disagreements into upper bounds of scores: `factor * (offset - step * disagreement) + base`; no base is zero.
#[inline(always)]
pub(super) fn sketch_scores(
    disagreements: &[u32],
    factor: &[f32],
    base: &[f32],
    offset: f32,
    step: f32,
    out: &mut [f32],
) {
    let n = out.len();
    let (disagreements, factor) = (&disagreements[..n], &factor[..n]);
    for i in 0..n {
        out[i] = factor[i] * (offset - step * disagreements[i] as f32);
    }
    if !base.is_empty() {
        let base = &base[..n];
        for i in 0..n {
            out[i] += base[i];
        }
    }
}

/// Counts bits by a table of sixteen, a byte at a time; bytes are added up before they can overflow.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::*;

    use super::{LANES, checked};

    /// Words whose weighed counts fit a byte: 8 bits of weight 15 at most.
    const ROOM: usize = 2;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(words: &[u64]) -> __m256i {
        let four: &[u64; 4] = words.first_chunk().unwrap_or(&[0; 4]);
        // SAFETY: the array is 32 bytes, which is what an unaligned load reads.
        unsafe { _mm256_loadu_si256(four.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn count(x: __m256i) -> __m256i {
        let table = _mm256_setr_epi8(
            0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
        );
        let low = _mm256_set1_epi8(15);
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(x), low);
        _mm256_add_epi8(
            _mm256_shuffle_epi8(table, _mm256_and_si256(x, low)),
            _mm256_shuffle_epi8(table, high),
        )
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn disagreement(query: &[u64], planes: usize, blocks: &[u64], out: &mut [u32]) {
        if planes > 4 {
            return super::disagreement(query, planes, blocks, out);
        }
        let words = checked(query, planes, blocks, out);
        for (block, out) in blocks.chunks_exact(LANES * words).zip(out.chunks_exact_mut(LANES)) {
            let mut sums = [_mm256_setzero_si256(); 2];
            for start in (0..words).step_by(ROOM) {
                let mut bytes = [_mm256_setzero_si256(); 2];
                for w in start..(start + ROOM).min(words) {
                    let sign = _mm256_set1_epi64x(query[w] as i64);
                    for half in 0..2 {
                        let x = _mm256_xor_si256(load(&block[LANES * w + 4 * half..]), sign);
                        let mut weighed = count(x);
                        for plane in 1..planes {
                            let magnitude = _mm256_set1_epi64x(query[plane * words + w] as i64);
                            let counted = count(_mm256_and_si256(x, magnitude));
                            // Counts of a byte are at most 8, so that shifting words moves no bit into the next byte.
                            let counted = match plane {
                                1 => _mm256_slli_epi16::<1>(counted),
                                2 => _mm256_slli_epi16::<2>(counted),
                                _ => _mm256_slli_epi16::<3>(counted),
                            };
                            weighed = _mm256_add_epi8(weighed, counted);
                        }
                        bytes[half] = _mm256_add_epi8(bytes[half], weighed);
                    }
                }
                for half in 0..2 {
                    let added = _mm256_sad_epu8(bytes[half], _mm256_setzero_si256());
                    sums[half] = _mm256_add_epi64(sums[half], added);
                }
            }
            let mut lanes = [0u64; LANES];
            // SAFETY: the array is 64 bytes, two unaligned stores of 32.
            unsafe {
                _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums[0]);
                _mm256_storeu_si256(lanes.as_mut_ptr().add(4).cast(), sums[1]);
            }
            out.iter_mut().zip(lanes).for_each(|(out, sum)| *out = sum as u32);
        }
    }
}

/// VPOPCNTDQ counts the bits of eight words at once.
#[cfg(target_arch = "x86_64")]
pub(super) mod popcount {
    use std::arch::x86_64::*;

    use super::{LANES, checked};

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(words: &[u64; LANES]) -> __m512i {
        // SAFETY: the array is 64 bytes, which is what an unaligned load reads.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn store(sums: __m512i, out: &mut [u32; LANES]) {
        // SAFETY: the array is 32 bytes, which is what an unaligned store of half a register writes.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(sums)) }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")]
    pub(in crate::simd) fn disagreement(query: &[u64], planes: usize, blocks: &[u64], out: &mut [u32]) {
        let words = checked(query, planes, blocks, out);
        match (planes, words) {
            // The usual widths keep the whole query in registers.
            (1, 4) => whole::<1, 4>(query, blocks, out),
            (2, 4) => whole::<2, 4>(query, blocks, out),
            (1, 6) => whole::<1, 6>(query, blocks, out),
            (2, 6) => whole::<2, 6>(query, blocks, out),
            (4, 6) => whole::<4, 6>(query, blocks, out),
            (1, 12) => whole::<1, 12>(query, blocks, out),
            (2, 12) => whole::<2, 12>(query, blocks, out),
            _ => any(query, planes, blocks, out),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")]
    fn whole<const PLANES: usize, const WORDS: usize>(query: &[u64], blocks: &[u64], out: &mut [u32]) {
        let mut held = [[_mm512_setzero_si512(); WORDS]; PLANES];
        for (held, plane) in held.iter_mut().zip(query.chunks_exact(WORDS)) {
            for (held, &word) in held.iter_mut().zip(plane) {
                *held = _mm512_set1_epi64(word as i64);
            }
        }
        let blocks = blocks.as_chunks::<LANES>().0.as_chunks::<WORDS>().0;
        for (block, out) in blocks.iter().zip(out.as_chunks_mut::<LANES>().0) {
            let mut sums = [_mm512_setzero_si512(); PLANES];
            for w in 0..WORDS {
                let x = _mm512_xor_si512(load(&block[w]), held[0][w]);
                sums[0] = _mm512_add_epi64(sums[0], _mm512_popcnt_epi64(x));
                for plane in 1..PLANES {
                    let counted = _mm512_popcnt_epi64(_mm512_and_si512(x, held[plane][w]));
                    sums[plane] = _mm512_add_epi64(sums[plane], counted);
                }
            }
            let mut sum = sums[PLANES - 1];
            for plane in (0..PLANES - 1).rev() {
                sum = _mm512_add_epi64(_mm512_add_epi64(sum, sum), sums[plane]);
            }
            store(sum, out);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")]
    fn any(query: &[u64], planes: usize, blocks: &[u64], out: &mut [u32]) {
        let words = query.len() / planes;
        let blocks = blocks.as_chunks::<LANES>().0.chunks_exact(words);
        for (block, out) in blocks.zip(out.as_chunks_mut::<LANES>().0) {
            let mut sum = _mm512_setzero_si512();
            for plane in (0..planes).rev() {
                sum = _mm512_add_epi64(sum, sum);
                let magnitudes = &query[plane * words..][..words];
                for ((lanes, &sign), &magnitude) in block.iter().zip(query).zip(magnitudes) {
                    let x = _mm512_xor_si512(load(lanes), _mm512_set1_epi64(sign as i64));
                    let magnitude = if plane == 0 { u64::MAX } else { magnitude };
                    let x = _mm512_and_si512(x, _mm512_set1_epi64(magnitude as i64));
                    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(x));
                }
            }
            store(sum, out);
        }
    }
}
