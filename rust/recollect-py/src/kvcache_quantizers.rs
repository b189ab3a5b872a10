//! Quantizers of keys and values as Python calls them: arrays of parts, or None where a number cannot be quantized.

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use recollect_core::kvcache::{Grouping, Turned, encode_float8};

use crate::enter::enter;
use crate::kvcache_arrays::{Lent, counts};
use crate::kvcache_codes::shared_by;

type Words<'py> = Bound<'py, PyArray1<u32>>;
type Halves<'py> = Bound<'py, PyArray1<u16>>;

/// Codes, steps and zeros of whole numbers between least and greatest.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the settings of the quantizer")]
pub(crate) fn kvcache_whole_codes<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyAny>,
    form: &str,
    lengths: Option<PyReadonlyArray1<'py, i64>>,
    bits: usize,
    by_token: bool,
    group: usize,
    threads: usize,
) -> PyResult<Option<(Words<'py>, Halves<'py>, Halves<'py>)>> {
    let lent = Lent::new(rows, form)?;
    let heads = lent.heads(py, counts("lengths", lengths)?.as_deref())?;
    let made = enter(py, std::process::id(), |cancel| {
        Grouping::new(bits, by_token, group)?.encode(&heads, threads, cancel)
    })?;
    Ok(made.map(|made| {
        let halves = |part| PyArray1::from_vec(py, part);
        (PyArray1::from_vec(py, made.codes), halves(made.scale), halves(made.zero))
    }))
}

/// Codes and steps of float8 e4m3; `shared` is `"token"`, `"channel"` or `"head"`.
#[pyfunction]
pub(crate) fn kvcache_float8_codes<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyAny>,
    form: &str,
    lengths: Option<PyReadonlyArray1<'py, i64>>,
    shared: &str,
    block: usize,
    threads: usize,
) -> PyResult<Option<(Bound<'py, PyArray1<u8>>, Halves<'py>)>> {
    let shared = shared_by(shared)?;
    let lent = Lent::new(rows, form)?;
    let heads = lent.heads(py, counts("lengths", lengths)?.as_deref())?;
    let made = enter(py, std::process::id(), |cancel| encode_float8(&heads, shared, block, threads, cancel))?;
    Ok(made.map(|made| (PyArray1::from_vec(py, made.codes), PyArray1::from_vec(py, made.scale))))
}

/// Codes, factors and means of centred rows that are turned by `signs`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the settings of the quantizer")]
pub(crate) fn kvcache_turned_codes<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyAny>,
    form: &str,
    lengths: Option<PyReadonlyArray1<'py, i64>>,
    bits: usize,
    block: usize,
    signs: PyReadonlyArray1<'py, f32>,
    threads: usize,
) -> PyResult<Option<(Words<'py>, Halves<'py>, Halves<'py>)>> {
    let lent = Lent::new(rows, form)?;
    let heads = lent.heads(py, counts("lengths", lengths)?.as_deref())?;
    let signs: Vec<f32> = signs.as_array().iter().copied().collect();
    let made = enter(py, std::process::id(), |cancel| {
        Turned::new(bits, block, signs)?.encode(&heads, threads, cancel)
    })?;
    Ok(made.map(|made| {
        let halves = |part| PyArray1::from_vec(py, part);
        (PyArray1::from_vec(py, made.codes), halves(made.factor), halves(made.mean))
    }))
}
