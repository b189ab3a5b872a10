//! A timeline as bytes, in pieces of about 3 MiB.
//!
//! | piece | contents, little-endian |
//! |---|---|
//! | first | magic `RCTL`, version u32, settings, events u64, nodes u64 |
//! | events | slot u32, start i64, end i64, salience f32, flags u8 (1 session u32, 2 segment i64, 4 vector f32 each, 8 terms: count u64, pairs of u32, 16 alone) and what they say, in order of time |
//! | nodes | those that were closed once or have a text: identity, state u8, text |
//!
//! Equal timelines give equal bytes, whatever their history; nothing of removed events is in them.

use super::event::Event;
use super::node::{Key, NodeId, State};
use super::settings::Settings;
use super::timeline::{MAX_EVENTS, Timeline};
use crate::bitmap::Bitmap;
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::intervals::Span;

const MAGIC: [u8; 4] = *b"RCTL";
const VERSION: u32 = 1;

/// Bytes from which a piece is full.
const PIECE: usize = 3 << 20;

fn damaged(reason: &str) -> Error {
    Error::Storage(format!("a timeline with {reason}"))
}

impl Timeline {
    /// The timeline piece by piece; [`Timeline::decode_chunks`] wants the same pieces in the same order.
    pub fn encode_chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let told = self.told();
        let mut first = Writer::default();
        first.raw(&MAGIC);
        first.u32(VERSION);
        self.settings.encode(&mut first);
        first.u64(self.len() as u64);
        first.u64(told.len() as u64);
        let mut rank = 0;
        let events = std::iter::from_fn(move || {
            let mut piece = Writer::default();
            while rank < self.len() && piece.0.len() < PIECE {
                // So many at once that finding the place again costs little.
                let spans = self.index.slice(rank..rank + 4096);
                rank += spans.len();
                spans.iter().for_each(|span| self.encode_event(span, &mut piece));
            }
            (!piece.0.is_empty()).then_some(piece.0)
        });
        let mut nodes = told.into_iter();
        let nodes = std::iter::from_fn(move || {
            let mut piece = Writer::default();
            while piece.0.len() < PIECE {
                match nodes.next() {
                    Some(at) => self.encode_node(at, &mut piece),
                    None => break,
                }
            }
            (!piece.0.is_empty()).then_some(piece.0)
        });
        std::iter::once(first.0).chain(events).chain(nodes)
    }

    /// Nodes of which events do not tell everything, by identity.
    fn told(&self) -> Vec<u32> {
        let all = self.arena.levels.iter().flat_map(|level| level.to_vec());
        let mut told: Vec<u32> = all
            .map(|span| span.item & !super::node::NODE)
            .filter(|&at| {
                let node = self.arena.get(at);
                node.state != State::Open || node.text.is_some()
            })
            .collect();
        told.sort_unstable_by_key(|&at| self.arena.get(at).id);
        told
    }

    /// Sessions and words of the events that are there; `within` tells the session of a segment that is in none.
    pub(super) fn in_use(&self, within: impl Fn(i64) -> Option<u32>) -> (Bitmap, Bitmap) {
        let (mut sessions, mut words) = (Bitmap::new(), Bitmap::new());
        for span in self.index.to_vec() {
            let (session, segment) = self.names_of(span.item);
            if let Some(session) = session.or_else(|| segment.and_then(&within)) {
                sessions.insert(session);
            }
            for term in self.events.terms(span.item) {
                words.insert(term.0);
            }
        }
        (sessions, words)
    }

    /// Session and segment of an event.
    fn names_of(&self, slot: Slot) -> (Option<u32>, Option<i64>) {
        match self.events.parent(slot) {
            super::event::NONE => (None, None),
            parent => match self.arena.get(parent).id.key {
                Key::Segment(session, segment) => (session, Some(segment)),
                Key::Session(session) => (Some(session), None),
                _ => (None, None),
            },
        }
    }

    fn encode_event(&self, span: &Span, out: &mut Writer) {
        let (session, segment) = self.names_of(span.item);
        let (vector, terms) = (self.events.vector(span.item), self.events.terms(span.item));
        let directed = vector.iter().any(|&x| x != 0.0);
        let flags = u8::from(session.is_some())
            | u8::from(segment.is_some()) << 1
            | u8::from(directed) << 2
            | u8::from(!terms.is_empty()) << 3
            | u8::from(self.events.alone.contains(span.item)) << 4;
        out.u32(span.item);
        out.i64(span.start);
        out.i64(span.end);
        out.f32(span.weight);
        out.u8(flags);
        session.into_iter().for_each(|x| out.u32(x));
        segment.into_iter().for_each(|x| out.i64(x));
        if directed {
            vector.iter().for_each(|&x| out.f32(x));
        }
        if !terms.is_empty() {
            out.u64(terms.len() as u64);
            terms.iter().flat_map(|x| [x.0, x.1]).for_each(|x| out.u32(x));
        }
    }

    fn encode_node(&self, at: u32, out: &mut Writer) {
        let node = self.arena.get(at);
        out.u8(node.id.level);
        let (kind, a, b) = node.id.parts();
        out.u8(kind);
        out.u32(a);
        out.i64(b);
        out.u8(match node.state {
            State::Open => 0,
            State::Closed => 1,
            State::Reopened => 2,
        });
        out.u8(u8::from(node.text.is_some()));
        node.text.iter().for_each(|text| out.text(text));
    }

    /// Reads what [`Timeline::encode_chunks`] gave.
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
        let settings = Settings::decode(&mut from).map_err(|_| damaged("settings out of range"))?;
        let (events, nodes) = (from.u64()?, from.u64()?);
        if !from.is_empty() {
            return Err(damaged("a longer beginning"));
        }
        let mut timeline = Self::new(settings)?;
        let (mut read, mut told) = (0u64, 0u64);
        for piece in chunks {
            let piece = piece?;
            let mut from = Reader::new(&piece);
            while !from.is_empty() {
                if (read + told).is_multiple_of(4096) {
                    cancel.check()?;
                }
                if read < events {
                    timeline.decode_event(&mut from)?;
                    read += 1;
                } else {
                    timeline.decode_node(&mut from)?;
                    told += 1;
                }
            }
        }
        match (read, told) == (events, nodes) {
            true => Ok(timeline),
            false => Err(damaged("more or less than it counts")),
        }
    }

    fn decode_event(&mut self, from: &mut Reader<'_>) -> Result<()> {
        let (slot, start, end): (Slot, i64, i64) = (from.u32()?, from.i64()?, from.i64()?);
        let (salience, flags) = (from.f32()?, from.u8()?);
        let given = |bit: u8| flags & bit != 0;
        let session = if given(1) { Some(from.u32()?) } else { None };
        let segment = if given(2) { Some(from.i64()?) } else { None };
        let mut vector = None;
        if given(4) {
            let row = (0..self.settings.dim).map(|_| from.f32()).collect::<Result<Vec<f32>>>()?;
            vector = Some(row);
        }
        let mut terms = Vec::new();
        if given(8) {
            for _ in 0..from.count(8)? {
                terms.push((from.u32()?, from.u32()?));
            }
        }
        if flags > 31 || !terms.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(damaged("an event out of range"));
        }
        let event =
            Event { start, end, salience, session, segment, vector: None, terms: &terms, alone: given(16) };
        let sound = vector.iter().flatten().all(|x| x.abs() < 1.001);
        if !sound || (slot as usize) >= MAX_EVENTS || event.check(&self.settings).is_err() {
            return Err(damaged("an event out of range"));
        }
        self.insert_unit(slot, event, vector).map_err(|_| damaged("an event out of range or twice"))?;
        Ok(())
    }

    fn decode_node(&mut self, from: &mut Reader<'_>) -> Result<()> {
        let (level, kind) = (from.u8()?, from.u8()?);
        let (a, b) = (from.u32()?, from.i64()?);
        let id = NodeId::of_parts(level, kind, a, b).ok_or_else(|| damaged("a node out of range"))?;
        let at = self.arena.find(id).ok_or_else(|| damaged("a node without events"))?;
        let state = match from.u8()? {
            0 => State::Open,
            1 => State::Closed,
            2 => State::Reopened,
            _ => return Err(damaged("a state out of range")),
        };
        let node = self.arena.get_mut(at);
        node.state = state;
        node.text = if from.u8()? == 1 { Some(from.text()?.into()) } else { None };
        if state == State::Closed {
            self.arena.open.remove(&(level, at));
        }
        Ok(())
    }
}
