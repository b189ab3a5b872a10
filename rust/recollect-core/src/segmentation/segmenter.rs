//! One item after the other.

use super::rules::{Channels, Rules};
use super::window::Window;
use crate::error::{Error, Result};

/// An item of a stream; what is not known is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// Its direction; all items of a stream have vectors of one length, or none.
    pub vector: Option<&'a [f32]>,
    /// Minus the natural logarithm of the probability that a model gave it.
    pub surprise: Option<f64>,
    /// When, microseconds.
    pub time: Option<i64>,
    /// How much it counts against the size of a segment: 1 a message, or its tokens.
    pub size: u64,
}

impl Default for Item<'_> {
    fn default() -> Self {
        Self { vector: None, surprise: None, time: None, size: 1 }
    }
}

/// A segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Number of its first item, from 0.
    pub at: usize,
    /// Which rules fired.
    pub channels: Channels,
}

/// Tells where segments begin while items come. O(d) an item; the same items give the same cuts.
#[derive(Debug, Clone)]
pub struct Segmenter {
    rules: Rules,
    count: usize,
    /// Sum of the unit vectors of the segment.
    sum: Vec<f64>,
    size: u64,
    time: Option<i64>,
    cosine: Window,
    log_probability: Window,
    /// One minus the cosine of the latest item to the mean of its segment before it.
    latest: Option<f64>,
}

impl Segmenter {
    /// Before the first item.
    ///
    /// # Errors
    /// [`Error::Invalid`] for rules out of range.
    pub fn new(rules: Rules) -> Result<Self> {
        rules.check()?;
        Ok(Self {
            rules,
            count: 0,
            sum: Vec::new(),
            size: 0,
            time: None,
            cosine: Window::new(rules.window),
            log_probability: Window::new(rules.window),
            latest: None,
        })
    }

    /// Items so far.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none came so far.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One minus the cosine of the latest item to the mean of the segment before it, if both have a direction.
    pub fn surprise(&self) -> Option<f64> {
        self.latest
    }

    /// Takes the next item; a cut where it begins a segment, but for the first of all.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for a vector of another length than those before; [`Error::Invalid`] for numbers that are
    /// not finite. The item is not taken then.
    pub fn push(&mut self, item: Item<'_>) -> Result<Option<Cut>> {
        self.check(&item)?;
        let unit = item.vector.map(unit);
        self.latest = unit.as_ref().and_then(|unit| self.apart(unit));
        let mut channels = Channels::default();
        if self.count > 0 {
            let large = self.size >= self.rules.least;
            let cosine = self.latest.is_some_and(|x| self.cosine.exceeded(x, self.rules.gamma_cosine));
            let unexpected = |x| self.log_probability.exceeded(x, self.rules.gamma_log_probability);
            channels.add(Channels::COSINE, large && cosine);
            channels.add(Channels::LOG_PROBABILITY, large && item.surprise.is_some_and(unexpected));
            // A clock that goes back makes no gap.
            let passed = item.time.zip(self.time).map(|(now, before)| now.saturating_sub(before));
            channels.add(Channels::GAP, passed.zip(self.rules.gap).is_some_and(|(x, gap)| x > gap));
            channels.add(Channels::SIZE, self.size.saturating_add(item.size) > self.rules.most);
        }
        let cut = (channels != Channels::default()).then_some(Cut { at: self.count, channels });
        if cut.is_some() {
            self.sum.fill(0.0);
            self.size = 0;
        } else {
            // What began a segment says nothing of how much items differ inside one.
            self.latest.into_iter().for_each(|x| self.cosine.push(x));
            item.surprise.into_iter().for_each(|x| self.log_probability.push(x));
        }
        if let Some(unit) = unit {
            self.sum.resize(unit.len(), 0.0);
            self.sum.iter_mut().zip(unit).for_each(|(sum, x)| *sum += x);
        }
        self.size = self.size.saturating_add(item.size);
        self.time = item.time.or(self.time);
        self.count += 1;
        Ok(cut)
    }

    fn check(&self, item: &Item<'_>) -> Result<()> {
        if item.surprise.is_some_and(|x| !x.is_finite()) {
            return Err(Error::invalid("surprise", "expected a finite number"));
        }
        let Some(vector) = item.vector else { return Ok(()) };
        let (expected, found) = (self.sum.len(), vector.len());
        if expected != found && expected > 0 {
            return Err(Error::DimensionMismatch { argument: "vector".into(), expected, found });
        }
        match vector.iter().all(|x| x.is_finite()) {
            true => Ok(()),
            false => Err(Error::invalid("vector", "a component is not finite")),
        }
    }

    /// One minus the cosine to the mean of the segment; none of the first item of a segment, and of zeros.
    fn apart(&self, unit: &[f64]) -> Option<f64> {
        let norm = self.sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let known = norm > 0.0 && unit.iter().any(|&x| x != 0.0);
        known.then(|| 1.0 - self.sum.iter().zip(unit).map(|(a, b)| a * b).sum::<f64>() / norm)
    }
}

/// Scales to length one; zeros stay.
pub(super) fn unit(vector: &[f32]) -> Vec<f64> {
    let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    vector.iter().map(|&x| f64::from(x) * scale).collect()
}
