//! Episodes that go on where one left off (Nemori, 2508.03341).

use super::segmenter::unit;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// An episode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Episode<'a> {
    /// Its direction.
    pub vector: &'a [f32],
    /// First instant, microseconds.
    pub start: i64,
    /// First instant after it.
    pub end: i64,
}

/// When an episode goes on with an earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merging {
    /// How many of the nearest earlier ones are looked at: 5.
    pub nearest: usize,
    /// Cosine from which on they are about the same: 0.85.
    pub cosine: f64,
    /// Microseconds between them at most: one hour.
    pub gap: i64,
}

impl Default for Merging {
    fn default() -> Self {
        Self { nearest: 5, cosine: 0.85, gap: 3_600_000_000 }
    }
}

/// What was merged so far: the sum of directions, and the hull.
struct Group {
    sum: Vec<f64>,
    start: i64,
    end: i64,
}

impl Group {
    fn cosine(&self, unit: &[f64]) -> f64 {
        let norm = self.sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let dot: f64 = self.sum.iter().zip(unit).map(|(a, b)| a * b).sum();
        if norm > 0.0 { dot / norm } else { 0.0 }
    }

    /// Microseconds between it and an episode; 0 where they touch.
    fn gap(&self, episode: &Episode<'_>) -> i64 {
        let apart = episode.start.saturating_sub(self.end).max(self.start.saturating_sub(episode.end));
        apart.max(0)
    }
}

/// The number of the group of each episode, in the order given: that of the nearest earlier group that is close enough, in
/// direction and in time, or a new one. O(episodes · groups · d).
///
/// # Errors
/// [`Error::Invalid`] for rules or vectors out of range; [`Error::DimensionMismatch`]; [`Error::Cancelled`].
pub fn merge(episodes: &[Episode<'_>], rules: &Merging, cancel: Cancel<'_>) -> Result<Vec<usize>> {
    if !(-1.0..=1.0).contains(&rules.cosine) || rules.gap < 0 {
        return Err(Error::invalid("merge", "expected a cosine between -1 and 1, and no negative gap"));
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut out = Vec::with_capacity(episodes.len());
    for (at, episode) in episodes.iter().enumerate() {
        cancel.check()?;
        let (expected, found) = (episodes[0].vector.len(), episode.vector.len());
        if expected != found {
            return Err(Error::DimensionMismatch { argument: format!("vectors[{at}]"), expected, found });
        }
        if !episode.vector.iter().all(|x| x.is_finite()) {
            return Err(Error::invalid(format!("vectors[{at}]"), "a component is not finite"));
        }
        let unit = unit(episode.vector);
        let mut near: Vec<(f64, usize)> =
            groups.iter().enumerate().map(|(number, group)| (group.cosine(&unit), number)).collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        near.truncate(rules.nearest);
        let fits = |x: &&(f64, usize)| x.0 >= rules.cosine && groups[x.1].gap(episode) <= rules.gap;
        let number = match near.iter().find(fits) {
            Some(&(_, number)) => number,
            None => {
                groups.push(Group { sum: vec![0.0; unit.len()], start: episode.start, end: episode.end });
                groups.len() - 1
            }
        };
        let group = &mut groups[number];
        group.sum.iter_mut().zip(&unit).for_each(|(sum, x)| *sum += x);
        (group.start, group.end) = (group.start.min(episode.start), group.end.max(episode.end));
        out.push(number);
    }
    Ok(out)
}
