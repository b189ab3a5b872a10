//! The candidates of one namespace with what each index says of them.

use super::brevity::brevity;
use super::candidates::Lists;
use super::context::Context;
use super::dates::Dated;
use super::parts::{Links, Parts};
use super::population::Population;
use super::request::{Beside, Request};
use super::view::{Role, View};
use crate::bitmap::Bitmap;
use crate::id::{Slot, Uid};
use crate::lexical::Query;
use crate::session::Place;
use crate::simd::Kernels;
use crate::vector::Plan;

/// Memories looked at before the sessions are.
const LOOKED_AT: usize = 256;

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
    /// What speaks beside words and vectors.
    pub(super) beside: Beside,
    /// How far a memory is too short to be told by its own vector; 0 where the surroundings are not asked.
    pub(super) brevity: f32,
    /// What stands beside each candidate.
    pub(super) context: Context,
    /// Base-level activations, where they are asked for.
    pub(super) base_levels: Vec<f32>,
    /// What the course of the conversation and links add, and nothing else.
    pub(super) given: Parts,
    /// What each signal adds where there is no other pool; none before it is asked for.
    pub(super) alone: Option<Parts>,
    /// How links were followed.
    pub(super) links: Links,
    /// Who lies in the times that are asked for.
    pub dated: Dated,
    /// The time of each candidate, where an order is asked for.
    pub(super) times: Vec<i64>,
    /// Of whom the query speaks.
    pub(super) role: Option<Role>,
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
    /// The candidates with these scores.
    pub(super) fn of(
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
        let named = query.as_ref().filter(|_| request.beside.speakers);
        let addressed = named.map_or_else(Vec::new, |query| addressed(view, query, &slots));
        let brevity = match request.beside.context && mode == Mode::Exhaustive && !vectors.is_empty() {
            true => brevity(view.lexical.mean_length()),
            false => 0.0,
        };
        let context = Context::of(view, &slots, &words, brevity > 0.0);
        let base_levels = match request.base_level > 0.0 {
            true => slots.iter().map(|&slot| view.standing.base_level(slot)).collect(),
            false => Vec::new(),
        };
        let times = match request.when.order {
            Some(_) => slots.iter().map(|&slot| view.standing.event(slot).0).collect(),
            None => Vec::new(),
        };
        let conversational = conversational(view);
        Self {
            slots,
            uids,
            words,
            vectors,
            addressed,
            beside: request.beside,
            brevity,
            context,
            base_levels,
            given: Parts::default(),
            alone: None,
            links: Links::default(),
            dated: Dated::default(),
            times,
            role: None,
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

    /// Positions of the best `count` candidates and the one after them, best first, ties by identity.
    pub(super) fn leading(&self, scores: &[f32], count: usize) -> Vec<usize> {
        let order = |a: &usize, b: &usize| {
            scores[*b].total_cmp(&scores[*a]).then_with(|| self.uids[*a].cmp(&self.uids[*b]))
        };
        let mut all: Vec<usize> = (0..scores.len()).collect();
        if all.len() > count + 1 {
            all.select_nth_unstable_by(count, order);
            all.truncate(count + 1);
        }
        all.sort_unstable_by(order);
        all
    }

    /// How many seeds the links were followed from, how many of these the query names, how many memories were reached over
    /// how many links.
    pub fn links(&self) -> [usize; 4] {
        let Links { seeds, named, reached, followed } = &self.links;
        [seeds.len(), *named, *reached, *followed as usize]
    }

    /// Of whom the query speaks, whether it goes on with a conversation, and how many answers questions led to.
    pub fn conversation(&self) -> (Option<Role>, bool, usize) {
        let replies = self.given.replies.iter().filter(|&&x| x > 0.0).count();
        (self.role, !self.given.recency.is_empty(), replies)
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

/// Whether a session has two memories in scope: mostly the first few memories say so.
fn conversational(view: &View<'_>) -> bool {
    if view.sessions.is_empty() {
        return false;
    }
    let (mut seen, mut first) = (Bitmap::new(), view.admitted().iter());
    let mut places = first.by_ref().take(LOOKED_AT).filter_map(|slot| view.standing.place(slot));
    if places.any(|(session, _)| !seen.insert(session)) {
        return true;
    }
    let in_scope =
        |members: &[Place]| members.iter().filter(|x| view.admitted().contains(x.slot)).take(2).count();
    first.next().is_some() && view.sessions.iter().any(|members| in_scope(members) == 2)
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
