//! Base-level activation of ACT-R: frequent and recent uses add up, and fade by a power of their age.
//!
//! `ln(sum of age^-decay)` over all uses (Anderson and Schooler, "Reflections of the environment in memory", 1991). Of the
//! uses beyond the last few only their number and the time of the first are known; Petrov, "Computationally efficient
//! approximation of the base-level learning equation in ACT-R" (2006), spreads them evenly between.

use super::history::History;
use crate::error::{Error, Result};

/// Microseconds of a second, the least age.
const SECOND: f64 = 1e6;

/// How much of a history is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Formula {
    /// The last uses exactly, those before spread evenly.
    #[default]
    Hybrid,
    /// The number of uses and the age of the first alone.
    Optimised,
}

/// Base-level activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaseLevel {
    decay: f64,
    recent: usize,
    formula: Formula,
}

impl BaseLevel {
    /// With a decay (0.5 is usual) and how many of the last uses count exactly, 1 to [`super::RECENT`].
    ///
    /// # Errors
    /// [`Error::Invalid`] for a decay that is not above zero and below 1, or another number of uses.
    pub fn new(decay: f64, recent: usize, formula: Formula) -> Result<Self> {
        if !(decay > 0.0 && decay < 1.0) {
            return Err(Error::invalid("decay", "expected a number above 0 and below 1"));
        }
        if !(1..=super::RECENT).contains(&recent) {
            return Err(Error::invalid("recent", format!("expected 1 to {}", super::RECENT)));
        }
        Ok(Self { decay, recent, formula })
    }

    /// Activation of a history at a time; ages below a second count as one.
    pub fn of(&self, history: &History, now: i64) -> f64 {
        let age = |at: i64| ((now as f64 - at as f64) / SECOND).max(1.0);
        let (n, oldest) = (f64::from(history.count()), age(history.first()));
        if self.formula == Formula::Optimised {
            return libm::log(n / (1.0 - self.decay)) - self.decay * libm::log(oldest);
        }
        let recent = &history.recent()[..history.recent().len().min(self.recent)];
        let mut sum: f64 = recent.iter().map(|&at| libm::pow(age(at), -self.decay)).sum();
        let (rest, last) = (n - recent.len() as f64, recent.last().map_or(oldest, |&at| age(at)));
        if rest > 0.0 {
            sum += rest * self.mean(last, oldest);
        }
        libm::log(sum)
    }

    /// Mean of `age^-decay` over the ages between two.
    fn mean(&self, from: f64, to: f64) -> f64 {
        if to - from <= 1e-9 * from {
            return libm::pow(from, -self.decay);
        }
        let power = 1.0 - self.decay;
        (libm::pow(to, power) - libm::pow(from, power)) / (power * (to - from))
    }

    /// Activation of uses of which every age is known, in seconds; minus infinity of none.
    pub fn of_ages(&self, ages: &[f64]) -> f64 {
        libm::log(ages.iter().map(|age| libm::pow(age.max(1.0), -self.decay)).sum())
    }
}

impl Default for BaseLevel {
    fn default() -> Self {
        Self { decay: 0.5, recent: super::RECENT, formula: Formula::Hybrid }
    }
}
