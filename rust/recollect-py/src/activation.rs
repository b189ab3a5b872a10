//! Activation as Python asks for it.

use std::time::{Duration, Instant};

use numpy::PyArray1;
use pyo3::prelude::*;
use recollect_core::activation::{
    Answer, BaseLevel, Ebbinghaus, Exponential, Fan, Formula, History as Core, Hop, PowerLaw, Request,
    activate, activate_many, evoke, exact, lowest, rehearse, sampled_below,
};
use recollect_core::error::{Error, Result};
use recollect_core::graph::{Name, NamedGraph};
use recollect_core::id::Slot;

use crate::enter::enter;
use crate::graph::Graph;
use crate::graph_ids::{Id, ids};

/// Most threads of a call: starting one can fail, and more do not help.
const THREADS: usize = 256;

/// What is asked: k, restart, epsilon, fan, strength, hops, direction.
type Spread = (usize, f64, f32, String, f64, u32, String);

/// Which edges count: factors by relation, trusted only, since, until.
type Which = (Option<Vec<(String, f32)>>, bool, Option<i64>, Option<i64>);

/// Edges at most, inhibition, inhibitors, whether seeds are results.
type Limits = (Option<u64>, f32, usize, bool);

/// Ids, scores, certain, edges, reached, complete, missing, bound.
type Row<'py> = (Vec<Id>, Bound<'py, PyArray1<f32>>, usize, u64, usize, bool, f32, Option<f32>);

#[expect(clippy::disallowed_methods, reason = "the binding reads the clock so that the core need not")]
fn now() -> Instant {
    Instant::now()
}

fn request(core: &NamedGraph, spread: &Spread, which: &Which, limits: &Limits) -> Result<Request> {
    let (k, restart, epsilon, fan, strength, hops, direction) = spread;
    let (relations, trusted, since, until) = which;
    let (max_edges, inhibition, inhibitors, seeds) = limits;
    let fan = match fan.parse()? {
        Fan::Log { .. } => Fan::Log { strength: *strength },
        fan => fan,
    };
    let known = |(name, factor): &(String, f32)| Some((core.relation(name)?, *factor));
    Ok(Request {
        k: *k,
        restart: *restart,
        epsilon: *epsilon,
        fan,
        hops: *hops,
        direction: direction.parse()?,
        relations: relations.as_ref().map(|all| all.iter().filter_map(known).collect()),
        trusted: *trusted,
        since: *since,
        until: *until,
        max_edges: max_edges.unwrap_or(u64::MAX),
        inhibition: *inhibition,
        inhibitors: *inhibitors,
        seeds: *seeds,
    })
}

fn named(seeds: Vec<(Id, f64)>) -> Vec<(Name, f64)> {
    seeds.into_iter().map(|(id, weight)| (id.into(), weight)).collect()
}

fn placed(core: &NamedGraph, argument: &str, seeds: &[(Name, f64)]) -> Result<Vec<(Slot, f64)>> {
    let one = |(at, (name, weight)): (usize, &(Name, f64))| match core.slot(name) {
        Some(slot) => Ok((slot, *weight)),
        None => core.known(&format!("{argument}[{at}]"), name).map(|slot| (slot, *weight)),
    };
    seeds.iter().enumerate().map(one).collect()
}

fn hits(core: &NamedGraph, answer: &Answer) -> Result<Vec<Id>> {
    ids(core, &answer.hits.iter().map(|hit| hit.slot).collect::<Vec<_>>())
}

fn row<'py>(py: Python<'py>, (ids, answer): (Vec<Id>, Answer)) -> Row<'py> {
    let scores: Vec<f32> = answer.hits.iter().map(|hit| hit.score).collect();
    let Answer { certain, edges, reached, complete, missing, bound, .. } = answer;
    (ids, PyArray1::from_vec(py, scores), certain, edges, reached, complete, missing, bound)
}

