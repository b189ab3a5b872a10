//! Selection and compaction as Python calls them.

use numpy::ndarray::{ArrayView4, Axis};
use numpy::{Element, PyArray1, PyReadonlyArray1, PyReadonlyArray4, PyReadwriteArray4};
use pyo3::prelude::*;
use recollect_core::kvcache::{Ends, gather, select};
use recollect_core::pages::Pod;

use crate::enter::enter;
use crate::errors::invalid;

type Places<'py> = Bound<'py, PyArray1<i32>>;

/// Places that stay of scores `(heads * tokens)`, and where each head begins.
#[pyfunction]
#[pyo3(signature = (scores, tokens, limits, n_sink, n_recent, threshold, threads))]
#[expect(clippy::too_many_arguments, reason = "the settings of the selection")]
pub(crate) fn kvcache_select<'py>(
    py: Python<'py>,
    scores: PyReadonlyArray1<'py, f32>,
    tokens: usize,
    limits: Vec<usize>,
    n_sink: usize,
    n_recent: usize,
    threshold: Option<f64>,
    threads: usize,
) -> PyResult<(Places<'py>, Places<'py>)> {
    let ends = Ends { sinks: n_sink, recent: n_recent, threshold };
    let scores = scores.as_slice().map_err(|_| invalid("scores", "not contiguous"))?;
    let found =
        enter(py, std::process::id(), |cancel| select(scores, tokens, &limits, ends, threads, cancel))?;
    Ok((PyArray1::from_vec(py, found.0), PyArray1::from_vec(py, found.1)))
}

/// The rows of some places of each head of `(batch, heads, tokens, dim)`, whatever their elements are.
#[pyfunction]
pub(crate) fn kvcache_gather<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyAny>,
    places: PyReadonlyArray1<'py, i32>,
    bounds: PyReadonlyArray1<'py, i32>,
    threads: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(rows) = rows.extract::<PyReadonlyArray4<'py, u8>>() {
        return gathered(py, rows, &places, &bounds, threads);
    }
    if let Ok(rows) = rows.extract::<PyReadonlyArray4<'py, u16>>() {
        return gathered(py, rows, &places, &bounds, threads);
    }
    if let Ok(rows) = rows.extract::<PyReadonlyArray4<'py, u32>>() {
        return gathered(py, rows, &places, &bounds, threads);
    }
    gathered(py, rows.extract::<PyReadonlyArray4<'py, u64>>()?, &places, &bounds, threads)
}

fn gathered<'py, T: Element + Pod + Send + Sync>(
    py: Python<'py>,
    rows: PyReadonlyArray4<'py, T>,
    places: &PyReadonlyArray1<'py, i32>,
    bounds: &PyReadonlyArray1<'py, i32>,
    threads: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (rows, places, bounds) = (rows.as_array(), places.as_slice()?, bounds.as_slice()?);
    let (heads, dim) = (heads(rows)?, rows.dim().3);
    let moved = enter(py, std::process::id(), |cancel| gather(&heads, dim, places, bounds, threads, cancel))?;
    Ok(PyArray1::from_vec(py, moved).into_any())
}

fn heads<'a, T>(array: ArrayView4<'a, T>) -> PyResult<Vec<(&'a [T], usize)>> {
    let (batch, count, _, dim) = array.dim();
    let mut found = Vec::with_capacity(batch * count);
    for index in 0..batch {
        let sequence = array.index_axis_move(Axis(0), index);
        let (over_heads, over_tokens) = (sequence.strides()[0], sequence.strides()[1]);
        let memory = sequence.to_slice_memory_order();
        for head in 0..count {
            found.push(match (sequence.index_axis_move(Axis(0), head).to_slice(), memory) {
                (Some(rows), _) => (rows, dim),
                (None, Some(memory)) if over_heads > 0 && over_tokens > 0 => {
                    (&memory[head * over_heads as usize..], over_tokens as usize)
                }
                _ => return Err(invalid("array", "rows of a head do not lie at equal steps")),
            });
        }
    }
    Ok(found)
}

/// Moves the rows of some places of each head to its front, in place; heads are contiguous.
#[pyfunction]
pub(crate) fn kvcache_move_front<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyAny>,
    places: PyReadonlyArray1<'py, i32>,
    bounds: PyReadonlyArray1<'py, i32>,
) -> PyResult<()> {
    if let Ok(rows) = rows.extract::<PyReadwriteArray4<'py, u8>>() {
        return moved(py, rows, &places, &bounds);
    }
    if let Ok(rows) = rows.extract::<PyReadwriteArray4<'py, u16>>() {
        return moved(py, rows, &places, &bounds);
    }
    if let Ok(rows) = rows.extract::<PyReadwriteArray4<'py, u32>>() {
        return moved(py, rows, &places, &bounds);
    }
    moved(py, rows.extract::<PyReadwriteArray4<'py, u64>>()?, &places, &bounds)
}

fn moved<'py, T: Element + Copy>(
    py: Python<'py>,
    mut rows: PyReadwriteArray4<'py, T>,
    places: &PyReadonlyArray1<'py, i32>,
    bounds: &PyReadonlyArray1<'py, i32>,
) -> PyResult<()> {
    let (places, bounds) = (places.as_slice()?, bounds.as_slice()?);
    let mut array = rows.as_array_mut();
    let (batch, heads, tokens, dim) = array.dim();
    let ascending = bounds.is_sorted() && bounds.first() == Some(&0);
    let inside = places.iter().all(|&place| usize::try_from(place).is_ok_and(|place| place < tokens));
    let whole =
        bounds.len() == batch * heads + 1 && bounds.last().is_some_and(|&x| x as usize == places.len());
    if !(ascending && inside && whole) {
        return Err(invalid("places", "they do not belong to the heads"));
    }
    let mut parts = Vec::with_capacity(batch * heads);
    let mut left = array.view_mut();
    for _ in 0..batch {
        let (mut sequence, others) = left.split_at(Axis(0), 1);
        left = others;
        for _ in 0..heads {
            let (head, rest) = sequence.split_at(Axis(1), 1);
            sequence = rest;
            parts.push(head.into_slice().ok_or_else(|| invalid("array", "a head is not contiguous"))?);
        }
    }
    // Never stopped halfway: that would leave neither the old heads nor the new ones.
    enter(py, std::process::id(), |_| {
        for (part, bound) in parts.into_iter().zip(bounds.windows(2)) {
            for (to, &from) in places[bound[0] as usize..bound[1] as usize].iter().enumerate() {
                part.copy_within(from as usize * dim..(from as usize + 1) * dim, to * dim);
            }
        }
        Ok(())
    })
}
