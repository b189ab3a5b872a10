//! How far a search must go for a recall: read off samples of the index's own vectors.
//!
//! A sample is a query near a stored vector. Its nearest are found by a search of all cells with room to spare, and for
//! each of them it is noted how many cells, nearest first, would have reached it, and by how many standard deviations its
//! code falls short. A recall is then the share of these neighbours within reach. One sample goes with one write, so that
//! no write waits for a round of them.

use super::scanning::Reach;

/// Depths that needs are noted for: neighbours of a sample.
pub(super) const DEPTHS: [usize; 2] = [10, 100];

/// Samples of a round.
pub(super) const SAMPLES: usize = 64;

/// Cells below which there is nothing to choose.
const LEAST_CELLS: usize = 8;

/// Slack of a search that is to find all neighbours, near enough.
pub(super) const AMPLE: f32 = 3.5;

/// Share of the misses that the slack may cost; the cells may cost the others.
const BY_SLACK: f64 = 0.25;

/// What it takes to find one neighbour of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Need {
    pub cells: u32,
    pub slack: f32,
}

/// The needs that one round of samples found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::vector) struct Calibration {
    /// By depth.
    pub(super) needs: [Vec<Need>; 2],
    /// Rows there were.
    pub(super) rows: usize,
    /// Cells there were.
    pub(super) cells: usize,
}

impl Calibration {
    /// How far to go for the best `k` at a recall below one, with `cells` cells by now; and the recall to expect.
    ///
    /// Nothing where the samples do not speak of so deep a search.
    pub(super) fn reach(&self, k: f64, target: f64, cells: usize) -> Option<(Reach, f64)> {
        // The depth by which a search goes must not lie far below its own.
        let depth = DEPTHS.iter().position(|&depth| k <= 1.5 * depth as f64)?;
        let needs = &self.needs[depth];
        if needs.is_empty() || cells < LEAST_CELLS {
            return None;
        }
        // The share in a sample is off the share in all by about this much.
        let target = target + 0.5 * (target * (1.0 - target) / needs.len() as f64).sqrt();
        let mut slacks: Vec<f32> = needs.iter().map(|need| need.slack).collect();
        slacks.sort_unstable_by(f32::total_cmp);
        let share = |target: f64| ((target * needs.len() as f64).ceil() as usize).clamp(1, needs.len());
        let slack = slacks[share(1.0 - BY_SLACK * (1.0 - target)) - 1];
        let mut within: Vec<u32> = needs.iter().filter(|x| x.slack <= slack).map(|x| x.cells).collect();
        within.sort_unstable();
        let then = *within.get(share(target) - 1).or(within.last())?;
        // More cells of the same size mean finer ones: a neighbourhood is spread over more of them.
        let grown = (cells as f64 / self.cells.max(1) as f64).max(1.0).sqrt();
        let wanted = ((f64::from(then) * grown).ceil() as usize).min(cells);
        let reached = needs.iter().filter(|x| x.slack <= slack && x.cells <= then).count();
        Some((Reach { cells: wanted, slack }, reached as f64 / needs.len() as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_neighbours_within_reach_is_the_recall() {
        let needs = (0..1_000).map(|i| Need { cells: 1 + i % 100, slack: (i / 100) as f32 / 10.0 }).collect();
        let calibration = Calibration { needs: [needs, Vec::new()], rows: 30_000, cells: 100 };
        for target in [0.5, 0.9, 0.95, 0.99] {
            let (reach, expected) = calibration.reach(10.0, target, 100).unwrap();
            assert!(expected >= target && expected < target + 0.11, "{target} {expected} {reach:?}");
            let (wider, _) = calibration.reach(10.0, target, 400).unwrap();
            assert!(wider.cells > reach.cells && wider.cells <= 2 * reach.cells + 1);
        }
        assert_eq!(calibration.reach(100.0, 0.9, 100), None);
        assert_eq!(calibration.reach(10.0, 0.9, LEAST_CELLS - 1), None);
    }
}
