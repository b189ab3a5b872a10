//! The Walsh-Hadamard transform, and the other steps of a random rotation.

/// Elements whose short distances the compiler sees as one step.
pub(super) const BLOCK: usize = 16;

/// Flips the elements whose sign is minus one; `signs` has the length of `a`.
#[inline(always)]
pub(super) fn flip(a: &mut [f32], signs: &[f32]) {
    assert_eq!(a.len(), signs.len(), "one sign an element");
    a.iter_mut().zip(signs).for_each(|(x, sign)| *x *= sign);
}

/// Turns the halves of a vector into each other by an eighth of a circle.
#[inline(always)]
pub(super) fn mix_halves(a: &mut [f32]) {
    assert!(a.len().is_multiple_of(2), "two halves");
    let (low, high) = a.split_at_mut(a.len() / 2);
    for (a, b) in low.iter_mut().zip(high) {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        (*a, *b) = ((*a + *b) * half, (*a - *b) * half);
    }
}

/// What is added and taken away.
pub(super) trait Element: Copy + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> {}

impl Element for f32 {}
impl Element for f64 {}

/// Sums and differences at one distance.
#[inline(always)]
pub(super) fn butterflies<T: Element>(a: &mut [T], distance: usize) {
    for pair in a.chunks_exact_mut(2 * distance) {
        let (low, high) = pair.split_at_mut(distance);
        for i in 0..distance {
            (low[i], high[i]) = (low[i] + high[i], low[i] - high[i]);
        }
    }
}

#[inline(always)]
pub(super) fn hadamard(a: &mut [f32]) {
    assert!(a.len().is_power_of_two(), "a power of two");
    let scale = 1.0 / (a.len() as f32).sqrt();
    // The short distances inside blocks of constant size, where the compiler sees the whole step.
    let (blocks, rest) = a.as_chunks_mut::<BLOCK>();
    for block in blocks {
        within(block);
        block.iter_mut().for_each(|x| *x *= scale);
    }
    if !rest.is_empty() {
        let mut distance = 1;
        while distance < rest.len() {
            butterflies(rest, distance);
            distance *= 2;
        }
        return rest.iter_mut().for_each(|x| *x *= scale);
    }
    let mut distance = BLOCK;
    while distance < a.len() {
        butterflies(a, distance);
        distance *= 2;
    }
}

/// Sums and differences at the distances inside a block.
#[inline(always)]
pub(super) fn within<T: Element>(block: &mut [T; BLOCK]) {
    butterflies_of::<1, _>(block);
    butterflies_of::<2, _>(block);
    butterflies_of::<4, _>(block);
    butterflies_of::<8, _>(block);
}

#[inline(always)]
fn butterflies_of<const DISTANCE: usize, T: Element>(block: &mut [T; BLOCK]) {
    let old = *block;
    for i in 0..BLOCK {
        block[i] = if i & DISTANCE == 0 { old[i] + old[i + DISTANCE] } else { old[i - DISTANCE] - old[i] };
    }
}

