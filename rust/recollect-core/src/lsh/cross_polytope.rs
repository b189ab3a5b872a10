//! Cross-polytope hashing: which of the axes of a random rotation, or which of their opposites, is nearest.
//!
//! Andoni, Indyk, Laarhoven, Razenshteyn and Schmidt, "Practical and optimal LSH for angular distance", 2015. With one
//! table it is the hash `argmax([xR; -xR])` of Think-in-Memory (Liu and others, 2023).

use crate::error::{Error, Result};
use crate::lsh::family::{Bucket, Family, Hashed};
use crate::lsh::hyperplane::MAX_SIGNATURE;
use crate::lsh::normal::{both_within, density, integral};
use crate::lsh::probing::greatest;
use crate::lsh::projection::Projection;

/// Where the normal distribution ends for practical purposes.
const FAR: f64 = 8.0;

/// `2^bits` keys in each of `tables` tables, one for each of `2^(bits - 1)` axes and its opposite.
///
/// A rotation that is wider than a table has axes is cut into as many tables as it holds, which is the family's
/// reduction of the dimension; a vector with fewer dimensions than axes is filled up with zeros.
#[derive(Debug, Clone)]
pub struct CrossPolytope {
    projection: Projection,
    bits: usize,
    tables: usize,
}

impl CrossPolytope {
    /// Most bits of a key: 8192 axes and their opposites.
    pub const MAX_BITS: usize = 14;

    /// The family of a seed for vectors of `dim` dimensions.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are 1 to [`CrossPolytope::MAX_BITS`] bits.
    pub fn new(dim: usize, bits: usize, tables: usize, seed: u64) -> Result<Self> {
        if !(1..=Self::MAX_BITS).contains(&bits) {
            return Err(Error::invalid("bits", format!("expected 1 to {}, found {bits}", Self::MAX_BITS)));
        }
        Ok(Self { projection: Projection::new(dim, 1 << (bits - 1), tables, seed), bits, tables })
    }

    fn axes(&self) -> usize {
        1 << (self.bits - 1)
    }

    /// Probability that the keys of two vectors at this cosine agree, for projections on independent directions.
    ///
    /// One axis wins for both with the same sign if both projections on it are greater than all the others are in
    /// absolute value.
    pub fn agreement(bits: usize, cosine: f64) -> f64 {
        let axes = libm::pow(2.0, bits as f64 - 1.0);
        let cosine = cosine.clamp(-1.0, 1.0);
        let spread = (1.0 - cosine * cosine).sqrt();
        if spread < 1e-6 {
            return if cosine > 0.0 { 1.0 } else { 0.0 };
        }
        let won = integral(0.0, FAR, |u| {
            let least = (-cosine * u / spread).clamp(-FAR, FAR);
            density(u)
                * integral(least, FAR, |t| {
                    let v = cosine * u + spread * t;
                    density(t) * libm::pow(both_within(u, v, cosine).clamp(0.0, 1.0), axes - 1.0)
                })
        });
        (2.0 * axes * won).clamp(0.0, 1.0)
    }
}

impl Family for CrossPolytope {
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
        let (axes, each) = (self.axes(), self.projection.width() / self.axes());
        let mut held = Vec::new();
        self.projection.each(vector, |rotation, projections| {
            if rotation == 0 {
                out.projections.extend(&projections[..self.words() * 64]);
            }
            let first = rotation * each;
            for table in first..(first + each).min(self.tables) {
                let block = &projections[(table - first) * axes..][..axes];
                let key = |axis: u32| axis + if block[axis as usize] < 0.0 { axes as u32 } else { 0 };
                let table = table as u32;
                if probes == 0 {
                    out.buckets.push(Bucket { table, key: key(widest(block)) });
                } else {
                    greatest(block, probes.saturating_add(1), &mut held);
                    out.buckets.extend(held.iter().map(|&(_, axis)| Bucket { table, key: key(axis) }));
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

/// Place of the greatest absolute value, the first among equals.
fn widest(values: &[f32]) -> u32 {
    let mut best = (0, -1.0);
    for (at, x) in values.iter().enumerate() {
        if x.abs() > best.1 {
            best = (at as u32, x.abs());
        }
    }
    best.0
}
