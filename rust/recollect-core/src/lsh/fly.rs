//! The fly's hash: many units that each add up a few components, of which the most excited stay active.
//!
//! Dasgupta, Stevens and Navlakha, "A neural algorithm for a fundamental computing problem", 2017. The active units of a
//! vector are a sparse distributed representation, and the more of them two vectors share, the nearer they are.

use crate::error::{Error, Result};
use crate::lsh::family::{Bucket, Family, Hashed};
use crate::lsh::normal::{both_above, quantile_above};
use crate::seed::Seed;

/// A unit adds up one component in so many, at least one.
const SPARSE: usize = 10;

/// `active` of `units` units stay active; a unit is a key of the one table.
#[derive(Debug, Clone)]
pub struct Fly {
    dim: usize,
    units: usize,
    active: usize,
    /// The components of each unit, ascending, (units, inputs).
    components: Vec<u32>,
}

impl Fly {
    /// Most units.
    pub const MAX_UNITS: usize = 1 << 16;

    /// The family of a seed for vectors of `dim` dimensions.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless there are 1 to [`Fly::MAX_UNITS`] units and no more active ones.
    pub fn new(dim: usize, units: usize, active: usize, seed: u64) -> Result<Self> {
        if !(1..=Self::MAX_UNITS).contains(&units) {
            return Err(Error::invalid(
                "bits",
                format!("expected 1 to {} units, found {units}", Self::MAX_UNITS),
            ));
        }
        if !(1..=units).contains(&active) {
            return Err(Error::invalid("active", format!("expected 1 to {units} units, found {active}")));
        }
        let (mut seed, inputs) = (Seed::new(seed), Self::inputs(dim));
        let mut all: Vec<u32> = (0..dim as u32).collect();
        let mut components = Vec::with_capacity(units * inputs);
        for _ in 0..units {
            for at in 0..inputs {
                all.swap(at, at + seed.below(dim - at));
            }
            let start = components.len();
            components.extend(&all[..inputs]);
            components[start..].sort_unstable();
        }
        Ok(Self { dim, units, active, components })
    }

    /// Components that a unit adds up.
    fn inputs(dim: usize) -> usize {
        (dim.div_ceil(SPARSE)).max(1)
    }

    /// The active units of a vector, and `probes` more, most excited first, ties by ascending unit.
    pub fn excited(&self, vector: &[f32], probes: usize) -> Vec<u32> {
        // Centred in f64 and rounded once, so that a constant vector excites nothing.
        let mean = vector.iter().map(|&x| f64::from(x)).sum::<f64>() / self.dim as f64;
        let centred: Vec<f32> = vector.iter().map(|&x| (f64::from(x) - mean) as f32).collect();
        let inputs = self.components.len() / self.units;
        let mut units: Vec<(f32, u32)> = (0..)
            .zip(self.components.chunks_exact(inputs))
            .map(|(unit, components)| (components.iter().map(|&at| centred[at as usize]).sum(), unit))
            .collect();
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let most = self.active.saturating_add(probes).min(self.units);
        if most < self.units {
            units.select_nth_unstable_by(most, order);
            units.truncate(most);
        }
        units.sort_unstable_by(order);
        units.into_iter().map(|(_, unit)| unit).collect()
    }

    /// Expected share of the active units that two vectors have in common, at this cosine of the centred vectors.
    ///
    /// The excitations of a unit by the two are taken as normal deviates with the cosine for their correlation.
    pub fn overlap(units: usize, active: usize, cosine: f64) -> f64 {
        if active >= units {
            return 1.0;
        }
        let share = active as f64 / units as f64;
        (both_above(quantile_above(share), cosine.clamp(-1.0, 1.0)) / share).clamp(0.0, 1.0)
    }
}

impl Family for Fly {
    fn tables(&self) -> usize {
        1
    }

    fn keys(&self) -> usize {
        self.units
    }

    fn choices(&self) -> usize {
        self.active
    }

    fn words(&self) -> usize {
        0
    }

    fn hash(&self, vector: &[f32], probes: usize, out: &mut Hashed) {
        out.projections.clear();
        out.buckets.clear();
        let units = self.excited(&vector[..self.dim], probes);
        out.buckets.extend(units.into_iter().map(|key| Bucket { table: 0, key }));
    }

    fn collision(&self, cosine: f64) -> f64 {
        Self::overlap(self.units, self.active, cosine)
    }

    fn bytes(&self) -> usize {
        self.components.capacity() * size_of::<u32>()
    }
}
