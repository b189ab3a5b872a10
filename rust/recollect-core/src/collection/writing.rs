//! Calls that change a collection: everything is checked before the first change, and a call that cannot be finished
//! leaves the vectors as they were.

use std::ops::Range;
use std::sync::LazyLock;

use super::collection::{Collection, room};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::ids::Ids;
use crate::vector::{MAX_SLOTS, VectorIndex};

/// Brings some of the vectors of a call into an empty buffer, (range, dim). Each is asked for twice.
pub type Source<'a> = dyn FnMut(Range<usize>, &mut Vec<f32>) -> Result<()> + 'a;

/// Numbers asked of a source at a time: 4 MiB.
const BLOCK: usize = 1 << 20;

/// Vectors between two questions to [`Cancel`].
const CHECKPOINT: usize = 32;

/// Calls `work` with each vector and its place.
fn each(
    count: usize,
    dim: usize,
    source: &mut Source<'_>,
    cancel: Cancel<'_>,
    mut work: impl FnMut(usize, &[f32]) -> Result<()>,
) -> Result<()> {
    let (step, mut block) = ((BLOCK / dim).max(1), Vec::new());
    for start in (0..count).step_by(step) {
        let range = start..(start + step).min(count);
        block.clear();
        source(range.clone(), &mut block)?;
        if block.len() != range.len() * dim {
            let reason = format!("{} numbers for {} vectors of {dim} dimensions", block.len(), range.len());
            return Err(Error::invalid("vectors", reason));
        }
        for (at, vector) in range.zip(block.chunks_exact(dim)) {
            if at.is_multiple_of(CHECKPOINT) {
                cancel.check()?;
            }
            work(at, vector)?;
        }
    }
    Ok(())
}

/// Threads that the machine runs at once; asking takes as long as an insert.
static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));

impl Collection {
    /// Adds `count` vectors, all or none, and gives their ids; without `ids` they count on from the greatest that was ever
    /// there, from zero.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that is there already or is given twice, and as [`VectorIndex::check`] for a vector,
    /// each named by its place; [`Error::Limit`] beyond 2^28 vectors; [`Error::Storage`] without memory;
    /// [`Error::Cancelled`]; whatever the source brings.
    pub fn add(
        &mut self,
        ids: Option<Vec<i64>>,
        count: usize,
        source: &mut Source<'_>,
        cancel: Cancel<'_>,
    ) -> Result<Vec<i64>> {
        let held = (self.len() + count) as u64;
        if held > MAX_SLOTS as u64 {
            return Err(Error::Limit { argument: "vectors".into(), found: held, limit: MAX_SLOTS as u64 });
        }
        let ids = match ids {
            Some(ids) if ids.len() != count => {
                return Err(Error::invalid("ids", format!("{} ids for {count} vectors", ids.len())));
            }
            Some(ids) => ids,
            None => self.ids.following(count)?,
        };
        self.admit(count, source, cancel)?;
        let next = self.ids.next();
        let slots = self.ids.give(&ids)?;
        let (dim, index) = (self.index.dim(), &mut self.index);
        let mut inserted = 0;
        let done = index.insert_many(&slots, *CORES, cancel, |insert| {
            each(count, dim, source, cancel, |at, vector| {
                insert(at, vector)?;
                inserted = at + 1;
                Ok(())
            })
        });
        if let Err(error) = done {
            self.take_out(&ids, &slots[..inserted])?;
            self.ids.rewind(next);
            return Err(error);
        }
        Ok(ids)
    }

    /// Gives ids that have vectors new ones, all or none.
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id without a vector, else as [`Collection::add`].
    pub fn update(&mut self, ids: &[i64], source: &mut Source<'_>, cancel: Cancel<'_>) -> Result<()> {
        let slots = self.ids.distinct(ids)?;
        self.admit(slots.len(), source, cancel)?;
        let (dim, index) = (self.index.dim(), &mut self.index);
        let mut before: Vec<f32> = room(slots.len().saturating_mul(dim))?;
        let done = each(slots.len(), dim, source, cancel, |at, vector| {
            before.resize((at + 1) * dim, 0.0);
            let _ = index.vector(slots[at], &mut before[at * dim..]);
            index.remove(slots[at]);
            index.insert(slots[at], vector)
        });
        if let Err(error) = done {
            for (&slot, kept) in slots.iter().zip(before.chunks_exact(dim)) {
                self.index.remove(slot);
                self.index.restore(slot, kept)?;
            }
            return Err(error);
        }
        Ok(())
    }

    /// Takes vectors out, all or none, and gives their number; not to be cancelled.
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id without a vector; [`Error::Invalid`] for one that is given twice.
    pub fn remove(&mut self, ids: &[i64]) -> Result<usize> {
        let slots = self.ids.distinct(ids)?;
        self.take_out(ids, &slots)?;
        Ok(slots.len())
    }

    /// Refuses vectors that cannot be kept.
    fn admit(&self, count: usize, source: &mut Source<'_>, cancel: Cancel<'_>) -> Result<()> {
        each(count, self.index.dim(), source, cancel, |at, vector| {
            // A name is made only where it is needed.
            self.index
                .check("vectors", vector)
                .or_else(|_| self.index.check(&format!("vectors[{at}]"), vector))
        })
    }

    /// Takes out ids, and the slots of those that have a vector.
    fn take_out(&mut self, ids: &[i64], slots: &[Slot]) -> Result<()> {
        if ids.len() == self.ids.len() {
            // With the last of them goes the memory, at once.
            let next = self.ids.next();
            self.index = VectorIndex::with_keep(self.index.dim(), self.index.metric(), self.index.keep())?;
            self.ids = Ids::default();
            self.ids.rewind(next);
            return Ok(());
        }
        for &slot in slots {
            self.index.remove(slot);
        }
        self.ids.release(ids);
        Ok(())
    }
}
