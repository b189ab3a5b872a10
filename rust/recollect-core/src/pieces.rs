//! A file of checked pieces, little-endian, in which an index is saved: a header, pieces, and an end.
//!
//! | part | contents |
//! |---|---|
//! | header | magic of 8 bytes, version u32 |
//! | piece | length u32, CRC-32 of its number (u64) and its bytes, bytes |
//! | end | length 0, CRC-32 of its number |
//!
//! It is written beside its place and renamed, so that a reader finds the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::bytes::Reader;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// What a file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub magic: [u8; 8],
    /// Latest version that is read, and the one that is written.
    pub version: u32,
}

fn checksum(number: u64, bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&number.to_le_bytes());
    crc.update(bytes);
    crc.finalize()
}

/// Writes a file, in the place of one that is there, and makes it durable. No piece is empty.
///
/// # Errors
/// [`Error::Io`] and [`Error::DiskFull`] if the system refuses, [`Error::Cancelled`]; what lay at the path stays.
pub fn save(
    path: &Path,
    header: Header,
    pieces: impl Iterator<Item = Vec<u8>>,
    cancel: Cancel<'_>,
) -> Result<()> {
    let path = std::path::absolute(path).map_err(Error::refused(path))?;
    let (beside, file) = beside(&path)?;
    let written = write(&beside, &file, header, pieces, cancel);
    let done = written.and_then(|()| fs::rename(&beside, &path).map_err(Error::refused(&path)));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done?;
    match path.parent() {
        Some(folder) if cfg!(unix) => {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::refused(&path))
        }
        _ => Ok(()),
    }
}

fn write(
    path: &Path,
    file: &File,
    header: Header,
    pieces: impl Iterator<Item = Vec<u8>>,
    cancel: Cancel<'_>,
) -> Result<()> {
    let mut out = BufWriter::new(file);
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(Error::refused(path));
    put(&header.magic)?;
    put(&header.version.to_le_bytes())?;
    let mut number = 0;
    for piece in pieces {
        cancel.check()?;
        put(&(piece.len() as u32).to_le_bytes())?;
        put(&checksum(number, &piece).to_le_bytes())?;
        put(&piece)?;
        number += 1;
    }
    put(&0u32.to_le_bytes())?;
    put(&checksum(number, &[]).to_le_bytes())?;
    out.flush().and_then(|()| file.sync_all()).map_err(Error::refused(path))
}

/// Gives an error that tells of damage the file it was found in.
pub fn damage(path: &Path, error: Error) -> Error {
    let reason = match error {
        Error::Storage(reason) => reason,
        Error::Invalid { .. } => error.to_string(),
        _ => return error,
    };
    Error::CorruptIndex { path: path.to_owned(), reason }
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
            Err(error) => return Err(Error::refused(path)(error)),
        }
    }
}

/// The pieces of a file in order, each checked; none after the end.
#[derive(Debug)]
pub struct Pieces<'a> {
    path: &'a Path,
    from: BufReader<File>,
    /// Bytes of the file that are not yet read.
    left: u64,
    number: u64,
    ended: bool,
    cancel: Cancel<'a>,
}

impl<'a> Pieces<'a> {
    /// Opens a file, whose beginning must be this.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`] and [`Error::FormatTooNew`] for another file; [`Error::Io`].
    pub fn open(path: &'a Path, expected: Header, cancel: Cancel<'a>) -> Result<Self> {
        let file = File::open(path).map_err(Error::refused(path))?;
        let left = file.metadata().map_err(Error::refused(path))?.len();
        let mut pieces = Self { path, from: BufReader::new(file), left, number: 0, ended: false, cancel };
        let foreign = |reason| Error::NotAnIndex { path: path.to_owned(), reason };
        if pieces.left < 12 {
            return Err(foreign("it is too short"));
        }
        let header = pieces.read(12)?;
        let mut header = Reader::new(&header);
        if header.array()? != expected.magic {
            return Err(foreign("it begins with something else"));
        }
        match header.u32()? {
            0 => Err(foreign("it has no version")),
            found if found <= expected.version => Ok(pieces),
            found => {
                let (path, found, supported) =
                    (path.to_owned(), i64::from(found), i64::from(expected.version));
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
            _ => Error::refused(self.path)(error),
        })?;
        self.left -= count as u64;
        Ok(bytes)
    }

    /// The next piece, which must be there.
    ///
    /// # Errors
    /// [`Error::Storage`] for damage, [`Error::Io`], [`Error::Cancelled`].
    pub fn need(&mut self) -> Result<Vec<u8>> {
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
