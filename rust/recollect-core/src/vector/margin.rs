//! How far a score on codes can lie from the f32 score.
//!
//! Let a row be `x = X + e` and the query `q = Q + f`, where `X`, `Q` are what the codes stand for, `|e| <= r` and
//! `|f| <= g`. Then `x.q - X.Q = X.f + e.q`, and with `|X| <= |x| + r` Cauchy-Schwarz gives
//! `|x.q - X.Q| <= |x| g + r (|q| + g)`. The squared distance is `|x|^2 + |q|^2 - 2 x.q`, so its error is twice that.
//!
//! Rounding comes on top, with `u = 2^-24`. The f32 kernel adds at most `m = dim / 32 + 8` terms one after the other,
//! which is off by at most `m u |x| |q|`, or by `m u |x - q|^2 <= 2 m u (|x|^2 + |q|^2)`. The score on codes takes
//! under ten operations on terms of at most `4 |x| |q|`, or `2 (|x|^2 + |q|^2)`; both are allowed for more than twice
//! over. Underflow adds at most `2^-149` an operation, [`UNDERFLOW`] in all.

use crate::simd::{Kernels, Margins};
use crate::vector::{Codes, Metric, Quantized};

const U: f64 = 1.0 / (1 << 24) as f64;

/// Rows that [`Margin::upper_each`] takes at most.
pub(super) const TOGETHER: usize = 12;

/// Over 8,192 operations, 2^-149 each.
const UNDERFLOW: f64 = 1e-40;

/// The score on codes of one query, and its error, as a function of a row's facts.
#[derive(Debug)]
pub(super) struct Margin {
    by_dot: f32,
    /// Score: factor of the squared norm, and constant.
    square: f64,
    constant: f64,
    /// Error: factors of norm, residual and squared norm, and constant.
    by_norm: f64,
    by_residual: f64,
    by_square: f64,
    base: f64,
}

impl Margin {
    /// The margin of a query of `dim` dimensions.
    pub(super) fn new(metric: Metric, query: &Quantized, squared_norm: f64, dim: usize) -> Self {
        let (norm, lost) = (squared_norm.sqrt(), f64::from(query.residual));
        let m = dim as f64 / 32.0 + 8.0;
        // Covers the rounding of the factors themselves to f32.
        let up = 1.0 + 1e-5;
        let by_norm = (lost + 2.0 * (m + 64.0) * U * (norm + lost)) * up;
        let by_residual = (norm + lost) * up;
        match metric {
            Metric::Cosine | Metric::Dot => Self {
                by_dot: query.scale,
                square: 0.0,
                constant: 0.0,
                by_norm,
                by_residual,
                by_square: 0.0,
                base: UNDERFLOW,
            },
            Metric::Euclidean => {
                let rounding = 4.0 * (m + 64.0) * U;
                Self {
                    by_dot: 2.0 * query.scale,
                    square: -1.0,
                    constant: -squared_norm,
                    by_norm: 2.0 * by_norm,
                    by_residual: 2.0 * by_residual,
                    by_square: rounding,
                    base: rounding * squared_norm + UNDERFLOW,
                }
            }
        }
    }

    /// Factor and constant that make a score of an inner product, where the squared norm of the row is off it already.
    pub(super) fn of_products(&self) -> (f32, f32) {
        (if self.square < 0.0 { 2.0 } else { 1.0 }, self.constant as f32)
    }

    /// Scores on codes of the rows from `first` on.
    pub(super) fn scores(&self, dots: &[i32], codes: &Codes, first: usize, out: &mut [f32]) {
        let margins = Margins {
            by_square: self.square as f32,
            by_norm: 0.0,
            by_residual: 0.0,
            base: self.constant as f32,
            ..self.factors()
        };
        bounds(dots, margins, codes, first, out);
        if self.square < 0.0 {
            out.iter_mut().for_each(|score| *score = score.min(0.0));
        }
    }

    /// Bounds that the f32 scores of the rows from `first` on do not exceed.
    pub(super) fn upper(&self, dots: &[i32], codes: &Codes, first: usize, out: &mut [f32]) {
        bounds(dots, self.factors(), codes, first, out);
    }

