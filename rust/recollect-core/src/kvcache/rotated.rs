//! One to four bits an element of centred and rotated rows, corrected so that inner products have no bias.
//!
//! The construction is that of the vector index ([`crate::vector::Rabitq`]), and the sources are the same; the numbers are
//! not: there a row keeps its f32 factor and one to four odd steps of its own, and four rounds of signs turn rows of any
//! length, here the levels are those of Lloyd and Max, one round turns rows filled up to a power of two, and factor and mean
//! are in half precision. So what is shared are the butterflies, not the rotation.

use std::sync::atomic::{AtomicBool, Ordering};

use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::pages::zeros;
use crate::simd::Kernels;

/// The positive levels of Lloyd and Max for the standard normal distribution, by bits.
pub(super) const POSITIVE: [&[f64]; 4] = [
    &[0.797_884_561],
    &[0.452_780_035, 1.510_417_608],
    &[0.245_094_179, 0.756_005_281, 1.343_909_279, 2.151_945_705],
    &[
        0.128_395_03,
        0.388_048_299,
        0.656_759_119,
        0.942_340_456,
        1.256_231_197,
        1.618_046_386,
        2.069_017_227,
        2.732_589_571,
    ],
];

/// Rows that a thread takes at a time.
const SHARE: usize = 1024;

/// Rows that are made f32 at a time: they stay in the first cache.
const FEW: usize = 16;

/// How rows of one dimension are turned and rounded.
#[derive(Debug, Clone)]
pub struct Turned {
    bits: usize,
    block: usize,
    width: usize,
    signs: Vec<f32>,
    scale: f32,
    middles: Vec<f64>,
}

/// Codes and what they mean, heads one after another, as the Python side lays them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnedCodes {
    /// `(heads, tokens, words of a row)`.
    pub codes: Vec<u32>,
    /// Half precision, `(heads, tokens)`.
    pub factor: Vec<u16>,
    /// Half precision, `(heads, blocks, dim)`.
    pub mean: Vec<u16>,
}

