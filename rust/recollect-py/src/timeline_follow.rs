//! A timeline that follows the memories of a namespace: its events are numbered by their slots there.

use numpy::PyArray1;
use parking_lot::MutexGuard;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use recollect_core::error::{Error, Result};
use recollect_core::id::Slot;
use recollect_core::record::Kind;
use recollect_core::store::{Follower, Following};
use recollect_core::time::Timestamp;
use recollect_core::timeline::{NamedTimeline, Settings};

use crate::enter::enter;
use crate::graph_ids::listed;
use crate::namespace::Namespace;
use crate::query::uids as identities;
use crate::rows::held;
use crate::segmentation::{RulesRow, rules};
use crate::timeline::{Timeline, ZoneRow, zone};
use crate::timeline_nodes::{NodeKey, node_id};

impl Timeline {
    fn follower(&self) -> Result<MutexGuard<'_, Follower>> {
        let none = || Error::invalid("timeline", "it follows no namespace");
        self.follower.as_ref().map(|follower| follower.lock()).ok_or_else(none)
    }
}

#[pymethods]
impl Timeline {
    /// One that follows a namespace.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "settings")]
    #[pyo3(name = "following")]
    fn of_namespace(
        py: Python<'_>,
        levels: Vec<String>,
        gap: i64,
        terms: usize,
        changes: ZoneRow,
        vectors: bool,
        row: RulesRow,
        kinds: Option<Vec<String>>,
    ) -> PyResult<Self> {
        enter(py, std::process::id(), |_| {
            let levels = levels.iter().map(|name| name.parse()).collect::<Result<_>>()?;
            let settings = Settings { levels, zone: zone(changes)?, gap, dim: 0, terms };
            let core = NamedTimeline::by_slot(settings.clone())?;
            let kinds =
                kinds.map(|x| x.iter().map(|k| k.parse::<Kind>()).collect::<Result<_>>()).transpose()?;
            let follower = Follower::new(Following { settings, vectors, rules: rules(row), kinds })?;
            Ok(Timeline::following(core, follower))
        })
    }

    /// Brings it level with the namespace; whether anything changed.
    fn follow(&self, py: Python<'_>, namespace: &Namespace, now: i64) -> PyResult<bool> {
        enter(py, self.pid, |cancel| {
            let mut follower = self.follower()?;
            let mut core = self.write(cancel)?;
            namespace.memory.follow(&mut core, &mut follower, Timestamp(now), cancel)
        })
    }

    /// The memories of events, with their numbers; what was forgotten since is left out.
    fn records<'py>(
        &self,
        py: Python<'py>,
        namespace: &Namespace,
        events: &Bound<'_, PyArray1<i64>>,
    ) -> PyResult<Vec<(i64, Bound<'py, PyTuple>)>> {
        let events = listed(events)?;
        let found = enter(py, self.pid, |cancel| {
            let slots: Vec<Slot> = events.iter().filter_map(|&id| Slot::try_from(id).ok()).collect();
            namespace.memory.held_of(&*self.follower()?, &slots, cancel)
        })?;
        let path = namespace.memory.path();
        found.into_iter().map(|(slot, one)| Ok((i64::from(slot), held(py, one, path)?))).collect()
    }

    /// The events of memories.
    fn events<'py>(
        &self,
        py: Python<'py>,
        namespace: &Namespace,
        uids: Vec<String>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let slots = enter(py, self.pid, |cancel| {
            namespace.memory.slots_of(&*self.follower()?, &identities(&uids, "uids")?, cancel)
        })?;
        Ok(PyArray1::from_vec(py, slots.into_iter().map(i64::from).collect()))
    }

    /// Which versions of which memories are below a node, as a digest.
    fn digest(&self, py: Python<'_>, namespace: &Namespace, node: NodeKey) -> PyResult<String> {
        let digest = enter(py, self.pid, |cancel| {
            let follower = self.follower()?;
            let core = self.read(cancel)?;
            namespace.memory.digest_of(&follower, &core, node_id(node)?, cancel)
        })?;
        Ok(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The terms of a text as they are in the tree.
    fn terms_in(&self, py: Python<'_>, namespace: &Namespace, text: &str) -> PyResult<Vec<String>> {
        enter(py, self.pid, |cancel| Ok(namespace.memory.terms(text, cancel)?.into_iter().collect()))
    }
}
