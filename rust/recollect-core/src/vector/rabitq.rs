//! Codes of one, two or four bits an element, and what they say of inner products: RaBitQ (Gao and Long, SIGMOD 2024) and
//! its extension to several bits (Gao and others, SIGMOD 2025).
//!
//! A vector `v` is rotated at random and rounded to odd numbers, `y`: each is the sum of signs `s_b` times `2^b`, so that a
//! code of several bits is several codes of one bit, the first of them that of [`Sketcher::encode`], and one kernel counts
//! all. With the factor `f = |v|^2 / (y . Rv)`, `f (y . Rq)` estimates `v . q` without bias. Its standard deviation is
//! `|v| |q| sqrt((1/(a e)^2 - 1) / (D - 1))`, where `a` is the cosine between a vector and its code and `e` that of a query
//! and what it was rounded to; it exceeds `z` of them with a probability of at most `2 exp(-z^2 / 2)`.

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::scored::Scored;
use crate::simd::{Kernels, LANES};
use crate::vector::admission::{admit, admit_dim};
use crate::vector::{Metric, Sketcher, TopK, WORD};

/// Bits of an element that there are codes of.
pub const BITS: [usize; 3] = [1, 2, 4];

/// Planes of a query: with fewer the estimate is not free of bias.
const PLANES: usize = 4;

/// Sizes of a step that are tried for a vector, in units of that for a normal distribution.
const TRIED: [f32; 13] = [0.6, 0.7, 0.77, 0.84, 0.9, 0.95, 1.0, 1.05, 1.1, 1.17, 1.25, 1.35, 1.5];

/// Vectors between two questions to [`Cancel`].
const CHECKPOINT: usize = 256;

/// Turns vectors into codes, and compares queries with them.
#[derive(Debug, Clone)]
pub struct Rabitq {
    sketcher: Sketcher,
    dim: usize,
    bits: usize,
}

/// Vectors as codes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coded {
    /// `(bits, blocks of eight vectors, words, 8)`: planes of signs, the greatest first; bits past the last vector are zero.
    pub planes: Vec<u64>,
    /// What the product with a code is multiplied by.
    pub factors: Vec<f32>,
    /// Length of each vector.
    pub norms: Vec<f32>,
    /// Cosine between each vector and its code, 0..=1.
    pub cosines: Vec<f32>,
}

impl Rabitq {
    /// Codes of `bits` bits for vectors of `dim` dimensions; those of another seed are no codes of this one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number of bits that is not among [`BITS`]; for the dimension as [`admit_dim`].
    pub fn new(dim: usize, bits: usize, seed: u64) -> Result<Self> {
        admit_dim(dim)?;
        if !BITS.contains(&bits) {
            return Err(Error::invalid("bits", format!("{bits} is none of 1, 2 and 4")));
        }
        Ok(Self { sketcher: Sketcher::new(dim, seed), dim, bits })
    }

    /// Dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bits of an element.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Words of a plane of one vector.
    pub fn words(&self) -> usize {
        self.sketcher.words()
    }

