//! Links between memories: the verbs that make them, and what stands next to a memory.

use serde_json::Value;

use super::admission;
use super::batch::Call;
use super::joining::Brought;
use super::memory::Memory;
use super::state::State;
use crate::association::{Associations, Tie};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::graph::{Direction, Follow};
use crate::id::{Slot, Uid};
use crate::journal::event::Op;
use crate::record::Metadata;
use crate::time::Timestamp;

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

    fn detail(&self, now: Timestamp) -> Metadata {
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
            let (src_node, dst_node) = (node(state, src, call.now)?, node(state, dst, call.now)?);
            let made = state.associations.made(src_node, dst_node, Some(relation));
            let edge = made.first().and_then(|&x| state.associations.graph().get(src_node, dst_node, x));
            let unknown = || Error::UnknownEdge { src: src.to_string(), dst: dst.to_string() };
            let edge = edge.ok_or_else(unknown)?;
            let link = Link {
                src,
                dst,
                relation: relation.to_owned(),
                weight: edge.weight + by,
                time: None,
                source: String::new(),
                trust: if edge.trusted { 1.0 } else { 0.0 },
            };
            if !link.weight.is_finite() || link.weight <= 0.0 {
                return Err(Error::invalid("by", format!("the weight would become {}", link.weight)));
            }
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
            let follow = Follow {
                direction,
                relations: relations.map(|words| numbers(associations, words)),
                trusted: false,
            };
            let ties = associations.ties(own, &follow).into_iter();
            let seen = ties.filter_map(|tie| neighbour(seen.state, own, tie, now));
            Ok(Some(seen.collect()))
        })
    }
}

fn numbers(associations: &Associations, words: &[String]) -> Vec<crate::graph::Relation> {
    words.iter().filter_map(|word| associations.relation(word)).collect()
}

fn node(state: &State, uid: Uid, now: Timestamp) -> Result<Slot> {
    Ok(state.entries[state.slot(uid, now)? as usize].node)
}

fn neighbour(state: &State, own: Slot, tie: Tie, now: Timestamp) -> Option<Neighbour> {
    let out = tie.src == own;
    let uid = state.entries[if out { tie.dst } else { tie.src } as usize].uid;
    state.slot(uid, now).ok()?;
    let Tie { relation, weight, time, trusted, .. } = tie;
    Some(Neighbour { uid, out, relation, weight, time: Timestamp(time), trusted })
}
