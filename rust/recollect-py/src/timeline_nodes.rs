//! Nodes of a timeline: closing them, and ways from one to another.

use numpy::PyArray1;
use pyo3::prelude::*;
use recollect_core::error::{Error, Result};
use recollect_core::timeline::{Item, Key, NamedTimeline, NodeId, State, View};

use crate::enter::enter;
use crate::timeline::Timeline;

/// Identity of a node: place of the level, kind, and two numbers.
pub(crate) type NodeKey = (u8, u8, u32, i64);

/// A node as it crosses: identity, level, parent, start, end, events, children, salience, state, text, session, segment.
pub(crate) type NodeRow = (
    NodeKey,
    String,
    Option<NodeKey>,
    i64,
    i64,
    usize,
    usize,
    f32,
    &'static str,
    Option<String>,
    (Option<String>, Option<i64>),
);

/// An event by its id, or a node by its identity.
#[derive(FromPyObject)]
pub(crate) enum Which {
    Event(i64),
    Node(NodeKey),
}

/// An event or a node as it crosses.
pub(crate) type ItemRow = (Option<i64>, Option<NodeRow>);

fn key(id: NodeId) -> NodeKey {
    let (kind, a, b) = id.parts();
    (id.level, kind, a, b)
}

pub(crate) fn node_id((level, kind, a, b): NodeKey) -> Result<NodeId> {
    NodeId::of_parts(level, kind, a, b).ok_or_else(|| Error::unknown("node", "such node in this timeline"))
}

pub(crate) fn item_of(core: &NamedTimeline, which: Which) -> Result<Item> {
    match which {
        Which::Event(id) => Ok(Item::Event(core.known("event", id)?)),
        Which::Node(node) => Ok(Item::Node(node_id(node)?)),
    }
}

pub(crate) fn node_row(core: &NamedTimeline, view: View) -> NodeRow {
    let level = core.timeline.settings().levels.get(view.id.level as usize);
    let state = match view.state {
        State::Open => "open",
        State::Closed => "closed",
        State::Reopened => "reopened",
    };
    // A session that nobody named is called by what no name can be.
    let session =
        |number: u32| Some(core.session_name(number)).filter(|x| !x.starts_with('\0')).map(str::to_owned);
    let names = match view.id.key {
        Key::Segment(within, segment) => (within.and_then(session), Some(core.segment_number(segment))),
        Key::Session(number) => (session(number), None),
        _ => (None, None),
    };
    let text = view.text.as_deref().map(str::to_owned);
    (
        key(view.id),
        level.map(ToString::to_string).unwrap_or_default(),
        view.parent.map(key),
        view.start,
        view.end,
        view.events,
        view.children,
        view.salience,
        state,
        text,
        names,
    )
}

pub(crate) fn item_row(core: &NamedTimeline, item: Item) -> Result<ItemRow> {
    match item {
        Item::Event(slot) => Ok((Some(core.id(slot)), None)),
        Item::Node(id) => Ok((None, Some(node_row(core, core.timeline.node(id)?)))),
    }
}

fn rows(core: &NamedTimeline, ids: Vec<NodeId>) -> Result<Vec<NodeRow>> {
    ids.into_iter().map(|id| Ok(node_row(core, core.timeline.node(id)?))).collect()
}

#[pymethods]
impl Timeline {
    /// Closes what is over; gives the nodes that were closed.
    fn advance(&self, py: Python<'_>, watermark: i64) -> PyResult<Vec<NodeRow>> {
        enter(py, self.pid, |cancel| {
            let mut core = self.write(cancel)?;
            let closed = core.timeline.advance(watermark, cancel)?;
            rows(&core, closed)
        })
    }

    /// Nodes that are not closed.
    fn unfinished(&self, py: Python<'_>) -> PyResult<Vec<NodeRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            rows(&core, core.timeline.unfinished())
        })
    }

    /// The nodes of a level that share an instant with a range.
    fn nodes(&self, py: Python<'_>, level: u8, start: i64, end: i64) -> PyResult<Vec<NodeRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            Ok(core.timeline.nodes(level, start, end).into_iter().map(|view| node_row(&core, view)).collect())
        })
    }

    /// A node.
    fn node(&self, py: Python<'_>, node: NodeKey) -> PyResult<NodeRow> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            Ok(node_row(&core, core.timeline.node(node_id(node)?)?))
        })
    }

    /// The nodes above an event or a node.
    fn ancestors(&self, py: Python<'_>, which: Which) -> PyResult<Vec<NodeRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            rows(&core, core.timeline.ancestors(item_of(&core, which)?)?)
        })
    }

    /// What is right below a node.
    fn children(&self, py: Python<'_>, node: NodeKey) -> PyResult<Vec<ItemRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let children = core.timeline.children(node_id(node)?)?;
            children.into_iter().map(|item| item_row(&core, item)).collect()
        })
    }

    /// The events below a node.
    fn events_of<'py>(
        &self,
        py: Python<'py>,
        node: NodeKey,
        limit: usize,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let ids = enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let slots = core.timeline.events_of(node_id(node)?, limit)?;
            Ok(slots.into_iter().map(|slot| core.id(slot)).collect::<Vec<i64>>())
        })?;
        Ok(PyArray1::from_vec(py, ids))
    }

    /// What stands beside an event or a node, before it and after it.
    fn neighbours(
        &self,
        py: Python<'_>,
        which: Which,
        count: usize,
    ) -> PyResult<(Vec<ItemRow>, Vec<ItemRow>)> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let (before, after) = core.timeline.neighbours(item_of(&core, which)?, count)?;
            let all = |items: Vec<Item>| -> Result<Vec<ItemRow>> {
                items.into_iter().map(|item| item_row(&core, item)).collect()
            };
            Ok((all(before)?, all(after)?))
        })
    }

    /// Nodes of the same level before one.
    fn previous(&self, py: Python<'_>, node: NodeKey, count: usize) -> PyResult<Vec<NodeRow>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let found = core.timeline.previous(node_id(node)?, count)?;
            Ok(found.into_iter().map(|view| node_row(&core, view)).collect())
        })
    }

    /// Says something of a node.
    fn set_text(&self, py: Python<'_>, node: NodeKey, text: Option<&str>) -> PyResult<()> {
        enter(py, self.pid, |cancel| self.write(cancel)?.timeline.set_text(node_id(node)?, text))
    }

    /// The mean of the vectors below a node.
    fn mean<'py>(&self, py: Python<'py>, node: NodeKey) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let mean = enter(py, self.pid, |cancel| self.read(cancel)?.timeline.mean(node_id(node)?))?;
        Ok(PyArray1::from_vec(py, mean))
    }

    /// Words below a node, the most frequent first.
    fn terms(&self, py: Python<'_>, node: NodeKey) -> PyResult<Vec<(String, u32)>> {
        enter(py, self.pid, |cancel| {
            let core = self.read(cancel)?;
            let mut terms = core.timeline.terms(node_id(node)?)?;
            terms.sort_by_key(|x| std::cmp::Reverse(x.1));
            Ok(terms.into_iter().map(|(word, count)| (core.word_text(word).to_owned(), count)).collect())
        })
    }
}
