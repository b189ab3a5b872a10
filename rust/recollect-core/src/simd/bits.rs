//! Kernels that compare elements and keep one bit of each.

/// Sums go side by side, one for each place in a group of eight.
pub(super) const SIDES: usize = 8;

#[inline(always)]
pub(super) fn checked(x: &[f32], bits: &[u64]) {
    assert_eq!(x.len(), 64 * bits.len(), "whole words");
}

#[inline(always)]
pub(super) fn positive(x: &[f32], bits: &mut [u64]) {
    checked(x, bits);
    for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
        *word = (0..64).fold(0, |word, bit| word | u64::from(x[bit] > 0.0) << bit);
    }
}

#[inline(always)]
pub(super) fn at_least(x: &[f32], floor: f32, bits: &mut [u64]) {
    checked(x, bits);
    for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
        *word = (0..64).fold(0, |word, bit| word | u64::from(x[bit] >= floor) << bit);
    }
}

#[inline(always)]
pub(super) fn reaching(x: &[f32], threshold: f32, bits: &mut [u64]) -> f32 {
    checked(x, bits);
    let mut sums = [0.0f32; SIDES];
    for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
        *word = 0;
        for bit in 0..64 {
            let size = x[bit].abs();
            let reaches = size >= threshold;
            *word |= u64::from(reaches) << bit;
            sums[bit % SIDES] += if reaches { size } else { 0.0 };
        }
    }
    total(sums)
}

/// How many elements are at least `floor`.
#[inline(always)]
pub(super) fn count_at_least(x: &[f32], floor: f32) -> usize {
    x.iter().fold(0u32, |count, &x| count + u32::from(x >= floor)) as usize
}

#[inline(always)]
pub(super) fn total(sums: [f32; SIDES]) -> f32 {
    let four: [f32; 4] = std::array::from_fn(|i| sums[i] + sums[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

/// Eight comparisons at a time.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::*;

    use super::{SIDES, checked, total};

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(eight: &[f32; SIDES]) -> __m256 {
        // SAFETY: the array is 32 bytes, which is what an unaligned load reads.
        unsafe { _mm256_loadu_ps(eight.as_ptr()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn positive(x: &[f32], bits: &mut [u64]) {
        checked(x, bits);
        for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
            *word = 0;
            for (at, eight) in x.as_chunks::<SIDES>().0.iter().enumerate() {
                let above = _mm256_cmp_ps::<_CMP_GT_OQ>(load(eight), _mm256_setzero_ps());
                *word |= (_mm256_movemask_ps(above) as u64) << (SIDES * at);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn at_least(x: &[f32], floor: f32, bits: &mut [u64]) {
        checked(x, bits);
        let floor = _mm256_set1_ps(floor);
        for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
            *word = 0;
            for (at, eight) in x.as_chunks::<SIDES>().0.iter().enumerate() {
                let reaches = _mm256_cmp_ps::<_CMP_GE_OQ>(load(eight), floor);
                *word |= (_mm256_movemask_ps(reaches) as u64) << (SIDES * at);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(in crate::simd) fn reaching(x: &[f32], threshold: f32, bits: &mut [u64]) -> f32 {
        checked(x, bits);
        let (limit, sign) = (_mm256_set1_ps(threshold), _mm256_set1_ps(-0.0));
        let mut sums = _mm256_setzero_ps();
        for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
            *word = 0;
            for (at, eight) in x.as_chunks::<SIDES>().0.iter().enumerate() {
                let size = _mm256_andnot_ps(sign, load(eight));
                let reaches = _mm256_cmp_ps::<_CMP_GE_OQ>(size, limit);
                *word |= (_mm256_movemask_ps(reaches) as u64) << (SIDES * at);
                sums = _mm256_add_ps(sums, _mm256_and_ps(size, reaches));
            }
        }
        let mut out = [0.0; SIDES];
        // SAFETY: the array is 32 bytes, which is what an unaligned store writes.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sums) };
        total(out)
    }
}
