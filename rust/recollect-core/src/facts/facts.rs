//! Facts, and ways to find them.

use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::chain::Chain;
use super::row::{Fact, OPEN, Pattern, When};
use crate::error::{Error, Result};
use crate::intervals::{Intervals, Span};

/// Facts there can be at most.
pub(super) const MAX_FACTS: usize = u32::MAX as usize;

/// Facts under two times: when they hold, and when they were believed (Snodgrass, "Developing Time-Oriented Database
/// Applications in SQL"). Nothing that was recorded is lost; a change closes a record and opens others.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub(super) rows: Vec<Fact>,
    both: FxHashMap<(u32, u32), Chain>,
    subjects: FxHashMap<u32, Chain>,
    predicates: FxHashMap<u32, Chain>,
    answers: FxHashMap<(u32, u32), Chain>,
    objects: FxHashMap<u32, Chain>,
    valid: Intervals,
    /// Predicates that may have several objects at once.
    many: FxHashSet<u32>,
    /// Where facts come from, for those of which that is known.
    pub(super) sources: FxHashMap<u32, Vec<u32>>,
    pub(super) by_source: FxHashMap<u32, Vec<u32>>,
    /// The latest instant of a change.
    pub(super) latest: i64,
}

impl Facts {
    /// None so far.
    pub fn new() -> Self {
        Self { latest: i64::MIN, ..Self::default() }
    }

