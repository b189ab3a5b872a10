//! Recall over one or more namespaces, merged exactly.

use std::ops::Range;
use std::sync::Arc;

use super::admission;
use super::cell::{Cell, Seen};
use super::linked::Links;
use super::memory::{Held, Memory, held};
use super::selection::Selection;
use super::shared::Shared;
use super::standing::At;
use super::state::State;
use super::store::Store;
use super::trace::{Used, index_of, trace};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::journal::ledger::Space;
use crate::namespace::Namespace;
use crate::recall::{
    self, Evidence, Fusion, Hit, Linked, Pool, Ranking, Request, State as Known, Step, View,
};
use crate::record::Metadata;
use crate::time::Timestamp;
use crate::vector::admit;

/// Most times that a question may speak of.
const MAX_SPANS: usize = 64;

/// A memory recalled, with its namespace and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The memory.
    pub held: Held,
    /// Where it lives.
    pub namespace: Namespace,
    /// Score and signals.
    pub hit: Hit,
    /// The links that led to it, from a memory that was found otherwise or that the query names; empty unless links
    /// speak for it and explanations were asked.
    pub path: Vec<Step>,
}

/// What a recall found, and what ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Recall {
    /// Best first.
    pub found: Vec<Found>,
    /// Whether the memories hold an answer.
    pub state: Known,
    /// How likely they do, in `[0, 1]`.
    pub confidence: f32,
    /// What ran, what was skipped and why, as JSON.
    pub trace: Metadata,
}

impl Recall {
    fn new(found: Vec<Found>, evidence: &Evidence, trace: Metadata) -> Self {
        Self { found, state: evidence.state(), confidence: evidence.confidence(), trace }
    }
}

