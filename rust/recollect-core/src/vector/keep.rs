//! In how many bits a vector is kept, which is what its scores mean.
//!
//! A kept vector is one whose values the form holds without loss, so that rounding it again changes no bit: what was
//! written to a file and read back scores as before.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::simd::Kernels;
use crate::vector::Metric;
use crate::vector::admission::admit;
use crate::vector::scalar_quantizer::{TINY, codes_of, scaled_codes};

/// Magnitude from which a component has no finite half.
const HALVES_END: f32 = 65_520.0;

/// How far rounding to halves can bring the norm of a unit vector from one, and a little: half a unit in the last of
/// 11 bits is 4.883e-4, subnormals add under 3e-6.
const UNIT: f64 = 5e-4;

/// The form in which vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Keep {
    /// 32-bit floats, 4 bytes a dimension.
    #[default]
    F32 = 0,
    /// IEEE half precision, 2 bytes a dimension: 11 significant bits.
    F16 = 1,
    /// Whole numbers within -127..=127 times one scale for the vector, 1 byte a dimension.
    Int8 = 2,
}

impl Keep {
    /// All of them, in the order of their codes.
    pub const ALL: &'static [Self] = &[Self::F32, Self::F16, Self::Int8];

    /// The word in files and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
        }
    }

    /// The one with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|keep| *keep as u8 == code)
    }

    /// Bytes of a vector of `dim` dimensions, as [`Keep::encode`] writes it.
    pub fn bytes(self, dim: usize) -> usize {
        match self {
            Self::F32 => 4 * dim,
            Self::F16 => 2 * dim,
            Self::Int8 => 4 + dim,
        }
    }

    /// Brings an admitted vector into the values that are scored: of length one for the cosine, and rounded.
    pub fn prepare(self, metric: Metric, vector: &mut [f32]) {
        match self {
            Self::F32 => metric.prepare(vector),
            Self::F16 => {
                let given = vector.to_vec();
                halve(vector);
                let norm = || Kernels::best().squared_norm(vector).sqrt();
                // Rounded unit vectors stay what they are: of length one as near as the form allows.
                let kept = given.iter().zip(&*vector).all(|(x, y)| x.to_bits() == y.to_bits());
                if metric == Metric::Cosine && !(kept && (norm() - 1.0).abs() < UNIT) {
                    vector.copy_from_slice(&given);
                    metric.prepare(vector);
                    halve(vector);
                }
            }
            Self::Int8 => {
                metric.prepare(vector);
                let (codes, scale) = scaled_codes(metric, vector);
                Kernels::best().widen_i8(&codes, scale, vector);
            }
        }
    }

    /// Refuses a vector that the metric or the form does not admit.
    ///
    /// # Errors
    /// As [`admit`], and [`Error::Invalid`] for a component beyond 65,504 in half precision, unless lengths do not
    /// matter to the metric.
    pub fn admit(self, argument: &str, vector: &[f32], dim: usize, metric: Metric) -> Result<()> {
        admit(argument, vector, dim, metric)?;
        if self == Self::F16
            && metric != Metric::Cosine
            && let Some(at) = vector.iter().position(|x| x.abs() >= HALVES_END)
        {
            let reason = format!("component {at} is beyond 65504, the most that f16 holds; keep f32 or int8");
            return Err(Error::invalid(argument, reason));
        }
        Ok(())
    }

    /// Rounds a vector to what is kept of it for good: f32 as it was given, the others as they are scored.
    ///
    /// # Errors
    /// As [`Keep::admit`].
    pub fn round(self, argument: &str, vector: &mut [f32], metric: Metric) -> Result<()> {
        if self == Self::F32 {
            return Ok(());
        }
        self.admit(argument, vector, vector.len(), metric)?;
        self.prepare(metric, vector);
        // Rounding can take a norm over its limit, and then nobody could read it back.
        self.admit(argument, vector, vector.len(), metric)
    }

    /// Appends the [`Keep::bytes`] of a kept vector, little-endian: floats, halves, or the scale as f32 and the codes.
    pub fn encode(self, vector: &[f32], out: &mut Vec<u8>) {
        match self {
            Self::F32 if cfg!(target_endian = "little") => {
                out.extend_from_slice(bytemuck::cast_slice(vector));
            }
            Self::F32 => vector.iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Self::F16 => halves(vector).iter().for_each(|x| out.extend_from_slice(&x.to_le_bytes())),
            Self::Int8 => {
                let (codes, scale) = codes_of(vector);
                out.extend_from_slice(&scale.to_le_bytes());
                out.extend_from_slice(bytemuck::cast_slice(&codes));
            }
        }
    }

    /// Reads what [`Keep::encode`] wrote into `out`, whose length is the dimension; false for bytes that it never
    /// writes for a kept vector.
    #[must_use]
    pub fn decode(self, bytes: &[u8], out: &mut [f32]) -> bool {
        if bytes.len() != self.bytes(out.len()) {
            return false;
        }
        match self {
            Self::F32 => {
                bytemuck::cast_slice_mut(out).copy_from_slice(bytes);
                if cfg!(target_endian = "big") {
                    out.iter_mut().for_each(|x| *x = f32::from_bits(x.to_bits().swap_bytes()));
                }
                true
            }
            Self::F16 => {
                let halves: Vec<u16> = bytes.as_chunks().0.iter().map(|x| u16::from_le_bytes(*x)).collect();
                Kernels::best().widen_f16(&halves, out);
                halves.iter().all(|x| x & 0x7FFF < 0x7C00)
            }
            Self::Int8 => {
                let Some((scale, codes)) = bytes.split_first_chunk() else { return false };
                let (scale, codes) = (f32::from_le_bytes(*scale), bytemuck::cast_slice::<u8, i8>(codes));
                let greatest = codes.iter().fold(0, |most, code| code.unsigned_abs().max(most));
                let nothing = greatest == 0 && scale.to_bits() == 0;
                let short = scale.to_bits() & 0x7F == 0 && (TINY..f32::INFINITY).contains(&(127.0 * scale));
                if !(nothing || greatest == 127 && short) {
                    return false;
                }
                Kernels::best().widen_i8(codes, scale, out);
                true
            }
        }
    }
}

