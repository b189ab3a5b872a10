//! Bit codes of vectors, and what they say of an inner product: RaBitQ (Gao and Long, SIGMOD 2024).
//!
//! A vector `v` is rotated at random and kept as the signs `s` of its `D` elements with one factor,
//! `f = |v|^2 / |Rv|_1`. The query is rotated too and rounded to a few magnitudes, `y`. Then `f (s . y) c`, where
//! `c = |q|^2 / (y . Rq)` makes up for the rounding, estimates `v . q`: without bias at four planes, and too high by up to
//! a half of a product above zero at one, where what rounding took leans the same way as the code. A bound from above
//! holds either way.
//!
//! Its error is that of a random direction on the sphere: with `a = |Rv|_1 / (|v| sqrt(D))` the cosine between a vector and
//! its code, and `e` that of the query and what it was rounded to, the standard deviation is
//! `|v| |q| sqrt((1/(a e)^2 - 1) / (D - 1))`, and it exceeds `z` of them with a probability of at most `2 exp(-z^2 / 2)`.

use crate::simd::Kernels;
use crate::vector::rotation::{Rotation, WORD};

/// Most planes of a query: a sign and three of magnitude.
pub const MAX_PLANES: usize = 4;

/// Cosine between a vector and its code where the elements are those of a random direction: `sqrt(2 / pi)`.
const TYPICAL: f32 = 0.797_884_6;

/// Turns vectors of one dimension into codes.
#[derive(Debug, Clone)]
pub struct Sketcher {
    rotation: Rotation,
}

/// A query as planes of bits, and what its disagreements with a code mean.
#[derive(Debug, Clone)]
pub struct SketchQuery {
    /// `(planes, words)`: the signs, then the bits of the magnitude, the least first.
    pub words: Vec<u64>,
    /// How many planes.
    pub planes: usize,
    /// The estimate is `factor * (offset - step * disagreement)`.
    pub offset: f32,
    /// See `offset`.
    pub step: f32,
    /// The standard deviation of the estimate is `factor * deviation` for a code of typical quality.
    pub deviation: f32,
    /// The cosine between the query and what it was rounded to.
    pub agreement: f32,
}

impl Sketcher {
    /// The sketcher of a seed for vectors of `dim` dimensions.
    pub fn new(dim: usize, seed: u64) -> Self {
        Self { rotation: Rotation::new(dim, seed) }
    }

    /// Words of a code: one bit for each dimension, rounded up.
    pub fn words(&self) -> usize {
        self.rotation.width() / WORD
    }

    /// The vector rotated, which codes and queries are made of.
    pub fn rotate(&self, vector: &[f32], rotated: &mut Vec<f32>) {
        rotated.resize(self.rotation.width(), 0.0);
        self.rotation.rotate(vector, rotated);
    }

    /// Writes the code of a rotated vector and gives its factor.
    ///
    /// # Panics
    /// If `code` has another length than [`Sketcher::words`].
    pub fn encode(&self, rotated: &[f32], code: &mut [u64]) -> f32 {
        assert_eq!(code.len(), self.words(), "words of a code");
        let kernels = Kernels::best();
        // First for the sum alone: every size reaches zero.
        let absolute = f64::from(kernels.reaching_bits(rotated, 0.0, code));
        kernels.positive_bits(rotated, code);
        let factor = kernels.squared_norm(rotated) / absolute;
        // A vector of zeros, or one whose square leaves the range, has a product that no code speaks of.
        if factor.is_finite() { factor as f32 } else { 0.0 }
    }

