//! The default fusion: similarities as standard scores, and words as far as the query can be told by them.
//!
//! `score = z + s + lambda * (b + 0.6 n1 + 0.3 n2 + 0.9 top)`, where `z` is the similarity less its mean over the scope in
//! standard deviations, `b` the BM25 of the memory, `n1` and `n2` the better BM25 one and two places away in its
//! session, and `top` the best of its session (left out where no session has two memories).
//!
//! To memories that are short on average, their surroundings add a `context`: see `surroundings`.
//!
//! `lambda = 0.4 * known / (1 + (rho / 0.13)^2)`: `known` is the share of the query's idf mass that the words of the
//! scope cover, and `rho` the BM25 that another memory is expected to have, over the best BM25. A query whose words single
//! out few memories has a small `rho` and is told by words; one of common words is told by meaning.

use super::context::{Context, REACH};
use super::dates;
use super::parts::Parts;
use super::pool::Pool;
use super::population::{Population, SPREAD};
use super::surroundings;

const WORDS: f32 = 0.4;
const RANDOM: f32 = 0.13;
const NEIGHBOURS: [f32; REACH] = [0.6, 0.3];
const SESSION: f32 = 0.9;
const SPEAKER: f32 = 0.5;

/// The parts of each pool.
pub(super) fn parts(pools: &[Pool]) -> Vec<Parts> {
    let similarity = Population::joined(pools.iter().map(|pool| pool.similarity));
    let weight = if similarity.count == 0 { 1.0 } else { weight(pools) };
    let sum = |of: fn(&Pool) -> usize| pools.iter().map(of).sum::<usize>();
    let dated = dates::gain(sum(|pool| pool.dated.count), sum(|pool| pool.scope));
    let sessions = pools.iter().any(|pool| pool.conversational);
    let contexts = surroundings::parts(pools, &similarity);
    pools
        .iter()
        .zip(contexts)
        .map(|(pool, context)| {
            let vectors = pool.vectors.iter().map(|&x| standard(x, &similarity)).collect();
            let mut parts = Parts { vectors, context, ..pool.given.clone() };
            if similarity.count > 0 && !pool.addressed.is_empty() {
                parts.speaker.resize(pool.slots.len(), 0.0);
                pool.addressed.iter().for_each(|&at| parts.speaker[at as usize] += SPEAKER);
            }
            if dated > 0.0 {
                parts.dates = pool.dated.part(&pool.slots, dated);
            }
            if weight <= 0.0 || pool.words.is_empty() {
                return parts;
            }
            parts.words = pool.words.iter().map(|b| weight * b).collect();
            if sessions && pool.beside.neighbours {
                parts.neighbours = neighbours(&pool.context, &parts.words);
            }
            if sessions && pool.beside.session {
                parts.session = session(&pool.context, &parts.words);
            }
            parts
        })
        .collect()
}

/// A score as a standard score; none says nothing.
fn standard(score: f32, population: &Population) -> f32 {
    if score == f32::NEG_INFINITY || population.deviation <= SPREAD {
        return 0.0;
    }
    (score - population.mean) / population.deviation
}

/// How much the words of this query are worth against its meaning.
fn weight(pools: &[Pool]) -> f32 {
    let (mut known, mut mass, mut random, mut scope, mut top) = (0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for pool in pools {
        let Some(query) = &pool.query else { continue };
        let size = pool.memories as f32;
        let idf = |found: bool| {
            query.terms().iter().filter(move |t| found || t.documents > 0).map(|t| t.idf).sum::<f32>()
        };
        known += size * idf(false);
        mass += size * idf(true);
        random += query.terms().iter().map(|t| t.idf * t.documents.saturating_sub(1) as f32).sum::<f32>();
        scope += size;
        top = top.max(pool.top);
    }
    if top <= 0.0 || mass <= 0.0 {
        return 0.0;
    }
    let rho = random / scope / top;
    WORDS * (known / mass) / (1.0 + (rho / RANDOM).powi(2))
}

/// What the neighbours of each candidate add: at each distance the better of the two sides.
fn neighbours(context: &Context, words: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; words.len()];
    let (mut run, mut places) = (Vec::<f32>::new(), Vec::<usize>::new());
    for members in context.sessions() {
        // The session as an array, silent where a member is out of scope; a wide gap is as good as a wider one.
        run.clear();
        places.clear();
        let mut before = members[0].ordinal;
        for member in members {
            let gap = (member.ordinal - before).saturating_sub(1).min(REACH as u32);
            run.resize(run.len() + gap as usize, 0.0);
            places.push(run.len());
            run.push(words[member.at as usize]);
            before = member.ordinal;
        }
        for (member, &here) in members.iter().zip(&places) {
            let side = |at: Option<usize>| at.and_then(|at| run.get(at)).copied().unwrap_or(0.0);
            let near = |distance: usize| side(here.checked_sub(distance)).max(side(Some(here + distance)));
            let sum = NEIGHBOURS.iter().enumerate().map(|(at, factor)| factor * near(at + 1)).sum();
            out[member.at as usize] = sum;
        }
    }
    out
}

/// What the session of each candidate adds. A memory alone in its session, or without one, is its own session.
fn session(context: &Context, words: &[f32]) -> Vec<f32> {
    let mut out: Vec<f32> = words.iter().map(|b| SESSION * b).collect();
    for members in context.sessions() {
        let top = members.iter().map(|x| words[x.at as usize]).fold(0.0, f32::max);
        members.iter().for_each(|x| out[x.at as usize] = SESSION * top);
    }
    out
}
