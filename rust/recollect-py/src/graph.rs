//! A memory graph as Python holds it: nodes, edges and hyperedges.

use std::path::PathBuf;
use std::time::Duration;

use numpy::{PyArray1, PyArrayMethods};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use pyo3::prelude::*;
use recollect_core::activation::Workspaces;
use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::graph::{Edge, Linked, Name, NamedGraph};
use recollect_core::id::Slot;

use crate::enter::enter;
use crate::errors::{invalid, raise};

/// Time between two looks for a signal while another call has the lock.
const WAIT: Duration = Duration::from_millis(50);

/// An id as Python writes it.
#[derive(FromPyObject, IntoPyObject)]
pub(crate) enum Id {
    Number(i64),
    Text(String),
}

impl From<Id> for Name {
    fn from(id: Id) -> Self {
        match id {
            Id::Number(number) => Self::Number(number),
            Id::Text(text) => Self::Text(text.into()),
        }
    }
}

impl From<Name> for Id {
    fn from(name: Name) -> Self {
        match name {
            Name::Number(number) => Self::Number(number),
            Name::Text(text) => Self::Text(text.to_string()),
        }
    }
}

/// Many ids: an array of numbers, or a list.
#[derive(FromPyObject)]
pub(crate) enum Ids<'py> {
    Numbers(Bound<'py, PyArray1<i64>>),
    List(Vec<Id>),
}

impl Ids<'_> {
    /// Copied while attached, so that no other thread can change them.
    pub(crate) fn names(self) -> PyResult<Vec<Name>> {
        match self {
            Ids::Numbers(array) => Ok(listed(&array)?.into_iter().map(Name::Number).collect()),
            Ids::List(ids) => Ok(ids.into_iter().map(Name::from).collect()),
        }
    }
}

/// Many ids, copied.
enum Keys {
    Numbers(Vec<i64>),
    Names(Vec<Name>),
}

impl Keys {
    fn new(ids: Ids<'_>) -> PyResult<Self> {
        match ids {
            Ids::Numbers(array) => Ok(Self::Numbers(listed(&array)?)),
            list @ Ids::List(_) => Ok(Self::Names(list.names()?)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Names(names) => names.len(),
        }
    }

    fn get(&self, at: usize) -> Name {
        match self {
            Self::Numbers(numbers) => Name::Number(numbers[at]),
            Self::Names(names) => names[at].clone(),
        }
    }
}

/// Copied while attached, so that no other thread can change it.
pub(crate) fn listed<T: numpy::Element + Copy>(array: &Bound<'_, PyArray1<T>>) -> PyResult<Vec<T>> {
    match array.to_vec() {
        Ok(values) => Ok(values),
        Err(_) => Ok(array.try_readonly()?.as_array().iter().copied().collect()),
    }
}

/// An edge as it crosses: source, destination, relation, weight, time, provenance, trusted.
pub(crate) type EdgeRow = (Id, Id, String, f32, i64, Option<String>, bool);

/// A hyperedge as it crosses: members, text, time, parents, archived, trusted.
pub(crate) type HyperedgeRow = (Vec<Id>, String, i64, Vec<Id>, bool, bool);

/// Nodes with typed, weighted, timed edges.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Graph {
    /// Taken only while detached, so that nobody who waits for it keeps the interpreter from who has it.
    core: RwLock<NamedGraph>,
    pub(crate) spaces: Workspaces,
    pub(crate) pid: u32,
}

/// Edges in columns, before names are looked up.
struct Columns {
    src: Keys,
    dst: Keys,
    relations: Vec<String>,
    /// Number of the relation of each edge in the list; empty for one relation for all.
    codes: Vec<u32>,
    weights: Vec<f32>,
    times: Vec<i64>,
    source: Option<String>,
    trusted: bool,
}

impl Columns {
    fn edge(&self, at: usize, src: Slot, dst: Slot, relations: &[u16], source: u32) -> Edge {
        let one = |values: usize| if values == 1 { 0 } else { at };
        let code = self.codes.get(at).map_or(0, |&code| code as usize);
        Edge {
            src,
            dst,
            relation: relations[code],
            weight: self.weights[one(self.weights.len())],
            time: self.times[one(self.times.len())],
            source,
            trusted: self.trusted,
        }
    }
}

pub(crate) fn ids(core: &NamedGraph, nodes: &[Slot]) -> Result<Vec<Id>> {
    nodes.iter().map(|&node| Ok(core.name(node)?.into())).collect()
}

