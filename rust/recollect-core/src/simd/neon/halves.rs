//! Half precision by the instructions that convert it, which round as the integers of [`narrow`](super::super::narrow) do;
//! what is not a number has bits of its own there.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::narrow::{narrow_f16 as plain_narrow, widen_f16 as plain_widen};

/// Eight halves as f32, exact but for the bits of what is not a number.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn widened(halves: uint16x8_t) -> [float32x4_t; 2] {
    let (low, high): (float32x4_t, float32x4_t);
    // SAFETY: both instructions are part of aarch64, and only read and write the registers named.
    unsafe {
        asm!(
            "fcvtl {low:v}.4s, {halves:v}.4h",
            "fcvtl2 {high:v}.4s, {halves:v}.8h",
            low = out(vreg) low,
            high = lateout(vreg) high,
            halves = in(vreg) halves,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    [low, high]
}

/// Eight f32 as halves.
#[inline]
#[target_feature(enable = "neon")]
fn narrowed([low, high]: [float32x4_t; 2]) -> uint16x8_t {
    let halves: uint16x8_t;
    // SAFETY: both instructions are part of aarch64, and only read and write the registers named.
    unsafe {
        asm!(
            "fcvtn {halves:v}.4h, {low:v}.4s",
            "fcvtn2 {halves:v}.8h, {high:v}.4s",
            halves = out(vreg) halves,
            low = in(vreg) low,
            high = in(vreg) high,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    halves
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn widen_f16(x: &[u16], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "one element for each");
    let ((eights, rest), (outs, out_rest)) = (x.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (eight, out) in eights.iter().zip(outs) {
        // SAFETY: the array is 16 bytes, which is what the load reads; it needs no alignment.
        let halves = unsafe { vld1q_u16(eight.as_ptr()) };
        if vmaxvq_u16(vaddq_u16(halves, halves)) > 2 * 0x7C00 {
            plain_widen(eight, out);
            continue;
        }
        let wide = widened(halves);
        // SAFETY: the array is 32 bytes, two stores of 16 that need no alignment.
        unsafe {
            vst1q_f32(out.as_mut_ptr(), wide[0]);
            vst1q_f32(out.as_mut_ptr().add(4), wide[1]);
        }
    }
    plain_widen(rest, out_rest);
}

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn narrow_f16(x: &[f32], out: &mut [u16]) {
    assert_eq!(x.len(), out.len(), "one element for each");
    let ((eights, rest), (outs, out_rest)) = (x.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (eight, out) in eights.iter().zip(outs) {
        // SAFETY: the array is 32 bytes, two loads of 16 that need no alignment.
        let wide = unsafe { [vld1q_f32(eight.as_ptr()), vld1q_f32(eight.as_ptr().add(4))] };
        let numbers = vandq_u32(vceqq_f32(wide[0], wide[0]), vceqq_f32(wide[1], wide[1]));
        if vminvq_u32(numbers) == 0 {
            plain_narrow(eight, out);
            continue;
        }
        // SAFETY: the array is 16 bytes, which is what the store writes; it needs no alignment.
        unsafe { vst1q_u16(out.as_mut_ptr(), narrowed(wide)) };
    }
    plain_narrow(rest, out_rest);
}
