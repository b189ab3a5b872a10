//! Edges of a graph: one at a time, or columns of them.

use numpy::PyArray1;
use pyo3::prelude::*;
use recollect_core::error::{Error, Result};
use recollect_core::graph::{Edge, Linked, Name};
use recollect_core::id::Slot;

use crate::enter::enter;
use crate::errors::invalid;
use crate::graph::{EdgeRow, Graph, edge_row, with_nodes};
use crate::graph_ids::{Id, Ids, Keys, listed};

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

#[pymethods]
impl Graph {
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
}
