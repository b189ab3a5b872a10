//! Lanes of a row as f32 in a register: f32 as it is, half precision and bfloat16 exactly, codes times a scale.

use std::arch::x86_64::*;

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn f32_avx2(lanes: &[f32; 8], _: __m256) -> __m256 {
    // SAFETY: the array is 32 bytes, which is what an unaligned load reads.
    unsafe { _mm256_loadu_ps(lanes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn f16_avx2(lanes: &[u16; 8], _: __m256) -> __m256 {
    // SAFETY: the array is 16 bytes, which is what an unaligned load reads.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(lanes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn bf16_avx2(lanes: &[u16; 8], _: __m256) -> __m256 {
    // SAFETY: the array is 16 bytes, which is what an unaligned load reads.
    let halves = _mm256_cvtepu16_epi32(unsafe { _mm_loadu_si128(lanes.as_ptr().cast()) });
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(halves))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn codes_avx2(lanes: &[i8; 8], scale: __m256) -> __m256 {
    // SAFETY: the array is 8 bytes, which is what this load reads.
    let codes = unsafe { _mm_loadl_epi64(lanes.as_ptr().cast()) };
    _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)), scale)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn f32_avx512(lanes: &[f32; 16], _: __m512) -> __m512 {
    // SAFETY: the array is 64 bytes, which is what an unaligned load reads.
    unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn f16_avx512(lanes: &[u16; 16], _: __m512) -> __m512 {
    // SAFETY: the array is 32 bytes, which is what an unaligned load reads.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn bf16_avx512(lanes: &[u16; 16], _: __m512) -> __m512 {
    // SAFETY: the array is 32 bytes, which is what an unaligned load reads.
    let halves = _mm512_cvtepu16_epi32(unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) });
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn codes_avx512(lanes: &[i8; 16], scale: __m512) -> __m512 {
    // SAFETY: the array is 16 bytes, which is what an unaligned load reads.
    let codes = unsafe { _mm_loadu_si128(lanes.as_ptr().cast()) };
    _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)), scale)
}