fn halves(vector: &[f32]) -> Vec<u16> {
    let mut halves = vec![0; vector.len()];
    Kernels::best().narrow_f16(vector, &mut halves);
    halves
}

fn halve(vector: &mut [f32]) {
    Kernels::best().widen_f16(&halves(vector), vector);
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().copied().find(|keep| keep.word() == text);
        found.ok_or_else(|| Error::invalid("keep", "expected one of f32, f16, int8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(vector: &[f32]) -> Vec<u32> {
        vector.iter().map(|x| x.to_bits()).collect()
    }

    /// Rounds, and checks that neither rounding again nor a file changes a bit.
    fn check(keep: Keep, metric: Metric, given: &[f32]) -> Vec<f32> {
        let mut kept = given.to_vec();
        keep.prepare(metric, &mut kept);
        if keep == Keep::F32 {
            return kept;
        }
        let mut again = kept.clone();
        keep.prepare(metric, &mut again);
        assert_eq!(bits(&again), bits(&kept), "{keep} {metric}");
        let mut bytes = Vec::new();
        keep.encode(&kept, &mut bytes);
        assert_eq!(bytes.len(), keep.bytes(given.len()));
        let mut back = vec![9.0; given.len()];
        assert!(keep.decode(&bytes, &mut back), "{keep} {metric}");
        assert_eq!(bits(&back), bits(&kept), "{keep} {metric}");
        kept
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn rounding_is_done_once_and_for_all(
            given in prop::collection::vec(-1.0f32..1.0, 1..80),
            flat in any::<bool>(),
            power in -44i32..17,
        ) {
            for &keep in Keep::ALL {
                for &metric in Metric::ALL {
                    // Components of one size round all in one direction, which is the worst for the norm.
                    let size = |x: f32| if flat { given[0] + x * 1e-4 } else { x };
                    let scaled: Vec<f32> = given.iter().map(|&x| size(x) * 10f32.powi(power)).collect();
                    if keep.admit("vector", &scaled, scaled.len(), metric).is_ok() {
                        check(keep, metric, &scaled);
                    }
                }
            }
        }

        #[test]
        fn any_bytes_that_are_read_are_written_the_same(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            scale in 1e-20f32..1e20,
            whole in any::<bool>(),
        ) {
            for &keep in Keep::ALL {
                let mut bytes = bytes.clone();
                if keep == Keep::Int8 && whole && bytes.len() > 4 {
                    bytes[..4].copy_from_slice(&f32::from_bits(scale.to_bits() & !0x7F).to_le_bytes());
                    bytes[4] = 127;
                    bytes[5..].iter_mut().filter(|x| **x == 128).for_each(|x| *x = 129);
                }
                let dim = (0..80).find(|&dim| keep.bytes(dim) == bytes.len()).unwrap_or(0);
                let mut values = vec![0.0; dim];
                let read = keep.decode(&bytes, &mut values);
                prop_assert!(read || !(whole && keep == Keep::Int8 && dim > 0));
                if read {
                    let mut again = Vec::new();
                    keep.encode(&values, &mut again);
                    prop_assert_eq!(again, bytes);
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_near_what_was_given() {
        let given: Vec<f32> = (0..384).map(|i| (i as f32 * 0.7).sin()).collect();
        for (&keep, most) in Keep::ALL.iter().zip([1e-7, 5e-4, 5e-3]) {
            for &metric in Metric::ALL {
                let (mut exact, kept) = (given.clone(), check(keep, metric, &given));
                metric.prepare(&mut exact);
                let off: f32 = exact.iter().zip(&kept).map(|(x, y)| (x - y) * (x - y)).sum();
                let norm = metric.score(&exact, &exact).abs().max(1.0).sqrt();
                assert!(off.sqrt() <= most * norm.max(14.0), "{keep} {metric} {off}");
            }
            assert_eq!(keep.to_string().parse::<Keep>().unwrap(), keep);
            assert_eq!(Keep::from_code(keep as u8), Some(keep));
        }
        assert!(
            "f64".parse::<Keep>().unwrap_err().to_string().contains("keep: expected one of f32, f16, int8")
        );
    }

    #[test]
    fn unit_vectors_stay_of_length_one() {
        for dim in [1, 2, 3, 384, 8192] {
            for keep in [Keep::F16, Keep::Int8] {
                let given: Vec<f32> = (0..dim).map(|i| if i == 0 { 1e30 } else { 1e27 }).collect();
                let norm = Kernels::best().squared_norm(&check(keep, Metric::Cosine, &given)).sqrt();
                assert!((norm - 1.0).abs() < UNIT, "{keep} {dim} {norm}");
                assert_eq!(check(keep, Metric::Cosine, &vec![0.0; dim]), vec![0.0; dim]);
            }
        }
    }

    #[test]
    fn what_the_form_cannot_hold_is_refused_by_name() {
        let refusal = |keep: Keep, x: f32, metric| {
            keep.round("vectors[2]", &mut [0.0, x], metric).map_err(|error| error.to_string())
        };
        for metric in [Metric::Dot, Metric::Euclidean] {
            let message = refusal(Keep::F16, -65_520.0, metric).unwrap_err();
            assert_eq!(
                message,
                "vectors[2]: component 1 is beyond 65504, the most that f16 holds; keep f32 or int8"
            );
            assert!(
                refusal(Keep::F16, 65_519.9, metric).is_ok() && refusal(Keep::Int8, 65_520.0, metric).is_ok()
            );
        }
        assert!(refusal(Keep::F16, 1e30, Metric::Cosine).is_ok());
        // Every small component is rounded up, which takes the norm over 1e18: the next opening would refuse it.
        let mut vector = vec![0.6 * 7.75e15; 1001];
        vector[0] = 127.0 * 7.75e15;
        assert!(Keep::Int8.admit("v", &vector, 1001, Metric::Dot).is_ok());
        let message = Keep::Int8.round("v", &mut vector, Metric::Dot).unwrap_err().to_string();
        assert_eq!(message, "v: its norm is over 1e18");
    }
}
