//! The cells as bytes, after those of the rows they speak of.
//!
//! | piece | contents, little-endian |
//! |---|---|
//! | first | magic `RCVC`, version u32, words u32, cells u64, entries u64, writes u64, turn: cell u32, place u32, writes u32, calibration, round |
//! | others | some cells each: length u32, centre f32 (with more cells than one), entries: number u32, factor f32, base f32, code u64 |
//!
//! Rows are numbered as in the pieces of the rows: the free ones are left out.

use super::calibration::{Calibration, Need};
use super::extents::{FULL, Kept};
use super::members::Cell;
use super::refreshing::Turn;
use super::sampling::Round;
use super::{Cells, SPARSE};
use crate::bytes::{Reader, Writer};
use crate::error::{Error, Result};
use crate::vector::flat::FlatIndex;

const MAGIC: [u8; 4] = *b"RCVC";
const VERSION: u32 = 2;

/// Bytes from which a piece is full.
const PIECE: usize = 2 << 20;

/// Number of a row that is gone.
const GONE: u32 = u32::MAX;

impl Cells {
    /// The cells piece by piece.
    pub(in crate::vector) fn encode_chunks<'a>(
        &'a self,
        flat: &FlatIndex,
    ) -> impl Iterator<Item = Vec<u8>> + 'a {
        let mut next = 0;
        let live = (0..flat.owners.rows()).map(|row| match flat.owners.owner(row) {
            Some(_) => {
                next += 1;
                next - 1
            }
            None => GONE,
        });
        let numbers: Vec<u32> = live.collect();
        let header = self.header(&numbers);
        let dim = flat.dim();
        let mut cells = 0..self.cells();
        let pieces = std::iter::from_fn(move || {
            let mut out = Writer::default();
            for cell in cells.by_ref() {
                self.write_cell(cell, dim, &numbers, &mut out);
                if out.0.len() >= PIECE {
                    break;
                }
            }
            (!out.0.is_empty()).then_some(out.0)
        });
        std::iter::once(header).chain(pieces)
    }

    fn header(&self, numbers: &[u32]) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(&MAGIC);
        out.u32(VERSION);
        out.u32(self.words() as u32);
        out.u64(self.cells() as u64);
        out.u64(self.entries() as u64);
        out.u64(self.writes as u64);
        out.u32(self.turn.cell);
        out.u32(self.turn.at);
        out.u32(self.turn.writes);
        write_calibration(&self.calibration, &mut out);
        out.u8(u8::from(self.round.is_some()));
        if let Some(round) = &self.round {
            let number = |row: u32| numbers.get(row as usize).copied().unwrap_or(GONE);
            out.u64(round.left.len() as u64);
            for &(one, other) in &round.left {
                out.u32(number(one));
                out.u32(number(other));
            }
            write_calibration(&round.found, &mut out);
        }
        out.0
    }

    fn write_cell(&self, cell: usize, dim: usize, numbers: &[u32], out: &mut Writer) {
        let Cell { extent, len } = self.members.cells[cell];
        out.u32(len as u32);
        if self.cells() > 1 {
            self.centroids.row(cell)[..dim].iter().for_each(|&x| out.f32(x));
        }
        let extents = &self.members.extents;
        let mut code = Vec::new();
        for (at, &entry) in extents.entries(extent)[..len].iter().enumerate() {
            out.u32(2 * numbers[entry as usize / 2] + entry % 2);
            out.f32(extents.factors(extent)[at]);
            out.f32(extents.bases(extent)[at]);
            extents.get(extent, at, &mut code);
            code.iter().for_each(|&word| out.u64(word));
        }
    }

    /// Reads what [`Cells::encode_chunks`] wrote of the rows of `flat`; none where no piece follows.
    pub(in crate::vector) fn decode_chunks<B: AsRef<[u8]>>(
        flat: &FlatIndex,
        mut pieces: impl Iterator<Item = Result<B>>,
    ) -> Result<Option<Self>> {
        let Some(first) = pieces.next().transpose()? else { return Ok(None) };
        let mut from = Reader::new(first.as_ref());
        let mut cells = Self::new(flat.dim(), flat.metric())?;
        if from.array()? != MAGIC || from.u32()? != VERSION || from.u32()? as usize != cells.words() {
            return Err(damaged("no cells of this version"));
        }
        let (count, entries) = (from.u64()? as usize, from.u64()? as usize);
        if count == 0 || count > entries.max(1) || entries > 2 * flat.len() {
            return Err(damaged("sizes out of range"));
        }
        cells.writes = from.u64()? as usize;
        cells.turn = Turn { cell: from.u32()?, at: from.u32()?, writes: from.u32()? };
        cells.calibration = read_calibration(&mut from)?;
        if from.u8()? == 1 {
            let pairs = (0..from.count(8)?).map(|_| Ok((from.u32()?, from.u32()?)));
            let left = pairs.collect::<Result<Vec<_>>>()?;
            cells.round = Some(Round::new(left, read_calibration(&mut from)?));
        }
        if !from.is_empty() {
            return Err(damaged("bytes after the header"));
        }
        // No more than a sound partition has: a damaged count must not take memory.
        cells.members.extents.reserve_many(count.min(entries / SPARSE), 1)?;
        let mut read = 0;
        for piece in pieces {
            let piece = piece?;
            let mut from = Reader::new(piece.as_ref());
            while !from.is_empty() && read < count {
                cells.read_cell(read, count > 1, flat, &mut from)?;
                read += 1;
            }
            if !from.is_empty() {
                return Err(damaged("more cells than there are"));
            }
        }
        let firsts = (0..flat.len()).filter(|&row| cells.members.place(2 * row).is_some()).count();
        if read < count || cells.entries() != entries || firsts != flat.len() {
            return Err(damaged("cells or entries are missing"));
        }
        Ok(Some(cells))
    }

    fn read_cell(
        &mut self,
        cell: usize,
        centred: bool,
        flat: &FlatIndex,
        from: &mut Reader<'_>,
    ) -> Result<()> {
        let len = from.u32()? as usize;
        if len >= FULL {
            return Err(damaged("a cell of more entries than it holds"));
        }
        if cell > 0 {
            self.members.add_cell()?;
        }
        if centred {
            let centre = (0..flat.dim()).map(|_| from.f32()).collect::<Result<Vec<_>>>()?;
            if centre.iter().any(|x| !x.is_finite()) {
                return Err(damaged("a centre that is no vector"));
            }
            self.centroids.put(cell, &centre, &self.sketcher)?;
        }
        let mut code = vec![0; self.words()];
        for _ in 0..len {
            let (entry, factor, base) = (from.u32()?, from.f32()?, from.f32()?);
            for word in &mut code {
                *word = from.u64()?;
            }
            let known = (entry as usize / 2) < flat.len() && self.members.place(entry as usize).is_none();
            if !known || !factor.is_finite() || !base.is_finite() {
                return Err(damaged("an entry that no row has"));
            }
            self.members.push(cell, Kept { code: &code, factor, base, entry })?;
        }
        Ok(())
    }
}

fn write_calibration(calibration: &Calibration, out: &mut Writer) {
    out.u64(calibration.rows as u64);
    out.u64(calibration.cells as u64);
    for needs in &calibration.needs {
        out.u64(needs.len() as u64);
        for need in needs {
            out.u32(need.cells);
            out.f32(need.slack);
        }
    }
}

fn read_calibration(from: &mut Reader<'_>) -> Result<Calibration> {
    let (rows, cells) = (from.u64()? as usize, from.u64()? as usize);
    let mut needs = [Vec::new(), Vec::new()];
    for needs in &mut needs {
        for _ in 0..from.count(8)? {
            let (cells, slack) = (from.u32()?, from.f32()?);
            if !slack.is_finite() {
                return Err(damaged("a slack that is no number"));
            }
            needs.push(Need { cells, slack });
        }
    }
    let mut calibration = Calibration::of(rows, cells);
    calibration.needs = needs;
    calibration.finish();
    Ok(calibration)
}

fn damaged(reason: &str) -> Error {
    Error::Storage(format!("vector segment: {reason}"))
}
