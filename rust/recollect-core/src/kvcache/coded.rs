//! Heads of quantized rows, made f32 a few rows at a time: what attention reads.

use super::asymmetric::Grouping;
use super::float8::Shared;
use super::rotated::{POSITIVE, scale_of};
use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::pages::zeros;
use crate::simd::Kernels;

/// Rows that are made at a time: codes of two bits fill whole words.
pub(super) const TILE: usize = 32;

/// The codes of one head.
#[derive(Debug, Clone, Copy)]
pub enum Codes<'a> {
    /// Rows as they are.
    Plain(Rows<'a>),
    /// Whole numbers between the least and the greatest of a group.
    Whole {
        /// How elements share a step.
        grouping: Grouping,
        /// As [`super::WholeCodes`] has them, of one head.
        codes: &'a [u32],
        /// A half a group.
        scale: &'a [u16],
        /// A half a group.
        zero: &'a [u16],
    },
    /// Float8 e4m3.
    Float8 {
        /// What shares a step.
        shared: Shared,
        /// Tokens of a block; 1 where a step belongs to a token.
        block: usize,
        /// A byte an element.
        codes: &'a [u8],
        /// A half for what shares it.
        scale: &'a [u16],
    },
    /// Levels of turned rows.
    Turned {
        /// Bits of a code.
        bits: usize,
        /// Tokens of a mean.
        block: usize,
        /// Signs that rows were turned by.
        signs: &'a [f32],
        /// As [`super::TurnedCodes`] has them, of one head.
        codes: &'a [u32],
        /// A half a row.
        factor: &'a [u16],
        /// Halves a block.
        mean: &'a [u16],
    },
}

/// A head of `tokens` rows of `dim` elements as codes.
#[derive(Debug, Clone, Copy)]
pub struct Coded<'a> {
    codes: Codes<'a>,
    tokens: usize,
    dim: usize,
}

/// Memory that making rows needs.
#[derive(Debug, Default)]
pub(super) struct Space {
    bytes: Vec<u8>,
    scale: Vec<f32>,
    zero: Vec<f32>,
    halves: Vec<f32>,
}

impl<'a> Coded<'a> {
    /// The codes of a head.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the parts are not as long as rows and dimensions ask for.
    pub fn new(codes: Codes<'a>, tokens: usize, dim: usize) -> Result<Self> {
        let fits = dim > 0
            && match codes {
                Codes::Plain(rows) => rows.tokens() == tokens && rows.dim() == dim,
                Codes::Whole { grouping, codes, scale, zero } => {
                    let (words, groups) = grouping.sizes(tokens, dim);
                    codes.len() == words && scale.len() == groups && zero.len() == groups
                }
                Codes::Float8 { shared, block, codes, scale } => {
                    let steps = if shared == Shared::Channel { dim } else { 1 };
                    block > 0 && codes.len() == tokens * dim && scale.len() == tokens.div_ceil(block) * steps
                }
                Codes::Turned { bits, block, signs, codes, factor, mean } => {
                    let words = (dim.next_power_of_two() * bits).div_ceil(32);
                    (1..=4).contains(&bits)
                        && block > 0
                        && signs.len() == dim
                        && codes.len() == tokens * words
                        && factor.len() == tokens
                        && mean.len() == tokens.div_ceil(block) * dim
                }
            };
        if !fits {
            return Err(Error::invalid("parts", format!("they are not those of {tokens} rows of {dim}")));
        }
        Ok(Self { codes, tokens, dim })
    }

    /// Rows.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Elements of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Elements of a row as it is made: a power of two where rows were turned.
    pub(super) fn width(&self) -> usize {
        if let Codes::Turned { .. } = self.codes { self.dim.next_power_of_two() } else { self.dim }
    }

    /// A vector as rows are made: turned where they were.
    pub(super) fn toward(&self, x: &[f32], out: &mut [f32]) {
        match self.codes {
            Codes::Turned { signs, .. } => {
                let nothing = vec![0.0; x.len()];
                Kernels::best().turn(x, &nothing, signs, scale_of(out.len()), out);
            }
            _ => out.copy_from_slice(x),
        }
    }