impl Memory {
    /// The sentences of texts that speak of a query, as ranges of bytes, by the words of this namespace.
    ///
    /// # Errors
    /// As any read.
    pub fn sentences(
        &self,
        query: &str,
        texts: &[String],
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Range<usize>>>> {
        self.shared.check()?;
        self.cell.read(&*self.shared.ledger, cancel, |seen| {
            let mut found = Vec::with_capacity(texts.len());
            for text in texts {
                cancel.check()?;
                found.push(recall::nearest_sentences(&seen.state.lexical, query, text));
            }
            Ok(Some(found))
        })
    }

    /// The memories of this namespace that answer a query best.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::DimensionMismatch`] and [`Error::SpaceMismatch`] for what the request brings;
    /// [`Error::Corrupt`] if a hit is not as it was written; as any read.
    pub fn recall(
        &self,
        request: &Request,
        space: Option<&Space>,
        selection: &Selection,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Recall> {
        self.shared.check()?;
        check(request, space)?;
        let cells = [Arc::clone(&self.cell)];
        let recall = search(&self.shared, &cells, request, space, selection, now, cancel)?;
        if selection.known.is_none() {
            self.renew(recall.found.iter().map(|x| (x.hit.uid, x.held.record.ttl)), now);
        }
        Ok(recall)
    }
}

impl Store {
    /// The memories of several namespaces that answer a query best: their score lists are read as one.
    ///
    /// # Errors
    /// As [`Memory::recall`].
    pub fn recall(
        &self,
        namespaces: &[Namespace],
        request: &Request,
        space: Option<&Space>,
        selection: &Selection,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Recall> {
        check(request, space)?;
        let mut paths = namespaces.to_vec();
        paths.sort();
        paths.dedup();
        let memories = paths.iter().map(|path| self.namespace(path)).collect::<Result<Vec<_>>>()?;
        let cells: Vec<_> = memories.iter().map(|x| Arc::clone(&x.cell)).collect();
        let recall = search(&self.0, &cells, request, space, selection, now, cancel)?;
        for memory in memories.iter().filter(|_| selection.known.is_none()) {
            let own = recall.found.iter().filter(|x| x.namespace == *memory.path());
            memory.renew(own.map(|x| (x.hit.uid, x.held.record.ttl)), now);
        }
        Ok(recall)
    }
}

fn check(request: &Request, space: Option<&Space>) -> Result<()> {
    admission::results(request.k)?;
    if let Some(text) = &request.text {
        let (found, limit) = (text.len() as u64, admission::MAX_QUERY as u64);
        if found > limit {
            return Err(Error::Limit { argument: "query".into(), found, limit });
        }
        if text.trim().is_empty() && request.vector.is_none() {
            return Err(Error::invalid("query", "the text is empty"));
        }
    }
    let (found, limit) = (request.when.spans.len() as u64, MAX_SPANS as u64);
    if found > limit {
        return Err(Error::Limit { argument: "when".into(), found, limit });
    }
    if !(request.recall > 0.0 && request.recall <= 1.0) {
        return Err(Error::invalid("recall_target", "expected a number above 0 and up to 1"));
    }
    if !(request.base_level >= 0.0 && request.base_level.is_finite()) {
        return Err(Error::invalid("base_level", "expected a weight of at least 0"));
    }
    if request.base_level > 0.0 && request.fusion != Fusion::Adaptive {
        return Err(Error::invalid("base_level", "only the adaptive fusion has one"));
    }
    match (&request.vector, space) {
        (Some(vector), Some(space)) => admit("vector", vector, space.dim as usize, space.metric.parse()?),
        (Some(_), None) => Err(Error::invalid("vector", "a vector needs the embedding space it lies in")),
        (None, _) if request.text.is_none() => {
            Err(Error::invalid("query", "neither words nor a vector to go by"))
        }
        _ => Ok(()),
    }
}

fn search(
    shared: &Shared,
    cells: &[Arc<Cell>],
    request: &Request,
    space: Option<&Space>,
    selection: &Selection,
    now: Timestamp,
    cancel: Cancel<'_>,
) -> Result<Recall> {
    if let [cell] = cells {
        return cell.read_as_known(selection.known, &*shared.ledger, cancel, |seen| {
            let pools = [gather(shared, &seen, request, space, selection, now, cancel)?];
            let Ranking { hits, leading } = recall::rank(&pools, request);
            let mut evidence = Evidence::new(&pools, &leading, request);
            let best: Vec<Slot> = leading.iter().map(|x| x.slot).collect();
            evidence.cover(&pools[0], &seen.state.lexical, &best);
            let slots: Vec<Slot> = hits.iter().map(|x| x.slot).collect();
            let Some(held) = held(&seen, &slots)? else { return Ok(None) };
            let found = held.into_iter().zip(hits);
            let found = found.map(|(held, hit)| {
                let path = path(shared, seen.state, &pools[0], &hit);
                Found { held, namespace: cell.path.clone(), hit, path }
            });
            let found = found.collect();
            let used = Used::of(seen.state, request, space);
            Ok(Some(Recall::new(found, &evidence, trace(&pools, request, space, &[used], &evidence))))
        });
    }
    // Several namespaces are read one after the other; one that moved on meanwhile starts the recall over.
    for _ in 0..8 {
        let (mut pools, mut seqs, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for cell in cells {
            let (pool, seq, one) = cell.read_as_known(selection.known, &*shared.ledger, cancel, |seen| {
                let pool = gather(shared, &seen, request, space, selection, now, cancel)?;
                Ok(Some((pool, seen.state.seq, Used::of(seen.state, request, space))))
            })?;
            pools.push(pool);
            seqs.push(seq);
            used.push(one);
        }
        let Ranking { hits, leading } = recall::rank(&pools, request);
        let mut evidence = Evidence::new(&pools, &leading, request);
        let mut found: Vec<Option<Found>> = vec![None; hits.len()];
        let mut level = true;
        for (at, cell) in cells.iter().enumerate() {
            let own: Vec<usize> = (0..hits.len()).filter(|&i| hits[i].pool == at).collect();
            let best: Vec<Slot> = leading.iter().filter(|x| x.pool == at).map(|x| x.slot).collect();
            if own.is_empty() && best.is_empty() {
                continue;
            }
            let slots: Vec<Slot> = own.iter().map(|&i| hits[i].slot).collect();
            let held = cell.read_as_known(selection.known, &*shared.ledger, cancel, |seen| {
                if seen.state.seq != seqs[at] {
                    return Ok(Some(None));
                }
                let Some(held) = held(&seen, &slots)? else { return Ok(Some(None)) };
                evidence.cover(&pools[at], &seen.state.lexical, &best);
                let paths = own.iter().map(|&i| path(shared, seen.state, &pools[at], &hits[i]));
                Ok(Some(Some(held.into_iter().zip(paths).collect::<Vec<_>>())))
            })?;
            let Some(held) = held else {
                drop(cell.committing.lock());
                level = false;
                break;
            };
            for (i, (held, path)) in own.into_iter().zip(held) {
                let (namespace, hit) = (cell.path.clone(), hits[i].clone());
                found[i] = Some(Found { held, namespace, hit, path });
            }
        }
        if level {
            let found = found.into_iter().flatten().collect();
            return Ok(Recall::new(found, &evidence, trace(&pools, request, space, &used, &evidence)));
        }
    }
    Err(Error::Storage("the namespaces changed faster than they could be read together".into()))
}

/// The links that led to a hit that links speak for.
fn path(shared: &Shared, state: &State, pool: &Pool, hit: &Hit) -> Vec<Step> {
    if !hit.signals.iter().any(|signal| signal.name == "links") {
        return Vec::new();
    }
    Links { state, spaces: &shared.spaces }.path(pool.seeds(), hit.slot).unwrap_or_default()
}

fn gather(
    shared: &Shared,
    seen: &Seen<'_>,
    request: &Request,
    space: Option<&Space>,
    selection: &Selection,
    now: Timestamp,
    cancel: Cancel<'_>,
) -> Result<Pool> {
    let state = seen.state;
    let vectors = match (space, &request.vector) {
        (Some(space), Some(_)) => index_of(state, space)?,
        _ => None,
    };
    let allow = state.admitted(selection, now);
    let links = Links { state, spaces: &shared.spaces };
    let view = View {
        lexical: &state.lexical,
        vectors,
        sessions: &state.sessions,
        live: &state.live,
        allow: allow.as_ref(),
        uids: &state.identities,
        links: if state.associations.is_empty() { None } else { Some(&links) },
        standing: &At { state, now },
    };
    Pool::gather(&view, request, cancel)
}
