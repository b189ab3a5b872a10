//! The candidates of one namespace with what each index says of them.

use super::associative::{self, Links};
use super::candidates::{Asked, Lists, Vector};
use super::context::Context;
use super::fusion::Fusion;
use super::population::Population;
use super::request::Request;
use super::view::View;
use crate::bitmap::Bitmap;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::{Slot, Uid};
use crate::lexical::Query;
use crate::session::Place;
use crate::simd::Kernels;
use crate::vector::Plan;

/// Largest scope that is answered exhaustively: every memory is scored.
pub(super) const EXHAUSTIVE: usize = 32_768;
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
    /// Base-level activations, where they are asked for.
    pub(super) base_levels: Vec<f32>,
    /// What links add.
    pub(super) links: Links,
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
        let asked = Asked {
            known: query.as_ref().filter(|q| q.terms().iter().any(|t| t.documents > 0)),
            vector: view.vectors.zip(request.vector.as_deref()),
        };
        // Without words there is nothing to fuse: the search of the vectors is the answer.
        let fused = request.text.is_some();
        let exhaustive = if fused { EXHAUSTIVE } else { SAMPLE };
        let mode = if scope <= exhaustive { Mode::Exhaustive } else { Mode::Candidates };
        let (mut plan, similarity, lists) = match mode {
            Mode::Exhaustive => {
                let lists = asked.all(view, request.k, cancel)?;
                (None, Population::of(&lists.vectors), lists)
            }
            Mode::Candidates => {
                let (slots, plan) = asked.best(view, request, cancel)?;
                (plan, sample(view, asked.vector)?, asked.scored(view, slots)?)
            }
        };
        let mut pool = Self::of(view, request, mode, similarity, query.clone(), lists);
        if request.links && fused && request.fusion == Fusion::Adaptive {
            let more = associative::spread(view, request, &mut pool, cancel)?;
            if !more.is_empty() {
                let mut slots = std::mem::take(&mut pool.slots);
                slots.extend(more);
                slots.sort_unstable();
                let lists = asked.scored(view, slots)?;
                pool = Self::of(view, request, mode, similarity, query.clone(), lists);
                associative::spread(view, request, &mut pool, cancel)?;
            }
        }
        pool.plan = plan.take();
        Ok(pool)
    }

    fn of(
        view: &View<'_>,
        request: &Request,
        mode: Mode,
        similarity: Population,
        query: Option<Query>,
        lists: Lists,
    ) -> Self {
        let Lists { slots, words, vectors } = lists;
        let top = Kernels::best().greatest(&words).max(0.0);
        let words = if top > 0.0 { words } else { Vec::new() };
        let uids = if slots.len() == view.uids.len() {
            view.uids.to_vec()
        } else {
            slots.iter().map(|&slot| view.uids[slot as usize]).collect()
        };
        let addressed = query.as_ref().map_or_else(Vec::new, |query| addressed(view, query, &slots));
        let context = Context::of(view, &slots, &words);
        let base_levels = match request.base_level > 0.0 {
            true => slots.iter().map(|&slot| view.standing.base_level(slot)).collect(),
            false => Vec::new(),
        };
        let seen =
            |members: &[Place]| members.iter().filter(|x| view.admitted().contains(x.slot)).take(2).count();
        let conversational = view.sessions.iter().any(|members| seen(members) == 2);
        Self {
            slots,
            uids,
            words,
            vectors,
            addressed,
            context,
            base_levels,
            links: Links::default(),
            conversational,
            similarity,
            top,
            query,
            memories: view.lexical.len(),
            scope: view.admitted().len(),
            mode,
            plan: None,
        }
    }

    /// How many seeds the links were followed from, how many of these the query names, how many memories were reached over
    /// how many links.
    pub fn links(&self) -> [usize; 4] {
        let Links { seeds, named, reached, followed, .. } = &self.links;
        [seeds.len(), *named, *reached, *followed as usize]
    }

    /// The memories from which links were followed.
    pub fn seeds(&self) -> &[Slot] {
        &self.links.seeds
    }

    /// Whether there is no candidate.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
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
