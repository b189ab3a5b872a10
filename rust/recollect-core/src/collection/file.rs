//! A collection as one file of checked pieces, see [`crate::pieces`].
//!
//! | piece | bytes |
//! |---|---|
//! | first | slots u64, whether there is a next id u8, the next id i64 |
//! | some | the id of each slot i64, of no meaning where the slot is free |
//! | others | the pieces of [`VectorIndex::encode_chunks`] |

use std::path::Path;

use super::collection::Collection;
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::ids::Ids;
use crate::pieces::{Header, Pieces, damage, save};
use crate::vector::{MAX_SLOTS, VectorIndex};

const HEADER: Header = Header { magic: *b"RCLINDEX", version: 1 };

/// Ids of a full piece: 3 MiB.
const IDS: usize = 3 << 17;

impl Collection {
    /// Writes a file, in the place of one that is there, and makes it durable.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::DiskFull`] if the system refuses, [`Error::Cancelled`]; what lay at the path stays.
    pub fn save(&self, path: &Path, cancel: Cancel<'_>) -> Result<()> {
        save(path, HEADER, self.pieces(), cancel)
    }

    fn pieces(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut first = Writer::default();
        first.u64(self.ids.slots_end() as u64);
        first.u8(u8::from(self.ids.next().is_some()));
        first.i64(self.ids.next().unwrap_or(0));
        let ids = (0..self.ids.slots_end()).step_by(IDS).map(|start| {
            let mut piece = Writer::default();
            let end = (start + IDS).min(self.ids.slots_end());
            (start..end).for_each(|slot| piece.i64(self.ids.id(slot as Slot)));
            piece.0
        });
        std::iter::once(first.0).chain(ids).chain(self.index.encode_chunks())
    }

    /// Reads what [`Collection::save`] wrote: the same vectors in the same slots, bit for bit.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::CorruptIndex`] and [`Error::FormatTooNew`] for another file; [`Error::Io`];
    /// [`Error::Cancelled`].
    pub fn load(path: &Path, cancel: Cancel<'_>) -> Result<Self> {
        let mut pieces = Pieces::open(path, HEADER, cancel)?;
        let read = (|| {
            let (slots, next) = head(&mut pieces)?;
            let mut known = Vec::new();
            while known.len() < slots {
                let piece = pieces.need()?;
                let (ids, rest) = piece.as_chunks::<8>();
                if !rest.is_empty() || known.len() + ids.len() > slots {
                    return Err(Error::Storage("ids of another number".into()));
                }
                known.extend(ids.iter().map(|id| i64::from_le_bytes(*id)));
            }
            let index = VectorIndex::decode_chunks(pieces.by_ref())?;
            if pieces.next().is_some() {
                return Err(Error::Storage("pieces after the last".into()));
            }
            let live = known.iter().zip(0..).map(|(&id, slot)| index.contains(slot).then_some(id));
            let mut ids = Ids::default();
            ids.restore(live)?;
            // The next id is past every other, or there is none past the greatest of all.
            let sound = next.is_none_or(|next| ids.next().is_some_and(|least| least <= next));
            if !sound || ids.len() != index.len() || index.slots_end() > slots {
                return Err(Error::Storage("ids and vectors do not go together".into()));
            }
            ids.rewind(next);
            Ok(Self { index, ids })
        })();
        read.map_err(|error| damage(path, error))
    }
}

/// How many slots there are, and the next id.
fn head(pieces: &mut Pieces<'_>) -> Result<(usize, Option<i64>)> {
    let piece = pieces.need()?;
    let mut from = Reader::new(&piece);
    let (slots, more, next) = (from.u64()?, from.u8()?, from.i64()?);
    if slots > MAX_SLOTS as u64 || more > 1 || next < 0 || !from.is_empty() {
        return Err(Error::Storage("sizes out of range".into()));
    }
    Ok((slots as usize, (more == 1).then_some(next)))
}
