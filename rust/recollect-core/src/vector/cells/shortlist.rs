//! The greatest of many scores, each with the number of what it is a score of.

use crate::simd::Kernels;

/// Scores are in whole groups of so many.
pub(super) const WORD: usize = 64;

/// Halvings of the range in which the floor lies.
const HALVINGS: usize = 24;

/// The numbers of the `most` greatest, ascending, and of up to an eighth more; of all that equal the last where many do.
///
/// Scores are their own numbers; those of minus infinity are padding.
pub(super) fn greatest(scores: &[f32], most: usize) -> Vec<u32> {
    let mut reaching = vec![0u64; scores.len() / WORD];
    Kernels::best().at_least_bits(scores, floor(scores, most), &mut reaching);
    let mut numbers = Vec::with_capacity(most + most / 2);
    for (at, mut word) in reaching.into_iter().enumerate() {
        while word != 0 {
            numbers.push((at * WORD) as u32 + word.trailing_zeros());
            word &= word - 1;
        }
    }
    numbers
}

/// What `most` scores reach, and hardly more.
fn floor(scores: &[f32], most: usize) -> f32 {
    let kernels = Kernels::best();
    let ends = scores.iter().rposition(|x| *x > f32::NEG_INFINITY).map_or(0, |last| last + 1);
    let greatest = kernels.greatest(&scores[..ends]).min(f32::MAX / 2.0);
    let (mut low, mut high) = (-greatest, greatest);
    for _ in 0..HALVINGS {
        let middle = low + 0.5 * (high - low);
        let reached = kernels.count_at_least(scores, middle);
        if reached < most {
            high = middle;
        } else {
            low = middle;
            if reached <= most + most / 8 {
                break;
            }
        }
    }
    low
}

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
    fn none_of_the_greatest_is_missed() {
        let mut seed = Seed::new(4);
        for (count, most) in [(1usize, 1), (64, 3), (1_000, 96), (5_000, 96), (5_000, 6_000)] {
            for (step, off) in [(0.5, -1.0), (1e-3, 0.0), (1e-3, -1e5), (0.0, 3.0), (0.0, 0.0), (1e-20, 0.0)]
            {
                let score = |x: f64| (x * 8.0 / f64::max(step, 1e-30)).round() * step + off;
                let mut scores: Vec<f32> = (0..count).map(|_| score(seed.normal()) as f32).collect();
                let mut order: Vec<u32> = (0..count as u32).collect();
                order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
                order.truncate(most);
                let last = order.last().map_or(0.0, |&last| scores[last as usize]);
                let equal = scores.iter().filter(|x| **x == last).count();
                scores.resize(count.next_multiple_of(WORD), f32::NEG_INFINITY);
                let found = greatest(&scores, most);
                assert!(
                    found.is_sorted() && order.iter().all(|at| found.contains(at)),
                    "{count} {most} {step}"
                );
                assert!(found.iter().all(|&at| (at as usize) < count));
                let room = if off < -1e4 { 40 } else { 0 };
                assert!(
                    found.len() <= most + most / 8 + equal + room,
                    "{count} {most} {step} {off} {}",
                    found.len()
                );
            }
        }
        for (value, at) in [(-0.5f32, 3), (0.0, 0), (7.25, u32::MAX), (f32::NEG_INFINITY, 9)] {
            assert_eq!((score(key(value, at)), number(key(value, at))), (value, at));
        }
    }
}