/// Blocks of 256 elements in registers: distances below 16 are lanes of one, the others registers of one block.
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use std::arch::x86_64::*;

    use super::{BLOCK, butterflies};

    /// Registers of a block.
    const HELD: usize = 16;

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(in crate::simd) fn hadamard(a: &mut [f32]) {
        let length = a.len();
        if length < BLOCK * HELD || !length.is_power_of_two() {
            return super::hadamard(a);
        }
        let scale = _mm512_set1_ps(1.0 / (length as f32).sqrt());
        for block in a.as_chunks_mut::<BLOCK>().0.as_chunks_mut::<HELD>().0 {
            transform(block, scale);
        }
        let mut distance = BLOCK * HELD;
        while distance < length {
            butterflies(a, distance);
            distance *= 2;
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn transform(block: &mut [[f32; BLOCK]; HELD], scale: __m512) {
        let mut held = [_mm512_setzero_ps(); HELD];
        for (held, lanes) in held.iter_mut().zip(&*block) {
            // SAFETY: the array is 64 bytes, which is what an unaligned load reads.
            *held = within(unsafe { _mm512_loadu_ps(lanes.as_ptr()) }, scale);
        }
        across::<1>(&mut held);
        across::<2>(&mut held);
        across::<4>(&mut held);
        across::<8>(&mut held);
        for (held, lanes) in held.into_iter().zip(block) {
            // SAFETY: the array is 64 bytes, which is what an unaligned store writes.
            unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), held) };
        }
    }

    /// The distances 1, 2, 4 and 8.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn within(x: __m512, scale: __m512) -> __m512 {
        let x = summed(x, _mm512_permute_ps::<0b10_11_00_01>(x), 0b1010_1010_1010_1010);
        let x = summed(x, _mm512_permute_ps::<0b01_00_11_10>(x), 0b1100_1100_1100_1100);
        let x = summed(x, _mm512_shuffle_f32x4::<0b10_11_00_01>(x, x), 0b1111_0000_1111_0000);
        let x = summed(x, _mm512_shuffle_f32x4::<0b01_00_11_10>(x, x), 0b1111_1111_0000_0000);
        _mm512_mul_ps(x, scale)
    }

    /// What lies at the other end of the distance plus the element, or minus it at the far ends.
    ///
    /// A product with one or minus one is exact, so the fused addition rounds as a plain one.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn summed(x: __m512, other: __m512, far: __mmask16) -> __m512 {
        let sign = _mm512_mask_blend_ps(far, _mm512_set1_ps(1.0), _mm512_set1_ps(-1.0));
        _mm512_fmadd_ps(x, sign, other)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn across<const DISTANCE: usize>(held: &mut [__m512; HELD]) {
        for near in (0..HELD).filter(|at| at & DISTANCE == 0) {
            let (low, high) = (held[near], held[near + DISTANCE]);
            (held[near], held[near + DISTANCE]) = (_mm512_add_ps(low, high), _mm512_sub_ps(low, high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LENGTHS, noise, same};
    use super::super::{Kernels, Tier};

    /// The transform by its definition of sums and differences, distance by distance.
    fn hadamard_twin(a: &mut [f32]) {
        let (length, scale) = (a.len(), 1.0 / (a.len() as f32).sqrt());
        let mut distance = 1;
        while distance < length {
            if distance == 16 {
                a.iter_mut().for_each(|x| *x *= scale);
            }
            for near in (0..length).filter(|at| at & distance == 0) {
                (a[near], a[near + distance]) = (a[near] + a[near + distance], a[near] - a[near + distance]);
            }
            distance *= 2;
        }
        if length <= 16 {
            a.iter_mut().for_each(|x| *x *= scale);
        }
    }

    #[test]
    fn steps_of_a_rotation_have_the_bits_of_the_twin_on_every_tier() {
        let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for kernels in Tier::available().filter_map(Kernels::of) {
            for power in 0..14 {
                let mut given = noise(1 << power, power);
                given.iter_mut().skip(3).step_by(7).for_each(|x| *x = -0.0);
                given.iter_mut().skip(5).step_by(11).for_each(|x| *x *= 1e-41);
                let (mut wanted, mut found) = (given.clone(), given);
                hadamard_twin(&mut wanted);
                kernels.hadamard(&mut found);
                assert_eq!(bits(&found), bits(&wanted), "hadamard {:?} {power}", kernels.tier());
            }
            for &n in LENGTHS {
                let (a, b) = (noise(n, 5), noise(n, 6));
                let signs: Vec<f32> = b.iter().map(|x| x.signum()).collect();
                let [mut sum, mut difference, mut flipped] = [a.clone(), a.clone(), a.clone()];
                kernels.add(&mut sum, &b);
                kernels.subtract(&mut difference, &b);
                kernels.flip(&mut flipped, &signs);
                for i in 0..n {
                    assert!(same(sum[i], a[i] + b[i]) && same(difference[i], a[i] - b[i]), "{n}");
                    assert!(same(flipped[i], a[i] * signs[i]), "{n}");
                }
                let (mut mixed, half) = (a[..n / 2 * 2].to_vec(), n / 2);
                kernels.mix_halves(&mut mixed);
                for i in 0..half {
                    let (x, y, by) = (a[i], a[half + i], std::f32::consts::FRAC_1_SQRT_2);
                    assert!(same(mixed[i], (x + y) * by) && same(mixed[half + i], (x - y) * by), "{n}");
                }
            }
        }
    }
}
