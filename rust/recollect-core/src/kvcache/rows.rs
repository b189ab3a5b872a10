//! Rows of one head where they lie, read as f32 a block at a time.

use crate::error::{Error, Result};
use crate::simd::Kernels;

/// Elements of an array, in the form they came in.
#[derive(Debug, Clone, Copy)]
pub enum Elements<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// IEEE half precision.
    F16(&'a [u16]),
    /// The upper halves of single precision.
    Bf16(&'a [u16]),
}

impl Elements<'_> {
    fn len(&self) -> usize {
        match self {
            Self::F32(x) => x.len(),
            Self::F16(x) | Self::Bf16(x) => x.len(),
        }
    }
}

/// `tokens` rows of `dim` elements, `stride` elements apart; those from `count` on repeat the one before it.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    elements: Elements<'a>,
    stride: usize,
    tokens: usize,
    dim: usize,
    count: usize,
}

impl<'a> Rows<'a> {
    /// Rows out of elements that begin with the first one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are fewer elements, no dimension, or more rows count than there are.
    pub fn new(
        elements: Elements<'a>,
        stride: usize,
        tokens: usize,
        dim: usize,
        count: usize,
    ) -> Result<Self> {
        let needed = if tokens == 0 { 0 } else { (tokens - 1) * stride + dim };
        if dim == 0 || stride < dim || count > tokens || elements.len() < needed {
            let found = elements.len();
            let shape = format!("{tokens} rows of {dim}, {stride} apart, {count} of which count");
            return Err(Error::invalid("rows", format!("{shape}, do not fit {found} elements")));
        }
        Ok(Self { elements, stride, tokens, dim, count })
    }

    /// All rows, those that only repeat another too.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Elements of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Rows that count.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Rows `start..start + len` as f32, one after another; `space` holds them where they have to be made.
    pub(super) fn read<'s>(&'s self, start: usize, len: usize, space: &'s mut Vec<f32>) -> &'s [f32] {
        let (dim, kernels) = (self.dim, Kernels::best());
        let (from, size) = (start * self.stride, len * dim);
        if start + len <= self.count && self.stride == dim {
            if let Elements::F32(x) = self.elements {
                return &x[from..from + size];
            }
            space.resize(size, 0.0);
            self.widen(kernels, from, &mut space[..size]);
            return &space[..size];
        }
        space.resize(size, 0.0);
        for (at, out) in space[..size].chunks_exact_mut(dim).enumerate() {
            if self.count == 0 {
                out.fill(0.0);
            } else {
                self.widen(kernels, (start + at).min(self.count - 1) * self.stride, out);
            }
        }
        &space[..size]
    }

    /// Some rows as f32, by their places, ascending; as [`Rows::read`] where they follow one another.
    pub(super) fn pick<'s>(&'s self, places: &[u32], space: &'s mut Vec<f32>) -> &'s [f32] {
        let (first, last) = (places.first().copied().unwrap_or(0), places.last().copied().unwrap_or(0));
        if places.is_empty() || (last - first) as usize + 1 == places.len() {
            return self.read(first as usize, places.len(), space);
        }
        self.copy(places, space);
        space
    }

    /// The sum of squares of some rows by their places, ascending; rows of 16 bits are read where they lie.
    pub(super) fn squares(&self, places: &[u32], space: &mut Vec<f32>, out: &mut [f32]) {
        let (dim, kernels) = (self.dim, Kernels::best());
        match (self.elements, self.beside(places)) {
            (Elements::F16(x), Some(at)) => kernels.squares_f16(&x[at], dim, out),
            (Elements::Bf16(x), Some(at)) => kernels.squares_bf16(&x[at], dim, out),
            _ => kernels.squares(self.pick(places, space), dim, out),
        }
    }

    /// Products of some rows with a direction, as [`Rows::squares`].
    pub(super) fn products(&self, direction: &[f32], places: &[u32], space: &mut Vec<f32>, out: &mut [f32]) {
        let kernels = Kernels::best();
        match (self.elements, self.beside(places)) {
            (Elements::F16(x), Some(at)) => kernels.dot_f16_rows(direction, &x[at], out),
            (Elements::Bf16(x), Some(at)) => kernels.dot_bf16_rows(direction, &x[at], out),
            _ => kernels.dot_rows(direction, self.pick(places, space), out),
        }
    }

    /// Where the elements of some rows lie, if these lie side by side.
    fn beside(&self, places: &[u32]) -> Option<std::ops::Range<usize>> {
        let (first, last) = (*places.first()? as usize, *places.last()? as usize);
        let whole = last - first + 1 == places.len() && last < self.count && self.stride == self.dim;
        whole.then(|| first * self.dim..(last + 1) * self.dim)
    }

    /// Some rows as f32 in `out`, by their places, ascending.
    pub(super) fn copy(&self, places: &[u32], out: &mut Vec<f32>) {
        let kernels = Kernels::best();
        out.resize(places.len() * self.dim, 0.0);
        for (&at, out) in places.iter().zip(out.chunks_exact_mut(self.dim)) {
            self.widen(kernels, at as usize * self.stride, out);
        }
    }

    /// Whether all elements of the rows that [`Rows::read`] gives are finite, but for one before them that they repeat.
    pub(super) fn reads_finite(&self, start: usize, len: usize) -> bool {
        let (from, to) = (start.min(self.count), (start + len).min(self.count));
        self.finite(from, to - from)
    }

    /// Whether all elements of rows `start..start + len` are finite.
    pub(super) fn finite(&self, start: usize, len: usize) -> bool {
        let kernels = Kernels::best();
        let sound = |from: usize, to: usize| match self.elements {
            Elements::F32(x) => kernels.all_finite(&x[from..to]),
            Elements::F16(x) => kernels.all_below(&x[from..to], 0x7C00),
            Elements::Bf16(x) => kernels.all_below(&x[from..to], 0x7F80),
        };
        if self.stride == self.dim {
            return sound(start * self.dim, (start + len) * self.dim);
        }
        (start..start + len).all(|at| sound(at * self.stride, at * self.stride + self.dim))
    }

    #[inline]
    fn widen(&self, kernels: &Kernels, from: usize, out: &mut [f32]) {
        let to = from + out.len();
        match self.elements {
            Elements::F32(x) => out.copy_from_slice(&x[from..to]),
            Elements::F16(x) => kernels.widen_f16(&x[from..to], out),
            Elements::Bf16(x) => kernels.widen_bf16(&x[from..to], out),
        }
    }
}
