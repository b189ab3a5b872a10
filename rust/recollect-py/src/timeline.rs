//! A timeline as Python holds it: the object, its events and its file.

use std::path::PathBuf;
use std::time::Duration;

use numpy::PyArray1;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use pyo3::prelude::*;
use recollect_core::calendar::Zone;
use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::store::Follower;
use recollect_core::timeline::{Event, NamedTimeline, Settings};

use crate::enter::enter;
use crate::errors::invalid;
use crate::graph_ids::listed;

/// Time between two looks for a signal while another call has the lock.
const WAIT: Duration = Duration::from_millis(50);

/// The offset before all changes, instants of changes, offsets from then on, and the instant after which they repeat.
pub(crate) type ZoneRow = (i32, Vec<i64>, Vec<i32>, Option<i64>);

/// Words of an event with how often they occur.
type Words = Vec<(String, u32)>;

/// Events in a temporal tree.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Timeline {
    /// Taken only while detached, so that nobody who waits for it keeps the interpreter from who has it.
    core: RwLock<NamedTimeline>,
    /// How far it follows a namespace, if it does; locked before `core`.
    pub(crate) follower: Option<Mutex<Follower>>,
    pub(crate) pid: u32,
}

impl Timeline {
    pub(crate) fn read(&self, cancel: Cancel<'_>) -> Result<RwLockReadGuard<'_, NamedTimeline>> {
        loop {
            match self.core.try_read_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    pub(crate) fn write(&self, cancel: Cancel<'_>) -> Result<RwLockWriteGuard<'_, NamedTimeline>> {
        loop {
            match self.core.try_write_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    fn new_of(core: NamedTimeline) -> Self {
        Self { core: RwLock::new(core), follower: None, pid: std::process::id() }
    }

    pub(crate) fn following(core: NamedTimeline, follower: Follower) -> Self {
        Self { follower: Some(Mutex::new(follower)), ..Self::new_of(core) }
    }
}

pub(crate) fn zone((before, at, offsets, repeats): ZoneRow) -> Result<Zone> {
    let changes: Vec<(i64, i32)> = at.into_iter().zip(offsets).collect();
    Zone::new(before, &changes, repeats)
}

/// Words by their numbers, each once, ascending.
fn numbered(core: &mut NamedTimeline, words: &Words) -> Vec<(u32, u32)> {
    let mut all: Vec<(u32, u32)> = words.iter().map(|(word, count)| (core.take_word(word), *count)).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
    all
}

#[pymethods]
impl Timeline {
    #[new]
    fn new(
        py: Python<'_>,
        levels: Vec<String>,
        gap: i64,
        dim: usize,
        terms: usize,
        changes: ZoneRow,
    ) -> PyResult<Self> {
        enter(py, std::process::id(), |_| {
            let levels = levels.iter().map(|name| name.parse()).collect::<Result<_>>()?;
            let settings = Settings { levels, zone: zone(changes)?, gap, dim, terms };
            Ok(Self::new_of(NamedTimeline::new(settings)?))
        })
    }

    /// What was saved in a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        enter(py, std::process::id(), |cancel| NamedTimeline::load(&path, cancel).map(Self::new_of))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        enter(py, self.pid, |cancel| self.read(cancel)?.save(&path, cancel))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.timeline.len()))
    }

    /// Whether an event is there.
    fn contains(&self, py: Python<'_>, id: i64) -> PyResult<bool> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.contains(id)))
    }

    /// Names of the levels, and the dimensions.
    fn settings(&self, py: Python<'_>) -> PyResult<(Vec<String>, usize)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let settings = core.timeline.settings();
            Ok((settings.levels.iter().map(ToString::to_string).collect(), settings.dim))
        })
    }

    /// Events, bytes, and of each level its name, nodes, open and reopened ones.
    #[expect(clippy::type_complexity, reason = "a row a level")]
    fn stats(&self, py: Python<'_>) -> PyResult<(usize, usize, Vec<(String, usize, usize, usize)>)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (timeline, names) = (&core.timeline, core.timeline.settings().levels.iter());
            let levels =
                names.zip(timeline.tally()).map(|(x, t)| (x.to_string(), t.nodes, t.open, t.reopened));
            Ok((timeline.len(), core.bytes(), levels.collect()))
        })
    }

    /// Takes an event in; gives its id, and how many nodes it opened again.
    #[expect(clippy::too_many_arguments, reason = "an event")]
    fn append(
        &self,
        py: Python<'_>,
        start: i64,
        end: i64,
        salience: f32,
        session: Option<&str>,
        segment: Option<i64>,
        id: Option<i64>,
        vector: Option<Bound<'_, PyArray1<f32>>>,
        words: Option<Words>,
    ) -> PyResult<(i64, usize)> {
        let vector = vector.map(|x| listed(&x)).transpose()?;
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let session = session.map(|name| core.take_session(name));
            let terms = words.map_or(Vec::new(), |words| numbered(&mut core, &words));
            let vector = vector.as_deref();
            let event = Event { start, end, salience, session, segment, vector, terms: &terms, alone: false };
            let (ids, reopened) = core.insert(id.map(|id| vec![id]), 1, |_| event, cancel).map_err(alone)?;
            Ok((ids[0], reopened))
        })
    }

    /// Takes events in, all or none; gives their ids, and how many nodes they opened again.
    #[expect(clippy::too_many_arguments, reason = "columns of events")]
    fn extend<'py>(
        &self,
        py: Python<'py>,
        starts: &Bound<'_, PyArray1<i64>>,
        ends: &Bound<'_, PyArray1<i64>>,
        salience: &Bound<'_, PyArray1<f32>>,
        sessions: Vec<String>,
        codes: Option<Bound<'_, PyArray1<i64>>>,
        segments: Option<Bound<'_, PyArray1<i64>>>,
        ids: Option<Bound<'_, PyArray1<i64>>>,
        vectors: Option<Bound<'_, PyArray1<f32>>>,
        words: Option<Vec<Words>>,
    ) -> PyResult<(Bound<'py, PyArray1<i64>>, usize)> {
        let (starts, ends, salience) = (listed(starts)?, listed(ends)?, listed(salience)?);
        let codes = codes.map(|x| listed(&x)).transpose()?;
        let segments = segments.map(|x| listed(&x)).transpose()?;
        let ids = ids.map(|x| listed(&x)).transpose()?;
        let vectors = vectors.map(|x| listed(&x)).transpose()?;
        let count = starts.len();
        let fits = |len: Option<usize>| len.is_none_or(|len| len == count);
        let known = |code: &i64| *code < sessions.len() as i64;
        if !(ends.len() == count || ends.is_empty())
            || !(salience.len() == count || salience.len() == 1)
            || !codes.as_ref().is_none_or(|x| (x.len() == count) && x.iter().all(known))
            || !fits(segments.as_ref().map(Vec::len))
            || !fits(ids.as_ref().map(Vec::len))
            || !fits(words.as_ref().map(Vec::len))
        {
            return Err(invalid("events", "columns of different lengths"));
        }
        let (ids, reopened) = enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let dim = core.timeline.settings().dim;
            if vectors.as_ref().is_some_and(|x| x.len() != dim * count) {
                return Err(Error::invalid("vectors", "expected one for each event"));
            }
            let sessions: Vec<u32> = sessions.iter().map(|name| core.take_session(name)).collect();
            let words = words.unwrap_or_default();
            let terms: Vec<_> = words.iter().map(|words| numbered(&mut core, words)).collect();
            let event = |at: usize| Event {
                start: starts[at],
                end: ends.get(at).copied().unwrap_or(starts[at].saturating_add(1)),
                salience: salience[if salience.len() == 1 { 0 } else { at }],
                session: codes.as_ref().and_then(|x| usize::try_from(x[at]).ok()).map(|code| sessions[code]),
                segment: segments.as_ref().map(|x| x[at]),
                vector: vectors.as_ref().map(|x| &x[at * dim..(at + 1) * dim]),
                terms: terms.get(at).map_or(&[], |x| &x[..]),
                alone: false,
            };
            core.insert(ids, count, event, cancel)
        })?;
        Ok((PyArray1::from_vec(py, ids), reopened))
    }

    /// Takes events out, all or none; gives how many nodes that opened again.
    fn remove(&self, py: Python<'_>, ids: &Bound<'_, PyArray1<i64>>) -> PyResult<usize> {
        let ids = listed(ids)?;
        enter(py, self.pid, |cancel| self.write(cancel)?.remove(&ids))
    }

    /// Start, end and salience of an event.
    fn event(&self, py: Python<'_>, id: i64) -> PyResult<(i64, i64, f32)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let slot = core.known("event", id)?;
            let missing = || Error::unknown("event", format!("event {id} in this timeline"));
            core.timeline.event(slot).map(|x| (x.start, x.end, x.weight)).ok_or_else(missing)
        })
    }
}

/// An error without the place of the one event.
fn alone(error: Error) -> Error {
    let bare = |argument: String| argument.trim_end_matches("[0]").to_owned();
    match error {
        Error::Invalid { argument, reason } => Error::Invalid { argument: bare(argument), reason },
        Error::DimensionMismatch { argument, expected, found } => {
            Error::DimensionMismatch { argument: bare(argument), expected, found }
        }
        other => other,
    }
}
