//! Which of some scores stand out: a mixture of two normal distributions, fitted by expectation maximisation.
//!
//! Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm" (1977). It starts at the
//! least and the greatest score, with half the standard deviation of all; no variance falls below 1e-4.

/// Least variance of a component.
const FLOOR: f64 = 1e-4;

/// Most rounds of fitting, and the change of the means that ends it.
const ROUNDS: usize = 200;
const SETTLED: f64 = 1e-9;

/// Positions of the scores that belong to the component with the higher mean rather than to the other; all of them where
/// they hardly differ. Scores that are not finite belong to neither.
pub fn standing_out(scores: &[f64]) -> Vec<usize> {
    let finite: Vec<usize> = (0..scores.len()).filter(|&at| scores[at].is_finite()).collect();
    let x: Vec<f64> = finite.iter().map(|&at| scores[at]).collect();
    let (least, most) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    if x.len() < 2 || most - least < 1e-12 {
        return finite;
    }
    let high = fit(&x, least, most);
    finite.into_iter().zip(high).filter(|(_, high)| *high > 0.5).map(|(at, _)| at).collect()
}

/// The share of the higher component in each score.
fn fit(x: &[f64], least: f64, most: f64) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let deviation = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    let start = (deviation / 2.0).powi(2).max(FLOOR);
    let (mut means, mut variances, mut shares) = ([least, most], [start; 2], [0.5_f64; 2]);
    let mut high = vec![0.0; x.len()];
    for _ in 0..ROUNDS {
        for (high, &x) in high.iter_mut().zip(x) {
            // In logarithms, so that a far score does not underflow in both.
            let log = |c: usize| {
                let off: f64 = x - means[c];
                libm::log(shares[c].max(1e-300))
                    - 0.5 * libm::log(variances[c])
                    - off * off / (2.0 * variances[c])
            };
            *high = 1.0 / (1.0 + libm::exp(log(0) - log(1)));
        }
        let before = means;
        for c in 0..2 {
            let of = |high: f64| if c == 1 { high } else { 1.0 - high };
            let weight: f64 = high.iter().map(|&high| of(high)).sum();
            if weight < 1e-9 {
                continue;
            }
            means[c] = high.iter().zip(x).map(|(&high, x)| of(high) * x).sum::<f64>() / weight;
            let spread = |(&high, x): (&f64, &f64)| of(high) * (x - means[c]).powi(2);
            variances[c] = (high.iter().zip(x).map(spread).sum::<f64>() / weight).max(FLOOR);
            shares[c] = weight / n;
        }
        if (0..2).all(|c| (means[c] - before[c]).abs() < SETTLED) {
            break;
        }
    }
    if means[0] > means[1] {
        high.iter_mut().for_each(|high| *high = 1.0 - *high);
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn five_similar_ones_stand_out_of_thirty() {
        for seed in 0..1_000 {
            let mut seed = Seed::new(seed);
            let mut scores: Vec<f64> = (0..25).map(|_| 0.2 + 0.05 * seed.normal()).collect();
            scores.extend((0..5).map(|_| 0.75 + 0.04 * seed.normal()));
            assert_eq!(standing_out(&scores), (25..30).collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_equal_or_broken_scores_are_no_trouble() {
        assert_eq!(standing_out(&[]), Vec::<usize>::new());
        assert_eq!(standing_out(&[0.3]), [0]);
        assert_eq!(standing_out(&[0.3; 7]), (0..7).collect::<Vec<_>>());
        assert_eq!(standing_out(&[0.1, f64::NAN, 0.9, f64::INFINITY]), [2]);
    }
}
