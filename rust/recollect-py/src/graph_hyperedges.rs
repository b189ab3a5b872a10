//! Hyperedges of a graph.

use pyo3::prelude::*;
use recollect_core::error::{Error, Result};
use recollect_core::graph::{Name, NamedGraph};

use crate::enter::enter;
use crate::graph::{Graph, with_nodes};
use crate::graph_ids::{Id, Ids, ids, slots};

/// A hyperedge as it crosses: members, text, time, parents, archived, trusted.
pub(crate) type HyperedgeRow = (Vec<Id>, String, i64, Vec<Id>, bool, bool);

fn fresh(core: &NamedGraph, id: &Name) -> Result<()> {
    match core.slot(id) {
        Some(_) => Err(Error::invalid("id", format!("{id} is in the graph already"))),
        None => Ok(()),
    }
}

#[pymethods]
impl Graph {
    /// Makes a hyperedge over nodes, which are taken in.
    fn insert_hyperedge(
        &self,
        py: Python<'_>,
        id: Id,
        members: Ids<'_>,
        text: &str,
        time: i64,
        trusted: bool,
    ) -> PyResult<()> {
        let (id, members) = (Name::from(id), members.names()?);
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            fresh(&core, &id)?;
            with_nodes(&mut core, members.into_iter(), trusted, |core, members| {
                let slot = core.reserve(&id);
                let done = core.graph.insert_hyperedge(slot, members, text, time, trusted);
                if done.is_err() {
                    core.remove(slot);
                }
                done
            })
        })
    }

    /// Changes what a hyperedge says and who is in it.
    fn update_hyperedge(
        &self,
        py: Python<'_>,
        id: Id,
        text: Option<&str>,
        add: Ids<'_>,
        remove: Ids<'_>,
    ) -> PyResult<()> {
        let (id, add, remove) = (Name::from(id), add.names()?, remove.names()?);
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let slot = core.known("hyperedge", &id)?;
            let remove = slots(&core, "remove", &remove)?;
            let trusted = core.graph.is_trusted(slot);
            with_nodes(&mut core, add.into_iter(), trusted, |core, add| {
                core.graph.update_hyperedge(slot, text, add, &remove)
            })
        })
    }

    /// Makes one hyperedge over the members of several, which are archived.
    fn merge_hyperedges(
        &self,
        py: Python<'_>,
        parents: Ids<'_>,
        id: Id,
        text: &str,
        time: i64,
    ) -> PyResult<()> {
        let (id, parents) = (Name::from(id), parents.names()?);
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            fresh(&core, &id)?;
            let parents = slots(&core, "hyperedges", &parents)?;
            let slot = core.reserve(&id);
            let done = core.graph.merge_hyperedges(&parents, slot, text, time);
            if done.is_err() {
                core.remove(slot);
            }
            done
        })
    }

    /// A hyperedge, or none of this id.
    fn hyperedge(&self, py: Python<'_>, id: Id) -> PyResult<Option<HyperedgeRow>> {
        let id = Name::from(id);
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let Some(slot) = core.slot(&id) else { return Ok(None) };
            let Some(found) = core.graph.hyperedge(slot) else { return Ok(None) };
            let (members, parents) = (ids(&core, &core.graph.members(slot))?, ids(&core, &found.parents)?);
            let trusted = core.graph.is_trusted(slot);
            Ok(Some((members, found.text.clone(), found.time, parents, found.archived.is_some(), trusted)))
        })
    }

    /// The hyperedges over any of some nodes, and the votes for each.
    fn incident(&self, py: Python<'_>, nodes: Ids<'_>) -> PyResult<Vec<(Id, u32)>> {
        let nodes = nodes.names()?;
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let found = core.graph.incident(&slots(&core, "nodes", &nodes)?);
            found.into_iter().map(|(node, votes)| Ok((core.name(node)?.into(), votes))).collect()
        })
    }
}
