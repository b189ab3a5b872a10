//! A growing array in chunks that never move once they are full size.
//!
//! A `Vec` that doubles copies everything into fresh memory, with one call that waits for all of it.

use std::ops::{Index, IndexMut};

use crate::error::{Error, Result};

/// Elements of a full chunk, as a power of two: places are found by shift and mask.
const SHIFT: u32 = 16;

/// Elements of a full chunk.
const CHUNK: usize = 1 << SHIFT;

/// Elements of the first allocation.
const FIRST: usize = 8;

/// The first chunk doubles up to full size; later chunks are full size at once, so that no push copies more than half a
/// chunk.
#[derive(Debug)]
pub struct Chunked<T> {
    /// Full but for the last that holds something; room that was made ahead lies behind it, empty.
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

fn refused(error: std::collections::TryReserveError) -> Error {
    Error::Storage(error.to_string())
}

impl<T: Copy + Default> Chunked<T> {
    /// Zeros, whose memory costs nothing until it is touched.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory.
    pub fn zeros(len: usize) -> Result<Self> {
        Vec::<T>::new().try_reserve_exact(len).map_err(refused)?;
        let chunks = (0..len).step_by(CHUNK).map(|start| vec![T::default(); (len - start).min(CHUNK)]);
        Ok(Self { chunks: chunks.collect(), len })
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Elements there is room for.
    fn room(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.capacity().min(CHUNK))
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| size_of::<T>() * chunk.capacity()).sum()
    }

    /// Makes room for so many more elements.
    ///
    /// # Errors
    /// [`Error::Storage`] without memory; the elements are unchanged.
    #[inline]
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        if self.len + more <= self.room() { Ok(()) } else { self.grow(self.len + more) }
    }

    #[cold]
    fn grow(&mut self, end: usize) -> Result<()> {
        while self.room() < end {
            let missing = end - self.chunks.len().saturating_sub(1) * CHUNK;
            match self.chunks.last_mut() {
                Some(last) if last.capacity() < CHUNK => {
                    let wanted = missing.max(2 * last.capacity()).min(CHUNK);
                    last.try_reserve_exact(wanted - last.len()).map_err(refused)?;
                }
                last => {
                    let wanted = if last.is_some() { CHUNK } else { missing.clamp(FIRST, CHUNK) };
                    let mut chunk = Vec::new();
                    chunk.try_reserve_exact(wanted).map_err(refused)?;
                    self.chunks.try_reserve(1).map_err(refused)?;
                    self.chunks.push(chunk);
                }
            }
        }
        Ok(())
    }

    /// Adds an element, in room that [`Chunked::reserve`] made.
    ///
    /// # Panics
    /// Where a chunk is full and there is no other.
    #[inline]
    pub fn push(&mut self, element: T) {
        self.chunks[self.len >> SHIFT].push(element);
        self.len += 1;
    }

    /// Adds one element over and over up to a length, in room that [`Chunked::reserve`] made.
    ///
    /// # Panics
    /// As [`Chunked::push`].
    pub fn fill_up(&mut self, len: usize, element: T) {
        while self.len < len {
            self.push(element);
        }
    }

    /// Takes the last element out.
    pub fn pop(&mut self) -> Option<T> {
        let chunk = &mut self.chunks[self.len.checked_sub(1)? >> SHIFT];
        self.len -= 1;
        chunk.pop()
    }

    /// An element, if it is there.
    #[inline]
    pub fn get(&self, at: usize) -> Option<T> {
        self.chunks.get(at >> SHIFT)?.get(at & (CHUNK - 1)).copied()
    }

    /// The last element.
    #[inline]
    pub fn last(&self) -> Option<T> {
        self.get(self.len.checked_sub(1)?)
    }

    /// All elements in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.chunks.iter().flatten().copied()
    }
}

impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.chunks[at >> SHIFT][at & (CHUNK - 1)]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at >> SHIFT][at & (CHUNK - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_a_vec(
            zeros in prop_oneof![Just(0), 0..3 * CHUNK, CHUNK - 2..CHUNK + 2],
            ops in prop::collection::vec((0..5, prop_oneof![0..9usize, CHUNK - 5..CHUNK + 5]), 1..20),
            looks in prop::collection::vec(0..4 * CHUNK, 20),
        ) {
            let (mut chunked, mut model) = (Chunked::<u32>::zeros(zeros).unwrap(), vec![0u32; zeros]);
            for (number, (op, count)) in (1..).zip(ops) {
                match op {
                    0 => chunked.reserve(count).unwrap(),
                    1 => (0..count).for_each(|_| assert_eq!(chunked.pop(), model.pop())),
                    2 => {
                        chunked.reserve(count).unwrap();
                        chunked.fill_up(model.len() + count, number);
                        model.resize(model.len() + count, number);
                    }
                    _ => {
                        for i in 0..count as u32 {
                            chunked.reserve(1).unwrap();
                            chunked.push(number ^ i);
                            model.push(number ^ i);
                        }
                    }
                }
                prop_assert_eq!((chunked.len(), chunked.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(chunked.last(), model.last().copied());
                prop_assert!(chunked.bytes() >= 4 * model.len() && chunked.room() >= model.len());
            }
            prop_assert!(chunked.iter().eq(model.iter().copied()));
            for at in looks {
                prop_assert_eq!(chunked.get(at), model.get(at).copied());
                if let Some(element) = model.get_mut(at) {
                    prop_assert_eq!(chunked[at], *element);
                    (chunked[at], *element) = (7, 7);
                    prop_assert_eq!(chunked[at], 7);
                }
            }
            prop_assert!(chunked.iter().eq(model));
        }
    }

    #[test]
    fn a_full_chunk_stays_where_it_is_and_room_made_ahead_is_not_made_again() {
        let mut chunked = Chunked::<u32>::default();
        chunked.reserve(1).unwrap();
        assert_eq!(chunked.bytes(), 4 * FIRST);
        chunked.reserve(CHUNK).unwrap();
        (0..CHUNK as u32).for_each(|i| chunked.push(i));
        let first = &raw const chunked[0];
        chunked.reserve(2 * CHUNK).unwrap();
        let bytes = chunked.bytes();
        assert_eq!((bytes, chunked.len(), chunked.get(CHUNK)), (12 * CHUNK, CHUNK, None));
        chunked.fill_up(3 * CHUNK, 5);
        assert_eq!((chunked.bytes(), &raw const chunked[0]), (bytes, first));
        while chunked.pop().is_some() {}
        assert_eq!((chunked.bytes(), chunked.pop(), chunked.last()), (bytes, None, None));
    }

    #[test]
    fn too_much_is_an_error() {
        assert!(matches!(Chunked::<u64>::zeros(usize::MAX / 8), Err(Error::Storage(_))));
    }
}
