//! The index as bytes, in pieces of about 3 MiB.
//!
//! | piece | contents, little-endian |
//! |---|---|
//! | first | magic `RCVF`, version u16, metric u8, keep u8, dim u32, rows of a full piece u32, rows u64, slots end u64 |
//! | others | owner u32 of each row, then the rows as [`Keep::encode`] writes them |
//!
//! Every piece but the last is full. Codes are stored where they are what is kept: making them costs less than reading
//! them. Version 1 has zero for `keep`, which is f32.

use crate::error::{Error, Result};
use crate::vector::admission::{MAX_NORM, MAX_SLOTS, admit_dim};
use crate::vector::owners::Owners;
use crate::vector::{FlatIndex, Keep, Metric};

const MAGIC: [u8; 4] = *b"RCVF";
const VERSION: u16 = 2;
const HEADER: usize = 32;
const PIECE: usize = 3 << 20;

/// How far from one the norm of a stored cosine row may lie.
const UNIT: f64 = 1e-3;

impl FlatIndex {
    /// Appends the whole segment to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(HEADER + self.len() * row_bytes(self.keep(), self.dim()));
        self.encode_chunks().for_each(|piece| out.extend_from_slice(&piece));
    }

    /// The segment piece by piece; [`FlatIndex::decode_chunks`] wants the same pieces in the same order.
    pub fn encode_chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let (keep, full) = (self.keep(), self.piece_rows());
        let mut live = (0..self.owners.rows()).filter_map(|row| Some((row, self.owners.owner(row)?)));
        let pieces = std::iter::from_fn(move || {
            let rows: Vec<_> = live.by_ref().take(full).collect();
            let mut piece = Vec::with_capacity(rows.len() * row_bytes(keep, self.dim()));
            rows.iter().for_each(|(_, slot)| piece.extend_from_slice(&slot.to_le_bytes()));
            let mut vector = vec![0.0; self.dim()];
            for &(row, _) in &rows {
                self.decode_row(row, &mut vector);
                keep.encode(&vector, &mut piece);
            }
            (!rows.is_empty()).then_some(piece)
        });
        std::iter::once(self.header()).chain(pieces)
    }

    /// Reads what [`FlatIndex::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Storage`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER).ok_or_else(|| damaged("no header"))?;
        let mut loader = Loader::new(header)?;
        while loader.missing > 0 {
            let (piece, after) =
                rest.split_at_checked(loader.piece_bytes()).ok_or_else(|| damaged("rows are missing"))?;
            loader.feed(piece)?;
            rest = after;
        }
        if rest.is_empty() { Ok(loader.index) } else { Err(damaged("bytes after the last row")) }
    }

    /// Reads the pieces of [`FlatIndex::encode_chunks`], holding one at a time.
    ///
    /// # Errors
    /// [`Error::Storage`] for anything else, and whatever the pieces bring.
    pub fn decode_chunks<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = Result<B>>) -> Result<Self> {
        let mut pieces = pieces.into_iter();
        let index = Self::decode_from(&mut pieces)?;
        if pieces.next().is_none() { Ok(index) } else { Err(damaged("pieces after the last row")) }
    }

    /// Reads the pieces of [`FlatIndex::encode_chunks`], and leaves those that follow.
    pub(super) fn decode_from<B: AsRef<[u8]>>(pieces: &mut impl Iterator<Item = Result<B>>) -> Result<Self> {
        let header = pieces.next().ok_or_else(|| damaged("no header"))??;
        let mut loader = Loader::new(header.as_ref())?;
        while loader.missing > 0 {
            let piece = pieces.next().ok_or_else(|| damaged("rows are missing"))??;
            loader.feed(piece.as_ref())?;
        }
        Ok(loader.index)
    }

    fn header(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&[self.metric as u8, self.keep() as u8]);
        header.extend_from_slice(&(self.dim() as u32).to_le_bytes());
        header.extend_from_slice(&(self.piece_rows() as u32).to_le_bytes());
        header.extend_from_slice(&(self.len() as u64).to_le_bytes());
        header.extend_from_slice(&(self.slots_end() as u64).to_le_bytes());
        header
    }

    fn piece_rows(&self) -> usize {
        PIECE / row_bytes(self.keep(), self.dim())
    }
}

