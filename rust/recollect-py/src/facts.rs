//! Facts as Python holds them.

use std::path::PathBuf;
use std::time::Duration;

use numpy::PyArray1;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use pyo3::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::{Error, Result};
use recollect_core::facts::{Asserted, Claim, NamedFacts, Pattern, Policy, Verdict, When};

use crate::enter::enter;
use crate::errors::invalid;
use crate::graph_ids::listed;

/// Time between two looks for a signal while another call has the lock.
const WAIT: Duration = Duration::from_millis(50);

/// A fact as it crosses: number, subject, predicate, object, valid, recorded, confidence, sources.
type FactRow = (u32, String, String, String, i64, i64, i64, i64, f32, Vec<String>);

/// Subject, predicate and object; none for any.
type PatternRow = (Option<String>, Option<String>, Option<String>);

/// What a claim did: facts on record, closed ones, what remains of them, whether it is only on record.
type AssertedRow = (Vec<u32>, Vec<u32>, Vec<u32>, bool);

/// Subject, predicate, object, valid from and to, confidence, source.
type ClaimRow = (String, String, String, i64, i64, f32, Option<String>);

/// Facts under two times.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Facts {
    /// Taken only while detached, so that nobody who waits for it keeps the interpreter from who has it.
    core: RwLock<NamedFacts>,
    pid: u32,
}