    /// Number of facts, those that stand no more included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A fact by number.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn fact(&self, row: u32) -> Result<Fact> {
        let unknown = || Error::unknown("fact", format!("fact {row}"));
        self.rows.get(row as usize).copied().ok_or_else(unknown)
    }

    /// The instant of the latest change, `i64::MIN` before the first.
    pub fn latest(&self) -> i64 {
        self.latest
    }

    /// Says whether a predicate may have several objects at once; standing facts stay as they are.
    pub fn set_many(&mut self, predicate: u32, many: bool) {
        if many {
            self.many.insert(predicate);
        } else {
            self.many.remove(&predicate);
        }
    }

    /// Whether a predicate may have several objects at once.
    pub fn is_many(&self, predicate: u32) -> bool {
        self.many.contains(&predicate)
    }

    /// Predicates that may have several objects at once, ascending.
    pub fn many_predicates(&self) -> Vec<u32> {
        let mut many: Vec<u32> = self.many.iter().copied().collect();
        many.sort_unstable();
        many
    }

    /// Facts of a pattern that hold at some time of a range as the records stood then, ascending by number. For a subject
    /// with a predicate O(log n + answers) where validity and record move on together, which they do for what is overwritten;
    /// at most all facts of the narrowest of subject, predicate and object.
    pub fn find(&self, pattern: Pattern, when: When) -> Vec<u32> {
        let mut out = Vec::new();
        self.each(pattern, &when, &mut |row, _| out.push(row));
        out
    }

    /// Facts that hold at an instant, as the records stood at another.
    pub fn as_of(&self, pattern: Pattern, valid: i64, recorded: i64) -> Vec<u32> {
        self.find(pattern, When::at(valid, recorded))
    }

    /// The last on record of what [`Facts::as_of`] finds for a subject and a predicate, and its object.
    pub fn last(&self, subject: u32, predicate: u32, when: When) -> Option<(u32, u32)> {
        self.both.get(&(subject, predicate))?.last(&when, &self.rows)
    }

    fn each(&self, pattern: Pattern, when: &When, see: &mut impl FnMut(u32, &Fact)) {
        let chain = match (pattern.subject, pattern.predicate, pattern.object) {
            (Some(subject), Some(predicate), _) => self.both.get(&(subject, predicate)),
            (_, Some(predicate), Some(object)) => self.answers.get(&(predicate, object)),
            (Some(subject), ..) => self.subjects.get(&subject),
            (_, _, Some(object)) => self.objects.get(&object),
            (_, Some(predicate), _) => self.predicates.get(&predicate),
            (None, None, None) => return self.scan(when, see),
        };
        let mut shown = |row: u32, fact: &Fact| {
            if pattern.fits(fact) {
                see(row, fact);
            }
        };
        if let Some(chain) = chain {
            chain.each(when, &self.rows, &mut shown);
        }
    }

    /// Facts of any subject, by their validity.
    fn scan(&self, when: &When, see: &mut impl FnMut(u32, &Fact)) {
        let mut found = Vec::new();
        let _ = self.valid.overlapping(when.from, when.to, false, &mut |span| {
            if when.fits(&self.rows[span.item as usize]) {
                found.push(span.item);
            }
            ControlFlow::Continue(())
        });
        found.sort_unstable();
        found.into_iter().for_each(|row| see(row, &self.rows[row as usize]));
    }

    /// All facts there ever were of a pattern, ascending by number, which is the order of their records.
    pub fn history(&self, pattern: Pattern) -> Vec<u32> {
        let rows: Box<dyn Iterator<Item = u32> + '_> = match (pattern.subject, pattern.predicate) {
            (Some(subject), Some(predicate)) => Box::new(rows_of(self.both.get(&(subject, predicate)))),
            (Some(subject), None) => Box::new(rows_of(self.subjects.get(&subject))),
            (None, Some(predicate)) => Box::new(rows_of(self.predicates.get(&predicate))),
            (None, None) => match pattern.object {
                Some(object) => Box::new(rows_of(self.objects.get(&object))),
                None => Box::new(0..self.rows.len() as u32),
            },
        };
        rows.filter(|&row| pattern.fits(&self.rows[row as usize])).collect()
    }

    /// Pairs of facts of a pattern that contradict each other in the records of an instant: the same subject, a predicate that
    /// has one object at a time, two objects, and a time at which both hold. Ascending by numbers, the smaller first.
    pub fn contradictions(&self, pattern: Pattern, recorded: i64) -> Vec<(u32, u32)> {
        let mut cells: FxHashMap<(u32, u32), Vec<u32>> = FxHashMap::default();
        self.each(pattern, &When { recorded, ..When::standing() }, &mut |row, fact| {
            if !self.many.contains(&fact.predicate) {
                cells.entry((fact.subject, fact.predicate)).or_default().push(row);
            }
        });
        let mut pairs = Vec::new();
        for mut rows in cells.into_values().collect::<Vec<_>>() {
            rows.sort_by_key(|&row| self.rows[row as usize].valid);
            for (at, &a) in rows.iter().enumerate() {
                let first = &self.rows[a as usize];
                let overlapping =
                    rows[at + 1..].iter().take_while(|&&b| self.rows[b as usize].valid.0 < first.valid.1);
                let apart = overlapping.filter(|&&b| self.rows[b as usize].object != first.object);
                pairs.extend(apart.map(|&b| (a.min(b), a.max(b))));
            }
        }
        pairs.sort_unstable();
        pairs
    }

    /// Puts a fact on record.
    pub(super) fn push(&mut self, fact: Fact) -> Result<u32> {
        let row = self.rows.len();
        if row >= MAX_FACTS {
            let (found, limit) = (row as u64 + 1, MAX_FACTS as u64);
            return Err(Error::Limit { argument: "facts".into(), found, limit });
        }
        let row = row as u32;
        self.rows.push(fact);
        self.valid.insert(Span {
            start: fact.valid.0,
            end: fact.valid.1,
            item: row,
            weight: fact.confidence,
        });
        self.each_chain(row, |chain, rows| chain.push(row, rows));
        Ok(row)
    }

    /// Ends the record of a fact that stands.
    pub(super) fn close(&mut self, row: u32, now: i64) {
        self.rows[row as usize].recorded.1 = now;
        self.each_chain(row, |chain, rows| chain.look_again(row, rows));
    }

    fn each_chain(&mut self, row: u32, mut work: impl FnMut(&mut Chain, &[Fact])) {
        let Fact { subject, predicate, object, .. } = self.rows[row as usize];
        work(self.both.entry((subject, predicate)).or_insert_with(Chain::side_by_side), &self.rows);
        work(self.subjects.entry(subject).or_default(), &self.rows);
        work(self.predicates.entry(predicate).or_default(), &self.rows);
        work(self.answers.entry((predicate, object)).or_default(), &self.rows);
        work(self.objects.entry(object).or_default(), &self.rows);
    }

    /// Number of facts that stand.
    pub fn standing(&self) -> usize {
        self.rows.iter().filter(|fact| fact.recorded.1 == OPEN).count()
    }

    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        let single = [&self.subjects, &self.predicates, &self.objects];
        let pairs = [&self.both, &self.answers];
        let single: usize = single.iter().flat_map(|x| x.values()).map(Chain::bytes).sum();
        let pairs: usize = pairs.iter().flat_map(|x| x.values()).map(Chain::bytes).sum();
        let maps = self.both.len() + self.answers.len() + self.subjects.len() + self.objects.len();
        self.rows.capacity() * size_of::<Fact>() + self.valid.bytes() + single + pairs + 64 * maps
    }
}

fn rows_of(chain: Option<&Chain>) -> impl Iterator<Item = u32> + '_ {
    chain.map_or(&[][..], Chain::rows).iter().copied()
}