    /// Adds a sum of rows as they are made to one of rows as they were; the first is spoilt.
    pub(super) fn back(&self, made: &mut [f32], out: &mut [f32]) {
        if let Codes::Turned { signs, .. } = self.codes {
            // The matrix is its own inverse; signs come after it on the way back.
            let (nothing, ones) = (vec![0.0; made.len()], vec![1.0; made.len()]);
            let turned = made.to_vec();
            Kernels::best().turn(&turned, &nothing, &ones, scale_of(made.len()), made);
            out.iter_mut().zip(made.iter().zip(signs)).for_each(|(out, (x, sign))| *out += x * sign);
        } else {
            out.iter_mut().zip(made).for_each(|(out, x)| *out += *x);
        }
    }

    /// The mean of the block of a token, and where the block ends; rows that were not centred have none.
    pub(super) fn mean(&self, at: usize, out: &mut Vec<f32>) -> Option<usize> {
        let Codes::Turned { block, mean, .. } = self.codes else { return None };
        out.resize(self.dim, 0.0);
        Kernels::best().widen_f16(&mean[at / block * self.dim..][..self.dim], out);
        Some((at / block + 1).saturating_mul(block).min(self.tokens))
    }

    /// Writes rows `start..start + len` without their means to `out`, `(len, width)`; `start` is a multiple of [`TILE`].
    pub(super) fn tile(&self, start: usize, len: usize, space: &mut Space, out: &mut [f32]) {
        let (kernels, dim, width) = (Kernels::best(), self.dim, self.width());
        match self.codes {
            Codes::Plain(rows) => {
                let from = rows.read(start, len, &mut space.halves);
                out.copy_from_slice(from);
            }
            Codes::Whole { grouping: Grouping { bits, by_token, group }, codes, scale, zero } => {
                space.bytes.resize(len * dim, 0);
                let (words, groups) = ((dim * bits).div_ceil(32), dim.div_ceil(group));
                if by_token {
                    let scale = &scale[start * groups..(start + len) * groups];
                    let zero = &zero[start * groups..(start + len) * groups];
                    space.scale.resize(scale.len(), 0.0);
                    space.zero.resize(zero.len(), 0.0);
                    kernels.widen_f16(scale, &mut space.scale);
                    kernels.widen_f16(zero, &mut space.zero);
                    for (t, bytes) in space.bytes.chunks_exact_mut(dim).enumerate() {
                        kernels.unpack(&codes[(start + t) * words..][..words], bits, bytes);
                    }
                    let rows = space.bytes.chunks_exact(dim).zip(out.chunks_exact_mut(dim)).enumerate();
                    for (t, (bytes, out)) in rows {
                        for (g, (bytes, out)) in bytes.chunks(group).zip(out.chunks_mut(group)).enumerate() {
                            let at = t * groups + g..t * groups + g + 1;
                            kernels.widen_codes(bytes, &space.scale[at.clone()], &space.zero[at], out);
                        }
                    }
                } else {
                    let stride = (self.tokens * bits).div_ceil(32);
                    kernels.unpack_columns(&codes[start * bits / 32..], stride, dim, bits, &mut space.bytes);
                    space.scale.resize(dim, 0.0);
                    space.zero.resize(dim, 0.0);
                    let mut held = usize::MAX;
                    for (t, (bytes, out)) in
                        space.bytes.chunks_exact(dim).zip(out.chunks_exact_mut(dim)).enumerate()
                    {
                        let own = (start + t) / group;
                        if own != held {
                            kernels.widen_f16(&scale[own * dim..][..dim], &mut space.scale);
                            kernels.widen_f16(&zero[own * dim..][..dim], &mut space.zero);
                            held = own;
                        }
                        kernels.widen_codes(bytes, &space.scale, &space.zero, out);
                    }
                }
            }
            Codes::Float8 { shared, block, codes, scale } => {
                let steps = if shared == Shared::Channel { dim } else { 1 };
                space.scale.resize(steps, 0.0);
                for (t, out) in out.chunks_exact_mut(dim).enumerate() {
                    let at = start + t;
                    kernels.widen_f16(&scale[at / block * steps..][..steps], &mut space.scale);
                    kernels.widen_e4m3(&codes[at * dim..][..dim], &space.scale, out);
                }
            }
            Codes::Turned { bits, codes, factor, .. } => {
                let words = (width * bits).div_ceil(32);
                space.bytes.resize(width, 0);
                space.halves.resize(len, 0.0);
                kernels.widen_f16(&factor[start..start + len], &mut space.halves);
                let levels = levels_of(bits);
                for (t, out) in out.chunks_exact_mut(width).enumerate() {
                    kernels.unpack(&codes[(start + t) * words..][..words], bits, &mut space.bytes);
                    kernels.widen_levels(&space.bytes, &levels, space.halves[t], out);
                }
            }
        }
    }
}

