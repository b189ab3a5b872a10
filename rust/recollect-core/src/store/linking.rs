//! Links between memories: the verbs that make them, and what stands next to a memory.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::admission;
use super::batch::Call;
use super::joining::Brought;
use super::memory::Memory;
use super::state::State;
use crate::association::{Associations, Tie};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::graph::Direction;
use crate::id::{Slot, Uid};
use crate::journal::event::Op;
use crate::record::Metadata;
use crate::time::Timestamp;

/// The relation of memories that were of use together.
const TOGETHER: &str = "used with";
/// Memories that can be of use together at once.
const MOST_TOGETHER: u64 = 64;

/// A link on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Where it begins.
    pub src: Uid,
    /// Where it ends.
    pub dst: Uid,
    /// Its kind, such as `causes`. Never put text of a memory here: it outlives an erasure.
    pub relation: String,
    /// How strong it is: finite and above zero.
    pub weight: f32,
    /// When it was made; the time of the call without one.
    pub time: Option<Timestamp>,
    /// Where it comes from.
    pub source: String,
    /// Trust in `[0, 1]`; from a half on it is believed.
    pub trust: f32,
}

impl Link {
    fn check(&self, at: usize) -> Result<()> {
        let argument = |name: &str| format!("{name}[{at}]");
        admission::name(&self.relation, &|| argument("relation"))?;
        admission::name(&self.source, &|| argument("source"))?;
        admission::unit(self.trust, &|| argument("trust"))?;
        if self.relation.trim().is_empty() {
            return Err(Error::invalid(argument("relation"), "must not be empty"));
        }
        if !self.weight.is_finite() || self.weight <= 0.0 {
            let reason = format!("expected a number above 0, found {}", self.weight);
            return Err(Error::invalid(argument("weight"), reason));
        }
        if self.src == self.dst {
            return Err(Error::invalid(argument("dst"), "a memory cannot be linked to itself"));
        }
        Ok(())
    }

    pub(super) fn detail(&self, now: Timestamp) -> Metadata {
        let mut detail = Metadata::new();
        detail.insert("to".into(), self.dst.to_string().into());
        detail.insert("relation".into(), self.relation.as_str().into());
        detail.insert("weight".into(), f64::from(self.weight).into());
        detail.insert("time".into(), self.time.unwrap_or(now).0.into());
        if !self.source.is_empty() {
            detail.insert("source".into(), self.source.as_str().into());
        }
        if self.trust < 1.0 {
            detail.insert("trust".into(), f64::from(self.trust).into());
        }
        detail
    }
}

/// What stands next to a memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// The other memory.
    pub uid: Uid,
    /// Whether the edge leads to it; else it comes from there.
    pub out: bool,
    /// The kind of the edge.
    pub relation: String,
    /// How strong it is.
    pub weight: f32,
    /// When it was made.
    pub time: Timestamp,
    /// Whether it is believed.
    pub trusted: bool,
}

impl Memory {
    /// Links memories, all or none; a link of these ends and relation that is there gets the new values.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what a link brings, [`Error::UnknownMemory`], and as any write.
    pub fn link(&self, links: &[Link], call: &mut Call<'_>) -> Result<()> {
        links.iter().enumerate().try_for_each(|(at, link)| link.check(at))?;
        self.write(Brought::default(), call, |state, batch, call, _| {
            for (at, link) in links.iter().enumerate() {
                if at % 1024 == 1023 {
                    call.cancel.check()?;
                }
                state.slot(link.src, call.now)?;
                let end = state.slot(link.dst, call.now)?;
                state.associations.admit_relation(&link.relation)?;
                let version = state.entries[end as usize].version;
                batch.note(Op::Linked, link.src, version, link.detail(call.now));
            }
            Ok(())
        })
    }

    /// Takes the link of a relation from one memory to another away, or all without one; gives how many. Those that the
    /// store itself makes stay.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any write.
    pub fn unlink(&self, src: Uid, dst: Uid, relation: Option<&str>, call: &mut Call<'_>) -> Result<usize> {
        self.write(Brought::default(), call, |state, batch, call, _| {
            let (src_node, dst_node) = (node(state, src, call.now)?, node(state, dst, call.now)?);
            let count = state.associations.made(src_node, dst_node, relation).len();
            if count > 0 {
                let mut detail = Metadata::new();
                detail.insert("to".into(), dst.to_string().into());
                if let Some(relation) = relation {
                    detail.insert("relation".into(), Value::from(relation));
                }
                batch.note(Op::Unlinked, src, 0, detail);
            }
            Ok(count)
        })
    }

    /// Adds to the weight of a link; gives the new weight.
    ///
    /// # Errors
    /// [`Error::UnknownEdge`] where there is no such link, [`Error::Invalid`] where the weight would not stay above zero,
    /// [`Error::UnknownMemory`], and as any write.
    pub fn strengthen(
        &self,
        src: Uid,
        dst: Uid,
        relation: &str,
        by: f32,
        call: &mut Call<'_>,
    ) -> Result<f32> {
        self.write(Brought::default(), call, |state, batch, call, _| {
            let unknown = || Error::UnknownEdge { src: src.to_string(), dst: dst.to_string() };
            let link = stronger(state, (src, dst), relation, by, call.now)?.ok_or_else(unknown)?;
            batch.note(Op::Linked, src, 0, link.detail(call.now));
            Ok(link.weight)
        })
    }

