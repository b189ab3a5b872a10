//! What is asked of a spreading activation.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::graph::{Direction, Graph, Relation};
use crate::id::Slot;

/// How the number of edges out of a node weakens what it passes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fan {
    /// What leaves a node is shared among its edges by weight: personalised PageRank.
    Degree,
    /// As `Degree`, and a seed counts one over its edges: what points everywhere says little (HippoRAG).
    Specificity,
    /// Each edge passes on its weight times `strength - ln(edges)`, never below zero (ACT-R).
    Log {
        /// Strength of association of a node with one edge.
        strength: f64,
    },
    /// Each edge passes on its weight.
    None,
}

impl FromStr for Fan {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "degree" => Ok(Self::Degree),
            "specificity" => Ok(Self::Specificity),
            "log" => Ok(Self::Log { strength: 2.0 }),
            "none" => Ok(Self::None),
            _ => Err(Error::invalid("fan", "expected degree, specificity, log or none")),
        }
    }
}

impl Fan {
    /// Whether a node passes on exactly what it has.
    pub fn keeps_mass(self) -> bool {
        matches!(self, Self::Degree | Self::Specificity)
    }
}

/// Strength of association between a source and what it is associated with: `strength - ln(fan)` (Anderson, 1983).
pub fn association(strength: f64, fan: f64) -> f64 {
    strength - libm::log(fan)
}

/// A spreading activation: all but the seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Results at most.
    pub k: usize,
    /// Probability of going back to the seeds at each step, above 0 and below 1. It is one minus the "damping" of others.
    pub restart: f64,
    /// A node passes on what it holds once that is above `epsilon` times the number of its edges, whatever their relation and
    /// time; of fans that keep no mass, above `epsilon`.
    pub epsilon: f32,
    /// How edges share.
    pub fan: Fan,
    /// Hops at most, of fans that keep no mass.
    pub hops: u32,
    /// Which way edges are followed.
    pub direction: Direction,
    /// Factors of the weights by relation; where there are any, edges under others are not followed.
    pub relations: Option<Vec<(Relation, f32)>>,
    /// Only trusted edges between trusted nodes; others then change nothing, not even by rounding.
    pub trusted: bool,
    /// Only edges of this time or later.
    pub since: Option<i64>,
    /// Only edges of before this time.
    pub until: Option<i64>,
    /// Edges followed at most.
    pub max_edges: u64,
    /// Lateral inhibition: how much the nodes above one take from it, 0 for none.
    pub inhibition: f32,
    /// Nodes that inhibit others.
    pub inhibitors: usize,
    /// Whether seeds are among the results.
    pub seeds: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            k: 10,
            restart: 0.5,
            epsilon: 1e-5,
            fan: Fan::Degree,
            hops: 3,
            direction: Direction::Out,
            relations: None,
            trusted: false,
            since: None,
            until: None,
            max_edges: u64::MAX,
            inhibition: 0.0,
            inhibitors: 7,
            seeds: true,
        }
    }
}

impl Request {
    /// # Errors
    /// [`Error::Invalid`] for a value out of its domain.
    pub(super) fn admit(&self) -> Result<()> {
        let bad = |argument: &str, reason: &str| Err(Error::invalid(argument, reason));
        if !(self.restart > 0.0 && self.restart < 1.0) {
            return bad("restart", "expected a number above 0 and below 1");
        }
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return bad("epsilon", "expected a number above 0 and below 1");
        }
        if !(self.inhibition >= 0.0 && self.inhibition.is_finite()) {
            return bad("inhibition", "expected a number of at least 0");
        }
        if let Fan::Log { strength } = self.fan
            && !strength.is_finite()
        {
            return bad("strength", "expected a finite number");
        }
        let factors = self.relations.iter().flatten();
        if factors.clone().any(|x| !(x.1 >= 0.0 && x.1.is_finite())) {
            return bad("relations", "expected factors of at least 0");
        }
        Ok(())
    }

    /// Whether edges out of a node count by their own weight, all of them or all trusted ones.
    fn takes_weights(&self) -> bool {
        self.direction == Direction::Out
            && self.relations.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    /// Whether every edge out of a node counts by its own weight.
    pub(super) fn takes_all(&self) -> bool {
        !self.trusted && self.takes_weights()
    }

    /// Whether every trusted edge out of a node counts by its own weight, and no other.
    pub(super) fn takes_trusted(&self) -> bool {
        self.trusted && self.takes_weights()
    }

    /// The seeds in the order given, each once, their weights adding up to 1. Nodes that are not believed are left out where
    /// only trusted ones count.
    ///
    /// # Errors
    /// [`Error::UnknownNode`]; [`Error::Invalid`] for weights below zero or not finite, or none above zero.
    pub(super) fn spread_over(&self, graph: &Graph, seeds: &[(Slot, f64)]) -> Result<Vec<(Slot, f64)>> {
        let mut out: Vec<(Slot, f64)> = Vec::new();
        let mut places = rustc_hash::FxHashMap::default();
        for (at, &(node, weight)) in seeds.iter().enumerate() {
            if !graph.contains(node) {
                return Err(Error::UnknownNode { argument: format!("seeds[{at}]"), node: node.to_string() });
            }
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(Error::invalid(format!("seeds[{at}]"), "expected a weight of at least 0"));
            }
            if weight == 0.0 || (self.trusted && !graph.is_trusted(node)) {
                continue;
            }
            let place = *places.entry(node).or_insert_with(|| {
                out.push((node, 0.0));
                out.len() - 1
            });
            out[place].1 += weight;
        }
        if self.fan == Fan::Specificity {
            let mut scratch = Vec::new();
            for (node, weight) in &mut out {
                *weight /= self.steps(graph, *node, &mut scratch).len().max(1) as f64;
            }
        }
        let whole: f64 = out.iter().map(|x| x.1).sum();
        if whole <= 0.0 || !whole.is_finite() {
            return Err(Error::invalid("seeds", "expected at least one that counts, with a weight above 0"));
        }
        out.iter_mut().for_each(|x| x.1 /= whole);
        Ok(out)
    }
}
