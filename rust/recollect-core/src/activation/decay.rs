//! Other ways in which what is not used fades, and what an activation means for recall.

use super::history::History;
use crate::error::{Error, Result};

fn positive(argument: &str, value: f64) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Error::invalid(argument, format!("expected a number above 0, found {value}")))
}

fn since(from: i64, now: i64) -> f64 {
    (now as f64 - from as f64).max(0.0)
}

/// Forgetting curve of Ebbinghaus: `e^(-t / S)` after a time t without use; each use starts again with 1 more strength S.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ebbinghaus {
    unit: f64,
}

impl Ebbinghaus {
    /// With the unit of time that a strength of 1 means, in microseconds; a day is usual.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is not finite and above zero; so for all below.
    pub fn new(unit: f64) -> Result<Self> {
        Ok(Self { unit: positive("unit", unit)? })
    }

    /// Retention of a history at a time, 0 to 1.
    pub fn of(&self, history: &History, now: i64) -> f64 {
        libm::exp(-since(history.last(), now) / self.unit / history.strength())
    }

    /// When the retention falls to `least`: curves of different strength cross, and this says who goes first.
    pub fn expiry(&self, history: &History, least: f64) -> f64 {
        history.last() as f64 - self.unit * history.strength() * libm::log(least)
    }
}

/// `scale * e^(-rate * age) + bonus`, the bonus while the last use is at most `window` turns ago; ages in turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    /// Weight of a new record.
    pub scale: f64,
    /// Decay a turn.
    pub rate: f64,
    /// What a recent use adds.
    pub bonus: f64,
    /// Turns that count as recent.
    pub window: u64,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { scale: 1.0, rate: 0.002, bonus: 0.5, window: 100 }
    }
}

impl Exponential {
    /// Weight of a history in a turn. Coming to be is no use.
    pub fn of(&self, history: &History, turn: u64) -> f64 {
        let age = turn.saturating_sub(history.created_turn()) as f64;
        let used = history.count() > 1 && turn.saturating_sub(history.last_turn()) <= self.window;
        self.scale * libm::exp(-self.rate * age) + if used { self.bonus } else { 0.0 }
    }

    /// Turns in which the weight without bonus halves.
    pub fn half_life(&self) -> f64 {
        std::f64::consts::LN_2 / self.rate
    }
}

/// `age^-exponent`, the age since the last use in some unit, at least one of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    exponent: f64,
    unit: f64,
}

impl PowerLaw {
    /// With an exponent (1 is usual) and the unit in microseconds.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn new(exponent: f64, unit: f64) -> Result<Self> {
        Ok(Self { exponent: positive("exponent", exponent)?, unit: positive("unit", unit)? })
    }

    /// Weight of a history at a time.
    pub fn of(&self, history: &History, now: i64) -> f64 {
        libm::pow((since(history.last(), now) / self.unit).max(1.0), -self.exponent)
    }
}

/// A score that is multiplied by `factor` each turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreDecay {
    factor: f64,
}

impl ScoreDecay {
    /// With a factor above zero and at most 1.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn new(factor: f64) -> Result<Self> {
        if factor > 1.0 {
            return Err(Error::invalid("factor", "expected at most 1"));
        }
        Ok(Self { factor: positive("factor", factor)? })
    }

    /// What is left of a score after some turns.
    pub fn of(&self, score: f64, turns: u64) -> f64 {
        score * libm::pow(self.factor, turns as f64)
    }

    /// What orders scores of different turns alike at all times: greater stays greater.
    pub fn key(&self, score: f64, turn: u64) -> f64 {
        libm::log(score) - turn as f64 * libm::log(self.factor)
    }
}

/// Probability that something of this activation is recalled: `1 / (1 + e^((threshold - activation) / noise))`.
pub fn retrieval_probability(activation: f64, threshold: f64, noise: f64) -> f64 {
    1.0 / (1.0 + libm::exp((threshold - activation) / noise))
}

/// Time that recalling something of this activation takes: `factor * e^-activation`, in the unit of the factor.
pub fn latency(activation: f64, factor: f64) -> f64 {
    factor * libm::exp(-activation)
}
