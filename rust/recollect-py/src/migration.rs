//! The embedding spaces of a namespace as Python sees them, and its way from one to another.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use recollect_core::journal::ledger::Space;
use recollect_core::store::{Memory, Reembedded};

use crate::arrays::rows_by_owner;
use crate::enter::{enter, write};
use crate::query::uid as identity;

/// Name, dimensions, metric.
pub(crate) type SpaceRow = (String, u32, String);
type SpacesRow = (Option<SpaceRow>, Option<SpaceRow>, u64, u64);
type PendingRow = (String, u32, String, Option<String>);

/// A space as a row.
pub(crate) fn told(space: Space) -> SpaceRow {
    (space.name, space.dim, space.metric)
}

fn named((name, dim, metric): SpaceRow) -> Space {
    Space { name, dim, metric }
}

/// The way of one namespace from an embedding space to another.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Migration {
    pub memory: Memory,
    pub pid: u32,
}

#[pymethods]
impl Migration {
    /// The embedding space, the one the namespace moves to, how many memories are in it and how many there are.
    fn spaces(&self, py: Python<'_>) -> PyResult<SpacesRow> {
        let (own, migration) = enter(py, self.pid, |cancel| self.memory.spaces(cancel))?;
        let (done, total) = migration.as_ref().map_or((0, 0), |x| (x.done, x.total));
        Ok((own.map(told), migration.map(|x| told(x.to)), done, total))
    }

    /// Opens the space to move to, or goes on with it; whether there is anything to move.
    #[pyo3(signature = (space, *, now))]
    fn start(&self, py: Python<'_>, space: SpaceRow, now: i64) -> PyResult<bool> {
        let started = write(py, self.pid, &self.memory, now, |memory, call| {
            memory.start_migration(&named(space), call)
        })?;
        Ok(started.is_some())
    }

    /// The first memories that are still to be embedded in a space: uid, version, text, speaker.
    fn pending(&self, py: Python<'_>, space: SpaceRow, limit: usize) -> PyResult<Vec<PendingRow>> {
        let records = enter(py, self.pid, |cancel| self.memory.pending(&named(space), limit, cancel))?;
        Ok(records.into_iter().map(|x| (x.uid.to_string(), x.version, x.text, x.speaker)).collect())
    }

    /// Gives memories their vectors in the space the namespace moves to; with the last ones it moves.
    #[pyo3(signature = (memories, *, vectors, owners, space, now))]
    fn embed(
        &self,
        py: Python<'_>,
        memories: Vec<(String, u32)>,
        vectors: PyReadonlyArray2<'_, f32>,
        owners: PyReadonlyArray1<'_, i64>,
        space: SpaceRow,
        now: i64,
    ) -> PyResult<()> {
        let mut keys = rows_by_owner(&vectors, Some(&owners), memories.len())?.into_iter();
        write(py, self.pid, &self.memory, now, |memory, call| {
            let mut batch = Vec::with_capacity(memories.len());
            for (at, (uid, version)) in memories.iter().enumerate() {
                let uid = identity(uid, &format!("memories[{at}]"))?;
                batch.push(Reembedded { uid, version: *version, vectors: keys.next().unwrap_or_default() });
            }
            memory.embed(&named(space), batch, call).map(drop)
        })
    }

    /// Ends a migration where it is; whether there was one.
    #[pyo3(signature = (*, now))]
    fn abandon(&self, py: Python<'_>, now: i64) -> PyResult<bool> {
        write(py, self.pid, &self.memory, now, |memory, call| memory.abandon_migration(call))
    }
}
