//! Attention as Python calls it: over a layer, and over codes.

use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use recollect_core::kvcache::{HeadSegment, attend, decode, products, received, weighted_sums};

use crate::enter::enter;
use crate::kvcache_arrays::Lent;
use crate::kvcache_codes::Parts;
use crate::kvcache_scores::{Part, over_layer};

type Floats<'py> = Bound<'py, PyArray1<f32>>;

/// What the last `window` queries pay to tokens, `(batch * query heads * tokens)`, and how many voted of each sequence.
#[pyfunction]
#[pyo3(signature = (keys, values, queries, present, window, decay, threads))]
#[expect(clippy::too_many_arguments, reason = "the parts of a layer")]
pub(crate) fn kvcache_received<'py>(
    py: Python<'py>,
    keys: Part<'py>,
    values: Option<Part<'py>>,
    queries: Part<'py>,
    present: PyReadonlyArray2<'py, bool>,
    window: usize,
    decay: f64,
    threads: usize,
) -> PyResult<(Floats<'py>, Vec<usize>)> {
    let asked = Lent::new(&queries.0, &queries.1)?;
    let asked = asked.heads(py, None)?;
    let found = over_layer(py, &keys, values.as_ref(), &present, |layer, cancel| {
        received(layer, &asked, window, decay, threads, cancel)
    })?;
    Ok((PyArray1::from_vec(py, found.sums), found.votes))
}

/// Products of queries `(heads * rows * dim)` with quantized rows.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "shapes and parts")]
pub(crate) fn kvcache_products<'py>(
    py: Python<'py>,
    queries: PyReadonlyArray1<'py, f32>,
    rows: usize,
    parts: &Bound<'py, PyTuple>,
    heads: usize,
    tokens: usize,
    dim: usize,
    threads: usize,
) -> PyResult<Floats<'py>> {
    let (parts, queries) = (Parts::new(py, parts)?, queries.as_slice()?);
    let heads = parts.heads(py, heads, tokens, dim)?;
    let found = enter(py, std::process::id(), |cancel| products(queries, rows, &heads, threads, cancel))?;
    Ok(PyArray1::from_vec(py, found))
}

/// The rows that codes stand for, `(heads * tokens * dim)`.
#[pyfunction]
pub(crate) fn kvcache_decoded<'py>(
    py: Python<'py>,
    parts: &Bound<'py, PyTuple>,
    heads: usize,
    tokens: usize,
    dim: usize,
    threads: usize,
) -> PyResult<Floats<'py>> {
    let parts = Parts::new(py, parts)?;
    let heads = parts.heads(py, heads, tokens, dim)?;
    let found = enter(py, std::process::id(), |cancel| decode(&heads, threads, cancel))?;
    Ok(PyArray1::from_vec(py, found))
}

/// Sums of quantized rows by weights `(heads * rows * tokens)`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "shapes and parts")]
pub(crate) fn kvcache_weighted_sums<'py>(
    py: Python<'py>,
    weights: PyReadonlyArray1<'py, f32>,
    rows: usize,
    parts: &Bound<'py, PyTuple>,
    heads: usize,
    tokens: usize,
    dim: usize,
    threads: usize,
) -> PyResult<Floats<'py>> {
    let (parts, weights) = (Parts::new(py, parts)?, weights.as_slice()?);
    let heads = parts.heads(py, heads, tokens, dim)?;
    let found =
        enter(py, std::process::id(), |cancel| weighted_sums(weights, rows, &heads, threads, cancel))?;
    Ok(PyArray1::from_vec(py, found))
}

/// First head, how many heads, tokens, parts of keys, parts of values, positions.
type Segment<'py> =
    (usize, usize, usize, Bound<'py, PyTuple>, Bound<'py, PyTuple>, PyReadonlyArray1<'py, i64>);

/// Attention of queries `(heads * rows * dim)`, already scaled, up to the positions `until` `(heads * rows)`: outputs and
/// logarithms of sums.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "shapes and parts")]
pub(crate) fn kvcache_attend<'py>(
    py: Python<'py>,
    queries: PyReadonlyArray1<'py, f32>,
    until: PyReadonlyArray1<'py, i64>,
    rows: usize,
    dim: usize,
    value_dim: usize,
    segments: Vec<Segment<'py>>,
    threads: usize,
) -> PyResult<(Floats<'py>, Floats<'py>)> {
    let mut held = Vec::with_capacity(segments.len());
    for (_, _, _, keys, values, _) in &segments {
        held.push((Parts::new(py, keys)?, Parts::new(py, values)?));
    }
    let mut all = Vec::new();
    for ((first, heads, tokens, _, _, positions), (keys, values)) in segments.iter().zip(&held) {
        let positions = positions.as_slice()?;
        let keys = keys.heads(py, *heads, *tokens, dim)?;
        let values = values.heads(py, *heads, *tokens, value_dim)?;
        all.extend(keys.into_iter().zip(values).enumerate().map(|(at, (keys, values))| HeadSegment {
            head: first + at,
            keys,
            values,
            positions,
        }));
    }
    let (queries, until) = (queries.as_slice()?, until.as_slice()?);
    let found = enter(py, std::process::id(), |cancel| {
        attend(queries, until, rows, value_dim, &all, threads, cancel)
    })?;
    Ok((PyArray1::from_vec(py, found.output), PyArray1::from_vec(py, found.lse)))
}
