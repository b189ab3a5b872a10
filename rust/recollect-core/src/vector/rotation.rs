//! A random rotation in O(d log d): signs, Hadamard transforms, and butterflies where the dimension is no power of two.
//!
//! The Hadamard transform of a power of two covers first one end of the vector and then the other, with random signs
//! before each; a butterfly between the halves mixes what only one of them covers. Four rounds come close enough to a
//! rotation drawn at random (Ailon and Chazelle, "The fast Johnson-Lindenstrauss transform", 2009; the butterflies are a
//! step of Kac's walk). Every step keeps lengths and angles.

use crate::seed::Seed;
use crate::simd::Kernels;

const ROUNDS: usize = 4;

/// Elements that a rotated vector is padded to a multiple of: one bit each makes a word.
pub const WORD: usize = 64;

/// A rotation of one dimension, the same for the same seed.
#[derive(Debug, Clone)]
pub struct Rotation {
    dim: usize,
    width: usize,
    /// One or minus one for each round and element.
    signs: Vec<f32>,
}

impl Rotation {
    /// The rotation of a seed for vectors of `dim` dimensions.
    pub fn new(dim: usize, seed: u64) -> Self {
        let width = dim.max(1).next_multiple_of(WORD);
        let mut seed = Seed::new(seed);
        let signs = (0..ROUNDS * width / WORD).flat_map(|_| {
            let bits = seed.bits();
            (0..WORD).map(move |bit| if bits >> bit & 1 == 1 { -1.0 } else { 1.0 })
        });
        Self { dim, width, signs: signs.collect() }
    }

    /// Dimensions of what is rotated.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Dimensions of the result: the next multiple of [`WORD`].
    pub fn width(&self) -> usize {
        self.width
    }

    /// Writes the rotated vector to `out`, which has [`Rotation::width`] elements.
    ///
    /// # Panics
    /// If a length is another.
    pub fn rotate(&self, vector: &[f32], out: &mut [f32]) {
        assert_eq!((vector.len(), out.len()), (self.dim, self.width), "lengths of the rotation");
        out[..self.dim].copy_from_slice(vector);
        out[self.dim..].fill(0.0);
        let covered = 1 << self.width.ilog2();
        let kernels = Kernels::best();
        for (round, signs) in self.signs.chunks_exact(self.width).enumerate() {
            kernels.flip(out, signs);
            let start = if round % 2 == 0 { 0 } else { self.width - covered };
            kernels.hadamard(&mut out[start..start + covered]);
            if covered < self.width {
                kernels.mix_halves(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn product(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    }

    proptest! {
        #[test]
        fn lengths_and_angles_stay(
            pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 1..700),
            seed in any::<u64>(),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let rotation = Rotation::new(a.len(), seed);
            let (mut x, mut y) = (vec![0.0; rotation.width()], vec![0.0; rotation.width()]);
            rotation.rotate(&a, &mut x);
            rotation.rotate(&b, &mut y);
            for ((a, b), (x, y)) in [((&a, &a), (&x, &x)), ((&a, &b), (&x, &y))] {
                prop_assert!((product(a, b) - product(x, y)).abs() < 1e-3);
            }
        }
    }

    /// A unit vector lands anywhere on the sphere: its elements have the variance 1/d and mix over all places.
    #[test]
    fn a_unit_vector_is_spread() {
        for dim in [64, 100, 384, 768, 1000] {
            let mut squares = 0.0;
            let mut fourth = 0.0;
            for seed in 0..200 {
                let rotation = Rotation::new(dim, seed);
                let mut unit = vec![0.0; dim];
                unit[seed as usize % dim] = 1.0;
                let mut out = vec![0.0; rotation.width()];
                rotation.rotate(&unit, &mut out);
                let width = rotation.width() as f64;
                squares += f64::from(out[3]).powi(2) * width / 200.0;
                fourth += (f64::from(out[3]).powi(2) * width).powi(2) / 200.0;
            }
            assert!((squares - 1.0).abs() < 0.35 && fourth < 6.0, "{dim} {squares} {fourth}");
        }
    }
}
