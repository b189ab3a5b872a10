//! The hash tables as Python holds them.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use parking_lot::RwLock;
use pyo3::prelude::*;
use recollect_core::error::{Error, Result};
use recollect_core::lsh::{Kind, LshIndex as Core, Match, Settings};
use recollect_core::vector::Metric;

use crate::enter::enter;
use crate::errors::raise;

type Ids<'py> = Bound<'py, PyArray1<i64>>;
type Scores<'py> = Bound<'py, PyArray1<f32>>;

/// Vectors in hash tables.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct LshIndex {
    core: RwLock<Core>,
    dim: usize,
    pid: u32,
}

fn settings(family: &str, bits: usize, active: usize, tables: usize) -> Result<Settings> {
    Ok(Settings { bits, active, tables, ..Settings::new(1, family.parse::<Kind>()?) })
}

/// Copied while attached, so that no other thread can change it.
fn copied(
    py: Python<'_>,
    argument: &str,
    vectors: &PyReadonlyArray2<'_, f32>,
    dim: usize,
) -> PyResult<Vec<f32>> {
    let vectors = vectors.as_array();
    if vectors.ncols() != dim {
        let (argument, found) = (argument.into(), vectors.ncols());
        return Err(raise(py, Error::DimensionMismatch { argument, expected: dim, found }));
    }
    Ok(vectors.iter().copied().collect())
}

fn listed(ids: &PyReadonlyArray1<'_, i64>) -> Vec<i64> {
    ids.as_array().iter().copied().collect()
}

#[pymethods]
impl LshIndex {
    #[new]
    #[pyo3(signature = (dim, *, family, bits, active, tables, metric, seed))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        dim: usize,
        family: &str,
        bits: usize,
        active: usize,
        tables: usize,
        metric: &str,
        seed: u64,
    ) -> PyResult<Self> {
        let pid = std::process::id();
        let core = enter(py, pid, |_| {
            let metric: Metric = metric.parse()?;
            Core::new(Settings { dim, metric, seed, ..settings(family, bits, active, tables)? })
        })?;
        Ok(Self { core: RwLock::new(core), dim, pid })
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter(py, self.pid, |_| Ok(self.core.read().len()))
    }

    /// Whether an id has a vector.
    fn contains(&self, py: Python<'_>, id: i64) -> PyResult<bool> {
        enter(py, self.pid, |_| Ok(self.core.read().contains(id)))
    }

    /// Adds vectors, all or none; without ids they are counted on from the greatest so far.
    #[pyo3(signature = (vectors, ids=None))]
    fn add<'py>(
        &self,
        py: Python<'py>,
        vectors: PyReadonlyArray2<'py, f32>,
        ids: Option<PyReadonlyArray1<'py, i64>>,
    ) -> PyResult<Ids<'py>> {
        let (count, ids) = (vectors.as_array().nrows(), ids.map(|x| listed(&x)));
        let vectors = copied(py, "vectors", &vectors, self.dim)?;
        let ids = enter(py, self.pid, |cancel| {
            let mut core = self.core.write();
            let ids = match ids {
                Some(ids) => ids,
                None => core.next_ids(count)?,
            };
            core.add(&ids, &vectors, cancel)?;
            Ok(ids)
        })?;
        Ok(PyArray1::from_vec(py, ids))
    }

    /// Takes vectors out, all or none.
    fn remove(&self, py: Python<'_>, ids: PyReadonlyArray1<'_, i64>) -> PyResult<()> {
        let ids = listed(&ids);
        enter(py, self.pid, |_| self.core.write().remove(&ids))
    }

    /// Gives ids new vectors, all or none.
    fn update(
        &self,
        py: Python<'_>,
        ids: PyReadonlyArray1<'_, i64>,
        vectors: PyReadonlyArray2<'_, f32>,
    ) -> PyResult<()> {
        let (ids, vectors) = (listed(&ids), copied(py, "vectors", &vectors, self.dim)?);
        enter(py, self.pid, |cancel| self.core.write().update(&ids, &vectors, cancel))
    }

    /// The best k of each query, one after the other, and where each query's begin and end.
    #[pyo3(signature = (queries, k, *, probes, most=None))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        queries: PyReadonlyArray2<'py, f32>,
        k: usize,
        probes: usize,
        most: Option<usize>,
    ) -> PyResult<(Ids<'py>, Scores<'py>, Ids<'py>)> {
        let queries = copied(py, "queries", &queries, self.dim)?;
        let (found, ends) = enter(py, self.pid, |cancel| {
            let core = self.core.read();
            let (mut found, mut ends): (Vec<Match>, Vec<i64>) = (Vec::new(), vec![0]);
            for query in queries.chunks_exact(self.dim) {
                cancel.check()?;
                found.append(&mut core.search(query, k, probes, most, cancel)?);
                ends.push(found.len() as i64);
            }
            Ok((found, ends))
        })?;
        let ids = PyArray1::from_vec(py, found.iter().map(|x| x.id).collect());
        let scores = PyArray1::from_vec(py, found.iter().map(|x| x.score).collect());
        Ok((ids, scores, PyArray1::from_vec(py, ends)))
    }

    /// The ids that share a bucket with a query.
    #[pyo3(signature = (query, *, probes, most=None))]
    fn candidates<'py>(
        &self,
        py: Python<'py>,
        query: PyReadonlyArray1<'py, f32>,
        probes: usize,
        most: Option<usize>,
    ) -> PyResult<Ids<'py>> {
        let query: Vec<f32> = query.as_array().iter().copied().collect();
        let found = enter(py, self.pid, |_| self.core.read().candidates(&query, probes, most))?;
        Ok(PyArray1::from_vec(py, found))
    }

    /// Pairs above a cosine, and their cosines.
    fn near_duplicates<'py>(
        &self,
        py: Python<'py>,
        threshold: f64,
        miss: f64,
        most: usize,
    ) -> PyResult<(Bound<'py, PyArray2<i64>>, Scores<'py>)> {
        let found =
            enter(py, self.pid, |cancel| self.core.read().near_duplicates(threshold, miss, most, cancel))?;
        let ids: Vec<i64> = found.iter().flat_map(|pair| [pair.first, pair.second]).collect();
        let scores = PyArray1::from_vec(py, found.iter().map(|pair| pair.similarity).collect());
        Ok((PyArray1::from_vec(py, ids).reshape([found.len(), 2])?, scores))
    }

    /// Vectors, tables, keys of a table, entries, filled keys, vectors under the fullest key, bytes.
    fn stats(&self, py: Python<'_>) -> PyResult<(usize, usize, usize, usize, usize, usize, usize)> {
        let s = enter(py, self.pid, |_| Ok(self.core.read().stats()))?;
        Ok((s.vectors, s.tables, s.keys, s.entries, s.filled, s.largest, s.bytes))
    }
}

/// Probability that two vectors at a cosine share a given bucket, and any bucket.
#[pyfunction]
pub(crate) fn lsh_collision(
    py: Python<'_>,
    family: &str,
    similarity: f64,
    bits: usize,
    active: usize,
    tables: usize,
) -> PyResult<(f64, f64)> {
    let rates = || settings(family, bits, active, tables)?.rates(similarity);
    py.detach(rates).map_err(|error| raise(py, error))
}