    /// The codes of `vectors`, (vectors, dim).
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::DimensionMismatch`] as [`admit`], by place; [`Error::Cancelled`].
    pub fn encode(&self, vectors: &[f32], cancel: Cancel<'_>) -> Result<Coded> {
        let rows = vectors.chunks(self.dim);
        let (count, words) = (rows.len(), self.words());
        let plane = count.div_ceil(LANES) * words * LANES;
        let mut coded = Coded { planes: vec![0; self.bits * plane], ..Coded::default() };
        let (mut rotated, mut code) = (Vec::new(), vec![0; self.bits * words]);
        for (at, vector) in rows.enumerate() {
            if at.is_multiple_of(CHECKPOINT) {
                cancel.check()?;
            }
            admit("vectors", vector, self.dim, Metric::Dot)
                .or_else(|_| admit(&format!("vectors[{at}]"), vector, self.dim, Metric::Dot))?;
            self.sketcher.rotate(vector, &mut rotated);
            let (factor, cosine) = self.round(&rotated, &mut code);
            coded.factors.push(factor);
            coded.norms.push(Kernels::best().squared_norm(vector).sqrt() as f32);
            coded.cosines.push(cosine);
            let block = at / LANES * words * LANES + at % LANES;
            for (bit, code) in code.chunks_exact(words).enumerate() {
                let plane = &mut coded.planes[bit * plane + block..];
                code.iter().enumerate().for_each(|(w, &word)| plane[w * LANES] = word);
            }
        }
        Ok(coded)
    }

    /// Writes the code of a rotated vector, plane by plane, and gives factor and cosine.
    fn round(&self, rotated: &[f32], code: &mut [u64]) -> (f32, f32) {
        let squared = Kernels::best().squared_norm(rotated);
        let root = (squared / rotated.len() as f64).sqrt() as f32;
        // Of one bit every step is the same; the others are those of a normal distribution (Max, 1960).
        let (tried, step): (&[f32], f32) = match self.bits {
            1 => (&[1.0], 1.0),
            2 => (&TRIED, 0.995_7),
            _ => (&TRIED, 0.335_2),
        };
        let levels = (1u32 << (self.bits - 1)) as f32;
        let magnitude = |x: f32, inverse: f32| 2.0 * (x.abs() * inverse).floor().min(levels - 1.0) + 1.0;
        let (mut best, mut inverse) = ((0.0f64, 0.0f64), 0.0);
        for &tried in tried {
            let candidate = 1.0 / (tried * step * root);
            let (mut product, mut square) = (0.0f64, 0.0f64);
            for &x in rotated {
                let y = magnitude(x, candidate);
                product += f64::from(x.abs() * y);
                square += f64::from(y * y);
            }
            let cosine = product / (squared * square).sqrt();
            if cosine > best.0 {
                (best, inverse) = ((cosine, product), candidate);
            }
        }
        code.fill(0);
        let words = self.words();
        for (at, &x) in rotated.iter().enumerate() {
            // Odd numbers from `1 - 2^bits` on, counted from zero.
            let level = (magnitude(x, inverse) as u32 - 1) / 2;
            let top = 1u32 << (self.bits - 1);
            let number = if x > 0.0 { top + level } else { top - 1 - level };
            for bit in 0..self.bits {
                let set = u64::from(number >> (self.bits - 1 - bit) & 1);
                code[bit * words + at / WORD] |= set << (at % WORD);
            }
        }
        let factor = squared / best.1;
        // A vector of zeros, or one whose square leaves the range, has a product that no code speaks of.
        if factor.is_finite() { (factor as f32, best.0.min(1.0) as f32) } else { (0.0, 0.0) }
    }

    /// Refuses codes that are not of the shape or the numbers that [`Rabitq::encode`] gives.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check(&self, coded: &Coded) -> Result<()> {
        let (count, bits) = (coded.factors.len(), self.bits);
        let expected = bits * count.next_multiple_of(LANES) * self.words();
        if coded.planes.len() != expected || coded.norms.len() != count || coded.cosines.len() != count {
            let (planes, norms, cosines) = (coded.planes.len(), coded.norms.len(), coded.cosines.len());
            let found = format!("{planes} words, {count} factors, {norms} norms and {cosines} cosines");
            return Err(Error::invalid("codes", format!("{found} are no vectors of {bits} bits")));
        }
        let facts = [&coded.factors, &coded.norms, &coded.cosines];
        if facts.into_iter().flatten().any(|x| !x.is_finite()) {
            return Err(Error::invalid("codes", "a factor, norm or cosine is not finite"));
        }
        Ok(())
    }

    /// Estimates of the inner products of a query with all vectors, and the standard deviation of each.
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::DimensionMismatch`] as [`admit`] for the query; as [`Rabitq::check`];
    /// [`Error::Cancelled`].
    pub fn estimate(&self, coded: &Coded, query: &[f32], cancel: Cancel<'_>) -> Result<(Vec<f32>, Vec<f32>)> {
        let (estimates, agreement) = self.products(coded, query, cancel)?;
        let norm = Kernels::best().squared_norm(query).sqrt();
        let width = (self.words() * WORD) as f64;
        let facts = coded.norms.iter().zip(&coded.cosines);
        let deviation = |(&own, &cosine): (&f32, &f32)| {
            let quality = (f64::from(cosine) * agreement).powi(2);
            let spread =
                if quality > 0.0 { ((1.0 / quality - 1.0).max(0.0) / (width - 1.0)).sqrt() } else { 0.0 };
            (f64::from(own) * norm * spread) as f32
        };
        Ok((estimates, facts.map(deviation).collect()))
    }

    /// The estimates alone, and the cosine between the query and what it was rounded to.
    fn products(&self, coded: &Coded, query: &[f32], cancel: Cancel<'_>) -> Result<(Vec<f32>, f64)> {
        admit("query", query, self.dim, Metric::Dot)?;
        self.check(coded)?;
        let (count, words) = (coded.factors.len(), self.words());
        let lanes = count.next_multiple_of(LANES);
        let mut rotated = Vec::new();
        self.sketcher.rotate(query, &mut rotated);
        let sketched = self.sketcher.query(&rotated, PLANES);
        let mut estimates = vec![0.0; count];
        let (mut counted, mut all) = ([0u32; CHECKPOINT], [0u32; CHECKPOINT]);
        let whole = ((1u32 << self.bits) - 1) as f32;
        for (at, estimates) in estimates.chunks_mut(CHECKPOINT).enumerate() {
            cancel.check()?;
            let some = estimates.len().next_multiple_of(LANES);
            all[..some].fill(0);
            for bit in 0..self.bits {
                let start = (bit * lanes + at * CHECKPOINT) * words;
                let blocks = &coded.planes[start..start + some * words];
                Kernels::best().disagreement(&sketched.words, PLANES, blocks, &mut counted[..some]);
                let shift = self.bits - 1 - bit;
                all[..some].iter_mut().zip(&counted).for_each(|(all, counted)| *all += counted << shift);
            }
            let factors = &coded.factors[at * CHECKPOINT..];
            let (offset, step) = (whole * sketched.offset, sketched.step);
            Kernels::best().sketch_scores(&all, factors, &[], offset, step, estimates);
        }
        Ok((estimates, f64::from(sketched.agreement)))
    }

    /// The `k` vectors of the greatest estimates, greatest first, ties by number.
    ///
    /// # Errors
    /// As [`Rabitq::estimate`].
    pub fn search(&self, coded: &Coded, query: &[f32], k: usize, cancel: Cancel<'_>) -> Result<Vec<Scored>> {
        let (estimates, _) = self.products(coded, query, cancel)?;
        let mut best = TopK::new(k.min(estimates.len()));
        for (slot, &score) in estimates.iter().enumerate() {
            if score >= best.floor() {
                best.push(Scored { slot: slot as u32, score });
            }
        }
        Ok(best.into_sorted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn normal(count: usize, seed: &mut Seed) -> Vec<f32> {
        (0..count).map(|_| seed.normal() as f32).collect()
    }

    #[test]
    fn estimates_are_unbiased_keep_their_bound_and_get_finer_with_bits() {
        let mut seed = Seed::new(21);
        let mut spreads = Vec::new();
        for bits in BITS {
            let (mut bias, mut over, mut count, mut spread) = (0.0, [0usize; 2], 0usize, 0.0);
            // 200 rotations of 512 pairs each.
            for rotation in 0..200 {
                let dim = [96, 256, 384][rotation % 3];
                let rabitq = Rabitq::new(dim, bits, rotation as u64).unwrap();
                let vectors = normal(512 * dim, &mut seed);
                let coded = rabitq.encode(&vectors, Cancel::never()).unwrap();
                let noise = normal(dim, &mut seed);
                let query: Vec<f32> = vectors.iter().zip(&noise).map(|(v, n)| 0.6 * v + 0.4 * n).collect();
                let (found, deviations) = rabitq.estimate(&coded, &query, Cancel::never()).unwrap();
                for ((v, found), deviation) in vectors.chunks(dim).zip(found).zip(deviations) {
                    let exact: f64 = v.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                    let off = (f64::from(found) - exact) / f64::from(deviation);
                    bias += off;
                    count += 1;
                    spread += f64::from(deviation) / (dim as f64).sqrt();
                    for (i, z) in [2.0, 3.0].into_iter().enumerate() {
                        over[i] += usize::from(off.abs() > z);
                    }
                }
            }
            assert!(
                count > 100_000 && (bias / count as f64).abs() < 0.05,
                "{bits}: bias {}",
                bias / count as f64
            );
            for (i, z) in [2.0f64, 3.0].into_iter().enumerate() {
                let most = 2.0 * (-z * z / 2.0).exp() * count as f64;
                assert!((over[i] as f64) < most, "{bits}: {over:?} of {count}");
            }
            spreads.push(spread / count as f64);
        }
        assert!(spreads[1] < 0.55 * spreads[0] && spreads[2] < 0.5 * spreads[1], "{spreads:?}");
    }

    #[test]
    fn the_first_plane_is_the_code_of_one_bit() {
        let mut seed = Seed::new(3);
        let vectors = normal(21 * 100, &mut seed);
        let one = Rabitq::new(100, 1, 5).unwrap();
        let first = one.encode(&vectors, Cancel::never()).unwrap();
        let mut sketch = vec![0; one.words()];
        let mut rotated = Vec::new();
        one.sketcher.rotate(&vectors[..100], &mut rotated);
        let factor = one.sketcher.encode(&rotated, &mut sketch);
        assert!((factor / first.factors[0] - 1.0).abs() < 1e-6);
        assert!(sketch.iter().enumerate().all(|(w, &word)| first.planes[w * LANES] == word));
        for bits in [2, 4] {
            let coded = Rabitq::new(100, bits, 5).unwrap().encode(&vectors, Cancel::never()).unwrap();
            assert_eq!(coded.planes[..first.planes.len()], first.planes);
            assert!(coded.cosines.iter().zip(&first.cosines).all(|(more, one)| more > one));
        }
    }

    #[test]
    fn what_has_no_direction_is_zero_and_what_is_wrong_is_named() {
        let rabitq = Rabitq::new(5, 4, 1).unwrap();
        let coded = rabitq.encode(&[0.0; 10], Cancel::never()).unwrap();
        let (found, deviations) = rabitq.estimate(&coded, &[1.0; 5], Cancel::never()).unwrap();
        assert_eq!((found, deviations), (vec![0.0; 2], vec![0.0; 2]));
        assert!(Rabitq::new(5, 3, 1).is_err() && Rabitq::new(0, 4, 1).is_err());
        assert!(rabitq.encode(&[f32::NAN; 5], Cancel::never()).is_err());
        assert!(rabitq.estimate(&coded, &[1.0; 4], Cancel::never()).is_err());
        let two = Rabitq::new(5, 2, 1).unwrap();
        assert!(two.estimate(&coded, &[1.0; 5], Cancel::never()).is_err());
        assert!(rabitq.encode(&[1.0; 5], Cancel::new(&|| true)).is_err());
        let odd = Coded { factors: vec![f32::NAN; 2], ..coded };
        assert!(rabitq.check(&odd).is_err());
        assert_eq!(rabitq.search(&Coded::default(), &[1.0; 5], 3, Cancel::never()).unwrap(), []);
    }
}
