//! Rows of one length in chunks that never move once they are full size.

use std::thread::{Builder, JoinHandle};

use bytemuck::Pod;

use crate::error::{Error, Result};
use crate::pages::{HUGE, LINE, Pages};

/// Bytes of a full chunk: two huge pages.
const CHUNK: usize = 4 << 20;

/// Rows of the first allocation.
const FIRST_ROWS: usize = 8;

/// A growing table of rows, each padded with zeros to a whole number of cache lines.
///
/// The first chunk doubles up to full size; later chunks are full size at once, so that no insert copies more than
/// one chunk.
#[derive(Debug)]
pub struct Matrix<T: Pod> {
    dim: usize,
    stride: usize,
    chunk_rows: usize,
    chunks: Vec<Pages<T>>,
    /// The chunk after the last, or a larger one in its place, on its way: the first touch of a huge page takes
    /// milliseconds.
    ahead: Option<JoinHandle<Result<Pages<T>>>>,
    /// Whether it was sent for already.
    sent: bool,
    rows: usize,
}

impl<T: Pod + Send> Matrix<T> {
    /// No rows yet, of `dim` elements each.
    pub fn new(dim: usize) -> Self {
        let stride = (dim * size_of::<T>()).next_multiple_of(LINE) / size_of::<T>();
        let chunk_rows = (CHUNK / (stride * size_of::<T>()).max(1)).max(16) / 16 * 16;
        Self { dim, stride, chunk_rows, chunks: Vec::new(), ahead: None, sent: false, rows: 0 }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Elements from one row to the next, padding included.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Elements of a row, padding excluded.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Pages::bytes).sum()
    }

    /// Makes room for one more row, which the next [`Matrix::push`] takes.
    ///
    /// # Errors
    /// [`Error::Storage`] if the system has no memory for it; the matrix is unchanged.
    pub fn reserve(&mut self) -> Result<()> {
        let (chunk, row) = (self.rows / self.chunk_rows, self.rows % self.chunk_rows);
        let held = self.chunks.get(chunk).map_or(0, |pages| pages.len() / self.stride);
        if row < held {
            if row >= held / 2 && !self.sent && chunk + 1 == self.chunks.len() {
                self.send_for(self.rows_after(held));
            }
            return Ok(());
        }
        let rows = if chunk == 0 { self.rows_after(held) } else { self.chunk_rows };
        self.chunks.try_reserve(1).map_err(|error| Error::Storage(error.to_string()))?;
        // Two huge pages have taken 12 ms to come in.
        let mut pages = match self.arrived().filter(|pages| pages.len() == rows * self.stride) {
            Some(pages) => pages,
            None => Pages::zeroed_bit_by_bit(rows * self.stride)?,
        };
        self.sent = false;
        match self.chunks.get_mut(chunk) {
            Some(smaller) => {
                pages[..smaller.len()].copy_from_slice(smaller);
                *smaller = pages;
            }
            None => self.chunks.push(pages),
        }
        Ok(())
    }

    /// Rows of the room after one of so many: twice as many up to a full chunk, then another full one.
    fn rows_after(&self, held: usize) -> usize {
        if held < self.chunk_rows { (2 * held).clamp(FIRST_ROWS, self.chunk_rows) } else { self.chunk_rows }
    }

    /// Has another thread bring in the memory of the next room, where it lies on huge pages. Where that comes too late, or
    /// not at all, the insert that needs the room takes small pages, which come in one by one with later inserts.
    fn send_for(&mut self, rows: usize) {
        self.sent = true;
        let elements = rows * self.stride;
        if elements * size_of::<T>() < HUGE {
            return;
        }
        let make = move || {
            let mut pages = Pages::zeroed(elements)?;
            pages.touch();
            Ok(pages)
        };
        self.ahead = Builder::new().name("recollect-pages".into()).spawn(make).ok();
    }

    /// The room that was sent for, if it is there. It is not waited for: in a forked process it never comes.
    fn arrived(&mut self) -> Option<Pages<T>> {
        let ahead = self.ahead.take()?;
        if ahead.is_finished() { ahead.join().ok()?.ok() } else { None }
    }

    /// Makes room for many rows, whose memory is brought in by several threads: the first touch of a page takes far longer
    /// than filling it.
    ///
    /// # Errors
    /// As [`Matrix::reserve`]; room that was made stays.
    pub fn reserve_many(&mut self, rows: usize, threads: usize) -> Result<()> {
        (self.ahead, self.sent) = (None, false);
        let end = self.rows + rows;
        let first = end.min(self.chunk_rows) * self.stride;
        match self.chunks.first_mut() {
            Some(pages) if pages.len() >= first => {}
            pages => {
                let mut larger = Pages::zeroed(first)?;
                larger.touch();
                match pages {
                    Some(pages) => {
                        larger[..pages.len()].copy_from_slice(pages);
                        *pages = larger;
                    }
                    None => self.chunks.push(larger),
                }
            }
        }
        let fresh = self.chunks.len();
        while self.chunks.len() * self.chunk_rows < end {
            self.chunks.try_reserve(1).map_err(|error| Error::Storage(error.to_string()))?;
            self.chunks.push(Pages::zeroed(self.chunk_rows * self.stride)?);
        }
        let fresh = &mut self.chunks[fresh..];
        let share = fresh.len().div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            for pages in fresh.chunks_mut(share) {
                scope.spawn(move || pages.iter_mut().for_each(Pages::touch));
            }
        });
        Ok(())
    }

    /// Adds a row of zeros and gives its number.
    ///
    /// # Errors
    /// As [`Matrix::reserve`].
    pub fn push(&mut self) -> Result<usize> {
        self.reserve()?;
        self.rows += 1;
        Ok(self.rows - 1)
    }

    /// A row with its padding.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> &[T] {
        assert!(row < self.rows);
        let start = row % self.chunk_rows * self.stride;
        &self.chunks[row / self.chunk_rows][start..start + self.stride]
    }

    /// A row without its padding, to be written.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows);
        let start = row % self.chunk_rows * self.stride;
        &mut self.chunks[row / self.chunk_rows][start..start + self.dim]
    }

    /// Rows from `first` on that lie side by side, at most `most` of them; nothing past the last row.
    pub fn block(&self, first: usize, most: usize) -> &[T] {
        let (chunk, row) = (first / self.chunk_rows, first % self.chunk_rows);
        let rows = most.min(self.chunk_rows - row).min(self.rows.saturating_sub(first));
        self.chunks.get(chunk).map_or(&[], |pages| &pages[row * self.stride..(row + rows) * self.stride])
    }

    /// All rows in blocks of at most `most` contiguous ones, each with the number of its first row.
    pub fn blocks(&self, most: usize) -> impl Iterator<Item = (usize, &[T])> {
        self.chunks.iter().enumerate().flat_map(move |(chunk, pages)| {
            let first = chunk * self.chunk_rows;
            // Room that was made ahead holds no rows yet.
            let rows = self.rows.saturating_sub(first).min(self.chunk_rows);
            let filled = &pages[..rows * self.stride];
            filled
                .chunks(most * self.stride)
                .enumerate()
                .map(move |(block, rows)| (first + block * most, rows))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_place_while_it_grows() {
        let mut matrix = Matrix::<f32>::new(8192);
        assert_eq!((matrix.stride(), matrix.blocks(5).count()), (8192, 0));
        for i in 0..300 {
            assert_eq!(matrix.push().unwrap(), i);
            matrix.row_mut(i).fill(i as f32);
        }
        assert!((0..300).all(|i| matrix.row(i)[8191] == i as f32));
        let mut next = 0;
        for (first, rows) in matrix.blocks(50) {
            assert_eq!((first, rows[0]), (next, next as f32));
            next += rows.len() / 8192;
        }
        assert_eq!(next, 300);
        let mut first = 0;
        while let block @ [_, ..] = matrix.block(first, 50) {
            assert_eq!(block[0], first as f32);
            first += block.len() / 8192;
        }
        assert_eq!((first, matrix.block(301, 1).len(), matrix.block(usize::MAX, 1).len()), (300, 0, 0));
        assert_eq!(matrix.bytes(), 3 * CHUNK);
    }

    #[test]
    fn room_made_ahead_changes_no_row() {
        for before in [0, 3, 100, 200, 700] {
            let mut matrix = Matrix::<f32>::new(4_096);
            for i in 0..before {
                matrix.push().unwrap();
                matrix.row_mut(i).fill(i as f32 + 1.0);
            }
            matrix.reserve_many(600, 3).unwrap();
            let bytes = matrix.bytes();
            assert_eq!(matrix.blocks(64).map(|block| block.1.len() / 4_096).sum::<usize>(), before);
            for i in before..before + 600 {
                assert_eq!(matrix.push().unwrap(), i);
                assert!(matrix.row(i).iter().all(|&x| x == 0.0));
                matrix.row_mut(i).fill(i as f32 + 1.0);
            }
            assert!((0..before + 600).all(|i| matrix.row(i).iter().all(|&x| x == i as f32 + 1.0)));
            assert_eq!(matrix.bytes(), bytes);
        }
    }

    #[test]
    fn a_chunk_made_ahead_is_the_next_one() {
        let mut matrix = Matrix::<f32>::new(8_192);
        let rows = matrix.chunk_rows;
        for i in 0..rows + rows / 2 + 1 {
            assert!(i != rows + rows / 2 || matrix.ahead.is_none());
            matrix.push().unwrap();
            matrix.row_mut(i).fill(i as f32);
        }
        while !matrix.ahead.as_ref().unwrap().is_finished() {
            std::thread::yield_now();
        }
        for i in matrix.rows()..2 * rows + 1 {
            matrix.push().unwrap();
            assert!(matrix.row(i).iter().all(|&x| x == 0.0));
            matrix.row_mut(i).fill(i as f32);
        }
        assert!(matrix.ahead.is_none());
        assert!((0..2 * rows + 1).all(|i| matrix.row(i)[8_191] == i as f32));
    }

    #[test]
    fn padding_stays_zero() {
        let mut matrix = Matrix::<i8>::new(5);
        for i in 0..20 {
            matrix.push().unwrap();
            matrix.row_mut(i).fill(7);
        }
        assert!((0..20).all(|i| matrix.row(i)[5..] == [0; 59]));
    }
}
