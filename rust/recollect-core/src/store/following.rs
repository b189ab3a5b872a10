//! A temporal tree of the memories of a namespace, brought level with it by what came and went since.
//!
//! Slots are never used again, so what is live now and is not in the tree came, and what is in the tree and not live went:
//! a comparison of two bitmaps, whatever happened in between.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::cell::Seen;
use super::memory::Memory;
use super::parting::{Cuts, Label, Part, Stream};
use super::state::State;
use crate::bitmap::Bitmap;
use crate::calendar::Unit;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;
use crate::journal::event::Seq;
use crate::record::Kind;
use crate::segmentation::Rules;
use crate::session::Sessions;
use crate::time::Timestamp;
use crate::timeline::{Event, Level, NamedTimeline, Settings};

/// Memories taken in before writers may have their turn.
const CHUNK: usize = 2048;
/// Parts whose cuts go on without a look at what came before.
const STREAMS: usize = 8;
/// Latest instant that a tree takes.
const FURTHEST: u64 = i64::MAX as u64 / 8;

/// Which memories are in a tree, and how.
#[derive(Debug, Clone)]
pub struct Following {
    /// Of the tree; its dimensions are those of the namespace, or 0 without `vectors`.
    pub settings: Settings,
    /// Whether it has the vectors.
    pub vectors: bool,
    /// What begins a segment.
    pub rules: Rules,
    /// Only these kinds.
    pub kinds: Option<Vec<Kind>>,
}

/// Words by their numbers in the tree, with how often they occur.
type Terms = Vec<(u32, u32)>;

/// Which state a tree is of: its number, the event with which it last moved to another space, and the dimensions.
type Mark = (u64, Seq, usize);

/// How far a tree is.
#[derive(Debug)]
pub struct Follower {
    wish: Following,
    cuts: Cuts,
    mark: Option<Mark>,
    seq: Seq,
    /// The time as of which expired memories are out of it, and when the next of them expires.
    told: (i64, i64),
    there: Bitmap,
    /// Looked at, and of no kind that is asked for.
    others: Bitmap,
    /// Of each slot that is in the tree: its part, unless it stands alone, and where it is in it.
    placed: Vec<Option<(Part, Label)>>,
    /// Members of each day that are in no session.
    days: Sessions,
    numbers: FxHashMap<i64, u32>,
    starts: Vec<i64>,
    parts: BTreeSet<Part>,
    alone: Vec<Slot>,
    erased: bool,
    streams: Vec<Stream>,
}

impl Follower {
    /// Before anything.
    ///
    /// # Errors
    /// [`Error::Invalid`] for rules out of range.
    pub fn new(wish: Following) -> Result<Self> {
        let cuts = Cuts { rules: wish.rules, gap: wish.settings.gap };
        Stream::new(Part::Day(0), cuts)?;
        Ok(Self {
            wish,
            cuts,
            mark: None,
            seq: 0,
            told: (i64::MIN, i64::MAX),
            there: Bitmap::new(),
            others: Bitmap::new(),
            placed: Vec::new(),
            days: Sessions::default(),
            numbers: FxHashMap::default(),
            starts: Vec::new(),
            parts: BTreeSet::new(),
            alone: Vec::new(),
            erased: false,
            streams: Vec::new(),
        })
    }

    /// One chunk of the way; whether that was the last, none where a content was erased meanwhile.
    fn step(&mut self, seen: &Seen<'_>, tree: &mut NamedTimeline, now: i64) -> Result<Option<(bool, bool)>> {
        let answer = self.chunk(seen, tree, now);
        if answer.is_err() {
            // It may have stopped anywhere: the next call begins anew.
            self.mark = None;
        }
        answer
    }

    fn chunk(&mut self, seen: &Seen<'_>, tree: &mut NamedTimeline, now: i64) -> Result<Option<(bool, bool)>> {
        let state = seen.state;
        let dim = state.vectors.as_ref().filter(|_| self.wish.vectors).map_or(0, |index| index.dim());
        let mark = (state.number, state.moved, dim);
        if self.mark != Some(mark) {
            *tree = NamedTimeline::by_slot(Settings { dim, ..self.wish.settings.clone() })?;
            *self = Self::new(self.wish.clone())?;
            self.mark = Some(mark);
        }
        if self.parts.is_empty() && self.alone.is_empty() {
            let same = self.seq == state.seq && (self.told.0..self.told.1).contains(&now);
            if same && self.told.0 > i64::MIN {
                return Ok(Some((true, false)));
            }
            self.compare(state, tree, now)?;
        }
        let (mut fresh, mut looked) = (Vec::new(), 0);
        while fresh.len() < CHUNK && looked < 8 * CHUNK {
            let Some(slot) = self.alone.pop() else { break };
            looked += 1;
            if self.wanted(state, slot, now) {
                fresh.push((slot, None));
            }
        }
        while fresh.len() < CHUNK && looked < 8 * CHUNK {
            let Some(&part) = self.parts.first() else { break };
            looked += self.cut(part, state, tree, now, &mut fresh)?;
            self.parts.remove(&part);
        }
        if !self.take(fresh, seen, tree)? {
            return Ok(None);
        }
        let done = self.parts.is_empty() && self.alone.is_empty();
        if done && std::mem::take(&mut self.erased) {
            tree.forget_unused();
        }
        Ok(Some((done && self.seq == state.seq, true)))
    }

