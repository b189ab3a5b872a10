//! Many items at once.

use super::refining::{Objective, refine};
use super::rules::{Channels, Rules};
use super::segmenter::{Item, Segmenter, unit};
use super::valleys::{Valleys, valleys};
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

/// What is done once all items are there.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hindsight {
    /// Cuts where the topic changes, if any.
    pub topics: Option<Valleys>,
    /// Moves cuts, but those of gaps, if any.
    pub refined: Option<Objective>,
}

/// Cuts items into segments, adds cuts where the topic changes if told so, and moves the cuts that surprise or size made if an objective says so.
///
/// # Errors
/// [`Error::Invalid`] and [`Error::DimensionMismatch`] for columns and rules out of range; [`Error::Cancelled`].
pub fn segment(
    series: Series<'_>,
    rules: Rules,
    hindsight: Hindsight,
    cancel: Cancel<'_>,
) -> Result<Segmentation> {
    series.check()?;
    let seen = hindsight != Hindsight::default();
    if seen && series.vectors.is_empty() && series.count > 0 {
        return Err(Error::invalid("vectors", "expected some to go by for topics and for refining"));
    }
    hindsight.topics.iter().try_for_each(Valleys::check)?;
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
    if !seen {
        return Ok(Segmentation { bounds, channels, surprise });
    }
    let units: Vec<Vec<f64>> = (0..series.count).filter_map(|at| series.vector(at)).map(unit).collect();
    let sizes: Vec<u64> = (0..series.count).map(|at| series.item(at).size).collect();
    if let Some(topics) = hindsight.topics {
        let mut found = valleys(&units, &topics);
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.into_iter().for_each(|(at, _)| add(at, &mut bounds, &mut channels, &sizes, rules.least));
    }
    if let Some(objective) = hindsight.refined {
        let fixed: Vec<bool> = channels.iter().map(|x| x.has(Channels::GAP)).collect();
        refine(&units, &sizes, &mut bounds, &fixed, objective, &rules, cancel)?;
    }
    Ok(Segmentation { bounds, channels, surprise })
}

/// Adds a cut of a topic where both sides stay large enough.
fn add(at: usize, bounds: &mut Vec<usize>, channels: &mut Vec<Channels>, sizes: &[u64], least: u64) {
    match bounds.binary_search(&at) {
        Ok(place) => channels[place].add(Channels::TOPIC, true),
        Err(place) => {
            let size =
                |range: std::ops::Range<usize>| sizes[range].iter().fold(0u64, |a, &b| a.saturating_add(b));
            if size(bounds[place - 1]..at) >= least && size(at..bounds[place]) >= least {
                bounds.insert(place, at);
                channels.insert(place, Channels::TOPIC);
            }
        }
    }
}

fn placed(error: Error, at: usize) -> Error {
    match error {
        Error::Invalid { argument, reason } => Error::invalid(format!("{argument}s[{at}]"), reason),
        other => other,
    }
}
