//! The index: vectors under the ids of the caller, in the buckets of a family.

use rustc_hash::FxHashMap;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::lsh::buckets::Buckets;
use crate::lsh::family::{Bucket, Family, Hashed};
use crate::lsh::settings::Settings;
use crate::lsh::signatures::Signatures;
use crate::vector::{MAX_SLOTS, Matrix, admit};

/// Vectors between two questions to [`Cancel`].
const CHECKPOINT: usize = 256;

/// What an index holds, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Vectors.
    pub vectors: usize,
    /// Tables.
    pub tables: usize,
    /// Keys of each table.
    pub keys: usize,
    /// Entries of all tables.
    pub entries: usize,
    /// Keys of all tables that hold a vector.
    pub filled: usize,
    /// Most vectors that share a key.
    pub largest: usize,
    /// Bytes of memory reserved.
    pub bytes: usize,
}

/// Vectors in hash tables, found by the buckets that they share with a query.
#[derive(Debug)]
pub struct LshIndex {
    pub(super) settings: Settings,
    pub(super) family: Box<dyn Family>,
    pub(super) buckets: Buckets,
    pub(super) signatures: Signatures,
    pub(super) rows: Matrix<f32>,
    /// The id of each row; of no meaning where the row is free.
    pub(super) ids: Vec<i64>,
    pub(super) slots: FxHashMap<i64, Slot>,
    free: Vec<Slot>,
    /// One more than the greatest id so far, at least zero; none after the last of all.
    next_id: Option<i64>,
}

impl LshIndex {
    /// An empty index.
    ///
    /// # Errors
    /// As [`Settings::family`]; [`Error::Storage`] without memory for the tables.
    pub fn new(settings: Settings) -> Result<Self> {
        let family = settings.family()?;
        let buckets = Buckets::new(family.tables() * family.keys())?;
        Ok(Self {
            settings,
            buckets,
            signatures: Signatures::new(family.words())?,
            family,
            rows: Matrix::new(settings.dim),
            ids: Vec::new(),
            slots: FxHashMap::default(),
            free: Vec::new(),
            next_id: Some(0),
        })
    }

