//! A collection of vectors as Python holds it.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use pyo3::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::collection::{Collection, Found};
use recollect_core::error::{Error, Result};
use recollect_core::simd::Kernels;
use recollect_core::vector::{DEFAULT_RECALL, Keep, Metric};

use crate::enter::enter;
use crate::errors::invalid;

type Ids<'py> = Bound<'py, PyArray1<i64>>;
type Scores<'py> = Bound<'py, PyArray1<f32>>;

/// Most threads of a call: starting one can fail, and more do not help.
const THREADS: usize = 256;

/// Numbers of a call up to which its vectors are copied before it is detached, which is sooner than attaching again.
const HELD: usize = 1 << 16;

/// Ids of an answer up to which it is short.
const SHORT: usize = 64;

/// Time between two looks for a signal while another call has the lock.
const WAIT: Duration = Duration::from_millis(50);

/// Vectors under ids.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct VectorIndex {
    /// Taken only while detached, so that nobody who waits for it keeps the interpreter from who has it.
    core: RwLock<Collection>,
    dim: usize,
    metric: Metric,
    keep: Keep,
    pid: u32,
}

/// Copied while attached, so that no other thread can change it.
fn listed<T: numpy::Element + Copy>(array: &Bound<'_, PyArray1<T>>) -> PyResult<Vec<T>> {
    match array.to_vec() {
        Ok(values) => Ok(values),
        Err(_) => Ok(array.try_readonly()?.as_array().iter().copied().collect()),
    }
}

/// Appends some rows of a matrix; copied while attached, a block at a time, so that others run between two of them.
fn rows(vectors: &Py<PyArray2<f32>>, range: Range<usize>, dim: usize, out: &mut Vec<f32>) -> Result<()> {
    Python::attach(|py| {
        let changed = || Error::invalid("vectors", "changed its shape during the call");
        let vectors = vectors.bind(py).try_readonly().map_err(|_| changed())?;
        let vectors = vectors.as_array();
        if vectors.nrows() < range.end || vectors.ncols() != dim {
            return Err(changed());
        }
        match vectors.as_slice() {
            Some(all) => out.extend_from_slice(&all[range.start * dim..range.end * dim]),
            None => range.for_each(|at| out.extend(vectors.row(at))),
        }
        Ok(())
    })
}

/// The vectors of a call.
enum Given {
    /// Few, copied.
    Held(Vec<f32>),
    /// Many, copied block by block.
    Asked(Py<PyArray2<f32>>),
}

impl Given {
    fn rows(&self, range: Range<usize>, dim: usize, out: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Held(all) => {
                out.extend_from_slice(&all[range.start * dim..range.end * dim]);
                Ok(())
            }
            Self::Asked(vectors) => rows(vectors, range, dim, out),
        }
    }
}

impl VectorIndex {
    fn given(&self, py: Python<'_>, vectors: &Bound<'_, PyArray2<f32>>) -> PyResult<Given> {
        let (count, owned) = (vectors.shape()[0], vectors.clone().unbind());
        if count.saturating_mul(self.dim) > HELD {
            return Ok(Given::Asked(owned));
        }
        let mut all = Vec::with_capacity(count * self.dim);
        rows(&owned, 0..count, self.dim, &mut all).map_err(|error| crate::errors::raise(py, error))?;
        Ok(Given::Held(all))
    }

    fn new_of(core: Collection) -> Self {
        let (dim, metric, keep) = (core.index().dim(), core.index().metric(), core.index().keep());
        Self { core: RwLock::new(core), dim, metric, keep, pid: std::process::id() }
    }

    fn read(&self, cancel: Cancel<'_>) -> Result<RwLockReadGuard<'_, Collection>> {
        loop {
            match self.core.try_read_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    fn write(&self, cancel: Cancel<'_>) -> Result<RwLockWriteGuard<'_, Collection>> {
        loop {
            match self.core.try_write_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }
}

#[pymethods]
impl VectorIndex {
    #[new]
    fn new(py: Python<'_>, dim: usize, metric: &str, keep: &str) -> PyResult<Self> {
        enter(py, std::process::id(), |_| {
            Ok(Self::new_of(Collection::new(dim, metric.parse()?, keep.parse()?)?))
        })
    }

    /// What was saved in a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        enter(py, std::process::id(), |cancel| Collection::load(&path, cancel).map(Self::new_of))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        enter(py, self.pid, |cancel| self.read(cancel)?.save(&path, cancel))
    }

    /// Components of a vector.
    #[getter]
    fn dim(&self) -> usize {
        self.dim
    }

    /// How closeness is measured.
    #[getter]
    fn metric(&self) -> &'static str {
        self.metric.word()
    }

    /// The form of the vectors.
    #[getter]
    fn keep(&self) -> &'static str {
        self.keep.word()
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.len()))
    }

    /// Whether an id has a vector.
    fn contains(&self, py: Python<'_>, id: i64) -> PyResult<bool> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.contains(id)))
    }

