//! Walks over a graph: neighbourhoods, paths, orders, communities.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::graph::{Communities, Follow, Name, NamedGraph, standing_out};

use crate::enter::enter;
use crate::graph::{Graph, raise_named};
use crate::graph_ids::{Id, Ids, ids, slots};

/// Which edges a call follows: relations, direction, trusted only.
pub(crate) type FollowRow = (Option<Vec<String>>, String, bool);

fn follow(core: &NamedGraph, (relations, direction, trusted): &FollowRow) -> Result<Follow> {
    let relations = relations.as_ref().map(|names| names.iter().filter_map(|x| core.relation(x)).collect());
    Ok(Follow { relations, direction: direction.parse()?, trusted: *trusted })
}

impl Graph {
    /// Enters with the graph; a cycle is told by the ids of its nodes.
    fn ordered<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(Cancel<'_>) -> Result<R> + Send,
    ) -> PyResult<R> {
        let done = enter(py, self.pid, |cancel| match work(cancel) {
            Err(error @ Error::Cycle { .. }) => Ok(Err(error)),
            done => done.map(Ok),
        })?;
        done.map_err(|error| raise_named(py, self, error))
    }
}

#[pymethods]
impl Graph {
    /// Nodes within some hops, each with its distance.
    fn neighbours(
        &self,
        py: Python<'_>,
        nodes: Ids<'_>,
        hops: u32,
        how: FollowRow,
    ) -> PyResult<Vec<(Id, u32)>> {
        let nodes = nodes.names()?;
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (from, how) = (slots(&core, "nodes", &nodes)?, follow(&core, &how)?);
            let found = core.graph.neighbours(&from, hops, &how, cancel)?;
            found.into_iter().map(|(node, hop)| Ok((core.name(node)?.into(), hop))).collect()
        })
    }

    /// Everything that can be reached.
    fn closure(&self, py: Python<'_>, node: Id, how: FollowRow) -> PyResult<Vec<Id>> {
        let node = Name::from(node);
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (node, how) = (core.known("node", &node)?, follow(&core, &how)?);
            ids(&core, &core.graph.closure(node, &how, cancel)?)
        })
    }

    /// The shortest path and its length.
    fn shortest_path(
        &self,
        py: Python<'_>,
        src: Id,
        dst: Id,
        length: &str,
        how: FollowRow,
    ) -> PyResult<Option<(Vec<Id>, f64)>> {
        let (src, dst) = (Name::from(src), Name::from(dst));
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (from, to) = (core.known("src", &src)?, core.known("dst", &dst)?);
            let how = follow(&core, &how)?;
            let found = core.graph.shortest_path(from, to, length.parse()?, &how, cancel)?;
            found.map(|(path, length)| Ok((ids(&core, &path)?, length))).transpose()
        })
    }

    /// Every node before those its edges lead to.
    fn toposort(&self, py: Python<'_>, how: FollowRow) -> PyResult<Vec<Id>> {
        self.ordered(py, |cancel| {
            let core = self.read(cancel)?;
            let order = core.graph.toposort(&follow(&core, &how)?, cancel)?;
            ids(&core, &order)
        })
    }

    /// Marks what depends on a node; gives it in order.
    fn propagate(&self, py: Python<'_>, node: Id, how: FollowRow) -> PyResult<Vec<Id>> {
        let node = Name::from(node);
        self.ordered(py, |cancel| {
            let mut core = self.write(cancel)?;
            let (slot, how) = (core.known("node", &node)?, follow(&core, &how)?);
            let stale = core.graph.propagate(slot, &how, cancel)?;
            ids(&core, &stale)
        })
    }

    /// The nodes that are marked.
    fn dirty(&self, py: Python<'_>) -> PyResult<Vec<Id>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            ids(&core, &core.graph.dirty().iter().collect::<Vec<_>>())
        })
    }

    /// Takes marks off; gives how many there were.
    fn clean(&self, py: Python<'_>, nodes: Ids<'_>) -> PyResult<usize> {
        let nodes = nodes.names()?;
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let nodes = slots(&core, "nodes", &nodes)?;
            Ok(nodes.into_iter().filter(|&node| core.graph.clean(node)).count())
        })
    }

    /// What an amount of an item takes.
    fn requirements(
        &self,
        py: Python<'_>,
        item: Id,
        amount: f64,
        relation: &str,
        yields: Vec<(Id, f64)>,
    ) -> PyResult<Vec<(Id, f64, u64)>> {
        let item = Name::from(item);
        let yields: Vec<(Name, f64)> = yields.into_iter().map(|(id, x)| (id.into(), x)).collect();
        self.ordered(py, |cancel| {
            let core = self.read(cancel)?;
            let item = core.known("item", &item)?;
            let known = yields.iter().map(|(name, x)| Ok((core.known("yields", name)?, *x)));
            let yields = known.collect::<Result<BTreeMap<_, _>>>()?;
            // A relation that no edge has makes the item a raw material.
            let relation = core.relation(relation).unwrap_or(u16::MAX);
            let found = core.graph.requirements(item, amount, relation, &yields, cancel)?;
            found.into_iter().map(|x| Ok((core.name(x.node)?.into(), x.amount, x.crafts))).collect()
        })
    }

    /// Groups of nodes.
    fn communities(
        &self,
        py: Python<'_>,
        method: &str,
        resolution: f64,
        seed: u64,
        how: FollowRow,
    ) -> PyResult<Vec<Vec<Id>>> {
        enter(py, self.pid, |cancel| {
            let by = match method.parse()? {
                Communities::Modularity { .. } => Communities::Modularity { resolution },
                by => by,
            };
            let core = self.read(cancel)?;
            let groups = core.graph.communities(by, &follow(&core, &how)?, seed, cancel)?;
            groups.iter().map(|group| ids(&core, group)).collect()
        })
    }
}

/// Positions of the scores that stand out.
#[pyfunction]
pub(crate) fn graph_standing_out(scores: Vec<f64>) -> Vec<usize> {
    standing_out(&scores)
}