    /// A rotated query in `planes` planes, 1..=[`MAX_PLANES`].
    ///
    /// # Panics
    /// For another number of planes.
    pub fn query(&self, rotated: &[f32], planes: usize) -> SketchQuery {
        assert!((1..=MAX_PLANES).contains(&planes), "planes of a query");
        let kernels = Kernels::best();
        let squared = kernels.squared_norm(rotated);
        let levels = 1usize << (planes - 1);
        let words = self.words();
        let mut out = vec![0; planes * words];
        // Magnitudes are 1, 3, 5, .. halves of this step, which is close to the best for elements of a normal distribution.
        let deviation = (squared / rotated.len() as f64).sqrt() as f32;
        let step = deviation * [1.6, 0.995, 0.586, 0.335][planes - 1];
        let mut reached = vec![0; words];
        let mut product = f64::from(kernels.reaching_bits(rotated, 0.0, &mut reached));
        let (mut total, mut square) = (rotated.len() as u64, rotated.len() as u64);
        for level in 1..levels {
            product += 2.0 * f64::from(kernels.reaching_bits(rotated, level as f32 * step, &mut reached));
            let count: u64 = reached.iter().map(|word| u64::from(word.count_ones())).sum();
            total += 2 * count;
            square += 8 * level as u64 * count;
            // A bit of the level flips each time a multiple of its weight is reached.
            for plane in (1..planes).filter(|plane| level.is_multiple_of(1 << (plane - 1))) {
                let plane = &mut out[plane * words..][..words];
                plane.iter_mut().zip(&reached).for_each(|(bits, reached)| *bits ^= reached);
            }
        }
        kernels.positive_bits(rotated, &mut out[..words]);
        let scale = if product > 0.0 { squared / product } else { 0.0 };
        let agreement = if product > 0.0 { product / (squared * square as f64).sqrt() } else { 0.0 };
        let quality = (f64::from(TYPICAL) * agreement).powi(2);
        let width = rotated.len() as f64;
        let spread = if quality > 0.0 { ((1.0 / quality - 1.0) / (width - 1.0)).sqrt() } else { 0.0 };
        SketchQuery {
            words: out,
            planes,
            offset: (scale * total as f64) as f32,
            step: (2.0 * scale) as f32,
            // The norm of a vector is its factor times `a sqrt(D)`.
            deviation: (f64::from(TYPICAL) * width.sqrt() * squared.sqrt() * spread) as f32,
            agreement: agreement as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use crate::simd::LANES;

    fn normal(dim: usize, seed: &mut Seed) -> Vec<f32> {
        (0..dim).map(|_| seed.normal() as f32).collect()
    }

    /// The estimate of one code, and its standard deviation with the quality the code has.
    fn estimate(
        sketcher: &Sketcher,
        query: &SketchQuery,
        v: &[f32],
        code: &[u64],
        factor: f32,
    ) -> (f64, f64) {
        let block: Vec<u64> = code.iter().flat_map(|&word| [word; LANES]).collect();
        let (mut counted, mut score) = ([0; LANES], [0.0; LANES]);
        Kernels::best().disagreement(&query.words, query.planes, &block, &mut counted);
        let (offset, step) = (query.offset, query.step);
        Kernels::best().sketch_scores(&counted, &[factor; LANES], &[], offset, step, &mut score);
        let width = (sketcher.words() * WORD) as f64;
        let norm = Kernels::best().squared_norm(v).sqrt();
        let own = (norm / (f64::from(factor) * width.sqrt())).powi(2);
        let typical = f64::from(TYPICAL).powi(2);
        // `deviation` holds the query's agreement times the typical quality: taken apart, with the code's own quality.
        let unit = f64::from(query.deviation) / (typical * width).sqrt();
        (f64::from(score[0]), unit * norm * (typical / own).sqrt().max(1.0))
    }

    #[test]
    fn estimates_are_unbiased_and_keep_their_bound() {
        let mut seed = Seed::new(11);
        for (dim, planes) in [(64, 4), (100, 1), (128, 2), (384, 1), (384, 2), (384, 3), (384, 4), (1000, 2)]
        {
            let (mut bias, mut low, mut high, mut count) = (0.0, [0usize; 2], [0usize; 2], 0);
            for pair in 0..12_500 {
                let sketcher = Sketcher::new(dim, pair);
                let (v, noise) = (normal(dim, &mut seed), normal(dim, &mut seed));
                let share = seed.uniform() as f32 * 0.8;
                let q: Vec<f32> = v.iter().zip(&noise).map(|(v, n)| share * v + (1.0 - share) * n).collect();
                let (mut rotated, mut code) = (Vec::new(), vec![0; sketcher.words()]);
                sketcher.rotate(&v, &mut rotated);
                let factor = sketcher.encode(&rotated, &mut code);
                sketcher.rotate(&q, &mut rotated);
                let query = sketcher.query(&rotated, planes);
                let (found, deviation) = estimate(&sketcher, &query, &v, &code, factor);
                let exact: f64 = v.iter().zip(&q).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                let off = (found - exact) / deviation;
                bias += off;
                for (i, z) in [2.0, 3.0].into_iter().enumerate() {
                    low[i] += usize::from(off < -z);
                    high[i] += usize::from(off > z);
                }
                count += 1;
            }
            let (bias, count) = (bias / f64::from(count), f64::from(count));
            assert!(bias.abs() < [f64::INFINITY, 2.0, 0.6, 0.15][planes - 1], "{dim} {planes} bias {bias}");
            for (i, z) in [2.0f64, 3.0].into_iter().enumerate() {
                let most = 2.0 * (-z * z / 2.0).exp() * count;
                assert!((low[i] as f64) < most, "{dim} {planes} {low:?}");
                assert!(planes < 4 || ((low[i] + high[i]) as f64) < most, "{dim} {planes} {high:?}");
            }
        }
    }

    #[test]
    fn what_has_no_direction_has_no_estimate() {
        let sketcher = Sketcher::new(5, 1);
        let (mut rotated, mut code) = (Vec::new(), vec![0; sketcher.words()]);
        for v in [[0.0; 5], [1e-45; 5]] {
            sketcher.rotate(&v, &mut rotated);
            assert!(sketcher.encode(&rotated, &mut code).is_finite());
        }
        sketcher.rotate(&[0.0; 5], &mut rotated);
        assert_eq!(sketcher.encode(&rotated, &mut code), 0.0);
        for planes in 1..=MAX_PLANES {
            let query = sketcher.query(&rotated, planes);
            assert!(query.offset == 0.0 && query.step == 0.0 && query.deviation == 0.0);
        }
    }
}
