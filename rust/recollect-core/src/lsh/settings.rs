//! What an index is made of, and what its family promises.

use crate::error::{Error, Result};
use crate::lsh::cross_polytope::CrossPolytope;
use crate::lsh::family::{Family, Kind};
use crate::lsh::fly::Fly;
use crate::lsh::hyperplane::Hyperplane;
use crate::vector::{MAX_DIM, Metric};

/// Most tables of an index.
pub const MAX_TABLES: usize = 1024;

/// What an index is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Dimensions of a vector, 1..=8192.
    pub dim: usize,
    /// The family of hash functions.
    pub family: Kind,
    /// Bits of a key; units of the fly.
    pub bits: usize,
    /// Units of the fly that stay active; nothing to the others.
    pub active: usize,
    /// Tables, 1..=1024; nothing to the fly.
    pub tables: usize,
    /// How candidates are scored; they are found by their angle under each metric.
    pub metric: Metric,
    /// Where the random numbers come from.
    pub seed: u64,
}

impl Settings {
    /// The defaults of a family: 256 keys in each of 16 tables, or 32 of 640 units.
    pub fn new(dim: usize, family: Kind) -> Self {
        let bits = if family == Kind::Fly { 640 } else { 8 };
        Self { dim, family, bits, active: 32, tables: 16, metric: Metric::Cosine, seed: 0 }
    }

    /// The family.
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::Limit`], naming the setting that is out of its domain.
    pub fn family(&self) -> Result<Box<dyn Family>> {
        if self.dim == 0 {
            return Err(Error::invalid("dim", "expected at least one dimension"));
        }
        if self.dim > MAX_DIM {
            return Err(Error::Limit {
                argument: "dim".into(),
                found: self.dim as u64,
                limit: MAX_DIM as u64,
            });
        }
        if !(1..=MAX_TABLES).contains(&self.tables) {
            return Err(Error::invalid(
                "tables",
                format!("expected 1 to {MAX_TABLES}, found {}", self.tables),
            ));
        }
        Ok(match self.family {
            Kind::CrossPolytope => Box::new(CrossPolytope::new(self.dim, self.bits, self.tables, self.seed)?),
            Kind::Hyperplane => Box::new(Hyperplane::new(self.dim, self.bits, self.tables, self.seed)?),
            Kind::Fly => Box::new(Fly::new(self.dim, self.bits, self.active, self.seed)?),
        })
    }
}

impl Settings {
    /// Probability that two vectors at a cosine share a given bucket, and any bucket, without a family being made.
    ///
    /// # Errors
    /// As [`Settings::family`].
    pub fn rates(&self, cosine: f64) -> Result<(f64, f64)> {
        let collision = Self { dim: 1, tables: 1, ..*self }.family()?.collision(cosine);
        let choices = if self.family == Kind::Fly { self.active } else { self.tables };
        Ok((collision, 1.0 - libm::pow(1.0 - collision, choices as f64)))
    }
}