    /// All ids, ascending.
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Ids<'py>> {
        let ids = enter(py, self.pid, |cancel| Ok(self.read(cancel)?.ids()))?;
        Ok(PyArray1::from_vec(py, ids))
    }

    /// The vectors of ids as they are scored.
    fn vectors<'py>(
        &self,
        py: Python<'py>,
        ids: &Bound<'py, PyArray1<i64>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let ids = listed(ids)?;
        let vectors = enter(py, self.pid, |cancel| self.read(cancel)?.vectors(&ids))?;
        PyArray1::from_vec(py, vectors).reshape([ids.len(), self.dim])
    }

    /// Adds vectors, all or none; without ids they are counted on from the greatest so far.
    #[pyo3(signature = (vectors, ids=None))]
    fn add<'py>(
        &self,
        py: Python<'py>,
        vectors: &Bound<'py, PyArray2<f32>>,
        ids: Option<&Bound<'py, PyArray1<i64>>>,
    ) -> PyResult<Ids<'py>> {
        let ids = ids.map(listed).transpose()?;
        let (count, vectors) = (vectors.shape()[0], self.given(py, vectors)?);
        let ids = enter(py, self.pid, |cancel| {
            let mut source = |range: Range<usize>, out: &mut Vec<f32>| vectors.rows(range, self.dim, out);
            self.write(cancel)?.add(ids, count, &mut source, cancel)
        })?;
        // A short answer is copied sooner than handed over.
        Ok(if ids.len() < SHORT { PyArray1::from_slice(py, &ids) } else { PyArray1::from_vec(py, ids) })
    }

    /// Gives ids new vectors, all or none.
    fn update<'py>(
        &self,
        py: Python<'py>,
        ids: &Bound<'py, PyArray1<i64>>,
        vectors: &Bound<'py, PyArray2<f32>>,
    ) -> PyResult<()> {
        let (ids, count) = (listed(ids)?, vectors.shape()[0]);
        if ids.len() != count {
            return Err(invalid("ids", format!("{} ids for {count} vectors", ids.len())));
        }
        let vectors = self.given(py, vectors)?;
        enter(py, self.pid, |cancel| {
            let mut source = |range: Range<usize>, out: &mut Vec<f32>| vectors.rows(range, self.dim, out);
            self.write(cancel)?.update(&ids, &mut source, cancel)
        })
    }

    /// Takes vectors out, all or none, and gives their number.
    fn remove(&self, py: Python<'_>, ids: &Bound<'_, PyArray1<i64>>) -> PyResult<usize> {
        let ids = listed(ids)?;
        enter(py, self.pid, |cancel| self.write(cancel)?.remove(&ids))
    }

    /// The best k for a query.
    #[pyo3(signature = (query, k, recall=None, allow=None))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        query: &Bound<'py, PyArray1<f32>>,
        k: usize,
        recall: Option<f64>,
        allow: Option<&Bound<'py, PyArray1<i64>>>,
    ) -> PyResult<(Ids<'py>, Scores<'py>)> {
        let (query, allow) = (listed(query)?, allow.map(listed).transpose()?);
        let recall = recall.unwrap_or(DEFAULT_RECALL);
        let found = enter(py, self.pid, |cancel| {
            self.read(cancel)?.search(&query, k, recall, allow.as_deref(), cancel)
        })?;
        // A short answer is copied sooner than handed over.
        Ok((PyArray1::from_slice(py, &found.ids), PyArray1::from_slice(py, &found.scores)))
    }

    /// The best k for each query, on up to so many threads, or as many as there are cores.
    #[pyo3(signature = (queries, k, recall=None, allow=None, threads=None))]
    #[expect(clippy::type_complexity, reason = "two matrices")]
    fn search_many<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyArray2<f32>>,
        k: usize,
        recall: Option<f64>,
        allow: Option<&Bound<'py, PyArray1<i64>>>,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f32>>)> {
        let [count, dim] = [queries.shape()[0], queries.shape()[1]];
        if dim != self.dim {
            return Err(crate::errors::raise(
                py,
                Error::DimensionMismatch { argument: "queries".into(), expected: self.dim, found: dim },
            ));
        }
        let mut copied = Vec::new();
        rows(&queries.clone().unbind(), 0..count, dim, &mut copied)
            .map_err(|error| crate::errors::raise(py, error))?;
        let allow = allow.map(listed).transpose()?;
        let recall = recall.unwrap_or(DEFAULT_RECALL);
        let Found { ids, scores } = enter(py, self.pid, |cancel| {
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            let threads = threads.unwrap_or_else(cores).min(THREADS);
            self.read(cancel)?.search_many(&copied, k, recall, allow.as_deref(), threads, cancel)
        })?;
        let ids = PyArray1::from_vec(py, ids).reshape([count, k])?;
        Ok((ids, PyArray1::from_vec(py, scores).reshape([count, k])?))
    }

    /// How a search goes: way, cells visited, cells there are, slack, recall to expect.
    #[pyo3(signature = (k, recall=None, allow=None))]
    fn plan(
        &self,
        py: Python<'_>,
        k: usize,
        recall: Option<f64>,
        allow: Option<&Bound<'_, PyArray1<i64>>>,
    ) -> PyResult<(String, usize, usize, f32, f64)> {
        let allow = allow.map(listed).transpose()?;
        let recall = recall.unwrap_or(DEFAULT_RECALL);
        let plan = enter(py, self.pid, |cancel| Ok(self.read(cancel)?.plan(k, recall, allow.as_deref())))?;
        Ok((plan.way.to_string(), plan.cells, plan.of, plan.slack, plan.expected))
    }

    /// Vectors, bytes of memory, cells, and the instruction set of the kernels.
    fn stats(&self, py: Python<'_>) -> PyResult<(usize, usize, usize, String)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let simd = format!("{:?}", Kernels::best().tier()).to_lowercase();
            Ok((core.len(), core.bytes(), core.index().cells(), simd))
        })
    }
}
