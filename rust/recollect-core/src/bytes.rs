//! Little-endian bytes, written and read with every length checked.

use crate::error::{Error, Result};

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends a byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Appends 32 bits.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends 64 bits.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends 64 bits with a sign.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends a number.
    pub fn f32(&mut self, value: f32) {
        self.raw(&value.to_le_bytes());
    }

    /// Appends text behind its length.
    pub fn text(&mut self, value: &str) {
        self.u32(value.len() as u32);
        self.raw(value.as_bytes());
    }
}

/// Takes values from the front of bytes; what is missing is [`Error::Storage`], never a panic.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the front of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// [`Error::Storage`] where fewer are left; so for all that follow.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(n).ok_or_else(|| Error::Storage("a segment ends too early".into()))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes an array of bytes.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// Takes a byte.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// Takes 32 bits.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Takes 64 bits.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Takes 64 bits with a sign.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// Takes a number.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn f32(&mut self) -> Result<f32> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    /// Takes text.
    ///
    /// # Errors
    /// As [`Reader::take`], and for bytes that are no UTF-8.
    pub fn text(&mut self) -> Result<&'a str> {
        let length = self.u32()? as usize;
        std::str::from_utf8(self.take(length)?).map_err(|_| Error::Storage("a segment holds no UTF-8".into()))
    }

    /// A count of things of at least `size` bytes each, refused where the rest could not hold them.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn count(&mut self, size: usize) -> Result<usize> {
        let count = self.u64()?;
        match usize::try_from(count) {
            Ok(n) if n.checked_mul(size.max(1)).is_some_and(|bytes| bytes <= self.0.len()) => Ok(n),
            _ => Err(Error::Storage("a segment counts more than it holds".into())),
        }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// Whether all is taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_return_and_what_is_missing_is_an_error() {
        let mut writer = Writer::default();
        writer.u8(7);
        writer.i64(-3);
        writer.f32(0.5);
        writer.text("é");
        writer.u64(1 << 40);
        let mut reader = Reader::new(&writer.0);
        assert_eq!((reader.u8().unwrap(), reader.i64().unwrap(), reader.f32().unwrap()), (7, -3, 0.5));
        assert_eq!(reader.text().unwrap(), "é");
        assert!(reader.count(4).is_err());
        assert!(reader.is_empty() && reader.u8().is_err());
    }
}
