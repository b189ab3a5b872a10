//! Runs of events as units with a representative each (InfLLM; Landmark attention).

use super::event::unit;
use super::node::NodeId;
use super::timeline::Timeline;
use crate::error::{Error, Result};
use crate::id::Slot;

/// What stands for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representative {
    /// The mean of all.
    Mean,
    /// The mean of so many with the greatest salience: InfLLM takes 4.
    Salient(usize),
    /// The one at this place, counted from the first of the block; the last of a shorter block.
    Landmark(usize),
}

/// The items that stand for a block of which these are the saliences, ascending; of equal ones the first.
pub fn representatives(salience: &[f32], by: Representative) -> Vec<usize> {
    match by {
        Representative::Mean => (0..salience.len()).collect(),
        Representative::Landmark(at) => vec![at.min(salience.len().saturating_sub(1))],
        Representative::Salient(count) => {
            let mut order: Vec<usize> = (0..salience.len()).collect();
            order.sort_by(|&a, &b| salience[b].total_cmp(&salience[a]));
            order.truncate(count.max(1));
            order.sort_unstable();
            order
        }
    }
}

/// A block of events.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its events in order of time.
    pub slots: Vec<Slot>,
    /// Which of them stand for it.
    pub representatives: Vec<Slot>,
    /// Their mean, scaled to length one; zeros where it has none.
    pub key: Vec<f32>,
}

impl Timeline {
    /// All events in order of time in blocks of `size`, the last one shorter.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a size of 0.
    pub fn blocks(&self, size: usize, by: Representative) -> Result<Vec<Block>> {
        if size == 0 {
            return Err(Error::invalid("size", "expected at least 1"));
        }
        let all = self.index.to_vec();
        Ok(all.chunks(size).map(|spans| self.block(spans.iter().map(|x| (x.item, x.weight)), by)).collect())
    }

    /// The events of each node of a level as a block, in order of time.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a level that the tree has not.
    pub fn node_blocks(&self, level: u8, by: Representative) -> Result<Vec<Block>> {
        if self.settings.levels.len() <= level as usize {
            return Err(Error::invalid("level", "expected one of the tree"));
        }
        let weighed = |slot: Slot| (slot, self.event(slot).map_or(0.0, |span| span.weight));
        let nodes = self.nodes(level, i64::MIN, i64::MAX).into_iter();
        nodes
            .map(|view| Ok(self.block(self.events_of(view.id, usize::MAX)?.into_iter().map(weighed), by)))
            .collect()
    }

    /// The vectors of the events below a node, one after the other, in order of time.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn vectors_of(&self, id: NodeId) -> Result<(Vec<Slot>, Vec<f32>)> {
        let slots = self.events_of(id, usize::MAX)?;
        let vectors = slots.iter().flat_map(|&slot| self.events.vector(slot)).copied().collect();
        Ok((slots, vectors))
    }

    fn block(&self, events: impl Iterator<Item = (Slot, f32)>, by: Representative) -> Block {
        let (slots, salience): (Vec<Slot>, Vec<f32>) = events.unzip();
        let chosen: Vec<Slot> = representatives(&salience, by).into_iter().map(|at| slots[at]).collect();
        let mut sum = vec![0.0; self.settings.dim];
        for &slot in &chosen {
            self.events.vector(slot).iter().zip(&mut sum).for_each(|(x, sum)| *sum += x);
        }
        Block { slots, representatives: chosen, key: unit(&sum) }
    }
}
