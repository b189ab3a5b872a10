//! A collection as one file, little-endian: a header, pieces, and an end.
//!
//! | part | contents |
//! |---|---|
//! | header | magic `RCLINDEX`, version u32 |
//! | piece | length u32, CRC-32 of its number (u64) and its bytes, bytes |
//! | end | length 0, CRC-32 of its number |
//!
//! | piece | bytes |
//! |---|---|
//! | first | slots u64, whether there is a next id u8, the next id i64 |
//! | some | the id of each slot i64, of no meaning where the slot is free |
//! | others | the pieces of [`VectorIndex::encode_chunks`] |
//!
//! It is written beside its place and renamed, so that a reader finds the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::collection::Collection;
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::ids::Ids;
use crate::vector::{MAX_SLOTS, VectorIndex};

const MAGIC: [u8; 8] = *b"RCLINDEX";
const VERSION: u32 = 1;

/// Ids of a full piece: 3 MiB.
const IDS: usize = 3 << 17;

fn refused(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    |source| match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull(path.to_owned()),
        _ => Error::Io { path: path.to_owned(), source },
    }
}

fn checksum(number: u64, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&number.to_le_bytes());
    crc.update(bytes);
    crc.finalize()
}

impl Collection {
    /// Writes a file, in the place of one that is there, and makes it durable.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::DiskFull`] if the system refuses, [`Error::Cancelled`]; what lay at the path stays.
    pub fn save(&self, path: &Path, cancel: Cancel<'_>) -> Result<()> {
        let path = std::path::absolute(path).map_err(refused(path))?;
        let (beside, file) = beside(&path)?;
        let written = self.write(&beside, &file, cancel);
        let done = written.and_then(|()| fs::rename(&beside, &path).map_err(refused(&path)));
        if done.is_err() {
            let _ = fs::remove_file(&beside);
        }
        done?;
        match path.parent() {
            Some(folder) if cfg!(unix) => {
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused(&path))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, path: &Path, file: &File, cancel: Cancel<'_>) -> Result<()> {
        let mut out = BufWriter::new(file);
        let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(refused(path));
        put(&MAGIC)?;
        put(&VERSION.to_le_bytes())?;
        let mut number = 0;
        for piece in self.pieces() {
            cancel.check()?;
            put(&(piece.len() as u32).to_le_bytes())?;
            put(&checksum(number, &piece).to_le_bytes())?;
            put(&piece)?;
            number += 1;
        }
        put(&0u32.to_le_bytes())?;
        put(&checksum(number, &[]).to_le_bytes())?;
        out.flush().and_then(|()| file.sync_all()).map_err(refused(path))
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
        let corrupt = |reason: String| Error::CorruptIndex { path: path.to_owned(), reason };
        let mut pieces = Pieces::open(path, cancel)?;
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
        read.map_err(|error| match error {
            Error::Storage(reason) => corrupt(reason),
            Error::Invalid { .. } => corrupt(error.to_string()),
            _ => error,
        })
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

/// A new file beside a path.
fn beside(path: &Path) -> Result<(PathBuf, File)> {
    let mut attempt = 0;
    loop {
        let name = format!(".recollect-{}-{attempt}.tmp", std::process::id());
        let beside = path.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(refused(path)(error)),
        }
    }
}

/// The pieces of a file in order, each checked; none after the end.
struct Pieces<'a> {
    path: &'a Path,
    from: BufReader<File>,
    /// Bytes of the file that are not yet read.
    left: u64,
    number: u64,
    ended: bool,
    cancel: Cancel<'a>,
}

impl<'a> Pieces<'a> {
    fn open(path: &'a Path, cancel: Cancel<'a>) -> Result<Self> {
        let file = File::open(path).map_err(refused(path))?;
        let left = file.metadata().map_err(refused(path))?.len();
        let mut pieces = Self { path, from: BufReader::new(file), left, number: 0, ended: false, cancel };
        let foreign = |reason| Error::NotAnIndex { path: path.to_owned(), reason };
        if pieces.left < 12 {
            return Err(foreign("it is too short"));
        }
        let header = pieces.read(12)?;
        let mut header = Reader::new(&header);
        if header.array()? != MAGIC {
            return Err(foreign("it begins with something else"));
        }
        match header.u32()? {
            VERSION => Ok(pieces),
            0 => Err(foreign("it has no version")),
            found => {
                let (path, found, supported) = (path.to_owned(), i64::from(found), i64::from(VERSION));
                Err(Error::FormatTooNew { path, found, supported })
            }
        }
    }

    fn read(&mut self, count: usize) -> Result<Vec<u8>> {
        // Asked first: a damaged length must not take memory.
        if count as u64 > self.left {
            return Err(Error::Storage("it ends too early".into()));
        }
        let mut bytes = vec![0; count];
        self.from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Error::Storage("it ends too early".into()),
            _ => refused(self.path)(error),
        })?;
        self.left -= count as u64;
        Ok(bytes)
    }

    /// The next piece, which must be there.
    fn need(&mut self) -> Result<Vec<u8>> {
        self.next().unwrap_or_else(|| Err(Error::Storage("it ends too early".into())))
    }

    fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        self.cancel.check()?;
        let head = self.read(8)?;
        let mut head = Reader::new(&head);
        let (length, expected) = (head.u32()?, head.u32()?);
        let bytes = self.read(length as usize)?;
        if checksum(self.number, &bytes) != expected {
            return Err(Error::Storage(format!("piece {} is not what was written", self.number)));
        }
        self.number += 1;
        if length > 0 {
            return Ok(Some(bytes));
        }
        self.ended = true;
        if self.left > 0 {
            return Err(Error::Storage("bytes after the end".into()));
        }
        Ok(None)
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = self.piece();
        self.ended |= piece.is_err();
        piece.transpose()
    }
}
