//! Whether the memories hold an answer: the epistemic state of a recall.
//!
//! | evidence | what it is |
//! |---|---|
//! | known | the share of the idf mass of the query that words in scope cover |
//! | covered | the greatest share of it that one of the ten best covers |
//! | lead | how far the best stands above the tenth, in the score of the adaptive fusion |
//! | addressed | whether the best was said by whom the query names, 1 where it names nobody |
//!
//! The confidence is a logistic function of the four. Its weights were fitted, none below zero, on questions that have an
//! answer against three kinds that have none: about something that was never said, about something whose evidence was taken
//! out, and about somebody else. An idf counts 64 unseen memories more than there are, and the smaller the scope, the more
//! what is covered stands in for the lead, so that one note can be known and one that says nothing of it is not.

use super::fusion::Fusion;
use super::pool::Pool;
use super::ranking::Lead;
use super::request::Request;
use crate::id::Slot;
use crate::lexical::LexicalIndex;

const BIAS: f32 = -4.4;
const KNOWN: f32 = 1.8;
const COVERED: f32 = 0.7;
const LEAD: f32 = 0.8;
const ADDRESSED: f32 = 1.75;
/// Least confidence of a recall that is known.
const LEAST_KNOWN: f32 = 0.5;
/// Least confidence of one that is familiar.
const LEAST_FAMILIAR: f32 = 0.35;
/// Memories beyond those in scope that an idf counts.
const UNSEEN: f32 = 64.0;
/// Memories in scope at which half of the lead counts.
const SMALL: f32 = 16.0;
/// The logarithm of the lead that goes with a query that is covered.
const COVERED_LEAD: f32 = 2.5;
/// What BM25 alone is in the units of a score that has similarities too.
const WORDS_ALONE: f32 = 0.3;

/// What is known of what a query asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The memories seem to hold the answer.
    Known,
    /// They speak of something like it.
    Familiar,
    /// They seem not to.
    Unknown,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Familiar => "familiar",
            Self::Unknown => "unknown",
        }
    }
}

/// What speaks for an answer among the memories.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The share of the query that words in scope cover, in `[0, 1]`.
    pub known: f32,
    /// The greatest share of it that one of the best covers, in `[0, 1]`.
    pub covered: f32,
    /// How far the best stands above the tenth.
    pub lead: f32,
    /// 1 if the best was said by whom the query names or it names nobody, else 0.
    pub addressed: f32,
    /// Whether there is a hit.
    found: bool,
    /// How much the lead counts, in `[0, 1]`.
    share: f32,
    /// What a unit of the lead is, in those of the adaptive fusion with similarities.
    unit: f32,
    /// The weight of each term of the query.
    weights: Vec<f32>,
}

impl Evidence {
    /// The evidence of the best candidates, before [`Self::cover`].
    pub fn new(pools: &[Pool], leading: &[Lead], request: &Request) -> Self {
        let queries: Vec<_> = pools.iter().filter_map(|pool| pool.query.as_ref()).collect();
        let memories = pools.iter().map(|pool| pool.memories).sum::<usize>() as f32;
        let terms = queries.first().map_or(0, |query| query.terms().len());
        let holding = |at: usize| {
            queries.iter().filter_map(|q| q.terms().get(at)).map(|t| u64::from(t.documents)).sum::<u64>()
                as f32
        };
        let idf = |held: f32| ((memories + UNSEEN - held + 0.5) / (held + 0.5)).ln_1p();
        let weights: Vec<f32> = (0..terms).map(|at| idf(holding(at))).collect();
        let mass: f32 = weights.iter().sum();
        let found: f32 = (0..terms).filter(|&at| holding(at) > 0.0).map(|at| weights[at]).sum();
        let lead = match leading {
            [] => 0.0,
            [first, ..] if leading.len() < Lead::COUNT => first.score.max(0.0),
            [first, .., last] => first.score - last.score,
            [_] => 0.0,
        };
        let similar = pools.iter().any(|pool| pool.similarity.count > 0);
        let scope = pools.iter().map(|pool| pool.scope).sum::<usize>() as f32;
        let share = match request.fusion {
            Fusion::Adaptive => scope / (scope + SMALL),
            _ => 0.0,
        };
        Self {
            known: if mass > 0.0 { found / mass } else { 1.0 },
            covered: if mass > 0.0 { 0.0 } else { 1.0 },
            lead,
            addressed: leading.first().map_or(0.0, |first| f32::from(u8::from(first.addressed))),
            found: !leading.is_empty(),
            share,
            unit: if similar { 1.0 } else { WORDS_ALONE },
            weights,
        }
    }

    /// Counts what memories of one pool cover of the query.
    pub fn cover(&mut self, pool: &Pool, lexical: &LexicalIndex, slots: &[Slot]) {
        let Some(query) = &pool.query else { return };
        let mass: f32 = self.weights.iter().sum();
        if mass <= 0.0 || query.terms().len() != self.weights.len() {
            return;
        }
        for row in lexical.term_frequencies(query, slots).chunks_exact(self.weights.len()) {
            let held = row.iter().zip(&self.weights).filter(|x| *x.0 > 0).map(|x| x.1).sum::<f32>();
            self.covered = self.covered.max(held / mass).min(1.0);
        }
    }

    /// How likely the answer is among the hits, in `[0, 1]`; 0 without a hit.
    pub fn confidence(&self) -> f32 {
        if !self.found {
            return 0.0;
        }
        let lead = self.share * (self.unit * self.lead.max(0.0)).ln_1p()
            + (1.0 - self.share) * COVERED_LEAD * self.covered;
        let sum =
            BIAS + KNOWN * self.known + COVERED * self.covered + LEAD * lead + ADDRESSED * self.addressed;
        1.0 / (1.0 + libm::expf(-sum))
    }

    /// What that amounts to.
    pub fn state(&self) -> State {
        match self.confidence() {
            sure if sure >= LEAST_KNOWN => State::Known,
            sure if sure >= LEAST_FAMILIAR => State::Familiar,
            _ => State::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(known: f32, covered: f32, lead: f32, addressed: f32, scope: f32) -> Evidence {
        let share = scope / (scope + SMALL);
        Evidence { known, covered, lead, addressed, found: true, share, unit: 1.0, weights: Vec::new() }
    }

    #[test]
    fn the_states_of_plain_cases() {
        assert_eq!(evidence(1.0, 0.8, 8.0, 1.0, 1000.0).state(), State::Known);
        assert_eq!(evidence(0.3, 0.2, 1.0, 1.0, 1000.0).state(), State::Unknown);
        assert_eq!(evidence(1.0, 1.0, 0.0, 1.0, 1.0).state(), State::Known);
        assert_eq!(evidence(1.0, 0.0, 0.0, 1.0, 1.0).state(), State::Unknown);
        let nothing = Evidence { found: false, ..evidence(1.0, 1.0, 9.0, 1.0, 1000.0) };
        assert_eq!((nothing.confidence(), nothing.state()), (0.0, State::Unknown));
    }

    proptest! {
        #[test]
        fn more_evidence_is_never_less_sure(
            parts in prop::array::uniform4(0.0f32..1.0),
            at in 0usize..4,
            more in 0.0f32..1.0,
            scope in 1.0f32..5000.0,
        ) {
            let of = |x: [f32; 4]| evidence(x[0], x[1], 20.0 * x[2], x[3], scope).confidence();
            let mut raised = parts;
            raised[at] = (raised[at] + more).min(1.0);
            prop_assert!((0.0..=1.0).contains(&of(parts)));
            prop_assert!(of(raised) >= of(parts) - 1e-6);
        }
    }
}
