//! Scores of the tokens of a layer as Python calls them, `(batch * heads * tokens)`, not a number where one does not count.

use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::Result;
use recollect_core::kvcache::{Layer, Length, cosines, direction_sums, lag_relative, lengths};

use crate::enter::enter;
use crate::kvcache_arrays::Lent;

type Floats<'py> = Bound<'py, PyArray1<f32>>;

/// An array and the form of its elements.
pub(crate) type Part<'py> = (Bound<'py, PyAny>, String);

/// Runs `work` on the layer that keys, values and a mask of its tokens make.
///
/// # Errors
/// As [`Lent`], and as `work`.
pub(crate) fn over_layer<R: Send>(
    py: Python<'_>,
    keys: &Part<'_>,
    values: Option<&Part<'_>>,
    present: &PyReadonlyArray2<'_, bool>,
    work: impl FnOnce(&Layer<'_>, Cancel<'_>) -> Result<R> + Send,
) -> PyResult<R> {
    let keys = Lent::new(&keys.0, &keys.1)?;
    let values = values.map(|values| Lent::new(&values.0, &values.1)).transpose()?;
    let rows = keys.heads(py, None)?;
    let present: Vec<Vec<u32>> = present
        .as_array()
        .rows()
        .into_iter()
        .map(|row| (0..).zip(row).filter(|x| *x.1).map(|x| x.0).collect())
        .collect();
    let heads = rows.len() / present.len().max(1);
    let values = values.as_ref().map_or(Ok(Vec::new()), |values| values.heads(py, None))?;
    let layer = Layer { keys: rows, values, heads, present };
    enter(py, std::process::id(), |cancel| {
        layer.check()?;
        work(&layer, cancel)
    })
}

/// Lengths of keys or of values: `order` 1 for the sum of sizes, else Euclidean.
#[pyfunction]
#[pyo3(signature = (keys, values, present, of_values, order, threads))]
pub(crate) fn kvcache_lengths<'py>(
    py: Python<'py>,
    keys: Part<'py>,
    values: Option<Part<'py>>,
    present: PyReadonlyArray2<'py, bool>,
    of_values: bool,
    order: usize,
    threads: usize,
) -> PyResult<Floats<'py>> {
    let length = if order == 1 { Length::Sum } else { Length::Euclidean };
    let found = over_layer(py, &keys, values.as_ref(), &present, |layer, cancel| {
        lengths(layer, of_values, length, threads, cancel)
    })?;
    Ok(PyArray1::from_vec(py, found))
}

/// Sums of the directions of keys, f64 `(batch * heads * dim)`, and how many tokens of each sequence count.
#[pyfunction]
#[pyo3(signature = (keys, values, present, threads))]
pub(crate) fn kvcache_directions<'py>(
    py: Python<'py>,
    keys: Part<'py>,
    values: Option<Part<'py>>,
    present: PyReadonlyArray2<'py, bool>,
    threads: usize,
) -> PyResult<(Bound<'py, PyArray1<f64>>, Vec<usize>)> {
    let (sums, counts) = over_layer(py, &keys, values.as_ref(), &present, |layer, cancel| {
        direction_sums(layer, threads, cancel)
    })?;
    Ok((PyArray1::from_vec(py, sums), counts))
}

/// Cosines between keys and a direction a head.
#[pyfunction]
#[pyo3(signature = (keys, values, present, directions, threads))]
pub(crate) fn kvcache_cosines<'py>(
    py: Python<'py>,
    keys: Part<'py>,
    values: Option<Part<'py>>,
    present: PyReadonlyArray2<'py, bool>,
    directions: PyReadonlyArray1<'py, f32>,
    threads: usize,
) -> PyResult<Floats<'py>> {
    let directions: Vec<f32> = directions.as_array().iter().copied().collect();
    let found = over_layer(py, &keys, values.as_ref(), &present, |layer, cancel| {
        cosines(layer, &directions, threads, cancel)
    })?;
    Ok(PyArray1::from_vec(py, found))
}

/// Ranks within partitions by the spread in the range of the next one.
#[pyfunction]
#[pyo3(signature = (keys, values, present, n_sink, lag, eps, threads))]
#[expect(clippy::too_many_arguments, reason = "the settings of the score")]
pub(crate) fn kvcache_lag_relative<'py>(
    py: Python<'py>,
    keys: Part<'py>,
    values: Part<'py>,
    present: PyReadonlyArray2<'py, bool>,
    n_sink: usize,
    lag: usize,
    eps: f64,
    threads: usize,
) -> PyResult<Floats<'py>> {
    let found = over_layer(py, &keys, Some(&values), &present, |layer, cancel| {
        lag_relative(layer, n_sink, lag, eps, threads, cancel)
    })?;
    Ok(PyArray1::from_vec(py, found))
}