/// The rows that codes of heads of one shape stand for, `(heads, tokens, dim)`, on up to `threads` threads.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn decode(heads: &[Coded<'_>], threads: usize, cancel: Cancel<'_>) -> Result<Vec<f32>> {
    let Some((tokens, dim)) = heads.first().map(|head| (head.tokens, head.dim)) else {
        return Ok(Vec::new());
    };
    let mut found = zeros(heads.len() * tokens * dim);
    let share = 16 * TILE;
    let parts = heads.iter().zip(found.chunks_mut((tokens * dim).max(1)));
    let tasks = parts.flat_map(|(head, out)| {
        out.chunks_mut(share * dim).enumerate().map(move |(at, out)| (head, at * share, out))
    });
    each(tasks.collect(), threads, cancel, Decoding::default, |space, (head, start, out), cancel| {
        cancel.check()?;
        let turned = matches!(head.codes, Codes::Turned { .. });
        for (at, out) in out.chunks_mut(TILE * dim).enumerate() {
            let (start, len) = (start + at * TILE, out.len() / dim);
            if turned {
                space.turned(head, start, out);
            } else {
                head.tile(start, len, &mut space.space, out);
            }
        }
        Ok(())
    })?;
    Ok(found)
}

#[derive(Default)]
struct Decoding {
    space: Space,
    mean: Vec<f32>,
    turned: Vec<f64>,
}

impl Decoding {
    fn turned(&mut self, head: &Coded<'_>, start: usize, out: &mut [f32]) {
        let Codes::Turned { bits, signs, codes, factor, .. } = head.codes else { return };
        let (kernels, width) = (Kernels::best(), head.width());
        let words = (width * bits).div_ceil(32);
        self.turned.resize(width, 0.0);
        self.space.bytes.resize(width, 0);
        let mut until = 0;
        for (t, out) in out.chunks_exact_mut(head.dim).enumerate() {
            let at = start + t;
            if at >= until {
                until = head.mean(at, &mut self.mean).unwrap_or(head.tokens);
            }
            kernels.unpack(&codes[at * words..][..words], bits, &mut self.space.bytes);
            let mut own = [0.0];
            kernels.widen_f16(&factor[at..=at], &mut own);
            let rest = [signs, &self.mean[..]];
            let levels = POSITIVE[bits - 1];
            kernels.turn_back(&self.space.bytes, levels, f64::from(own[0]), rest, &mut self.turned, out);
        }
    }
}

/// All levels of so many bits, by code.
fn levels_of(bits: usize) -> [f32; 16] {
    let positive = POSITIVE[bits - 1];
    let mut levels = [0.0; 16];
    for (i, &level) in positive.iter().enumerate() {
        levels[positive.len() + i] = level as f32;
        levels[positive.len() - 1 - i] = -level as f32;
    }
    levels
}
