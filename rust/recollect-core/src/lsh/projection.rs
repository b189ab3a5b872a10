//! Random projections of a vector: the elements of as many random rotations of it as they take.
//!
//! An element of a rotated vector is a projection on a random direction, and a rotation gives as many of them as it has
//! elements in O(d log d), where a Gaussian matrix takes O(d) for each. Those of one rotation are orthogonal to each
//! other, which spreads them more evenly than chance; the collision rates of the families do not tell the two apart.
//! The width is a power of two: a [`Rotation`] of another width leaves vectors of few components unevenly spread, which
//! the greatest of many projections would show.

use crate::seed::Seed;
use crate::vector::{Rotation, WORD};

/// Rotations of one width, each from its own seed.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    dim: usize,
    rotations: Vec<Rotation>,
}

impl Projection {
    /// Enough rotations for `blocks` blocks of `block` projections each, no block divided between two rotations.
    ///
    /// Vectors are filled up with zeros to the next power of two that holds a block.
    pub(super) fn new(dim: usize, block: usize, blocks: usize, seed: u64) -> Self {
        let width = dim.max(block).max(WORD).next_power_of_two();
        let mut seed = Seed::new(seed);
        let count = blocks.div_ceil(width / block.max(1)).max(1);
        Self { dim, rotations: (0..count).map(|_| Rotation::new(width, seed.bits())).collect() }
    }

    /// Projections of each rotation.
    pub(super) fn width(&self) -> usize {
        self.rotations[0].width()
    }

    /// Gives the projections of each rotation in turn.
    pub(super) fn each(&self, vector: &[f32], mut take: impl FnMut(usize, &[f32])) {
        let width = self.width();
        let mut buffer = vec![0.0; 2 * width];
        let (padded, rotated) = buffer.split_at_mut(width);
        padded[..self.dim].copy_from_slice(&vector[..self.dim]);
        for (at, rotation) in self.rotations.iter().enumerate() {
            rotation.rotate(padded, rotated);
            take(at, rotated);
        }
    }

    /// Bytes of memory reserved.
    pub(super) fn bytes(&self) -> usize {
        // A sign for each of the four rounds of a rotation and each element.
        self.rotations.len() * 4 * self.width() * size_of::<f32>()
    }
}

/// Appends the signs of projections, one bit each, least significant first; set from zero on.
pub(super) fn signs(projections: &[f32], out: &mut Vec<u64>) {
    let (words, rest) = projections.as_chunks::<WORD>();
    debug_assert!(rest.is_empty());
    out.extend(
        words
            .iter()
            .map(|word| word.iter().enumerate().fold(0, |bits, (at, &x)| bits | u64::from(x >= 0.0) << at)),
    );
}
