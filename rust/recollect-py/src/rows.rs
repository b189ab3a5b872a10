//! What the core answers, as tuples that Python makes its dataclasses of.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use recollect_core::namespace::Namespace;
use recollect_core::recall::{Signal, Step};
use recollect_core::record::Record;
use recollect_core::store::{Change, Found, Held, Outcome, Stats};
use serde_json::json;

/// Identity, version, operation, reason, mentions.
pub(crate) type OutcomeRow = (String, u32, &'static str, String, u32);

/// An outcome as a row.
pub(crate) fn outcome(outcome: Outcome) -> OutcomeRow {
    (outcome.uid.to_string(), outcome.version, outcome.op.word(), outcome.reason, outcome.mentions)
}

/// A number between zero and one with the decimals that f32 keeps of it, so that 0.9 returns as 0.9.
fn shortest(unit: f32) -> f64 {
    (f64::from(unit) * 1e7).round() / 1e7
}

/// A version of a memory as a row of 24 values.
pub(crate) fn held<'py>(py: Python<'py>, held: Held, namespace: &Namespace) -> PyResult<Bound<'py, PyTuple>> {
    let expires = held.expires.map(|x| x.0);
    record(py, held.record, expires, held.mentions, namespace)
}

fn record<'py>(
    py: Python<'py>,
    record: Record,
    expires: Option<i64>,
    mentions: u32,
    namespace: &Namespace,
) -> PyResult<Bound<'py, PyTuple>> {
    macro_rules! row {
        ($($value:expr),+ $(,)?) => { PyTuple::new(py, [$($value.into_pyobject(py)?.into_any()),+]) };
    }
    let metadata = if record.metadata.is_empty() {
        "{}".to_owned()
    } else {
        serde_json::Value::Object(record.metadata).to_string()
    };
    let parents: Vec<String> = record.provenance.parents.iter().map(ToString::to_string).collect();
    row![
        record.uid.to_string(),
        record.version,
        record.kind.word(),
        record.status.word(),
        record.text,
        metadata,
        PyTuple::new(py, record.tags)?,
        record.speaker,
        record.session,
        record.event.map(|e| e.start.0),
        record.event.map(|e| e.end.0),
        record.ingested.0,
        record.turn,
        shortest(record.importance),
        shortest(record.confidence),
        record.provenance.source,
        record.provenance.principal,
        shortest(record.provenance.trust),
        PyTuple::new(py, parents)?,
        record.ttl.map(|t| t.micros),
        pyo3::types::PyBool::new(py, record.ttl.is_some_and(|t| t.sliding)).to_owned(),
        expires,
        mentions,
        PyTuple::new(py, namespace.segments())?,
    ]
}

/// Versions of memories as a list of rows.
pub(crate) fn list<'py>(
    py: Python<'py>,
    all: Vec<Held>,
    namespace: &Namespace,
) -> PyResult<Bound<'py, PyList>> {
    let rows = all.into_iter().map(|x| held(py, x, namespace)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, rows)
}

/// A step in the life of a memory: number, time, operation, version, reason, record or none.
pub(crate) fn change<'py>(
    py: Python<'py>,
    change: Change,
    namespace: &Namespace,
) -> PyResult<Bound<'py, PyTuple>> {
    let event = change.event;
    let reason = event.detail.get("reason").and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
    let row = change.record.map(|x| record(py, x, None, 1, namespace)).transpose()?;
    (event.seq, event.at.0, event.op.word(), event.version, reason, row).into_pyobject(py)
}

/// A hit: record, score, signals, and the links that led to it as (from, to, relation, whether it leads the same way).
pub(crate) fn found(py: Python<'_>, found: Found) -> PyResult<Bound<'_, PyTuple>> {
    let signal = |s: Signal| (s.name, s.rank, s.score, s.share);
    let signals: Vec<_> = found.hit.signals.into_iter().map(signal).collect();
    let step = |s: Step| (s.from.to_string(), s.to.to_string(), s.relation, s.forward);
    let path: Vec<_> = found.path.into_iter().map(step).collect();
    (held(py, found.held, &found.namespace)?, found.hit.score, signals, path).into_pyobject(py)
}

/// Statistics of a namespace as JSON.
pub(crate) fn stats(stats: Stats) -> String {
    let bytes = stats.lexical_bytes + stats.vector_bytes + stats.entry_bytes + stats.graph_bytes;
    json!({
        "memories": stats.memories,
        "events": stats.events,
        "terms": stats.terms,
        "sessions": stats.sessions,
        "vectors": stats.vectors,
        "lexical_bytes": stats.lexical_bytes,
        "vector_bytes": stats.vector_bytes,
        "entry_bytes": stats.entry_bytes,
        "graph_bytes": stats.graph_bytes,
        "links": stats.links,
        "bytes_per_memory": bytes.checked_div(stats.memories).unwrap_or(0),
        "keep": stats.keep.map(|keep| keep.word()),
    })
    .to_string()
}
