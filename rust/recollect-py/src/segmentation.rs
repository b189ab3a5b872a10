//! Cutting streams into events.

use numpy::PyArray1;
use parking_lot::Mutex;
use pyo3::prelude::*;
use recollect_core::error::Result;
use recollect_core::segmentation::{
    Channels, Episode, Hindsight, Item, Merging, Objective, Rules, Segmenter as Core, Series, Valleys, merge,
    segment,
};

use crate::enter::enter;
use crate::errors::invalid;
use crate::graph_ids::listed;

/// Gammas of cosine and log-probability, window, least and most size, gap.
pub(crate) type RulesRow = (f64, f64, usize, u64, u64, Option<i64>);

pub(crate) fn rules((gamma_cosine, gamma_log_probability, window, least, most, gap): RulesRow) -> Rules {
    Rules { gamma_cosine, gamma_log_probability, window, least, most, gap }
}

/// Tells where segments begin while items come.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Segmenter {
    /// Taken only while detached.
    core: Mutex<Core>,
    pid: u32,
}

#[pymethods]
impl Segmenter {
    #[new]
    fn new(py: Python<'_>, row: RulesRow) -> PyResult<Self> {
        let pid = std::process::id();
        enter(py, pid, |_| Ok(Self { core: Mutex::new(Core::new(rules(row))?), pid }))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter(py, self.pid, |_| Ok(self.core.lock().len()))
    }

    /// One minus the cosine of the latest item to the mean of its segment before it.
    fn surprise(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        enter(py, self.pid, |_| Ok(self.core.lock().surprise()))
    }

    /// Takes an item; where it begins a segment its number, and the rules that fired.
    fn push(
        &self,
        py: Python<'_>,
        vector: Option<Bound<'_, PyArray1<f32>>>,
        surprise: Option<f64>,
        time: Option<i64>,
        size: u64,
    ) -> PyResult<Option<(usize, Vec<&'static str>)>> {
        let vector = vector.map(|x| listed(&x)).transpose()?;
        enter(py, self.pid, |_| {
            let item = Item { vector: vector.as_deref(), surprise, time, size };
            let cut = self.core.lock().push(item)?;
            Ok(cut.map(|cut| (cut.at, cut.channels.names())))
        })
    }
}

/// Where segments begin, the rules that fired, and the surprises.
#[pyfunction]
#[expect(clippy::too_many_arguments, clippy::type_complexity, reason = "columns in, columns out")]
pub(crate) fn segmentation_segment<'py>(
    py: Python<'py>,
    count: usize,
    vectors: &Bound<'py, PyArray1<f32>>,
    dim: usize,
    surprises: &Bound<'py, PyArray1<f64>>,
    times: &Bound<'py, PyArray1<i64>>,
    sizes: &Bound<'py, PyArray1<u64>>,
    row: RulesRow,
    topics: Option<(usize, f64)>,
    refine: Option<&str>,
) -> PyResult<(Bound<'py, PyArray1<i64>>, Vec<Vec<&'static str>>, Bound<'py, PyArray1<f32>>)> {
    let (vectors, surprises) = (listed(vectors)?, listed(surprises)?);
    let (times, sizes) = (listed(times)?, listed(sizes)?);
    let found = enter(py, std::process::id(), |cancel| {
        let series =
            Series { count, vectors: &vectors, dim, surprises: &surprises, times: &times, sizes: &sizes };
        let refined = refine.map(str::parse::<Objective>).transpose()?;
        let topics = topics.map(|(width, gamma)| Valleys { width, gamma });
        segment(series, rules(row), Hindsight { topics, refined }, cancel)
    })?;
    let bounds = found.bounds.into_iter().map(|x| x as i64).collect();
    let channels = found.channels.into_iter().map(Channels::names).collect();
    Ok((PyArray1::from_vec(py, bounds), channels, PyArray1::from_vec(py, found.surprise)))
}

/// The group of each episode.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "columns and rules")]
pub(crate) fn segmentation_merge<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyArray1<f32>>,
    dim: usize,
    starts: &Bound<'py, PyArray1<i64>>,
    ends: &Bound<'py, PyArray1<i64>>,
    nearest: usize,
    cosine: f64,
    gap: i64,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (vectors, starts, ends) = (listed(vectors)?, listed(starts)?, listed(ends)?);
    if starts.len() != ends.len() || vectors.len() != dim * starts.len() {
        return Err(invalid("vectors", "columns of different lengths"));
    }
    let groups: Vec<i64> = enter(py, std::process::id(), |cancel| -> Result<Vec<i64>> {
        let episodes: Vec<Episode<'_>> = (0..starts.len())
            .map(|at| Episode {
                vector: &vectors[at * dim..(at + 1) * dim],
                start: starts[at],
                end: ends[at],
            })
            .collect();
        let groups = merge(&episodes, &Merging { nearest, cosine, gap }, cancel)?;
        Ok(groups.into_iter().map(|x| x as i64).collect())
    })?;
    Ok(PyArray1::from_vec(py, groups))
}
