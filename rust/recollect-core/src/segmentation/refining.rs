//! Moving cuts to where they part what belongs together least (EM-LLM, 2407.09450).

use std::str::FromStr;

use super::rules::Rules;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// What a cut is judged by, on the graph of cosines above zero between items around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The most: how much more the two sides hold together than by chance (Newman).
    Modularity,
    /// The least: what is cut against the volume of the smaller side.
    Conductance,
}

impl FromStr for Objective {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "modularity" => Ok(Self::Modularity),
            "conductance" => Ok(Self::Conductance),
            _ => Err(Error::invalid("refine", format!("expected modularity or conductance, found {name:?}"))),
        }
    }
}

/// Similarities of the items of a window as prefix sums: what any two ranges of it share takes four additions.
struct Shared {
    size: usize,
    sums: Vec<f64>,
}

impl Shared {
    fn new(units: &[Vec<f64>]) -> Self {
        let size = units.len();
        let mut sums = vec![0.0; (size + 1) * (size + 1)];
        for a in 0..size {
            for b in 0..size {
                let cosine = match a == b {
                    true => 0.0,
                    false => units[a].iter().zip(&units[b]).map(|(x, y)| x * y).sum::<f64>().max(0.0),
                };
                let at = |a: usize, b: usize| a * (size + 1) + b;
                sums[at(a + 1, b + 1)] = cosine + sums[at(a, b + 1)] + sums[at(a + 1, b)] - sums[at(a, b)];
            }
        }
        Self { size, sums }
    }

    /// The sum over pairs of a range from the start and all, or two ranges from the start.
    fn sum(&self, a: usize, b: usize) -> f64 {
        self.sums[a * (self.size + 1) + b]
    }

    /// How good a cut is: the greater the better.
    fn score(&self, cut: usize, objective: Objective) -> f64 {
        let size = self.size;
        let all = self.sum(size, size);
        // Volumes of both sides, and what lies within each.
        let left = self.sum(cut, size);
        let right = all - left;
        let within_left = self.sum(cut, cut);
        let crossing = left - within_left;
        if all <= 0.0 {
            return 0.0;
        }
        match objective {
            Objective::Modularity => {
                let within = within_left + right - crossing;
                (within - (left * left + right * right) / all) / all
            }
            Objective::Conductance => {
                let smaller = left.min(right);
                // A side of nothing is no cut, whatever rounding left of it.
                if smaller > 1e-9 * all { -crossing / smaller } else { -1.0 }
            }
        }
    }
}

/// Moves every cut that may move to the best place in a window that reaches half a segment to each side, from the first to
/// the last; of equal places the nearest, then the earlier. Segments keep to the sizes of the rules where they did before.
/// O(w² d) a cut for a window of w items.
pub(super) fn refine(
    units: &[Vec<f64>],
    sizes: &[u64],
    bounds: &mut [usize],
    fixed: &[bool],
    objective: Objective,
    rules: &Rules,
    cancel: Cancel<'_>,
) -> Result<()> {
    let size =
        |range: std::ops::Range<usize>| sizes[range].iter().fold(0u64, |sum, &x| sum.saturating_add(x));
    for at in 1..bounds.len().saturating_sub(1) {
        cancel.check()?;
        let (before, cut, after) = (bounds[at - 1], bounds[at], bounds[at + 1]);
        if fixed[at] {
            continue;
        }
        let (from, to) = (before.midpoint(cut), (cut + after).div_ceil(2));
        let shared = Shared::new(&units[from..to]);
        let allowed = |place: usize| {
            let (left, right) = (size(before..place), size(place..after));
            left >= rules.least && right >= rules.least && left.max(right) <= rules.most
        };
        let mut best = (shared.score(cut - from, objective), cut);
        for place in (from + 1..to).filter(|&place| place != cut && allowed(place)) {
            let score = shared.score(place - from, objective);
            let nearer = place.abs_diff(cut) < best.1.abs_diff(cut);
            if score > best.0 + 1e-12 || (nearer && score > best.0 - 1e-12) {
                best = (score, place);
            }
        }
        bounds[at] = best.1;
    }
    Ok(())
}