#[pymethods]
impl Graph {
    /// What seeds activate.
    fn activate<'py>(
        &self,
        py: Python<'py>,
        seeds: Vec<(Id, f64)>,
        spread: Spread,
        which: Which,
        limits: Limits,
        max_microseconds: Option<u64>,
    ) -> PyResult<Row<'py>> {
        let seeds = named(seeds);
        let found = enter(py, self.pid, |cancel| {
            let end = max_microseconds.map(|time| now() + Duration::from_micros(time));
            let late = || end.is_some_and(|end| now() >= end);
            let core = self.read(cancel)?;
            let request = request(&core, &spread, &which, &limits)?;
            let seeds = placed(&core, "seeds", &seeds)?;
            let answer =
                self.spaces.with(|space| activate(&core.graph, &seeds, &request, space, &late, cancel))?;
            Ok((hits(&core, &answer)?, answer))
        })?;
        Ok(row(py, found))
    }

    /// What each set of seeds activates, on up to so many threads, or as many as there are cores.
    fn activate_many<'py>(
        &self,
        py: Python<'py>,
        queries: Vec<Vec<(Id, f64)>>,
        spread: Spread,
        which: Which,
        limits: Limits,
        threads: Option<usize>,
    ) -> PyResult<Vec<Row<'py>>> {
        let queries: Vec<_> = queries.into_iter().map(named).collect();
        let found = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let request = request(&core, &spread, &which, &limits)?;
            let one =
                |(at, seeds): (usize, &Vec<(Name, f64)>)| placed(&core, &format!("queries[{at}]"), seeds);
            let queries = queries.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            let threads = threads.unwrap_or_else(cores).min(THREADS);
            let answers = activate_many(&core.graph, &queries, &request, &self.spaces, threads, cancel)?;
            answers.into_iter().map(|answer| Ok((hits(&core, &answer)?, answer))).collect::<Result<Vec<_>>>()
        })?;
        Ok(found.into_iter().map(|found| row(py, found)).collect())
    }

    /// The activation of every node by dense iteration.
    fn activate_exactly<'py>(
        &self,
        py: Python<'py>,
        seeds: Vec<(Id, f64)>,
        spread: Spread,
        which: Which,
    ) -> PyResult<(Vec<Id>, Bound<'py, PyArray1<f64>>)> {
        let seeds = named(seeds);
        let (nodes, scores) = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let request = request(&core, &spread, &which, &(None, 0.0, 0, true))?;
            let all = exact(&core.graph, &placed(&core, "seeds", &seeds)?, &request, cancel)?;
            let nodes: Vec<Slot> = core.graph.nodes().iter().collect();
            Ok((ids(&core, &nodes)?, nodes.iter().map(|&node| all[node as usize]).collect::<Vec<f64>>()))
        })?;
        Ok((nodes, PyArray1::from_vec(py, scores)))
    }

    /// What seeds evoke by a table of hops: relation, direction, limit. Gives node, activation, via and hops of each.
    fn evoke(
        &self,
        py: Python<'_>,
        seeds: Vec<(Id, f64)>,
        table: Vec<Vec<(String, String, usize)>>,
        factor: f64,
        trusted: bool,
    ) -> PyResult<Vec<(Id, f64, Id, u32)>> {
        let seeds = named(seeds);
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let mut hops = Vec::new();
            for steps in &table {
                let mut row = Vec::new();
                for (relation, direction, limit) in steps {
                    let direction = direction.parse()?;
                    // A relation that no edge has leads nowhere.
                    if let Some(relation) = core.relation(relation) {
                        row.push(Hop { relation, direction, limit: *limit });
                    }
                }
                hops.push(row);
            }
            let found = evoke(&core.graph, &placed(&core, "seeds", &seeds)?, &hops, factor, trusted, cancel)?;
            let one = |x: recollect_core::activation::Evoked| {
                Ok((core.name(x.node)?.into(), x.activation, core.name(x.via)?.into(), x.hops))
            };
            found.into_iter().map(one).collect()
        })
    }
}

/// Uses of a record in bounded space.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct History(parking_lot::Mutex<Core>);

#[pymethods]
impl History {
    #[new]
    fn new(at: i64, turn: u64) -> Self {
        Self(parking_lot::Mutex::new(Core::new(at, turn)))
    }

    /// A use.
    fn touch(&self, at: i64, turn: u64) {
        self.0.lock().touch(at, turn);
    }

    /// Uses, first, last ones with the latest first, strength, turn of the first and of the last.
    fn summary(&self) -> (u32, i64, Vec<i64>, f64, u64, u64) {
        let core = self.0.lock();
        let recent = core.recent().to_vec();
        (core.count(), core.first(), recent, core.strength(), core.created_turn(), core.last_turn())
    }

    /// Base-level activation.
    fn base_level(&self, now: i64, decay: f64, recent: usize, optimised: bool) -> PyResult<f64> {
        let formula = if optimised { Formula::Optimised } else { Formula::Hybrid };
        let level = BaseLevel::new(decay, recent, formula);
        Python::attach(|py| level.map_err(|error| crate::errors::raise(py, error)))
            .map(|level| level.of(&self.0.lock(), now))
    }

    /// Retention by the forgetting curve, and when it falls to a tenth.
    fn ebbinghaus(&self, now: i64, unit: f64) -> PyResult<f64> {
        let curve = Ebbinghaus::new(unit);
        Python::attach(|py| curve.map_err(|error| crate::errors::raise(py, error)))
            .map(|curve| curve.of(&self.0.lock(), now))
    }

    /// Weight in a turn.
    fn exponential(&self, turn: u64, scale: f64, rate: f64, bonus: f64, window: u64) -> f64 {
        Exponential { scale, rate, bonus, window }.of(&self.0.lock(), turn)
    }

    /// Weight by a power of the age.
    fn power_law(&self, now: i64, exponent: f64, unit: f64) -> PyResult<f64> {
        let law = PowerLaw::new(exponent, unit);
        Python::attach(|py| law.map_err(|error| crate::errors::raise(py, error)))
            .map(|law| law.of(&self.0.lock(), now))
    }
}

/// Positions drawn by a power of their age.
#[pyfunction]
pub(crate) fn activation_rehearse(ages: Vec<f64>, m: usize, exponent: f64, seed: u64) -> Vec<usize> {
    rehearse(&ages, m, exponent, seed)
}

/// Positions of the lowest share.
#[pyfunction]
pub(crate) fn activation_lowest(activations: Vec<f64>, share: f64) -> Vec<usize> {
    lowest(&activations, share)
}

/// Positions of what is let go by chance.
#[pyfunction]
pub(crate) fn activation_sampled_below(retentions: Vec<f64>, seed: u64) -> Vec<usize> {
    sampled_below(&retentions, seed)
}

/// Base-level activation of ages in seconds.
#[pyfunction]
pub(crate) fn activation_of_ages(py: Python<'_>, ages: Vec<f64>, decay: f64) -> PyResult<f64> {
    let level = BaseLevel::new(decay, 1, Formula::Hybrid);
    level.map(|level| level.of_ages(&ages)).map_err(|error: Error| crate::errors::raise(py, error))
}
