//! Which vectors and sizes are let in.

use crate::error::{Error, Result};
use crate::simd::Kernels;
use crate::vector::Metric;

/// Most dimensions of an index.
pub const MAX_DIM: usize = 8192;

/// One more than the greatest slot of an index.
pub const MAX_SLOTS: usize = 1 << 28;

/// Greatest norm of a vector under [`Metric::Dot`] and [`Metric::Euclidean`]; every score below it is finite.
pub const MAX_NORM: f64 = 1e18;

pub(super) fn admit_dim(dim: usize) -> Result<()> {
    match dim {
        0 => Err(Error::invalid("dim", "expected at least one dimension")),
        1..=MAX_DIM => Ok(()),
        _ => Err(Error::Limit { argument: "dim".into(), found: dim as u64, limit: MAX_DIM as u64 }),
    }
}

pub(super) fn admit_slot(slot: u32) -> Result<()> {
    let limit = MAX_SLOTS as u64 - 1;
    if u64::from(slot) > limit {
        return Err(Error::Limit { argument: "slot".into(), found: u64::from(slot), limit });
    }
    Ok(())
}

/// Refuses a vector of another dimension, with a component that is no number, or too long for the metric.
///
/// # Errors
/// [`Error::DimensionMismatch`] and [`Error::Invalid`], naming the argument.
pub fn admit(argument: &str, vector: &[f32], dim: usize, metric: Metric) -> Result<()> {
    if vector.len() != dim {
        return Err(Error::DimensionMismatch {
            argument: argument.into(),
            expected: dim,
            found: vector.len(),
        });
    }
    // The squares of finite f32 have a finite sum in f64, so anything else shows in the sum.
    let squared = Kernels::best().squared_norm(vector);
    if !squared.is_finite() {
        let at = vector.iter().position(|x| !x.is_finite()).unwrap_or(0);
        let found = if vector[at].is_nan() { "NaN" } else { "infinite" };
        return Err(Error::invalid(argument, format!("component {at} is {found}")));
    }
    if metric != Metric::Cosine && squared.sqrt() > MAX_NORM {
        return Err(Error::invalid(argument, format!("its norm is over {MAX_NORM:e}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_argument_and_the_component() {
        let refusal = |v: &[f32]| admit("vectors[3]", v, 3, Metric::Dot).unwrap_err().to_string();
        assert_eq!(refusal(&[1.0]), "vectors[3]: expected 3 dimensions, found 1");
        assert_eq!(refusal(&[1.0, f32::NAN, 0.0]), "vectors[3]: component 1 is NaN");
        assert_eq!(refusal(&[1.0, 0.0, f32::NEG_INFINITY]), "vectors[3]: component 2 is infinite");
        assert_eq!(refusal(&[1e30, 0.0, 0.0]), "vectors[3]: its norm is over 1e18");
        assert!(admit("v", &[f32::MAX; 3], 3, Metric::Cosine).is_ok());
        assert!(admit_dim(0).is_err() && admit_dim(1).is_ok() && admit_dim(MAX_DIM + 1).is_err());
        assert!(admit_slot(MAX_SLOTS as u32 - 1).is_ok() && admit_slot(MAX_SLOTS as u32).is_err());
    }
}