    /// Takes out what went, and notes what came.
    fn compare(&mut self, state: &State, tree: &mut NamedTimeline, now: i64) -> Result<()> {
        let expired: Bitmap =
            state.mortal.iter().filter(|&x| state.entries[x as usize].expires <= now).collect();
        let live = state.live.words();
        let gone = |at: usize, word: u64| word & !live.get(at).copied().unwrap_or(0);
        let mut went: Vec<Slot> = Bitmap::left(self.there.words(), gone);
        went.extend(expired.iter().filter(|&slot| self.there.contains(slot)));
        for slot in went {
            tree.timeline.remove(slot)?;
            self.there.remove(slot);
            let uid = state.identities[slot as usize];
            self.erased |= !state.uids.contains_key(&uid) && !state.past.contains_key(&uid);
            if let Some((part, _)) = self.placed[slot as usize].take() {
                self.streams.retain(|stream| stream.part != part);
                self.parts.insert(part);
            }
        }
        let known = |words: &[u64], at: usize| words.get(at).copied().unwrap_or(0);
        let (there, others) = (self.there.words(), self.others.words());
        let new = |at: usize, word: u64| word & !known(there, at) & !known(others, at);
        for slot in Bitmap::left(live, new) {
            let entry = &state.entries[slot as usize];
            if self.wish.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&entry.kind))
                || entry.time().unsigned_abs() > FURTHEST
            {
                self.others.insert(slot);
            } else if !expired.contains(slot) {
                match (entry.session, entry.start) {
                    (Some(session), _) => {
                        self.parts.insert(Part::Session(session));
                    }
                    (None, Some(start)) => {
                        let day = self.day(start);
                        if self.days.around(day, entry.place(slot)).is_none() {
                            self.days.insert(day, entry.place(slot));
                        }
                        self.parts.insert(Part::Day(day));
                    }
                    // Neither a session nor a time says what it stands beside: the order of a file is no sign of it.
                    (None, None) => self.alone.push(slot),
                }
            }
        }
        let ends =
            state.mortal.iter().map(|slot| state.entries[slot as usize].expires).filter(|&end| end > now);
        (self.seq, self.told) = (state.seq, (now, ends.min().unwrap_or(i64::MAX)));
        Ok(())
    }

    fn wanted(&self, state: &State, slot: Slot, now: i64) -> bool {
        state.live.contains(slot)
            && state.entries[slot as usize].expires > now
            && !self.others.contains(slot)
            && self.wish.kinds.as_ref().is_none_or(|x| x.contains(&state.entries[slot as usize].kind))
    }

    fn day(&mut self, at: i64) -> u32 {
        let start = Unit::Day.window(&self.wish.settings.zone, at).start;
        let (starts, next) = (&mut self.starts, self.numbers.len() as u32);
        *self.numbers.entry(start).or_insert_with(|| {
            starts.push(start);
            next
        })
    }

    /// Cuts a part anew, or from where it was left: moves what belongs elsewhere now, and gives what is to be taken in.
    fn cut(
        &mut self,
        part: Part,
        state: &State,
        tree: &mut NamedTimeline,
        now: i64,
        fresh: &mut Vec<(Slot, Option<(Part, Label)>)>,
    ) -> Result<usize> {
        let mut members = match part {
            Part::Session(session) => state.sessions.members(session).to_vec(),
            Part::Day(day) => self.days.members(day).to_vec(),
        };
        members.retain(|place| {
            let wanted = self.wanted(state, place.slot, now);
            if let Part::Day(day) = part
                && !wanted
            {
                self.days.remove(day, *place);
            }
            wanted
        });
        let at = self.streams.iter().position(|stream| stream.part == part);
        let known = at.map(|at| self.streams.remove(at));
        let known = known.and_then(|stream| stream.goes_on(&members).map(|taken| (stream, taken)));
        let (mut stream, from) = match known {
            Some(known) => known,
            None => (Stream::new(part, self.cuts)?, 0),
        };
        let mut vector = vec![0.0; state.vectors.as_ref().map_or(0, |index| index.dim())];
        for &place in &members[from..] {
            let placed = (part, stream.push(place, state, &mut vector, self.cuts)?);
            let before = self.placed.get(place.slot as usize).copied().flatten();
            if !self.there.contains(place.slot) {
                fresh.push((place.slot, Some(placed)));
            } else if before != Some(placed) {
                let (session, segment) = self.named(placed, state, tree);
                tree.timeline.put_in(place.slot, session, segment)?;
                self.placed[place.slot as usize] = Some(placed);
            }
        }
        if self.streams.len() == STREAMS {
            self.streams.remove(0);
        }
        self.streams.push(stream);
        Ok(members.len() - from + 1)
    }

    /// Session and segment of the tree.
    fn named(
        &self,
        (part, label): (Part, Label),
        state: &State,
        tree: &mut NamedTimeline,
    ) -> (u32, Option<i64>) {
        let session = match part {
            Part::Session(session) => tree.take_session(state.names.text(session).unwrap_or("")),
            Part::Day(day) => {
                let start = self.starts[day as usize];
                tree.take_session(&format!("\u{0}{start}.{}", label.run))
            }
        };
        let cut = self.wish.settings.levels.contains(&Level::Segment);
        (session, cut.then(|| tree.number_segment(session, label.segment)))
    }

    /// Takes memories in; false where a content is gone.
    fn take(
        &mut self,
        fresh: Vec<(Slot, Option<(Part, Label)>)>,
        seen: &Seen<'_>,
        tree: &mut NamedTimeline,
    ) -> Result<bool> {
        let (state, dim) = (seen.state, tree.timeline.settings().dim);
        let Some(terms) = terms(&fresh, seen, tree)? else {
            // What was to come is not there, so the next comparison finds it again.
            (self.seq, self.told) = (0, (i64::MIN, i64::MAX));
            self.alone.clear();
            self.streams.clear();
            return Ok(false);
        };
        let mut vector = vec![0.0; dim];
        for ((slot, placed), terms) in fresh.into_iter().zip(terms) {
            let entry = &state.entries[slot as usize];
            let index = state.vectors.as_ref().filter(|_| dim > 0);
            let known = index.is_some_and(|index| index.vector(slot, &mut vector));
            let (session, segment) = match placed {
                Some(placed) => {
                    let (session, segment) = self.named(placed, state, tree);
                    (Some(session), segment)
                }
                None => (None, None),
            };
            let event = Event {
                start: entry.time(),
                end: entry.end.max(entry.time().saturating_add(1)),
                salience: entry.importance,
                session,
                segment,
                vector: known.then_some(&vector[..]),
                terms: &terms,
                alone: placed.is_none(),
            };
            tree.timeline.insert(slot, event)?;
            self.there.insert(slot);
            if slot as usize >= self.placed.len() {
                self.placed.resize(slot as usize + 1, None);
            }
            self.placed[slot as usize] = placed;
        }
        Ok(true)
    }
}

