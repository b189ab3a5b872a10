//! Centre and spread of a score list.

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
    pub(super) fn of(scores: &[f32]) -> Self {
        let (mut count, mut sum, mut squares, mut greatest) = (0usize, 0.0f64, 0.0f64, f32::NEG_INFINITY);
        for &score in scores {
            if score > f32::NEG_INFINITY {
                count += 1;
                sum += f64::from(score);
                squares += f64::from(score) * f64::from(score);
                greatest = greatest.max(score);
            }
        }
        let n = count.max(1) as f64;
        let mean = sum / n;
        let variance = (squares / n - mean * mean).max(0.0);
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

    /// The same, knowing that the list reaches up to these scores.
    pub(super) fn reaching(self, scores: &[f32]) -> Self {
        Self { greatest: scores.iter().copied().fold(self.greatest, f32::max), ..self }
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
        assert_eq!(population.reaching(&[7.0]).greatest, 7.0);
    }
}
