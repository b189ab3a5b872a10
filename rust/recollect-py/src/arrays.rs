//! NumPy in: checked and copied while attached, so that no other thread can change what the core reads. NumPy out: moved.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::errors::invalid;

/// The rows of a float32 matrix, given to their owners in order.
///
/// # Errors
/// `InvalidArgument` if `owners` has another length than the matrix has rows, or names a text that is not there.
pub(crate) fn rows_by_owner(
    vectors: &PyReadonlyArray2<'_, f32>,
    owners: Option<&PyReadonlyArray1<'_, i64>>,
    texts: usize,
) -> PyResult<Vec<Vec<Vec<f32>>>> {
    let vectors = vectors.as_array();
    let mut out: Vec<Vec<Vec<f32>>> = vec![Vec::new(); texts];
    let rows = vectors.nrows();
    let owners = owners.map(|x| x.as_array());
    match &owners {
        Some(owners) if owners.len() != rows => {
            return Err(invalid("owners", format!("{} owners for {rows} vectors", owners.len())));
        }
        None if rows != texts => return Err(invalid("vectors", format!("{rows} vectors for {texts} texts"))),
        _ => {}
    }
    for (at, row) in vectors.rows().into_iter().enumerate() {
        let owner = match &owners {
            Some(owners) => usize::try_from(owners[at]).ok().filter(|&x| x < texts),
            None => Some(at),
        };
        let owner =
            owner.ok_or_else(|| invalid(&format!("owners[{at}]"), "names a text that is not there"))?;
        out[owner].push(row.iter().copied().collect());
    }
    Ok(out)
}

/// The vectors of several owners as one float32 matrix, and the owner of each row.
///
/// # Errors
/// `InvalidArgument` if the vectors do not have one length.
#[expect(clippy::type_complexity, reason = "two arrays")]
pub(crate) fn matrix<'py>(
    py: Python<'py>,
    keys: Vec<Vec<Vec<f32>>>,
) -> PyResult<(Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<i64>>)> {
    let owners = keys.iter().enumerate().flat_map(|(at, rows)| std::iter::repeat_n(at as i64, rows.len()));
    let owners: Vec<i64> = owners.collect();
    let dim = keys.iter().flatten().map(Vec::len).next().unwrap_or(0);
    if keys.iter().flatten().any(|row| row.len() != dim) {
        return Err(invalid("vectors", "not all of one dimension"));
    }
    let flat: Vec<f32> = keys.into_iter().flatten().flatten().collect();
    let rows = PyArray1::from_vec(py, flat).reshape([owners.len(), dim])?;
    Ok((rows, PyArray1::from_vec(py, owners)))
}