/// The words of memories by their numbers in a tree; none where a content is gone.
fn terms(
    fresh: &[(Slot, Option<(Part, Label)>)],
    seen: &Seen<'_>,
    tree: &mut NamedTimeline,
) -> Result<Option<Vec<Terms>>> {
    let Some(id) = seen.id.filter(|_| tree.timeline.settings().terms > 0 && !fresh.is_empty()) else {
        return Ok(Some(vec![Vec::new(); fresh.len()]));
    };
    let seqs: Vec<Seq> = fresh.iter().map(|x| seen.state.entries[x.0 as usize].seq).collect();
    let (analyzer, mut all) = (seen.state.lexical.analyzer(), Vec::with_capacity(fresh.len()));
    for content in seen.reader.contents(id, &seqs, false)? {
        let Some(content) = content else { return Ok(None) };
        let words = analyzer.terms(&content.record.text);
        let mut numbers: Vec<u32> = words.iter().map(|word| tree.take_word(word)).collect();
        numbers.sort_unstable();
        all.push(numbers.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)).collect());
    }
    Ok(Some(all))
}

impl Memory {
    /// Brings a tree level with the namespace; whether anything changed in it. Writers have their turn in between.
    ///
    /// # Errors
    /// As any read; the tree may be on its way then, and the next call goes on.
    pub fn follow(
        &self,
        tree: &mut NamedTimeline,
        follower: &mut Follower,
        now: Timestamp,
        cancel: Cancel<'_>,
    ) -> Result<bool> {
        let mut changed = false;
        loop {
            cancel.check()?;
            let (done, some) = self.read(cancel, |seen| follower.step(&seen, tree, now.0))?;
            changed |= some;
            if done {
                return Ok(changed);
            }
        }
    }
}

impl Follower {
    /// Whether slots of the tree are those of a state.
    pub(super) fn knows(&self, state: &State) -> bool {
        self.mark.is_some_and(|mark| mark.0 == state.number)
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.there.contains(slot)
    }
}
