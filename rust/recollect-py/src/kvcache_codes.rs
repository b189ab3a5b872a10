//! Parts of quantized arrays as Python holds them, lent to the core for one call.

use numpy::{Element, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use recollect_core::kvcache::{Coded, Codes, Grouping, Shared};

use crate::errors::{invalid, raise};
use crate::kvcache_arrays::Lent;

type Words<'py> = PyReadonlyArray1<'py, u32>;
type Halves<'py> = PyReadonlyArray1<'py, u16>;

/// The parts of several heads of one shape, heads one after another.
pub(crate) enum Parts<'py> {
    Plain(Lent<'py>),
    Whole {
        codes: Words<'py>,
        scale: Halves<'py>,
        zero: Halves<'py>,
        grouping: Grouping,
    },
    Float8 {
        codes: PyReadonlyArray1<'py, u8>,
        scale: Halves<'py>,
        shared: Shared,
        block: usize,
    },
    Turned {
        codes: Words<'py>,
        factor: Halves<'py>,
        mean: Halves<'py>,
        bits: usize,
        block: usize,
        signs: PyReadonlyArray1<'py, f32>,
    },
}

/// What shares a step, by name.
///
/// # Errors
/// `InvalidArgument` for another name.
pub(crate) fn shared_by(name: &str) -> PyResult<Shared> {
    match name {
        "token" => Ok(Shared::Token),
        "channel" => Ok(Shared::Channel),
        "head" => Ok(Shared::Head),
        _ => Err(invalid("shared", format!("{name} is none of token, channel and head"))),
    }
}

impl<'py> Parts<'py> {
    /// Parts out of a tuple that begins with the name of the quantizer.
    ///
    /// # Errors
    /// `InvalidArgument` for another name, `TypeError` for arrays of other types.
    pub(crate) fn new(py: Python<'py>, given: &Bound<'py, PyTuple>) -> PyResult<Self> {
        let name: String = given.get_item(0)?.extract()?;
        Ok(match name.as_str() {
            "plain" => Self::Plain(Lent::new(&given.get_item(1)?, &given.get_item(2)?.extract::<String>()?)?),
            "whole" => {
                let (bits, by_token, group) = (
                    given.get_item(4)?.extract()?,
                    given.get_item(5)?.extract()?,
                    given.get_item(6)?.extract()?,
                );
                let grouping = Grouping::new(bits, by_token, group).map_err(|error| raise(py, error))?;
                let (codes, scale, zero) = (
                    given.get_item(1)?.extract()?,
                    given.get_item(2)?.extract()?,
                    given.get_item(3)?.extract()?,
                );
                Self::Whole { codes, scale, zero, grouping }
            }
            "float8" => Self::Float8 {
                codes: given.get_item(1)?.extract()?,
                scale: given.get_item(2)?.extract()?,
                shared: shared_by(&given.get_item(3)?.extract::<String>()?)?,
                block: given.get_item(4)?.extract()?,
            },
            "turned" => Self::Turned {
                codes: given.get_item(1)?.extract()?,
                factor: given.get_item(2)?.extract()?,
                mean: given.get_item(3)?.extract()?,
                bits: given.get_item(4)?.extract()?,
                block: given.get_item(5)?.extract()?,
                signs: given.get_item(6)?.extract()?,
            },
            _ => return Err(invalid("parts", format!("no quantizer is called {name}"))),
        })
    }

    /// The heads, `count` of them, each of `tokens` rows of `dim` elements.
    ///
    /// # Errors
    /// `InvalidArgument` if parts are not as long as that asks for.
    pub(crate) fn heads(
        &self,
        py: Python<'_>,
        count: usize,
        tokens: usize,
        dim: usize,
    ) -> PyResult<Vec<Coded<'_>>> {
        let plain = if let Self::Plain(rows) = self { rows.heads(py, None)? } else { Vec::new() };
        let mut rows = plain.iter();
        if matches!(self, Self::Plain(_)) && plain.len() != count {
            return Err(invalid("parts", format!("{} heads, expected {count}", plain.len())));
        }
        let mut found = Vec::with_capacity(count);
        for head in 0..count {
            let codes = match self {
                Self::Plain(_) => match rows.next() {
                    Some(rows) => Codes::Plain(*rows),
                    None => return Err(invalid("parts", "fewer heads than rows")),
                },
                Self::Whole { codes, scale, zero, grouping } => Codes::Whole {
                    grouping: *grouping,
                    codes: share(codes, head, count)?,
                    scale: share(scale, head, count)?,
                    zero: share(zero, head, count)?,
                },
                Self::Float8 { codes, scale, shared, block } => Codes::Float8 {
                    shared: *shared,
                    block: *block,
                    codes: share(codes, head, count)?,
                    scale: share(scale, head, count)?,
                },
                Self::Turned { codes, factor, mean, bits, block, signs } => Codes::Turned {
                    bits: *bits,
                    block: *block,
                    signs: signs.as_slice()?,
                    codes: share(codes, head, count)?,
                    factor: share(factor, head, count)?,
                    mean: share(mean, head, count)?,
                },
            };
            found.push(Coded::new(codes, tokens, dim).map_err(|error| raise(py, error))?);
        }
        Ok(found)
    }
}

/// The part of one of several heads.
fn share<'a, T: Element>(part: &'a PyReadonlyArray1<'_, T>, head: usize, heads: usize) -> PyResult<&'a [T]> {
    let all = part.as_slice()?;
    let size = all.len() / heads;
    if size * heads != all.len() {
        return Err(invalid("parts", format!("{} elements are not those of {heads} heads", all.len())));
    }
    Ok(&all[head * size..(head + 1) * size])
}