    /// What stands next to a memory: the edges out of it, then those into it.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`], and as any read.
    pub fn neighbours(
        &self,
        uid: Uid,
        direction: Direction,
        relations: Option<&[String]>,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Neighbour>> {
        self.read(cancel, |seen| {
            let own = node(seen.state, uid, now)?;
            let associations = &seen.state.associations;
            let relations = relations.map(|words| numbers(associations, words));
            let ties = associations.ties(own, direction, relations.as_deref()).into_iter();
            let seen = ties.filter_map(|tie| neighbour(seen.state, own, tie, now));
            Ok(Some(seen.collect()))
        })
    }
}

/// All links of a namespace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Linkage {
    /// The linked memories, and whether each is believed.
    pub memories: Vec<(Uid, bool)>,
    /// The edges, by positions in `memories`.
    pub ties: Vec<(u32, u32, Tie)>,
}

impl Memory {
    /// All links between memories that can be recalled, in the order in which the store learned of their beginnings.
    ///
    /// # Errors
    /// As any read.
    pub fn linkage(&self, now: Timestamp, cancel: Cancel<'_>) -> Result<Linkage> {
        self.read(cancel, |seen| {
            let (graph, entries) = (seen.state.associations.graph(), &seen.state.entries);
            let (mut found, mut places) = (Linkage::default(), FxHashMap::default());
            for (at, node) in graph.nodes().iter().enumerate() {
                if at % 4_096 == 4_095 {
                    cancel.check()?;
                }
                let uid = entries[node as usize].uid;
                let alone = graph.degree(node) + graph.in_degree(node) == 0;
                if !alone && seen.state.slot(uid, now).is_ok() {
                    places.insert(node, found.memories.len() as u32);
                    found.memories.push((uid, graph.is_trusted(node)));
                }
            }
            for node in graph.nodes().iter() {
                let Some(&src) = places.get(&node) else { continue };
                for mut tie in seen.state.associations.ties(node, Direction::Out, None) {
                    tie.time.get_or_insert_with(|| age(seen.state, node));
                    found.ties.extend(places.get(&tie.dst).map(|&dst| (src, dst, tie)));
                }
            }
            Ok(Some(found))
        })
    }
}

/// A link with more weight; none where there is no such link.
fn stronger(
    state: &State,
    (src, dst): (Uid, Uid),
    relation: &str,
    by: f32,
    now: Timestamp,
) -> Result<Option<Link>> {
    let (src_node, dst_node) = (node(state, src, now)?, node(state, dst, now)?);
    let made = state.associations.made(src_node, dst_node, Some(relation));
    let edge = made.first().and_then(|&x| state.associations.graph().get(src_node, dst_node, x));
    let Some(edge) = edge else { return Ok(None) };
    let weight = edge.weight + by;
    if !weight.is_finite() || weight <= 0.0 {
        return Err(Error::invalid("by", format!("the weight would become {weight}")));
    }
    let (relation, trust) = (relation.to_owned(), if edge.trusted { 1.0 } else { 0.0 });
    Ok(Some(Link { src, dst, relation, weight, time: None, source: String::new(), trust }))
}

/// The links that memories get from being of use together: each two of them, the smaller identity first.
pub(super) fn hebbian(state: &State, uids: &[Uid], by: f32, now: Timestamp) -> Result<Vec<(Uid, Metadata)>> {
    if !by.is_finite() || by < 0.0 {
        return Err(Error::invalid("together", format!("expected a number of at least 0, found {by}")));
    }
    let (found, limit) = (uids.len() as u64, MOST_TOGETHER);
    if by > 0.0 && found > limit {
        return Err(Error::Limit { argument: "together".into(), found, limit });
    }
    let mut uids = if by > 0.0 { uids.to_vec() } else { Vec::new() };
    uids.sort_unstable();
    uids.dedup();
    let mut links = Vec::new();
    for (at, &src) in uids.iter().enumerate() {
        for &dst in &uids[at + 1..] {
            let (relation, source) = (TOGETHER.to_owned(), String::new());
            let new = Link { src, dst, relation, weight: by, time: None, source, trust: 1.0 };
            let link = stronger(state, (src, dst), TOGETHER, by, now)?.unwrap_or(new);
            links.push((src, link.detail(now)));
        }
    }
    Ok(links)
}

fn numbers(associations: &Associations, words: &[String]) -> Vec<crate::graph::Relation> {
    words.iter().filter_map(|word| associations.relation(word)).collect()
}

fn node(state: &State, uid: Uid, now: Timestamp) -> Result<Slot> {
    Ok(state.entries[state.slot(uid, now)? as usize].node)
}

/// When the memory of a node happened.
fn age(state: &State, node: Slot) -> i64 {
    let slot = state.uids.get(&state.entries[node as usize].uid);
    slot.map_or(0, |&slot| state.entries[slot as usize].time())
}

fn neighbour(state: &State, own: Slot, tie: Tie, now: Timestamp) -> Option<Neighbour> {
    let out = tie.src == own;
    let uid = state.entries[if out { tie.dst } else { tie.src } as usize].uid;
    state.slot(uid, now).ok()?;
    let Tie { relation, weight, time, trusted, .. } = tie;
    let time = Timestamp(time.unwrap_or_else(|| age(state, tie.src)));
    Some(Neighbour { uid, out, relation, weight, time, trusted })
}
