//! How close two vectors are; greater is closer.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::simd::Kernels;

/// A measure of closeness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Cosine of the angle; a zero vector scores 0 with everything.
    Cosine = 0,
    /// Inner product.
    Dot = 1,
    /// Minus the squared Euclidean distance.
    Euclidean = 2,
}

impl Metric {
    /// All of them, in the order of their codes.
    pub const ALL: &'static [Self] = &[Self::Cosine, Self::Dot, Self::Euclidean];

    /// The word in files and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::Euclidean => "euclidean",
        }
    }

    /// The one with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| *metric as u8 == code)
    }

    /// Brings a vector, stored or asked for, into the form that is scored: of length one for the cosine.
    pub fn prepare(self, vector: &mut [f32]) {
        if self != Self::Cosine {
            return;
        }
        // In f64, so that neither tiny nor huge components lose their direction.
        let norm = Kernels::best().squared_norm(vector).sqrt();
        if norm > 0.0 {
            vector.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        }
    }

    /// Score of two prepared vectors of equal length.
    #[inline]
    pub fn score(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Cosine | Self::Dot => Kernels::best().dot(a, b),
            Self::Euclidean => 0.0 - Kernels::best().squared_euclidean(a, b),
        }
    }

    /// Scores of a prepared query with each of `out.len()` prepared rows; the same bits as [`Metric::score`].
    pub fn score_rows(self, query: &[f32], rows: &[f32], out: &mut [f32]) {
        match self {
            Self::Cosine | Self::Dot => Kernels::best().dot_rows(query, rows, out),
            Self::Euclidean => {
                Kernels::best().squared_euclidean_rows(query, rows, out);
                out.iter_mut().for_each(|score| *score = 0.0 - *score);
            }
        }
    }

    /// As [`Metric::score`], for a row of IEEE half precision.
    #[inline]
    pub fn score_f16(self, query: &[f32], row: &[u16]) -> f32 {
        match self {
            Self::Cosine | Self::Dot => Kernels::best().dot_f16(query, row),
            Self::Euclidean => 0.0 - Kernels::best().squared_euclidean_f16(query, row),
        }
    }

    /// As [`Metric::score_rows`], for rows of IEEE half precision.
    pub fn score_f16_rows(self, query: &[f32], rows: &[u16], out: &mut [f32]) {
        match self {
            Self::Cosine | Self::Dot => Kernels::best().dot_f16_rows(query, rows, out),
            Self::Euclidean => {
                Kernels::best().squared_euclidean_f16_rows(query, rows, out);
                out.iter_mut().for_each(|score| *score = 0.0 - *score);
            }
        }
    }

    /// As [`Metric::score`], for a row of codes times a scale.
    #[inline]
    pub fn score_scaled(self, query: &[f32], row: &[i8], scale: f32) -> f32 {
        match self {
            Self::Cosine | Self::Dot => Kernels::best().dot_scaled(query, row, scale),
            Self::Euclidean => 0.0 - Kernels::best().squared_euclidean_scaled(query, row, scale),
        }
    }

    /// As [`Metric::score_rows`], for rows of codes, each times its scale.
    pub fn score_scaled_rows(self, query: &[f32], rows: &[i8], scale: &[f32], out: &mut [f32]) {
        match self {
            Self::Cosine | Self::Dot => Kernels::best().dot_scaled_rows(query, rows, scale, out),
            Self::Euclidean => {
                Kernels::best().squared_euclidean_scaled_rows(query, rows, scale, out);
                out.iter_mut().for_each(|score| *score = 0.0 - *score);
            }
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.word() == text)
            .ok_or_else(|| Error::invalid("metric", "expected one of cosine, dot, euclidean"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_round_trip() {
        for &metric in Metric::ALL {
            assert_eq!(metric.to_string().parse::<Metric>().unwrap(), metric);
            assert_eq!(Metric::from_code(metric as u8), Some(metric));
        }
        assert!("l2".parse::<Metric>().is_err());
    }

    #[test]
    fn cosine_takes_any_length() {
        for scale in [1e-40, 1e-20, 1.0, 1e37] {
            let mut vector = [3.0 * scale, 0.0, 4.0 * scale];
            Metric::Cosine.prepare(&mut vector);
            assert!((vector[0] - 0.6).abs() < 1e-4 && (vector[2] - 0.8).abs() < 1e-4, "{scale} {vector:?}");
        }
        let mut zero = [0.0; 3];
        Metric::Cosine.prepare(&mut zero);
        assert_eq!(zero, [0.0; 3]);
    }

    #[test]
    fn nearer_scores_higher() {
        let (a, near, far) = ([1.0, 2.0], [1.0, 2.5], [-4.0, 0.0]);
        for &metric in Metric::ALL {
            assert!(metric.score(&a, &near) > metric.score(&a, &far), "{metric}");
        }
        assert_eq!(Metric::Euclidean.score(&a, &a).to_bits(), 0);
    }
}