    /// As [`Margin::upper`], for at most [`TOGETHER`] rows that lie apart.
    pub(super) fn upper_each(&self, dots: &[i32], codes: &Codes, rows: &[u32], out: &mut [f32; TOGETHER]) {
        let n = rows.len();
        let mut facts = [[0.0; TOGETHER]; 3];
        for (i, &row) in rows.iter().enumerate() {
            [facts[0][i], facts[1][i], facts[2][i]] = codes.facts().of(row as usize);
        }
        let [scale, norm, residual] = &facts;
        let margins = Margins { scale, norm, residual, ..self.factors() };
        Kernels::best().upper_bounds(dots, margins, &mut out[..n]);
    }

    /// The bound that the f32 score of a row does not fall below, from its upper bound.
    pub(super) fn lower(&self, upper: f32, codes: &Codes, row: usize) -> f32 {
        let [_, norm, residual] = codes.facts().of(row).map(f64::from);
        let error =
            norm * self.by_norm + residual * self.by_residual + norm * norm * self.by_square + self.base;
        ((f64::from(upper) - 2.0 * error) as f32).next_down()
    }

    /// The most that the score of any row on its codes can be off.
    pub(super) fn most(&self, codes: &Codes) -> f32 {
        let kernels = Kernels::best();
        let greatest = codes.facts().blocks().fold([0.0f32; 2], |most, [_, norm, residual]| {
            [most[0].max(kernels.greatest(norm)), most[1].max(kernels.greatest(residual))]
        });
        let [norm, residual] = greatest.map(f64::from);
        let error =
            norm * self.by_norm + residual * self.by_residual + norm * norm * self.by_square + self.base;
        (error as f32).next_up()
    }

    /// What is the same for all rows.
    fn factors(&self) -> Margins<'static> {
        Margins {
            scale: &[],
            norm: &[],
            residual: &[],
            by_dot: self.by_dot,
            by_square: (self.square + self.by_square) as f32,
            by_norm: self.by_norm as f32,
            by_residual: self.by_residual as f32,
            base: ((self.constant + self.base) as f32).next_up(),
        }
    }
}

/// Bounds of the rows from `first` on, one part after the other whose facts lie side by side.
fn bounds(dots: &[i32], margins: Margins<'_>, codes: &Codes, first: usize, out: &mut [f32]) {
    let mut at = 0;
    while at < out.len() {
        let [scale, norm, residual] = codes.facts().block(first + at, out.len() - at);
        let part = at..at + scale.len();
        let margins = Margins { scale, norm, residual, ..margins };
        Kernels::best().upper_bounds(&dots[part.clone()], margins, &mut out[part]);
        at += scale.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lost(x: &[f32]) -> Vec<f32> {
        let quantized = Quantized::new(x);
        x.iter().zip(&quantized.codes).map(|(x, &code)| x - quantized.scale * f32::from(code)).collect()
    }

    proptest! {
        #[test]
        fn the_f32_score_lies_between_the_bounds(
            pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 1..150),
            powers in (-42i32..17, -42i32..17),
            shape in 0..4,
        ) {
            for &metric in Metric::ALL {
                let mut x: Vec<f32> = pairs.iter().map(|p| p.0 * 10f32.powi(powers.0)).collect();
                let mut q: Vec<f32> = pairs.iter().map(|p| p.1 * 10f32.powi(powers.1)).collect();
                match shape {
                    0 => {}
                    1 => q = x.iter().zip(&pairs).map(|(x, p)| x * (1.0 + p.1 * 1e-3)).collect(),
                    // Along what rounding took, where Cauchy-Schwarz is an equality.
                    2 => q = lost(&x),
                    _ => x = lost(&q),
                }
                metric.prepare(&mut x);
                metric.prepare(&mut q);
                let mut codes = Codes::new(x.len());
                codes.put(0, &x).unwrap();
                let query = Quantized::new(&q);
                let margin = Margin::new(metric, &query, Kernels::best().squared_norm(&q), x.len());
                let dot = Kernels::best().dot_i8(&query.codes, &codes.matrix().row(0)[..x.len()]);
                let mut upper = [0.0];
                margin.upper(&[dot], &codes, 0, &mut upper);
                let (score, lower) = (metric.score(&x, &q), margin.lower(upper[0], &codes, 0));
                prop_assert!(lower <= score && score <= upper[0], "{metric} {lower} {score} {upper:?}");
            }
        }
    }
}
