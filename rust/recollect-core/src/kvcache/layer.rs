//! What one attention layer holds, and which of its tokens count: those that are no padding and are finite in every head.

use super::rows::Rows;
use super::tasks::each;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Tokens of a sequence that a thread takes at a time, all heads of them.
const SHARE: usize = 256;

/// Keys of a layer, its values where it has them, and the places of its tokens.
#[derive(Debug, Clone)]
pub struct Layer<'a> {
    /// Rows of every head, those of the first sequence first.
    pub keys: Vec<Rows<'a>>,
    /// The same of the values, or none.
    pub values: Vec<Rows<'a>>,
    /// Heads of a sequence.
    pub heads: usize,
    /// Where the tokens of each sequence are, ascending.
    pub present: Vec<Vec<u32>>,
}

/// Numbers of a layer, `(batch, heads, tokens)`, not a number where a token does not count.
pub type Scores = Vec<f32>;

impl Layer<'_> {
    /// Checks that the parts belong together.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check(&self) -> Result<()> {
        let count = self.present.len() * self.heads;
        let tokens = self.tokens();
        let whole = |rows: &Rows<'_>| rows.tokens() == tokens && rows.count() == tokens;
        let inside = |places: &Vec<u32>| {
            places.is_sorted_by(|a, b| a < b) && places.last().is_none_or(|&last| (last as usize) < tokens)
        };
        if self.keys.len() != count
            || !(self.values.is_empty() || self.values.len() == count)
            || !self.keys.iter().chain(&self.values).all(whole)
            || !self.present.iter().all(inside)
        {
            return Err(Error::invalid("layer", "keys, values and tokens do not belong together"));
        }
        Ok(())
    }

    /// Tokens of a sequence, padding too.
    pub fn tokens(&self) -> usize {
        self.keys.first().map_or(0, Rows::tokens)
    }

    /// The heads of one sequence.
    pub(super) fn of<'s, 'r>(&self, parts: &'s [Rows<'r>], index: usize) -> &'s [Rows<'r>] {
        if parts.is_empty() { parts } else { &parts[index * self.heads..(index + 1) * self.heads] }
    }

    /// Says of each place whether it is finite in all of `parts`; places that are already out stay so.
    pub(super) fn sound(&self, parts: &[Rows<'_>], index: usize, places: &[u32], sound: &mut [bool]) {
        for rows in self.of(parts, index) {
            let (first, last) = (places[0] as usize, places[places.len() - 1] as usize);
            // What lies between the first and the last is mostly theirs.
            if rows.finite(first, last - first + 1) {
                continue;
            }
            for (&at, sound) in places.iter().zip(&mut *sound) {
                *sound = *sound && rows.finite(at as usize, 1);
            }
        }
    }

    /// The places of each sequence that are finite in keys and values.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn counting(&self, threads: usize, cancel: Cancel<'_>) -> Result<Vec<Vec<u32>>> {
        let mut kept: Vec<Vec<Vec<u32>>> = Vec::new();
        kept.extend(self.present.iter().map(|places| vec![Vec::new(); places.len().div_ceil(SHARE)]));
        let tasks = kept.iter_mut().zip(&self.present).enumerate().flat_map(|(index, (kept, places))| {
            kept.iter_mut().zip(places.chunks(SHARE)).map(move |(kept, places)| (index, places, kept))
        });
        each(tasks.collect(), threads, cancel, Vec::new, |sound, (index, places, kept), _| {
            sound.clear();
            sound.resize(places.len(), true);
            self.sound(&self.keys, index, places, sound);
            self.sound(&self.values, index, places, sound);
            kept.extend(places.iter().zip(sound).filter(|(_, sound)| **sound).map(|(&at, _)| at));
            Ok(())
        })?;
        Ok(kept.into_iter().map(|parts| parts.concat()).collect())
    }

    /// Scores out of those of pieces: `work` gives `(heads, tokens of the piece)` and says which tokens do not count.
    ///
    /// # Errors
    /// What `work` answers; [`Error::Cancelled`].
    pub(super) fn by_pieces<S>(
        &self,
        threads: usize,
        cancel: Cancel<'_>,
        space: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, Piece<'_>) -> Result<()> + Sync,
    ) -> Result<Scores> {
        let mut found: Vec<Vec<(Vec<f32>, Vec<bool>)>> = Vec::new();
        found
            .extend(self.present.iter().map(|places| vec![Default::default(); places.len().div_ceil(SHARE)]));
        let tasks = found.iter_mut().zip(&self.present).enumerate().flat_map(|(index, (found, places))| {
            found.iter_mut().zip(places.chunks(SHARE)).map(move |(found, places)| (index, places, found))
        });
        each(tasks.collect(), threads, cancel, space, |space, (index, places, found), _| {
            found.0.resize(self.heads * places.len(), 0.0);
            found.1.resize(places.len(), true);
            work(space, Piece { index, places, scores: &mut found.0, sound: &mut found.1 })
        })?;
        let tokens = self.tokens();
        let mut scores = vec![f32::NAN; self.present.len() * self.heads * tokens];
        for (index, (found, places)) in found.iter().zip(&self.present).enumerate() {
            for ((found, sound), places) in found.iter().zip(places.chunks(SHARE)) {
                for (head, found) in found.chunks_exact(places.len()).enumerate() {
                    let out = &mut scores[(index * self.heads + head) * tokens..][..tokens];
                    for ((&at, &score), &sound) in places.iter().zip(found).zip(sound) {
                        out[at as usize] = if sound { score } else { f32::NAN };
                    }
                }
            }
        }
        Ok(scores)
    }
}

/// Some tokens of a sequence, all heads of them.
pub(super) struct Piece<'a> {
    pub(super) index: usize,
    pub(super) places: &'a [u32],
    /// `(heads, places)`.
    pub(super) scores: &'a mut [f32],
    pub(super) sound: &'a mut [bool],
}
