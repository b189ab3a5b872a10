//! Finding in a timeline: by time, from the coarse to the fine and back.

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use recollect_core::error::Result;
use recollect_core::id::Slot;
use recollect_core::timeline::{Block, NamedTimeline, Representative, Sought, Step};

use crate::enter::enter;
use crate::errors::invalid;
use crate::graph_ids::listed;
use crate::timeline::Timeline;
use crate::timeline_nodes::{ItemRow, NodeKey, NodeRow, Which, item_of, item_row, node_id, node_row};

type Ids<'py> = Bound<'py, PyArray1<i64>>;

/// What is looked for: a vector, words, the share of the vector, and a range of time.
type SoughtRow<'py> = (Option<Bound<'py, PyArray1<f32>>>, Vec<String>, f32, Option<(i64, i64)>);

/// Events, where blocks begin, what stands for them, where that begins, and keys.
type BlockRows<'py> = (Ids<'py>, Ids<'py>, Ids<'py>, Ids<'py>, Bound<'py, PyArray2<f32>>);

/// Opened, scored, and what was found: an event or a node, its start and its score.
type StepRow = (usize, usize, Vec<(ItemRow, f32)>);

fn sought(
    core: &NamedTimeline,
    vector: Vec<f32>,
    words: &[String],
    rest: (f32, Option<(i64, i64)>),
) -> Sought {
    // A word that no event has is found nowhere.
    let words = words.iter().map(|word| core.word(word).unwrap_or(u32::MAX)).collect();
    Sought { vector, words, weight: rest.0, within: rest.1 }
}

fn step_row(core: &NamedTimeline, step: Step) -> Result<StepRow> {
    let best = step.best.into_iter().map(|found| Ok((item_row(core, found.item)?, found.score)));
    Ok((step.opened, step.scored, best.collect::<Result<_>>()?))
}

fn ids(core: &NamedTimeline, slots: Vec<Slot>) -> Vec<i64> {
    slots.into_iter().map(|slot| core.id(slot)).collect()
}

