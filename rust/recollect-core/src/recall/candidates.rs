//! Who is a candidate, and what words and vectors say of them.

use super::context;
use super::request::Request;
use super::view::View;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;
use crate::lexical::Query;
use crate::scored::Scored;
use crate::vector::{Plan, TopK, VectorIndex};

/// Candidates that words bring from a large scope: at least so many, and so many for each hit. More of any kind rank no
/// better on the sets of the bench, all in one namespace.
const BY_WORDS: (usize, usize) = (64, 4);
/// Those that vectors bring.
const BY_VECTORS: (usize, usize) = (16, 2);
/// The best of either, whose neighbours in their sessions are candidates too.
const WIDENED: (usize, usize) = (16, 2);
/// Best by words, in multiples of the hits asked for, whose similarity is made exact.
const WORDS_REFINED: usize = 4;

/// An index and a query in its space.
pub(super) type Vector<'a> = Option<(&'a VectorIndex, &'a [f32])>;

/// What is asked of the indexes.
pub(super) struct Asked<'a> {
    /// The words, where one of them is known.
    pub known: Option<&'a Query>,
    /// The vector.
    pub vector: Vector<'a>,
}

/// Candidates in ascending order, and their scores at the same positions; a list that was not asked for is empty.
pub(super) struct Lists {
    pub slots: Vec<Slot>,
    pub words: Vec<f32>,
    pub vectors: Vec<f32>,
}

impl Asked<'_> {
    /// Every memory in scope.
    pub(super) fn all(&self, view: &View<'_>, k: usize, cancel: Cancel<'_>) -> Result<Lists> {
        let slots: Vec<Slot> = match view.admitted() {
            all if all.len() == view.uids.len() => (0..all.len() as Slot).collect(),
            some => some.iter().collect(),
        };
        if slots.len() * context::FEW < view.uids.len() {
            return self.scored(view, slots);
        }
        let all = slots.len() == view.uids.len();
        let pick = |scores: Vec<f32>| {
            if all { scores } else { slots.iter().map(|&slot| scores[slot as usize]).collect() }
        };
        let words = self.known.map_or_else(Vec::new, |query| {
            let mut scores = vec![0.0; view.uids.len()];
            view.lexical.scores(query, &mut scores);
            pick(scores)
        });
        let mut vectors = Vec::new();
        if let Some((index, vector)) = self.vector {
            let mut scores = vec![f32::NEG_INFINITY; view.uids.len()];
            index.scores(vector, &mut scores, cancel)?;
            vectors = pick(scores);
            refine(index, vector, k, &slots, &words, &mut vectors)?;
        }
        Ok(Lists { slots, words, vectors })
    }

    /// The best of each index, and those beside them in their sessions.
    pub(super) fn best(
        &self,
        view: &View<'_>,
        request: &Request,
        cancel: Cancel<'_>,
    ) -> Result<(Vec<Slot>, Option<Plan>)> {
        let fused = request.text.is_some();
        let many = |(least, each): (usize, usize)| least.max(each * request.k);
        let most = |which| if fused { many(which) } else { request.k };
        let widened = many(WIDENED);
        let (mut slots, mut beside) = (Vec::new(), Vec::new());
        let mut take = |hits: &[Scored]| {
            slots.extend(hits.iter().map(|x| x.slot));
            beside.extend(hits.iter().take(widened).map(|x| x.slot));
        };
        if let Some(query) = self.known {
            take(&view.lexical.search(query, most(BY_WORDS), view.allow, cancel)?);
        }
        let mut plan = None;
        if let Some((index, vector)) = self.vector {
            // The recall that is asked for is that of the hits; those after them are what lies on the way.
            let chosen = index.plan(request.k, request.recall, view.allow);
            take(&index.search(vector, most(BY_VECTORS), view.allow, &chosen, cancel)?);
            plan = Some(chosen);
        }
        if fused {
            context::widen(view, &mut beside);
            slots.extend(beside);
        }
        slots.sort_unstable();
        slots.dedup();
        Ok((slots, plan))
    }

    /// The scores of candidates in ascending order.
    pub(super) fn scored(&self, view: &View<'_>, slots: Vec<Slot>) -> Result<Lists> {
        let (mut words, mut vectors) = (Vec::new(), Vec::new());
        if let Some(query) = self.known {
            view.lexical.score_slots(query, &slots, &mut words);
        }
        if let Some((index, vector)) = self.vector {
            index.score_slots(vector, &slots, &mut vectors)?;
        }
        Ok(Lists { slots, words, vectors })
    }
}

/// Replaces the similarities on codes by exact ones wherever they could decide: for every memory that could be among the
/// best `k` by similarity, and for the best by words.
fn refine(
    index: &VectorIndex,
    vector: &[f32],
    k: usize,
    slots: &[Slot],
    words: &[f32],
    vectors: &mut [f32],
) -> Result<()> {
    let slack = 2.0 * index.slack(vector)?;
    let floor = kth(vectors, k) - slack;
    let told = kth(words, WORDS_REFINED * k).max(f32::MIN_POSITIVE);
    let at: Vec<usize> = (0..vectors.len())
        .filter(|&at| vectors[at] > f32::NEG_INFINITY)
        .filter(|&at| vectors[at] >= floor || words.get(at).is_some_and(|&b| b >= told))
        .collect();
    let chosen: Vec<Slot> = at.iter().map(|&at| slots[at]).collect();
    let mut exact = Vec::new();
    index.score_slots(vector, &chosen, &mut exact)?;
    at.iter().zip(exact).for_each(|(&at, score)| vectors[at] = score);
    Ok(())
}

/// The `k`-th greatest score of a list; minus infinity where it is shorter.
fn kth(scores: &[f32], k: usize) -> f32 {
    let mut best = TopK::new(k);
    for (slot, &score) in (0..).zip(scores) {
        if score > best.floor() {
            best.push(Scored { slot, score });
        }
    }
    let sorted = best.into_sorted();
    if sorted.len() < k { f32::NEG_INFINITY } else { sorted[k - 1].score }
}
