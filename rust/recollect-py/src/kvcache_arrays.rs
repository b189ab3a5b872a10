//! Keys, values and queries as they lie in NumPy's memory: lent to the core for one call, not copied.
//!
//! The caller sees to it that no other thread writes to them meanwhile, as for any call of NumPy without the GIL; a number
//! that changes would be taken as before or after, and is never an index.

use numpy::ndarray::{ArrayView4, Axis};
use numpy::{PyReadonlyArray1, PyReadonlyArray4};
use pyo3::prelude::*;
use recollect_core::kvcache::{Elements, Rows};

use crate::errors::{invalid, raise};

/// An array `(batch, heads, tokens, dim)` with the form of its elements.
pub(crate) enum Lent<'py> {
    F32(PyReadonlyArray4<'py, f32>),
    F16(PyReadonlyArray4<'py, u16>),
    Bf16(PyReadonlyArray4<'py, u16>),
}

impl<'py> Lent<'py> {
    /// The array as what `form` says: `"f32"`, `"f16"` or `"bf16"`, the last two as u16.
    ///
    /// # Errors
    /// `InvalidArgument` for another form, `TypeError` for an array of another type or other axes.
    pub(crate) fn new(array: &Bound<'py, PyAny>, form: &str) -> PyResult<Self> {
        Ok(match form {
            "f32" => Self::F32(array.extract()?),
            "f16" => Self::F16(array.extract()?),
            "bf16" => Self::Bf16(array.extract()?),
            _ => return Err(invalid("form", format!("{form} is none of f32, f16 and bf16"))),
        })
    }

    /// The rows of all heads, those of the first sequence first; of each sequence the `counts` given count.
    ///
    /// # Errors
    /// `InvalidArgument` if rows are not contiguous, or counts do not belong to the array.
    pub(crate) fn heads(&self, py: Python<'_>, counts: Option<&[usize]>) -> PyResult<Vec<Rows<'_>>> {
        match self {
            Self::F32(array) => heads(py, array.as_array(), Elements::F32, counts),
            Self::F16(array) => heads(py, array.as_array(), Elements::F16, counts),
            Self::Bf16(array) => heads(py, array.as_array(), Elements::Bf16, counts),
        }
    }
}

/// Whole numbers, none below zero.
///
/// # Errors
/// `InvalidArgument` for one below zero.
pub(crate) fn counts(
    argument: &str,
    given: Option<PyReadonlyArray1<'_, i64>>,
) -> PyResult<Option<Vec<usize>>> {
    let Some(given) = given else { return Ok(None) };
    let found = given.as_array().iter().map(|&count| usize::try_from(count)).collect::<Result<_, _>>();
    found.map(Some).map_err(|_| invalid(argument, "one is below zero"))
}

fn heads<'a, T>(
    py: Python<'_>,
    array: ArrayView4<'a, T>,
    wrap: fn(&'a [T]) -> Elements<'a>,
    counts: Option<&[usize]>,
) -> PyResult<Vec<Rows<'a>>> {
    let (batch, heads, tokens, dim) = array.dim();
    if counts.is_some_and(|counts| counts.len() != batch) {
        return Err(invalid("counts", format!("expected one for each of {batch} sequences")));
    }
    let mut found = Vec::with_capacity(batch * heads);
    for index in 0..batch {
        let count = counts.map_or(tokens, |counts| counts[index]);
        let sequence = array.index_axis_move(Axis(0), index);
        let (over_heads, over_tokens) = (sequence.strides()[0], sequence.strides()[1]);
        let memory = sequence.to_slice_memory_order();
        for head in 0..heads {
            let (elements, stride) = match (sequence.index_axis_move(Axis(0), head).to_slice(), memory) {
                (Some(rows), _) => (rows, dim),
                (None, Some(memory)) if over_heads > 0 && over_tokens > 0 => {
                    (&memory[head * over_heads as usize..], over_tokens as usize)
                }
                _ => return Err(invalid("array", "rows of a head do not lie at equal steps")),
            };
            let rows = Rows::new(wrap(elements), stride, tokens, dim, count);
            found.push(rows.map_err(|error| raise(py, error))?);
        }
    }
    Ok(found)
}
