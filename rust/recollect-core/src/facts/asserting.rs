//! What is said comes on record, and what it contradicts gives way.

use super::facts::Facts;
use super::policy::{Policy, Verdict};
use super::row::{Fact, OPEN, Pattern, When, check};
use crate::error::{Error, Result};

/// A fact that somebody brings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// Of whom.
    pub subject: u32,
    /// What is said.
    pub predicate: u32,
    /// Of what.
    pub object: u32,
    /// When it holds; `i64::MIN` and [`OPEN`] are open ends.
    pub valid: (i64, i64),
    /// How sure that is, 0 to 1.
    pub confidence: f32,
    /// Where it comes from.
    pub source: Option<u32>,
}

/// What a claim did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asserted {
    /// The facts it put on record: one, several where a surer one says the same in between, none where that says it all.
    pub rows: Vec<u32>,
    /// Facts that stand no more.
    pub closed: Vec<u32>,
    /// What is left of them and stands in their place.
    pub remain: Vec<u32>,
    /// Whether it is only on record and does not stand.
    pub archived: bool,
}

impl Facts {
    /// The instant of a change: that of the latest, where a clock went back.
    fn tick(&mut self, now: i64) -> i64 {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn beside(&self, claim: &Claim) -> (Vec<u32>, Vec<u32>) {
        let cell = Pattern { subject: Some(claim.subject), predicate: Some(claim.predicate), object: None };
        let when = When { from: claim.valid.0, to: claim.valid.1, recorded: OPEN - 1 };
        self.find(cell, when).into_iter().partition(|&row| self.rows[row as usize].object != claim.object)
    }

    /// Standing facts that a claim contradicts, ascending; none for a predicate of many objects.
    pub fn conflicts(&self, claim: &Claim) -> Vec<u32> {
        if self.is_many(claim.predicate) { Vec::new() } else { self.beside(claim).0 }
    }

    /// Puts a claim on record at an instant. Facts with the same object that are less sure give way where both hold, and it
    /// adds nothing where a surer one says the same. O(log n + conflicts).
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty validity, a confidence that is not between 0 and 1, an instant that is an open end,
    /// and judgements of other conflicts than there are; nothing is changed then.
    pub fn assert(&mut self, claim: Claim, policy: &Policy, now: i64) -> Result<Asserted> {
        check(claim.valid, claim.confidence)?;
        if now == OPEN || now == i64::MIN {
            return Err(Error::invalid("recorded", "expected a time"));
        }
        let (others, _) = self.beside(&claim);
        let conflicts = if self.is_many(claim.predicate) { Vec::new() } else { others };
        if let Policy::Judged(verdicts) = policy
            && !verdicts.iter().map(|x| x.0).eq(conflicts.iter().copied())
        {
            return Err(Error::invalid("judge", "the conflicts are not those that were judged"));
        }
        let now = self.tick(now);
        let mut done = Asserted::default();
        let least_sure = |&row: &u32| self.rows[row as usize].confidence <= claim.confidence;
        if *policy == Policy::ByConfidence && !conflicts.iter().all(least_sure) {
            done.rows.push(self.record(&claim, claim.valid, (now, now))?);
            done.archived = true;
            self.support(&done.rows, claim.source);
            return Ok(done);
        }
        let mut valid = claim.valid;
        for (at, &row) in conflicts.iter().enumerate() {
            match policy {
                Policy::KeepBoth => {}
                Policy::Supersede | Policy::ByConfidence => self.cut(row, claim.valid, now, &mut done)?,
                Policy::LatestWins => self.end(row, now, &mut done),
                Policy::Judged(verdicts) => match verdicts[at].1 {
                    Verdict::Independent => {}
                    Verdict::Contradicts => self.end(row, now, &mut done),
                    Verdict::Extends => {
                        let old = self.rows[row as usize].valid;
                        valid = (valid.0.min(old.0), valid.1.max(old.1));
                        self.end(row, now, &mut done);
                    }
                },
            }
        }
        let (_, same) = self.beside(&Claim { valid, ..claim });
        let mut pieces = vec![valid];
        let mut known = Vec::new();
        for row in same {
            let old = self.rows[row as usize];
            if old.confidence >= claim.confidence {
                pieces = pieces.into_iter().flat_map(|piece| without(piece, old.valid)).collect();
                known.push(row);
            } else {
                self.cut(row, valid, now, &mut done)?;
            }
        }
        for piece in pieces {
            done.rows.push(self.record(&claim, piece, (now, OPEN))?);
        }
        self.support(&done.rows, claim.source);
        self.support(&known, claim.source);
        Ok(done)
    }

    /// Ends the records of standing facts of a pattern, in a range of their validity or all of it, at an instant; what of
    /// them lies outside stands on. Gives those that were closed, and what remains.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty range and for an instant that is an open end.
    pub fn retract(&mut self, pattern: Pattern, valid: (i64, i64), now: i64) -> Result<Asserted> {
        check(valid, 1.0)?;
        if now == OPEN || now == i64::MIN {
            return Err(Error::invalid("recorded", "expected a time"));
        }
        let rows = self.find(pattern, When { from: valid.0, to: valid.1, recorded: OPEN - 1 });
        let now = self.tick(now);
        let mut done = Asserted::default();
        for row in rows {
            self.cut(row, valid, now, &mut done)?;
        }
        Ok(done)
    }

    fn record(&mut self, claim: &Claim, valid: (i64, i64), recorded: (i64, i64)) -> Result<u32> {
        let &Claim { subject, predicate, object, confidence, .. } = claim;
        self.push(Fact { subject, predicate, object, valid, recorded, confidence })
    }

    fn end(&mut self, row: u32, now: i64, done: &mut Asserted) {
        self.close(row, now);
        done.closed.push(row);
    }

    /// Ends a record and puts what of it lies outside a range in its place.
    fn cut(&mut self, row: u32, range: (i64, i64), now: i64, done: &mut Asserted) -> Result<()> {
        let old = self.rows[row as usize];
        self.end(row, now, done);
        for piece in without(old.valid, range) {
            let rest = self.push(Fact { valid: piece, recorded: (now, OPEN), ..old })?;
            for source in self.sources.get(&row).cloned().unwrap_or_default() {
                self.support(&[rest], Some(source));
            }
            done.remain.push(rest);
        }
        Ok(())
    }

    pub(super) fn support(&mut self, rows: &[u32], source: Option<u32>) {
        let Some(source) = source else { return };
        for &row in rows {
            let known = self.sources.entry(row).or_default();
            if !known.contains(&source) {
                known.push(source);
                self.by_source.entry(source).or_default().push(row);
            }
        }
    }

    /// Where a fact comes from, in the order in which that was said.
    pub fn sources_of(&self, row: u32) -> &[u32] {
        self.sources.get(&row).map_or(&[], |x| x)
    }

    /// Facts that come from a source and still stand, ascending.
    pub fn supported_by(&self, source: u32) -> Vec<u32> {
        let rows = self.by_source.get(&source).into_iter().flatten().copied();
        let mut standing: Vec<u32> = rows.filter(|&row| self.rows[row as usize].stands()).collect();
        standing.sort_unstable();
        standing
    }

    /// Forgets a source, and gives the standing facts that come from nowhere else, ascending.
    pub fn withdraw(&mut self, source: u32) -> Vec<u32> {
        let mut left = Vec::new();
        for row in self.by_source.remove(&source).unwrap_or_default() {
            let Some(known) = self.sources.get_mut(&row) else { continue };
            known.retain(|&x| x != source);
            if known.is_empty() {
                self.sources.remove(&row);
                if self.rows[row as usize].stands() {
                    left.push(row);
                }
            }
        }
        left.sort_unstable();
        left
    }
}

/// What is left of a range without another.
fn without(range: (i64, i64), other: (i64, i64)) -> Vec<(i64, i64)> {
    let before = (range.0, range.1.min(other.0));
    let after = (range.0.max(other.1), range.1);
    [before, after].into_iter().filter(|x| x.0 < x.1).collect()
}
