//! Whole numbers between the least and the greatest of a group (Liu and others, "KIVI", 2024).

use std::sync::atomic::{AtomicBool, Ordering};

use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::pages::zeros;
use crate::simd::Kernels;

/// Rows of a head that are taken together where groups lie within rows: as f32 they stay in the first cache.
const TOGETHER: usize = 16;

/// How elements share a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Bits of a code: 2, 4 or 8.
    pub bits: usize,
    /// Whether a group is so many channels of a token, not tokens of a channel.
    pub by_token: bool,
    /// Elements of a group.
    pub group: usize,
}

/// Codes and what they mean, heads one after another, as the Python side lays them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WholeCodes {
    /// `(heads, tokens, words of a row)` by token, `(heads, dim, words of a column)` by channel.
    pub codes: Vec<u32>,
    /// Half precision, a group each: `(heads, tokens, groups)` by token, `(heads, groups, dim)` by channel.
    pub scale: Vec<u16>,
    /// As `scale`.
    pub zero: Vec<u16>,
}

impl Grouping {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn new(bits: usize, by_token: bool, group: usize) -> Result<Self> {
        if !matches!(bits, 2 | 4 | 8) || group == 0 {
            return Err(Error::invalid("bits", format!("{bits} bits in groups of {group} are no codes")));
        }
        Ok(Self { bits, by_token, group })
    }

    /// Words of the codes of a head, and its groups.
    pub fn sizes(&self, tokens: usize, dim: usize) -> (usize, usize) {
        if self.by_token {
            (tokens * (dim * self.bits).div_ceil(32), tokens * dim.div_ceil(self.group))
        } else {
            (dim * (tokens * self.bits).div_ceil(32), dim * tokens.div_ceil(self.group))
        }
    }

