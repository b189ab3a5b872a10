//! Centre and spread of a score list.

const LANES: usize = 8;
/// Least spread of similarities that tells memories apart.
pub(super) const SPREAD: f32 = 1e-6;

/// Moments of the finite scores of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Population {
    /// How many there are.
    pub count: usize,
    /// Their mean.
    pub mean: f32,
    /// Their standard deviation.
    pub deviation: f32,
    /// The greatest.
    pub greatest: f32,
}

impl Population {
    /// Those of a list; eight sums side by side, so that the order of additions is one on every machine.
    pub(super) fn of(scores: &[f32]) -> Self {
        let (mut counts, mut sums, mut squares) = ([0u32; LANES], [0f64; LANES], [0f64; LANES]);
        let mut greatest = [f32::NEG_INFINITY; LANES];
        let mut add = |lanes: &[f32]| {
            for (lane, &score) in lanes.iter().enumerate() {
                let there = score > f32::NEG_INFINITY;
                let value = f64::from(if there { score } else { 0.0 });
                counts[lane] += u32::from(there);
                sums[lane] += value;
                squares[lane] += value * value;
                greatest[lane] = if score > greatest[lane] { score } else { greatest[lane] };
            }
        };
        let (chunks, rest) = scores.as_chunks::<LANES>();
        chunks.iter().for_each(|chunk| add(chunk));
        add(rest);
        let count = counts.iter().sum::<u32>() as usize;
        let n = count.max(1) as f64;
        let mean = sums.iter().sum::<f64>() / n;
        let variance = (squares.iter().sum::<f64>() / n - mean * mean).max(0.0);
        let greatest = greatest.into_iter().fold(f32::NEG_INFINITY, f32::max);
        Self { count, mean: mean as f32, deviation: variance.sqrt() as f32, greatest }
    }

    /// The population of several lists together.
    pub(super) fn joined(lists: impl Iterator<Item = Self>) -> Self {
        let (mut count, mut sum, mut squares, mut greatest) = (0usize, 0.0f64, 0.0f64, f32::NEG_INFINITY);
        for list in lists {
            let (n, mean, deviation) = (list.count as f64, f64::from(list.mean), f64::from(list.deviation));
            count += list.count;
            sum += n * mean;
            squares += n * (deviation * deviation + mean * mean);
            greatest = greatest.max(list.greatest);
        }
        let n = count.max(1) as f64;
        let mean = sum / n;
        Self {
            count,
            mean: mean as f32,
            deviation: (squares / n - mean * mean).max(0.0).sqrt() as f32,
            greatest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_what_is_there() {
        let population = Population::of(&[1.0, f32::NEG_INFINITY, 3.0]);
        assert_eq!(population, Population { count: 2, mean: 2.0, deviation: 1.0, greatest: 3.0 });
        assert_eq!(Population::of(&[]).deviation, 0.0);
        let joined = Population::joined([Population::of(&[1.0]), Population::of(&[3.0])].into_iter());
        assert_eq!(joined, population);
    }
}
