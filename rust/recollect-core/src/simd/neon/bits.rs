//! Comparisons of elements, sixteen registers to a word of bits.

use std::arch::aarch64::*;

use super::super::bits::{SIDES, checked, total};

/// What each byte of sixteen stands for in the two bytes they become.
const WEIGHTS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

#[inline]
#[target_feature(enable = "neon")]
fn load(four: &[f32; 4]) -> float32x4_t {
    // SAFETY: the array is 16 bytes, which is what the load reads; it needs no alignment.
    unsafe { vld1q_f32(four.as_ptr()) }
}

/// Sets the bits of each word where `reaches` sets its lanes of four elements.
#[inline]
#[target_feature(enable = "neon")]
fn set(x: &[f32], bits: &mut [u64], mut reaches: impl FnMut(usize, float32x4_t) -> uint32x4_t) {
    checked(x, bits);
    // SAFETY: the array is 16 bytes, which is what the load reads.
    let weights = unsafe { vld1q_u8(WEIGHTS.as_ptr()) };
    for (word, x) in bits.iter_mut().zip(x.as_chunks::<64>().0) {
        let mut quarters = [weights; 4];
        for (quarter, x) in quarters.iter_mut().zip(x.as_chunks::<16>().0) {
            let mut lanes = [vdupq_n_u16(0); 4];
            for (i, (lanes, four)) in lanes.iter_mut().zip(x.as_chunks::<4>().0).enumerate() {
                *lanes = vreinterpretq_u16_u32(reaches(i, load(four)));
            }
            let low = vreinterpretq_u8_u16(vuzp1q_u16(lanes[0], lanes[1]));
            let high = vreinterpretq_u8_u16(vuzp1q_u16(lanes[2], lanes[3]));
            *quarter = vandq_u8(vuzp1q_u8(low, high), weights);
        }
        // Three times neighbours are added, until each byte has the bits of eight.
        let half = vpaddq_u8(quarters[0], quarters[1]);
        let all = vpaddq_u8(half, vpaddq_u8(quarters[2], quarters[3]));
        *word = vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(all, all)));
    }
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn positive(x: &[f32], bits: &mut [u64]) {
    set(x, bits, |_, x| vcgtzq_f32(x));
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn at_least(x: &[f32], floor: f32, bits: &mut [u64]) {
    let floor = vdupq_n_f32(floor);
    set(x, bits, |_, x| vcgeq_f32(x, floor));
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn reaching(x: &[f32], threshold: f32, bits: &mut [u64]) -> f32 {
    let limit = vdupq_n_f32(threshold);
    let mut sums = [vdupq_n_f32(0.0); SIDES / 4];
    set(x, bits, |i, x| {
        let size = vabsq_f32(x);
        let reaches = vcgeq_f32(size, limit);
        let counted = vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(size), reaches));
        sums[i % 2] = vaddq_f32(sums[i % 2], counted);
        reaches
    });
    let mut out = [0.0; SIDES];
    // SAFETY: the array is 32 bytes, two stores of 16 that need no alignment.
    unsafe {
        vst1q_f32(out.as_mut_ptr(), sums[0]);
        vst1q_f32(out.as_mut_ptr().add(4), sums[1]);
    }
    total(out)
}
