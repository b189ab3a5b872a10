//! The candidates of one namespace with what each index says of them.

use super::context::{self, Context};
use super::population::Population;
use super::request::Request;
use super::view::View;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::{Slot, Uid};
use crate::lexical::Query;
use crate::scored::Scored;
use crate::session::Place;
use crate::simd::Kernels;
use crate::vector::{Plan, TopK, VectorIndex};

/// Largest scope that is answered exhaustively: every memory is scored.
pub(super) const EXHAUSTIVE: usize = 32_768;
/// Least candidates taken from each index beyond that.
const CANDIDATES: usize = 256;
/// Best by words, in multiples of the hits asked for, whose similarity is made exact.
const WORDS_REFINED: usize = 4;
/// Memories whose similarity stands for that of a large scope.
const SAMPLE: usize = 1_024;

/// How the candidates were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every memory in scope was scored.
    Exhaustive,
    /// The best of each index, with their neighbours.
    Candidates,
}

/// Candidates in ascending order of slots, and their scores at the same positions.
#[derive(Debug)]
pub struct Pool {
    /// Who.
    pub slots: Vec<Slot>,
    /// Their identities.
    pub uids: Vec<Uid>,
    /// BM25; empty if words were not asked or none is known. Zero for a memory without a word of the query.
    pub words: Vec<f32>,
    /// Similarity of the vectors; empty if none was asked. `-inf` for a memory without a vector.
    pub vectors: Vec<f32>,
    /// Positions of the candidates whose speaker the query names; empty where that is all or none of the scope.
    pub(super) addressed: Vec<u32>,
    /// What stands beside each candidate.
    pub(super) context: Context,
    /// Whether a session has two memories in scope.
    pub(super) conversational: bool,
    /// Centre and spread of the similarities in the whole scope.
    pub(super) similarity: Population,
    /// The greatest BM25 in the scope.
    pub(super) top: f32,
    /// The prepared words of the query.
    pub(super) query: Option<Query>,
    /// Memories whose words are counted in the statistics.
    pub(super) memories: usize,
    /// Memories in scope.
    pub scope: usize,
    /// How the candidates were found.
    pub mode: Mode,
    /// How those of the vectors were, where not all were scored.
    pub plan: Option<Plan>,
}

impl Pool {
    /// Gathers the candidates of a namespace.
    ///
    /// # Errors
    /// As the searches of the indexes.
    pub fn gather(view: &View<'_>, request: &Request, cancel: Cancel<'_>) -> Result<Self> {
        let scope = view.admitted().len();
        let query = request.text.as_deref().map(|text| view.lexical.prepare_set(text));
        let known = query.as_ref().filter(|q| q.terms().iter().any(|t| t.documents > 0));
        let vector = view.vectors.zip(request.vector.as_deref());
        // Without words there is nothing to fuse: the search of the vectors is the answer.
        let fused = request.text.is_some();
        let exhaustive = if fused { EXHAUSTIVE } else { SAMPLE };
        let mode = if scope <= exhaustive { Mode::Exhaustive } else { Mode::Candidates };
        let mut plan = None;
        let (slots, words, vectors) = match mode {
            Mode::Exhaustive => {
                let slots: Vec<Slot> = match view.admitted() {
                    all if all.len() == view.uids.len() => (0..all.len() as Slot).collect(),
                    some => some.iter().collect(),
                };
                let all = slots.len() == view.uids.len();
                let pick = |scores: Vec<f32>| {
                    if all { scores } else { slots.iter().map(|&slot| scores[slot as usize]).collect() }
                };
                let words = known.map_or_else(Vec::new, |query| {
                    let mut scores = vec![0.0; view.uids.len()];
                    view.lexical.scores(query, &mut scores);
                    pick(scores)
                });
                let mut vectors = Vec::new();
                if let Some((index, vector)) = vector {
                    let mut scores = vec![f32::NEG_INFINITY; view.uids.len()];
                    index.scores(vector, &mut scores, cancel)?;
                    vectors = pick(scores);
                    refine(index, vector, request.k, &slots, &words, &mut vectors)?;
                }
                (slots, words, vectors)
            }
            Mode::Candidates => {
                let most = if fused { CANDIDATES.max(4 * request.k) } else { request.k };
                let mut found = rustc_hash::FxHashSet::default();
                if let Some(query) = known {
                    found
                        .extend(view.lexical.search(query, most, view.allow, cancel)?.iter().map(|x| x.slot));
                }
                if let Some((index, vector)) = vector {
                    let chosen = index.plan(most, request.recall, view.allow);
                    found.extend(
                        index.search(vector, most, view.allow, &chosen, cancel)?.iter().map(|x| x.slot),
                    );
                    plan = Some(chosen);
                }
                let mut slots: Vec<Slot> = found.into_iter().collect();
                if fused {
                    context::widen(view, &mut slots);
                } else {
                    slots.sort_unstable();
                }
                let (mut words, mut vectors) = (Vec::new(), Vec::new());
                if let Some(query) = known {
                    view.lexical.score_slots(query, &slots, &mut words);
                }
                if let Some((index, vector)) = vector {
                    index.score_slots(vector, &slots, &mut vectors)?;
                }
                (slots, words, vectors)
            }
        };
        let similarity = match mode {
            Mode::Exhaustive => Population::of(&vectors),
            Mode::Candidates => sample(view, vector)?,
        };
        let top = Kernels::best().greatest(&words).max(0.0);
        let words = if top > 0.0 { words } else { Vec::new() };
        let uids = if slots.len() == view.uids.len() {
            view.uids.to_vec()
        } else {
            slots.iter().map(|&slot| view.uids[slot as usize]).collect()
        };
        let addressed = query.as_ref().map_or_else(Vec::new, |query| addressed(view, query, &slots));
        let memories = view.lexical.len();
        let context = Context::of(view, &slots, &words);
        let seen =
            |members: &[Place]| members.iter().filter(|x| view.admitted().contains(x.slot)).take(2).count();
        let conversational = view.sessions.iter().any(|members| seen(members) == 2);
        Ok(Self {
            slots,
            uids,
            words,
            vectors,
            addressed,
            context,
            conversational,
            similarity,
            top,
            query,
            memories,
            scope,
            mode,
            plan,
        })
    }

    /// Whether there is no candidate.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
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

/// The candidates whose speaker shares a term with the query, unless that singles nobody out.
fn addressed(view: &View<'_>, query: &Query, slots: &[Slot]) -> Vec<u32> {
    let mut named = Bitmap::new();
    for term in query.terms() {
        view.standing.spoken_by(&term.text, &mut |slot| {
            named.insert(slot);
        });
    }
    if named.is_empty() || view.admitted().iter().all(|slot| named.contains(slot)) {
        return Vec::new();
    }
    (0..slots.len() as u32).filter(|&at| named.contains(slots[at as usize])).collect()
}

type Vector<'a> = Option<(&'a VectorIndex, &'a [f32])>;

/// The similarities of a large scope, from evenly spaced members.
fn sample(view: &View<'_>, vector: Vector<'_>) -> Result<Population> {
    let Some((index, vector)) = vector else { return Ok(Population::of(&[])) };
    let admitted = view.admitted();
    let step = (admitted.len() / SAMPLE).max(1);
    let slots: Vec<Slot> = admitted.iter().step_by(step).collect();
    let mut similarity = Vec::new();
    index.score_slots(vector, &slots, &mut similarity)?;
    Ok(Population::of(&similarity))
}
