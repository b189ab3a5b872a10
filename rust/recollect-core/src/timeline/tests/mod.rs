//! The tree against what is known of it.

mod calendar;
mod finding;
mod model;
mod rebuilt;

use super::*;
use crate::calendar::Unit;
use crate::cancel::Cancel;

pub(super) const MINUTE: i64 = 60_000_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// 2024-01-01, a Monday.
pub(super) const MONDAY: i64 = 1_704_067_200_000_000;

pub(super) fn timeline(dim: usize) -> Timeline {
    Timeline::new(Settings { dim, ..Settings::default() }).unwrap()
}

/// All that a tree says of a node, apart from whether it was closed.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    view: View,
    children: Vec<Item>,
    mean: Vec<f32>,
    terms: Vec<(u32, u32)>,
}

pub(super) fn told(tree: &Timeline) -> Vec<Told> {
    let levels = 0..tree.settings().levels.len() as u8;
    levels
        .flat_map(|level| tree.nodes(level, i64::MIN, i64::MAX))
        .map(|view| Told {
            children: tree.children(view.id).unwrap(),
            mean: tree.mean(view.id).unwrap(),
            terms: tree.terms(view.id).unwrap(),
            view: View { state: State::Open, ..view },
        })
        .collect()
}

/// Hulls hold hulls, nothing is empty, and no level has more nodes than the one below.
pub(super) fn sound(tree: &Timeline) {
    let tally = tree.tally();
    let mut below = tree.len();
    let coarse = |level: &Level| !matches!(level, Level::Segment | Level::Session);
    let first = tree.settings().levels.iter().position(coarse);
    for level in 0..tally.len() as u8 {
        if Some(level as usize) == first {
            // What stands alone is first here.
            below += tree.events.alone.len();
        }
        let nodes = tree.nodes(level, i64::MIN, i64::MAX);
        assert_eq!(nodes.len(), tally[level as usize].nodes);
        if level >= 2 {
            // Below that some events stand for themselves.
            assert!(nodes.len() <= below);
            assert_eq!(nodes.iter().map(|view| view.children).sum::<usize>(), below);
        }
        below = nodes.len();
        for view in &nodes {
            assert!(view.start < view.end && view.children > 0 && view.children <= view.events);
            let children = tree.children(view.id).unwrap();
            assert_eq!(children.len(), view.children);
            let mut events = 0;
            for child in children {
                let (start, end) = match child {
                    Item::Event(slot) => {
                        events += 1;
                        tree.event(slot).map(|x| (x.start, x.end)).unwrap()
                    }
                    Item::Node(id) => {
                        let child = tree.node(id).unwrap();
                        assert_eq!(child.parent, Some(view.id));
                        events += child.events;
                        (child.start, child.end)
                    }
                };
                assert!(view.start <= start && end <= view.end);
            }
            assert_eq!(events, view.events);
        }
    }
}
