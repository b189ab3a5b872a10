//! Lengths of keys and values, and how keys lie to a direction: what the scores of single tokens are made of.

use super::layer::{Layer, Scores};
use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::simd::Kernels;

/// Rows that are made f32 at a time: they stay in the first cache.
const FEW: usize = 16;

/// Rows whose directions are added up by one thread.
const MANY: usize = 512;

/// Sums of squares outside of this have lost bits, or all, in f32.
const SQUARES: std::ops::Range<f32> = 1e-30..1e30;

/// A row no longer than this has no direction.
const SHORT: f64 = 1e-12;

/// How long a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// The sum of sizes.
    Sum,
    /// The root of the sum of squares.
    Euclidean,
}

/// The lengths of the keys, or of the values, of a layer.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn lengths(
    layer: &Layer<'_>,
    of_values: bool,
    length: Length,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<Scores> {
    let (own, other) = if of_values { (&layer.values, &layer.keys) } else { (&layer.keys, &layer.values) };
    layer.by_pieces(threads, cancel, Vec::new, |space, piece| {
        for (rows, found) in
            layer.of(own, piece.index).iter().zip(piece.scores.chunks_exact_mut(piece.sound.len()))
        {
            let some = piece.places.chunks(FEW).zip(found.chunks_mut(FEW)).zip(piece.sound.chunks_mut(FEW));
            for ((places, found), sound) in some {
                cancelled(cancel, places)?;
                lengths_of(rows, places, length, space, found, sound);
            }
        }
        layer.sound(other, piece.index, piece.places, piece.sound);
        Ok(())
    })
}

fn cancelled(cancel: Cancel<'_>, places: &[u32]) -> Result<()> {
    if places[0].is_multiple_of(4096) { cancel.check() } else { Ok(()) }
}

fn lengths_of(
    rows: &Rows<'_>,
    places: &[u32],
    length: Length,
    space: &mut Vec<f32>,
    found: &mut [f32],
    sound: &mut [bool],
) {
    let kernels = Kernels::best();
    match length {
        Length::Euclidean => rows.squares(places, space, found),
        Length::Sum => kernels.sizes(rows.pick(places, space), rows.dim(), found),
    }
    for (at, (found, sound)) in found.iter_mut().zip(sound).enumerate() {
        let exact = SQUARES.contains(found);
        if exact {
            *found = if length == Length::Euclidean { found.sqrt() } else { *found };
            continue;
        }
        let row = rows.pick(&places[at..=at], space);
        *found = match length {
            Length::Euclidean => kernels.squared_norm(row).sqrt() as f32,
            Length::Sum => row.iter().map(|&x| f64::from(x.abs())).sum::<f64>() as f32,
        };
        *sound &= kernels.all_finite(row);
    }
}

/// The sums of the directions of keys, f64 `(batch, heads, dim)`, and the tokens of each sequence that count.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn direction_sums(
    layer: &Layer<'_>,
    threads: usize,
    cancel: Cancel<'_>,
) -> Result<(Vec<f64>, Vec<usize>)> {
    let dim = layer.keys.first().map_or(0, Rows::dim);
    let size = layer.heads * dim;
    let mut parts: Vec<Vec<(Vec<f64>, usize)>> = Vec::new();
    parts.extend(layer.present.iter().map(|places| vec![(vec![0.0; size], 0); places.len().div_ceil(MANY)]));
    let tasks = parts.iter_mut().zip(&layer.present).enumerate().flat_map(|(index, (parts, places))| {
        parts.iter_mut().zip(places.chunks(MANY)).map(move |(part, places)| (index, places, part))
    });
    each(tasks.collect(), threads, cancel, Space::default, |space, (index, places, part), _| {
        let mut all = true;
        for (rows, sums) in layer.of(&layer.keys, index).iter().zip(part.0.chunks_exact_mut(dim)) {
            all &= space.add_directions(rows, places, sums);
        }
        space.sound.clear();
        space.sound.resize(places.len(), true);
        if all {
            layer.sound(&layer.values, index, places, &mut space.sound);
        } else {
            layer.sound(&layer.keys, index, places, &mut space.sound);
            layer.sound(&layer.values, index, places, &mut space.sound);
        }
        part.1 = space.sound.iter().filter(|sound| **sound).count();
        if part.1 < places.len() {
            // Rare: a token that is broken anywhere counts nowhere, so the sums are made again without it.
            let kept: Vec<u32> =
                places.iter().zip(&space.sound).filter(|(_, sound)| **sound).map(|(&at, _)| at).collect();
            part.0.fill(0.0);
            for (rows, sums) in layer.of(&layer.keys, index).iter().zip(part.0.chunks_exact_mut(dim)) {
                space.add_directions(rows, &kept, sums);
            }
        }
        Ok(())
    })?;
    let (mut sums, mut counts) = (Vec::new(), Vec::new());
    for parts in &parts {
        let start = sums.len();
        sums.resize(start + size, 0.0);
        for part in parts {
            sums[start..].iter_mut().zip(&part.0).for_each(|(sum, x)| *sum += x);
        }
        counts.push(parts.iter().map(|part| part.1).sum());
    }
    Ok((sums, counts))
}

#[derive(Default)]
struct Space {
    rows: Vec<f32>,
    sound: Vec<bool>,
}

impl Space {
    /// Adds the directions of rows; false where one was not finite.
    fn add_directions(&mut self, rows: &Rows<'_>, places: &[u32], sums: &mut [f64]) -> bool {
        let (mut weights, mut sound, mut all) = ([0.0; FEW], [true; FEW], true);
        for places in places.chunks(FEW) {
            let (weights, sound) = (&mut weights[..places.len()], &mut sound[..places.len()]);
            lengths_of(rows, places, Length::Euclidean, &mut self.rows, weights, sound);
            all &= !sound.contains(&false);
            weights.iter_mut().for_each(|x| *x = if f64::from(*x) > SHORT { 1.0 / *x } else { 0.0 });
            Kernels::best().add_weighed(rows.pick(places, &mut self.rows), weights, sums);
        }
        all
    }
}

/// Cosines between the keys of a layer and a direction a head, `(batch, heads, dim)` of length one.
///
/// # Errors
/// [`Error::Invalid`] for another number of directions; [`Error::Cancelled`].
pub fn cosines(layer: &Layer<'_>, directions: &[f32], threads: usize, cancel: Cancel<'_>) -> Result<Scores> {
    let dim = layer.keys.first().map_or(0, Rows::dim);
    if directions.len() != layer.keys.len() * dim {
        return Err(Error::invalid("directions", "expected one for each head"));
    }
    layer.by_pieces(threads, cancel, Vec::new, |space, piece| {
        let heads = layer.of(&layer.keys, piece.index).iter().enumerate();
        for ((head, rows), found) in heads.zip(piece.scores.chunks_exact_mut(piece.sound.len())) {
            let direction = &directions[(piece.index * layer.heads + head) * dim..][..dim];
            let some = piece.places.chunks(FEW).zip(found.chunks_mut(FEW)).zip(piece.sound.chunks_mut(FEW));
            for ((places, found), sound) in some {
                cancelled(cancel, places)?;
                lengths_of(rows, places, Length::Euclidean, space, found, sound);
                let mut products = [0.0; FEW];
                rows.products(direction, places, space, &mut products[..places.len()]);
                for (found, product) in found.iter_mut().zip(products) {
                    *found = if f64::from(*found) > SHORT { product / *found } else { 0.0 };
                }
            }
        }
        layer.sound(&layer.values, piece.index, piece.places, piece.sound);
        Ok(())
    })
}
