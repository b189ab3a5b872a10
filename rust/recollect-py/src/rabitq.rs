//! Codes of a few bits an element as Python holds them.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use recollect_core::error::Error;
use recollect_core::vector::{Coded, Rabitq};

use crate::enter::enter;
use crate::errors::raise;

type Floats<'py> = Bound<'py, PyArray1<f32>>;

/// Planes, factors, norms and cosines.
type Parts<'py> = (Bound<'py, PyArray1<u64>>, Floats<'py>, Floats<'py>, Floats<'py>);

/// Positions and estimates, (queries, k).
type Found<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<f32>>);

/// Vectors on codes.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct RabitqCodes {
    rabitq: Rabitq,
    coded: Coded,
    pid: u32,
}

fn floats(values: &PyReadonlyArray1<'_, f32>) -> Vec<f32> {
    values.as_array().iter().copied().collect()
}

#[pymethods]
impl RabitqCodes {
    /// The codes of vectors, (vectors, dim).
    #[staticmethod]
    fn encode(
        py: Python<'_>,
        vectors: PyReadonlyArray2<'_, f32>,
        dim: usize,
        bits: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let vectors = vectors.as_array();
        if vectors.ncols() != dim {
            let (argument, found) = ("vectors".into(), vectors.ncols());
            return Err(raise(py, Error::DimensionMismatch { argument, expected: dim, found }));
        }
        let (copied, pid): (Vec<f32>, _) = (vectors.iter().copied().collect(), std::process::id());
        enter(py, pid, |cancel| {
            let rabitq = Rabitq::new(dim, bits, seed)?;
            let coded = rabitq.encode(&copied, cancel)?;
            Ok(Self { rabitq, coded, pid })
        })
    }

    /// Codes from what `parts` gave.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "the parts of the codes")]
    fn of_parts(
        py: Python<'_>,
        planes: PyReadonlyArray1<'_, u64>,
        factors: PyReadonlyArray1<'_, f32>,
        norms: PyReadonlyArray1<'_, f32>,
        cosines: PyReadonlyArray1<'_, f32>,
        dim: usize,
        bits: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let planes = planes.as_array().iter().copied().collect();
        let (factors, norms, cosines) = (floats(&factors), floats(&norms), floats(&cosines));
        let (coded, pid) = (Coded { planes, factors, norms, cosines }, std::process::id());
        enter(py, pid, |_| {
            let rabitq = Rabitq::new(dim, bits, seed)?;
            rabitq.check(&coded)?;
            Ok(Self { rabitq, coded, pid })
        })
    }

    fn __len__(&self) -> usize {
        self.coded.factors.len()
    }

    /// Planes, factors, norms and cosines.
    fn parts<'py>(&self, py: Python<'py>) -> Parts<'py> {
        let floats = |values: &Vec<f32>| PyArray1::from_slice(py, values);
        let Coded { planes, factors, norms, cosines } = &self.coded;
        (PyArray1::from_slice(py, planes), floats(factors), floats(norms), floats(cosines))
    }

    /// Estimates of inner products with a query, and their standard deviations.
    fn estimate<'py>(
        &self,
        py: Python<'py>,
        query: PyReadonlyArray1<'py, f32>,
    ) -> PyResult<(Floats<'py>, Floats<'py>)> {
        let query = floats(&query);
        let found = enter(py, self.pid, |cancel| self.rabitq.estimate(&self.coded, &query, cancel))?;
        Ok((PyArray1::from_vec(py, found.0), PyArray1::from_vec(py, found.1)))
    }

    /// The k greatest estimates of each query, (queries, k), and whose they are.
    fn search<'py>(
        &self,
        py: Python<'py>,
        queries: PyReadonlyArray2<'py, f32>,
        k: usize,
    ) -> PyResult<Found<'py>> {
        let queries: Vec<Vec<f32>> = queries.as_array().rows().into_iter().map(|row| row.to_vec()).collect();
        let k = k.min(self.coded.factors.len());
        let (mut ids, mut scores) = (Vec::new(), Vec::new());
        enter(py, self.pid, |cancel| {
            for query in &queries {
                let found = self.rabitq.search(&self.coded, query, k, cancel)?;
                ids.extend(found.iter().map(|scored| i64::from(scored.slot)));
                scores.extend(found.iter().map(|scored| scored.score));
            }
            Ok(())
        })?;
        let shape = [queries.len(), k];
        Ok((PyArray1::from_vec(py, ids).reshape(shape)?, PyArray1::from_vec(py, scores).reshape(shape)?))
    }
}
