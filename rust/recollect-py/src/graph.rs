//! A memory graph as Python holds it: the object, its nodes and its file.

use std::path::PathBuf;
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use pyo3::prelude::*;
use recollect_core::activation::Workspaces;
use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::graph::{Edge, Name, NamedGraph};
use recollect_core::id::Slot;

use crate::enter::enter;
use crate::errors::raise;
use crate::graph_ids::{Id, Ids, Keys, slots};

/// Time between two looks for a signal while another call has the lock.
const WAIT: Duration = Duration::from_millis(50);

/// An edge as it crosses: source, destination, relation, weight, time, provenance, trusted.
pub(crate) type EdgeRow = (Id, Id, String, f32, i64, Option<String>, bool);

/// Nodes with typed, weighted, timed edges.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Graph {
    /// Taken only while detached, so that nobody who waits for it keeps the interpreter from who has it.
    core: RwLock<NamedGraph>,
    pub(crate) spaces: Workspaces,
    pub(crate) pid: u32,
}

/// An edge as Python sees it.
pub(crate) fn edge_row(core: &NamedGraph, edge: &Edge) -> Result<EdgeRow> {
    let (src, dst) = (core.name(edge.src)?.into(), core.name(edge.dst)?.into());
    let source = core.source_name(edge.source).map(str::to_owned);
    let relation = core.relation_name(edge.relation).to_owned();
    Ok((src, dst, relation, edge.weight, edge.time, source, edge.trusted))
}

impl Graph {
    pub(crate) fn read(&self, cancel: Cancel<'_>) -> Result<RwLockReadGuard<'_, NamedGraph>> {
        loop {
            match self.core.try_read_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    pub(crate) fn write(&self, cancel: Cancel<'_>) -> Result<RwLockWriteGuard<'_, NamedGraph>> {
        loop {
            match self.core.try_write_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    fn new_of(core: NamedGraph) -> Self {
        Self { core: RwLock::new(core), spaces: Workspaces::default(), pid: std::process::id() }
    }
}

/// Undoes nodes that a call took in, if it fails.
pub(crate) fn with_nodes<R>(
    core: &mut NamedGraph,
    names: impl ExactSizeIterator<Item = Name>,
    trusted: bool,
    work: impl FnOnce(&mut NamedGraph, &[Slot]) -> Result<R>,
) -> Result<R> {
    let (mut slots, mut new) = (Vec::with_capacity(names.len()), Vec::new());
    let mut failed = None;
    for name in names {
        match core.take(&name, trusted) {
            Ok((slot, known)) => {
                slots.push(slot);
                if !known {
                    new.push(slot);
                }
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let done = failed.map_or_else(|| work(core, &slots), Err);
    if done.is_err() {
        new.into_iter().rev().for_each(|slot| {
            core.remove(slot);
        });
    }
    done
}

#[pymethods]
impl Graph {
    #[new]
    #[pyo3(signature = (max_degree=None))]
    fn new(py: Python<'_>, max_degree: Option<u32>) -> PyResult<Self> {
        enter(py, std::process::id(), |_| Ok(Self::new_of(NamedGraph::new(max_degree)?)))
    }

    /// What was saved in a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        enter(py, std::process::id(), |cancel| NamedGraph::load(&path, cancel).map(Self::new_of))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        enter(py, self.pid, |cancel| self.read(cancel)?.save(&path, cancel))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.graph.len()))
    }

    /// Whether a node is there.
    fn contains(&self, py: Python<'_>, node: Id) -> PyResult<bool> {
        let node = Name::from(node);
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.slot(&node).is_some()))
    }

    /// All nodes in the order of their slots.
    fn nodes(&self, py: Python<'_>) -> PyResult<Vec<Id>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            core.graph.nodes().iter().map(|node| Ok(core.name(node)?.into())).collect()
        })
    }

    /// Takes nodes in, all or none; gives how many are new.
    fn add_nodes(&self, py: Python<'_>, nodes: Ids<'_>, trusted: bool) -> PyResult<usize> {
        let keys = Keys::new(nodes)?;
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let before = core.graph.len();
            with_nodes(&mut core, (0..keys.len()).map(|at| keys.get(at)), trusted, |core, _| {
                cancel.check()?;
                Ok(core.graph.len() - before)
            })
        })
    }

    /// Says whether nodes are believed.
    fn set_trusted(&self, py: Python<'_>, nodes: Ids<'_>, trusted: bool) -> PyResult<()> {
        let names = nodes.names()?;
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let nodes = slots(&core, "nodes", &names)?;
            nodes.into_iter().for_each(|node| core.graph.set_trusted(node, trusted));
            Ok(())
        })
    }

    /// Takes nodes away, all or none; gives how many edges went.
    fn remove(&self, py: Python<'_>, nodes: Ids<'_>) -> PyResult<usize> {
        let names = nodes.names()?;
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let mut nodes = slots(&core, "nodes", &names)?;
            nodes.sort_unstable();
            nodes.dedup();
            cancel.check()?;
            Ok(nodes.into_iter().map(|node| core.remove(node)).sum())
        })
    }

    /// Makes one node of two; gives the edges that were dropped.
    fn merge(&self, py: Python<'_>, into: Id, node: Id) -> PyResult<Vec<EdgeRow>> {
        let (into, node) = (Name::from(into), Name::from(node));
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let (into, node) = (core.known("into", &into)?, core.known("node", &node)?);
            let dropped = core.merge(into, node)?;
            dropped.iter().map(|edge| edge_row(&core, edge)).collect()
        })
    }

    /// Nodes, edges, hyperedges, edges dropped, bytes of memory, and the names of the relations.
    fn stats(&self, py: Python<'_>) -> PyResult<(usize, usize, usize, u64, usize, Vec<String>)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (graph, relations) = (&core.graph, core.relations().map(str::to_owned).collect());
            let hyperedges = graph.hyperedges().count();
            Ok((graph.len(), graph.edges(), hyperedges, graph.dropped(), core.bytes(), relations))
        })
    }
}

/// A cycle as the ids of its nodes; other errors as they are.
pub(crate) fn raise_named(py: Python<'_>, graph: &Graph, error: Error) -> PyErr {
    let Error::Cycle { nodes } = &error else { return raise(py, error) };
    let shown = enter(py, graph.pid, |cancel| {
        let core = graph.read(cancel)?;
        let all = nodes.iter().chain(nodes.first()).map(|&node| Ok(core.name(node)?.to_string()));
        Ok(all.collect::<Result<Vec<_>>>()?.join(" -> "))
    });
    shown.map_or_else(|error| error, |shown| crate::errors::cycle(&shown))
}
