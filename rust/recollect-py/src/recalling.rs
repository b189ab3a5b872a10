//! Recall as Python asks for it.

use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use recollect_core::error::Result;
use recollect_core::namespace::Namespace as Path;
use recollect_core::recall::{Beside, Fusion, Request};
use recollect_core::store::Selection;
use recollect_core::time::Timestamp;
use recollect_core::vector::DEFAULT_RECALL;

use crate::claims::{AsOf, as_of as timed};
use crate::enter::enter;
use crate::migration::SpaceRow;
use crate::namespace::Namespace;
use crate::query::{path, selection, space as named};
use crate::rows::found;
use crate::when::{WhenRow, when as asked};

/// The memories that answer a query best, here, below, or in other namespaces.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
#[pyo3(signature = (namespace, *, text=None, vector=None, space=None, k=10, now, filter=None, kinds=None, start=None, end=None,
    fusion="adaptive", weight=None, words=true, vectors=true, links=true, replies=true, speakers=true, recency=true, neighbours=true, session=true, context=true, when=None, base_level=0.0, least=None, held_back=false, recall_target=DEFAULT_RECALL, explain=true, scope=None,
    below=false, as_of=(None, None)))]
pub(crate) fn recall<'py>(
    py: Python<'py>,
    namespace: &Namespace,
    text: Option<String>,
    vector: Option<PyReadonlyArray1<'_, f32>>,
    space: Option<SpaceRow>,
    k: usize,
    now: i64,
    filter: Option<&str>,
    kinds: Option<Vec<String>>,
    start: Option<i64>,
    end: Option<i64>,
    fusion: &str,
    weight: Option<f32>,
    words: bool,
    vectors: bool,
    links: bool,
    replies: bool,
    speakers: bool,
    recency: bool,
    neighbours: bool,
    session: bool,
    context: bool,
    when: Option<WhenRow>,
    base_level: f32,
    least: Option<f64>,
    held_back: bool,
    recall_target: f64,
    explain: bool,
    scope: Option<Vec<Vec<String>>>,
    below: bool,
    as_of: AsOf,
) -> PyResult<(Vec<Bound<'py, PyTuple>>, String, &'static str, f32)> {
    let vector = vector.filter(|_| vectors).map(|x| x.as_array().to_vec());
    let recall = enter(py, namespace.pid, |cancel| {
        let request = Request {
            text: text.filter(|_| words),
            vector,
            k,
            recall: recall_target,
            beside: Beside { links, replies, speakers, recency, neighbours, session, context },
            when: when.map(asked).transpose()?.unwrap_or_default(),
            base_level,
            fusion: Fusion::new(fusion, weight)?,
            explain,
        };
        let selection = selection(filter, kinds, start, end)?;
        let selection = timed(Selection { least, held_back, ..selection }, as_of);
        let (space, now) = (named(space), Timestamp(now));
        let paths: Option<Vec<Path>> = match scope {
            Some(scope) => Some(scope.into_iter().map(path).collect::<Result<_>>()?),
            None if below => Some(namespace.store.namespaces(namespace.memory.path())?),
            None => None,
        };
        match paths {
            Some(paths) => namespace.store.recall(&paths, &request, space.as_ref(), &selection, now, cancel),
            None => namespace.memory.recall(&request, space.as_ref(), &selection, now, cancel),
        }
    })?;
    let trace = serde_json::Value::Object(recall.trace).to_string();
    let hits = recall.found.into_iter().map(|x| found(py, x)).collect::<PyResult<_>>()?;
    Ok((hits, trace, recall.state.word(), recall.confidence))
}

/// The sentences of texts that speak of a query by the words of a namespace, as (start, end) in characters.
#[pyfunction]
pub(crate) fn sentences(
    py: Python<'_>,
    namespace: &Namespace,
    query: &str,
    texts: Vec<String>,
) -> PyResult<Vec<Vec<(usize, usize)>>> {
    enter(py, namespace.pid, |cancel| {
        let found = namespace.memory.sentences(query, &texts, cancel)?;
        Ok(found.iter().zip(&texts).map(|(ranges, text)| in_characters(text, ranges)).collect())
    })
}

/// Ranges of bytes of a text, ascending, as ranges of characters.
fn in_characters(text: &str, ranges: &[std::ops::Range<usize>]) -> Vec<(usize, usize)> {
    let (mut bytes, mut characters) = (0, 0);
    let mut reach = |to: usize| {
        characters += text[bytes..to].chars().count();
        bytes = to;
        characters
    };
    ranges.iter().map(|range| (reach(range.start), reach(range.end))).collect()
}
