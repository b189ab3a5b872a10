//! A timeline under ids of the outside, with sessions and words by their texts, in memory or in a file.
//!
//! | piece of the file | bytes |
//! |---|---|
//! | first | how many pieces follow for names u64 |
//! | names | sessions u64 and words u64, then each text; slots u64, whether there is a next id u8, the next id i64, the id of each slot |
//! | others | the pieces of [`Timeline::encode_chunks`] |

use std::path::Path;

use super::event::Event;
use super::level::Level;
use super::settings::Settings;
use super::timeline::Timeline;
use crate::bitmap::Bitmap;
use crate::bytes::{Reader, Writer};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::ids::Ids;
use crate::interner::Interner;
use crate::pieces::{Header, Pieces, damage, save};

const HEADER: Header = Header { magic: *b"RCLTIMEL", version: 1 };

/// Bytes from which a piece is full.
const PIECE: usize = 3 << 20;

/// A timeline, and what its numbers are called.
#[derive(Debug)]
pub struct NamedTimeline {
    /// The timeline.
    pub timeline: Timeline,
    ids: Ids,
    sessions: Interner,
    words: Interner,
    /// Whether ids are slots that somebody else gives.
    by_slot: bool,
}

impl NamedTimeline {
    /// An empty one.
    ///
    /// # Errors
    /// As [`Timeline::new`].
    pub fn new(settings: Settings) -> Result<Self> {
        let timeline = Timeline::new(settings)?;
        let (sessions, words) = (Interner::default(), Interner::default());
        Ok(Self { timeline, ids: Ids::default(), sessions, words, by_slot: false })
    }

    /// An empty one in which ids are slots: what comes and goes does so in [`NamedTimeline::timeline`].
    ///
    /// # Errors
    /// As [`Timeline::new`].
    pub fn by_slot(settings: Settings) -> Result<Self> {
        Ok(Self { by_slot: true, ..Self::new(settings)? })
    }

    /// The number of a segment of a session in a tree of slots: where the tree has no sessions, it says which it is of.
    pub(crate) fn number_segment(&self, session: u32, segment: u32) -> i64 {
        match self.timeline.settings().levels.contains(&Level::Session) {
            true => i64::from(segment),
            false => i64::from(session) << 32 | i64::from(segment),
        }
    }

    /// The number of a segment as it is told: inside its session, where a tree without sessions numbers all of them.
    pub fn segment_number(&self, segment: i64) -> i64 {
        if self.by_slot { segment & i64::from(u32::MAX) } else { segment }
    }

    /// Numbers of sessions and words that events have.
    fn in_use(&self) -> (Bitmap, Bitmap) {
        self.timeline.in_use(|segment| self.by_slot.then_some((segment >> 32) as u32))
    }

    /// Forgets the texts of sessions and words that no event has any more.
    pub fn forget_unused(&mut self) {
        let (sessions, words) = self.in_use();
        for (texts, used) in [(&mut self.sessions, sessions), (&mut self.words, words)] {
            let mut kept = Interner::default();
            for (number, text) in (0..).zip(texts.texts()) {
                match used.contains(number) {
                    true => kept.intern(text),
                    false => kept.intern(&unused(number)),
                };
            }
            *texts = kept;
        }
    }

