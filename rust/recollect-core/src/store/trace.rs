//! What ran in a recall, as JSON.

use serde_json::{Value, json};

use super::joining::mismatch;
use super::state::State;
use crate::error::Result;
use crate::journal::ledger::Space;
use crate::recall::{Evidence, Fusion, Mode, Pool, Request, Role};
use crate::record::Metadata;
use crate::vector::{Plan, VectorIndex};

/// The index that answers for a space; none where the namespace has no vectors yet.
pub(super) fn index_of<'a>(state: &'a State, space: &Space) -> Result<Option<&'a VectorIndex>> {
    let next = state.next.as_ref().filter(|next| next.space == *space);
    match (&state.space, next) {
        (_, Some(next)) => Ok(Some(&next.index)),
        (Some(held), None) if held != space => Err(mismatch(held, space)),
        _ => Ok(state.vectors.as_ref()),
    }
}

/// How much of a namespace the vectors could speak of.
pub(super) struct Used {
    /// Whether there are vectors.
    any: bool,
    memories: usize,
    embedded: usize,
}

impl Used {
    pub(super) fn of(state: &State, request: &Request, space: Option<&Space>) -> Self {
        let space = space.filter(|_| request.vector.is_some());
        let index = space.and_then(|space| index_of(state, space).ok().flatten());
        let embedded = index.map_or(0, VectorIndex::slots);
        Self { any: index.is_some(), memories: state.live.len(), embedded }
    }
}

pub(super) fn trace(
    pools: &[Pool],
    request: &Request,
    space: Option<&Space>,
    used: &[Used],
    evidence: &Evidence,
) -> Metadata {
    let sum = |f: &dyn Fn(&Pool) -> usize| pools.iter().map(f).sum::<usize>();
    let exhaustive = pools.iter().all(|p| p.mode == Mode::Exhaustive);
    let mut skipped = Vec::new();
    if request.vector.is_none() {
        skipped.push("vectors: the query has no embedding, recall goes by words alone");
    } else if used.iter().all(|x| !x.any) {
        skipped.push("vectors: no memory in scope has one");
    }
    if request.text.is_none() {
        skipped.push("words: the query has no text");
    } else if pools.iter().all(|p| p.words.is_empty()) {
        skipped.push("words: no memory in scope holds a word of the query");
    }
    let space = space.filter(|_| used.iter().any(|x| x.any)).map(|space| {
        json!({
            "name": space.name,
            "dim": space.dim,
            "metric": space.metric,
            "embedded": used.iter().map(|x| x.embedded).sum::<usize>(),
            "memories": used.iter().map(|x| x.memories).sum::<usize>(),
        })
    });
    let plans: Vec<Value> = pools.iter().filter_map(|pool| pool.plan.as_ref()).map(plan).collect();
    let value = json!({
        "namespaces": pools.len(),
        "scope": sum(&|p| p.scope),
        "candidates": sum(&|p| p.slots.len()),
        "mode": if exhaustive { "exhaustive" } else { "candidates" },
        "fusion": request.fusion.to_string(),
        "signals": {
            "words": sum(&|p| p.words.iter().filter(|&&x| x > 0.0).count()),
            "vectors": sum(&|p| p.vectors.iter().filter(|&&x| x > f32::NEG_INFINITY).count()),
        },
        "links": links(pools, request),
        "conversation": conversation(pools),
        "dates": dates(pools),
        "evidence": {
            "known": evidence.known,
            "covered": evidence.covered,
            "lead": evidence.lead,
            "addressed": evidence.addressed,
        },
        "space": space,
        "vector_search": plans,
        "skipped": skipped,
    });
    match value {
        Value::Object(map) => map,
        _ => Metadata::new(),
    }
}

/// How links were followed; none where they were not asked for.
fn links(pools: &[Pool], request: &Request) -> Value {
    if !request.beside.links || request.text.is_none() || request.fusion != Fusion::Adaptive {
        return Value::Null;
    }
    let sum = |at: usize| pools.iter().map(|pool| pool.links()[at]).sum::<usize>();
    json!({ "seeds": sum(0), "named": sum(1), "reached": sum(2), "followed": sum(3) })
}

/// What of the course of a conversation played a part.
fn conversation(pools: &[Pool]) -> Value {
    let told: Vec<_> = pools.iter().map(Pool::conversation).collect();
    let speaker = told.iter().find_map(|x| x.0).map(|role| match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    });
    let (recency, replies) = (told.iter().any(|x| x.1), told.iter().map(|x| x.2).sum::<usize>());
    json!({ "speaker": speaker, "recency": recency, "replies": replies })
}

/// How many memories lie in each of the times that are asked for, and in any of them.
fn dates(pools: &[Pool]) -> Value {
    let each = |at: usize| pools.iter().filter_map(|pool| pool.dated.each.get(at)).sum::<usize>();
    let times = pools.first().map_or(0, |pool| pool.dated.each.len());
    let any = pools.iter().map(|pool| pool.dated.count).sum::<usize>();
    json!({ "each": (0..times).map(each).collect::<Vec<_>>(), "memories": any })
}

/// How the vectors of one namespace were searched, where not all of them were scored.
fn plan(plan: &Plan) -> Value {
    json!({
        "way": plan.way.to_string(),
        "cells": plan.cells,
        "of_cells": plan.of,
        "slack": plan.slack,
        "expected_recall": plan.expected,
    })
}
