//! Blocks of 64 elements of a Walsh-Hadamard transform in registers: the distances 1 and 2 are lanes of two, the others
//! registers of one block.

use std::arch::aarch64::*;

use super::super::hadamard::{butterflies, hadamard as plain};

/// Registers of a block.
const HELD: usize = 16;
const BLOCK: usize = 4 * HELD;

#[inline]
#[target_feature(enable = "neon")]
pub(in crate::simd) fn hadamard(a: &mut [f32]) {
    let length = a.len();
    if length < BLOCK || !length.is_power_of_two() {
        return plain(a);
    }
    let scale = vdupq_n_f32(1.0 / (length as f32).sqrt());
    for block in a.as_chunks_mut::<4>().0.as_chunks_mut::<HELD>().0 {
        transform(block, scale);
    }
    let mut distance = BLOCK;
    while distance < length {
        if 2 * distance < length {
            twice(a, distance);
            distance *= 4;
        } else {
            butterflies(a, distance);
            distance *= 2;
        }
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn load(lanes: &[f32; 4]) -> float32x4_t {
    // SAFETY: the array is 16 bytes, which is what the load reads; it needs no alignment.
    unsafe { vld1q_f32(lanes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store(x: float32x4_t, lanes: &mut [f32; 4]) {
    // SAFETY: the array is 16 bytes, which is what the store writes; it needs no alignment.
    unsafe { vst1q_f32(lanes.as_mut_ptr(), x) }
}

#[inline]
#[target_feature(enable = "neon")]
fn transform(block: &mut [[f32; 4]; HELD], scale: float32x4_t) {
    let mut held = [scale; HELD];
    for (held, lanes) in held.as_chunks_mut::<2>().0.iter_mut().zip(block.as_chunks::<2>().0) {
        *held = within(load(&lanes[0]), load(&lanes[1]));
    }
    across::<1>(&mut held);
    across::<2>(&mut held);
    for held in &mut held {
        *held = vmulq_f32(*held, scale);
    }
    across::<4>(&mut held);
    across::<8>(&mut held);
    for (held, lanes) in held.into_iter().zip(block) {
        store(held, lanes);
    }
}

/// The distances 1 and 2 of two registers.
#[inline]
#[target_feature(enable = "neon")]
fn within(x: float32x4_t, y: float32x4_t) -> [float32x4_t; 2] {
    let (even, odd) = (vuzp1q_f32(x, y), vuzp2q_f32(x, y));
    let (sum, difference) = (vaddq_f32(even, odd), vsubq_f32(even, odd));
    let (even, odd) = (vtrn1q_f32(sum, difference), vtrn2q_f32(sum, difference));
    let low = vreinterpretq_f64_f32(vaddq_f32(even, odd));
    let high = vreinterpretq_f64_f32(vsubq_f32(even, odd));
    [vreinterpretq_f32_f64(vzip1q_f64(low, high)), vreinterpretq_f32_f64(vzip2q_f64(low, high))]
}

#[inline]
#[target_feature(enable = "neon")]
fn across<const DISTANCE: usize>(held: &mut [float32x4_t; HELD]) {
    for near in (0..HELD).filter(|at| at & DISTANCE == 0) {
        let (low, high) = (held[near], held[near + DISTANCE]);
        (held[near], held[near + DISTANCE]) = (vaddq_f32(low, high), vsubq_f32(low, high));
    }
}

/// A distance and the next in one pass over memory.
#[inline]
#[target_feature(enable = "neon")]
fn twice(a: &mut [f32], distance: usize) {
    for four in a.chunks_exact_mut(4 * distance) {
        let (low, high) = four.split_at_mut(2 * distance);
        let ((a, b), (c, d)) = (low.split_at_mut(distance), high.split_at_mut(distance));
        let lanes = a.as_chunks_mut::<4>().0.iter_mut().zip(b.as_chunks_mut::<4>().0);
        let others = c.as_chunks_mut::<4>().0.iter_mut().zip(d.as_chunks_mut::<4>().0);
        for ((a, b), (c, d)) in lanes.zip(others) {
            let (w, x, y, z) = (load(a), load(b), load(c), load(d));
            let (w, x, y, z) = (vaddq_f32(w, x), vsubq_f32(w, x), vaddq_f32(y, z), vsubq_f32(y, z));
            store(vaddq_f32(w, y), a);
            store(vaddq_f32(x, z), b);
            store(vsubq_f32(w, y), c);
            store(vsubq_f32(x, z), d);
        }
    }
}
