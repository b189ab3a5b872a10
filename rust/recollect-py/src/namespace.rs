//! A namespace as Python holds it.

use numpy::{PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use recollect_core::error::{Error, Result};
use recollect_core::journal::ledger::Purge;
use recollect_core::namespace::Namespace as Path;
use recollect_core::recall::{Beside, Fusion, Request};
use recollect_core::store::{Brought, Call, Edit, Memory, Order, Selection, Store as Core};
use recollect_core::time::Timestamp;
use recollect_core::vector::DEFAULT_RECALL;

use crate::arrays::{matrix, rows_by_owner};
use crate::drafts::Columns;
use crate::enter::{enter, write};
use crate::links::Links;
use crate::migration::{Migration, SpaceRow, told};
use crate::query::{
    event, metadata as json, path, selection, space as named, uid as identity, uids as identities,
};
use crate::rows::{OutcomeRow, change, found, held, list, outcome, stats};
use crate::uses::Uses;

type SpaceArgument = Option<SpaceRow>;
type KeysArgument<'py> = (PyReadonlyArray2<'py, f32>, PyReadonlyArray1<'py, i64>, SpaceRow);
type VectorRows<'py> = (Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<i64>>, SpaceArgument);

/// The memories of one namespace.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Namespace {
    pub store: Core,
    pub memory: Memory,
    pub pid: u32,
}

impl Namespace {
    fn write<R: Send>(
        &self,
        py: Python<'_>,
        now: i64,
        work: impl FnOnce(&Memory, &mut Call<'_>) -> Result<R> + Send,
    ) -> PyResult<R> {
        write(py, self.pid, &self.memory, now, work)
    }
}

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
impl Namespace {
    /// The segments of the path.
    #[getter]
    fn path(&self) -> Vec<String> {
        self.memory.path().segments().to_vec()
    }