impl Facts {
    fn read(&self, cancel: Cancel<'_>) -> Result<RwLockReadGuard<'_, NamedFacts>> {
        loop {
            match self.core.try_read_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    fn write(&self, cancel: Cancel<'_>) -> Result<RwLockWriteGuard<'_, NamedFacts>> {
        loop {
            match self.core.try_write_for(WAIT) {
                Some(core) => return Ok(core),
                None => cancel.check()?,
            }
        }
    }

    fn new_of(core: NamedFacts) -> Self {
        Self { core: RwLock::new(core), pid: std::process::id() }
    }
}

fn row(core: &NamedFacts, number: u32) -> Result<FactRow> {
    let fact = core.facts.fact(number)?;
    let sources = core.facts.sources_of(number).iter().map(|&x| core.source_name(x).to_owned()).collect();
    Ok((
        number,
        core.thing(fact.subject).to_owned(),
        core.predicate(fact.predicate).to_owned(),
        core.thing(fact.object).to_owned(),
        fact.valid.0,
        fact.valid.1,
        fact.recorded.0,
        fact.recorded.1,
        fact.confidence,
        sources,
    ))
}

fn rows(core: &NamedFacts, numbers: Vec<u32>) -> Result<Vec<FactRow>> {
    numbers.into_iter().map(|number| row(core, number)).collect()
}

fn pattern(core: &NamedFacts, (subject, predicate, object): &PatternRow) -> Option<Pattern> {
    core.pattern(subject.as_deref(), predicate.as_deref(), object.as_deref())
}

fn claim(core: &mut NamedFacts, row: &ClaimRow) -> Claim {
    let (subject, predicate, object, from, to, confidence, source) = row;
    Claim {
        subject: core.take_thing(subject),
        predicate: core.take_predicate(predicate),
        object: core.take_thing(object),
        valid: (*from, *to),
        confidence: *confidence,
        source: source.as_deref().map(|name| core.take_source(name)),
    }
}

fn policy_of(name: &str, verdicts: Option<Vec<(u32, String)>>) -> Result<Policy> {
    match verdicts {
        None => name.parse(),
        Some(verdicts) => {
            let judged = verdicts.into_iter().map(|(number, name)| Ok((number, name.parse::<Verdict>()?)));
            Ok(Policy::Judged(judged.collect::<Result<_>>()?))
        }
    }
}

fn asserted(done: Asserted) -> AssertedRow {
    (done.rows, done.closed, done.remain, done.archived)
}

#[pymethods]
impl Facts {
    #[new]
    fn new() -> Self {
        Self::new_of(NamedFacts::default())
    }

    /// What was saved in a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        enter(py, std::process::id(), |cancel| NamedFacts::load(&path, cancel).map(Self::new_of))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        enter(py, self.pid, |cancel| self.read(cancel)?.save(&path, cancel))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        enter(py, self.pid, |cancel| Ok(self.read(cancel)?.facts.len()))
    }

    /// Facts, those that stand, and bytes.
    fn stats(&self, py: Python<'_>) -> PyResult<(usize, usize, usize)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            Ok((core.facts.len(), core.facts.standing(), core.facts.bytes()))
        })
    }

    /// Says whether a predicate may have several objects at once.
    fn set_many(&self, py: Python<'_>, predicate: &str, many: bool) -> PyResult<()> {
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let predicate = core.take_predicate(predicate);
            core.facts.set_many(predicate, many);
            Ok(())
        })
    }

    /// Standing facts that a claim would contradict.
    fn conflicts(&self, py: Python<'_>, new: ClaimRow) -> PyResult<Vec<FactRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (subject, predicate, object, from, to, confidence, _) = &new;
            let Some(cell) = core.pattern(Some(subject), Some(predicate), None) else {
                return Ok(Vec::new());
            };
            let (Some(subject), Some(predicate)) = (cell.subject, cell.predicate) else {
                return Ok(Vec::new());
            };
            // An object that nobody told of is another than all.
            let object = core.pattern(None, None, Some(object)).and_then(|x| x.object).unwrap_or(u32::MAX);
            let (valid, confidence) = ((*from, *to), *confidence);
            let claim = Claim { subject, predicate, object, valid, confidence, source: None };
            rows(&core, core.facts.conflicts(&claim))
        })
    }

    /// Puts a claim on record; of judged conflicts their numbers and verdicts.
    fn put(
        &self,
        py: Python<'_>,
        new: ClaimRow,
        policy: &str,
        verdicts: Option<Vec<(u32, String)>>,
        now: i64,
    ) -> PyResult<AssertedRow> {
        enter(py, self.pid, |cancel| {
            let policy = policy_of(policy, verdicts)?;
            let mut core = self.write(cancel)?;
            let claim = claim(&mut core, &new);
            core.facts.assert(claim, &policy, now).map(asserted)
        })
    }

    /// Puts claims on record one after the other, all or none; gives how many facts stand for them.
    #[expect(clippy::too_many_arguments, reason = "columns of claims")]
    fn put_many(
        &self,
        py: Python<'_>,
        names: (Vec<String>, Vec<String>, Vec<String>),
        starts: &Bound<'_, PyArray1<i64>>,
        ends: &Bound<'_, PyArray1<i64>>,
        times: &Bound<'_, PyArray1<i64>>,
        confidence: &Bound<'_, PyArray1<f32>>,
        sources: Option<Vec<Option<String>>>,
        policy: &str,
    ) -> PyResult<usize> {
        let (starts, ends, times) = (listed(starts)?, listed(ends)?, listed(times)?);
        let (confidence, count) = (listed(confidence)?, starts.len());
        let lengths =
            [names.0.len(), names.1.len(), names.2.len(), ends.len(), times.len(), confidence.len()];
        if lengths.iter().any(|&x| x != count) || sources.as_ref().is_some_and(|x| x.len() != count) {
            return Err(invalid("facts", "columns of different lengths"));
        }
        enter(py, self.pid, |cancel| {
            let policy: Policy = policy.parse()?;
            // What is wrong is found before anything is changed.
            for at in 0..count {
                if starts[at] >= ends[at] {
                    return Err(Error::invalid(format!("valid[{at}]"), "expected a start before its end"));
                }
                if !(0.0..=1.0).contains(&confidence[at]) {
                    let reason = "expected a number between 0 and 1";
                    return Err(Error::invalid(format!("confidence[{at}]"), reason));
                }
            }
            let mut core = self.write(cancel)?;
            cancel.check()?;
            let mut stand = 0;
            for at in 0..count {
                let claim = Claim {
                    subject: core.take_thing(&names.0[at]),
                    predicate: core.take_predicate(&names.1[at]),
                    object: core.take_thing(&names.2[at]),
                    valid: (starts[at], ends[at]),
                    confidence: confidence[at],
                    source: sources.as_ref().and_then(|x| x[at].as_deref()).map(|x| core.take_source(x)),
                };
                let done = core.facts.assert(claim, &policy, times[at])?;
                stand += if done.archived { 0 } else { done.rows.len() };
            }
            Ok(stand)
        })
    }

    /// Ends the records of standing facts.
    fn retract(
        &self,
        py: Python<'_>,
        which: PatternRow,
        start: i64,
        end: i64,
        now: i64,
    ) -> PyResult<AssertedRow> {
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            match pattern(&core, &which) {
                Some(pattern) => core.facts.retract(pattern, (start, end), now).map(asserted),
                None => Ok(asserted(Asserted::default())),
            }
        })
    }

    /// Facts that hold at some time of a range, as the records stood at an instant.
    fn find(
        &self,
        py: Python<'_>,
        which: PatternRow,
        start: i64,
        end: i64,
        recorded: i64,
    ) -> PyResult<Vec<FactRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let Some(pattern) = pattern(&core, &which) else { return Ok(Vec::new()) };
            let found = core.facts.find(pattern, When { from: start, to: end, recorded });
            rows(&core, found)
        })
    }

    /// The object that holds at an instant, the last on record of several.
    fn value(
        &self,
        py: Python<'_>,
        subject: &str,
        predicate: &str,
        valid: i64,
        recorded: i64,
    ) -> PyResult<Option<String>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let Some(cell) = core.pattern(Some(subject), Some(predicate), None) else { return Ok(None) };
            let (Some(subject), Some(predicate)) = (cell.subject, cell.predicate) else { return Ok(None) };
            let last = core.facts.last(subject, predicate, When::at(valid, recorded));
            Ok(last.map(|(_, object)| core.thing(object).to_owned()))
        })
    }

    /// All facts there ever were.
    fn history(&self, py: Python<'_>, which: PatternRow) -> PyResult<Vec<FactRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let Some(pattern) = pattern(&core, &which) else { return Ok(Vec::new()) };
            rows(&core, core.facts.history(pattern))
        })
    }

    /// Pairs of facts that contradict each other.
    fn contradictions(
        &self,
        py: Python<'_>,
        which: PatternRow,
        recorded: i64,
    ) -> PyResult<Vec<(FactRow, FactRow)>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let Some(pattern) = pattern(&core, &which) else { return Ok(Vec::new()) };
            let pairs = core.facts.contradictions(pattern, recorded);
            pairs.into_iter().map(|(a, b)| Ok((row(&core, a)?, row(&core, b)?))).collect()
        })
    }

    /// A fact by its number.
    fn fact(&self, py: Python<'_>, number: u32) -> PyResult<FactRow> {
        enter(py, self.pid, |cancel| row(&*self.read(cancel)?, number))
    }

    /// Standing facts that come from a source.
    fn supported_by(&self, py: Python<'_>, source: &str) -> PyResult<Vec<FactRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let source = core.source(source);
            rows(&core, source.map_or(Vec::new(), |source| core.facts.supported_by(source)))
        })
    }

    /// Forgets a source; gives the standing facts that come from nowhere else.
    fn withdraw(&self, py: Python<'_>, source: &str) -> PyResult<Vec<FactRow>> {
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let source = core.source(source);
            let left = source.map_or(Vec::new(), |source| core.facts.withdraw(source));
            rows(&core, left)
        })
    }
}