impl Turned {
    /// Rows of `dim` elements on 1 to 4 bits, with the signs given and a mean a `block` tokens.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn new(bits: usize, block: usize, signs: Vec<f32>) -> Result<Self> {
        let Some(levels) = bits.checked_sub(1).and_then(|at| POSITIVE.get(at)) else {
            return Err(Error::invalid("bits", format!("expected 1, 2, 3 or 4, found {bits}")));
        };
        if signs.is_empty() || block == 0 {
            return Err(Error::invalid("signs", "no dimension, or blocks of no tokens"));
        }
        let width = signs.len().next_power_of_two();
        let scale = scale_of(width);
        let middles = levels.windows(2).map(|pair| (pair[1] + pair[0]) / 2.0).collect();
        Ok(Self { bits, block, width, signs, scale, middles })
    }

    /// The codes of heads of one shape, on up to `threads` threads; None where a number is not finite or beyond half
    /// precision.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for rows of another dimension; [`Error::Cancelled`].
    pub fn encode(
        &self,
        heads: &[Rows<'_>],
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<Option<TurnedCodes>> {
        let dim = self.signs.len();
        let Some(tokens) = heads.first().map(Rows::tokens) else { return Ok(Some(TurnedCodes::default())) };
        if let Some(other) = heads.iter().find(|head| head.dim() != dim) {
            let (argument, found) = ("rows".into(), other.dim());
            return Err(Error::DimensionMismatch { argument, expected: dim, found });
        }
        let words = (self.width * self.bits).div_ceil(32);
        let means = tokens.div_ceil(self.block) * dim;
        let mut made = TurnedCodes {
            codes: zeros(heads.len() * tokens * words),
            factor: vec![0; heads.len() * tokens],
            mean: vec![0; heads.len() * means],
        };
        if tokens == 0 {
            return Ok(Some(made));
        }
        // Shares are whole blocks, so that each thread has the means of its rows.
        let share = SHARE.div_ceil(self.block).saturating_mul(self.block).min(tokens);
        let mean_share = share.div_ceil(self.block) * dim;
        let mut tasks = Vec::new();
        let parts = made.codes.chunks_mut(tokens * words).zip(made.factor.chunks_mut(tokens));
        for (head, ((codes, factor), mean)) in heads.iter().zip(parts.zip(made.mean.chunks_mut(means))) {
            let pieces = codes.chunks_mut(share * words).zip(factor.chunks_mut(share));
            let pieces = pieces.zip(mean.chunks_mut(mean_share)).enumerate();
            tasks.extend(pieces.map(|(at, ((codes, factor), mean))| (head, at * share, codes, factor, mean)));
        }
        let broken = AtomicBool::new(false);
        each(tasks, threads, cancel, Space::default, |space, (head, start, codes, factor, mean), cancel| {
            let blocks =
                codes.chunks_mut(self.block.saturating_mul(words)).zip(factor.chunks_mut(self.block));
            for (at, ((codes, factor), mean)) in blocks.zip(mean.chunks_mut(dim)).enumerate() {
                let sound =
                    self.block_of(space, head, start + at * self.block, codes, factor, mean, cancel)?;
                broken.fetch_or(!sound, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok((!broken.into_inner()).then_some(made))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the codes")]
    fn block_of(
        &self,
        space: &mut Space,
        head: &Rows<'_>,
        start: usize,
        codes: &mut [u32],
        factor: &mut [u16],
        mean: &mut [u16],
        cancel: Cancel<'_>,
    ) -> Result<bool> {
        let (kernels, dim) = (Kernels::best(), self.signs.len());
        let counting = factor.len().min(head.count().saturating_sub(start));
        let mut sound = self.mean_of(space, head, start, counting, mean, cancel)?;
        let words = (self.width * self.bits).div_ceil(32);
        space.codes.resize(self.width, 0);
        space.turned.resize(self.width, 0.0);
        let parts = codes.chunks_mut(FEW * words).zip(factor.chunks_mut(FEW)).enumerate();
        for (part, (codes, factor)) in parts {
            if part.is_multiple_of(64) {
                cancel.check()?;
            }
            let rows = head.read(start + part * FEW, factor.len(), &mut space.rows);
            sound &= head.reads_finite(start + part * FEW, factor.len());
            let outs = codes.chunks_exact_mut(words).zip(factor);
            for (row, (out, factor)) in rows.chunks_exact(dim).zip(outs) {
                kernels.turn(row, &space.mean, &self.signs, self.scale, &mut space.turned);
                let levels = POSITIVE[self.bits - 1];
                let found = kernels.level_codes(&space.turned, &self.middles, levels, &mut space.codes);
                kernels.pack(&space.codes, self.bits, out);
                *factor = half(found);
                sound &= *factor & 0x7FFF < 0x7C00;
            }
        }
        Ok(sound)
    }

    /// The mean of the rows of a block that count, in half precision, and what that stands for in `space`.
    fn mean_of(
        &self,
        space: &mut Space,
        head: &Rows<'_>,
        start: usize,
        counting: usize,
        mean: &mut [u16],
        cancel: Cancel<'_>,
    ) -> Result<bool> {
        space.sums.clear();
        space.sums.resize(mean.len(), 0.0);
        for from in (0..counting).step_by(FEW) {
            if from.is_multiple_of(64 * FEW) {
                cancel.check()?;
            }
            let rows = head.read(start + from, FEW.min(counting - from), &mut space.rows);
            Kernels::best().add_rows(rows, &mut space.sums);
        }
        let count = counting.max(1) as f64;
        mean.iter_mut().zip(&space.sums).for_each(|(mean, sum)| *mean = half(sum / count));
        space.mean.resize(mean.len(), 0.0);
        Kernels::best().widen_f16(mean, &mut space.mean);
        Ok(mean.iter().all(|half| half & 0x7FFF < 0x7C00))
    }
}

/// What a Hadamard matrix of a width is multiplied by, to keep lengths.
pub(super) fn scale_of(width: usize) -> f32 {
    (1.0 / (width as f64).sqrt()) as f32
}

/// f64 as half precision, rounded once, ties to even.
fn half(x: f64) -> u16 {
    let near = x as f32;
    let off = f64::from(near);
    let odd = if off == x || !near.is_finite() {
        near
    } else {
        // Towards zero, and the last bit says that something was lost: rounding again then sees on which side.
        let cut = if off.abs() > x.abs() { near.to_bits() - 1 } else { near.to_bits() };
        f32::from_bits(cut | 1)
    };
    let mut found = [0];
    Kernels::best().narrow_f16(&[odd], &mut found);
    found[0]
}

#[derive(Default)]
struct Space {
    rows: Vec<f32>,
    sums: Vec<f64>,
    mean: Vec<f32>,
    turned: Vec<f32>,
    codes: Vec<u8>,
}