    /// The slot of an event.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn known(&self, argument: &str, id: i64) -> Result<Slot> {
        self.slot(id).ok_or_else(|| Error::unknown(argument, format!("event {id} in this timeline")))
    }

    fn slot(&self, id: i64) -> Option<Slot> {
        match self.by_slot {
            true => Slot::try_from(id).ok().filter(|&slot| self.timeline.contains(slot)),
            false => self.ids.slot(id),
        }
    }

    /// Whether there is an event of this id.
    pub fn contains(&self, id: i64) -> bool {
        self.slot(id).is_some()
    }

    /// The id of an event that is there.
    pub fn id(&self, slot: Slot) -> i64 {
        if self.by_slot { i64::from(slot) } else { self.ids.id(slot) }
    }

    /// The number of a session, a new one if it has none.
    pub fn take_session(&mut self, name: &str) -> u32 {
        self.sessions.intern(name)
    }

    /// The number of a session that has one.
    pub fn session(&self, name: &str) -> Option<u32> {
        self.sessions.number(name)
    }

    /// The text of a session.
    pub fn session_name(&self, session: u32) -> &str {
        self.sessions.text(session).unwrap_or("")
    }

    /// The number of a word, a new one if it has none.
    pub fn take_word(&mut self, word: &str) -> u32 {
        self.words.intern(word)
    }

    /// The number of a word that has one.
    pub fn word(&self, word: &str) -> Option<u32> {
        self.words.number(word)
    }

    /// The text of a word.
    pub fn word_text(&self, word: u32) -> &str {
        self.words.text(word).unwrap_or("")
    }

    /// Takes events in, all or none: under ids, or under those that follow the greatest there was. Gives the ids, and how
    /// many closed nodes were opened again; those stay open where the call was cancelled.
    ///
    /// # Errors
    /// As [`Timeline::insert`] with the place of the event; [`Error::Invalid`] for an id that is there or is given twice;
    /// [`Error::Cancelled`].
    pub fn insert<'a>(
        &mut self,
        ids: Option<Vec<i64>>,
        count: usize,
        event: impl Fn(usize) -> Event<'a>,
        cancel: Cancel<'_>,
    ) -> Result<(Vec<i64>, usize)> {
        for at in 0..count {
            self.timeline.check(&event(at)).map_err(|error| placed(error, at))?;
        }
        let next = self.ids.next();
        let ids = match ids {
            Some(ids) => ids,
            None => self.ids.following(count)?,
        };
        let slots = self.ids.give(&ids)?;
        let (mut reopened, mut failed) = (0, None);
        for (at, &slot) in slots.iter().enumerate() {
            let checked = if at % 4096 == 4095 { cancel.check() } else { Ok(()) };
            match checked.and_then(|()| self.timeline.insert(slot, event(at))) {
                Ok(opened) => reopened += opened,
                Err(error) => {
                    failed = Some((error, at));
                    break;
                }
            }
        }
        let Some((error, end)) = failed else { return Ok((ids, reopened)) };
        for &slot in slots[..end].iter().rev() {
            self.timeline.remove(slot)?;
        }
        self.ids.release(&ids);
        self.ids.rewind(next);
        Err(error)
    }

    /// Takes events out, all or none; gives how many closed nodes were opened again.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Invalid`] for an id that is given twice.
    pub fn remove(&mut self, ids: &[i64]) -> Result<usize> {
        for (at, &id) in ids.iter().enumerate() {
            self.known(&format!("ids[{at}]"), id)?;
        }
        let slots = self.ids.distinct(ids)?;
        let mut reopened = 0;
        for slot in slots {
            reopened += self.timeline.remove(slot)?;
        }
        self.ids.release(ids);
        Ok(reopened)
    }

    /// Bytes reserved, texts apart.
    pub fn bytes(&self) -> usize {
        self.timeline.bytes() + self.ids.bytes()
    }

    /// Writes a file, in the place of one that is there, and makes it durable.
    ///
    /// # Errors
    /// As [`crate::pieces::save`].
    pub fn save(&self, path: &Path, cancel: Cancel<'_>) -> Result<()> {
        let mut names = Writer::default();
        names.u64(self.sessions.len() as u64);
        names.u64(self.words.len() as u64);
        // What no event has any more leaves no word behind.
        let (sessions, words) = self.in_use();
        for (texts, used) in [(&self.sessions, sessions), (&self.words, words)] {
            (0..)
                .zip(texts.texts())
                .for_each(|(at, text)| names.text(if used.contains(at) { text } else { "" }));
        }
        names.u64(self.ids.slots_end() as u64);
        names.u8(u8::from(self.ids.next().is_some()));
        names.i64(self.ids.next().unwrap_or(0));
        (0..self.ids.slots_end()).for_each(|slot| names.i64(self.ids.id(slot as Slot)));
        let names: Vec<Vec<u8>> = names.0.chunks(PIECE).map(<[u8]>::to_vec).collect();
        let count = (names.len() as u64).to_le_bytes().to_vec();
        save(path, HEADER, std::iter::once(count).chain(names).chain(self.timeline.encode_chunks()), cancel)
    }

    /// Reads what [`NamedTimeline::save`] wrote.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::CorruptIndex`] and [`Error::FormatTooNew`] for another file; [`Error::Io`];
    /// [`Error::Cancelled`].
    pub fn load(path: &Path, cancel: Cancel<'_>) -> Result<Self> {
        let mut pieces = Pieces::open(path, HEADER, cancel)?;
        Self::read(&mut pieces, cancel).map_err(|error| damage(path, error))
    }

    fn read(pieces: &mut Pieces<'_>, cancel: Cancel<'_>) -> Result<Self> {
        let bad = |reason: &str| Error::Storage(reason.into());
        let count = pieces.need()?;
        let count = Reader::new(&count).u64()?;
        let mut names = Vec::new();
        for _ in 0..count {
            names.extend(pieces.need()?);
        }
        let mut from = Reader::new(&names);
        let (sessions, words) = (from.u64()?, from.u64()?);
        let texts = |count: u64, from: &mut Reader<'_>| {
            let mut known = Interner::default();
            for number in 0..count {
                let text = match from.text()? {
                    "" => unused(number as u32),
                    text => text.to_owned(),
                };
                if u64::from(known.intern(&text)) != number {
                    return Err(bad("a name twice"));
                }
            }
            Ok(known)
        };
        let (sessions, words) = (texts(sessions, &mut from)?, texts(words, &mut from)?);
        let slots = from.u64()? as usize;
        let (more, next) = (from.u8()?, from.i64()?);
        let mut known = Vec::new();
        while !from.is_empty() {
            known.push(from.i64()?);
        }
        let timeline = Timeline::decode_chunks(pieces, cancel)?;
        let live = known.iter().zip(0..).map(|(&id, slot)| timeline.contains(slot).then_some(id));
        let mut ids = Ids::default();
        ids.restore(live)?;
        let next = (more == 1).then_some(next);
        let sound = next.is_none_or(|next| next >= 0 && ids.next().is_some_and(|least| least <= next));
        if !sound || known.len() != slots || ids.len() != timeline.len() {
            return Err(bad("ids and events do not go together"));
        }
        ids.rewind(next);
        Ok(Self { timeline, ids, sessions, words, by_slot: false })
    }
}

/// In the place of a text that is not in use: a name that nothing refers to.
fn unused(number: u32) -> String {
    format!("\u{0}{number}")
}

/// An error of one event among many.
fn placed(error: Error, at: usize) -> Error {
    match error {
        Error::Invalid { argument, reason } => Error::invalid(format!("{argument}[{at}]"), reason),
        Error::DimensionMismatch { argument, expected, found } => {
            Error::DimensionMismatch { argument: format!("{argument}[{at}]"), expected, found }
        }
        other => other,
    }
}