pub(crate) fn slots(core: &NamedGraph, argument: &str, names: &[Name]) -> Result<Vec<Slot>> {
    let one = |(at, name)| match core.slot(name) {
        Some(slot) => Ok(slot),
        None => core.known(&format!("{argument}[{at}]"), name),
    };
    names.iter().enumerate().map(one).collect()
}

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
fn with_nodes<R>(
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

    /// Takes an edge in, with its nodes; gives what became of it, and the edge it replaced or that was dropped.
    #[expect(clippy::too_many_arguments, reason = "an edge")]
    fn link(
        &self,
        py: Python<'_>,
        src: Id,
        dst: Id,
        relation: String,
        weight: f32,
        time: i64,
        source: Option<String>,
        trusted: bool,
    ) -> PyResult<(&'static str, Option<EdgeRow>)> {
        let (src, dst) = (Name::from(src), Name::from(dst));
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let relation = core.take_relation(&relation)?;
            let source = core.take_source(source.as_deref());
            let linked = with_nodes(&mut core, [src, dst].into_iter(), trusted, |core, ends| {
                core.graph.link(Edge { src: ends[0], dst: ends[1], relation, weight, time, source, trusted })
            })?;
            match linked {
                Linked::New => Ok(("new", None)),
                Linked::Replaced(edge) => Ok(("replaced", Some(edge_row(&core, &edge)?))),
                Linked::Dropped(edge) => Ok(("dropped", Some(edge_row(&core, &edge)?))),
            }
        })
    }

    /// Takes edges in, all or none, with their nodes; gives how many are new, how many replaced one, and what was dropped.
    #[expect(clippy::too_many_arguments, reason = "columns of edges")]
    fn link_many(
        &self,
        py: Python<'_>,
        src: Ids<'_>,
        dst: Ids<'_>,
        relations: Vec<String>,
        codes: &Bound<'_, PyArray1<u32>>,
        weights: &Bound<'_, PyArray1<f32>>,
        times: &Bound<'_, PyArray1<i64>>,
        source: Option<String>,
        trusted: bool,
    ) -> PyResult<(usize, usize, Vec<EdgeRow>)> {
        let (src, dst, codes) = (Keys::new(src)?, Keys::new(dst)?, listed(codes)?);
        let columns = Columns {
            src,
            dst,
            relations,
            codes,
            weights: listed(weights)?,
            times: listed(times)?,
            source,
            trusted,
        };
        let count = columns.src.len();
        let fits = |len: usize| len == count || len == 1;
        let codes = &columns.codes;
        let named = codes.iter().all(|&code| (code as usize) < columns.relations.len());
        if columns.dst.len() != count
            || !fits(columns.weights.len())
            || !fits(columns.times.len())
            || !(codes.len() == count || (codes.is_empty() && columns.relations.len() == 1))
            || !named
        {
            return Err(invalid("edges", "columns of different lengths"));
        }
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let relations = columns.relations.iter().map(|name| core.take_relation(name));
            let relations = relations.collect::<Result<Vec<u16>>>()?;
            let source = core.take_source(columns.source.as_deref());
            let names = (0..2 * count).map(|at| match at % 2 {
                0 => columns.src.get(at / 2),
                _ => columns.dst.get(at / 2),
            });
            let batch = with_nodes(&mut core, names, trusted, |core, ends| {
                let edge = |at| columns.edge(at, ends[2 * at], ends[2 * at + 1], &relations, source);
                let edges: Vec<Edge> = (0..count).map(edge).collect();
                core.graph.link_many(&edges, cancel)
            })?;
            let dropped = batch.dropped.iter().map(|edge| edge_row(&core, edge)).collect::<Result<_>>()?;
            Ok((batch.new, batch.replaced, dropped))
        })
    }

    /// Takes an edge away.
    fn unlink(&self, py: Python<'_>, src: Id, dst: Id, relation: &str) -> PyResult<bool> {
        let (src, dst) = (Name::from(src), Name::from(dst));
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let ends = (core.slot(&src), core.slot(&dst), core.relation(relation));
            let (Some(src), Some(dst), Some(relation)) = ends else { return Ok(false) };
            Ok(core.graph.unlink(src, dst, relation).is_some())
        })
    }

    /// Adds to the weight of an edge; gives the new one.
    fn strengthen(
        &self,
        py: Python<'_>,
        src: Id,
        dst: Id,
        relation: &str,
        by: f32,
        time: i64,
    ) -> PyResult<f32> {
        let (src, dst) = (Name::from(src), Name::from(dst));
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let unknown = || Error::UnknownEdge { src: src.to_string(), dst: dst.to_string() };
            let ends = (core.slot(&src), core.slot(&dst), core.relation(relation));
            let (Some(a), Some(b), Some(relation)) = ends else { return Err(unknown()) };
            match core.graph.strengthen(a, b, relation, by, time) {
                Err(Error::UnknownEdge { .. }) => Err(unknown()),
                done => done,
            }
        })
    }

    /// The edge from a node to another under a relation.
    fn edge(&self, py: Python<'_>, src: Id, dst: Id, relation: &str) -> PyResult<Option<EdgeRow>> {
        let (src, dst) = (Name::from(src), Name::from(dst));
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let ends = (core.slot(&src), core.slot(&dst), core.relation(relation));
            let (Some(src), Some(dst), Some(relation)) = ends else { return Ok(None) };
            core.graph.get(src, dst, relation).map(|edge| edge_row(&core, &edge)).transpose()
        })
    }

    /// The edges out of a node, or into it.
    fn edges(&self, py: Python<'_>, node: Id, into: bool) -> PyResult<Vec<EdgeRow>> {
        let node = Name::from(node);
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let slot = core.known("node", &node)?;
            if into {
                let all = core.graph.edges_into(slot);
                all.map(|(src, record)| edge_row(&core, &core.graph.edge(src, record))).collect()
            } else {
                core.graph.out(slot).map(|record| edge_row(&core, &core.graph.edge(slot, record))).collect()
            }
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

fn fresh(core: &NamedGraph, id: &Name) -> Result<()> {
    match core.slot(id) {
        Some(_) => Err(Error::invalid("id", format!("{id} is in the graph already"))),
        None => Ok(()),
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
