//! How the candidates of a namespace are gathered.

use super::adaptive;
use super::associative;
use super::candidates::{Asked, Vector};
use super::conversation;
use super::dates::Dated;
use super::fusion::Fusion;
use super::pool::{Mode, Pool};
use super::population::Population;
use super::request::{Beside, Request};
use super::view::View;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;

/// Largest namespace that is answered exhaustively: every memory in scope is scored.
pub(super) const EXHAUSTIVE: usize = 16_384;
/// Largest scope in a larger namespace.
const EXHAUSTIVE_PART: usize = 2_048;
/// Largest scope where vectors alone are asked.
const EXHAUSTIVE_VECTORS: usize = 1_024;
/// Memories whose similarity stands for that of a large scope.
const SAMPLE: usize = 512;

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
        let exhaustive = match fused {
            true if view.live.len() > EXHAUSTIVE => EXHAUSTIVE_PART,
            true => EXHAUSTIVE,
            false => EXHAUSTIVE_VECTORS,
        };
        let speaks = fused && request.fusion == Fusion::Adaptive;
        let dated = if speaks { Dated::of(view, &request.when) } else { Dated::default() };
        let mode = if scope <= exhaustive { Mode::Exhaustive } else { Mode::Candidates };
        let (plan, similarity, lists) = match mode {
            Mode::Exhaustive => {
                let lists = asked.all(view, request.k, cancel)?;
                (None, Population::of(&lists.vectors), lists)
            }
            Mode::Candidates => {
                let (mut slots, plan) = asked.best(view, request, cancel)?;
                dated.join(view, &asked, request, &mut slots, cancel)?;
                (plan, sample(view, asked.vector)?, asked.scored(view, slots)?)
            }
        };
        let mut pool = Self::of(view, request, mode, similarity, query.clone(), lists);
        pool.dated = dated;
        if speaks {
            let more = beside(view, request, &mut pool, cancel)?;
            if !more.is_empty() {
                let mut slots = std::mem::take(&mut pool.slots);
                slots.extend(more);
                slots.sort_unstable();
                let lists = asked.scored(view, slots)?;
                let dated = std::mem::take(&mut pool.dated);
                pool = Self::of(view, request, mode, similarity, query.clone(), lists);
                pool.dated = dated;
                beside(view, request, &mut pool, cancel)?;
            }
        }
        pool.plan = plan;
        Ok(pool)
    }
}

/// Adds what speaks beside words and vectors; gives memories that only links lead to, ascending.
fn beside(view: &View<'_>, request: &Request, pool: &mut Pool, cancel: Cancel<'_>) -> Result<Vec<Slot>> {
    let Some(text) = &request.text else { return Ok(Vec::new()) };
    let Beside { links, replies, speakers, recency, .. } = request.beside;
    let turn = conversation::is_turn(text);
    if speakers && !turn {
        conversation::address(view, text, pool);
    }
    if recency && turn {
        conversation::date(view, pool);
    }
    let links = if links { view.links } else { None };
    let replies = replies && !view.sessions.is_empty();
    if links.is_none() && !replies {
        return Ok(Vec::new());
    }
    let parts = adaptive::parts(std::slice::from_ref(pool)).pop().unwrap_or_default();
    let mut scores = parts.sum(pool.slots.len());
    pool.alone = Some(parts);
    if replies {
        conversation::reply(view, pool, &mut scores);
    }
    match links {
        Some(links) => associative::spread(view, links, text, pool, &scores, cancel),
        None => Ok(Vec::new()),
    }
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
