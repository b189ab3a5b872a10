//! The links between the memories of a namespace as Python sees them.

use pyo3::prelude::*;
use recollect_core::error::{Error, Result};
use recollect_core::id::Uid;
use recollect_core::store::{Link, Memory, Neighbour};
use recollect_core::time::Timestamp;

use crate::enter::{enter, write};
use crate::query::{uid as identity, uids as identities};

type NeighbourRow = (String, bool, String, f32, i64, bool);
/// Source and destination by position, relation, weight, time, whether it is believed.
type TieRow = (u32, u32, String, f32, i64, bool);
/// Memories, each with whether it is believed, and the edges between them.
type LinkageRows = (Vec<(String, bool)>, Vec<TieRow>);

/// The links of one namespace.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Links {
    pub memory: Memory,
    pub pid: u32,
}

fn column<T: Clone>(list: &[T], at: usize) -> Option<T> {
    // One value serves all links.
    list.get(if list.len() == 1 { 0 } else { at }).cloned()
}

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
impl Links {
    /// Links memories, all or none; a list of one value serves all of them.
    #[pyo3(signature = (src, dst, *, relation, weight, at, source, trust, now))]
    fn link(
        &self,
        py: Python<'_>,
        src: Vec<String>,
        dst: Vec<String>,
        relation: Vec<String>,
        weight: Vec<f32>,
        at: Vec<Option<i64>>,
        source: String,
        trust: f32,
        now: i64,
    ) -> PyResult<()> {
        write(py, self.pid, &self.memory, now, |memory, call| {
            let (from, to) = (identities(&src, "src")?, identities(&dst, "dst")?);
            let link = |(place, (src, dst)): (usize, (Uid, Uid))| -> Result<Link> {
                let short = |name: &str| Error::invalid(name, format!("expected {} values", from.len()));
                Ok(Link {
                    src,
                    dst,
                    relation: column(&relation, place).ok_or_else(|| short("relation"))?,
                    weight: column(&weight, place).ok_or_else(|| short("weight"))?,
                    time: column(&at, place).ok_or_else(|| short("at"))?.map(Timestamp),
                    source: source.clone(),
                    trust,
                })
            };
            let links = from.iter().copied().zip(to).enumerate().map(link).collect::<Result<Vec<_>>>()?;
            memory.link(&links, call)
        })
    }

    /// Takes links away; how many.
    #[pyo3(signature = (src, dst, *, relation=None, now))]
    fn unlink(
        &self,
        py: Python<'_>,
        src: &str,
        dst: &str,
        relation: Option<&str>,
        now: i64,
    ) -> PyResult<usize> {
        write(py, self.pid, &self.memory, now, |memory, call| {
            memory.unlink(identity(src, "src")?, identity(dst, "dst")?, relation, call)
        })
    }

    /// Adds to the weight of a link; the new weight.
    #[pyo3(signature = (src, dst, *, relation, by, now))]
    fn strengthen(
        &self,
        py: Python<'_>,
        src: &str,
        dst: &str,
        relation: &str,
        by: f32,
        now: i64,
    ) -> PyResult<f32> {
        write(py, self.pid, &self.memory, now, |memory, call| {
            memory.strengthen(identity(src, "src")?, identity(dst, "dst")?, relation, by, call)
        })
    }

    /// What stands next to a memory.
    #[pyo3(signature = (uid, *, direction="both", relations=None, now))]
    fn neighbours(
        &self,
        py: Python<'_>,
        uid: &str,
        direction: &str,
        relations: Option<Vec<String>>,
        now: i64,
    ) -> PyResult<Vec<NeighbourRow>> {
        let found = enter(py, self.pid, |cancel| {
            let (uid, direction) = (identity(uid, "uid")?, direction.parse()?);
            self.memory.neighbours(uid, direction, relations.as_deref(), Timestamp(now), cancel)
        })?;
        let row = |x: Neighbour| (x.uid.to_string(), x.out, x.relation, x.weight, x.time.0, x.trusted);
        Ok(found.into_iter().map(row).collect())
    }

    /// All links.
    #[pyo3(signature = (*, now))]
    fn all(&self, py: Python<'_>, now: i64) -> PyResult<LinkageRows> {
        let found = enter(py, self.pid, |cancel| self.memory.linkage(Timestamp(now), cancel))?;
        let memories = found.memories.into_iter().map(|(uid, trusted)| (uid.to_string(), trusted));
        let ties = found.ties.into_iter();
        let ties =
            ties.map(|(src, dst, x)| (src, dst, x.relation, x.weight, x.time.unwrap_or_default(), x.trusted));
        Ok((memories.collect(), ties.collect()))
    }
}
