//! What Python asks, in the words of the core.

use pyo3::prelude::*;
use recollect_core::error::{Error, Result};
use recollect_core::filter::Filter;
use recollect_core::id::Uid;
use recollect_core::journal::ledger::Space;
use recollect_core::namespace::Namespace;
use recollect_core::record::{Kind, Metadata};
use recollect_core::store::Selection;
use recollect_core::time::{Interval, Timestamp};
use serde_json::Value;

use crate::errors::invalid;

/// The embedding space a call names.
pub(crate) fn space(space: Option<(String, u32, String)>) -> Option<Space> {
    space.map(|(name, dim, metric)| Space { name, dim, metric })
}

/// A filter, kinds and a time range as one selection.
pub(crate) fn selection(
    filter: Option<&str>,
    kinds: Option<Vec<String>>,
    start: Option<i64>,
    end: Option<i64>,
) -> Result<Selection> {
    let kinds = kinds.map(|x| x.iter().map(|k| k.parse::<Kind>()).collect::<Result<Vec<_>>>()).transpose()?;
    let between = match (start, end) {
        (None, None) => None,
        (start, end) => Some(interval(start.unwrap_or(i64::MIN), end.unwrap_or(i64::MAX), "between")?),
    };
    Ok(Selection { filter: filter.map(Filter::parse).transpose()?, kinds, between, ..Selection::default() })
}

/// A half-open interval.
pub(crate) fn interval(start: i64, end: i64, argument: &str) -> Result<Interval> {
    Interval::new(Timestamp(start), Timestamp(end))
        .ok_or_else(|| Error::invalid(argument, "the end must lie after the start"))
}

/// The interval of an event that Python gives by its start and, for one that lasts, its end.
pub(crate) fn event(
    start: Option<i64>,
    end: Option<i64>,
    argument: &dyn Fn() -> String,
) -> Result<Option<Interval>> {
    match (start, end) {
        (None, None) => Ok(None),
        (Some(start), None) => Ok(Some(Interval::instant(Timestamp(start)))),
        (Some(start), Some(end)) => interval(start, end, &argument()).map(Some),
        (None, Some(_)) => Err(Error::invalid(argument(), "an end needs a start")),
    }
}

/// Metadata from JSON text.
pub(crate) fn metadata(text: &str, argument: &dyn Fn() -> String) -> Result<Metadata> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::invalid(argument(), "expected an object")),
        Err(error) => Err(Error::invalid(argument(), error.to_string())),
    }
}

/// An identity from its hexadecimal digits; `argument` is named where it is none.
pub(crate) fn uid(text: &str, argument: &str) -> Result<Uid> {
    text.parse().map_err(|_| Error::invalid(argument, "expected 32 hexadecimal digits"))
}

/// Identities from their hexadecimal digits.
pub(crate) fn uids(texts: &[String], argument: &str) -> Result<Vec<Uid>> {
    texts.iter().enumerate().map(|(at, text)| uid(text, &format!("{argument}[{at}]"))).collect()
}

/// A namespace from its segments.
pub(crate) fn path(segments: Vec<String>) -> Result<Namespace> {
    Namespace::new(segments)
}

/// Positions of the items whose scores sum to the most within a budget of tokens, ascending.
#[pyfunction]
pub(crate) fn pack(scores: Vec<f32>, tokens: Vec<u64>, budget: u64) -> PyResult<Vec<usize>> {
    if scores.len() != tokens.len() {
        return Err(invalid("tokens", format!("{} counts for {} scores", tokens.len(), scores.len())));
    }
    Ok(recollect_core::recall::pack(&scores, &tokens, budget))
}