    /// The codes of heads of one shape, on up to `threads` threads; None where a number is not finite or beyond what half
    /// precision scales.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn encode(
        &self,
        heads: &[Rows<'_>],
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<Option<WholeCodes>> {
        let Some((tokens, dim)) = heads.first().map(|head| (head.tokens(), head.dim())) else {
            return Ok(Some(WholeCodes::default()));
        };
        let (words, groups) = self.sizes(tokens, dim);
        let mut made = WholeCodes {
            codes: zeros(heads.len() * words),
            scale: vec![0; heads.len() * groups],
            zero: vec![0; heads.len() * groups],
        };
        if tokens == 0 {
            return Ok(Some(made));
        }
        // By token a head falls into pieces that write apart from each other.
        let share = if self.by_token { 64 * TOGETHER } else { tokens };
        let (row_words, row_groups) = (words / tokens, groups / tokens);
        let mut tasks = Vec::new();
        let parts = made.codes.chunks_mut(words).zip(made.scale.chunks_mut(groups));
        for (head, ((codes, scale), zero)) in heads.iter().zip(parts.zip(made.zero.chunks_mut(groups))) {
            if !self.by_token {
                tasks.push((head, 0, codes, scale, zero));
                continue;
            }
            let codes = codes.chunks_mut(share * row_words);
            let steps = scale.chunks_mut(share * row_groups).zip(zero.chunks_mut(share * row_groups));
            let pieces = codes.zip(steps).enumerate();
            tasks.extend(pieces.map(|(at, (codes, (scale, zero)))| (head, at * share, codes, scale, zero)));
        }
        let broken = AtomicBool::new(false);
        each(tasks, threads, cancel, Space::default, |space, (head, start, codes, scale, zero), cancel| {
            let sound = if self.by_token {
                self.rows_of_tokens(space, head, start, codes, scale, zero, cancel)?
            } else {
                self.rows_of_channels(space, head, codes, scale, zero, cancel)?
            };
            broken.fetch_or(!sound, Ordering::Relaxed);
            Ok(())
        })?;
        Ok((!broken.into_inner()).then_some(made))
    }

    fn top(&self) -> f32 {
        ((1u32 << self.bits) - 1) as f32
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of the codes")]
    fn rows_of_tokens(
        &self,
        space: &mut Space,
        head: &Rows<'_>,
        start: usize,
        codes: &mut [u32],
        scale: &mut [u16],
        zero: &mut [u16],
        cancel: Cancel<'_>,
    ) -> Result<bool> {
        let (kernels, dim) = (Kernels::best(), head.dim());
        let (words, groups) = ((dim * self.bits).div_ceil(32), dim.div_ceil(self.group));
        let mut sound = true;
        let blocks = codes.chunks_mut(TOGETHER * words).zip(scale.chunks_mut(TOGETHER * groups));
        for (at, ((codes, scale), zero)) in blocks.zip(zero.chunks_mut(TOGETHER * groups)).enumerate() {
            if at.is_multiple_of(16) {
                cancel.check()?;
            }
            let count = scale.len() / groups;
            let rows = head.read(start + at * TOGETHER, count, &mut space.rows);
            sound &= head.reads_finite(start + at * TOGETHER, count);
            let steps = &mut space.steps;
            steps.sized(count * groups);
            kernels.ranges_by_token(rows, dim, self.group, &mut steps.low, &mut steps.high);
            sound &= steps.halved(kernels, self.top(), scale, zero);
            space.codes.resize(count * dim, 0);
            let found = [&steps.zero[..], &steps.scale[..], &steps.inverse[..]];
            kernels.whole_by_token(rows, dim, self.group, found, self.top(), &mut space.codes);
            for (codes, out) in space.codes.chunks_exact(dim).zip(codes.chunks_exact_mut(words)) {
                kernels.pack(codes, self.bits, out);
            }
        }
        Ok(sound)
    }

    fn rows_of_channels(
        &self,
        space: &mut Space,
        head: &Rows<'_>,
        codes: &mut [u32],
        scale: &mut [u16],
        zero: &mut [u16],
        cancel: Cancel<'_>,
    ) -> Result<bool> {
        let (kernels, dim, tokens) = (Kernels::best(), head.dim(), head.tokens());
        // Whole groups and whole lines of sixteen words; short groups at the end fill theirs up with nothing.
        let block = lines(16 * 32 / self.bits, self.group);
        let stride = (tokens * self.bits).div_ceil(32);
        let mut sound = true;
        for start in (0..tokens).step_by(block) {
            cancel.check()?;
            let count = block.min(tokens - start);
            space.codes.resize(count * dim, 0);
            for from in (0..count).step_by(self.group) {
                let some = self.group.min(count - from);
                let rows = head.read(start + from, some, &mut space.rows);
                sound &= head.reads_finite(start + from, some);
                let steps = &mut space.steps;
                steps.sized(dim);
                kernels.ranges_by_channel(rows, &mut steps.low, &mut steps.high);
                let at = (start + from) / self.group * dim;
                sound &= steps.halved(kernels, self.top(), &mut scale[at..at + dim], &mut zero[at..at + dim]);
                let found = [&steps.zero[..], &steps.scale[..], &steps.inverse[..]];
                let codes = &mut space.codes[from * dim..(from + some) * dim];
                kernels.whole_by_channel(rows, found, self.top(), codes);
            }
            kernels.pack_columns(&space.codes, dim, self.bits, &mut codes[start * self.bits / 32..], stride);
        }
        Ok(sound)
    }
}

/// The least multiple of both.
fn lines(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

#[derive(Default)]
struct Space {
    rows: Vec<f32>,
    codes: Vec<u8>,
    steps: Steps,
}

/// Ranges of groups and what became of them.
#[derive(Default)]
struct Steps {
    low: Vec<f32>,
    high: Vec<f32>,
    zero: Vec<f32>,
    scale: Vec<f32>,
    inverse: Vec<f32>,
}

impl Steps {
    fn sized(&mut self, count: usize) {
        for part in [&mut self.low, &mut self.high, &mut self.zero, &mut self.scale, &mut self.inverse] {
            part.resize(count, 0.0);
        }
    }

    /// Steps and zeros in half precision; false where one is beyond it.
    fn halved(&mut self, kernels: &Kernels, top: f32, scale: &mut [u16], zero: &mut [u16]) -> bool {
        self.high.iter_mut().zip(&self.low).for_each(|(high, low)| *high -= low);
        let sound = kernels.half_steps(&self.high, top, scale, &mut self.scale, &mut self.inverse);
        kernels.half_zeros(&self.low, zero, &mut self.zero) & sound
    }
}
