//! What is asked of a tree that follows a namespace: which memories its events are.

use std::collections::BTreeSet;

use super::following::Follower;
use super::memory::{Held, Memory, held};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::{Slot, Uid};
use crate::timeline::{NamedTimeline, NodeId};

impl Memory {
    /// The memories of slots of a tree that is level with the namespace; what was forgotten since is left out.
    ///
    /// # Errors
    /// As any read.
    pub fn held_of(
        &self,
        follower: &Follower,
        slots: &[Slot],
        cancel: Cancel<'_>,
    ) -> Result<Vec<(Slot, Held)>> {
        self.read(cancel, |seen| {
            let mut slots = slots.to_vec();
            slots.retain(|&slot| follower.knows(seen.state) && seen.state.live.contains(slot));
            Ok(held(&seen, &slots)?.map(|all| slots.into_iter().zip(all).collect()))
        })
    }

    /// The terms of a text as they are in a tree, each once.
    ///
    /// # Errors
    /// As any read.
    pub fn terms(&self, text: &str, cancel: Cancel<'_>) -> Result<BTreeSet<String>> {
        self.read(cancel, |seen| Ok(Some(seen.state.lexical.analyzer().terms(text).into_iter().collect())))
    }

    /// The slots of memories in a tree that is level with the namespace.
    ///
    /// # Errors
    /// [`Error::UnknownMemory`] for one that is not in it; as any read.
    pub fn slots_of(&self, follower: &Follower, uids: &[Uid], cancel: Cancel<'_>) -> Result<Vec<Slot>> {
        self.read(cancel, |seen| {
            let slot = |uid: &Uid| {
                let slot = seen.state.uids.get(uid).copied().filter(|&x| follower.has(x));
                slot.filter(|_| follower.knows(seen.state))
                    .ok_or_else(|| Error::UnknownMemory(uid.to_string()))
            };
            uids.iter().map(slot).collect::<Result<Vec<Slot>>>().map(Some)
        })
    }

    /// Which versions of which memories are below a node, as a digest: the same memories in the same order give the same.
    ///
    /// # Errors
    /// [`Error::Unknown`]; as any read.
    pub fn digest_of(
        &self,
        follower: &Follower,
        tree: &NamedTimeline,
        node: NodeId,
        cancel: Cancel<'_>,
    ) -> Result<[u8; 32]> {
        let slots = tree.timeline.events_of(node, usize::MAX)?;
        self.read(cancel, |seen| {
            let mut digest = blake3::Hasher::new();
            for &slot in slots.iter().filter(|_| follower.knows(seen.state)) {
                let version = seen.state.entries[slot as usize].version;
                digest.update(&seen.state.identities[slot as usize].0);
                digest.update(&version.to_le_bytes());
            }
            Ok(Some(*digest.finalize().as_bytes()))
        })
    }
}