#[pymethods]
impl Timeline {
    /// Events that share an instant with a range.
    fn between<'py>(
        &self,
        py: Python<'py>,
        start: i64,
        end: i64,
        limit: usize,
        backwards: bool,
    ) -> PyResult<Ids<'py>> {
        let found = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            Ok(ids(&core, core.timeline.between(start, end, limit, backwards)))
        })?;
        Ok(PyArray1::from_vec(py, found))
    }

    /// Number of events that start in a range.
    fn count(&self, py: Python<'_>, start: i64, end: i64) -> PyResult<usize> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.timeline.count(start, end)))
    }

    /// The events nearest to an instant.
    fn nearest<'py>(&self, py: Python<'py>, at: i64, k: usize) -> PyResult<Ids<'py>> {
        let found = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            Ok(ids(&core, core.timeline.nearest(at, k)))
        })?;
        Ok(PyArray1::from_vec(py, found))
    }

    /// All events in order.
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Ids<'py>> {
        let found = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            Ok(core.timeline.order().map(|slot| core.id(slot)).collect())
        })?;
        Ok(PyArray1::from_vec(py, found))
    }

    /// Scores the top of the tree, or what is below what was found.
    fn step(
        &self,
        py: Python<'_>,
        found: Option<Vec<Which>>,
        query: SoughtRow<'_>,
        beam: usize,
    ) -> PyResult<StepRow> {
        let (vector, words, weight, within) = query;
        let vector = vector.map_or(Ok(Vec::new()), |x| listed(&x))?;
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let sought = sought(&core, vector, &words, (weight, within));
            let step = match found {
                None => core.timeline.top(&sought, beam, cancel)?,
                Some(found) => {
                    let items = found.into_iter().map(|which| item_of(&core, which));
                    core.timeline.open(&items.collect::<Result<Vec<_>>>()?, &sought, beam, cancel)?
                }
            };
            step_row(&core, step)
        })
    }

    /// The nodes above scored events.
    fn climb(
        &self,
        py: Python<'_>,
        events: &Ids<'_>,
        scores: &Bound<'_, PyArray1<f32>>,
        budgets: Vec<usize>,
    ) -> PyResult<Vec<(NodeRow, f32)>> {
        let (events, scores) = (listed(events)?, listed(scores)?);
        if events.len() != scores.len() {
            return Err(invalid("scores", format!("{} scores for {} events", scores.len(), events.len())));
        }
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let scored = events.iter().zip(scores).map(|(&id, score)| Ok((core.known("events", id)?, score)));
            let found = core.timeline.climb(&scored.collect::<Result<Vec<_>>>()?, &budgets)?;
            found
                .into_iter()
                .map(|(id, score)| Ok((node_row(&core, core.timeline.node(id)?), score)))
                .collect()
        })
    }

    /// Hits with what stands beside them, and the hit that each stands beside.
    fn with_neighbours(
        &self,
        py: Python<'_>,
        hits: &Ids<'_>,
        budget: usize,
        reach: usize,
        share: f64,
    ) -> PyResult<Vec<(i64, Option<i64>)>> {
        let hits = listed(hits)?;
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let slots = hits.iter().map(|&id| core.known("hits", id)).collect::<Result<Vec<_>>>()?;
            let found = core.timeline.with_neighbours(&slots, budget, reach, share)?;
            Ok(found.into_iter().map(|x| (core.id(x.slot), x.of.map(|slot| core.id(slot)))).collect())
        })
    }

    /// Events in blocks: ids, where blocks begin, ids of what stands for them, where those begin, and their keys.
    fn blocks<'py>(&self, py: Python<'py>, size: usize, by: &str, count: usize) -> PyResult<BlockRows<'py>> {
        self.told(py, by, count, |core, by| core.timeline.blocks(size, by))
    }

    /// The nodes of a level as blocks.
    fn node_blocks<'py>(
        &self,
        py: Python<'py>,
        level: u8,
        by: &str,
        count: usize,
    ) -> PyResult<BlockRows<'py>> {
        self.told(py, by, count, |core, by| core.timeline.node_blocks(level, by))
    }

    /// The vectors of events, one after the other.
    fn vectors<'py>(&self, py: Python<'py>, events: &Ids<'_>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let events = listed(events)?;
        let (dim, vectors) = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let mut vectors = Vec::new();
            for &id in &events {
                vectors.extend(core.timeline.vector(core.known("events", id)?).unwrap_or_default());
            }
            Ok((core.timeline.settings().dim, vectors))
        })?;
        PyArray1::from_vec(py, vectors).reshape([events.len(), dim])
    }

    /// The events below a node by time, and their vectors.
    fn vectors_of<'py>(
        &self,
        py: Python<'py>,
        node: NodeKey,
    ) -> PyResult<(Ids<'py>, Bound<'py, PyArray2<f32>>)> {
        let (dim, events, vectors) = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (slots, vectors) = core.timeline.vectors_of(node_id(node)?)?;
            Ok((core.timeline.settings().dim, ids(&core, slots), vectors))
        })?;
        let vectors = PyArray1::from_vec(py, vectors).reshape([events.len(), dim])?;
        Ok((PyArray1::from_vec(py, events), vectors))
    }
}

impl Timeline {
    fn told<'py>(
        &self,
        py: Python<'py>,
        by: &str,
        count: usize,
        blocks: impl FnOnce(&NamedTimeline, Representative) -> Result<Vec<Block>> + Send,
    ) -> PyResult<BlockRows<'py>> {
        let by = match by {
            "mean" => Representative::Mean,
            "landmark" => Representative::Landmark(count),
            _ => Representative::Salient(count),
        };
        let (dim, events, bounds, chosen, marks, keys) = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (mut events, mut bounds) = (Vec::new(), vec![0]);
            let (mut chosen, mut marks, mut keys) = (Vec::new(), vec![0], Vec::new());
            for block in blocks(&core, by)? {
                events.extend(ids(&core, block.slots));
                chosen.extend(ids(&core, block.representatives));
                bounds.push(events.len() as i64);
                marks.push(chosen.len() as i64);
                keys.extend(block.key);
            }
            Ok((core.timeline.settings().dim, events, bounds, chosen, marks, keys))
        })?;
        let keys = PyArray1::from_vec(py, keys).reshape([bounds.len() - 1, dim])?;
        let array = |values: Vec<i64>| PyArray1::from_vec(py, values);
        Ok((array(events), array(bounds), array(chosen), array(marks), keys))
    }
}
