//! What cuts.

use std::fmt;

use crate::error::{Error, Result};

/// Which rules fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Channels(pub u8);

impl Channels {
    /// The vector points away from the mean of the segment.
    pub const COSINE: Channels = Channels(1);
    /// The caller's model did not expect it.
    pub const LOG_PROBABILITY: Channels = Channels(2);
    /// Too long after the item before.
    pub const GAP: Channels = Channels(4);
    /// The segment is full.
    pub const SIZE: Channels = Channels(8);

    /// What comes before and after lies in a valley of similarity.
    pub const TOPIC: Channels = Channels(16);

    /// Whether all of some are among them.
    pub fn has(self, other: Channels) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn add(&mut self, other: Channels, fired: bool) {
        self.0 |= if fired { other.0 } else { 0 };
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (Channels::COSINE, "cosine"),
            (Channels::LOG_PROBABILITY, "log_probability"),
            (Channels::GAP, "gap"),
            (Channels::SIZE, "size"),
            (Channels::TOPIC, "topic"),
        ];
        all.into_iter().filter(|x| self.has(x.0)).map(|x| x.1).collect()
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

/// When an item begins a segment. Surprise cuts where it is more than `gamma` deviations over the mean of the latest
/// `window` ones (EM-LLM, 2407.09450), in a segment that is large enough; a gap and a full segment always cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Deviations of one minus the cosine to the mean of the segment: 3.
    pub gamma_cosine: f64,
    /// Deviations of minus the logarithm of a probability: 1.
    pub gamma_log_probability: f64,
    /// Surprises that mean and deviation are taken of.
    pub window: usize,
    /// Size below which surprise does not cut.
    pub least: u64,
    /// Size that no segment goes beyond, single items apart.
    pub most: u64,
    /// Microseconds between items that cut if exceeded; none for no such rule.
    pub gap: Option<i64>,
}

impl Default for Rules {
    /// For messages (Nemori): 2 to 25, and 30 minutes.
    fn default() -> Self {
        Self {
            gamma_cosine: 3.0,
            gamma_log_probability: 1.0,
            window: 32,
            least: 2,
            most: 25,
            gap: Some(1_800_000_000),
        }
    }
}

impl Rules {
    pub(super) fn check(&self) -> Result<()> {
        let gammas = [self.gamma_cosine, self.gamma_log_probability];
        if gammas.iter().any(|x| !x.is_finite() || *x < 0.0) {
            return Err(Error::invalid("gamma", "expected a finite number from 0 on"));
        }
        if !(2..=1 << 20).contains(&self.window) {
            return Err(Error::invalid("window", "expected 2 to 2**20"));
        }
        if self.least == 0 || self.most < self.least {
            return Err(Error::invalid("min_size", "expected 1 to max_size"));
        }
        match self.gap {
            Some(gap) if gap < 0 => Err(Error::invalid("gap", "expected no negative time")),
            _ => Ok(()),
        }
    }
}
