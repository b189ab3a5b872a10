//! The score: Okapi BM25 (Robertson and Zaragoza 2009) with the idf of Lucene, which is positive.
//!
//! `score(q, d) = sum over t of m_t * ln(1 + (N - n_t + 1/2) / (n_t + 1/2)) * (k1 + 1) / (1 + norm / f)`
//! with `norm = k1 * (1 - b + b * length / average length)` or, for the logarithmic norm,
//! `k1 * log2(1 + length / average length)`; `f` is the frequency of `t` in `d`, and `m_t` is 1 or, if asked, that in
//! the query. The logarithmic norm is between no norm for long texts and the full one for short ones; its logarithm is
//! linear between powers of two (Mitchell 1962), which is monotone and needs no table. Each summand is rounded to a step of a grid that is chosen for the query, so sums
//! are exact: every order of summation, and so every way of searching, gives the same bits.

use crate::error::{Error, Result};

/// The parameters of BM25.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25 {
    k1: f32,
    b: f32,
    logarithmic: bool,
}

impl Default for Bm25 {
    /// `k1 = 1.2`, `b = 0.75`.
    fn default() -> Self {
        Self { k1: 1.2, b: 0.75, logarithmic: false }
    }
}

impl Bm25 {
    /// `k1` says how soon repetition stops counting, `b` how much length counts against a text.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `k1` is in `[0, 1000]` and `b` in `[0, 1]`.
    pub fn new(k1: f32, b: f32) -> Result<Self> {
        if !(0.0..=1000.0).contains(&k1) {
            return Err(Error::invalid("k1", "expected a number from 0 to 1000"));
        }
        if !(0.0..=1.0).contains(&b) {
            return Err(Error::invalid("b", "expected a number from 0 to 1"));
        }
        Ok(Self { k1, b, logarithmic: false })
    }

    /// The same with the logarithmic norm, in place of what `b` says.
    #[must_use]
    pub fn logarithmic(self) -> Self {
        Self { b: 1.0, logarithmic: true, ..self }
    }

    /// Whether the norm is logarithmic.
    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// Saturation of term frequency.
    pub fn k1(&self) -> f32 {
        self.k1
    }

    /// Weight of document length.
    pub fn b(&self) -> f32 {
        self.b
    }

    /// The norm of texts in a collection.
    pub(super) fn norm(&self, collection: Collection) -> Norm {
        let average = collection.words as f64 / collection.documents.max(1) as f64;
        let inverse = if average > 0.0 { 1.0 / average } else { 0.0 };
        if self.logarithmic {
            return Norm { constant: 1.0, slope: inverse as f32, logarithmic: Some(self.k1) };
        }
        let slope = f64::from(self.k1 * self.b) * inverse;
        Norm { constant: self.k1 * (1.0 - self.b), slope: slope as f32, logarithmic: None }
    }
}

/// What scores depend on besides the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Collection {
    /// Number of documents, the empty ones too.
    pub(super) documents: u64,
    /// Sum of their lengths in terms.
    pub(super) words: u64,
}

impl Collection {
    /// Inverse document frequency of a term that `containing` documents have.
    pub(super) fn idf(&self, containing: u32) -> f32 {
        let containing = f64::from(containing);
        let others = (self.documents as f64 - containing).max(0.0);
        ((others + 0.5) / (containing + 0.5)).ln_1p() as f32
    }
}

/// `1 / f` for each stored frequency; dividing by none is never asked for.
const INVERSE: [f32; 256] = {
    let mut inverse = [1.0; 256];
    let mut f = 1;
    while f < 256 {
        inverse[f] = 1.0 / f as f32;
        f += 1;
    }
    inverse
};

/// Length normalization: `constant + slope * length`, or `k1` times the logarithm of that.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Norm {
    constant: f32,
    slope: f32,
    logarithmic: Option<f32>,
}

/// Binary logarithm of a number that is at least one, linear between powers of two; monotone.
#[inline(always)]
fn log2(x: f32) -> f32 {
    x.to_bits() as f32 * (1.0 / (1 << 23) as f32) - 127.0
}

impl Norm {
    /// What a term adds, in steps of the query's grid; at least one.
    ///
    /// Each operation rounds monotonically, so the greatest frequency and the least length of a
    /// block bound its documents without any margin.
    #[inline(always)]
    pub(super) fn steps(&self, weight: f32, frequency: u8, length: u16) -> u32 {
        let line = self.constant + self.slope * f32::from(length);
        let norm = self.logarithmic.map_or(line, |k1| k1 * log2(line));
        (weight / (1.0 + norm * INVERSE[frequency as usize])) as u32 + 1
    }
}

/// The step of the grid: the greatest power of two at which no score takes over 2^24 steps.
///
/// `greatest` is the sum of all weights. Whole numbers up to 2^24 are exact as `f32`.
pub(super) fn step(greatest: f32, terms: usize) -> f32 {
    let room = ((1u32 << 24) as f32 - terms as f32).max(1.0);
    let mut step = 2f32.powi(-40);
    while greatest > room * step {
        step *= 2.0;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        assert!(Bm25::new(1.5, 0.75).is_ok());
        for (k1, b) in [(-0.1, 0.5), (f32::NAN, 0.5), (1.2, 1.5), (1.2, f32::NAN)] {
            assert!(Bm25::new(k1, b).is_err());
        }
    }

    #[test]
    fn bounds_hold_exactly() {
        for (k1, b) in [(1.2, 0.75), (0.0, 0.0), (1e-6, 1.0), (1000.0, 0.3)] {
            let plain = Bm25::new(k1, b).unwrap();
            for bm25 in [plain, plain.logarithmic()] {
                let norm = bm25.norm(Collection { documents: 7, words: 101 });
                let steps = |f, length| norm.steps(1e6, f, length);
                for f in 1..255 {
                    for length in [1, 2, 14, 15, 300, 65_534] {
                        assert!(steps(f, length) <= steps(f + 1, length));
                        assert!(steps(f, length) >= steps(f, length + 1));
                    }
                }
            }
        }
    }

    #[test]
    fn the_logarithm_is_exact_at_powers_of_two_and_near_between() {
        assert_eq!([1.0, 2.0, 4.0, 1024.0].map(log2), [0.0, 1.0, 2.0, 10.0]);
        assert!((100..10_000).all(|x| (log2(x as f32 / 100.0) - (x as f32 / 100.0).log2()).abs() < 0.087));
    }

    #[test]
    fn the_rarer_the_heavier() {
        let collection = Collection { documents: 10, words: 40 };
        assert!((collection.idf(0) - 22f32.ln()).abs() < 1e-6);
        assert!((0..10).all(|n| collection.idf(n) > collection.idf(n + 1)));
        assert!(collection.idf(10) > 0.0);
    }
}