    /// Adds memories, all or none.
    #[pyo3(signature = (texts, *, now, kind, starts=None, ends=None, speakers=None, sessions=None, metadata=None, tags=None,
        turns=None, importance=None, confidence=None, keys=None, ttl=None, sliding=false, source=String::new(),
        principal=String::new(), trust=1.0, parents=None, vectors=None, owners=None, space=None, beside=None, keep_duplicates=false))]
    fn add(
        &self,
        py: Python<'_>,
        texts: Vec<String>,
        now: i64,
        kind: String,
        starts: Option<Vec<Option<i64>>>,
        ends: Option<Vec<Option<i64>>>,
        speakers: Option<Vec<Option<String>>>,
        sessions: Option<Vec<Option<String>>>,
        metadata: Option<Vec<Option<String>>>,
        tags: Option<Vec<Vec<String>>>,
        turns: Option<Vec<Option<u64>>>,
        importance: Option<Vec<f32>>,
        confidence: Option<Vec<f32>>,
        keys: Option<Vec<Option<String>>>,
        ttl: Option<i64>,
        sliding: bool,
        source: String,
        principal: String,
        trust: f32,
        parents: Option<Vec<Vec<String>>>,
        vectors: Option<PyReadonlyArray2<'_, f32>>,
        owners: Option<PyReadonlyArray1<'_, i64>>,
        space: SpaceArgument,
        beside: Option<KeysArgument<'_>>,
        keep_duplicates: bool,
    ) -> PyResult<Vec<OutcomeRow>> {
        let vectors = vectors.map(|x| rows_by_owner(&x, owners.as_ref(), texts.len())).transpose()?;
        let (beside, second) = match beside {
            Some((rows, owners, space)) => {
                (Some(rows_by_owner(&rows, Some(&owners), texts.len())?), named(Some(space)))
            }
            None => (None, None),
        };
        let columns = Columns {
            texts,
            kind,
            starts,
            ends,
            speakers,
            sessions,
            metadata,
            tags,
            turns,
            importance,
            confidence,
            keys,
            parents,
            ttl,
            sliding,
            source,
            principal,
            trust,
            vectors,
            beside,
        };
        let outcomes = self.write(py, now, |memory, call| {
            let space = named(space);
            let brought = Brought { vectors: space.as_ref(), beside: second.as_ref() };
            memory.add(columns.drafts()?, brought, keep_duplicates, call)
        })?;
        Ok(outcomes.into_iter().map(outcome).collect())
    }

    /// Writes a new version of a memory.
    #[pyo3(signature = (uid, *, now, text=None, kind=None, metadata=None, tags=None, start=None, end=None, importance=None,
        confidence=None, vectors=None, space=None, beside=None, expect_version=None, key=None, reason=String::new()))]
    fn update(
        &self,
        py: Python<'_>,
        uid: &str,
        now: i64,
        text: Option<String>,
        kind: Option<&str>,
        metadata: Option<&str>,
        tags: Option<Vec<String>>,
        start: Option<i64>,
        end: Option<i64>,
        importance: Option<f32>,
        confidence: Option<f32>,
        vectors: Option<PyReadonlyArray2<'_, f32>>,
        space: SpaceArgument,
        beside: Option<KeysArgument<'_>>,
        expect_version: Option<u32>,
        key: Option<String>,
        reason: String,
    ) -> PyResult<OutcomeRow> {
        let rows = |x: &PyReadonlyArray2<'_, f32>| {
            x.as_array().rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>()
        };
        let vectors = vectors.as_ref().map(rows);
        let (beside, second) = beside.map(|x| (rows(&x.0), x.2)).unzip();
        let changed = self.write(py, now, |memory, call| {
            let edit = Edit {
                text,
                kind: kind.map(str::parse).transpose()?,
                metadata: metadata.map(|x| json(x, &|| "metadata".into())).transpose()?,
                tags,
                event: event(start, end, &|| "until".into())?,
                importance,
                confidence,
                vectors,
                beside,
                expect_version,
                key,
                reason,
            };
            let (space, second) = (named(space), named(second));
            let brought = Brought { vectors: space.as_ref(), beside: second.as_ref() };
            memory.update(identity(uid, "uid")?, edit, brought, call)
        })?;
        Ok(outcome(changed))
    }

    /// Deletes memories; their history stays.
    #[pyo3(signature = (uids, *, now, reason=""))]
    fn delete(&self, py: Python<'_>, uids: Vec<String>, now: i64, reason: &str) -> PyResult<Vec<OutcomeRow>> {
        let deleted =
            self.write(py, now, |memory, call| memory.delete(&identities(&uids, "uids")?, reason, call))?;
        Ok(deleted.into_iter().map(outcome).collect())
    }

    /// Records a decision not to write.
    #[pyo3(signature = (reason, *, uid=None, now))]
    fn noop(&self, py: Python<'_>, reason: &str, uid: Option<&str>, now: i64) -> PyResult<OutcomeRow> {
        let noted = self.write(py, now, |memory, call| {
            memory.noop(reason, uid.map(|x| identity(x, "uid")).transpose()?, call)
        })?;
        Ok(outcome(noted))
    }

    /// Erases memories for good: "done", or "pending" while a reader holds an old page.
    #[pyo3(signature = (uids, *, now))]
    fn forget(&self, py: Python<'_>, uids: Vec<String>, now: i64) -> PyResult<&'static str> {
        let purge = self.write(py, now, |memory, call| memory.erase(&identities(&uids, "uids")?, call))?;
        Ok(match purge {
            Purge::Done => "done",
            Purge::Pending => "pending",
        })
    }

    /// The embedding spaces it lies in, and its way from one to another.
    #[getter]
    fn migration(&self) -> Migration {
        Migration { memory: self.memory.clone(), pid: self.pid }
    }

    /// The links between its memories.
    #[getter]
    fn links(&self) -> Links {
        Links { memory: self.memory.clone(), pid: self.pid }
    }

    /// The uses of its memories.
    #[getter]
    fn uses(&self) -> Uses {
        Uses { memory: self.memory.clone(), pid: self.pid }
    }

    /// A memory, or an earlier version of it.
    #[pyo3(signature = (uid, *, version=None, now))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        uid: &str,
        version: Option<u32>,
        now: i64,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let found = enter(py, self.pid, |cancel| {
            self.memory.get(identity(uid, "uid")?, version, Timestamp(now), cancel)
        })?;
        held(py, found, self.memory.path())
    }

    /// The vectors of memories, one row each, the position of the memory each belongs to, and their space.
    #[pyo3(signature = (uids, *, now))]
    fn vectors<'py>(&self, py: Python<'py>, uids: Vec<String>, now: i64) -> PyResult<VectorRows<'py>> {
        let (keys, space) = enter(py, self.pid, |cancel| {
            self.memory.vectors(&identities(&uids, "uids")?, Timestamp(now), cancel)
        })?;
        let (rows, owners) = matrix(py, keys)?;
        Ok((rows, owners, space.map(told)))
    }

    /// Every event of a memory.
    fn history<'py>(&self, py: Python<'py>, uid: &str) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let changes = enter(py, self.pid, |cancel| self.memory.history(identity(uid, "uid")?, cancel))?;
        changes.into_iter().map(|x| change(py, x, self.memory.path())).collect()
    }

    /// The memories of a selection in order.
    #[pyo3(signature = (*, now, filter=None, kinds=None, start=None, end=None, order="time", limit=None, offset=0))]
    fn list<'py>(
        &self,
        py: Python<'py>,
        now: i64,
        filter: Option<&str>,
        kinds: Option<Vec<String>>,
        start: Option<i64>,
        end: Option<i64>,
        order: &str,
        limit: Option<usize>,
        offset: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = enter(py, self.pid, |cancel| {
            let order = match order {
                "time" => Order::Time,
                "-time" => Order::TimeDescending,
                "ingested" => Order::Ingested,
                "-ingested" => Order::IngestedDescending,
                _ => return Err(Error::invalid("order", "expected one of time, -time, ingested, -ingested")),
            };
            let selection = selection(filter, kinds, start, end)?;
            self.memory.list(&selection, order, offset, limit, Timestamp(now), cancel)
        })?;
        list(py, found, self.memory.path())
    }

    /// How many memories a selection holds.
    #[pyo3(signature = (*, now, filter=None, kinds=None, start=None, end=None))]
    fn count(
        &self,
        py: Python<'_>,
        now: i64,
        filter: Option<&str>,
        kinds: Option<Vec<String>>,
        start: Option<i64>,
        end: Option<i64>,
    ) -> PyResult<usize> {
        enter(py, self.pid, |cancel| {
            self.memory.count(&selection(filter, kinds, start, end)?, Timestamp(now), cancel)
        })
    }

    /// The memories nearest an instant in time, or nearest a memory in its session.
    #[pyo3(signature = (*, at=None, uid=None, k=10, kinds=None, now))]
    fn around<'py>(
        &self,
        py: Python<'py>,
        at: Option<i64>,
        uid: Option<&str>,
        k: usize,
        kinds: Option<Vec<String>>,
        now: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = enter(py, self.pid, |cancel| {
            let (selection, now) = (selection(None, kinds, None, None)?, Timestamp(now));
            match (at, uid) {
                (Some(at), None) => self.memory.around(Timestamp(at), k, &selection, now, cancel),
                (None, Some(uid)) => self.memory.beside(identity(uid, "uid")?, k, &selection, now, cancel),
                _ => Err(Error::invalid("at", "give an instant or a memory")),
            }
        })?;
        list(py, found, self.memory.path())
    }

    /// The memories that answer a query best, here, below, or in other namespaces.
    #[pyo3(signature = (*, text=None, vector=None, space=None, k=10, now, filter=None, kinds=None, start=None, end=None,
        fusion="adaptive", weight=None, words=true, vectors=true, links=true, replies=true, speakers=true, recency=true, neighbours=true, session=true, context=true, base_level=0.0, least=None, held_back=false, recall_target=DEFAULT_RECALL, explain=true, scope=None,
        below=false))]
    fn recall<'py>(
        &self,
        py: Python<'py>,
        text: Option<String>,
        vector: Option<PyReadonlyArray1<'_, f32>>,
        space: SpaceArgument,
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
        base_level: f32,
        least: Option<f64>,
        held_back: bool,
        recall_target: f64,
        explain: bool,
        scope: Option<Vec<Vec<String>>>,
        below: bool,
    ) -> PyResult<(Vec<Bound<'py, PyTuple>>, String, &'static str, f32)> {
        let vector = vector.filter(|_| vectors).map(|x| x.as_array().to_vec());
        let recall = enter(py, self.pid, |cancel| {
            let request = Request {
                text: text.filter(|_| words),
                vector,
                k,
                recall: recall_target,
                beside: Beside { links, replies, speakers, recency, neighbours, session, context },
                base_level,
                fusion: Fusion::new(fusion, weight)?,
                explain,
            };
            let selection = Selection { least, held_back, ..selection(filter, kinds, start, end)? };
            let (space, now) = (named(space), Timestamp(now));
            let paths: Option<Vec<Path>> = match scope {
                Some(scope) => Some(scope.into_iter().map(path).collect::<Result<_>>()?),
                None if below => Some(self.store.namespaces(self.memory.path())?),
                None => None,
            };
            match paths {
                Some(paths) => self.store.recall(&paths, &request, space.as_ref(), &selection, now, cancel),
                None => self.memory.recall(&request, space.as_ref(), &selection, now, cancel),
            }
        })?;
        let trace = serde_json::Value::Object(recall.trace).to_string();
        let hits = recall.found.into_iter().map(|x| found(py, x)).collect::<PyResult<_>>()?;
        Ok((hits, trace, recall.state.word(), recall.confidence))
    }

    /// What the namespace holds, as JSON.
    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        let found = enter(py, self.pid, |cancel| self.store.stats(self.memory.path(), cancel))?;
        Ok(stats(found))
    }

    fn __repr__(&self) -> String {
        format!("<recollect._native.Namespace \"{}\">", self.memory.path())
    }
}
