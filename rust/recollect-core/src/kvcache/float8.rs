//! Eight-bit floats, e4m3, scaled so that the greatest is 448.

use std::sync::atomic::{AtomicBool, Ordering};

use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::pages::zeros;
use crate::simd::Kernels;

/// The greatest number of e4m3.
const GREATEST: f32 = 448.0;

/// Rows of a head that are taken together where a step belongs to a row: as f32 they stay in the first cache.
const TOGETHER: usize = 16;

/// What shares a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// All channels of a token.
    Token,
    /// One channel of a block of tokens.
    Channel,
    /// A block of tokens.
    Head,
}

/// Codes, `(heads, tokens, dim)`, and steps in half precision: `(heads, blocks, dim)` by channel, else `(heads, blocks)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FloatCodes {
    /// A byte an element.
    pub codes: Vec<u8>,
    /// What a code is multiplied by.
    pub scale: Vec<u16>,
}

/// e4m3 of heads of one shape with a step for each block of `block` tokens, one where a step belongs to a token, on up to
/// `threads` threads; None where a number is not finite or beyond what half precision scales.
///
/// # Errors
/// [`Error::Invalid`] for blocks of no tokens; [`Error::Cancelled`].
pub fn encode_float8(
    heads: &[Rows<'_>],
    shared: Shared,
    block: usize,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Option<FloatCodes>> {
    let Some((tokens, dim)) = heads.first().map(|head| (head.tokens(), head.dim())) else {
        return Ok(Some(FloatCodes::default()));
    };
    let block = if shared == Shared::Token { TOGETHER } else { block };
    if block == 0 {
        return Err(Error::invalid("block", "expected at least 1, found 0"));
    }
    let steps = match shared {
        Shared::Token => block,
        Shared::Channel => dim,
        Shared::Head => 1,
    };
    let all = if shared == Shared::Token { tokens } else { tokens.div_ceil(block) * steps };
    let mut made = FloatCodes { codes: zeros(heads.len() * tokens * dim), scale: vec![0; heads.len() * all] };
    if tokens == 0 {
        return Ok(Some(made));
    }
    let share = 1024usize.div_ceil(block);
    let mut tasks = Vec::new();
    let parts = made.codes.chunks_mut(tokens * dim).zip(made.scale.chunks_mut(all));
    for (head, (codes, scale)) in heads.iter().zip(parts) {
        let pieces = codes.chunks_mut(share * block * dim).zip(scale.chunks_mut(share * steps)).enumerate();
        tasks.extend(pieces.map(|(at, (codes, scale))| (head, at * share * block, codes, scale)));
    }
    let broken = AtomicBool::new(false);
    each(tasks, threads, cancel, Space::default, |space, (head, start, codes, scale), cancel| {
        for (at, (codes, scale)) in codes.chunks_mut(block * dim).zip(scale.chunks_mut(steps)).enumerate() {
            if at.is_multiple_of(16) {
                cancel.check()?;
            }
            let rows = head.read(start + at * block, codes.len() / dim, &mut space.rows);
            let finite = head.reads_finite(start + at * block, codes.len() / dim);
            let held = space.steps.codes(rows, dim, shared, codes, scale);
            broken.fetch_or(!(finite && held), Ordering::Relaxed);
        }
        Ok(())
    })?;
    Ok((!broken.into_inner()).then_some(made))
}

#[derive(Default)]
struct Space {
    rows: Vec<f32>,
    steps: Steps,
}

#[derive(Default)]
struct Steps {
    low: Vec<f32>,
    high: Vec<f32>,
    scale: Vec<f32>,
    inverse: Vec<f32>,
    halves: Vec<u16>,
}

impl Steps {
    /// The codes of a block of rows; false where a step is beyond half precision.
    fn codes(
        &mut self,
        rows: &[f32],
        dim: usize,
        shared: Shared,
        codes: &mut [u8],
        halves: &mut [u16],
    ) -> bool {
        let kernels = Kernels::best();
        let count = if shared == Shared::Channel { dim } else { halves.len() };
        for part in [&mut self.low, &mut self.high, &mut self.scale, &mut self.inverse] {
            part.resize(count, 0.0);
        }
        match shared {
            Shared::Token => kernels.ranges_by_token(rows, dim, dim, &mut self.low, &mut self.high),
            Shared::Channel => kernels.ranges_by_channel(rows, &mut self.low, &mut self.high),
            Shared::Head => {
                let greatest = kernels.greatest(rows);
                (self.low[0], self.high[0]) = (-greatest, greatest);
            }
        }
        self.high.iter_mut().zip(&self.low).for_each(|(high, low)| *high = high.abs().max(low.abs()));
        self.halves.resize(count, 0);
        let held =
            kernels.half_steps(&self.high, GREATEST, &mut self.halves, &mut self.scale, &mut self.inverse);
        halves.copy_from_slice(&self.halves);
        if shared == Shared::Head {
            let (scale, inverse) = (self.scale[0], self.inverse[0]);
            self.low.resize(dim, 0.0);
            self.scale.clear();
            self.scale.resize(dim, scale);
            self.inverse.clear();
            self.inverse.resize(dim, inverse);
        }
        let steps = [&self.low[..], &self.scale[..], &self.inverse[..]];
        if shared == Shared::Token {
            kernels.e4m3_by_token(rows, dim, steps, codes);
        } else {
            kernels.e4m3_by_channel(rows, steps, codes);
        }
        held
    }
}
