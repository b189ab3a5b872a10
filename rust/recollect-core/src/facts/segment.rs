//! Facts as bytes, in pieces of about 3 MiB.
//!
//! | piece | contents, little-endian |
//! |---|---|
//! | first | magic `RCFT`, version u32, latest i64, facts u64, predicates of many objects u64, then each u32 |
//! | facts | subject, predicate, object u32; valid, recorded i64 twice each; confidence f32; sources u32, then each u32 |

use super::facts::Facts;
use super::row::{Fact, OPEN, check};
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

const MAGIC: [u8; 4] = *b"RCFT";
const VERSION: u32 = 1;

/// Bytes from which a piece is full.
const PIECE: usize = 3 << 20;

fn damaged(reason: &str) -> Error {
    Error::Storage(format!("facts with {reason}"))
}

impl Facts {
    /// The facts piece by piece; [`Facts::decode_chunks`] wants the same pieces in the same order.
    pub fn encode_chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut first = Writer::default();
        first.raw(&MAGIC);
        first.u32(VERSION);
        first.i64(self.latest);
        first.u64(self.len() as u64);
        let many = self.many_predicates();
        first.u64(many.len() as u64);
        many.iter().for_each(|&predicate| first.u32(predicate));
        let mut row = 0;
        let facts = std::iter::from_fn(move || {
            let mut piece = Writer::default();
            while row < self.len() && piece.0.len() < PIECE {
                let fact = &self.rows[row];
                [fact.subject, fact.predicate, fact.object].iter().for_each(|&x| piece.u32(x));
                let times = [fact.valid.0, fact.valid.1, fact.recorded.0, fact.recorded.1];
                times.iter().for_each(|&x| piece.i64(x));
                piece.f32(fact.confidence);
                let sources = self.sources_of(row as u32);
                piece.u32(sources.len() as u32);
                sources.iter().for_each(|&x| piece.u32(x));
                row += 1;
            }
            (!piece.0.is_empty()).then_some(piece.0)
        });
        std::iter::once(first.0).chain(facts)
    }

    /// Reads what [`Facts::encode_chunks`] gave.
    ///
    /// # Errors
    /// [`Error::Storage`] for anything else; what the pieces bring; [`Error::Cancelled`].
    pub fn decode_chunks(
        mut chunks: impl Iterator<Item = Result<Vec<u8>>>,
        cancel: Cancel<'_>,
    ) -> Result<Self> {
        let piece = chunks.next().ok_or_else(|| damaged("pieces missing"))??;
        let mut from = Reader::new(&piece);
        if from.array()? != MAGIC || from.u32()? != VERSION {
            return Err(damaged("another beginning"));
        }
        let mut facts = Self::new();
        let (latest, count) = (from.i64()?, from.u64()?);
        for _ in 0..from.count(4)? {
            facts.set_many(from.u32()?, true);
        }
        if !from.is_empty() {
            return Err(damaged("a longer beginning"));
        }
        for piece in chunks {
            let piece = piece?;
            let mut from = Reader::new(&piece);
            while !from.is_empty() {
                if facts.len().is_multiple_of(4096) {
                    cancel.check()?;
                }
                facts.decode_fact(&mut from, latest)?;
            }
        }
        facts.latest = latest;
        match facts.len() as u64 == count {
            true => Ok(facts),
            false => Err(damaged("more or fewer of them than it counts")),
        }
    }

    fn decode_fact(&mut self, from: &mut Reader<'_>, latest: i64) -> Result<()> {
        let (subject, predicate, object) = (from.u32()?, from.u32()?, from.u32()?);
        let (valid, recorded) = ((from.i64()?, from.i64()?), (from.i64()?, from.i64()?));
        let confidence = from.f32()?;
        let before = self.rows.last().map_or(i64::MIN, |fact| fact.recorded.0);
        let ended = recorded.1 == OPEN || recorded.1 <= latest;
        let sound = before <= recorded.0 && recorded.0 <= recorded.1 && recorded.0 <= latest && ended;
        if check(valid, confidence).is_err() || !sound {
            return Err(damaged("times out of order"));
        }
        let row = self.push(Fact { subject, predicate, object, valid, recorded, confidence })?;
        for _ in 0..from.u32()? {
            self.support(&[row], Some(from.u32()?));
        }
        Ok(())
    }
}
