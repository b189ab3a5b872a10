//! Int8 codes of vectors, with what is needed to bound their error.

use crate::error::Result;
use crate::simd::Kernels;
use crate::vector::facts::Facts;
use crate::vector::{Matrix, Metric};

/// Greatest components below this get no codes; the quotient by them would leave the range of f32.
pub(super) const TINY: f32 = 1e-30;

/// A vector `x` as `scale * codes`, off by at most `residual`.
#[derive(Debug, Clone)]
pub struct Quantized {
    /// One code an element, within -127..=127.
    pub codes: Vec<i8>,
    /// Value of one code step.
    pub scale: f32,
    /// Norm of `x`, to the nearest f32.
    pub norm: f32,
    /// At least the norm of `x - scale * codes`.
    pub residual: f32,
}

impl Quantized {
    /// Quantizes a vector of finite components of norm up to 1e18.
    pub fn new(x: &[f32]) -> Self {
        let mut codes = vec![0; x.len()];
        let (scale, norm, residual) = quantize(x, &mut codes);
        Self { codes, scale, norm, residual }
    }
}

/// Writes the codes and gives scale, norm and residual.
fn quantize(x: &[f32], codes: &mut [i8]) -> (f32, f32, f32) {
    let kernels = Kernels::best();
    let norm = kernels.squared_norm(x).sqrt();
    let greatest = kernels.greatest(x);
    if greatest < TINY {
        codes.fill(0);
        return (0.0, norm as f32, (norm as f32).next_up());
    }
    let scale = greatest / 127.0;
    let lost = f64::from(kernels.quantize(x, 127.0 / greatest, codes));
    // Rounding: the sum of squares is right to 1e-4, each quotient to 3 units in the last place.
    let residual = f64::from(scale) * lost.sqrt() * (1.0 + 1e-4) + norm * 2f64.powi(-21);
    (scale, norm as f32, (residual as f32).next_up())
}

/// Codes and scale that a prepared vector is kept as; a scale of 17 bits, so that its product with any code is exact.
///
/// Under the cosine the scale makes the length one, since the codes hold the direction only.
pub(super) fn scaled_codes(metric: Metric, x: &[f32]) -> (Vec<i8>, f32) {
    let mut codes = vec![0; x.len()];
    let (mut scale, ..) = quantize(x, &mut codes);
    if metric == Metric::Cosine && scale > 0.0 {
        let squared: i64 = codes.iter().map(|&code| i64::from(code) * i64::from(code)).sum();
        scale = (1.0 / (squared as f64).sqrt()) as f32;
    }
    // To the nearest; the carry into the exponent is what it should be.
    (codes, f32::from_bits((scale.to_bits() + 0x40) & !0x7F))
}

/// Codes and scale of a vector that is kept as such.
pub(super) fn codes_of(x: &[f32]) -> (Vec<i8>, f32) {
    let mut codes = vec![0; x.len()];
    let (scale, ..) = quantize(x, &mut codes);
    (codes, scale)
}

/// The codes of many vectors, row by row.
#[derive(Debug)]
pub struct Codes {
    matrix: Matrix<i8>,
    facts: Facts,
}

impl Codes {
    /// No rows yet, of `dim` codes each.
    pub fn new(dim: usize) -> Self {
        Self { matrix: Matrix::new(dim), facts: Facts::default() }
    }

    /// Makes room for one more row.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::error::Error::Storage) if the system has no memory for it.
    pub fn reserve(&mut self) -> Result<()> {
        self.facts.reserve(self.matrix.rows() + 1)?;
        self.matrix.reserve()
    }

    /// Makes room for many rows, see [`Matrix::reserve_many`].
    ///
    /// # Errors
    /// As [`Codes::reserve`].
    pub fn reserve_many(&mut self, rows: usize, threads: usize) -> Result<()> {
        self.facts.reserve(self.matrix.rows() + rows)?;
        self.matrix.reserve_many(rows, threads)
    }

    /// Writes the codes of a vector at a row, which is an old one or the next.
    ///
    /// # Errors
    /// As [`Codes::reserve`].
    pub fn put(&mut self, row: usize, x: &[f32]) -> Result<()> {
        self.reserve()?;
        if row == self.matrix.rows() {
            self.matrix.push()?;
        }
        let (scale, norm, residual) = quantize(x, self.matrix.row_mut(row));
        self.facts.put(row, [scale, norm, residual]);
        Ok(())
    }

    /// As [`Codes::put`], for a vector that its codes hold without loss.
    ///
    /// # Errors
    /// As [`Codes::reserve`].
    pub(super) fn put_kept(&mut self, row: usize, x: &[f32]) -> Result<()> {
        self.put(row, x)?;
        let [scale, norm, _] = self.facts.of(row);
        self.facts.put(row, [scale, norm, 0.0]);
        Ok(())
    }

    /// Overwrites a row with zeros.
    pub fn clear(&mut self, row: usize) {
        self.matrix.row_mut(row).fill(0);
        self.facts.put(row, [0.0; 3]);
    }

    /// The codes as rows.
    pub fn matrix(&self) -> &Matrix<i8> {
        &self.matrix
    }

    /// Value of one code step of a row.
    #[inline]
    pub fn scale(&self, row: usize) -> f32 {
        self.facts.of(row)[0]
    }

    /// Norm of the vector of a row.
    #[inline]
    pub fn norm(&self, row: usize) -> f32 {
        self.facts.of(row)[1]
    }

    /// Scales and norms of the rows, and bounds of the norms of what rounding took.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.matrix.bytes() + self.facts.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_residual_is_a_bound(
            x in prop::collection::vec(-1.0f32..1.0, 1..200),
            power in -44i32..18,
        ) {
            let x: Vec<f32> = x.iter().map(|x| x * 10f32.powi(power)).collect();
            let quantized = Quantized::new(&x);
            let lost: f64 = x
                .iter()
                .zip(&quantized.codes)
                .map(|(&x, &code)| (f64::from(x) - f64::from(quantized.scale) * f64::from(code)).powi(2))
                .sum();
            prop_assert!(lost.sqrt() <= f64::from(quantized.residual));
        }
    }
}
