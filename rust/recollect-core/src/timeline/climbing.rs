//! From what was found to what it is part of, and to what stands beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::event::NONE;
use super::node::{Item, NodeId};
use super::timeline::{Timeline, unknown};
use crate::error::{Error, Result};
use crate::id::Slot;

/// An event among results: itself a hit, or there because it stands beside one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// The event.
    pub slot: Slot,
    /// The hit it stands beside; none for a hit.
    pub of: Option<Slot>,
}

impl Timeline {
    /// The nodes above scored events, each once with the greatest score below it: of each level the best up to its budget,
    /// of equal ones the earlier; by level, then time (the bottom-up recall of TiMem).
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] for a score that is not finite.
    pub fn climb(&self, scored: &[(Slot, f32)], budgets: &[usize]) -> Result<Vec<(NodeId, f32)>> {
        let mut best: BTreeMap<u32, f32> = BTreeMap::new();
        for &(slot, score) in scored {
            if !score.is_finite() {
                return Err(Error::invalid("scores", "expected finite numbers"));
            }
            if !self.contains(slot) {
                return Err(unknown(slot));
            }
            let mut at = self.events.parent(slot);
            while at != NONE {
                let known = best.entry(at).or_insert(score);
                *known = known.max(score);
                at = self.arena.get(at).parent;
            }
        }
        let mut levels: Vec<Vec<(f32, i64, NodeId)>> = vec![Vec::new(); self.settings.levels.len()];
        for (at, score) in best {
            let node = self.arena.get(at);
            levels[node.id.level as usize].push((score, node.start, node.id));
        }
        let mut out = Vec::new();
        for (level, mut nodes) in levels.into_iter().enumerate() {
            nodes.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
            nodes.truncate(budgets.get(level).copied().unwrap_or(0));
            nodes.sort_unstable_by_key(|x| (x.1, x.2));
            out.extend(nodes.into_iter().map(|x| (x.2, x.0)));
        }
        Ok(out)
    }

    /// Hits, best first, with up to `reach` events on each side of them inside what they are in, `budget` in all: each hit
    /// before what stands beside it. What is there only for standing beside takes `share` of the budget at most (EM-LLM: 0.3).
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] for a share that is not between 0 and 1.
    pub fn with_neighbours(
        &self,
        hits: &[Slot],
        budget: usize,
        reach: usize,
        share: f64,
    ) -> Result<Vec<Beside>> {
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::invalid("share", "expected a number between 0 and 1"));
        }
        let quota = (share * budget as f64 + 1e-9).floor() as usize;
        // What is a hit anyway takes nothing of the quota.
        let among: BTreeSet<Slot> = hits.iter().copied().collect();
        let (mut out, mut known, mut beside) = (Vec::new(), BTreeSet::new(), 0);
        for &hit in hits {
            let (before, after) = self.neighbours(Item::Event(hit), reach)?;
            if out.len() >= budget {
                break;
            }
            if known.insert(hit) {
                out.push(Beside { slot: hit, of: None });
            }
            for distance in 0..reach {
                for item in [before.iter().rev().nth(distance), after.get(distance)].into_iter().flatten() {
                    let &Item::Event(slot) = item else { continue };
                    if out.len() < budget && beside < quota && !among.contains(&slot) && known.insert(slot) {
                        out.push(Beside { slot, of: Some(hit) });
                        beside += 1;
                    }
                }
            }
        }
        Ok(out)
    }
}