    /// What it is made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its family, with the theory of its collisions.
    pub fn family(&self) -> &dyn Family {
        &*self.family
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether an id has a vector.
    pub fn contains(&self, id: i64) -> bool {
        self.slots.contains_key(&id)
    }

    /// The vector of an id as it is scored: of length one for the cosine.
    pub fn vector(&self, id: i64) -> Option<&[f32]> {
        self.slots.get(&id).map(|&slot| self.row(slot))
    }

    /// The number of a bucket among the keys of all tables.
    pub(super) fn key(&self, bucket: &Bucket) -> u32 {
        bucket.table * self.family.keys() as u32 + bucket.key
    }

    pub(super) fn row(&self, slot: Slot) -> &[f32] {
        &self.rows.row(slot as usize)[..self.settings.dim]
    }

    /// Adds vectors, `vectors` being (ids, dim); all or none. O(tables) each, beside the hashing.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that is given twice or has a vector already, and as [`admit`] for a vector, named by
    /// their places; [`Error::Limit`] beyond 2^28 vectors; [`Error::Storage`] without memory; [`Error::Cancelled`].
    pub fn add(&mut self, ids: &[i64], vectors: &[f32], cancel: Cancel<'_>) -> Result<()> {
        self.admit_all(ids, vectors)?;
        let held = (self.len() + ids.len()) as u64;
        if held > MAX_SLOTS as u64 {
            return Err(Error::Limit { argument: "vectors".into(), found: held, limit: MAX_SLOTS as u64 });
        }
        for (at, &id) in ids.iter().enumerate() {
            if self.contains(id) {
                return Err(Error::invalid(format!("ids[{at}]"), format!("{id} is in the index already")));
            }
        }
        for (at, (&id, vector)) in ids.iter().zip(vectors.chunks_exact(self.settings.dim)).enumerate() {
            let asked = if at.is_multiple_of(CHECKPOINT) { cancel.check() } else { Ok(()) };
            if let Err(error) = asked.and_then(|()| self.insert(id, vector)) {
                ids[..at].iter().for_each(|&id| self.take_out(id));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Gives ids that have vectors new ones; all or none.
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id without a vector, else as [`LshIndex::add`].
    pub fn update(&mut self, ids: &[i64], vectors: &[f32], cancel: Cancel<'_>) -> Result<()> {
        self.admit_all(ids, vectors)?;
        self.admit_known(ids)?;
        let before: Vec<f32> = ids.iter().filter_map(|&id| self.vector(id)).flatten().copied().collect();
        let dim = self.settings.dim;
        for (at, (&id, vector)) in ids.iter().zip(vectors.chunks_exact(dim)).enumerate() {
            let asked = if at.is_multiple_of(CHECKPOINT) { cancel.check() } else { Ok(()) };
            let answer = asked.and_then(|()| {
                self.take_out(id);
                self.insert(id, vector)
            });
            if let Err(error) = answer {
                for (&id, vector) in ids[..=at].iter().zip(before.chunks_exact(dim)) {
                    self.take_out(id);
                    // What lay there a moment ago has room there.
                    self.insert(id, vector)?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes vectors out of the index and their buckets, and overwrites them and their signatures; all or none.
    ///
    /// # Errors
    /// [`Error::UnknownVector`] for an id without a vector; [`Error::Invalid`] for one that is given twice.
    pub fn remove(&mut self, ids: &[i64]) -> Result<()> {
        admit_distinct(ids)?;
        self.admit_known(ids)?;
        ids.iter().for_each(|&id| self.take_out(id));
        Ok(())
    }

    /// The `count` ids after the greatest that has ever been in the index, from zero on.
    ///
    /// # Errors
    /// [`Error::Limit`] if they end before that.
    pub fn next_ids(&self, count: usize) -> Result<Vec<i64>> {
        let end = i64::try_from(count).ok().and_then(|count| self.next_id?.checked_add(count));
        let past = || Error::Limit { argument: "ids".into(), found: 1 << 63, limit: i64::MAX as u64 };
        let (Some(start), Some(end)) = (self.next_id, end) else { return Err(past()) };
        Ok((start..end).collect())
    }

    fn admit_all(&self, ids: &[i64], vectors: &[f32]) -> Result<()> {
        let dim = self.settings.dim;
        if vectors.len() != ids.len() * dim {
            let reason = format!("{} numbers for {} vectors of {dim} dimensions", vectors.len(), ids.len());
            return Err(Error::invalid("vectors", reason));
        }
        for (at, vector) in vectors.chunks_exact(dim).enumerate() {
            admit(&format!("vectors[{at}]"), vector, dim, self.settings.metric)?;
        }
        admit_distinct(ids)
    }

    fn admit_known(&self, ids: &[i64]) -> Result<()> {
        let unknown = ids.iter().enumerate().find(|(_, id)| !self.contains(**id));
        unknown.map_or(Ok(()), |(at, &id)| Err(Error::UnknownVector { argument: format!("ids[{at}]"), id }))
    }

    /// Adds an admitted vector; the index is unchanged by a failure.
    fn insert(&mut self, id: i64, vector: &[f32]) -> Result<()> {
        let slot = self.free.last().map_or(self.ids.len() as Slot, |&slot| slot);
        let refused = |error: std::collections::TryReserveError| Error::Storage(error.to_string());
        self.ids.try_reserve(1).map_err(refused)?;
        self.free.try_reserve(self.ids.len() + 1 - self.free.len()).map_err(refused)?;
        self.slots.try_reserve(1).map_err(|error| Error::Storage(error.to_string()))?;
        if slot as usize == self.rows.rows() {
            self.rows.reserve()?;
        }
        let mut row = vector.to_vec();
        self.settings.metric.prepare(&mut row);
        let mut hashed = Hashed::default();
        self.family.hash(&row, 0, &mut hashed);
        self.signatures.put(slot, &hashed.projections)?;
        for (at, bucket) in hashed.buckets.iter().enumerate() {
            if let Err(error) = self.buckets.insert(self.key(bucket), slot) {
                for bucket in &hashed.buckets[..at] {
                    self.buckets.remove(self.key(bucket), slot);
                }
                return Err(error);
            }
        }
        if slot as usize == self.rows.rows() {
            self.rows.push()?;
        }
        self.rows.row_mut(slot as usize).copy_from_slice(&row);
        if self.free.pop().is_none() {
            self.ids.push(id);
        }
        self.ids[slot as usize] = id;
        self.slots.insert(id, slot);
        self.next_id = self.next_id.and_then(|next| Some(next.max(id.checked_add(1)?)));
        Ok(())
    }

    /// Takes an id out, if it is there.
    fn take_out(&mut self, id: i64) {
        let Some(slot) = self.slots.remove(&id) else { return };
        let mut hashed = Hashed::default();
        // The buckets follow from the vector, so that they need not be kept.
        self.family.hash(self.row(slot), 0, &mut hashed);
        for bucket in &hashed.buckets {
            self.buckets.remove(self.key(bucket), slot);
        }
        self.rows.row_mut(slot as usize).fill(0.0);
        self.signatures.clear(slot);
        self.free.push(slot);
    }

    /// What it holds, counted.
    pub fn stats(&self) -> Stats {
        let (filled, largest) = self.buckets.filled();
        let names =
            size_of::<i64>() * self.ids.capacity() + 17 * self.slots.capacity() + 4 * self.free.capacity();
        Stats {
            vectors: self.len(),
            tables: self.family.tables(),
            keys: self.family.keys(),
            entries: self.buckets.len(),
            filled,
            largest,
            bytes: self.buckets.bytes()
                + names
                + self.rows.bytes()
                + self.signatures.bytes()
                + self.family.bytes(),
        }
    }
}

/// Refuses an id that is given twice.
fn admit_distinct(ids: &[i64]) -> Result<()> {
    let mut seen = FxHashMap::default();
    for (at, &id) in ids.iter().enumerate() {
        if let Some(first) = seen.insert(id, at) {
            return Err(Error::invalid(
                format!("ids[{at}]"),
                format!("{id} is given twice, first as ids[{first}]"),
            ));
        }
    }
    Ok(())
}
