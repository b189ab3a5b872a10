//! The greatest of a stream of scores, each with the number of what it is a score of.

/// Keeps the `most` greatest; ties go to the lower number. What comes out is in no order.
#[derive(Debug)]
pub(super) struct Shortlist {
    most: usize,
    /// Scores in the order of unsigned integers above, numbers upside down below; at most four times `most`, plus one call's.
    keys: Vec<u64>,
    floor: f32,
}

impl Shortlist {
    /// Nothing yet; `most` is above zero.
    pub(super) fn new(most: usize) -> Self {
        Self { most, keys: Vec::with_capacity(4 * most + WORD), floor: f32::NEG_INFINITY }
    }

    /// What a score must reach to be let in.
    pub(super) fn floor(&self) -> f32 {
        self.floor
    }

    /// Takes the scores of numbers from `first` on whose bits are set.
    #[inline]
    pub(super) fn take(&mut self, first: usize, scores: &[f32], mut bits: u64) {
        while bits != 0 {
            let at = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            self.keys.push(key(scores[at], (first + at) as u32));
        }
        if self.keys.len() >= 4 * self.most {
            self.cut();
            self.floor = score(self.keys[self.most - 1]);
        }
    }

    fn cut(&mut self) {
        if self.keys.len() > self.most {
            self.keys.select_nth_unstable_by(self.most - 1, |a, b| b.cmp(a));
            self.keys.truncate(self.most);
        }
    }

    /// The numbers.
    pub(super) fn finish(mut self) -> impl Iterator<Item = u32> {
        self.cut();
        self.keys.into_iter().map(number)
    }
}

/// Numbers that one call takes.
pub(super) const WORD: usize = 64;

/// One integer that orders like a score, ties by the lower number first.
#[inline]
pub(super) fn key(score: f32, number: u32) -> u64 {
    let bits = score.to_bits();
    // Negative floats order the other way round.
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(!number)
}

/// The number in a key.
#[inline]
pub(super) fn number(key: u64) -> u32 {
    !(key as u32)
}

/// The score in a key.
#[inline]
pub(super) fn score(key: u64) -> f32 {
    let ordered = (key >> 32) as u32;
    f32::from_bits(if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn the_greatest_of_a_stream() {
        let mut seed = Seed::new(4);
        for (count, most) in [(1, 1), (64, 3), (1_000, 96), (5_000, 96), (5_000, 6_000)] {
            let scores: Vec<f32> =
                (0..count).map(|_| (seed.normal() * 8.0).round() as f32 * 0.5).map(|x| x - 1.0).collect();
            let mut list = Shortlist::new(most);
            for (at, scores) in scores.chunks(WORD).enumerate() {
                let floor = list.floor();
                let bits = scores.iter().enumerate().filter(|x| *x.1 >= floor).map(|x| 1u64 << x.0).sum();
                list.take(at * WORD, scores, bits);
            }
            let mut found: Vec<u32> = list.finish().collect();
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
            order.truncate(most);
            order.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, order, "{count} {most}");
        }
        for (value, at) in [(-0.5f32, 3), (0.0, 0), (7.25, u32::MAX), (f32::NEG_INFINITY, 9)] {
            assert_eq!((score(key(value, at)), number(key(value, at))), (value, at));
        }
    }
}
