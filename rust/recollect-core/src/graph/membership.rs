//! Hyperedges: nodes that hold any number of members together, each under its own number.
//!
//! Two of them over the same members are two. Members and hyperedge point at each other under the relation [`MEMBER`], so
//! that every walk goes through them.

use std::collections::BTreeMap;

use super::edge::{Edge, MEMBER};
use super::graph::Graph;
use super::hyperedge::Hyperedge;
use crate::error::{Error, Result};
use crate::id::Slot;

impl Graph {
    /// Makes a new node a hyperedge over `members`, which are there.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the node is there already, or if there are no members; [`Error::UnknownNode`].
    pub fn insert_hyperedge(
        &mut self,
        node: Slot,
        members: &[Slot],
        text: &str,
        time: i64,
        trusted: bool,
    ) -> Result<()> {
        if self.contains(node) {
            return Err(Error::invalid("node", format!("{node} is in the graph already")));
        }
        if members.is_empty() {
            return Err(Error::invalid("members", "expected at least one"));
        }
        members.iter().try_for_each(|&member| self.known("members", member))?;
        self.insert(node, trusted)?;
        let hyperedge = Hyperedge { text: text.into(), time, ..Hyperedge::default() };
        self.hyperedges.insert(node, hyperedge);
        self.join(node, members)
    }

    fn join(&mut self, node: Slot, members: &[Slot]) -> Result<()> {
        let (time, trusted) = (self.hyperedges.get(&node).map_or(0, |x| x.time), self.is_trusted(node));
        for &member in members {
            for (src, dst) in [(node, member), (member, node)] {
                self.put(Edge { time, trusted, ..Edge::new(src, dst, MEMBER) })?;
            }
        }
        Ok(())
    }

    /// Changes what a hyperedge says, and adds members or takes some away.
    ///
    /// # Errors
    /// [`Error::UnknownNode`]; [`Error::Invalid`] for a node that is no living hyperedge or would have no member left.
    pub fn update_hyperedge(
        &mut self,
        node: Slot,
        text: Option<&str>,
        add: &[Slot],
        remove: &[Slot],
    ) -> Result<()> {
        self.living("hyperedge", node)?;
        add.iter().try_for_each(|&member| self.known("add", member))?;
        let stays = |member: &Slot| add.contains(member) || !remove.contains(member);
        if add.is_empty() && !self.members(node).iter().any(stays) {
            return Err(Error::invalid("remove", "a hyperedge keeps at least one member"));
        }
        for &member in remove {
            self.unlink(node, member, MEMBER);
            self.unlink(member, node, MEMBER);
        }
        self.join(node, add)?;
        if let (Some(text), Some(hyperedge)) = (text, self.hyperedges.get_mut(&node)) {
            hyperedge.text = text.into();
        }
        Ok(())
    }

    /// Makes a new hyperedge over the members of two or more, which are archived as its parents.
    ///
    /// # Errors
    /// As [`Graph::insert_hyperedge`]; [`Error::Invalid`] for parents that are no living hyperedges, or fewer than two.
    pub fn merge_hyperedges(&mut self, parents: &[Slot], node: Slot, text: &str, time: i64) -> Result<()> {
        let mut distinct = parents.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 2 || distinct.len() != parents.len() {
            return Err(Error::invalid("hyperedges", "expected two or more different ones"));
        }
        parents.iter().try_for_each(|&parent| self.living("hyperedges", parent))?;
        let lists: Vec<Vec<Slot>> = parents.iter().map(|&parent| self.members(parent)).collect();
        let mut union: Vec<Slot> = lists.iter().flatten().copied().collect();
        union.sort_unstable();
        union.dedup();
        let trusted = parents.iter().all(|&parent| self.is_trusted(parent));
        self.insert_hyperedge(node, &union, text, time, trusted)?;
        for (&parent, members) in parents.iter().zip(lists) {
            for &member in &members {
                self.unlink(parent, member, MEMBER);
                self.unlink(member, parent, MEMBER);
            }
            if let Some(hyperedge) = self.hyperedges.get_mut(&parent) {
                hyperedge.archived = Some(members);
            }
        }
        if let Some(hyperedge) = self.hyperedges.get_mut(&node) {
            hyperedge.parents = parents.to_vec();
        }
        Ok(())
    }

    fn living(&self, argument: &str, node: Slot) -> Result<()> {
        self.known(argument, node)?;
        match self.hyperedges.get(&node) {
            Some(hyperedge) if hyperedge.archived.is_none() => Ok(()),
            Some(_) => Err(Error::invalid(argument, format!("{node} was merged into another"))),
            None => Err(Error::invalid(argument, format!("{node} is no hyperedge"))),
        }
    }

    /// What is known of a hyperedge.
    pub fn hyperedge(&self, node: Slot) -> Option<&Hyperedge> {
        self.hyperedges.get(&node)
    }

    /// Every hyperedge, archived ones too, ascending.
    pub fn hyperedges(&self) -> impl Iterator<Item = (Slot, &Hyperedge)> {
        self.hyperedges.iter().map(|(&node, hyperedge)| (node, hyperedge))
    }

    /// The members of a hyperedge, ascending; of an archived one those it had.
    pub fn members(&self, node: Slot) -> Vec<Slot> {
        match self.hyperedges.get(&node) {
            Some(Hyperedge { archived: Some(members), .. }) => members.clone(),
            Some(_) => self.by_membership(node).collect(),
            None => Vec::new(),
        }
    }

    fn by_membership(&self, node: Slot) -> impl Iterator<Item = Slot> + '_ {
        self.out(node).filter(|x| self.labels.get(x.label).relation == MEMBER).map(|x| x.dst)
    }

    /// The living hyperedges over any of some nodes, each with the number of nodes that vote for it: most votes first,
    /// then ascending.
    pub fn incident(&self, nodes: &[Slot]) -> Vec<(Slot, u32)> {
        let mut distinct = nodes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut votes: BTreeMap<Slot, u32> = BTreeMap::new();
        for node in distinct {
            let over = self.by_membership(node).filter(|found| self.hyperedges.contains_key(found));
            over.filter(|&found| self.get(found, node, MEMBER).is_some())
                .for_each(|found| *votes.entry(found).or_default() += 1);
        }
        let mut found: Vec<(Slot, u32)> = votes.into_iter().collect();
        found.sort_by_key(|&(node, votes)| (std::cmp::Reverse(votes), node));
        found
    }
}
