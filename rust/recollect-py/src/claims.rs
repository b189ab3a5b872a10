//! What semantic memories state of their subjects, as Python sees it.

use pyo3::prelude::*;
use pyo3::types::PyList;
use recollect_core::error::{Error, Result};
use recollect_core::store::{Brought, Call, Draft, Memory, Order, Outcome, Policy, Selection};
use recollect_core::time::Timestamp;

use crate::enter::enter;
use crate::query::{event, metadata as json, uid as identity, uids as identities};
use crate::rows::list;

/// Evidence, policy, and the verdicts of one that judged: identity, version, word.
pub(crate) type Claim = (Vec<String>, String, Option<Vec<(String, u32, String)>>);
/// When it held, and when it was known.
pub(crate) type AsOf = (Option<i64>, Option<i64>);

/// States one fact: what became of it, then of those that gave way.
pub(crate) fn state(
    memory: &Memory,
    mut drafts: Vec<Draft>,
    claim: &Claim,
    brought: Brought<'_>,
    call: &mut Call<'_>,
) -> Result<Vec<Outcome>> {
    let (evidence, policy, verdicts) = claim;
    let policy = match verdicts {
        Some(verdicts) => {
            let verdict = |(uid, version, word): &(String, u32, String)| {
                Ok((identity(uid, "policy")?, *version, word.parse()?))
            };
            Policy::Judged(verdicts.iter().map(verdict).collect::<Result<_>>()?)
        }
        None => policy.parse()?,
    };
    let one = drafts.pop().filter(|_| drafts.is_empty());
    let draft = one.ok_or_else(|| Error::invalid("texts", "expected one statement"))?;
    let claimed = memory.claim(draft, &identities(evidence, "evidence")?, &policy, brought, call)?;
    Ok(std::iter::once(claimed.outcome).chain(claimed.gave_way).collect())
}

/// A selection with the times it is asked for.
pub(crate) fn as_of(selection: Selection, as_of: AsOf) -> Selection {
    Selection { valid: as_of.0.map(Timestamp), known: as_of.1.map(Timestamp), ..selection }
}

/// The statements of one namespace.
#[pyclass(frozen, module = "recollect._native")]
pub(crate) struct Claims {
    pub memory: Memory,
    pub pid: u32,
}

#[pymethods]
impl Claims {
    /// What is stated of a subject, what was learned last first.
    #[pyo3(signature = (subject, *, predicate=None, as_of=(None, None), between=(None, None), limit=None, now))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn about<'py>(
        &self,
        py: Python<'py>,
        subject: String,
        predicate: Option<String>,
        as_of: AsOf,
        between: (Option<i64>, Option<i64>),
        limit: Option<usize>,
        now: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = enter(py, self.pid, |cancel| {
            let about = Some((subject, predicate));
            let selection = self::as_of(Selection { about, ..Selection::default() }, as_of);
            let holding = (between.0.unwrap_or(i64::MIN), between.1.unwrap_or(i64::MAX));
            let selection =
                Selection { holding: (holding != (i64::MIN, i64::MAX)).then_some(holding), ..selection };
            self.memory.list(&selection, Order::IngestedDescending, 0, limit, Timestamp(now), cancel)
        })?;
        list(py, found, self.memory.path())
    }

    /// The statements that a new one would contradict.
    #[pyo3(signature = (metadata, *, start=None, end=None, now))]
    fn conflicts<'py>(
        &self,
        py: Python<'py>,
        metadata: &str,
        start: Option<i64>,
        end: Option<i64>,
        now: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = enter(py, self.pid, |cancel| {
            let event = event(start, end, &|| "until".into())?;
            let metadata = json(metadata, &|| "metadata".into())?;
            self.memory.conflicts(&metadata, event, Timestamp(now), cancel)
        })?;
        list(py, found, self.memory.path())
    }

    /// The identities of all that was ever stated of a subject.
    #[pyo3(signature = (subject, predicate=None))]
    fn ever(&self, py: Python<'_>, subject: &str, predicate: Option<&str>) -> PyResult<Vec<String>> {
        let found = enter(py, self.pid, |cancel| self.memory.ever_stated(subject, predicate, cancel))?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    /// The statements that nothing else supports than these memories.
    #[pyo3(signature = (uids, *, now))]
    fn supported_only_by(&self, py: Python<'_>, uids: Vec<String>, now: i64) -> PyResult<Vec<String>> {
        let found = enter(py, self.pid, |cancel| {
            self.memory.supported_only_by(&identities(&uids, "uids")?, Timestamp(now), cancel)
        })?;
        Ok(found.iter().map(ToString::to_string).collect())
    }
}
