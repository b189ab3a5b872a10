//! The uses of the memories of a namespace as Python sees them.

use numpy::PyArray1;
use pyo3::prelude::*;
use recollect_core::activation::{BaseLevel, Formula, RECENT};
use recollect_core::error::Result;
use recollect_core::store::{Memory, Used};
use recollect_core::time::Timestamp;

use crate::enter::{enter, write};
use crate::query::{selection, uids as identities};

/// Number of uses, first, recent ones, base level, judged, succeeded, value, pinned.
type UseRow = (u32, i64, Vec<i64>, f64, u32, u32, f32, bool);
/// Identities; ingested, last use; number of uses; base levels; utilities; pinned.
type Columns<'py> = (
    Vec<String>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<bool>>,
);

/// The uses of the memories of one namespace.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Uses {
    pub memory: Memory,
    pub pid: u32,
}

fn level(decay: f64) -> Result<BaseLevel> {
    BaseLevel::new(decay, RECENT, Formula::Hybrid)
}

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
impl Uses {
    /// Notes that memories were of use.
    #[pyo3(signature = (uids, *, together, now))]
    fn reinforce(&self, py: Python<'_>, uids: Vec<String>, together: f32, now: i64) -> PyResult<()> {
        write(py, self.pid, &self.memory, now, |memory, call| {
            memory.reinforce(&identities(&uids, "uid")?, together, call)
        })
    }

    /// Notes what came of using memories.
    #[pyo3(signature = (uids, reward, *, now))]
    fn feedback(&self, py: Python<'_>, uids: Vec<String>, reward: f32, now: i64) -> PyResult<()> {
        write(py, self.pid, &self.memory, now, |memory, call| {
            memory.feedback(&identities(&uids, "uid")?, reward, call)
        })
    }

    /// Pins memories, or sets them free.
    #[pyo3(signature = (uids, pinned, *, now))]
    fn pin(&self, py: Python<'_>, uids: Vec<String>, pinned: bool, now: i64) -> PyResult<()> {
        write(py, self.pid, &self.memory, now, |memory, call| {
            memory.pin(&identities(&uids, "uid")?, pinned, call)
        })
    }

    /// The uses of some memories.
    #[pyo3(signature = (uids, *, decay, now))]
    fn of(&self, py: Python<'_>, uids: Vec<String>, decay: f64, now: i64) -> PyResult<Vec<UseRow>> {
        let found = enter(py, self.pid, |cancel| {
            self.memory.uses(&identities(&uids, "uid")?, &level(decay)?, Timestamp(now), cancel)
        })?;
        Ok(found.into_iter().map(row).collect())
    }

    /// The uses of all memories of a selection.
    #[pyo3(signature = (*, decay, now, filter=None, kinds=None, start=None, end=None))]
    fn all<'py>(
        &self,
        py: Python<'py>,
        decay: f64,
        now: i64,
        filter: Option<&str>,
        kinds: Option<Vec<String>>,
        start: Option<i64>,
        end: Option<i64>,
    ) -> PyResult<Columns<'py>> {
        let found = enter(py, self.pid, |cancel| {
            let selection = selection(filter, kinds, start, end)?;
            self.memory.uses_of(&selection, &level(decay)?, Timestamp(now), cancel)
        })?;
        Ok((
            found.iter().map(|x| x.uid.to_string()).collect(),
            PyArray1::from_iter(py, found.iter().map(|x| x.ingested.0)),
            PyArray1::from_iter(py, found.iter().map(|x| x.uses.history.last())),
            PyArray1::from_iter(py, found.iter().map(|x| x.uses.history.count())),
            PyArray1::from_iter(py, found.iter().map(|x| x.base_level)),
            PyArray1::from_iter(py, found.iter().map(|x| x.uses.value)),
            PyArray1::from_iter(py, found.iter().map(|x| x.pinned)),
        ))
    }
}

fn row(used: Used) -> UseRow {
    let uses = used.uses;
    (
        uses.history.count(),
        uses.history.first(),
        uses.history.recent().to_vec(),
        used.base_level,
        uses.judged,
        uses.succeeded,
        uses.value,
        used.pinned,
    )
}
