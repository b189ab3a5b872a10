//! Many items at once.

use super::refining::{Objective, refine};
use super::rules::{Channels, Rules};
use super::segmenter::{Item, Segmenter, unit};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Items in columns: each empty, or as long as there are items.
#[derive(Debug, Clone, Copy, Default)]
pub struct Series<'a> {
    /// How many there are.
    pub count: usize,
    /// Rows of `dim` components.
    pub vectors: &'a [f32],
    /// Components of a vector.
    pub dim: usize,
    /// Minus logarithms of probabilities.
    pub surprises: &'a [f64],
    /// Microseconds.
    pub times: &'a [i64],
    /// How much each counts against the size of a segment.
    pub sizes: &'a [u64],
}

impl<'a> Series<'a> {
    fn check(&self) -> Result<()> {
        let columns = [
            ("vectors", self.vectors.len(), self.count * self.dim),
            ("surprises", self.surprises.len(), self.count),
            ("times", self.times.len(), self.count),
            ("sizes", self.sizes.len(), self.count),
        ];
        match columns.into_iter().find(|x| x.1 > 0 && x.1 != x.2) {
            Some((name, ..)) => Err(Error::invalid(name, format!("expected one for each of {}", self.count))),
            None => Ok(()),
        }
    }

    fn vector(&self, at: usize) -> Option<&'a [f32]> {
        (!self.vectors.is_empty()).then(|| &self.vectors[at * self.dim..(at + 1) * self.dim])
    }

    fn item(&self, at: usize) -> Item<'a> {
        Item {
            vector: self.vector(at),
            surprise: self.surprises.get(at).copied(),
            time: self.times.get(at).copied(),
            size: self.sizes.get(at).copied().unwrap_or(1),
        }
    }
}

/// Items in segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// Where segments begin, and the number of items at the end.
    pub bounds: Vec<usize>,
    /// Which rules began each segment; none for the first.
    pub channels: Vec<Channels>,
    /// One minus the cosine of each item to the mean of its segment before it, as it came; NaN where there is none.
    pub surprise: Vec<f32>,
}

/// Cuts items into segments, and moves the cuts that surprise or size made if an objective says so.
///
/// # Errors
/// [`Error::Invalid`] and [`Error::DimensionMismatch`] for columns and rules out of range; [`Error::Cancelled`].
pub fn segment(
    series: Series<'_>,
    rules: Rules,
    refined: Option<Objective>,
    cancel: Cancel<'_>,
) -> Result<Segmentation> {
    series.check()?;
    if refined.is_some() && series.vectors.is_empty() && series.count > 0 {
        return Err(Error::invalid("refine", "expected vectors to go by"));
    }
    let mut segmenter = Segmenter::new(rules)?;
    let (mut bounds, mut channels) = (vec![0], vec![Channels::default()]);
    let mut surprise = Vec::with_capacity(series.count);
    for at in 0..series.count {
        if at.is_multiple_of(1024) {
            cancel.check()?;
        }
        if let Some(cut) = segmenter.push(series.item(at)).map_err(|error| placed(error, at))? {
            bounds.push(cut.at);
            channels.push(cut.channels);
        }
        surprise.push(segmenter.surprise().map_or(f32::NAN, |x| x as f32));
    }
    if series.count == 0 {
        channels.clear();
    } else {
        bounds.push(series.count);
    }
    if let Some(objective) = refined {
        let units: Vec<Vec<f64>> = (0..series.count).filter_map(|at| series.vector(at)).map(unit).collect();
        let sizes: Vec<u64> = (0..series.count).map(|at| series.item(at).size).collect();
        let fixed: Vec<bool> = channels.iter().map(|x| x.has(Channels::GAP)).collect();
        refine(&units, &sizes, &mut bounds, &fixed, objective, &rules, cancel)?;
    }
    Ok(Segmentation { bounds, channels, surprise })
}

fn placed(error: Error, at: usize) -> Error {
    match error {
        Error::Invalid { argument, reason } => Error::invalid(format!("{argument}s[{at}]"), reason),
        other => other,
    }
}