/// Bytes of a row with its owner.
fn row_bytes(keep: Keep, dim: usize) -> usize {
    4 + keep.bytes(dim)
}

fn damaged(reason: &str) -> Error {
    Error::Storage(format!("vector segment: {reason}"))
}

/// Grows an index from pieces; only rows that arrived take memory.
struct Loader {
    index: FlatIndex,
    full: usize,
    missing: usize,
}

impl Loader {
    fn new(header: &[u8]) -> Result<Self> {
        let header: &[u8; HEADER] = header.try_into().map_err(|_| damaged("no header"))?;
        let field = |at: usize, bytes: usize| {
            header[at..at + bytes].iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte))
        };
        if header[..4] != MAGIC {
            return Err(damaged("no vector segment"));
        }
        let version = field(4, 2);
        if version != 1 && version != u64::from(VERSION) {
            return Err(damaged("written by another version"));
        }
        let keep = Keep::from_code(header[7]).filter(|&keep| version > 1 || keep == Keep::F32);
        let keep = keep.ok_or_else(|| damaged("unknown form of vectors"))?;
        let metric = Metric::from_code(header[6]).ok_or_else(|| damaged("unknown metric"))?;
        let dim = field(8, 4) as usize;
        admit_dim(dim).map_err(|_| damaged("no such dimension"))?;
        let (full, rows, slots) = (field(12, 4), field(16, 8), field(24, 8));
        if full == 0 || rows >= u64::from(u32::MAX) || slots > MAX_SLOTS as u64 || (rows > 0 && slots == 0) {
            return Err(damaged("sizes out of range"));
        }
        let mut index = FlatIndex::with_keep(dim, metric, keep)?;
        index.owners = Owners::with_slots(slots as usize)?;
        Ok(Self { index, full: full as usize, missing: rows as usize })
    }

    fn next_rows(&self) -> usize {
        self.full.min(self.missing)
    }

    fn piece_bytes(&self) -> usize {
        self.next_rows().saturating_mul(row_bytes(self.index.keep(), self.index.dim()))
    }

    fn feed(&mut self, piece: &[u8]) -> Result<()> {
        let rows = self.next_rows();
        if rows == 0 || piece.len() != self.piece_bytes() {
            return Err(damaged("a piece of another size"));
        }
        // Rows that come fast are on huge pages only where the room is made before.
        self.index.rows.reserve_many(rows, 1)?;
        let (owners, vectors) = piece.split_at(4 * rows);
        let vectors = vectors.chunks_exact(self.index.keep().bytes(self.index.dim()));
        for (owner, vector) in owners.as_chunks::<4>().0.iter().zip(vectors) {
            let slot = u32::from_le_bytes(*owner);
            if slot as usize >= self.index.slots_end() {
                return Err(damaged("a slot out of range"));
            }
            self.row(slot, vector)?;
        }
        self.missing -= rows;
        Ok(())
    }

    fn row(&mut self, slot: u32, bytes: &[u8]) -> Result<()> {
        let (metric, keep) = (self.index.metric, self.index.keep());
        let mut kept = false;
        let row = self.index.place(slot, |row| kept = keep.decode(bytes, row))?;
        let norm = f64::from(self.index.rows.codes().norm(row));
        let sound = match metric {
            Metric::Cosine => norm == 0.0 || (norm - 1.0).abs() < UNIT,
            Metric::Dot | Metric::Euclidean => norm <= MAX_NORM * (1.0 + UNIT),
        };
        if kept && sound { Ok(()) } else { Err(damaged("a vector out of range")) }
    }
}
