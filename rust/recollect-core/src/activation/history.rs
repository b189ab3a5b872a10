//! What is remembered of the uses of a record, in the same few bytes however many they are.

use crate::bytes::{Reader, Writer};
use crate::error::Result;

/// Uses of which the time is kept.
pub const RECENT: usize = 8;

/// Uses of one record. Times are microseconds, turns count the steps of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    count: u32,
    first: i64,
    /// Latest first.
    recent: [i64; RECENT],
    strength: f32,
    created_turn: u64,
    last_turn: u64,
}

impl History {
    /// A record that came to be, which is its first use.
    pub fn new(at: i64, turn: u64) -> Self {
        Self { count: 1, first: at, recent: [at; RECENT], strength: 1.0, created_turn: turn, last_turn: turn }
    }

    /// A use. Times may come in any order.
    pub fn touch(&mut self, at: i64, turn: u64) {
        let kept = self.recent().len();
        let place = self.recent[..kept].partition_point(|&known| known >= at);
        if place < RECENT {
            let end = kept.min(RECENT - 1);
            self.recent.copy_within(place..end, place + 1);
            self.recent[place] = at;
        }
        self.count = self.count.saturating_add(1);
        self.first = self.first.min(at);
        self.strength += 1.0;
        self.last_turn = self.last_turn.max(turn);
    }

    /// Writes it as bytes.
    pub fn encode(&self, out: &mut Writer) {
        out.u32(self.count);
        out.i64(self.first);
        self.recent.iter().for_each(|&at| out.i64(at));
        out.f32(self.strength);
        out.u64(self.created_turn);
        out.u64(self.last_turn);
    }

    /// Reads what [`History::encode`] wrote.
    ///
    /// # Errors
    /// [`crate::error::Error::Storage`] where the bytes end early.
    pub fn decode(from: &mut Reader<'_>) -> Result<Self> {
        let (count, first) = (from.u32()?, from.i64()?);
        let mut recent = [0; RECENT];
        for at in &mut recent {
            *at = from.i64()?;
        }
        let (strength, created_turn, last_turn) = (from.f32()?, from.u64()?, from.u64()?);
        Ok(Self { count, first, recent, strength, created_turn, last_turn })
    }

    /// Number of uses.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Time of the first use.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Time of the last use.
    pub fn last(&self) -> i64 {
        self.recent[0]
    }

    /// Times of the last uses, up to [`RECENT`], latest first.
    pub fn recent(&self) -> &[i64] {
        &self.recent[..(self.count as usize).min(RECENT)]
    }

    /// Strength: 1, and 1 more with each use after the first.
    pub fn strength(&self) -> f64 {
        f64::from(self.strength)
    }

    /// Turn in which the record came to be.
    pub fn created_turn(&self) -> u64 {
        self.created_turn
    }

    /// Turn of the last use.
    pub fn last_turn(&self) -> u64 {
        self.last_turn
    }
}
