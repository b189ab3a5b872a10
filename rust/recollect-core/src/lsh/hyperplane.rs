//! Signed random projections: on which side of random hyperplanes a vector lies.
//!
//! Two vectors at the angle `a` lie on the same side of one with probability `1 - a / pi` (Charikar, "Similarity
//! estimation techniques from rounding algorithms", 2002). The bits of a table are drawn from one rotation where they
//! fit, see [`Projection`](super::projection).

use crate::error::{Error, Result};
use crate::lsh::family::{Bucket, Family, Hashed};
use crate::lsh::probing::Flips;
use crate::lsh::projection::{Projection, signs};

/// Words of a signature: what [`MAX_SIGNATURE`] projections give.
pub(super) const MAX_SIGNATURE: usize = 16;

/// Keys of `bits` signs in each of `tables` tables.
#[derive(Debug, Clone)]
pub struct Hyperplane {
    projection: Projection,
    bits: usize,
    tables: usize,
}

impl Hyperplane {
    /// Most bits of a key.
    pub const MAX_BITS: usize = 20;

    /// The family of a seed for vectors of `dim` dimensions.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are 1 to [`Hyperplane::MAX_BITS`] bits.
    pub fn new(dim: usize, bits: usize, tables: usize, seed: u64) -> Result<Self> {
        if !(1..=Self::MAX_BITS).contains(&bits) {
            return Err(Error::invalid("bits", format!("expected 1 to {}, found {bits}", Self::MAX_BITS)));
        }
        Ok(Self { projection: Projection::new(dim, bits, tables, seed), bits, tables })
    }

    /// Probability that the keys of two vectors at this cosine agree.
    pub fn agreement(bits: usize, cosine: f64) -> f64 {
        let angle = libm::acos(cosine.clamp(-1.0, 1.0));
        libm::pow(1.0 - angle / std::f64::consts::PI, bits as f64)
    }
}

/// The bits `[at, at + count)` of a row of words; `count` is at most 32.
pub(super) fn field(words: &[u64], at: usize, count: usize) -> u32 {
    let (word, shift) = (at / 64, at % 64);
    let low = words[word] >> shift;
    let high = if shift + count > 64 { words[word + 1] << (64 - shift) } else { 0 };
    (low | high) as u32 & (u32::MAX >> (32 - count))
}

impl Family for Hyperplane {
    fn tables(&self) -> usize {
        self.tables
    }

    fn keys(&self) -> usize {
        1 << self.bits
    }

    fn choices(&self) -> usize {
        self.tables
    }

    fn words(&self) -> usize {
        (self.projection.width() / 64).min(MAX_SIGNATURE)
    }

    fn hash(&self, vector: &[f32], probes: usize, out: &mut Hashed) {
        out.buckets.clear();
        out.projections.clear();
        let each = self.projection.width() / self.bits;
        let mut words = Vec::with_capacity(self.projection.width() / 64);
        let mut flips = Flips::default();
        self.projection.each(vector, |rotation, projections| {
            words.clear();
            signs(projections, &mut words);
            if rotation == 0 {
                out.projections.extend(&projections[..self.words() * 64]);
            }
            let first = rotation * each;
            for table in first..(first + each).min(self.tables) {
                let at = (table - first) * self.bits;
                let key = field(&words, at, self.bits);
                let table = table as u32;
                out.buckets.push(Bucket { table, key });
                if probes > 0 {
                    let margins = projections[at..at + self.bits].iter().map(|x| x * x);
                    let flipped = flips.first(margins, probes);
                    out.buckets.extend(flipped.map(|mask| Bucket { table, key: key ^ mask }));
                }
            }
        });
    }

    fn collision(&self, cosine: f64) -> f64 {
        Self::agreement(self.bits, cosine)
    }

    fn bytes(&self) -> usize {
        self.projection.bytes()
    }
}
